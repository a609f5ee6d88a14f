import assert from 'node:assert/strict'
import { Queue } from '../../src/base/queue.ts'
import { prng } from '../support/prng.ts'

describe('Queue', () => {
  it('is empty at first', () => {
    const queue = new Queue<number>()
    assert.equal(queue.length, 0)
    assert.equal(queue.shift(), undefined)
    assert.equal(queue.peek(), undefined)
    assert.deepEqual([...queue], [])
    assert.equal(queue.length, 0)
  })

  it('gives back what was put in, in the same order', () => {
    const queue = new Queue<number>()
    for (let i = 0; i < 1_000; i++) queue.push(i)
    assert.equal(queue.length, 1_000)
    for (let i = 0; i < 1_000; i++) {
      assert.equal(queue.peek(), i)
      assert.equal(queue.shift(), i)
    }
    assert.equal(queue.shift(), undefined)
    assert.equal(queue.length, 0)
  })

  it('works on after it was emptied, by taking out and by clearing', () => {
    const queue = new Queue<string>()
    queue.push('a')
    assert.equal(queue.shift(), 'a')
    assert.equal(queue.peek(), undefined)
    queue.push('b')
    queue.push('c')
    queue.clear()
    assert.deepEqual([queue.length, queue.peek(), queue.shift()], [0, undefined, undefined])
    queue.push('d')
    assert.deepEqual([queue.length, queue.peek(), [...queue]], [1, 'd', ['d']])
  })

  it('keeps the order when it grows while it is wrapped around', () => {
    for (let head = 0; head < 8; head++) {
      const queue = new Queue<number>()
      for (let i = 0; i < head; i++) {
        queue.push(-1)
        queue.shift()
      }
      for (let i = 0; i < 20; i++) queue.push(i)
      assert.deepEqual(
        [...queue],
        Array.from({ length: 20 }, (_, i) => i),
        `head at ${head}`,
      )
    }
  })

  it('can be walked through without losing anything', () => {
    const queue = new Queue<number>()
    for (let i = 0; i < 5; i++) queue.push(i)
    assert.deepEqual([...queue], [0, 1, 2, 3, 4])
    assert.deepEqual([...queue], [0, 1, 2, 3, 4])
    assert.equal(queue.length, 5)
  })

  it('lets go of what was taken out', async () => {
    const queue = new Queue<object>()
    const taken = { value: new Uint8Array(10) }
    queue.push(taken)
    queue.push({})
    queue.shift()
    assert.equal([...queue].includes(taken), false)
    assert.equal(JSON.stringify([...queue]), '[{}]')
  })

  it('agrees with an array, in 100,000 random steps', () => {
    const seed = 0x90e0e
    const random = prng(seed)
    const queue = new Queue<number>()
    let model: number[] = []
    for (let step = 0; step < 100_000; step++) {
      // Fills and empties by turns, so that it grows, wraps and runs dry.
      const filling = step % 2_000 < 1_000
      const what = random.next() % 100
      if (what < (filling ? 60 : 35)) {
        queue.push(step)
        model.push(step)
      } else if (what < 99) {
        assert.equal(queue.shift(), model.shift(), `seed ${seed}, step ${step}`)
      } else if (random.next() % 20 === 0) {
        queue.clear()
        model = []
      }
      if (queue.length !== model.length || queue.peek() !== model[0]) assert.fail(`seed ${seed}, step ${step}`)
      if (step % 500 === 0) assert.deepEqual([...queue], model, `seed ${seed}, step ${step}`)
    }
  })
})
