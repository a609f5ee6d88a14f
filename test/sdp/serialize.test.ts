import assert from 'node:assert/strict'
import type { SdpMedia, SdpSession } from '../../src/sdp/description.ts'
import { SdpError } from '../../src/sdp/errors.ts'
import { parseSdp, serializeSdp } from '../../src/sdp/index.ts'
import { fixture, fixtures, lines, mediaWith, sessionWith, sha256 } from './fixtures.ts'

const minimal: SdpSession = parseSdp(sessionWith())
const media: SdpMedia = {
  kind: 'application',
  port: 9,
  protocol: 'UDP/DTLS/SCTP',
  formats: ['webrtc-datachannel'],
  bundleOnly: false,
  iceOptions: [],
  fingerprints: [],
  candidates: [],
  endOfCandidates: false,
  rtcpMux: false,
  rtcpMuxOnly: false,
  attributes: [],
}

describe('serializeSdp', () => {
  // RFC 8829 §5.2.1
  it('writes the shortest description', () => {
    assert.equal(serializeSdp(minimal), 'v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n')
  })

  // RFC 8829 §7.3: its examples show the order.
  it('writes a data section in the order of the examples of RFC 8829', () => {
    const session: SdpSession = {
      ...minimal,
      iceOptions: ['trickle', 'ice2'],
      groups: [{ semantics: 'BUNDLE', mids: ['0'] }],
      attributes: [{ name: 'extmap-allow-mixed' }],
      media: [
        {
          ...media,
          connection: 'IN IP4 0.0.0.0',
          bandwidths: [{ type: 'AS', value: 30 }],
          mid: '0',
          direction: 'sendrecv',
          attributes: [{ name: 'x', value: '1' }, { name: 'y' }],
          sctpPort: 5000,
          maxMessageSize: 65536,
          iceOptions: ['renomination'],
          iceUfrag: 'abcd',
          icePwd: 'p'.repeat(22),
          fingerprints: [{ algorithm: 'sha-256', value: sha256 }],
          setup: 'actpass',
          tlsId: 't'.repeat(20),
          rtcpMux: true,
          rtcpMuxOnly: true,
          candidates: [
            {
              foundation: '1',
              component: 1,
              protocol: 'udp',
              priority: 1,
              address: '192.0.2.1',
              port: 9,
              type: 'host',
              extensions: [],
            },
          ],
          endOfCandidates: true,
        },
        { ...media, kind: 'audio', port: 0, protocol: 'UDP/TLS/RTP/SAVPF', formats: ['0'], mid: '1', bundleOnly: true },
      ],
    }
    const text = lines(
      'v=0',
      'o=- 1 1 IN IP4 0.0.0.0',
      's=-',
      't=0 0',
      'a=ice-options:trickle ice2',
      'a=group:BUNDLE 0',
      'a=extmap-allow-mixed',
      'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
      'c=IN IP4 0.0.0.0',
      'b=AS:30',
      'a=mid:0',
      'a=sendrecv',
      'a=x:1',
      'a=y',
      'a=sctp-port:5000',
      'a=max-message-size:65536',
      'a=ice-options:renomination',
      'a=ice-ufrag:abcd',
      `a=ice-pwd:${'p'.repeat(22)}`,
      `a=fingerprint:sha-256 ${sha256}`,
      'a=setup:actpass',
      `a=tls-id:${'t'.repeat(20)}`,
      'a=rtcp-mux',
      'a=rtcp-mux-only',
      'a=candidate:1 1 udp 1 192.0.2.1 9 typ host',
      'a=end-of-candidates',
      'm=audio 0 UDP/TLS/RTP/SAVPF 0',
      'a=mid:1',
      'a=bundle-only',
    )
    assert.equal(serializeSdp(session), text)
    // RFC 9143 §6: reading discards bundle-only in a section that is not bundled; nothing else is lost.
    const [data, audio] = session.media
    assert.ok(data && audio)
    assert.deepEqual(parseSdp(text), { ...session, media: [data, { ...audio, bundleOnly: false }] })
  })

  for (const { from, text } of fixtures) {
    it(`gives back ${from}`, () => {
      const session = parseSdp(text)
      const written = serializeSdp(session)
      assert.deepEqual(parseSdp(written), session)
      assert.equal(serializeSdp(parseSdp(written)), written)
      assert.equal(written.replaceAll('\r\n', '').includes('\n'), false)
      assert.deepEqual(sorted(written), sorted(text.replace('ice2,trickle', 'ice2 trickle')))
    })
  }

  it('does not add a=sctp-port to the old form, unless it differs from what that says', () => {
    const session = parseSdp(fixture('an early browser'))
    assert.doesNotMatch(serializeSdp(session), /sctp-port/)
    const [first] = session.media
    assert.ok(first)
    assert.match(serializeSdp({ ...session, media: [{ ...first, sctpPort: 5001 }] }), /a=sctp-port:5001\r\n/)
  })

  it('puts the hash function into lower case and the fingerprint into upper case', () => {
    const fingerprints = [{ algorithm: 'SHA-256', value: sha256.toLowerCase() }]
    assert.match(serializeSdp({ ...minimal, fingerprints }), new RegExp(`a=fingerprint:sha-256 ${sha256}\r\n`))
  })

  it('keeps an attribute whose name another section gives a meaning to', () => {
    const session = parseSdp(sessionWith('a=mid:0', 'm=audio 9 RTP/AVP 0', 'a=group:BUNDLE 0', 'a=ice-lite'))
    assert.deepEqual(parseSdp(serializeSdp(session)), session)
  })
})

describe('serializeSdp, given values that do not fit their lines', () => {
  const origin = minimal.origin
  const refused: readonly (readonly [what: string, fields: Partial<SdpSession>])[] = [
    ['a line end in the session name', { sessionName: 'x\r\na=ice-lite' }],
    ['a lone CR in the session name', { sessionName: 'x\ry' }],
    ['a lone LF in the user name', { origin: { ...origin, username: 'x\n' } }],
    ['a space in the user name', { origin: { ...origin, username: 'x y' } }],
    ['an empty user name', { origin: { ...origin, username: '' } }],
    ['a session id that is no number', { origin: { ...origin, sessionId: 'x' } }],
    ['an empty session version', { origin: { ...origin, sessionVersion: '' } }],
    ['a network type with a line end', { origin: { ...origin, netType: 'IN\n' } }],
    ['an address of two words', { origin: { ...origin, address: '0.0.0.0 x' } }],
    ['a connection with a line end', { connection: 'IN IP4 0.0.0.0\r\na=x' }],
    ['a connection of two words', { connection: 'IN IP4' }],
    ['a bandwidth type with a colon', { bandwidths: [{ type: 'A:S', value: 1 }] }],
    ['a negative bandwidth', { bandwidths: [{ type: 'AS', value: -1 }] }],
    ['a group of words with spaces', { groups: [{ semantics: 'BUNDLE', mids: ['0 1'] }] }],
    ['a group without semantics', { groups: [{ semantics: '', mids: ['0'] }] }],
    ['an ICE option of two words', { iceOptions: ['trickle ice2'] }],
    ['an ICE option with a comma', { iceOptions: ['trickle,ice2'] }],
    ['a short username fragment', { iceUfrag: 'abc' }],
    ['a username fragment with a line end', { iceUfrag: 'abcd\r\n' }],
    ['a short password', { icePwd: 'p'.repeat(21) }],
    ['a password with a line end at its end', { icePwd: `${'p'.repeat(22)}\n` }],
    ['a short fingerprint', { fingerprints: [{ algorithm: 'sha-256', value: 'AB' }] }],
    ['a fingerprint with a line end', { fingerprints: [{ algorithm: 'x', value: 'AB\r\na=x' }] }],
    ['a fingerprint of nothing', { fingerprints: [{ algorithm: 'x', value: '' }] }],
    ['a tls-id with a line end', { tlsId: `${'t'.repeat(20)}\n` }],
    ['an unknown role', { setup: 'both' as 'active' }],
    ['an attribute without a name', { attributes: [{ name: '' }] }],
    ['an attribute with a colon in its name', { attributes: [{ name: 'a:b' }] }],
    ['an attribute with a line end in its name', { attributes: [{ name: 'a\r\nb' }] }],
    ['an attribute with a line end in its value', { attributes: [{ name: 'a', value: 'b\r\na=setup:active' }] }],
    ['an attribute with NUL in its value', { attributes: [{ name: 'a', value: '\0' }] }],
    ['an attribute with an escape in its value', { attributes: [{ name: 'a', value: '\u001b[2J' }] }],
    ['an attribute that has a field', { attributes: [{ name: 'setup', value: 'active' }] }],
    ['a media section with a port too high', { media: [{ ...media, port: 65536 }] }],
    ['a media section with no ports', { media: [{ ...media, portCount: 0 }] }],
    ['a media section of two words', { media: [{ ...media, kind: 'audio 9' }] }],
    ['a media section with an empty part of a protocol', { media: [{ ...media, protocol: 'UDP//SCTP' }] }],
    ['a media section with a line end in a format', { media: [{ ...media, formats: ['0\r\na=x'] }] }],
    ['a media section without a format', { media: [{ ...media, formats: [] }] }],
    ['a mid of two words', { media: [{ ...media, mid: '0 1' }] }],
    ['an SCTP port too high', { media: [{ ...media, sctpPort: 65536 }] }],
    ['a message size with a fraction', { media: [{ ...media, maxMessageSize: 1.5 }] }],
    ['an infinite message size', { media: [{ ...media, maxMessageSize: Number.POSITIVE_INFINITY }] }],
    ['a media attribute that has a field', { media: [{ ...media, attributes: [{ name: 'candidate', value: 'x' }] }] }],
  ]
  for (const [what, fields] of refused) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => serializeSdp({ ...minimal, ...fields }),
        (error: unknown) => error instanceof SdpError && error.line === undefined,
      )
    })
  }

  it('accepts the same values once they are right', () => {
    const good: SdpSession = { ...minimal, iceUfrag: 'abcd', icePwd: 'p'.repeat(22), media: [media] }
    assert.deepEqual(parseSdp(serializeSdp(good)), good)
  })

  it('accepts what a media section may leave out only if it is rejected', () => {
    const rejected: SdpMedia = { ...media, port: 0, formats: [] }
    assert.deepEqual(parseSdp(serializeSdp({ ...minimal, media: [rejected] })).media, [rejected])
    assert.equal(parseSdp(mediaWith()).media.length, 1)
  })
})

/** The lines of a description without order, hexadecimal digits in upper case. */
function sorted(text: string): string[] {
  return text
    .split(/\r?\n/)
    .filter(line => line !== '')
    .map(line => (line.startsWith('a=fingerprint') ? line.toUpperCase() : normalized(line)))
    .sort()
}

/** Candidates come back with their transport in lower case. */
function normalized(line: string): string {
  return line.startsWith('a=candidate') ? line.replace(' UDP ', ' udp ').replace(' TCP ', ' tcp ') : line
}
