import assert from 'node:assert/strict'
import { AppliedDescription } from '../../src/pc/applied-description.ts'
import { type SdpType, Signaling, type SignalingState } from '../../src/pc/signaling.ts'
import { parseSdp } from '../../src/sdp/index.ts'

const sdp = 'v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n'

type Step = readonly ['local' | 'remote', SdpType]

function apply(signaling: Signaling, [side, type]: Step): void {
  assert.ok(signaling.permits(side, type), `${side} ${type} in ${signaling.state}`)
  if (type === 'rollback') signaling.rollback()
  else signaling.apply(new AppliedDescription(type, side === 'local', parseSdp(sdp), sdp))
}

/** The shortest way to each state. */
const ways: Readonly<Record<SignalingState, readonly Step[]>> = {
  stable: [],
  'have-local-offer': [['local', 'offer']],
  'have-remote-offer': [['remote', 'offer']],
  'have-local-pranswer': [
    ['remote', 'offer'],
    ['local', 'pranswer'],
  ],
  'have-remote-pranswer': [
    ['local', 'offer'],
    ['remote', 'pranswer'],
  ],
  closed: [],
}

/** RFC 8829 §3.2, figure 2, as a table: what each state permits, and where that leads. */
const permitted: Readonly<Record<SignalingState, Readonly<Record<string, SignalingState>>>> = {
  stable: { 'local offer': 'have-local-offer', 'remote offer': 'have-remote-offer' },
  'have-local-offer': {
    'local offer': 'have-local-offer',
    'remote pranswer': 'have-remote-pranswer',
    'remote answer': 'stable',
    'local rollback': 'stable',
    'remote rollback': 'stable',
  },
  'have-remote-offer': {
    'remote offer': 'have-remote-offer',
    'local pranswer': 'have-local-pranswer',
    'local answer': 'stable',
    'local rollback': 'stable',
    'remote rollback': 'stable',
  },
  'have-local-pranswer': { 'local pranswer': 'have-local-pranswer', 'local answer': 'stable' },
  'have-remote-pranswer': { 'remote pranswer': 'have-remote-pranswer', 'remote answer': 'stable' },
  closed: {},
}

describe('the signaling state machine', () => {
  for (const [state, steps] of Object.entries(ways)) {
    it(`permits in ${state} what figure 2 has, and nothing else`, () => {
      for (const side of ['local', 'remote'] as const) {
        for (const type of ['offer', 'pranswer', 'answer', 'rollback'] as const) {
          const signaling = new Signaling()
          for (const step of steps) apply(signaling, step)
          if (state === 'closed') signaling.close()
          const next = permitted[state as SignalingState][`${side} ${type}`]
          assert.equal(signaling.permits(side, type), next !== undefined, `${side} ${type}`)
          if (next === undefined) continue
          apply(signaling, [side, type])
          assert.equal(signaling.state, next)
        }
      }
    })
  }

  it('makes pending descriptions current when the answer comes', () => {
    const signaling = new Signaling()
    signaling.lastCreatedOffer = sdp
    apply(signaling, ['local', 'offer'])
    const offer = signaling.pendingLocal
    assert.equal(signaling.currentLocal, undefined)
    apply(signaling, ['remote', 'answer'])
    assert.equal(signaling.currentLocal, offer)
    assert.equal(signaling.currentRemote?.type, 'answer')
    assert.equal(signaling.pendingLocal, undefined)
    assert.equal(signaling.lastCreatedOffer, '')
  })

  it('goes back to the current descriptions on rollback', () => {
    const signaling = new Signaling()
    apply(signaling, ['local', 'offer'])
    apply(signaling, ['remote', 'answer'])
    const { currentLocal } = signaling
    apply(signaling, ['remote', 'offer'])
    apply(signaling, ['remote', 'rollback'])
    assert.equal(signaling.local, currentLocal)
    assert.equal(signaling.pendingRemote, undefined)
  })
})
