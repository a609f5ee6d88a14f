import assert from 'node:assert/strict'
import {
  isRtpSection,
  parseSdp,
  repairedSources,
  rtpMedia,
  type SdpSession,
  serializeSdp,
  trackStreams,
  undefinedRids,
  withRtpMedia,
} from '../../src/sdp/index.ts'
import { audioWith, captured, capturedNames, capturedRtp, rtpOf, videoWith } from './captured.ts'
import { fixtures } from './fixtures.ts'

describe('rtpMedia', () => {
  for (const name of capturedNames) {
    it(`reads ${name}, and reads the same from what withRtpMedia writes`, () => {
      const session = parseSdp(captured(name))
      assert.ok(session.media.some(isRtpSection))
      for (const media of session.media.filter(isRtpSection)) {
        const rtp = rtpMedia(session, media)
        // Every format of these peers has a map, or is of the static ones.
        assert.deepEqual(
          rtp.codecs.map(({ payloadType }) => String(payloadType)),
          media.formats,
        )
        assert.deepEqual(undefinedRids(rtp), [])
        const written = parseSdp(serializeSdp({ ...session, attributes: [], media: [withRtpMedia(media, rtp)] }))
        assert.deepEqual(rtpMedia(written, sectionOf(written, 0)), rtp)
      }
    })

    it(`lets parseSdp and serializeSdp return ${name}`, () => {
      const session = parseSdp(captured(name))
      assert.deepEqual(parseSdp(serializeSdp(session)), session)
    })
  }

  it('reads the media sections of the other fixtures', () => {
    let sections = 0
    for (const { text } of fixtures) {
      const session = parseSdp(text)
      for (const media of session.media.filter(isRtpSection)) {
        sections++
        assert.ok(rtpMedia(session, media).codecs.length >= 2)
      }
    }
    assert.ok(sections >= 4)
  })

  it('reads every field of a video section of Chromium', () => {
    const rtp = capturedRtp('chromium-tracks', 1)
    assert.equal(rtp.codecs.length, 23)
    assert.deepEqual(rtp.codecs[0], {
      payloadType: 96,
      name: 'VP8',
      clockRate: 90_000,
      feedback: [
        { type: 'goog-remb' },
        { type: 'transport-cc' },
        { type: 'ccm', parameter: 'fir' },
        { type: 'nack' },
        { type: 'nack', parameter: 'pli' },
      ],
    })
    assert.deepEqual(rtp.codecs[1], { payloadType: 97, name: 'rtx', clockRate: 90_000, fmtp: 'apt=96', feedback: [] })
    assert.equal(rtp.codecs[2]?.fmtp, 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f')
    assert.deepEqual(rtp.headerExtensions[0], { id: 14, uri: 'urn:ietf:params:rtp-hdrext:toffset', encrypted: false })
    assert.equal(rtp.headerExtensions.length, 11)
    assert.equal(rtp.extmapAllowMixed, true)
    assert.equal(rtp.rtcpRsize, true)
    assert.deepEqual(rtp.rtcp, { port: 9, connection: 'IN IP4 0.0.0.0' })
    const stream = { id: '11f86e3e-968e-4918-bbd3-1183f49ca5e3', track: 'a8477d46-9415-4c61-a621-6bc25e3c28af' }
    assert.deepEqual(rtp.streams, [stream])
    assert.deepEqual(rtp.sources, [
      { ssrc: 974701018, cname: 'NmwwrErV6BpZzK5i', streams: [stream], attributes: [] },
      { ssrc: 2728213949, cname: 'NmwwrErV6BpZzK5i', streams: [stream], attributes: [] },
    ])
    assert.deepEqual(rtp.sourceGroups, [{ semantics: 'FID', ssrcs: [974701018, 2728213949] }])
    assert.deepEqual([rtp.rids, rtp.simulcast, rtp.ptime, rtp.maxptime], [[], undefined, undefined, undefined])
  })

  it('reads the simulcast of both browsers', () => {
    for (const name of ['chromium-simulcast', 'firefox-simulcast']) {
      const rtp = capturedRtp(name)
      assert.deepEqual(
        rtp.rids,
        ['h', 'm', 'l'].map(id => ({ id, direction: 'send', restrictions: [] })),
      )
      assert.deepEqual(rtp.simulcast, { send: ['h', 'm', 'l'].map(rid => [{ rid, paused: false }]) })
    }
  })

  it('reads Firefox, where a=fmtp comes before a=rtpmap and extensions have directions', () => {
    const rtp = capturedRtp('firefox-simulcast')
    assert.equal(rtp.codecs[0]?.fmtp, 'max-fs=12288;max-fr=60')
    assert.equal(rtp.headerExtensions.find(({ id }) => id === 6)?.direction, 'recvonly')
    assert.equal(rtp.sources.length, 6)
    assert.equal(repairedSources(rtp).get(736878230), 3948060596)
  })

  it('reads an a=rtcp whose address Chromium hides', () => {
    assert.match(captured('chromium-negotiate'), /^a=rtcp:36395 IN IP4 \r$/m)
    assert.deepEqual(capturedRtp('chromium-negotiate').rtcp, { port: 36395 })
    assert.deepEqual(capturedRtp('wrtc-negotiate').rtcp, { port: 42675, connection: 'IN IP4 192.0.2.1' })
  })

  it('knows the static payload types, with a map or without', () => {
    const text =
      'v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 RTP/AVP 0 8 9 10 95 13\r\na=rtpmap:8 x/1\r\n'
    assert.deepEqual(
      rtpOf(text).codecs.map(({ payloadType, name, clockRate, channels }) => [payloadType, name, clockRate, channels]),
      [
        [0, 'PCMU', 8000, undefined],
        [8, 'x', 1, undefined],
        [9, 'G722', 8000, undefined],
        [10, 'L16', 44_100, 2],
        [13, 'CN', 8000, undefined],
      ],
    )
  })

  it('leaves out what is about payload types that are not on the m= line', () => {
    const rtp = rtpOf(videoWith('a=rtpmap:96 VP8/90000', 'a=rtpmap:50 VP9/90000', 'a=rtcp-fb:50 nack', 'a=fmtp:51 x=1'))
    assert.deepEqual(rtp.codecs, [{ payloadType: 96, name: 'VP8', clockRate: 90_000, feedback: [] }])
  })

  // RFC 4585 §4.2
  it('gives every codec the feedback of all payload types, once', () => {
    const maps = ['a=rtpmap:96 VP8/90000', 'a=rtpmap:97 VP9/90000']
    const rtp = rtpOf(videoWith(...maps, 'a=rtcp-fb:* nack', 'a=rtcp-fb:96 nack', 'a=rtcp-fb:96 ack rpsi  x y'))
    assert.deepEqual(
      rtp.codecs.map(({ feedback }) => feedback),
      [[{ type: 'nack' }, { type: 'ack', parameter: 'rpsi  x y' }], [{ type: 'nack' }]],
    )
  })

  it('joins several a=fmtp lines of a payload type', () => {
    const rtp = rtpOf(videoWith('a=rtpmap:96 VP8/90000', 'a=fmtp:96 max-fs=1', 'a=fmtp:96 max-fr=2', 'a=fmtp:96'))
    assert.equal(rtp.codecs[0]?.fmtp, 'max-fs=1;max-fr=2')
  })

  // RFC 8285 §7
  it('takes header extensions of the session section for all media sections, where these have no other', () => {
    const session = ['a=extmap-allow-mixed', 'a=extmap:1 urn:x', 'a=extmap:2/sendonly urn:y config  of it']
    const text = videoWith('a=extmap:1 urn:z').replace('m=video', `${session.join('\r\n')}\r\nm=video`)
    const rtp = rtpOf(text)
    assert.equal(rtp.extmapAllowMixed, true)
    assert.deepEqual(rtp.headerExtensions, [
      { id: 1, uri: 'urn:z', encrypted: false },
      { id: 2, uri: 'urn:y', encrypted: false, direction: 'sendonly', attributes: 'config  of it' },
    ])
  })

  it('keeps alternatives of one negotiation identifier, and passes over identifiers that mean nothing', () => {
    const ids = [4096, 4096, 4351, 256, 4095, 4352, 255]
    const rtp = rtpOf(videoWith(...ids.map((id, index) => `a=extmap:${id} urn:${index}`)))
    assert.deepEqual(
      rtp.headerExtensions.map(({ id, uri }) => [id, uri]),
      [
        [4096, 'urn:0'],
        [4096, 'urn:1'],
        [4351, 'urn:2'],
        [255, 'urn:6'],
      ],
    )
  })

  // RFC 6904 §4
  it('reads header extensions that are encrypted', () => {
    const line = 'urn:ietf:params:rtp-hdrext:encrypt urn:ietf:params:rtp-hdrext:smpte-tc 25@600/24'
    assert.deepEqual(rtpOf(audioWith(`a=extmap:4/recvonly ${line}`)).headerExtensions, [
      {
        id: 4,
        uri: 'urn:ietf:params:rtp-hdrext:smpte-tc',
        encrypted: true,
        direction: 'recvonly',
        attributes: '25@600/24',
      },
    ])
  })

  // RFC 8851 §6.2.2
  it('discards rids that are malformed, there twice, about no format, or depend on none', () => {
    const rids = ['1 send', '2 send', '2 send pt=96', '3 sideways', '4 recv pt=50', '5 recv pt=97,50;max-width=640']
    const more = ['6 send depend=1', '7 send depend=1,2', 'ä send', '8 recv max-width=640;max-fps']
    const maps = ['a=rtpmap:96 VP8/90000', 'a=rtpmap:97 VP9/90000']
    assert.deepEqual(rtpOf(videoWith(...maps, ...[...rids, ...more].map(rid => `a=rid:${rid}`))).rids, [
      { id: '1', direction: 'send', restrictions: [] },
      { id: '5', direction: 'recv', payloadTypes: [97], restrictions: [{ name: 'max-width', value: '640' }] },
      { id: '6', direction: 'send', restrictions: [{ name: 'depend', value: '1' }] },
      { id: '8', direction: 'recv', restrictions: [{ name: 'max-width', value: '640' }, { name: 'max-fps' }] },
    ])
  })

  // RFC 8853 §5.1
  it('reads simulcast with alternatives and paused streams, in both directions', () => {
    assert.deepEqual(rtpOf(videoWith('a=simulcast:recv 1;~4,5 send  6,~7')).simulcast, {
      recv: [
        [{ rid: '1', paused: false }],
        [
          { rid: '4', paused: true },
          { rid: '5', paused: false },
        ],
      ],
      send: [
        [
          { rid: '6', paused: false },
          { rid: '7', paused: true },
        ],
      ],
    })
  })

  // RFC 8853 §5.3.2
  it('takes no simulcast from a section with two lines of it', () => {
    assert.equal(rtpOf(videoWith('a=simulcast:send 1', 'a=simulcast:send 1')).simulcast, undefined)
  })

  // RFC 8829 §5.8.3
  it('finds the rids of a simulcast that nobody describes, or that go the other way', () => {
    const rtp = rtpOf(videoWith('a=rid:1 send', 'a=rid:2 recv', 'a=simulcast:send 1;2,3 recv 2'))
    assert.deepEqual(undefinedRids(rtp), ['2', '3'])
  })

  // RFC 8830 §3.2
  it('finds the streams of a track in the section, or else in its first source', () => {
    const own = rtpOf(audioWith('a=msid:a t', 'a=msid:b t', 'a=msid:a t', 'a=ssrc:1 msid:c t'))
    assert.deepEqual(trackStreams(own), [
      { id: 'a', track: 't' },
      { id: 'b', track: 't' },
    ])
    assert.deepEqual(trackStreams(rtpOf(audioWith('a=ssrc:1 cname:x', 'a=ssrc:1 msid:c t'))), [{ id: 'c', track: 't' }])
    assert.deepEqual(trackStreams(rtpOf(audioWith('a=msid:- t', 'a=ssrc:1 msid:c t'))), [])
  })

  // RFC 5576 §4.2
  it('finds the sources of retransmissions in groups of the kind FID, and in no others', () => {
    const groups = ['SIM 1 2 3', 'FID 1 4', 'FID 2 5 6', 'FID', 'FEC-FR 3 7']
    assert.deepEqual(
      [...repairedSources(rtpOf(videoWith(...groups.map(group => `a=ssrc-group:${group}`))))],
      [
        [4, 1],
        [5, 2],
        [6, 2],
      ],
    )
  })

  // RFC 5576 §4.1
  it('gathers the attributes of each source', () => {
    const lines = ['1 cname:a:b c', '2 previous-ssrc:7 8', '1 fmtp:96 x', '1 __proto__:polluted', '2 constructor']
    assert.deepEqual(rtpOf(audioWith(...lines.map(line => `a=ssrc:${line}`))).sources, [
      {
        ssrc: 1,
        cname: 'a:b c',
        streams: [],
        attributes: [
          { name: 'fmtp', value: '96 x' },
          { name: '__proto__', value: 'polluted' },
        ],
      },
      { ssrc: 2, streams: [], attributes: [{ name: 'previous-ssrc', value: '7 8' }, { name: 'constructor' }] },
    ])
    assert.equal('polluted' in {}, false)
  })

  it('reads times with and without a fraction', () => {
    const rtp = rtpOf(audioWith('a=ptime:2.5', 'a=maxptime:120'))
    assert.deepEqual([rtp.ptime, rtp.maxptime], [2.5, 120])
  })
})

describe('withRtpMedia', () => {
  it('keeps the attributes that are not about RTP, and replaces all that are', () => {
    const added = ['a=imageattr:* send *', 'a=content:main', 'a=label:x', 'a=cname:y', 'a=rid:rubbish', 'a=y']
    const session = parseSdp(videoWith('a=rtpmap:96 VP8/90000', ...added, 'a=rtpmap:50 x/1'))
    const media = withRtpMedia(sectionOf(session, 0), rtpMedia(session, sectionOf(session, 0)))
    assert.deepEqual(media.formats, ['96'])
    assert.deepEqual(
      media.attributes.map(({ name }) => name),
      ['rtpmap', 'imageattr', 'content', 'label', 'cname', 'y'],
    )
  })

  it('leaves the formats of a section without a codec', () => {
    const session = parseSdp(videoWith())
    const media = withRtpMedia(sectionOf(session, 0), rtpMedia(session, sectionOf(session, 0)))
    assert.deepEqual(media.formats, ['96', '97', '98'])
  })
})

function sectionOf(session: SdpSession, index: number): SdpSession['media'][number] {
  const media = session.media[index]
  assert.ok(media)
  return media
}
