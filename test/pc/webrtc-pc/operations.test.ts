import assert from 'node:assert/strict'
import { agree, close, createMediaPair, type MediaPair, settled } from '../negotiation/media-pair.ts'
import { outcomeAtOnce, outcomeOf } from './outcomes.ts'

describe('The operations of a connection (webrtc-pc §4.4.1.2 and §4.4.2)', () => {
  let pair: MediaPair
  beforeEach(() => {
    pair = createMediaPair({ seed: 61, sections: ['audio'] })
  })
  afterEach(() => close(pair))

  it('are refused at once where the state is wrong and nothing is before them', async () => {
    const { sim, alice } = pair
    assert.equal(await outcomeAtOnce(alice.createAnswer()), 'InvalidStateError')
    assert.equal(await outcomeAtOnce(alice.setLocalDescription({ type: 'answer' })), 'InvalidStateError')
    // §4.4.1.4, step 2: "then reject p with a newly created InvalidStateError and abort these steps"
    assert.equal(await outcomeAtOnce(alice.setLocalDescription({ type: 'rollback' })), 'InvalidStateError')
    assert.equal(await outcomeAtOnce(alice.setRemoteDescription({ type: 'rollback' })), 'InvalidStateError')
    assert.equal(await outcomeAtOnce(alice.addIceCandidate({ candidate: '', sdpMid: '0' })), 'InvalidStateError')
    const other = { type: 'offer', sdp: 'v=0\r\n' } as const
    assert.equal(await outcomeAtOnce(alice.setLocalDescription(other)), 'InvalidModificationError')
    const offer = await settled(sim, alice.createOffer())
    await settled(sim, pair.bob.setRemoteDescription(offer))
    assert.equal(await outcomeAtOnce(pair.bob.createOffer()), 'InvalidStateError')
  })

  it('take a task of their own, so that others wait behind them', async () => {
    const { sim, alice, bob } = pair
    const cases: readonly (() => Promise<unknown>)[] = [
      () => alice.createOffer(),
      () => alice.setLocalDescription(),
      () => alice.setLocalDescription({ type: 'rollback' }),
    ]
    for (const operation of cases) {
      const first = operation()
      const behind = alice.createAnswer()
      assert.equal(await outcomeAtOnce(first), 'pending')
      assert.equal(await outcomeAtOnce(behind), 'pending', 'the chain is not empty')
      await settled(sim, first)
      assert.equal(await settled(sim, outcomeOf(behind)), 'InvalidStateError')
    }
    await agree(pair, alice, bob)
    const candidate = bob.addIceCandidate()
    assert.equal(await outcomeAtOnce(candidate), 'pending')
    await settled(sim, candidate)
  })

  it('have left the chain when the reactions of the caller run (step 7.4)', async () => {
    const { sim, alice } = pair
    const reaction = alice.createOffer().then(() => outcomeAtOnce(alice.createAnswer()))
    assert.equal(await settled(sim, reaction), 'InvalidStateError')
  })

  it('see what was changed while an offer was being created (final steps, step 2)', async () => {
    const { sim, alice } = pair
    const offer = alice.createOffer()
    alice.addTransceiver('video')
    alice.createDataChannel('late')
    const { sdp = '' } = await settled(sim, offer)
    assert.deepEqual(sdp.match(/^m=\w+/gm), ['m=audio', 'm=video', 'm=application'])
  })

  it('see the direction that a transceiver has when the answer is made (final steps, step 2)', async () => {
    const { sim, alice, bob } = pair
    await settled(sim, bob.setRemoteDescription(await settled(sim, alice.createOffer())))
    const answer = bob.createAnswer()
    for (const transceiver of bob.getTransceivers()) transceiver.direction = 'inactive'
    assert.match((await settled(sim, answer)).sdp ?? '', /^a=inactive\r$/m)
  })

  it('never settle once the connection is closed, and new ones are refused (steps 2 and 7.1)', async () => {
    const { sim, alice, bob } = pair
    const offer = await settled(sim, alice.createOffer())
    let settledOnes = 0
    const count = (): void => {
      settledOnes++
    }
    const candidate = { candidate: 'candidate:1 1 udp 1 192.0.2.7 5000 typ host', sdpMid: '0' }
    const pending = [
      bob.setRemoteDescription(offer),
      bob.addIceCandidate(candidate),
      bob.createAnswer(),
      bob.setLocalDescription(),
      bob.setLocalDescription({ type: 'rollback' }),
      alice.setLocalDescription(offer),
      alice.createOffer(),
    ]
    for (const promise of pending) promise.then(count, count)
    close(pair)
    await sim.runFor(1000)
    assert.equal(settledOnes, 0)
    const refused = [
      bob.setRemoteDescription(offer),
      bob.addIceCandidate(candidate),
      bob.createAnswer(),
      bob.createOffer(),
      bob.setLocalDescription(),
    ]
    for (const promise of refused) assert.equal(await outcomeAtOnce(promise), 'InvalidStateError')
  })

  it('begin in the order they were asked for, though nobody waits in between', async () => {
    const { sim, alice, bob } = pair
    const order: string[] = []
    const log = (name: string) => () => order.push(name)
    const local = alice.setLocalDescription().then(log('offer'))
    const back = alice.setLocalDescription({ type: 'rollback' }).then(log('rollback'))
    const again = alice.setLocalDescription().then(log('offer again'))
    await settled(sim, Promise.all([local, back, again]))
    assert.deepEqual(order, ['offer', 'rollback', 'offer again'])
    assert.equal(alice.signalingState, 'have-local-offer')
    const { localDescription } = alice
    assert.ok(localDescription)
    const remote = bob.setRemoteDescription(localDescription)
    const answer = bob.setLocalDescription()
    const early = bob.addIceCandidate({ candidate: '', sdpMid: '0' })
    await settled(sim, Promise.all([remote, answer, early]))
    assert.equal(bob.signalingState, 'stable')
  })
})
