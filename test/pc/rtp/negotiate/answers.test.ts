import assert from 'node:assert/strict'
import {
  answerDirection,
  conflictingPayloadTypes,
  parseSdp,
  reverseDirection,
  type SdpDirection,
  type SdpSession,
} from '../../../../src/sdp/index.ts'
import { captured, capturedNames } from '../../../sdp/captured.ts'
import { MediaPeer, negotiate, rtpAt, sectionAt } from './media-peer.ts'

const directions: readonly SdpDirection[] = ['sendrecv', 'sendonly', 'recvonly', 'inactive']
/** Those that are answers, or have no section that this end could accept. */
const offers = capturedNames.filter(name => !name.includes('answer'))

describe('Sections of answers', () => {
  for (const offered of directions) {
    for (const wanted of directions) {
      it(`are what is left over of ${offered} if ${wanted} is wanted`, () => {
        const [a, b] = [new MediaPeer(1), new MediaPeer(2)]
        a.transceivers.addTransceiver('audio', { direction: offered })
        const offer = a.createOffer()
        a.setLocal('offer', offer)
        b.setRemote('offer', offer)
        b.at(0).direction = wanted
        const answer = b.createAnswer()
        b.setLocal('answer', answer)
        a.setRemote('answer', answer)
        const expected = answerDirection(offered, wanted)
        assert.equal(sectionAt(answer, 0).direction, expected)
        assert.equal(b.at(0).currentDirection, expected)
        assert.equal(a.at(0).currentDirection, reverseDirection(expected))
        assert.equal(a.isNeeded, false)
        assert.equal(b.isNeeded, false)
      })
    }
  }

  for (const name of offers) {
    it(`are valid for the offer ${name}`, () => {
      const peer = new MediaPeer(3)
      const offer = parseSdp(captured(name))
      peer.setRemote('offer', offer)
      const answer = peer.createAnswer()
      assert.equal(answer.media.length, offer.media.length)
      const accepted = answer.media.flatMap((section, index) =>
        section.port === 0 || section.kind === 'application' ? [] : [index],
      )
      assert.ok(accepted.length > 0)
      for (const index of accepted) {
        const [own, theirs] = [rtpAt(answer, index), rtpAt(offer, index)]
        assert.ok(own.codecs.length > 0)
        for (const codec of own.codecs) {
          const offered = theirs.codecs.find(({ payloadType }) => payloadType === codec.payloadType)
          assert.equal(offered?.name.toLowerCase(), codec.name.toLowerCase())
          assert.equal(offered?.clockRate, codec.clockRate)
        }
        for (const { id, uri } of own.headerExtensions) {
          assert.equal(theirs.headerExtensions.find(each => each.id === id)?.uri, uri)
        }
        assert.equal(sectionAt(answer, index).protocol, sectionAt(offer, index).protocol)
      }
      assert.deepEqual(conflictingPayloadTypes(accepted.map(index => rtpAt(answer, index))), [])
      peer.setLocal('answer', answer)
      assert.equal(peer.isNeeded, false)
      // What it offers next continues that.
      const next = peer.createOffer()
      for (const index of accepted) {
        const before = new Map(rtpAt(answer, index).codecs.map(codec => [codec.payloadType, codec.name]))
        const after = new Map(rtpAt(next, index).codecs.map(codec => [codec.payloadType, codec.name]))
        for (const [payloadType, codec] of before)
          assert.equal(after.get(payloadType)?.toLowerCase(), codec.toLowerCase())
      }
    })
  }

  for (const name of ['chromium-answered', 'firefox-answered']) {
    it(`are understood as ${name} writes them`, () => {
      const answer = parseSdp(captured(name))
      const peer = new MediaPeer(4)
      for (const { kind } of answer.media) peer.transceivers.addTransceiver(kind)
      const offer = peer.createOffer()
      peer.setLocal('offer', offer)
      peer.setRemote('answer', answer)
      const [audio, video] = [peer.at(0), peer.at(1)]
      assert.deepEqual([audio.currentDirection, video.currentDirection], ['sendonly', 'sendrecv'])
      assert.equal(audio.negotiated?.rtp.send[0]?.mimeType, 'audio/opus')
      assert.deepEqual(audio.negotiated?.rtp.describedStreams, [])
      const [stream] = video.negotiated?.rtp.describedStreams ?? []
      assert.notEqual(stream?.rtxSsrc, undefined)
      assert.equal(video.negotiated?.rtp.reducedSizeRtcp, true)
    })
  }

  it('reject a section with no codec that is known, and stop its transceiver', () => {
    const [a, b] = [new MediaPeer(1), new MediaPeer(2)]
    a.transceivers.addTransceiver('audio')
    a.transceivers.addTransceiver('video')
    const offer = a.createOffer()
    a.setLocal('offer', offer)
    b.setRemote('offer', offer)
    b.at(1).preferredCodecs = [{ mimeType: 'video/VP8', clockRate: 90_000 }]
    const strange: SdpSession = {
      ...offer,
      media: offer.media.map((section, index) =>
        index === 1
          ? {
              ...section,
              attributes: section.attributes.map(each => ({
                ...each,
                value: each.value?.replace('VP8', 'H263') ?? '',
              })),
            }
          : section,
      ),
    }
    assert.equal(b.transceivers.answerSection(strange, 1), undefined)
    b.pendingRemote = strange
    const answer = b.createAnswer()
    b.setLocal('answer', answer)
    a.setRemote('answer', answer)
    assert.equal(sectionAt(answer, 1).port, 0)
    assert.deepEqual(
      [a, b].map(({ all }) => all.map(({ kind }) => kind)),
      [['audio'], ['audio']],
    )
    assert.equal(a.isNeeded, false)
    assert.equal(b.isNeeded, false)
  })

  it('have the order of the offer, or that of the application', () => {
    const [a, b] = [new MediaPeer(1), new MediaPeer(2)]
    a.transceivers.addTransceiver('video').preferredCodecs = [
      { mimeType: 'video/VP9', clockRate: 90_000, sdpFmtpLine: 'profile-id=0' },
      { mimeType: 'video/VP8', clockRate: 90_000 },
    ]
    const offer = a.createOffer()
    b.setRemote('offer', offer)
    const names = (): string[] => rtpAt(b.createAnswer(), 0).codecs.map(({ name }) => name)
    assert.deepEqual(names(), ['VP9', 'VP8'])
    b.at(0).preferredCodecs = [{ mimeType: 'video/VP8', clockRate: 90_000 }]
    assert.deepEqual(names(), ['VP8'])
  })

  it('take a track that waits for a section that would receive it', () => {
    const [a, b] = [new MediaPeer(1), new MediaPeer(2)]
    b.transceivers.addTrack(b.track('audio'), [b.stream('mine')])
    b.transceivers.addTransceiver('audio')
    a.transceivers.addTransceiver('audio', { direction: 'sendonly' })
    a.transceivers.addTransceiver('audio')
    const { answer } = negotiate(a, b)
    assert.deepEqual(
      b.all.map(({ mid, addedByTrack }) => [mid, addedByTrack]),
      [
        ['1', true],
        [null, false],
        ['0', false],
      ],
    )
    assert.deepEqual(
      rtpAt(answer, 1).streams.map(({ id }) => id),
      ['mine'],
    )
    assert.equal(b.isNeeded, true)
  })

  it('have no rejection for a transceiver that is stopping, only nothing to carry', () => {
    const [a, b] = [new MediaPeer(1), new MediaPeer(2)]
    a.transceivers.addTransceiver('audio')
    negotiate(a, b)
    b.stop(b.at(0))
    const { answer } = negotiate(a, b)
    assert.equal(sectionAt(answer, 0).direction, 'inactive')
    assert.notEqual(sectionAt(answer, 0).port, 0)
    assert.equal(b.isNeeded, true)
    negotiate(b, a)
    assert.deepEqual(
      [a, b].map(({ all }) => all.length),
      [0, 0],
    )
  })

  it('give a name of their own to sections without one', () => {
    const peer = new MediaPeer(5)
    const a = new MediaPeer(6)
    a.transceivers.addTransceiver('audio')
    a.transceivers.addTransceiver('video')
    const offer = a.createOffer()
    const nameless = { ...offer, groups: [], media: offer.media.map(({ mid: _mid, ...section }) => section) }
    peer.setRemote('offer', nameless)
    const answer = peer.createAnswer()
    assert.ok(answer.media.every(({ mid }) => mid === undefined))
    peer.setLocal('answer', answer)
    assert.deepEqual(
      peer.all.map(({ mid }) => mid),
      ['0', '1'],
    )
    assert.deepEqual(
      peer.session.configured.map(({ mid }) => mid),
      ['0', '1'],
    )
  })
})
