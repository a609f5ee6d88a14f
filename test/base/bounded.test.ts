import assert from 'node:assert/strict'
import { setBounded } from '../../src/base/bounded-map.ts'
import { PerSecond } from '../../src/base/per-second.ts'

describe('A table that is bounded', () => {
  it('lets the oldest entry go for a new one, and none for a new value', () => {
    const table = new Map<string, number>()
    for (const [key, value] of Object.entries({ a: 1, b: 2, c: 3 })) setBounded(table, key, value, 3)
    setBounded(table, 'a', 4, 3)
    assert.deepEqual([...table], Object.entries({ a: 4, b: 2, c: 3 }))
    setBounded(table, 'd', 5, 3)
    assert.deepEqual([...table], Object.entries({ b: 2, c: 3, d: 5 }))
  })
})

describe('A limit per second', () => {
  it('is counted from the first that is let through, and anew after a second', () => {
    const limit = new PerSecond(2)
    const taken = [100, 100, 200, 1_099.9, 1_100, 1_500, 2_000].map(now => limit.take(now))
    assert.deepEqual(taken, [true, true, false, false, true, true, false])
  })
})
