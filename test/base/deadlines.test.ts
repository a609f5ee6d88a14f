import assert from 'node:assert/strict'
import { Deadlines } from '../../src/base/deadlines.ts'
import { prng } from '../support/prng.ts'

describe('Deadlines', () => {
  it('has none at first', () => {
    const deadlines = new Deadlines<'a'>()
    assert.equal(deadlines.next(), undefined)
    assert.equal(deadlines.expire(Number.POSITIVE_INFINITY), undefined)
    assert.equal(deadlines.isSet('a'), false)
    assert.equal(deadlines.get('a'), undefined)
  })

  it('tells the earliest, and what is set', () => {
    const deadlines = new Deadlines<'a' | 'b' | 'c'>()
    deadlines.set('a', 30)
    deadlines.set('b', 10)
    deadlines.set('c', 20.5)
    assert.equal(deadlines.next(), 10)
    assert.deepEqual([deadlines.get('a'), deadlines.get('b'), deadlines.get('c')], [30, 10, 20.5])
    deadlines.clear('b')
    assert.equal(deadlines.next(), 20.5)
    assert.equal(deadlines.isSet('b'), false)
    assert.equal(deadlines.isSet('c'), true)
  })

  it('takes 0 and negative times for times', () => {
    const deadlines = new Deadlines<'a' | 'b'>()
    deadlines.set('a', 0)
    assert.equal(deadlines.next(), 0)
    assert.equal(deadlines.isSet('a'), true)
    deadlines.set('b', -1)
    assert.equal(deadlines.next(), -1)
    assert.equal(deadlines.expire(-0.5), 'b')
    assert.equal(deadlines.expire(-0.5), undefined)
    assert.equal(deadlines.expire(0), 'a')
  })

  it('moves a deadline that is set again', () => {
    const deadlines = new Deadlines<'a'>()
    deadlines.set('a', 10)
    deadlines.set('a', 20)
    assert.equal(deadlines.next(), 20)
    assert.equal(deadlines.expire(19), undefined)
    assert.equal(deadlines.expire(20), 'a')
    assert.equal(deadlines.next(), undefined)
  })

  it('gives out what has passed in the order of the times, each once', () => {
    const deadlines = new Deadlines<'a' | 'b' | 'c' | 'd'>()
    deadlines.set('a', 30)
    deadlines.set('b', 10)
    deadlines.set('c', 20)
    deadlines.set('d', 31)
    assert.deepEqual(
      [1, 2, 3, 4].map(() => deadlines.expire(30)),
      ['b', 'c', 'a', undefined],
    )
    assert.equal(deadlines.next(), 31)
  })

  it('lets what is handled set a new deadline, even one that has passed', () => {
    const deadlines = new Deadlines<'a' | 'b'>()
    deadlines.set('a', 10)
    deadlines.set('b', 12)
    assert.equal(deadlines.expire(20), 'a')
    deadlines.set('a', 11)
    assert.deepEqual(
      [1, 2, 3].map(() => deadlines.expire(20)),
      ['a', 'b', undefined],
    )
  })

  it('forgets all at once', () => {
    const deadlines = new Deadlines<'a' | 'b'>()
    deadlines.set('a', 1)
    deadlines.set('b', 2)
    deadlines.clearAll()
    assert.equal(deadlines.next(), undefined)
    assert.equal(deadlines.expire(10), undefined)
  })

  it('agrees with a sorted list, in 20,000 random steps', () => {
    const seed = 0xdead11
    const random = prng(seed)
    const names = ['a', 'b', 'c', 'd', 'e'] as const
    const deadlines = new Deadlines<(typeof names)[number]>()
    let model: { name: (typeof names)[number]; at: number }[] = []
    let now = 0
    for (let step = 0; step < 20_000; step++) {
      const name = names[random.next() % names.length] ?? 'a'
      const what = random.next() % 10
      if (what < 5) {
        const at = now + (random.next() % 100) - 10 + random.float()
        deadlines.set(name, at)
        model = [...model.filter(each => each.name !== name), { name, at }]
      } else if (what < 6) {
        deadlines.clear(name)
        model = model.filter(each => each.name !== name)
      } else {
        now += random.next() % 30
        const [first] = model.toSorted((x, y) => x.at - y.at).filter(({ at }) => at <= now)
        assert.equal(deadlines.expire(now), first?.name, `seed ${seed}, step ${step}`)
        model = model.filter(each => each !== first)
      }
      const next = model.length === 0 ? undefined : Math.min(...model.map(({ at }) => at))
      assert.equal(deadlines.next(), next, `seed ${seed}, step ${step}`)
    }
  })
})
