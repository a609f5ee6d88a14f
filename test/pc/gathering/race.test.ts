import assert from 'node:assert/strict'
import { type Attempt, race } from '../../../src/pc/gathering/race.ts'
import { VirtualTime } from '../../sim/virtual-time.ts'

/** Works or fails after some time; notes when it was started and whether it was stopped. */
function ends(time: VirtualTime, ms: number, result: string | undefined) {
  const seen: { startedAt?: number; stopped: boolean } = { stopped: false }
  const attempt: Attempt<string> = done => {
    seen.startedAt = time.now()
    const cancel = time.set(ms, () => done(result))
    return () => {
      seen.stopped = true
      cancel()
    }
  }
  return { attempt, seen }
}

/** Starts a race; what it tells goes to the result. */
function begin(time: VirtualTime, all: readonly { readonly attempt: Attempt<string> }[]): (string | undefined)[] {
  const results: (string | undefined)[] = []
  const attempts = all.map(({ attempt }) => attempt)
  race(time, 50, attempts, result => results.push(result))
  return results
}

function runUntil(time: VirtualTime, end: number): void {
  for (let next = time.next(); next !== undefined && next <= end; next = time.next()) time.step()
  time.advanceTo(end)
}

describe('A race of attempts', () => {
  it('starts them a little apart, keeps the first that works and stops the others', () => {
    const time = new VirtualTime()
    const all = [ends(time, 500, 'slow'), ends(time, 100, 'fast'), ends(time, 1_000, 'late')]
    const results = begin(time, all)
    runUntil(time, 2_000)
    assert.deepEqual(results, ['fast'])
    assert.deepEqual(
      all.map(({ seen }) => seen.startedAt),
      [0, 50, 100],
    )
    assert.deepEqual(
      all.map(({ seen }) => seen.stopped),
      [true, false, true],
    )
  })

  it('does not start the second where the first is quick', () => {
    const time = new VirtualTime()
    const all = [ends(time, 20, 'first'), ends(time, 1, 'second')]
    const results = begin(time, all)
    runUntil(time, 2_000)
    assert.deepEqual(results, ['first'])
    assert.equal(all[1]?.seen.startedAt, undefined)
  })

  it('starts the next at once when one has failed', () => {
    const time = new VirtualTime()
    const all = [ends(time, 5, undefined), ends(time, 5, 'second')]
    const results = begin(time, all)
    runUntil(time, 2_000)
    assert.equal(all[1]?.seen.startedAt, 5)
    assert.deepEqual(results, ['second'])
  })

  it('ends without a result when all have failed, also those that fail at once', () => {
    const time = new VirtualTime()
    const results: (string | undefined)[] = []
    const never: Attempt<string> = done => {
      done(undefined)
      return () => assert.fail('stopped after it had ended')
    }
    race<string>(time, 50, [never, ends(time, 10, undefined).attempt, never], result => results.push(result))
    race<string>(time, 50, [], result => results.push(result))
    runUntil(time, 2_000)
    assert.deepEqual(results, [undefined, undefined])
  })

  it('says nothing any more once it was stopped', () => {
    const time = new VirtualTime()
    const all = [ends(time, 500, 'a'), ends(time, 500, 'b')]
    const attempts = all.map(({ attempt }) => attempt)
    const stop = race(time, 50, attempts, () => assert.fail('told after the stop'))
    runUntil(time, 100)
    stop()
    runUntil(time, 2_000)
    assert.deepEqual(
      all.map(({ seen }) => seen.stopped),
      [true, true],
    )
  })
})
