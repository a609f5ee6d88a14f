import assert from 'node:assert/strict'
import { mock } from 'node:test'
import type { NetworkInterface } from '../../src/base/environment.ts'
import { InterfaceWatch, pollIntervalMs } from '../../src/net/interface-watch.ts'

function entry(address: string): NetworkInterface {
  return { name: 'eth0', address, family: 4, internal: false }
}

describe('the watch over the interfaces', () => {
  let present: readonly NetworkInterface[]
  let reads: number
  let told: string[]
  let watch: InterfaceWatch

  beforeEach(() => {
    present = [entry('192.0.2.1')]
    reads = 0
    told = []
    watch = new InterfaceWatch(() => {
      reads++
      return [...present]
    })
    mock.timers.enable({ apis: ['setInterval'] })
  })

  afterEach(() => mock.timers.reset())

  it('tells each change once, and nothing while all stays as it is', () => {
    const cancel = watch.watch(() => told.push('changed'))
    mock.timers.tick(10 * pollIntervalMs)
    assert.deepEqual(told, [])
    present = [entry('192.0.2.1'), entry('192.0.2.2')]
    mock.timers.tick(pollIntervalMs - 1)
    assert.deepEqual(told, [])
    mock.timers.tick(1)
    assert.deepEqual(told, ['changed'])
    present = [entry('192.0.2.1')]
    mock.timers.tick(5 * pollIntervalMs)
    assert.deepEqual(told, ['changed', 'changed'])
    cancel()
  })

  it('serves all watchers with one look at the system, and none when nobody watches', () => {
    const cancels = ['a', 'b', 'c'].map(name => watch.watch(() => told.push(name)))
    assert.equal(reads, 1)
    present = []
    mock.timers.tick(pollIntervalMs)
    assert.equal(reads, 2)
    assert.deepEqual(told, ['a', 'b', 'c'])
    for (const cancel of cancels) {
      cancel()
      cancel()
    }
    mock.timers.tick(10 * pollIntervalMs)
    assert.equal(reads, 2)
  })

  it('tells nobody who has stopped watching, from within a call neither', () => {
    const cancelBoth = (): void => {
      for (const cancel of cancels) cancel()
    }
    const cancels = [watch.watch(cancelBoth), watch.watch(() => told.push('late'))]
    present = []
    mock.timers.tick(3 * pollIntervalMs)
    assert.deepEqual(told, [])
  })

  it('does not tell what changed while nobody watched', () => {
    watch.watch(() => told.push('first'))()
    present = []
    const cancel = watch.watch(() => told.push('second'))
    mock.timers.tick(3 * pollIntervalMs)
    assert.deepEqual(told, [])
    cancel()
  })
})
