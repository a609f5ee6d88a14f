import assert from 'node:assert/strict'
import { codecRole, type SdpSession } from '../../../../src/sdp/index.ts'
import { MediaPeer, negotiate, rtpAt, sectionAt } from './media-peer.ts'

describe('Sections of offers', () => {
  it('come in the order in which transceivers were added, data last', () => {
    const peer = new MediaPeer()
    peer.wantsData = true
    peer.transceivers.addTransceiver('video')
    peer.transceivers.addTransceiver('audio', { direction: 'recvonly' })
    const offer = peer.createOffer()
    assert.deepEqual(summary(offer), ['video 0 sendrecv', 'audio 1 recvonly', 'application 2 -'])
    assert.equal(sectionAt(offer, 0).protocol, 'UDP/TLS/RTP/SAVPF')
  })

  it('get the same names again if the offer was not applied', () => {
    const peer = new MediaPeer()
    peer.transceivers.addTransceiver('video')
    peer.createOffer()
    assert.deepEqual(summary(peer.createOffer()), ['video 0 sendrecv'])
    assert.equal(peer.at(0).mid, null)
  })

  it('have retransmissions for each video codec and none for audio', () => {
    const peer = new MediaPeer()
    peer.transceivers.addTransceiver('video')
    peer.transceivers.addTransceiver('audio')
    const offer = peer.createOffer()
    const video = rtpAt(offer, 0).codecs
    const media = video.filter(codec => codecRole(codec) === 'media').map(({ payloadType }) => `apt=${payloadType}`)
    assert.deepEqual(
      video.filter(({ name }) => name === 'rtx').map(({ fmtp }) => fmtp),
      media,
    )
    assert.ok(media.length >= 4)
    assert.ok(rtpAt(offer, 1).codecs.every(({ name }) => name !== 'rtx'))
    assert.deepEqual(
      rtpAt(offer, 1).codecs.map(({ name, clockRate }) => `${name}/${clockRate}`),
      ['opus/48000', 'PCMU/8000', 'PCMA/8000', 'telephone-event/48000', 'telephone-event/8000'],
    )
  })

  it('share payload types and identifiers of header extensions', () => {
    const peer = new MediaPeer()
    for (const kind of ['audio', 'video', 'video', 'audio']) peer.transceivers.addTransceiver(kind)
    const offer = peer.createOffer()
    const sections = [0, 1, 2, 3].map(index => rtpAt(offer, index))
    assert.deepEqual(sections[1]?.codecs, sections[2]?.codecs)
    assert.deepEqual(sections[0]?.headerExtensions, sections[3]?.headerExtensions)
    const uris = new Map<number, string>()
    for (const { id, uri } of sections.flatMap(each => each.headerExtensions)) {
      assert.equal(uris.get(id) ?? uri, uri)
      uris.set(id, uri)
    }
    assert.ok([...uris.keys()].every(id => id <= 14))
  })

  it('name the streams and the sources of what is sent', () => {
    const peer = new MediaPeer()
    const track = peer.track('video')
    const sender = peer.transceivers.addTrack(track, [peer.stream('s1'), peer.stream('s2'), peer.stream('s1')])
    const rtp = rtpAt(peer.createOffer(), 0)
    assert.deepEqual(rtp.streams, [
      { id: 's1', track: track.id },
      { id: 's2', track: track.id },
    ])
    const [encoding] = sender.encodings
    assert.deepEqual(rtp.sourceGroups, [{ semantics: 'FID', ssrcs: [encoding?.ssrc, encoding?.rtxSsrc] }])
    assert.deepEqual(
      rtp.sources.map(({ ssrc, cname }) => [ssrc, cname]),
      [
        [encoding?.ssrc, 'cname-1'],
        [encoding?.rtxSsrc, 'cname-1'],
      ],
    )
  })

  it('say so if a track belongs to no stream, and nothing if nothing is sent', () => {
    const peer = new MediaPeer()
    peer.transceivers.addTrack(peer.track('audio'), [])
    peer.transceivers.addTransceiver('audio', { direction: 'recvonly' })
    const offer = peer.createOffer()
    assert.deepEqual(
      rtpAt(offer, 0).streams.map(({ id }) => id),
      ['-'],
    )
    assert.deepEqual(rtpAt(offer, 1).streams, [])
    assert.deepEqual(rtpAt(offer, 1).sources, [])
  })

  it('keep their places, names and numbers', () => {
    const [a, b] = [new MediaPeer(1), new MediaPeer(2)]
    a.transceivers.addTransceiver('video')
    const first = negotiate(a, b).offer
    a.transceivers.addTransceiver('audio')
    a.transceivers.addTransceiver('video')
    const second = a.createOffer()
    assert.deepEqual(summary(second), ['video 0 sendrecv', 'audio 1 sendrecv', 'video 2 sendrecv'])
    assert.deepEqual(rtpAt(second, 0).codecs, rtpAt(first, 0).codecs)
    assert.deepEqual(rtpAt(second, 2).codecs, rtpAt(first, 0).codecs)
    assert.deepEqual(rtpAt(second, 0).headerExtensions, rtpAt(first, 0).headerExtensions)
  })

  it('give up the place of a transceiver that was stopped, and use it again', () => {
    const [a, b] = [new MediaPeer(1), new MediaPeer(2)]
    a.transceivers.addTransceiver('video')
    a.transceivers.addTransceiver('audio')
    negotiate(a, b)
    a.stop(a.at(0))
    const { offer } = negotiate(a, b)
    assert.deepEqual(summary(offer), ['video 0 inactive', 'audio 1 sendrecv'])
    assert.equal(sectionAt(offer, 0).port, 0)
    assert.deepEqual(
      [a, b].map(({ all }) => all.length),
      [1, 1],
    )
    a.transceivers.addTransceiver('audio')
    const recycled = negotiate(a, b).offer
    assert.deepEqual(summary(recycled), ['audio 2 sendrecv', 'audio 1 sendrecv'])
    assert.deepEqual(
      b.all.map(({ mid }) => mid),
      ['1', '2'],
    )
  })

  it('make no section for a transceiver that was stopped before it had one', () => {
    const peer = new MediaPeer()
    peer.transceivers.addTransceiver('video')
    peer.stop(peer.at(0))
    assert.deepEqual(peer.createOffer().media, [])
  })

  it('use a rejected place for data, and do not use one twice', () => {
    const [a, b] = [new MediaPeer(1), new MediaPeer(2)]
    a.transceivers.addTransceiver('video')
    negotiate(a, b)
    a.stop(a.at(0))
    negotiate(a, b)
    a.wantsData = true
    const offer = a.createOffer()
    assert.deepEqual(summary(offer), ['application 1 -'])
    a.setLocal('offer', offer)
    a.transceivers.addTransceiver('audio')
    assert.deepEqual(summary(a.createOffer()), ['application 1 -', 'audio 2 sendrecv'])
  })

  it('begin with the codecs of the last answer, in its order and with its feedback', () => {
    const [a, b] = [new MediaPeer(1), new MediaPeer(2)]
    a.transceivers.addTransceiver('video')
    const offer = a.createOffer()
    a.setLocal('offer', offer)
    b.setRemote('offer', offer)
    b.at(0).preferredCodecs = [
      { mimeType: 'video/H264', clockRate: 90_000, sdpFmtpLine: 'packetization-mode=1;profile-level-id=42e01f' },
      { mimeType: 'video/VP8', clockRate: 90_000 },
    ]
    const answer = b.createAnswer()
    const names = (session: SdpSession): string[] => rtpAt(session, 0).codecs.map(({ name }) => name)
    assert.deepEqual(names(answer), ['H264', 'VP8'])
    b.setLocal('answer', answer)
    a.setRemote('answer', answer)
    const next = a.createOffer()
    assert.deepEqual(names(next).slice(0, 4), ['H264', 'rtx', 'VP8', 'rtx'])
    assert.equal(names(next).length, names(offer).length)
    const byType = (session: SdpSession): number[] =>
      rtpAt(session, 0)
        .codecs.map(each => each.payloadType)
        .sort()
    assert.deepEqual(byType(next), byType(offer))
  })

  it('follow the preferences of the application', () => {
    const peer = new MediaPeer()
    const slots = peer.transceivers.addTransceiver('video')
    slots.preferredCodecs = [
      { mimeType: 'video/vp9', clockRate: 90_000, sdpFmtpLine: 'profile-id=0' },
      { mimeType: 'video/rtx', clockRate: 90_000 },
      { mimeType: 'video/VP8', clockRate: 90_000 },
    ]
    const names = (): string[] => rtpAt(peer.createOffer(), 0).codecs.map(({ name }) => name)
    assert.deepEqual(names(), ['VP9', 'rtx', 'VP8', 'rtx'])
    slots.preferredCodecs = slots.preferredCodecs.filter(({ mimeType }) => mimeType !== 'video/rtx')
    assert.deepEqual(names(), ['VP9', 'VP8'])
    slots.preferredCodecs = []
    assert.equal(names().includes('H264'), true)
  })

  it('leave out header extensions that are not wanted', () => {
    const peer = new MediaPeer()
    const slots = peer.transceivers.addTransceiver('audio')
    slots.headerExtensionsToNegotiate = [
      { uri: 'urn:ietf:params:rtp-hdrext:sdes:mid', direction: 'sendrecv' },
      { uri: 'urn:ietf:params:rtp-hdrext:ssrc-audio-level', direction: 'recvonly' },
      { uri: 'urn:ietf:params:rtp-hdrext:csrc-audio-level', direction: 'stopped' },
    ]
    assert.deepEqual(rtpAt(peer.createOffer(), 0).headerExtensions, [
      { id: 4, uri: 'urn:ietf:params:rtp-hdrext:sdes:mid', encrypted: false },
      { id: 1, uri: 'urn:ietf:params:rtp-hdrext:ssrc-audio-level', encrypted: false, direction: 'recvonly' },
    ])
  })

  it('give header extensions the identifiers that libwebrtc gives, for a peer that offers at once', () => {
    const peer = new MediaPeer()
    for (const kind of ['audio', 'video'] as const) peer.transceivers.addTransceiver(kind)
    const offer = peer.createOffer()
    const ids = [0, 1].flatMap(index => rtpAt(offer, index).headerExtensions.map(({ id, uri }) => `${id} ${uri}`))
    const theirs = ['1 urn:ietf:params:rtp-hdrext:ssrc-audio-level', '14 urn:ietf:params:rtp-hdrext:toffset']
    for (const each of theirs) assert.ok(ids.includes(each), each)
    // 6 to 8 are of extensions that are not implemented here.
    assert.deepEqual(
      ids.filter(id => /^[678] /.test(id)),
      [],
    )
  })

  it('are there for the options of old that ask to receive', () => {
    const peer = new MediaPeer()
    peer.transceivers.addTrack(peer.track('video'), [])
    peer.transceivers.offerToReceive({ audio: true, video: false })
    assert.deepEqual(summary(peer.createOffer()), ['video 0 sendonly', 'audio 1 recvonly'])
    peer.transceivers.offerToReceive({ audio: true })
    assert.equal(peer.all.length, 2)
    peer.transceivers.offerToReceive({ audio: false })
    assert.deepEqual(summary(peer.createOffer()), ['video 0 sendonly', 'audio 1 inactive'])
  })
})

function summary({ media }: SdpSession): string[] {
  return media.map(({ kind, mid, direction }) => `${kind} ${mid ?? '-'} ${direction ?? '-'}`)
}
