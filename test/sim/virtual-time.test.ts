import assert from 'node:assert/strict'
import { prng } from '../support/prng.ts'
import { VirtualTime } from './virtual-time.ts'

describe('virtual time', () => {
  it('runs events in the order of their times, whatever the order they were set in', () => {
    const time = new VirtualTime()
    const random = prng(1)
    const ran: number[] = []
    for (let i = 0; i < 1000; i++) time.set(random.next() % 500, () => ran.push(time.now()))
    while (time.next() !== undefined) time.step()
    assert.equal(ran.length, 1000)
    assert.deepEqual(
      ran,
      [...ran].sort((a, b) => a - b),
    )
  })

  it('runs events of one instant in the order they were set', () => {
    const time = new VirtualTime()
    const ran: number[] = []
    for (let i = 0; i < 100; i++) time.set(5, () => ran.push(i))
    while (time.next() !== undefined) time.step()
    assert.deepEqual(
      ran,
      Array.from({ length: 100 }, (_, i) => i),
    )
  })

  it('runs what waits for the end of a turn after everything else of the instant', () => {
    const time = new VirtualTime()
    const ran: string[] = []
    time.set(1, () => {
      time.endOfTurn(() => ran.push('end'))
      time.set(0, () => ran.push('set in the turn'))
    })
    time.set(1, () => ran.push('set before'))
    while (time.next() !== undefined) time.step()
    assert.deepEqual(ran, ['set before', 'set in the turn', 'end'])
  })

  it('does not run a cancelled event, and does not wait for it', () => {
    const time = new VirtualTime()
    const cancel = time.set(1, () => assert.fail('it was cancelled'))
    time.set(2, () => {})
    cancel()
    assert.equal(time.next(), 2)
    time.step()
    assert.equal(time.now(), 2)
    assert.equal(time.next(), undefined)
  })

  it('moves wall time along', () => {
    const time = new VirtualTime()
    const before = time.wallTime()
    time.set(1500.5, () => {})
    time.step()
    assert.equal(time.wallTime() - before, 1500)
  })
})
