import assert from 'node:assert/strict'
import { IndexWindow, indexWindowSize } from '../../src/srtp/index-window.ts'
import { estimateIndex, maxRtpIndex, rolloverCounter } from '../../src/srtp/packet-index.ts'
import { prng } from '../support/prng.ts'

describe('The index of an SRTP packet', () => {
  const turn = 0x1_0000
  const cases: readonly [string, number, number, number][] = [
    ['goes on', 7 * turn + 100, 101, 7 * turn + 101],
    ['goes back a little', 7 * turn + 100, 90, 7 * turn + 90],
    ['rolls over at the end of the sequence numbers', 7 * turn + 0xffff, 0, 8 * turn],
    ['rolls over across a gap', 7 * turn + 0xfff0, 0x20, 8 * turn + 0x20],
    ['belongs to the turn before, right after a roll-over', 8 * turn + 3, 0xfffe, 7 * turn + 0xfffe],
    ['stays in its turn exactly half a turn ahead', 7 * turn, 0x8000, 7 * turn + 0x8000],
    ['is of the turn before one further', 7 * turn, 0x8001, 6 * turn + 0x8001],
    ['stays in its turn exactly half a turn behind', 7 * turn + 0x8000, 0, 7 * turn],
    ['is of the next turn one further', 7 * turn + 0x8001, 0, 8 * turn],
    ['comes before the first one', 3, 0xffff, -1],
    ['comes after the last one', maxRtpIndex, 0, maxRtpIndex + 1],
    ['is exact at the end', maxRtpIndex - 1, 0xffff, maxRtpIndex],
  ]
  for (const [title, highest, sequenceNumber, expected] of cases) {
    it(title, () => assert.equal(estimateIndex(highest, sequenceNumber), expected))
  }

  it('is found for whatever is less than half a turn away', () => {
    const random = prng(3711)
    for (let i = 0; i < 20_000; i++) {
      const highest = 0x8000 + Math.floor(random.float() * (maxRtpIndex - turn))
      const index = highest + (random.next() % 0xffff) - 0x7fff
      assert.equal(estimateIndex(highest, index % turn), index, `highest ${highest}, index ${index}`)
      assert.equal(rolloverCounter(index), Number(BigInt(index) >> 16n))
    }
  })
})

describe('The window of packet indices', () => {
  it('takes each index once', () => {
    const window = new IndexWindow()
    assert.equal(window.isFresh(0), true)
    window.accept(0)
    assert.equal(window.isFresh(0), false)
    window.accept(5)
    for (const index of [1, 2, 3, 4]) assert.equal(window.isFresh(index), true)
    assert.equal(window.isFresh(5), false)
  })

  it('tells apart exactly as many as it says', () => {
    const window = new IndexWindow()
    window.accept(10_000)
    assert.equal(window.isFresh(10_000 - indexWindowSize + 1), true)
    assert.equal(window.isFresh(10_000 - indexWindowSize), false)
  })

  it('does not move when it is asked', () => {
    const window = new IndexWindow()
    window.accept(1)
    assert.equal(window.isFresh(1_000_000), true)
    assert.equal(window.highest, 1)
    assert.equal(window.isFresh(0), true)
  })

  it('agrees with a set, forwards, backwards and by jumps, up to the last index', () => {
    for (const seed of [1, 2, 3]) {
      const random = prng(seed)
      const window = new IndexWindow()
      const seen = new Set<number>()
      let highest = seed === 3 ? maxRtpIndex - 200_000 : 2 ** 32 - 5_000
      for (let i = 0; i < 20_000; i++) {
        const jump = random.next() % 100 === 0 ? random.next() % 5_000 : random.next() % 40
        const index = Math.min(maxRtpIndex, random.next() % 2 === 0 ? highest + jump : highest - jump * 30)
        const expected = index > highest - indexWindowSize && !seen.has(index)
        const first = window.highest < 0
        assert.equal(window.isFresh(index), first || expected, `seed ${seed}, step ${i}, index ${index}`)
        if (!first && !expected) continue
        window.accept(index)
        seen.add(index)
        highest = first ? index : Math.max(highest, index)
      }
    }
  })
})
