import assert from 'node:assert/strict'
import type { SdpMedia } from '../../src/sdp/description.ts'
import { SdpError } from '../../src/sdp/errors.ts'
import { isDataSection, parseSdp } from '../../src/sdp/index.ts'
import { fixture, fixtures, mediaWith, sessionWith, sha256 } from './fixtures.ts'

describe('parseSdp', () => {
  for (const { from, text, data } of fixtures) {
    it(`reads ${from}`, () => {
      const session = parseSdp(text)
      const media = session.media[data]
      assert.ok(media)
      assert.equal(isDataSection(media), true)
      assert.equal(media.sctpPort, 5000)
      assert.equal(session.groups[0]?.semantics, 'BUNDLE')
      assert.ok(session.groups[0]?.mids.includes(media.mid ?? ''))
    })
  }

  it('reads every field of a data section', () => {
    const session = parseSdp(fixture('Chromium, an offer'))
    assert.deepEqual(session.origin, {
      username: '-',
      sessionId: '5836291047120394857',
      sessionVersion: '2',
      netType: 'IN',
      addressType: 'IP4',
      address: '127.0.0.1',
    })
    assert.equal(session.sessionName, '-')
    assert.equal(session.iceLite, false)
    assert.deepEqual(session.groups, [{ semantics: 'BUNDLE', mids: ['0'] }])
    assert.deepEqual(session.attributes, [{ name: 'extmap-allow-mixed' }, { name: 'msid-semantic', value: ' WMS' }])
    assert.deepEqual(only(session.media), {
      kind: 'application',
      port: 51472,
      protocol: 'UDP/DTLS/SCTP',
      formats: ['webrtc-datachannel'],
      connection: 'IN IP4 203.0.113.7',
      mid: '0',
      bundleOnly: false,
      iceUfrag: 'Xw3k',
      icePwd: 'uK2pQ9sT4vB7nM1cZ8xL5aHd',
      iceOptions: ['trickle'],
      fingerprints: [{ algorithm: 'sha-256', value: sha256 }],
      setup: 'actpass',
      candidates: [
        {
          foundation: '2817356401',
          component: 1,
          protocol: 'udp',
          priority: 2113937151,
          address: '3b0a8f5e-7c1d-4e92-9a46-d2c7f1e80b35.local',
          port: 51472,
          type: 'host',
          extensions: [
            ['generation', '0'],
            ['network-cost', '999'],
          ],
        },
        {
          foundation: '842163049',
          component: 1,
          protocol: 'udp',
          priority: 1677729535,
          address: '203.0.113.7',
          port: 51472,
          type: 'srflx',
          relatedAddress: '0.0.0.0',
          relatedPort: 0,
          extensions: [
            ['generation', '0'],
            ['network-cost', '999'],
          ],
        },
      ],
      endOfCandidates: false,
      rtcpMux: false,
      rtcpMuxOnly: false,
      sctpPort: 5000,
      maxMessageSize: 262144,
      attributes: [],
    })
  })

  it('keeps session-level transport attributes at the session level', () => {
    const session = parseSdp(fixture('libdatachannel'))
    assert.equal(session.iceUfrag, 'p+2y')
    assert.equal(session.icePwd, 'hV7tRk2LmQ0xYc5Zb8NwEs')
    assert.equal(session.setup, 'actpass')
    assert.deepEqual(session.fingerprints, [{ algorithm: 'sha-256', value: sha256 }])
    assert.equal(only(session.media).iceUfrag, undefined)
    assert.equal(only(session.media).endOfCandidates, true)
  })

  // RFC 8839 §5.6
  it('reads ICE options separated by spaces, by commas, and over several lines', () => {
    assert.deepEqual(parseSdp(fixture('libdatachannel')).iceOptions, ['ice2', 'trickle'])
    assert.deepEqual(parseSdp(fixture('the examples')).iceOptions, ['trickle', 'ice2'])
    const session = parseSdp(sessionWith('a=ice-options:trickle', 'a=ice-options:rtp+ecn google-ice'))
    assert.deepEqual(session.iceOptions, ['trickle', 'rtp+ecn', 'google-ice'])
  })

  // RFC 8866 §5.13
  it('keeps unknown attributes in order, with and without a value', () => {
    const { attributes } = only(parseSdp(mediaWith('a=x:1', 'a=mid:0', 'a=y', 'a=x:2', 'a=z:', 'a=w:a:b ')).media)
    assert.deepEqual(attributes, [
      { name: 'x', value: '1' },
      { name: 'y' },
      { name: 'x', value: '2' },
      { name: 'z', value: '' },
      { name: 'w', value: 'a:b ' },
    ])
  })

  it('keeps an attribute that is not for this level among the unknown ones', () => {
    const session = parseSdp(sessionWith('a=mid:0', 'a=candidate:rubbish', 'a=sctp-port:x'))
    assert.deepEqual(
      session.attributes.map(({ name }) => name),
      ['mid', 'candidate', 'sctp-port'],
    )
    assert.deepEqual(only(parseSdp(mediaWith('a=ice-lite')).media).attributes, [{ name: 'ice-lite' }])
  })

  it('takes names such as __proto__ and constructor for names', () => {
    const names = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty']
    const added = names.flatMap(name => [`a=${name}`, `a=${name}:polluted`])
    const session = parseSdp(sessionWith(...added, 'm=__proto__ 9 constructor/__proto__ toString', ...added))
    for (const section of [session, only(session.media)]) {
      assert.deepEqual(
        section.attributes.map(({ name }) => name),
        names.flatMap(name => [name, name]),
      )
      assert.equal(Object.getPrototypeOf(section), Object.prototype)
    }
    assert.equal(only(session.media).kind, '__proto__')
    assert.equal('polluted' in {}, false)
    assert.deepEqual(parseSdp(sessionWith('a=group:__proto__ constructor')).groups, [
      { semantics: '__proto__', mids: ['constructor'] },
    ])
  })

  // RFC 8866 §5.14
  it('keeps sections of any kind and protocol, so that they can be rejected', () => {
    const session = parseSdp(
      sessionWith('m=image 54111 TCP t38', 'm=text 0 UDP/TLS/RTP/SAVPF 98 99', 'm=message 2855/2 TCP/TLS/MSRP *'),
    )
    assert.deepEqual(
      session.media.map(({ kind, port, portCount, protocol, formats }) => [kind, port, portCount, protocol, formats]),
      [
        ['image', 54111, undefined, 'TCP', ['t38']],
        ['text', 0, undefined, 'UDP/TLS/RTP/SAVPF', ['98', '99']],
        ['message', 2855, 2, 'TCP/TLS/MSRP', ['*']],
      ],
    )
  })

  it('takes a rejected section without a format, but no other', () => {
    assert.deepEqual(only(parseSdp(sessionWith('m=video 0 UDP/TLS/RTP/SAVPF')).media).formats, [])
    rejects(sessionWith('m=video 9 UDP/TLS/RTP/SAVPF'), 5, /format/)
  })

  // RFC 8829 §5.1.2: the old protocol is to be received.
  it('reads the SCTP port of the old form from the format or the map', () => {
    const port = (...added: string[]) => only(parseSdp(sessionWith(...added)).media).sctpPort
    assert.equal(port('m=application 9 DTLS/SCTP 5001', 'a=sctpmap:5001 webrtc-datachannel 256'), 5001)
    assert.equal(port('m=application 9 DTLS/SCTP 5001'), 5001)
    assert.equal(port('m=application 9 DTLS/SCTP webrtc-datachannel', 'a=sctpmap:5002 webrtc-datachannel'), 5002)
    assert.equal(port('m=application 9 UDP/DTLS/SCTP webrtc-datachannel', 'a=sctpmap:5003 webrtc-datachannel'), 5003)
    assert.equal(port('m=application 9 DTLS/SCTP 5001', 'a=sctp-port:5004'), 5004)
    assert.equal(port('m=application 9 DTLS/SCTP 70000'), undefined)
    assert.equal(port('m=application 9 UDP/DTLS/SCTP 5001'), undefined)
    assert.equal(port('m=audio 9 RTP/AVP 0', 'a=sctpmap:5000 webrtc-datachannel'), undefined)
  })

  // RFC 9143 §6
  it('discards bundle-only outside of a BUNDLE group', () => {
    const bundleOnly = (group: string) =>
      only(
        parseSdp(sessionWith(group, 'm=application 0 UDP/DTLS/SCTP webrtc-datachannel', 'a=mid:d', 'a=bundle-only'))
          .media,
      ).bundleOnly
    assert.equal(bundleOnly('a=group:BUNDLE a d'), true)
    assert.equal(bundleOnly('a=group:BUNDLE a'), false)
    assert.equal(bundleOnly('a=group:LS d'), false)
  })

  // RFC 8866 §5.2, §5.7, §5.8, §5.9, §5.10, §5.11 and §5.12
  it('reads all other lines and leaves out those that mean nothing here', () => {
    const session = parseSdp(
      [
        'v=0',
        'o=jdoe 3724394400 3724394405 IN IP6 2001:db8::1',
        's=Call to Ján 🙂',
        'i=SDP Offer #1',
        'u=http://www.jdoe.example.com/home.html',
        'e=Jane Doe <jane@jdoe.example.com>',
        'e=john@jdoe.example.com',
        'p=+1 617 555-6011',
        'c=IN IP6 2001:db8::1',
        'b=CT:100',
        'b=X-YZ:128',
        't=3724394400 3724398000',
        'r=604800 3600 0 90000',
        'r=7d 1h 0 25h',
        'z=3730928400 -1h 3749680800 0',
        't=0 0',
        'k=prompt',
        'a=recvonly',
        'm=audio 49170 RTP/AVP 0',
        'i=a title',
        'c=IN IP4 233.252.0.1/127',
        'c=IN IP4 233.252.0.2/127',
        'b=AS:64',
        'k=clear:no',
        'a=inactive',
      ].join('\n'),
    )
    assert.equal(session.sessionName, 'Call to Ján 🙂')
    assert.equal(session.connection, 'IN IP6 2001:db8::1')
    assert.deepEqual(session.bandwidths, [
      { type: 'CT', value: 100 },
      { type: 'X-YZ', value: 128 },
    ])
    assert.equal(session.direction, 'recvonly')
    assert.equal(only(session.media).connection, 'IN IP4 233.252.0.1/127')
    assert.deepEqual(only(session.media).bandwidths, [{ type: 'AS', value: 64 }])
    assert.equal(only(session.media).direction, 'inactive')
    assert.deepEqual(session.attributes, [])
  })

  // RFC 8866 §5
  it('takes empty lines behind the end, and an empty session name', () => {
    assert.equal(parseSdp(`${sessionWith('a=x')}\r\n\n\r\n`).attributes.length, 1)
    assert.equal(parseSdp(sessionWith().replace('s=-', 's=')).sessionName, '')
  })
})

// RFC 8866 §5: the order of the lines; RFC 8829 §5.8.1: it is to be insisted on.
describe('parseSdp, given lines out of order', () => {
  const cases: readonly (readonly [what: string, text: string, line: number, fault: RegExp])[] = [
    ['nothing', '', 1, /the end.*v=/],
    ['no version', 'o=- 1 1 IN IP4 0.0.0.0', 1, /v= is missing/],
    ['another version', 'v=1\r\n', 1, /version/],
    ['no origin', 'v=0\ns=-\nt=0 0\n', 2, /o= is missing/],
    ['no session name', 'v=0\no=- 1 1 IN IP4 0.0.0.0\nt=0 0\n', 3, /s= is missing/],
    ['no time', 'v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\na=x\n', 4, /t= is missing/],
    ['no time before the media', 'v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nm=audio 9 RTP/AVP 0\n', 4, /t= is missing/],
    ['no time at the end', 'v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\n', 3, /the end.*t= is missing/],
    ['a second version', 'v=0\nv=0\n', 2, /once/],
    ['a version behind the origin', 'v=0\no=- 1 1 IN IP4 0.0.0.0\nv=0\n', 3, /late/],
    ['a connection behind the time', sessionWith('c=IN IP4 0.0.0.0'), 5, /late/],
    ['a time behind the attributes', sessionWith('a=x', 't=0 0'), 6, /late/],
    ['a session line in a media section', mediaWith('t=0 0'), 7, /no place/],
    ['a zone without a repetition', sessionWith('z=0 -1h'), 5, /follow/],
    ['a repetition behind a zone', sessionWith('r=7d 1h 0', 'z=0 -1h', 'r=7d 1h 0'), 7, /follow/],
    ['an unknown type', sessionWith('y=1'), 5, /no place/],
    ['a type in upper case', sessionWith('A=x'), 5, /no place/],
    ['a line without a type', sessionWith('hello'), 5, /<type>=<value>/],
    ['a space before the equals sign', sessionWith('a =x'), 5, /<type>=<value>/],
    ['an empty line', sessionWith('', 'a=x'), 5, /<type>=<value>/],
    ['an empty line at the beginning', `\n${sessionWith()}`, 1, /<type>=<value>/],
    ['an attribute without a name', sessionWith('a='), 5, /name/],
    ['an attribute without a name but a value', sessionWith('a=:x'), 5, /name/],
    ['two titles that differ', mediaWith('i=one', 'i=two'), 8, /contradicts/],
  ]
  for (const [what, text, line, fault] of cases) it(`rejects ${what}`, () => rejects(text, line, fault))
})

// RFC 8829 §5.8: what cannot be read rejects the description.
describe('parseSdp, given malformed values', () => {
  const session: readonly (readonly [line: string, fault: RegExp])[] = [
    ['a=ice-ufrag:abc', /a=ice-ufrag.*4 to 256/],
    [`a=ice-ufrag:${'x'.repeat(257)}`, /4 to 256/],
    ['a=ice-ufrag:ab.d', /letters/],
    ['a=ice-ufrag', /missing/],
    [`a=ice-pwd:${'x'.repeat(21)}`, /a=ice-pwd.*22 to 256/],
    [`a=ice-pwd:${'x'.repeat(257)}`, /22 to 256/],
    [`a=ice-pwd:${'x'.repeat(22)} `, /letters/],
    ['a=ice-lite:1', /no value/],
    ['a=ice-options', /missing/],
    ['a=ice-options:trickle <b>', /token/],
    ['a=group:', /semantics/],
    ['a=group', /missing/],
    ['a=group:BUNDLE "', /mid/],
    ['a=fingerprint:sha-256', /a hash function and a value/],
    [`a=fingerprint:sha-256 ${sha256.slice(3)}`, /32 bytes, not 31/],
    [`a=fingerprint:sha-256 ${sha256}:00`, /32 bytes, not 33/],
    [`a=fingerprint:SHA-1 ${sha256}`, /sha-1 .* 20 bytes, not 32/],
    [`a=fingerprint:sha-256 ${sha256.replace('0F', '0G')}`, /hexadecimal/],
    [`a=fingerprint:sha-256 ${sha256.replaceAll(':', '')}`, /hexadecimal/],
    [`a=fingerprint:sha-256 ${sha256.replace('FF', 'ﬀ')}`, /hexadecimal/],
    [`a=fingerprint:sha-256 ${sha256} x`, /a hash function and a value/],
    ['a=fingerprint:sha<256 00', /hash function/],
    ['a=setup:actpassive', /one of actpass/],
    ['a=setup:', /one of actpass/],
    ['a=tls-id:short', /tls-id/],
    ['a=sendrecv:yes', /no value/],
  ]
  for (const [line, fault] of session) it(`rejects ${line.slice(0, 60)}`, () => rejects(sessionWith(line), 5, fault))

  const media: readonly (readonly [line: string, fault: RegExp])[] = [
    ['a=mid', /missing/],
    ['a=mid:', /token/],
    ['a=mid:a b', /token/],
    ['a=sctp-port:65536', /0 to 65535/],
    ['a=sctp-port:-1', /decimal/],
    ['a=sctp-port:', /decimal/],
    ['a=sctp-port:0x10', /decimal/],
    ['a=max-message-size:1e6', /decimal/],
    ['a=max-message-size:9007199254740994', /from 0 to 9007199254740992/],
    [`a=max-message-size:${'9'.repeat(400)}`, /from 0 to/],
    ['a=rtcp-mux:', /no value/],
    ['a=end-of-candidates:', /no value/],
    ['a=candidate', /missing/],
    ['a=candidate:1 1 udp 1 192.0.2.1 9 typ', /8 fields/],
    ['c=IN IP4', /3 fields/],
    ['c=IN IP4 0.0.0.0 x', /3 fields/],
    ['b=AS', /decimal/],
    ['b=AS:x', /decimal/],
    ['b=:1', /token/],
    ['k=secret', /key method/],
  ]
  for (const [line, fault] of media) it(`rejects ${line.slice(0, 60)}`, () => rejects(mediaWith(line), 7, fault))

  const others: readonly (readonly [text: string, line: number, fault: RegExp])[] = [
    [sessionWith('m=audio 65536 RTP/AVP 0'), 5, /port/],
    [sessionWith('m=audio x RTP/AVP 0'), 5, /port/],
    [sessionWith('m=audio 9/0 RTP/AVP 0'), 5, /number of ports/],
    [sessionWith('m=audio 9'), 5, /protocol/],
    [sessionWith('m=audio 9 RTP//AVP 0'), 5, /protocol/],
    [sessionWith('m=a"dio 9 RTP/AVP 0'), 5, /media type/],
    [sessionWith('m=audio 9 RTP/AVP (0)'), 5, /format/],
    [sessionWith('m='), 5, /media type/],
    [sessionWith('r=7d 1h'), 5, /offset/],
    [sessionWith('r=7d 1x 0'), 5, /decimal/],
    [sessionWith('r=7d 1h 0', 'z=0'), 6, /pairs/],
    [sessionWith().replace('t=0 0', 't=0'), 4, /start and a stop/],
    [sessionWith().replace('t=0 0', 't=a b'), 4, /decimal/],
    [sessionWith().replace('o=- 1 1 IN IP4 0.0.0.0', 'o=- 1 1 IN IP4'), 2, /6 fields/],
    [sessionWith().replace('o=- 1 1', 'o=- -1 1'), 2, /session id/],
    [sessionWith().replace('o=- 1 1', 'o=- 1 0x1'), 2, /session version/],
    [sessionWith().replace('s=-', 's=-\r\nu='), 4, /missing/],
    [sessionWith('a=x:\0'), 5, /control/],
    [sessionWith('a=x:a\rb'), 5, /control/],
    [sessionWith('a=x:\u001b[31m'), 5, /control/],
    [sessionWith('a=x\u007f'), 5, /control/],
  ]
  for (const [text, line, fault] of others) {
    it(`rejects ${JSON.stringify(text.split('\r\n')[line - 1])}`, () => rejects(text, line, fault))
  }

  it('never repeats a value in its message, for it may be a password', () => {
    const secret = 'CanarySecret.0123456789abc'
    const values = [`a=ice-pwd:${secret}`, `a=ice-ufrag:${secret}`, `a=fingerprint:sha-256 ${secret}`, `${secret}=x`]
    for (const line of [...values, `x=${secret}`, `a=mid:${secret} x`, `a=setup:${secret}`, `a=tls-id:${secret}!`]) {
      assert.throws(
        () => parseSdp(mediaWith(line)),
        (error: unknown) => error instanceof SdpError && !`${error.stack}`.includes('Canary'),
        line,
      )
    }
  })

  it('says which line is at fault, however the lines end', () => {
    for (const end of ['\n', '\r\n']) {
      const text = mediaWith('a=mid:0', 'a=setup:both').replaceAll('\r\n', end)
      rejects(text, 8, /^line 8 \(a=setup\): the role must be one of actpass, active, passive, holdconn$/)
    }
  })
})

describe('parseSdp, given values at their bounds', () => {
  // RFC 8839 §5.4
  it('takes user names and passwords of every allowed length', () => {
    for (const length of [4, 256]) {
      assert.equal(parseSdp(sessionWith(`a=ice-ufrag:${'+'.repeat(length)}`)).iceUfrag?.length, length)
    }
    for (const length of [22, 256]) {
      assert.equal(parseSdp(sessionWith(`a=ice-pwd:${'/'.repeat(length)}`)).icePwd?.length, length)
    }
  })

  // Browsers take them: some media servers and cameras write them.
  it("takes '-', '=', '#' and '_' in user names and passwords", () => {
    const { iceUfrag, icePwd } = parseSdp(sessionWith('a=ice-ufrag:a-b=c#d_', `a=ice-pwd:${'-=#_'.repeat(6)}`))
    assert.deepEqual([iceUfrag, icePwd], ['a-b=c#d_', '-=#_'.repeat(6)])
  })

  // RFC 8841 §5.1, §6.1 and §6.2
  it('takes message sizes from any to 2^53, and every port', () => {
    const media = (line: string) => only(parseSdp(mediaWith(line)).media)
    assert.equal(media('a=max-message-size:0').maxMessageSize, 0)
    assert.equal(media('a=max-message-size:9007199254740992').maxMessageSize, 2 ** 53)
    assert.equal(media('a=sctp-port:0').sctpPort, 0)
    assert.equal(media('a=sctp-port:65535').sctpPort, 65535)
    assert.equal(only(parseSdp(sessionWith('m=audio 65535 RTP/AVP 0')).media).port, 65535)
  })

  // RFC 4145 §4
  it('takes every role in any case', () => {
    for (const role of ['actpass', 'active', 'passive', 'holdconn']) {
      assert.equal(parseSdp(sessionWith(`a=setup:${role.toUpperCase()}`)).setup, role)
    }
  })

  // RFC 8122 §5
  it('takes a fingerprint of every hash, unknown ones included, in any case', () => {
    const bytes = (count: number) => Array.from({ length: count }, (_, i) => (i + 160).toString(16)).join(':')
    const sizes = {
      'sha-1': 20,
      'sha-224': 28,
      'SHA-256': 32,
      'sha-384': 48,
      'Sha-512': 64,
      md5: 16,
      md2: 16,
      'x-1': 3,
    }
    const { fingerprints } = parseSdp(
      sessionWith(...Object.entries(sizes).map(([name, size]) => `a=fingerprint:${name} ${bytes(size)}`)),
    )
    assert.deepEqual(
      fingerprints,
      Object.entries(sizes).map(([name, size]) => ({
        algorithm: name.toLowerCase(),
        value: bytes(size).toUpperCase(),
      })),
    )
  })
})

describe('parseSdp, given the same thing twice', () => {
  // RFC 5888 §4
  it('rejects two sections with one mid', () => {
    rejects(sessionWith('m=audio 9 RTP/AVP 0', 'a=mid:0', 'm=video 9 RTP/AVP 31', 'a=mid:0'), 8, /taken/)
  })

  // RFC 8829 §5.8.1: a single line of each
  it('rejects a second line that contradicts the first', () => {
    rejects(mediaWith('a=mid:0', 'a=mid:1'), 8, /contradicts/)
    rejects(mediaWith('a=setup:active', 'a=setup:passive'), 8, /contradicts/)
    rejects(mediaWith('a=ice-ufrag:abcd', 'a=ice-ufrag:efgh'), 8, /contradicts/)
    rejects(mediaWith('a=sctp-port:5000', 'a=sctp-port:5001'), 8, /contradicts/)
    rejects(mediaWith('a=sendrecv', 'a=recvonly'), 8, /sendrecv already/)
  })

  it('takes a second line that says the same', () => {
    const media = only(parseSdp(mediaWith('a=setup:active', 'a=setup:active', 'a=rtcp-mux', 'a=rtcp-mux')).media)
    assert.equal(media.setup, 'active')
    assert.equal(media.rtcpMux, true)
  })

  it('takes the same line in another section', () => {
    const text = sessionWith(
      'a=setup:active',
      'm=audio 9 RTP/AVP 0',
      'a=setup:passive',
      'm=audio 9 RTP/AVP 0',
      'a=setup:actpass',
    )
    const session = parseSdp(text)
    assert.deepEqual([session.setup, ...session.media.map(({ setup }) => setup)], ['active', 'passive', 'actpass'])
  })

  it('rejects a mid that is said twice, even the same, because mids are unique', () => {
    rejects(mediaWith('a=mid:0', 'a=mid:0'), 8, /taken/)
  })
})

function only(media: readonly SdpMedia[]): SdpMedia {
  const [first] = media
  assert.ok(first)
  assert.equal(media.length, 1)
  return first
}

function rejects(text: string, line: number, fault: RegExp): void {
  assert.throws(
    () => parseSdp(text),
    (error: unknown) => {
      assert.ok(error instanceof SdpError, String(error))
      assert.match(error.message, fault)
      assert.equal(error.line, line)
      assert.ok(error.message.startsWith(`line ${line} (`), error.message)
      return true
    },
  )
}
