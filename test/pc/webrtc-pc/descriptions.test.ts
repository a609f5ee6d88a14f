import assert from 'node:assert/strict'
import { RtpTrackSource } from '../../../src/pc/media/rtp-track-source.ts'
import type { RTCPeerConnection } from '../../../src/pc/rtc-peer-connection.ts'
import { agree, close, createMediaPair, type MediaPair, settled } from '../negotiation/media-pair.ts'
import { logEvents, outcomeOf } from './outcomes.ts'

describe('Setting descriptions (webrtc-pc §4.4.1.4 and §4.4.2)', () => {
  let pair: MediaPair
  beforeEach(() => {
    pair = createMediaPair({ seed: 62, sections: ['audio', 'data'] })
  })
  afterEach(() => close(pair))

  const outcome = (promise: Promise<unknown>): Promise<string> => settled(pair.sim, outcomeOf(promise))

  async function offered(from: RTCPeerConnection, to: RTCPeerConnection): Promise<void> {
    const offer = await settled(pair.sim, from.createOffer())
    await settled(pair.sim, from.setLocalDescription(offer))
    await settled(pair.sim, to.setRemoteDescription(offer))
  }

  describe('without naming what is meant (setLocalDescription, step 4.1)', () => {
    it('offers in stable and have-local-offer, answers in have-remote-offer and have-local-pranswer', async () => {
      const { sim, alice, bob } = pair
      await settled(sim, alice.setLocalDescription())
      assert.equal(alice.signalingState, 'have-local-offer')
      await settled(sim, alice.setLocalDescription())
      assert.equal(alice.signalingState, 'have-local-offer')
      await settled(sim, bob.setRemoteDescription({ type: 'offer', sdp: alice.localDescription?.sdp ?? '' }))
      await settled(sim, bob.setLocalDescription({ type: 'pranswer' }))
      assert.equal(bob.signalingState, 'have-local-pranswer')
      assert.equal(bob.localDescription?.type, 'pranswer')
      await settled(sim, bob.setLocalDescription())
      assert.equal(bob.signalingState, 'stable')
      assert.equal(bob.localDescription?.type, 'answer')
    })

    it('fails in have-remote-pranswer, where it would be an offer', async () => {
      const { sim, alice, bob } = pair
      await offered(alice, bob)
      await settled(sim, bob.setLocalDescription({ type: 'pranswer' }))
      const { sdp = '' } = bob.localDescription ?? {}
      await settled(sim, alice.setRemoteDescription({ type: 'pranswer', sdp }))
      assert.equal(alice.signalingState, 'have-remote-pranswer')
      assert.equal(await outcome(alice.setLocalDescription()), 'InvalidStateError')
      assert.equal(alice.signalingState, 'have-remote-pranswer')
      await settled(sim, alice.setRemoteDescription({ type: 'answer', sdp }))
      assert.equal(alice.signalingState, 'stable')
    })

    it('uses the offer or answer that was created last, as long as it is what would be created (steps 4.4 and 4.5)', async () => {
      const { sim, alice, bob } = pair
      const offer = await settled(sim, alice.createOffer())
      await settled(sim, alice.setLocalDescription({ type: 'offer' }))
      assert.equal(alice.localDescription?.sdp, offer.sdp)
      await settled(sim, bob.setRemoteDescription(offer))
      const answer = await settled(sim, bob.createAnswer())
      await settled(sim, bob.setLocalDescription())
      assert.equal(bob.localDescription?.sdp, answer.sdp)
    })

    it('makes another one where the last no longer accurately represents the state (step 4.4.2)', async () => {
      const { sim, alice } = pair
      const { sdp } = await settled(sim, alice.createOffer())
      alice.addTransceiver('video')
      await settled(sim, alice.setLocalDescription())
      assert.notEqual(alice.localDescription?.sdp, sdp)
      assert.match(alice.localDescription?.sdp ?? '', /^m=video/m)
    })

    it('restarts ICE with the offer that was created to restart it', async () => {
      const { sim, alice, bob } = pair
      await agree(pair, alice, bob)
      const { sdp } = await settled(sim, alice.createOffer({ iceRestart: true }))
      await settled(sim, alice.setLocalDescription())
      const fragment = (text = ''): string | undefined => /a=ice-ufrag:(\S+)/.exec(text)?.[1]
      assert.equal(fragment(alice.pendingLocalDescription?.sdp), fragment(sdp))
      assert.notEqual(fragment(alice.currentLocalDescription?.sdp), fragment(sdp))
    })
  })

  it('refuses a local text that was not created here, whatever it is (steps 4.2 and 4.3)', async () => {
    const { sim, alice, bob } = pair
    await offered(alice, bob)
    const { sdp = '' } = alice.localDescription ?? {}
    await settled(sim, bob.createAnswer())
    for (const [peer, type] of [
      [alice, 'offer'],
      [alice, 'answer'],
      [alice, 'pranswer'],
      [bob, 'offer'],
      [bob, 'answer'],
      [bob, 'pranswer'],
    ] as const) {
      const before = [peer.signalingState, peer.localDescription]
      for (const text of ['x', 'v=0\r\n', sdp.replace(/a=mid:0/, 'a=mid:9'), 'null']) {
        assert.equal(await outcome(peer.setLocalDescription({ type, sdp: text })), 'InvalidModificationError')
      }
      assert.deepEqual([peer.signalingState, peer.localDescription], before)
    }
  })

  it('tells wrong state, wrong syntax and wrong content apart, in this order (§4.4.1.4, step 4.5)', async () => {
    const { sim, alice, bob } = pair
    const log = logEvents(bob, ['signalingstatechange'])
    const garbage = 'this is no session description'
    assert.equal(await outcome(bob.setRemoteDescription({ type: 'answer', sdp: garbage })), 'InvalidStateError')
    assert.equal(await outcome(bob.setRemoteDescription({ type: 'pranswer', sdp: garbage })), 'InvalidStateError')
    const error = await settled(
      sim,
      bob.setRemoteDescription({ type: 'offer', sdp: garbage }).catch(reason => reason),
    )
    assert.deepEqual([error.name, error.errorDetail, error.sdpLineNumber], ['OperationError', 'sdp-syntax-error', 1])
    const { sdp = '' } = await settled(sim, alice.createOffer())
    const unmuxed = sdp.replace(/^a=rtcp-mux\r\n/gm, '').replace(/^a=rtcp-mux-only\r\n/gm, '')
    assert.equal(await outcome(bob.setRemoteDescription({ type: 'offer', sdp: unmuxed })), 'InvalidAccessError')
    const bare = sdp.replace(/^a=ice-ufrag:.*\r\n/gm, '')
    assert.equal(await outcome(bob.setRemoteDescription({ type: 'offer', sdp: bare })), 'InvalidAccessError')
    assert.deepEqual([bob.signalingState, bob.remoteDescription, bob.getTransceivers().length], ['stable', null, 0])
    assert.deepEqual(log, [])
  })

  describe('rolls back', () => {
    it('a local and a remote offer from either side, and nothing else (step 2)', async () => {
      const { sim, alice, bob } = pair
      for (const peer of [alice, bob]) {
        for (const side of ['setLocalDescription', 'setRemoteDescription'] as const) {
          await offered(alice, bob)
          const log = logEvents(peer, ['signalingstatechange'])
          // Step 4.6.12: the text of a rollback is not looked at
          await settled(sim, peer[side]({ type: 'rollback', sdp: 'anything' }))
          assert.deepEqual(log, ['signalingstatechange stable'])
          assert.deepEqual([peer.pendingLocalDescription, peer.pendingRemoteDescription, peer.sctp], [null, null, null])
          assert.equal(await outcome(peer[side]({ type: 'rollback' })), 'InvalidStateError')
          const other = peer === alice ? bob : alice
          await settled(sim, other.setLocalDescription({ type: 'rollback' }))
        }
      }
      await offered(alice, bob)
      await settled(sim, bob.setLocalDescription({ type: 'pranswer' }))
      assert.equal(await outcome(bob.setLocalDescription({ type: 'rollback' })), 'InvalidStateError')
      const { sdp = '' } = bob.localDescription ?? {}
      await settled(sim, alice.setRemoteDescription({ type: 'pranswer', sdp }))
      assert.equal(await outcome(alice.setRemoteDescription({ type: 'rollback' })), 'InvalidStateError')
      assert.equal(await outcome(alice.setRemoteDescription({ type: 'offer', sdp })), 'InvalidStateError')
      assert.equal(alice.signalingState, 'have-remote-pranswer')
    })

    it('its own offer when one arrives, with the events of both steps (setRemoteDescription, step 3.1)', async () => {
      const { sim, alice, bob } = pair
      bob.addTransceiver('video')
      await settled(sim, bob.setLocalDescription())
      const log = logEvents(bob, ['signalingstatechange', 'track'])
      await settled(sim, bob.setRemoteDescription(await settled(sim, alice.createOffer())))
      assert.deepEqual(log, ['signalingstatechange stable', 'signalingstatechange have-remote-offer', 'track'])
    })

    it('and stays rolled back if that offer is no good (step 3.1.2: "with a fulfillment step")', async () => {
      const { alice } = pair
      await settled(pair.sim, alice.setLocalDescription())
      assert.equal(await outcome(alice.setRemoteDescription({ type: 'offer', sdp: 'rubbish' })), 'OperationError')
      assert.deepEqual([alice.signalingState, alice.pendingLocalDescription], ['stable', null])
    })

    it('to gathering state new where no transport is left (§4.3.2)', async () => {
      const { sim, alice } = pair
      await settled(sim, alice.setLocalDescription())
      assert.ok(await sim.run(() => alice.iceGatheringState === 'complete'))
      const log = logEvents(alice, ['icegatheringstatechange'])
      await settled(sim, alice.setLocalDescription({ type: 'rollback' }))
      await sim.runFor(10)
      assert.deepEqual(log, ['icegatheringstatechange new'])
    })
  })

  it('keeps the SCTP association through a provisional answer that rejects it; an answer ends it (step 4.6.8)', async () => {
    const { sim, alice, bob } = pair
    await offered(alice, bob)
    const { sctp } = alice
    assert.ok(sctp)
    const { sdp = '' } = await settled(sim, bob.createAnswer())
    const rejecting = sdp.replace(/^m=application 9/m, 'm=application 0').replace(/^(a=group:BUNDLE 0) 1/m, '$1')
    assert.notEqual(rejecting, sdp)
    await settled(sim, alice.setRemoteDescription({ type: 'pranswer', sdp: rejecting }))
    assert.equal(alice.sctp, sctp)
    await settled(sim, alice.setRemoteDescription({ type: 'answer', sdp: rejecting }))
    assert.equal(alice.sctp, null)
  })

  it('starts over with a track that was added while a remote offer was applied (step 4.6.2)', async () => {
    const { sim, alice, bob } = pair
    const taken = bob.setRemoteDescription(await settled(sim, alice.createOffer()))
    const sender = bob.addTrack(new RtpTrackSource('audio').track)
    await settled(sim, taken)
    const [transceiver, ...others] = bob.getTransceivers()
    assert.deepEqual([transceiver?.sender, transceiver?.mid, others], [sender, '0', []])
    // Once it was applied, the section has its transceiver
    bob.addTrack(new RtpTrackSource('audio').track)
    assert.equal(bob.getTransceivers().length, 2)
  })

  it('goes through provisional answers, each in the place of the last', async () => {
    const { sim, alice, bob } = pair
    await offered(alice, bob)
    const log = [logEvents(alice, ['signalingstatechange']), logEvents(bob, ['signalingstatechange'])]
    for (const type of ['pranswer', 'pranswer', 'answer'] as const) {
      const { sdp } = await settled(sim, bob.createAnswer())
      await settled(sim, bob.setLocalDescription({ type, sdp: sdp ?? '' }))
      await settled(sim, alice.setRemoteDescription({ type, sdp: sdp ?? '' }))
      const provisional = type === 'pranswer'
      assert.equal(bob.pendingLocalDescription?.type, provisional ? type : undefined)
      assert.equal(alice.pendingRemoteDescription?.type, provisional ? type : undefined)
      assert.equal(bob.currentLocalDescription?.type, provisional ? undefined : type)
      assert.equal(alice.currentRemoteDescription?.type, provisional ? undefined : type)
      assert.equal(alice.currentLocalDescription?.type, provisional ? undefined : 'offer')
    }
    assert.deepEqual(log, [
      ['signalingstatechange have-remote-pranswer', 'signalingstatechange stable'],
      ['signalingstatechange have-local-pranswer', 'signalingstatechange stable'],
    ])
  })
})
