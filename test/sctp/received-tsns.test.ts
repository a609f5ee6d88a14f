import assert from 'node:assert/strict'

import { receivedWindowTsns } from '../../src/sctp/limits.ts'
import { ReceivedTsns } from '../../src/sctp/received-tsns.ts'
import { prng } from '../support/prng.ts'

describe('the record of received TSNs', () => {
  for (const initial of [0, 1, 1_000, 0x7fff_fff0, 0x8000_0000, 0xffff_ff00, 0xffff_ffff]) {
    it(`agrees with a plain set, beginning with TSN ${initial}`, () => {
      const random = prng(initial)
      const tsns = new ReceivedTsns(initial)
      const model = new Model()
      for (let i = 0; i < 4_000; i++) {
        const place = random.next() % 3 === 0 ? model.cumulative + (random.next() % 90) : model.cumulative + 1
        if (random.next() % 200 === 0) {
          const target = model.cumulative + 1 + (random.next() % 120)
          model.skipTo(target)
          tsns.skipTo((initial + target) >>> 0)
        } else {
          const expected = model.classify(place)
          const tsn = (initial + place) >>> 0
          assert.equal(tsns.classify(tsn), expected, `place ${place} after ${i} steps`)
          if (expected !== 'duplicate') {
            model.add(place)
            tsns.add(tsn)
          }
        }
        assert.equal(tsns.cumulative, (initial + model.cumulative) >>> 0)
        assert.equal(tsns.hasGap, model.ahead.size > 0)
        assert.equal(tsns.highest, (initial + model.highest) >>> 0)
        assert.deepEqual(blocksOf(tsns), model.blocks())
      }
    })
  }

  it('refuses TSNs beyond its window and takes the last one within', () => {
    const tsns = new ReceivedTsns(100)
    assert.equal(tsns.classify(99 + receivedWindowTsns + 1), 'out-of-window')
    assert.equal(tsns.classify(99 + receivedWindowTsns), 'ahead')
    tsns.add(99 + receivedWindowTsns)
    assert.deepEqual(blocksOf(tsns), [[receivedWindowTsns - 1, receivedWindowTsns - 1]])
    for (let tsn = 100; tsn < 99 + receivedWindowTsns; tsn++) tsns.add(tsn)
    assert.equal(tsns.cumulative, 99 + receivedWindowTsns)
    assert.equal(tsns.hasGap, false)
  })

  it('survives a step over half of all TSNs', () => {
    const tsns = new ReceivedTsns(10)
    tsns.add(12)
    tsns.skipTo(9 + 0x7fff_ffff)
    assert.equal(tsns.cumulative, 9 + 0x7fff_ffff)
    assert.equal(tsns.hasGap, false)
    assert.equal(tsns.classify(10 + 0x7fff_ffff), 'next')
  })
})

function blocksOf(tsns: ReceivedTsns): [number, number][] {
  const blocks: [number, number][] = []
  for (let block = tsns.gapBlock(0); block !== undefined; block = tsns.gapBlock(block.end + 1)) {
    blocks.push([block.start, block.end])
  }
  return blocks
}

/** The same with a set of numbers that never wrap. The first TSN is 0. */
class Model {
  cumulative = -1
  ahead = new Set<number>()

  get highest(): number {
    return Math.max(this.cumulative, ...this.ahead)
  }

  classify(place: number): string {
    if (place === this.cumulative + 1) return 'next'
    return place <= this.cumulative || this.ahead.has(place) ? 'duplicate' : 'ahead'
  }

  add(place: number): void {
    this.ahead.add(place)
    while (this.ahead.delete(this.cumulative + 1)) this.cumulative++
  }

  skipTo(place: number): void {
    this.cumulative = place
    for (const each of this.ahead) if (each <= place) this.ahead.delete(each)
    while (this.ahead.delete(this.cumulative + 1)) this.cumulative++
  }

  /** Places counted from the one after the cumulative TSN. */
  blocks(): [number, number][] {
    const blocks: [number, number][] = []
    for (const each of [...this.ahead].sort((a, b) => a - b)) {
      const place = each - this.cumulative - 1
      const last = blocks[blocks.length - 1]
      if (last !== undefined && last[1] === place - 1) last[1] = place
      else blocks.push([place, place])
    }
    return blocks
  }
}
