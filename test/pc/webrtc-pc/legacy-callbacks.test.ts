import assert from 'node:assert/strict'
import type { RTCSessionDescriptionInit } from '../../../src/pc/rtc-session-description.ts'
import { close, createMediaPair, type MediaPair, settled } from '../negotiation/media-pair.ts'
import { outcomeAtOnce } from './outcomes.ts'

describe('The legacy forms with callbacks (webrtc-pc §4.4.3.1)', () => {
  let pair: MediaPair
  beforeEach(() => {
    pair = createMediaPair({ seed: 67, sections: ['audio'] })
  })
  afterEach(() => close(pair))

  const never = (): never => assert.fail('the other callback was meant')

  /** What a callback is called with, in the simulated world. */
  async function called(begin: (callback: (value?: unknown) => void) => Promise<void>): Promise<unknown> {
    let returned: unknown = 'pending'
    const outcome = new Promise(resolve => {
      begin(resolve).then(value => {
        returned = value
      }, resolve)
    })
    const value = await settled(pair.sim, outcome)
    assert.equal(returned, undefined, 'the promise of the method is resolved with undefined')
    return value
  }

  it('negotiate as the promised ones do', async () => {
    const { alice, bob } = pair
    const offer = (await called(ok => alice.createOffer(ok, never, { iceRestart: false }))) as RTCSessionDescriptionInit
    assert.deepEqual(Object.keys(offer), ['type', 'sdp'])
    assert.equal(await called(ok => alice.setLocalDescription(offer, ok, never)), undefined)
    assert.equal(await called(ok => bob.setRemoteDescription(offer, ok, never)), undefined)
    const answer = (await called(ok => bob.createAnswer(ok, never))) as RTCSessionDescriptionInit
    assert.equal(answer.type, 'answer')
    await called(ok => bob.setLocalDescription(answer, ok, never))
    await called(ok => alice.setRemoteDescription(answer, ok, never))
    await called(ok => alice.addIceCandidate({ candidate: '', sdpMid: '0' }, ok, never))
    assert.deepEqual([alice.signalingState, bob.signalingState], ['stable', 'stable'])
  })

  it('tell the failure callback what the promise would be rejected with, and resolve all the same (step 6)', async () => {
    const { alice } = pair
    const nameOf = async (begin: (callback: (error: unknown) => void) => Promise<void>): Promise<string> =>
      ((await called(begin)) as Error).name
    assert.equal(await nameOf(no => alice.createAnswer(never, no)), 'InvalidStateError')
    assert.equal(await nameOf(no => alice.setLocalDescription({ type: 'answer' }, never, no)), 'InvalidStateError')
    const rubbish = { type: 'offer', sdp: 'rubbish' } as const
    assert.equal(await nameOf(no => alice.setRemoteDescription(rubbish, never, no)), 'OperationError')
    assert.equal(await nameOf(no => alice.addIceCandidate({ candidate: '' }, never, no)), 'InvalidStateError')
    // addIceCandidate, step 3, is a step of the method, and no conversion
    assert.equal(await nameOf(no => alice.addIceCandidate({ candidate: 'x' }, never, no)), 'TypeError')
    alice.close()
    assert.equal(await nameOf(no => alice.createOffer(never, no)), 'InvalidStateError')
  })

  it('take the third argument of createOffer for its options', async () => {
    const { alice } = pair
    await called(ok => alice.createOffer(ok, never, { offerToReceiveVideo: true }))
    assert.deepEqual(
      alice.getTransceivers().map(({ direction }) => direction),
      ['sendrecv', 'recvonly'],
    )
  })

  it('are told from the promised ones by the number of arguments, as WebIDL §3.6 has it', async () => {
    const { alice } = pair
    const f = (): void => assert.fail('called')
    const peer = alice as unknown as Record<string, (...given: unknown[]) => Promise<unknown>>
    const refused: readonly (readonly [string, ...unknown[]])[] = [
      ['createOffer', f, undefined],
      ['createOffer', {}, f],
      ['createOffer', f, f, 1],
      ['createAnswer', null, f],
      ['createAnswer', f, {}],
      ['createAnswer', 1],
      ['setLocalDescription', {}, f],
      ['setLocalDescription', {}, f, null],
      ['setLocalDescription', 1, f, f],
      ['setRemoteDescription'],
      ['setRemoteDescription', { type: 'rollback' }, f],
      ['setRemoteDescription', { sdp: '' }, f, f],
      ['setRemoteDescription', { type: 'rollback' }, {}, f],
      ['addIceCandidate', null, undefined, undefined],
      ['addIceCandidate', {}, f],
      ['addIceCandidate', 'x', f, f],
    ]
    for (const [method, ...given] of refused) {
      const promise = peer[method]?.apply(alice, given)
      assert.ok(promise)
      assert.equal(await outcomeAtOnce(promise), 'TypeError', `${method}(${given})`)
    }
    // A function is an object: of options without any member
    assert.equal((await settled(pair.sim, alice.createOffer(f as never))).type, 'offer')
  })

  it('call nobody once the connection is closed in the meantime', async () => {
    const { sim, alice } = pair
    let calls = 0
    const count = (): void => {
      calls++
    }
    await alice.createOffer(count, count)
    await alice.setLocalDescription({}, count, count)
    alice.close()
    await sim.runFor(1000)
    assert.equal(calls, 0)
  })

  it('leave what a callback throws to the process, as an exception that nobody caught', async () => {
    const { sim, alice } = pair
    const listeners = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    const thrown: unknown[] = []
    process.on('uncaughtException', error => thrown.push(error))
    try {
      const mistake = new Error('a mistake of the application')
      await alice.createOffer(() => {
        throw mistake
      }, never)
      await sim.runFor(10)
      assert.deepEqual(thrown, [mistake])
    } finally {
      process.removeAllListeners('uncaughtException')
      for (const listener of listeners) process.on('uncaughtException', listener)
    }
  })
})
