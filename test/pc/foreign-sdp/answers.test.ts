import assert from 'node:assert/strict'
import { sendBufferSize } from '../../../src/pc/message-limits.ts'
import { connectionOf } from '../../../src/pc/rtc-peer-connection.ts'
import { defaultMaxMessageSize, effectiveTransport, isRtpSection, parseSdp, rtpMedia } from '../../../src/sdp/index.ts'
import { type LonelyPeer, recorded, recordedNames, withPeer } from './foreign-peer.ts'

/**
 * What other stacks have answered to an offer of ours of audio, video and data: nothing in an answer depends on the
 * credentials of its offer, so that it fits whenever the same is offered.
 */
const replayed: Readonly<Record<string, readonly [audio: string, video: string, firstCodec: string]>> = {
  'aiortc-1.4.0-icefloe-answer': ['sendrecv', 'sendrecv', 'audio/opus'],
  'chromium-156-icefloe-answer': ['sendrecv', 'sendrecv', 'audio/opus'],
  'firefox-153-icefloe-answer': ['sendrecv', 'sendrecv', 'audio/opus'],
  'gstreamer-1.22.0-icefloe-answer': ['sendrecv', 'sendrecv', 'audio/OPUS'],
  'janus-1.1.2-icefloe-answer': ['sendrecv', 'sendrecv', 'audio/opus'],
  'janus-1.1.2-videoroom-icefloe-answer': ['sendonly', 'sendonly', 'audio/opus'],
  'libdatachannel-0.33.4-icefloe-answer': ['sendrecv', 'sendrecv', 'audio/opus'],
  'pion-3.1.56-icefloe-answer': ['sendrecv', 'sendrecv', 'audio/opus'],
  'werift-0.24.4-icefloe-answer': ['sendonly', 'sendonly', 'audio/opus'],
  'wrtc-0.10.0-icefloe-answer': ['sendrecv', 'sendrecv', 'audio/opus'],
}

function offerAll({ pc }: LonelyPeer): void {
  pc.addTransceiver('audio')
  pc.addTransceiver('video')
  pc.createDataChannel('x')
}

/** All transceivers and the association are on one transport, which has what the answer says. */
function checkTransports({ pc }: LonelyPeer): void {
  const transports = new Set([...pc.getTransceivers().map(({ sender }) => sender.transport), pc.sctp?.transport])
  assert.equal(transports.size, 1)
  assert.equal(connectionOf(pc).negotiator.transports.all.length, 1)
}

describe('Recorded answers of other stacks to an offer of ours', () => {
  it('are all replayed', () => {
    const names = recordedNames.filter(name => name.endsWith('-icefloe-answer'))
    assert.deepEqual(Object.keys(replayed).sort(), names)
  })

  for (const [name, [audio, video, codec]] of Object.entries(replayed)) {
    it(`${name} is taken`, async () => {
      await withPeer(async peer => {
        offerAll(peer)
        await peer.replay(recorded(name))
        assert.equal(peer.pc.signalingState, 'stable')
        const transceivers = peer.pc.getTransceivers()
        assert.deepEqual(
          transceivers.map(({ currentDirection }) => currentDirection),
          [audio, video],
        )
        assert.equal(transceivers[0]?.sender.getParameters().codecs[0]?.mimeType, codec)
        assert.equal(transceivers[1]?.sender.getParameters().codecs[0]?.mimeType, 'video/VP8')
        const size = Math.min(
          parseSdp(recorded(name)).media[2]?.maxMessageSize ?? defaultMaxMessageSize,
          sendBufferSize,
        )
        assert.equal(peer.pc.sctp?.maxMessageSize, size)
        checkTransports(peer)
      })
    })

    it(`${name} is taken as a provisional one, and then for good`, async () => {
      await withPeer(async peer => {
        offerAll(peer)
        await peer.replay(recorded(name), 'pranswer')
        assert.equal(peer.pc.signalingState, 'have-remote-pranswer')
        await peer.settled(peer.pc.setRemoteDescription({ type: 'answer', sdp: recorded(name) }))
        assert.equal(peer.pc.signalingState, 'stable')
        checkTransports(peer)
      })
    })
  }
})

describe('Recorded answers of media servers to a simulcast of ours', () => {
  const rids = (peer: LonelyPeer): readonly (string | undefined)[] =>
    peer.pc
      .getSenders()[0]
      ?.getParameters()
      .encodings.map(({ rid }) => rid) ?? []
  const offerSimulcast = ({ pc }: LonelyPeer, ids: readonly string[]): void => {
    pc.addTransceiver('video', { direction: 'sendonly', sendEncodings: ids.map(rid => ({ rid })) })
  }

  it('are taken whole, as Janus takes three streams', async () => {
    await withPeer(async peer => {
      offerSimulcast(peer, ['h', 'm', 'l'])
      await peer.replay(recorded('janus-1.1.2-icefloe-simulcast-answer'))
      assert.deepEqual(rids(peer), ['h', 'm', 'l'])
      assert.equal(peer.pc.getTransceivers()[0]?.currentDirection, 'sendonly')
    })
  })

  it('leave one stream, as Pion says nothing of simulcast', async () => {
    await withPeer(async peer => {
      offerSimulcast(peer, ['h', 'm', 'l'])
      await peer.replay(recorded('pion-3.1.56-icefloe-simulcast-answer'))
      assert.equal(rids(peer).length, 1)
    })
  })

  it('are those that mediasoup-client writes for its server, ICE lite and passive', async () => {
    await withPeer(async peer => {
      peer.pc.addTransceiver('audio', { direction: 'sendonly' })
      offerSimulcast(peer, ['r0', 'r1', 'r2'])
      peer.pc.createDataChannel('x')
      await peer.replay(recorded('mediasoup-client-3.18.7-send-answer'))
      assert.deepEqual(
        peer.pc
          .getSenders()[1]
          ?.getParameters()
          .encodings.map(({ rid }) => rid),
        ['r0', 'r1', 'r2'],
      )
      checkTransports(peer)
      assert.equal(peer.pc.sctp?.transport.iceTransport.role, 'controlling')
    })
  })
})

describe('Every recorded description', () => {
  for (const name of recordedNames) {
    it(`${name} is read, with the transport of each section in use`, () => {
      const session = parseSdp(recorded(name))
      assert.ok(session.media.length > 0)
      for (const media of session.media) {
        if (media.port === 0 && !media.bundleOnly) continue
        const { iceUfrag, icePwd, fingerprints, setup } = effectiveTransport(session, media)
        assert.ok(iceUfrag !== undefined && icePwd !== undefined, 'credentials')
        assert.ok(fingerprints.length > 0, 'a fingerprint')
        assert.ok(setup === 'actpass' || !name.endsWith('-offer'), `a=setup:${setup}`)
        assert.ok(!isRtpSection(media) || rtpMedia(session, media).codecs.length > 0, 'codecs')
      }
    })
  }
})
