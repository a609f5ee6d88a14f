import assert from 'node:assert/strict'
import { OperationsChain } from '../../src/pc/operations-chain.ts'

describe('the operations chain', () => {
  it('runs one operation at a time, in order, also after a failure', async () => {
    const log: string[] = []
    const chain = new OperationsChain(() => log.push('empty'))
    let release = (): void => undefined
    const first = chain.chain(async () => {
      log.push('first begins')
      await new Promise<void>(resolve => {
        release = resolve
      })
      log.push('first ends')
      return 1
    })
    const second = chain.chain(async () => {
      log.push('second')
      throw new Error('no')
    })
    const third = chain.chain(async () => log.push('third'))
    await Promise.resolve()
    assert.deepEqual(log, ['first begins'])
    release()
    assert.equal(await first, 1)
    await assert.rejects(second, /no/)
    await third
    await new Promise(setImmediate)
    assert.deepEqual(log, ['first begins', 'first ends', 'second', 'third', 'empty'])
  })

  it('begins the first operation before chain() returns', () => {
    let begun = false
    const chain = new OperationsChain(() => undefined)
    void chain.chain(async () => {
      begun = true
    })
    assert.equal(begun, true)
    assert.equal(chain.isEmpty, false)
  })

  it('settles nothing and starts nothing after close', async () => {
    const chain = new OperationsChain(() => assert.fail('empty'))
    const settled: string[] = []
    let release = (): void => undefined
    const running = chain.chain(
      () =>
        new Promise<void>(resolve => {
          release = resolve
        }),
    )
    const waiting = chain.chain(async () => assert.fail('started'))
    void running.then(() => settled.push('running'))
    void waiting.then(() => settled.push('waiting'))
    chain.close()
    release()
    await new Promise(setImmediate)
    assert.deepEqual(settled, [])
  })
})
