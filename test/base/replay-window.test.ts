import assert from 'node:assert/strict'
import { ReplayWindow, replayWindowSize } from '../../src/base/replay-window.ts'
import { prng } from '../support/prng.ts'

/** The same by its definition: everything that was ever accepted, in a set. */
class NaiveWindow {
  readonly #accepted = new Set<number>()
  #highest = -1

  isFresh(sequence: number): boolean {
    return sequence > this.#highest - replayWindowSize && !this.#accepted.has(sequence)
  }

  accept(sequence: number): void {
    if (sequence <= this.#highest - replayWindowSize) return
    this.#accepted.add(sequence)
    this.#highest = Math.max(this.#highest, sequence)
  }
}

// RFC 6347 §4.1.2.6
describe('ReplayWindow', () => {
  it('takes every number at first, 0 included', () => {
    for (const sequence of [0, 1, 31, 32, 63, 64, 65, 2 ** 32, 2 ** 48 - 1]) {
      const window = new ReplayWindow()
      assert.equal(window.isFresh(sequence), true)
      window.accept(sequence)
      assert.equal(window.isFresh(sequence), false)
      assert.equal(window.isFresh(sequence + 1), true)
    }
  })

  it('tells all numbers of the window from each other, and nothing left of it', () => {
    for (const highest of [100, 2 ** 32 + 5, 2 ** 48 - 1]) {
      for (let age = 1; age < replayWindowSize; age++) {
        const window = new ReplayWindow()
        window.accept(highest)
        window.accept(highest - age)
        for (let other = 0; other < replayWindowSize; other++) {
          assert.equal(window.isFresh(highest - other), other !== 0 && other !== age, `${age}, ${other}`)
        }
        assert.equal(window.isFresh(highest - replayWindowSize), false)
        assert.equal(window.isFresh(highest - replayWindowSize - 1), false)
      }
    }
  })

  it('remembers what it accepted after any slide', () => {
    for (let by = 1; by <= 2 * replayWindowSize; by++) {
      const window = new ReplayWindow()
      const accepted = [200, 199, 180, 169, 168, 167, 140, 137]
      for (const sequence of accepted) window.accept(sequence)
      window.accept(200 + by)
      for (let age = 1; age < replayWindowSize; age++) {
        const sequence = 200 + by - age
        assert.equal(window.isFresh(sequence), !accepted.includes(sequence), `slide by ${by}, number ${sequence}`)
      }
    }
  })

  it('does not move by being asked', () => {
    const window = new ReplayWindow()
    window.accept(10)
    assert.equal(window.isFresh(1_000_000), true)
    assert.equal(window.isFresh(9), true)
    assert.equal(window.isFresh(10), false)
  })

  it('forgets everything after a leap over its whole width', () => {
    const window = new ReplayWindow()
    for (let sequence = 0; sequence < 64; sequence++) window.accept(sequence)
    window.accept(1_000)
    for (let sequence = 937; sequence < 1_000; sequence++) assert.equal(window.isFresh(sequence), true)
    assert.equal(window.isFresh(936), false)
    window.accept(2 ** 48 - 1)
    assert.equal(window.isFresh(2 ** 48 - 2), true)
  })

  it('is not changed by accepting what is left of it, or repeated', () => {
    const window = new ReplayWindow()
    window.accept(100)
    window.accept(90)
    window.accept(90)
    window.accept(36)
    window.accept(0)
    for (let age = 0; age < replayWindowSize; age++) {
      assert.equal(window.isFresh(100 - age), age !== 0 && age !== 10)
    }
  })

  it('agrees with a set of everything accepted, in 500 random sequences', () => {
    const seed = 0x4e91a7
    const random = prng(seed)
    for (let round = 0; round < 500; round++) {
      const [window, naive] = [new ReplayWindow(), new NaiveWindow()]
      let highest = round % 5 === 0 ? 2 ** 32 - 100 : round % 7 === 0 ? 2 ** 48 - 10_000 : 0
      const spread = 1 + (random.next() % 150)
      for (let step = 0; step < 200; step++) {
        const leap = random.next() % 20 === 0 ? random.next() % 200 : 0
        const sequence = Math.max(0, highest + leap + (random.next() % spread) - (random.next() % spread))
        const fresh = window.isFresh(sequence)
        if (fresh !== naive.isFresh(sequence)) assert.fail(`seed ${seed}, round ${round}, step ${step}: ${sequence}`)
        // What fails authentication is never accepted.
        if (!fresh || random.next() % 8 === 0) continue
        window.accept(sequence)
        naive.accept(sequence)
        highest = Math.max(highest, sequence)
      }
    }
  })
})
