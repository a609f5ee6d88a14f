import assert from 'node:assert/strict'
import {
  isRtpSection,
  parseSdp,
  rtpMedia,
  rtpProfile,
  SdpError,
  type SdpRtpMedia,
  serializeSdp,
  withRtpMedia,
} from '../../src/sdp/index.ts'
import { audioWith, rtpOf, videoWith } from './captured.ts'
import { mediaWith } from './fixtures.ts'

const malformed = [
  ...['rtpmap', 'rtpmap:96', 'rtpmap:x VP8/90000', 'rtpmap:128 VP8/90000', 'rtpmap:-1 VP8/90000'],
  ...['rtpmap:96 VP8', 'rtpmap:96 VP8/0', 'rtpmap:96 VP8/x', 'rtpmap:96 /90000', 'rtpmap:96 VP8/90000/0'],
  ...['rtpmap:96 VP8/90000/1/1', 'rtpmap:96 VP8/90000 x', 'rtpmap:96 VP8/4294967296'],
  ...['fmtp', 'fmtp:', 'fmtp:x y', 'fmtp:128 y'],
  ...['rtcp-fb', 'rtcp-fb:96', 'rtcp-fb:x nack', 'rtcp-fb:** nack', 'rtcp-fb:96 n(ck'],
  ...['ptime:', 'ptime:x', 'ptime:-1', 'ptime:1.', 'ptime:1e3', 'maxptime', 'maxptime:0x10'],
  ...['extmap:0 urn:x', 'extmap:x urn:x', 'extmap:1', 'extmap:1/both urn:x', 'extmap:1/ urn:x', 'extmap:100000 urn:x'],
  ...['extmap:1 urn:ietf:params:rtp-hdrext:encrypt', 'extmap-allow-mixed:1'],
  ...['msid', 'msid:', 'msid:a b c'],
  ...['ssrc:1', 'ssrc:x cname:y', 'ssrc:4294967296 cname:y', 'ssrc:1 :y', 'ssrc'],
  ...['ssrc-group:', 'ssrc-group:FID x', 'ssrc-group:F(D 1', 'ssrc-group:FID 4294967296'],
  ...['simulcast', 'simulcast:', 'simulcast:send', 'simulcast:send 1;;2', 'simulcast:send 1 send 2'],
  ...['simulcast:both 1', 'simulcast:send 1 recv', 'simulcast:send ~', 'simulcast:send 1 recv 2 x', 'simulcast:send ä'],
  ...['rtcp', 'rtcp:x', 'rtcp:65536', 'rtcp:9 IN IP4 0.0.0.0 x', 'rtcp:9 IN', 'rtcp:9 IN IP4', 'rtcp-rsize:1'],
]

describe('the lines of an RTP section', () => {
  for (const line of malformed) {
    it(`are refused, with their number, if one is a=${line}`, () => {
      assert.throws(
        () => parseSdp(videoWith('a=x', `a=${line}`)),
        (error: unknown) => error instanceof SdpError && error.line === 8,
      )
    })
  }

  it('mean nothing in a section that is not RTP', () => {
    for (const line of malformed) {
      const [media] = parseSdp(mediaWith(`a=${line}`)).media
      assert.equal(media?.attributes.length, 1)
    }
  })

  it('are refused in the session section, too, if they are about header extensions', () => {
    const text = videoWith().replace('m=video', 'a=rtpmap:x\r\na=extmap:x urn:x\r\nm=video')
    assert.throws(
      () => parseSdp(text),
      (error: unknown) => error instanceof SdpError && error.line === 6,
    )
  })

  const contradictions = [
    ['rtpmap:96 VP8/90000', 'rtpmap:96 VP9/90000'],
    ['ptime:20', 'ptime:30'],
    ['maxptime:20', 'maxptime:30'],
    ['extmap:1 urn:x', 'extmap:1 urn:y'],
    ['extmap:1/sendonly urn:x', 'extmap:1/recvonly urn:x'],
    ['rtcp:9', 'rtcp:10'],
  ] as const
  for (const [first, second] of contradictions) {
    it(`are refused if ${first} is followed by ${second}, and taken if it is followed by itself`, () => {
      assert.throws(() => parseSdp(videoWith(`a=${first}`, `a=${second}`)), SdpError)
      assert.ok(rtpOf(videoWith(`a=${first}`, `a=${first}`)))
    })
  }

  it('are refused by rtpMedia if a source has two names', () => {
    assert.throws(() => rtpOf(audioWith('a=ssrc:1 cname:a', 'a=ssrc:1 cname:b')), SdpError)
  })

  it('are refused by rtpMedia if a format is no payload type', () => {
    for (const format of ['x', '128', '1.5', '-1']) {
      assert.throws(() => rtpOf(videoWith().replace('SAVPF 96', `SAVPF ${format}`)), SdpError)
    }
  })

  it('are taken with spaces too many', () => {
    const rtp = rtpOf(videoWith('a=rtpmap:96  VP8/90000 ', 'a=fmtp:96  max-fr=1 ', 'a=rtcp-fb:96  nack  pli '))
    assert.deepEqual(rtp.codecs, [
      {
        payloadType: 96,
        name: 'VP8',
        clockRate: 90_000,
        fmtp: 'max-fr=1',
        feedback: [{ type: 'nack', parameter: 'pli' }],
      },
    ])
  })
})

describe('withRtpMedia and serializeSdp', () => {
  const good: SdpRtpMedia = {
    codecs: [
      { payloadType: 96, name: 'VP8', clockRate: 90_000, feedback: [{ type: 'nack', parameter: 'pli' }] },
      { payloadType: 111, name: 'opus', clockRate: 48_000, channels: 2, fmtp: 'useinbandfec=1', feedback: [] },
    ],
    headerExtensions: [
      { id: 1, uri: 'urn:x', encrypted: true, direction: 'sendonly', attributes: 'y z' },
      { id: 4096, uri: 'urn:y', encrypted: false },
    ],
    extmapAllowMixed: true,
    streams: [{ id: '-', track: 't' }, { id: 's' }],
    sources: [{ ssrc: 0, cname: 'c', streams: [{ id: 's' }], attributes: [{ name: 'x', value: '' }] }],
    sourceGroups: [{ semantics: 'SIM', ssrcs: [0, 4294967295] }],
    rids: [
      { id: 'a', direction: 'send', payloadTypes: [96], restrictions: [{ name: 'max-br', value: '=1' }] },
      { id: 'b', direction: 'recv', restrictions: [{ name: 'depend', value: 'a' }, { name: 'max-fps' }] },
    ],
    simulcast: { send: [[{ rid: 'a', paused: true }]], recv: [[{ rid: 'b', paused: false }]] },
    ptime: 2.5,
    maxptime: 120,
    rtcp: { port: 0, connection: 'IN IP6 ::' },
    rtcpRsize: true,
  }
  const session = parseSdp(videoWith())
  const write = (rtp: SdpRtpMedia): string =>
    serializeSdp({ ...session, media: session.media.map(media => withRtpMedia(media, rtp)) })

  it('write every field so that it is read again', () => {
    assert.deepEqual(rtpOf(write(good)), good)
    assert.match(write(good), /^a=rid:a send pt=96;max-br==1\r$/m)
    assert.match(write(good), /^a=simulcast:send ~a recv b\r$/m)
  })

  const codec = { payloadType: 96, name: 'VP8', clockRate: 90_000, feedback: [] }
  const extension = { id: 1, uri: 'urn:x', encrypted: false }
  const source = { ssrc: 1, cname: 'c', streams: [], attributes: [] }
  const rid = { id: 'a', direction: 'send', restrictions: [] } as const
  const bad: readonly (readonly [what: string, change: Partial<SdpRtpMedia>])[] = [
    ['a payload type too high', { codecs: [{ ...codec, payloadType: 128 }] }],
    ['two codecs of one payload type', { codecs: [codec, codec] }],
    ['a name with a slash', { codecs: [{ ...codec, name: 'a/b' }] }],
    ['no clock rate', { codecs: [{ ...codec, clockRate: 0 }] }],
    ['no channel', { codecs: [{ ...codec, channels: 0 }] }],
    ['empty parameters', { codecs: [{ ...codec, fmtp: '' }] }],
    ['parameters with a line end', { codecs: [{ ...codec, fmtp: 'a\r\na=b' }] }],
    ['parameters that begin with a space', { codecs: [{ ...codec, fmtp: ' a' }] }],
    ['feedback of two words', { codecs: [{ ...codec, feedback: [{ type: 'nack pli' }] }] }],
    ['feedback with an empty parameter', { codecs: [{ ...codec, feedback: [{ type: 'nack', parameter: '' }] }] }],
    ['an extension of identifier 0', { headerExtensions: [{ ...extension, id: 0 }] }],
    ['an extension of identifier 256', { headerExtensions: [{ ...extension, id: 256 }] }],
    ['two extensions of one identifier', { headerExtensions: [extension, { ...extension, uri: 'urn:y' }] }],
    ['a URI with a space', { headerExtensions: [{ ...extension, uri: 'urn:x y' }] }],
    ['empty extension attributes', { headerExtensions: [{ ...extension, attributes: '' }] }],
    ['an encrypted encryption', { headerExtensions: [{ ...extension, uri: 'urn:ietf:params:rtp-hdrext:encrypt' }] }],
    ['a stream with a space', { streams: [{ id: 'a b' }] }],
    ['an empty stream', { streams: [{ id: '' }] }],
    ['an SSRC too high', { sources: [{ ...source, ssrc: 4294967296 }] }],
    ['a source that says nothing', { sources: [{ ssrc: 1, streams: [], attributes: [] }] }],
    ['a cname that is an attribute', { sources: [{ ...source, attributes: [{ name: 'cname', value: 'c' }] }] }],
    ['a cname with a line end', { sources: [{ ...source, cname: 'a\nb' }] }],
    ['a source group of no kind', { sourceGroups: [{ semantics: '', ssrcs: [] }] }],
    ['a rid with a space', { rids: [{ ...rid, id: 'a b' }] }],
    ['a rid of no payload type', { rids: [{ ...rid, payloadTypes: [] }] }],
    ['a restriction with a semicolon', { rids: [{ ...rid, restrictions: [{ name: 'x', value: 'a;b' }] }] }],
    ['a restriction named pt', { rids: [{ ...rid, restrictions: [{ name: 'pt', value: '96' }] }] }],
    ['a simulcast of nothing', { simulcast: {} }],
    ['a simulcast without a stream', { simulcast: { send: [] } }],
    ['a simulcast stream of nothing', { simulcast: { send: [[]] } }],
    ['a negative time', { ptime: -1 }],
    ['no time', { maxptime: Number.NaN }],
    ['an RTCP port too high', { rtcp: { port: 65_536 } }],
    ['an RTCP address with a line end', { rtcp: { port: 9, connection: 'IN IP4 a\r\na=x' } }],
  ]
  for (const [what, change] of bad) {
    it(`refuse ${what}`, () => {
      assert.throws(() => write({ ...good, ...change }), SdpError)
    })
  }
})

describe('rtpProfile', () => {
  // RFC 8829 §5.1.2
  it('knows the eight profiles, and tells the plain ones apart', () => {
    const known = ['AVP', 'AVPF', 'SAVP', 'SAVPF'].map(profile => `RTP/${profile}`)
    const dtls = ['UDP/TLS', 'TCP/DTLS'].flatMap(transport => [`${transport}/RTP/SAVP`, `${transport}/RTP/SAVPF`])
    for (const protocol of [...known, ...dtls]) {
      assert.deepEqual(rtpProfile(protocol), {
        secure: protocol.includes('SAVP'),
        feedback: protocol.endsWith('F'),
        transport: protocol.startsWith('TCP') ? 'tcp' : 'udp',
        canonical: protocol.endsWith('TLS/RTP/SAVPF'),
      })
    }
    for (const protocol of ['UDP/TLS/RTP/AVP', 'TCP/RTP/AVP', 'rtp/avp', 'UDP/DTLS/SCTP', '__proto__', '']) {
      assert.equal(rtpProfile(protocol), undefined)
    }
  })

  it('is what makes a section RTP, together with its kind', () => {
    const isRtp = (line: string): boolean =>
      parseSdp(videoWith().replace(/^m=.*/m, `m=${line}`)).media.every(media => isRtpSection(media))
    assert.equal(isRtp('audio 0 RTP/AVP 0'), true)
    assert.equal(isRtp('video 9 TCP/DTLS/RTP/SAVPF 96'), true)
    assert.equal(isRtp('text 9 UDP/TLS/RTP/SAVPF 98'), false)
    assert.equal(isRtp('audio 9 UDP/RTP 0'), false)
  })

  it('lets a section that is rejected be read without a format', () => {
    const session = parseSdp(videoWith().replace(/^m=.*/m, 'm=video 0 UDP/TLS/RTP/SAVPF'))
    const [media] = session.media
    assert.ok(media)
    assert.deepEqual(rtpMedia(session, media).codecs, [])
  })
})
