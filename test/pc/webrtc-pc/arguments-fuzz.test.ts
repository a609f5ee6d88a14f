import assert from 'node:assert/strict'
import type { RTCPeerConnection } from '../../../src/pc/rtc-peer-connection.ts'
import { hostileValues } from '../../idl/hostile-values.ts'
import { type Prng, prng } from '../../support/prng.ts'
import { agree, close, createMediaPair, settled } from '../negotiation/media-pair.ts'
import { outcomeOf } from './outcomes.ts'

const seed = 69
const rounds = 4000
/** What gives a promise, and rejects it rather than throws; and the rest. */
const promised: Readonly<Record<string, readonly string[]>> = {
  peer: ['createOffer', 'createAnswer', 'setLocalDescription', 'setRemoteDescription', 'addIceCandidate', 'getStats'],
  sender: ['setParameters', 'getStats', 'replaceTrack'],
  receiver: ['getStats'],
  track: ['applyConstraints'],
}
const immediate: Readonly<Record<string, readonly string[]>> = {
  peer: ['setConfiguration', 'createDataChannel', 'addTransceiver', 'addTrack', 'removeTrack'],
  sender: ['setStreams'],
  transceiver: ['setCodecPreferences', 'setHeaderExtensionsToNegotiate'],
  dtmf: ['insertDTMF'],
  channel: ['send'],
}
/** Attributes that are set; in a call, nothing that is set to them may end it. */
const settable: Readonly<Record<string, readonly string[]>> = {
  peer: ['onicecandidate', 'ontrack'],
  receiver: ['jitterBufferTarget', 'transform'],
  sender: ['transform'],
  track: ['enabled', 'contentHint'],
  channel: ['binaryType', 'bufferedAmountLowThreshold', 'onmessage'],
}
const members = [
  'type',
  'sdp',
  'candidate',
  'sdpMid',
  'sdpMLineIndex',
  'usernameFragment',
  'iceServers',
  'urls',
  'iceRestart',
  'direction',
  'streams',
  'sendEncodings',
  'id',
  'negotiated',
  'priority',
  'certificates',
  '__proto__',
  'constructor',
]
const texts = [
  '',
  'offer',
  'answer',
  'pranswer',
  'rollback',
  'audio',
  'sendrecv',
  '0',
  'v=0\r\n',
  'a\r\nb',
  '\ud800',
  'all',
]

class Getter {
  get type(): string {
    throw new RangeError('a getter of the application')
  }
}

function below(random: Prng, limit: number): number {
  return Math.floor(random.float() * limit)
}

/** Anything that JavaScript has; nested a little. */
function anything(random: Prng, depth = 0): unknown {
  const pick = <T>(items: readonly T[]): T => items[below(random, items.length)] as T
  const kind = below(random, depth > 2 ? 9 : 13)
  switch (kind) {
    case 0:
      return undefined
    case 1:
      return null
    case 2:
      return pick([0, -1, 1, 65_536, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY, -0.5])
    case 3:
      return pick([true, false])
    case 4:
      return pick([10n, Symbol('s'), Symbol.iterator])
    case 5:
    case 6:
      return pick(texts)
    case 7:
      return pick([() => undefined, new Getter(), new Uint8Array(3), /x/, new Map()])
    case 8:
      return pick(hostileValues).make()
    case 9:
      return Array.from({ length: below(random, 3) }, () => anything(random, depth + 1))
    default: {
      const result: Record<string, unknown> = Object.create(pick([null, Object.prototype]))
      for (let count = below(random, 5); count > 0; count--) {
        Object.defineProperty(result, pick(members), { value: anything(random, depth + 1), configurable: true })
      }
      return result
    }
  }
}

const names =
  /^(fulfilled|pending|TypeError|RangeError|InvalidStateError|InvalidModificationError|InvalidAccessError|OperationError|SyntaxError|NotSupportedError|OverconstrainedError|Thrown|a getter)$/

type Target = Record<string, (...given: unknown[]) => unknown>

/** Of a connection and of one of each of its parts. */
function targetsOf(peer: RTCPeerConnection): Readonly<Record<string, Target>> {
  const [transceiver] = peer.getTransceivers()
  assert.ok(transceiver)
  const { sender, receiver } = transceiver
  const channel = peer.createDataChannel('fuzzed', { negotiated: true, id: 7 })
  const parts = { peer, transceiver, sender, receiver, channel, track: receiver.track, dtmf: sender.dtmf }
  return parts as unknown as Record<string, Target>
}

/** One call, or one attribute, of those there are. */
function choose(random: Prng, members: Readonly<Record<string, readonly string[]>>): readonly [string, string] {
  const all = Object.entries(members).flatMap(([part, names]) => names.map(name => [part, name] as const))
  return all[below(random, all.length)] ?? ['peer', '']
}

describe('Any argument to any method of a connection and its parts', () => {
  it('is taken, or refused with an error of the text; what was agreed on stays, and goes on', async function () {
    this.timeout(30_000)
    const random = prng(seed)
    const pair = createMediaPair({ seed, sections: ['audio', 'data'] })
    const { sim, alice, bob } = pair
    await agree(pair, alice, bob)
    const targets = targetsOf(alice)
    const before = Object.getOwnPropertyNames(Object.prototype)
    for (let round = 0; round < rounds; round++) {
      const given = Array.from({ length: below(random, 4) }, () => anything(random))
      const how = [promised, immediate, settable][below(random, 3)] ?? promised
      const [part, name] = choose(random, how)
      const target = targets[part]
      const label = `seed ${seed}, round ${round}, ${part}.${name}`
      assert.ok(target, label)
      if (how === promised) {
        const promise = target[name]?.(...given)
        // Its legacy form gives undefined, and takes functions: what they throw is theirs.
        if (promise === undefined && given.some(each => typeof each === 'function')) continue
        assert.ok(promise instanceof Promise, label)
        assert.match(await settled(sim, outcomeOf(promise)), names, label)
      } else {
        const call = how === settable ? () => Reflect.set(target, name, given[0]) : () => target[name]?.(...given)
        assert.doesNotMatch(outcomeOfCall(call), /^unexpected/, label)
      }
    }
    assert.deepEqual(Object.getOwnPropertyNames(Object.prototype), before, 'nothing was polluted')
    if (alice.signalingState !== 'stable') await settled(sim, rolledBack(alice))
    await agree(pair, alice, bob)
    close(pair)
  })
})

function outcomeOfCall(call: () => unknown): string {
  try {
    call()
    return 'fulfilled'
  } catch (error) {
    const { name } = error as Error
    return names.test(name) ? name : `unexpected ${name}`
  }
}

function rolledBack(peer: RTCPeerConnection): Promise<void> {
  return peer.setLocalDescription({ type: 'rollback' })
}
