import assert from 'node:assert/strict'
import { CounterMode } from '../../src/srtp/counter-mode.ts'
import { KeyStreamAhead, maxAheadBytes, packetsAhead } from '../../src/srtp/key-stream-ahead.ts'
import { prng } from '../support/prng.ts'
import { copyOf, text } from './support.ts'

interface Pair {
  readonly ahead: KeyStreamAhead
  /** Packets that were asked for at once, for each call of the cipher. */
  readonly calls: number[]
  check(length: number, ssrc: number, index: number): void
}

/** The cipher that computes ahead, beside one that does not. */
function pair(seed: number): Pair {
  const random = prng(seed)
  const [key, salt] = [random.bytes(16), random.bytes(14)]
  const calls: number[] = []
  const inner = new CounterMode(copyOf(key), copyOf(salt))
  const keyStream = inner.keyStream.bind(inner)
  inner.keyStream = (ssrc, index, length, packets = 1) => {
    calls.push(packets)
    return keyStream(ssrc, index, length, packets)
  }
  const plain = new CounterMode(copyOf(key), copyOf(salt))
  const ahead = new KeyStreamAhead(inner)
  const check = (length: number, ssrc: number, index: number): void => {
    const start = random.next() % 7
    const data = random.bytes(start + length + 5)
    const expected = copyOf(data)
    plain.apply(expected, start, start + length, ssrc, index)
    ahead.apply(data, start, start + length, ssrc, index)
    assert.equal(text(data), text(expected), `${length} bytes, SSRC ${ssrc}, index ${index}`)
  }
  return { ahead, calls, check }
}

describe('Key streams computed ahead', () => {
  it('are those of counter mode, whatever the lengths, losses, order and streams', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = prng(seed)
      const { check } = pair(seed)
      const next = [0, 0xffff - 20, 0xffff_ffff - 50, 0xffff_ffff_ff00]
      for (let i = 0; i < 400; i++) {
        const stream = random.next() % next.length
        const index = next[stream] ?? 0
        const kind = random.next() % 20
        const length = kind === 0 ? maxAheadBytes + (random.next() % 3) - 1 : random.next() % 1_300
        // Mostly the next one, else lost, late, or far away.
        const step = kind === 1 ? 1 + (random.next() % 40) : kind === 2 ? -(random.next() % 12) : 1
        next[stream] = Math.max(0, index + step)
        check(length, stream, index)
      }
    }
  })

  it('take one call of the cipher for several packets of a stream that flows', () => {
    const { calls, check } = pair(1)
    for (let index = 0; index <= 4 * packetsAhead; index++) check(1_200, 1, index)
    // The first packet tells nothing yet.
    assert.deepEqual(calls, [1, ...Array<number>(4).fill(packetsAhead)])
  })

  it('stay when a packet is late, and when another stream comes between', () => {
    const { calls, check } = pair(2)
    for (const index of [10, 11, 13, 12, 14, 9, 15, 16]) {
      check(1_200, 1, index)
      check(200, 2, index)
    }
    assert.deepEqual(calls, [1, 1, packetsAhead, packetsAhead, 1, 1])
  })

  it('serve the long packets behind a short one', () => {
    const { calls, check } = pair(3)
    for (const [index, length] of [1_200, 1_200, 80, 1_200, 1_200, 80, 1_200, 1_200, 1_200, 80, 1_200].entries()) {
      check(length, 1, index)
    }
    assert.deepEqual(calls, [1, packetsAhead, packetsAhead])
  })

  it('are not kept for packets that are too long for it', () => {
    const { calls, check } = pair(4)
    for (let index = 0; index < 10; index++) check(maxAheadBytes + 1, 1, index)
    assert.deepEqual(calls, Array(10).fill(1))
  })

  it('are wiped', () => {
    const { ahead, calls, check } = pair(5)
    for (let index = 0; index < 3; index++) check(100, 1, index)
    ahead.wipe()
    const data = new Uint8Array(32)
    ahead.apply(data, 0, 32, 1, 3)
    assert.deepEqual(calls, [1, packetsAhead, 1])
  })
})
