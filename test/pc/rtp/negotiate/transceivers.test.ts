import assert from 'node:assert/strict'
import type { MediaTransport } from '../../../../src/pc/rtp/slots.ts'
import type { ReceivedPacket } from '../../../../src/rtp/session/receive-stream.ts'
import { parseSdp, type SdpDirection, type SdpSession, serializeSdp } from '../../../../src/sdp/index.ts'
import { MediaPeer, negotiate, rtpAt, SessionDouble } from './media-peer.ts'

describe('addTrack', () => {
  it('makes a transceiver that sends and receives', () => {
    const peer = new MediaPeer()
    const track = peer.track('video')
    const sender = peer.transceivers.addTrack(track, [])
    assert.equal(sender.track, track)
    assert.deepEqual([peer.at(0).direction, peer.at(0).addedByTrack, peer.updates], ['sendrecv', true, 1])
  })

  it('refuses a track that has a sender, and a connection that is closed', () => {
    const peer = new MediaPeer()
    const track = peer.track('audio')
    peer.transceivers.addTrack(track, [])
    assert.throws(() => peer.transceivers.addTrack(track, []), { name: 'InvalidAccessError' })
    peer.isClosed = true
    assert.throws(() => peer.transceivers.addTrack(peer.track('audio'), []), { name: 'InvalidStateError' })
  })

  const reused: readonly (readonly [SdpDirection, SdpDirection])[] = [
    ['recvonly', 'sendrecv'],
    ['inactive', 'sendonly'],
    ['sendrecv', 'sendrecv'],
  ]
  for (const [before, after] of reused) {
    it(`takes a ${before} transceiver that has never sent, and makes it ${after}`, () => {
      const peer = new MediaPeer()
      peer.transceivers.addTransceiver('audio', { direction: before })
      const sender = peer.transceivers.addTrack(peer.track('audio'), [peer.stream('s')])
      assert.equal(peer.all.length, 1)
      assert.deepEqual([peer.at(0).direction, sender.streamIds], [after, ['s']])
    })
  }

  it('takes none that has sent, that is of another kind, or that is stopping', () => {
    const [a, b] = [new MediaPeer(1), new MediaPeer(2)]
    const sender = a.transceivers.addTrack(a.track('audio'), [])
    negotiate(a, b)
    a.transceivers.removeTrack(sender.object)
    a.transceivers.addTransceiver('video')
    a.transceivers.addTransceiver('audio')
    a.stop(a.at(2))
    a.transceivers.addTrack(a.track('audio'), [])
    assert.equal(a.all.length, 4)
  })
})

describe('removeTrack', () => {
  it('leaves the direction that receives', () => {
    const peer = new MediaPeer()
    const sender = peer.transceivers.addTrack(peer.track('audio'), [])
    peer.transceivers.removeTrack(sender.object)
    assert.deepEqual([peer.at(0).direction, sender.track, peer.updates], ['recvonly', null, 2])
    peer.transceivers.removeTrack(sender.object)
    assert.equal(peer.updates, 2)
  })

  it('refuses the sender of another connection, and does nothing for one that is gone', () => {
    const [a, b] = [new MediaPeer(1), new MediaPeer(2)]
    const sender = a.transceivers.addTrack(a.track('audio'), [])
    assert.throws(() => b.transceivers.removeTrack(sender.object), { name: 'InvalidAccessError' })
    negotiate(a, b)
    a.stop(a.at(0))
    negotiate(a, b)
    assert.equal(a.all.length, 0)
    a.transceivers.removeTrack(sender.object)
    a.isClosed = true
    assert.throws(() => a.transceivers.removeTrack(sender.object), { name: 'InvalidStateError' })
  })
})

describe('addTransceiver', () => {
  const peer = new MediaPeer()
  const refused: readonly (readonly [string, Parameters<typeof peer.transceivers.addTransceiver>, string])[] = [
    ['a kind that is none', ['text'], 'TypeError'],
    ['to be stopped', ['audio', { direction: 'stopped' }], 'TypeError'],
    ['a rid that is malformed', ['video', { sendEncodings: [{ rid: 'ü' }] }], 'TypeError'],
    ['a rid that is empty', ['video', { sendEncodings: [{ rid: '' }] }], 'TypeError'],
    ['rids for some encodings only', ['video', { sendEncodings: [{ rid: 'a' }, {}] }], 'TypeError'],
    ['a rid twice', ['video', { sendEncodings: [{ rid: 'a' }, { rid: 'a' }] }], 'TypeError'],
    ['to enlarge', ['video', { sendEncodings: [{ scaleResolutionDownBy: 0.5 }] }], 'RangeError'],
    ['no frames', ['video', { sendEncodings: [{ maxFramerate: 0 }] }], 'RangeError'],
    [
      'a codec that is not there',
      ['video', { sendEncodings: [{ codec: { mimeType: 'video/H263', clockRate: 90_000 } }] }],
      'OperationError',
    ],
  ]
  for (const [what, args, name] of refused) {
    it(`refuses ${what}`, () => {
      assert.throws(() => peer.transceivers.addTransceiver(...args), { name })
      assert.equal(peer.all.length, 0)
    })
  }

  it('forgets what is about video for audio, and the rid of a single encoding', () => {
    const other = new MediaPeer()
    other.transceivers.addTransceiver('audio', {
      sendEncodings: [{ rid: 'a', scaleResolutionDownBy: 0.5, maxFramerate: 0 }],
    })
    assert.deepEqual(
      other.at(0).sender.encodings.map(({ parameters }) => parameters),
      [{}],
    )
  })

  it('gives encodings a scale if one has one', () => {
    const other = new MediaPeer()
    const sendEncodings = [{ rid: 'a', scaleResolutionDownBy: 3 }, { rid: 'b' }]
    other.transceivers.addTransceiver('video', { sendEncodings })
    assert.deepEqual(
      other.at(0).sender.encodings.map(({ parameters }) => parameters.scaleResolutionDownBy),
      [3, 1],
    )
    // What the application gave is its own.
    assert.deepEqual(sendEncodings, [{ rid: 'a', scaleResolutionDownBy: 3 }, { rid: 'b' }])
  })
})

describe('What is negotiated', () => {
  it('is there for both ends as soon as the answer is applied', () => {
    const [a, b] = [new MediaPeer(1), new MediaPeer(2)]
    a.transceivers.addTransceiver(a.track('video'), { direction: 'sendonly' })
    negotiate(a, b)
    const [sent] = a.session.configured
    const [received] = b.session.configured
    assert.deepEqual(sent?.send, received?.receive)
    assert.deepEqual(sent?.receive, [])
    assert.deepEqual(received?.send, [])
    assert.deepEqual(sent?.extensions, received?.extensions)
    assert.deepEqual(
      received?.describedStreams,
      sent?.encodings.map(({ ssrc, rtxSsrc }) => ({ ssrc, rtxSsrc })),
    )
    const [vp8] = sent?.send ?? []
    assert.deepEqual(vp8, {
      payloadType: 96,
      mimeType: 'video/VP8',
      clockRate: 90_000,
      rtx: 97,
      nack: true,
      pli: true,
      fir: true,
      transportCc: true,
      remb: true,
    })
    assert.equal(a.at(0).heard.send?.rtp, sent)
    assert.equal(b.at(0).heard.receive?.rtp, received)
    assert.equal(a.at(0).sender.codecs[0]?.mimeType, 'video/VP8')
    assert.ok(a.at(0).sender.headerExtensions.length > 5)
  })

  it('is nothing while there is only an offer', () => {
    const [a, b] = [new MediaPeer(1), new MediaPeer(2)]
    a.transceivers.addTrack(a.track('audio'), [])
    const offer = a.createOffer()
    a.setLocal('offer', offer)
    b.setRemote('offer', offer)
    assert.deepEqual([a.session.configured, b.session.calls], [[], 0])
    assert.notEqual(a.at(0).sender.transport, undefined)
    assert.equal(b.at(0).sender.transport, undefined)
  })

  it('has a provisional answer in force', () => {
    const [a, b] = [new MediaPeer(1), new MediaPeer(2)]
    a.transceivers.addTrack(a.track('audio'), [])
    const offer = a.createOffer()
    a.setLocal('offer', offer)
    b.setRemote('offer', offer)
    const answer = b.createAnswer()
    b.setLocal('pranswer', answer)
    a.setRemote('pranswer', answer)
    assert.deepEqual([a.at(0).currentDirection, b.at(0).currentDirection], ['sendonly', 'recvonly'])
    assert.equal(a.session.configured.length, 1)
    b.transceivers.addTrack(b.track('audio'), [])
    const final = b.createAnswer()
    b.setLocal('answer', final)
    a.setRemote('answer', final)
    assert.deepEqual([a.at(0).currentDirection, b.at(0).currentDirection], ['sendrecv', 'sendrecv'])
  })

  it('sends with the numbers of the peer and receives with its own', () => {
    const [a, b] = [new MediaPeer(1), new MediaPeer(2)]
    a.transceivers.addTrack(a.track('video'), [])
    const offer = a.createOffer()
    a.setLocal('offer', offer)
    b.setRemote('offer', offer)
    b.at(0).preferredCodecs = [
      { mimeType: 'video/VP8', clockRate: 90_000 },
      { mimeType: 'video/rtx', clockRate: 90_000 },
    ]
    b.at(0).direction = 'sendrecv'
    const text = serializeSdp(b.createAnswer())
    // RFC 3264 §6.1: an answerer should use the numbers of the offer, and need not.
    const renumbered = text
      .replace('SAVPF 96 97', 'SAVPF 120 121')
      .replaceAll(':96 ', ':120 ')
      .replaceAll(':97 ', ':121 ')
      .replace('apt=96', 'apt=120')
    a.setRemote('answer', parseSdp(renumbered))
    const [section] = a.session.configured
    assert.deepEqual(
      section?.send.map(({ payloadType, rtx }) => [payloadType, rtx]),
      [[120, 121]],
    )
    assert.deepEqual(
      section?.receive.map(({ payloadType, rtx }) => [payloadType, rtx]),
      [[96, 97]],
    )
  })

  it('keeps the streams of a section on hold, but sends nothing', () => {
    const [a, b] = [new MediaPeer(1), new MediaPeer(2)]
    a.transceivers.addTrack(a.track('audio'), [])
    negotiate(a, b)
    a.at(0).direction = 'inactive'
    negotiate(a, b)
    const [section] = a.session.configured
    assert.deepEqual([section?.send, section?.receive, section?.encodings.length], [[], [], 1])
  })

  it('still receives what was negotiated while a new offer is out', () => {
    const [a, b] = [new MediaPeer(1), new MediaPeer(2)]
    const slots = a.transceivers.addTransceiver('video')
    slots.preferredCodecs = [{ mimeType: 'video/VP8', clockRate: 90_000 }]
    b.transceivers.addTrack(b.track('video'), [])
    negotiate(a, b)
    slots.preferredCodecs = [{ mimeType: 'video/VP9', clockRate: 90_000, sdpFmtpLine: 'profile-id=0' }]
    a.setLocal('offer', a.createOffer())
    const types = (): string[] => a.session.configured[0]?.receive.map(({ mimeType }) => mimeType) ?? []
    assert.deepEqual(types(), ['video/VP8', 'video/VP9'])
    a.rollback()
    assert.deepEqual(types(), ['video/VP8'])
  })

  it('is configured once for each transport', () => {
    const [a, b] = [new MediaPeer(1), new MediaPeer(2)]
    for (const kind of ['audio', 'video', 'video']) a.transceivers.addTransceiver(kind)
    negotiate(a, b)
    const sessions = [new SessionDouble(), new SessionDouble()]
    const transports = sessions.map(
      session => ({ session, schedule: () => undefined, now: () => 0 }) as unknown as MediaTransport,
    )
    a.transceivers.connect(mid => transports[mid === '0' ? 0 : 1])
    assert.deepEqual(
      sessions.map(({ configured, calls }) => [calls, configured.map(({ mid }) => mid)]),
      [
        [1, ['0']],
        [1, ['1', '2']],
      ],
    )
    // What was there before has nothing any more.
    assert.deepEqual(a.session.configured, [])
  })

  it('drops the codec of an encoding that the peer does not take', () => {
    const [a, b] = [new MediaPeer(1), new MediaPeer(2)]
    const codec = { mimeType: 'video/VP9', clockRate: 90_000, sdpFmtpLine: 'profile-id=0' }
    a.transceivers.addTransceiver('video', { sendEncodings: [{ codec }] })
    negotiate(a, b)
    assert.deepEqual(a.at(0).sender.encodings[0]?.parameters.codec, codec)
    b.at(0).preferredCodecs = [{ mimeType: 'video/VP8', clockRate: 90_000 }]
    negotiate(a, b)
    assert.equal(a.at(0).sender.encodings[0]?.parameters.codec, undefined)
  })

  it('leads packets and requests to those that they are for', () => {
    const [a, b] = [new MediaPeer(1), new MediaPeer(2)]
    a.transceivers.addTrack(a.track('audio'), [])
    a.transceivers.addTrack(a.track('video'), [])
    negotiate(a, b)
    const packet = { stream: { mid: '1' } } as ReceivedPacket
    b.transceivers.rtpReceived(packet, 0)
    b.transceivers.rtpReceived({ stream: { mid: '7' } } as ReceivedPacket, 0)
    assert.deepEqual(
      b.all.map(({ heard }) => heard.packets),
      [[], [packet]],
    )
    const ssrc = a.at(1).sender.encodings[0]?.ssrc ?? 0
    a.transceivers.rtpEvent({ type: 'keyframe-request', ssrc })
    assert.deepEqual(
      a.all.map(({ heard }) => heard.keyframes),
      [[], [ssrc]],
    )
  })

  it('tells receivers of streams that have ended, and senders that they may go on', () => {
    const [a, b] = [new MediaPeer(1), new MediaPeer(2)]
    a.transceivers.addTrack(a.track('audio'), [])
    a.transceivers.addTrack(a.track('video'), [])
    negotiate(a, b)
    b.transceivers.rtpEvent({ type: 'stream-ended', ssrc: 77 })
    // Each knows by itself what it has received.
    assert.deepEqual(
      b.all.map(({ heard }) => heard.endedStreams),
      [[77], [77]],
    )
    a.transceivers.rtpEvent({ type: 'writable' })
    assert.deepEqual(
      a.all.map(({ heard }) => heard.writable),
      [1, 1],
    )
    a.transceivers.rtpEvent({ type: 'target-bitrate', bitrate: 1_000 })
  })

  it('is nothing any more when the connection closes', () => {
    const [a, b] = [new MediaPeer(1), new MediaPeer(2)]
    a.transceivers.addTrack(a.track('audio'), [])
    negotiate(a, b)
    const slots = b.at(0)
    b.transceivers.close()
    b.transceivers.close()
    assert.deepEqual([slots.stopped, slots.currentDirection, slots.heard.receive], [true, null, undefined])
    assert.equal(slots.receiver.track.readyState, 'ended')
    assert.equal(slots.heard.ended, 1)
    assert.deepEqual(b.transceivers.senders, [])
  })
})

describe('Negotiation is needed', () => {
  const changes: readonly (readonly [string, (peer: MediaPeer) => void])[] = [
    ['a track was added', peer => peer.transceivers.addTrack(peer.track('video'), [])],
    ['a transceiver was added', peer => peer.transceivers.addTransceiver('audio')],
    ['a track was removed', peer => peer.transceivers.removeTrack(peer.at(0).sender.object)],
    ['a direction was changed', peer => Object.assign(peer.at(0), { direction: 'inactive' })],
    ['a stream was changed', peer => Object.assign(peer.at(0).sender, { streamIds: ['other'] })],
    ['a transceiver was stopped', peer => peer.stop(peer.at(0))],
  ]
  for (const [what, change] of changes) {
    for (const side of [0, 1] as const) {
      it(`when ${what} at the ${side === 0 ? 'offerer' : 'answerer'}, until that is negotiated`, () => {
        const ends = [new MediaPeer(1), new MediaPeer(2)] as const
        const [a, b] = ends
        a.transceivers.addTrack(a.track('audio'), [a.stream('x')])
        b.transceivers.addTrack(b.track('audio'), [b.stream('y')])
        negotiate(a, b)
        assert.deepEqual([a.isNeeded, b.isNeeded], [false, false])
        change(ends[side])
        assert.equal(ends[side].isNeeded, true)
        negotiate(ends[side], ends[1 - side] as MediaPeer)
        assert.deepEqual([a.isNeeded, b.isNeeded], [false, false])
      })
    }
  }

  it('once for a transceiver that was stopped before it had a section', () => {
    const [a, b] = [new MediaPeer(1), new MediaPeer(2)]
    a.transceivers.addTransceiver('audio')
    a.stop(a.at(0))
    assert.equal(a.isNeeded, true)
    negotiate(a, b)
    assert.deepEqual([a.isNeeded, a.all.length], [false, 0])
  })
})

describe('Numbers', () => {
  it('are there for our codecs even if a peer has used up all of them', () => {
    const [a, b] = [new MediaPeer(1), new MediaPeer(2)]
    a.transceivers.addTransceiver('audio')
    const offer = a.createOffer()
    const types = [...range(35, 63), ...range(96, 127)].filter(each => each !== 111)
    const text = serializeSdp(offer)
      .replace(
        /(m=audio.*)\r\n/,
        `$1 ${types.filter(each => !rtpAt(offer, 0).codecs.some(c => c.payloadType === each)).join(' ')}\r\n`,
      )
      .concat(
        ...types
          .filter(each => !rtpAt(offer, 0).codecs.some(c => c.payloadType === each))
          .map(each => `a=rtpmap:${each} junk${each}/8000\r\n`),
      )
    b.setRemote('offer', parseSdp(text))
    b.setLocal('answer', b.createAnswer())
    b.transceivers.addTransceiver('video')
    const next: SdpSession = b.createOffer()
    assert.ok(rtpAt(next, 1).codecs.length >= 8)
    b.transceivers.check({ side: 'local', type: 'offer', session: next, offer: undefined })
  })
})

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}
