import assert from 'node:assert/strict'
import { maxEncodings } from '../../../../src/pc/rtp/negotiate/send-encodings.ts'
import type { RTCRtpEncodingParameters } from '../../../../src/pc/rtp/parameters.ts'
import { parseSdp, type SdpRtpMedia, type SdpSession, withRtpMedia } from '../../../../src/sdp/index.ts'
import { captured } from '../../../sdp/captured.ts'
import { MediaPeer, negotiate, rtpAt, sectionAt } from './media-peer.ts'
import type { SlotsDouble } from './slots-double.ts'

const three: readonly RTCRtpEncodingParameters[] = [{ rid: 'h' }, { rid: 'm' }, { rid: 'l' }]

describe('Simulcast', () => {
  it('is offered with a rid for each encoding, in their order, and without sources', () => {
    const peer = new MediaPeer()
    peer.transceivers.addTransceiver(peer.track('video'), { sendEncodings: [...three] })
    const rtp = rtpAt(peer.createOffer(), 0)
    assert.deepEqual(
      rtp.rids.map(({ id, direction }) => `${id} ${direction}`),
      ['h send', 'm send', 'l send'],
    )
    assert.deepEqual(sendRids(rtp), ['h', 'm', 'l'])
    assert.deepEqual(rtp.sources, [])
  })

  it('gives encodings without rids some', () => {
    const peer = new MediaPeer()
    peer.transceivers.addTransceiver('video', { sendEncodings: [{ active: true }, { active: false }] })
    assert.deepEqual(sendRids(rtpAt(peer.createOffer(), 0)), ['0', '1'])
    assert.deepEqual(
      peer.at(0).sender.encodings.map(({ parameters }) => [parameters.active, parameters.scaleResolutionDownBy]),
      [
        [true, 2],
        [false, 1],
      ],
    )
  })

  it('is received from a peer like this', () => {
    const [a, b] = [new MediaPeer(1), new MediaPeer(2)]
    a.transceivers.addTransceiver(a.track('video'), { sendEncodings: [...three] })
    const { answer } = negotiate(a, b)
    assert.deepEqual(
      rtpAt(answer, 0).simulcast?.recv?.map(([version]) => version?.rid),
      ['h', 'm', 'l'],
    )
    const [section] = a.session.configured
    assert.deepEqual(
      section?.encodings.map(({ rid, ssrc, rtxSsrc }) => [rid, ssrc, rtxSsrc]),
      a.at(0).sender.encodings.map(({ parameters, ssrc, rtxSsrc }) => [parameters.rid, ssrc, rtxSsrc]),
    )
    assert.deepEqual(b.session.configured[0]?.encodings, [])
  })

  for (const name of ['chromium-simulcast', 'firefox-simulcast']) {
    it(`is received from ${name}`, () => {
      const peer = new MediaPeer()
      peer.setRemote('offer', parseSdp(captured(name)))
      const answer = peer.createAnswer()
      const rtp = rtpAt(answer, 0)
      assert.deepEqual(
        rtp.rids.map(({ id, direction }) => `${id} ${direction}`),
        ['h recv', 'm recv', 'l recv'],
      )
      assert.ok(rtp.headerExtensions.some(({ uri }) => uri.endsWith('repaired-rtp-stream-id')))
      peer.setLocal('answer', answer)
      assert.equal(peer.at(0).currentDirection, 'recvonly')
      assert.ok((peer.session.configured[0]?.receive.length ?? 0) > 0)
    })
  }

  it('is narrowed to what the answer takes', () => {
    const { a, offer, answer } = offered()
    answerWith(a, offer, answer, rtp => ({
      ...rtp,
      rids: rtp.rids.filter(({ id }) => id !== 'm'),
      simulcast: { recv: [[{ rid: 'h', paused: false }], [{ rid: 'l', paused: false }]] },
    }))
    assert.deepEqual(ridsOf(a.at(0)), ['h', 'l'])
    assert.deepEqual(sendRids(rtpAt(a.createOffer(), 0)), ['h', 'l'])
  })

  it('is one encoding, the first, if the answer has none', () => {
    const { a, offer, answer } = offered()
    const [first] = a.at(0).sender.encodings
    answerWith(a, offer, answer, ({ simulcast: _simulcast, ...rtp }) => ({ ...rtp, rids: [] }))
    assert.deepEqual(a.at(0).sender.encodings, [first])
    assert.equal(a.session.configured[0]?.encodings[0]?.rid, undefined)
  })

  it('is one encoding if the answer cannot tell streams apart', () => {
    const { a, offer, answer } = offered()
    answerWith(a, offer, answer, rtp => ({
      ...rtp,
      headerExtensions: rtp.headerExtensions.filter(({ uri }) => !uri.endsWith('rtp-stream-id')),
    }))
    assert.equal(a.at(0).sender.encodings.length, 1)
  })

  it('outlives a section on hold', () => {
    const [a, b] = [new MediaPeer(1), new MediaPeer(2)]
    a.transceivers.addTransceiver(a.track('video'), { sendEncodings: [...three] })
    negotiate(a, b)
    a.at(0).direction = 'inactive'
    negotiate(a, b)
    assert.deepEqual(ridsOf(a.at(0)), ['h', 'm', 'l'])
    a.at(0).direction = 'sendonly'
    const { answer } = negotiate(a, b)
    assert.equal(rtpAt(answer, 0).simulcast?.recv?.length, 3)
  })

  it('is sent if the peer asks for it, as long as that is not taken back', () => {
    const { peer, offer } = asked(['q', 'h', 'f'])
    const own = peer.at(0).sender.encodings
    peer.setRemote('offer', offer)
    assert.deepEqual(
      peer.at(0).sender.encodings.map(({ parameters }) => [parameters.rid, parameters.scaleResolutionDownBy]),
      [
        ['q', 4],
        ['h', 2],
        ['f', 1],
      ],
    )
    peer.rollback()
    assert.deepEqual(peer.at(0).sender.encodings, own)
    peer.setRemote('offer', offer)
    const answer = peer.createAnswer()
    assert.deepEqual(sendRids(rtpAt(answer, 0)), ['q', 'h', 'f'])
    peer.setLocal('answer', answer)
    assert.deepEqual(
      peer.session.configured[0]?.encodings.map(({ rid }) => rid),
      ['q', 'h', 'f'],
    )
  })

  it('has at most as many streams as this end can send', () => {
    const rids = Array.from({ length: maxEncodings + 3 }, (_, index) => `r${index}`)
    const { peer, offer } = asked(rids)
    peer.setRemote('offer', offer)
    assert.equal(peer.at(0).sender.encodings.length, maxEncodings)
    assert.deepEqual(sendRids(rtpAt(peer.createAnswer(), 0)), rids.slice(0, maxEncodings))
    const other = new MediaPeer()
    other.transceivers.addTransceiver('video', { sendEncodings: rids.map(rid => ({ rid })) })
    assert.equal(other.at(0).sender.encodings.length, maxEncodings)
  })

  it('is not asked of a transceiver that has rids already', () => {
    const { peer, offer } = asked(['q', 'h'])
    peer.setRemote('offer', offer)
    const before = peer.at(0).sender.encodings
    peer.setRemote('offer', asked(['x', 'y', 'z']).offer)
    assert.equal(peer.at(0).sender.encodings, before)
  })
})

/** An end that has offered simulcast, and what the other end answers. */
function offered(): { a: MediaPeer; offer: SdpSession; answer: SdpSession } {
  const [a, b] = [new MediaPeer(1), new MediaPeer(2)]
  a.transceivers.addTransceiver(a.track('video'), { sendEncodings: [...three] })
  const offer = a.createOffer()
  b.setRemote('offer', offer)
  return { a, offer, answer: b.createAnswer() }
}

function answerWith(
  a: MediaPeer,
  offer: SdpSession,
  answer: SdpSession,
  change: (rtp: SdpRtpMedia) => SdpRtpMedia,
): void {
  a.setLocal('offer', offer)
  a.setRemote('answer', { ...answer, media: [withRtpMedia(sectionAt(answer, 0), change(rtpAt(answer, 0)))] })
}

/** An end with a track, and an offer of a peer that wants it several times. */
function asked(rids: readonly string[]): { peer: MediaPeer; offer: SdpSession } {
  const [peer, other] = [new MediaPeer(1), new MediaPeer(2)]
  peer.transceivers.addTrack(peer.track('video'), [])
  other.transceivers.addTransceiver('video', { direction: 'recvonly' })
  const offer = other.createOffer()
  const rtp: SdpRtpMedia = {
    ...rtpAt(offer, 0),
    rids: rids.map(id => ({ id, direction: 'recv', restrictions: [] })),
    simulcast: { recv: rids.map(rid => [{ rid, paused: false }]) },
  }
  return { peer, offer: { ...offer, media: [withRtpMedia(sectionAt(offer, 0), rtp)] } }
}

function sendRids({ simulcast }: SdpRtpMedia): (string | undefined)[] | undefined {
  return simulcast?.send?.map(([version]) => version?.rid)
}

function ridsOf({ sender }: SlotsDouble): (string | undefined)[] {
  return sender.encodings.map(({ parameters }) => parameters.rid)
}
