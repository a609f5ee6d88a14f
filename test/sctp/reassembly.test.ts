import assert from 'node:assert/strict'

import { type Reassembled, Reassembly } from '../../src/sctp/reassembly.ts'
import { prng } from '../support/prng.ts'

const begin = 2
const end = 1
const header = { streamId: 1, unordered: false, ssn: 0, ppid: 53 }

/** The bytes of what was put together, or the fault. */
function bytesOf(outcome: Reassembled): number[] | string | undefined {
  return typeof outcome === 'object' ? [...outcome.data] : outcome
}

describe('reassembly', () => {
  it('joins chunks that come in order', () => {
    const reassembly = new Reassembly(100)
    assert.equal(reassembly.next(1, begin, header, Uint8Array.of(1, 2)), undefined)
    assert.equal(reassembly.next(2, 0, header, Uint8Array.of(3)), undefined)
    assert.equal(reassembly.held, 3)
    assert.deepEqual(bytesOf(reassembly.next(3, end, header, Uint8Array.of(4))), [1, 2, 3, 4])
    assert.equal(reassembly.held, 0)
  })

  it('delivers a message in an ArrayBuffer of its own', () => {
    const source = Uint8Array.of(9, 9, 1, 2, 3)
    const reassembly = new Reassembly(100)
    const whole = reassembly.next(1, begin | end, header, source.subarray(2))
    reassembly.next(2, begin, header, source.subarray(2, 3))
    const joined = reassembly.next(3, end, header, source.subarray(3))
    source.fill(0)
    for (const message of [whole, joined]) {
      assert.ok(typeof message === 'object')
      assert.deepEqual([...message.data], [1, 2, 3])
      assert.equal(message.data.buffer.byteLength, 3)
    }
  })

  it('joins chunks ahead of a gap in whatever order they come', () => {
    const random = prng(1)
    for (let round = 0; round < 300; round++) {
      const first = random.next()
      const count = 2 + (random.next() % 20)
      const order = Array.from({ length: count }, (_, i) => ({ i, key: random.next() })).sort((a, b) => a.key - b.key)
      const reassembly = new Reassembly(1_000)
      const outcomes = order.map(({ i }) => {
        const flags = (i === 0 ? begin : 0) | (i === count - 1 ? end : 0)
        return reassembly.ahead((first + i) >>> 0, flags, header, Uint8Array.of(i))
      })
      assert.ok(outcomes.slice(0, -1).every(outcome => outcome === undefined))
      assert.deepEqual(
        bytesOf(outcomes[count - 1]),
        Array.from({ length: count }, (_, i) => i),
      )
      assert.equal(reassembly.held, 0)
    }
  })

  it('goes on in order with chunks that were ahead when the gap closes', () => {
    const reassembly = new Reassembly(100)
    reassembly.ahead(12, 0, header, Uint8Array.of(3))
    reassembly.ahead(13, end, header, Uint8Array.of(4))
    reassembly.next(10, begin, header, Uint8Array.of(1))
    reassembly.next(11, 0, header, Uint8Array.of(2))
    assert.equal(reassembly.reached(12), undefined)
    assert.deepEqual(bytesOf(reassembly.reached(13)), [1, 2, 3, 4])
  })

  it('takes a message within which another had come for a violation', () => {
    const reassembly = new Reassembly(100)
    reassembly.ahead(12, begin | end, header, Uint8Array.of(9))
    reassembly.next(10, begin, header, Uint8Array.of(1))
    reassembly.next(11, 0, header, Uint8Array.of(2))
    assert.equal(reassembly.reached(12), 'protocol-violation')
  })

  it('keeps neighbouring messages apart', () => {
    const reassembly = new Reassembly(100)
    reassembly.ahead(5, begin, header, Uint8Array.of(1))
    reassembly.ahead(4, end, header, Uint8Array.of(9))
    reassembly.ahead(7, begin, header, Uint8Array.of(9))
    assert.deepEqual(bytesOf(reassembly.ahead(6, end, header, Uint8Array.of(2))), [1, 2])
  })

  const violations: readonly [string, (reassembly: Reassembly) => Reassembled][] = [
    ['a message that never began', r => r.next(1, end, header, Uint8Array.of(1))],
    [
      'a message that begins within another',
      r => r.next(1, begin, header, Uint8Array.of(1)) ?? r.next(2, begin, header, Uint8Array.of(1)),
    ],
    [
      'a whole message within another',
      r => r.next(1, begin, header, Uint8Array.of(1)) ?? r.next(2, begin | end, header, Uint8Array.of(1)),
    ],
    [
      'a message that changes its stream',
      r => r.next(1, begin, header, Uint8Array.of(1)) ?? r.next(2, end, { ...header, streamId: 2 }, Uint8Array.of(1)),
    ],
    [
      'a message that changes its sequence number, ahead of a gap',
      r => r.ahead(2, begin, header, Uint8Array.of(1)) ?? r.ahead(3, end, { ...header, ssn: 2 }, Uint8Array.of(1)),
    ],
    [
      'a message that changes between ordered and unordered',
      r =>
        r.ahead(2, begin, header, Uint8Array.of(1)) ??
        r.ahead(3, end, { ...header, unordered: true }, Uint8Array.of(1)),
    ],
  ]
  for (const [name, act] of violations) {
    it(`takes ${name} for a violation`, () => {
      assert.equal(act(new Reassembly(100)), 'protocol-violation')
    })
  }

  it('takes a message at its limit and refuses one beyond it', () => {
    for (const [length, expected] of [
      [50, 'object'],
      [51, 'message-too-large'],
    ] as const) {
      const inOrder = new Reassembly(100)
      inOrder.next(1, begin, header, new Uint8Array(50))
      const joined = inOrder.next(2, end, header, new Uint8Array(length))
      assert.equal(typeof joined === 'string' ? joined : typeof joined, expected)
      const ahead = new Reassembly(100)
      ahead.ahead(2, begin, header, new Uint8Array(50))
      const run = ahead.ahead(3, end, header, new Uint8Array(length))
      assert.equal(typeof run === 'string' ? run : typeof run, expected)
    }
    assert.equal(new Reassembly(100).next(1, begin | end, header, new Uint8Array(101)), 'message-too-large')
  })

  it('charges for each chunk ahead of a gap, so that small ones cannot hoard memory', () => {
    const reassembly = new Reassembly(1_000)
    for (let tsn = 2; tsn < 102; tsn++) reassembly.ahead(tsn, 0, header, Uint8Array.of(1))
    assert.ok(reassembly.held >= 100 * 60)
  })
})

describe('reassembly after a FORWARD TSN', () => {
  it('drops the message that was open, and what is left of it', () => {
    const reassembly = new Reassembly(100)
    reassembly.next(1, begin, header, Uint8Array.of(1))
    reassembly.ahead(3, 0, header, Uint8Array.of(3))
    reassembly.skip(2, 3)
    assert.equal(reassembly.held, 0)
    assert.equal(reassembly.next(4, end, header, Uint8Array.of(4)), undefined)
    assert.deepEqual(bytesOf(reassembly.next(5, begin | end, header, Uint8Array.of(5))), [5])
    assert.equal(reassembly.next(6, end, header, Uint8Array.of(6)), 'protocol-violation')
  })

  it('goes on with a message that has all its chunks so far, though others before it are given up', () => {
    const reassembly = new Reassembly(100)
    // 10 is missing and given up; 11 and 12 begin a message whose end, 13, is yet to come.
    reassembly.ahead(11, begin, header, Uint8Array.of(1))
    reassembly.ahead(12, 0, header, Uint8Array.of(2))
    assert.equal(reassembly.skip(10, 12), undefined)
    assert.deepEqual(bytesOf(reassembly.next(13, end, header, Uint8Array.of(3))), [1, 2, 3])
  })

  it('does so in the midst of a run of chunks', () => {
    const reassembly = new Reassembly(100)
    for (const [tsn, flags] of [
      [13, 0],
      [11, begin],
      [12, 0],
    ] as const) {
      reassembly.ahead(tsn, flags, header, Uint8Array.of(tsn))
    }
    reassembly.skip(10, 12)
    assert.equal(reassembly.reached(13), undefined)
    assert.deepEqual(bytesOf(reassembly.next(14, end, header, Uint8Array.of(14))), [11, 12, 13, 14])
  })
})
