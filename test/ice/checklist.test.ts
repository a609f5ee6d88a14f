import assert from 'node:assert/strict'
import { hostCandidate, type IceCandidate } from '../../src/ice/candidate.ts'
import { CandidatePair } from '../../src/ice/candidate-pair.ts'
import { Checklist, reservedForRelayed } from '../../src/ice/checklist.ts'
import { address } from './network.ts'

describe('A checklist', () => {
  it('checks the best pair first', () => {
    const list = new Checklist(100)
    for (const priority of [5, 9, 1, 7]) list.add(pairOf(`f${priority}`, priority))
    assert.deepEqual(taken(list), [9, 7, 5, 1])
  })

  it('starts one pair of each foundation and leaves the others frozen', () => {
    const list = new Checklist(100)
    for (const [foundation, priority] of [
      ['a', 9],
      ['a', 8],
      ['b', 7],
      ['b', 6],
    ] as const) {
      list.add(pairOf(foundation, priority))
    }
    assert.deepEqual(stateByPriority(list), { 9: 'waiting', 8: 'frozen', 7: 'waiting', 6: 'frozen' })
    assert.deepEqual(taken(list), [9, 7])
    assert.equal(list.hasNext, false)
    assert.equal(list.exhausted, false)
  })

  it('starts the pairs of a foundation that has succeeded, now and later', () => {
    // RFC 8445 §7.2.5.3.3, RFC 8838 §12 rule 2
    const list = new Checklist(100)
    const first = pairOf('a', 9)
    list.add(first)
    list.add(pairOf('a', 8))
    list.next()?.begin()
    first.succeed(first.local, 0)
    list.succeeded(first)
    list.add(pairOf('a', 7))
    assert.deepEqual(stateByPriority(list), { 9: 'succeeded', 8: 'waiting', 7: 'waiting' })
  })

  it('starts a new pair that is better than all of its foundation', () => {
    // RFC 8838 §12 rules 1 and 3
    const list = new Checklist(100)
    list.add(pairOf('a', 5))
    list.add(pairOf('a', 4))
    list.add(pairOf('a', 6))
    assert.deepEqual(stateByPriority(list), { 6: 'waiting', 5: 'waiting', 4: 'frozen' })
  })

  it('starts the next pair of a foundation when one has failed, or was not answered at once', () => {
    for (const end of ['fail', 'overdue'] as const) {
      const list = new Checklist(100)
      const first = pairOf('a', 9)
      list.add(first)
      list.add(pairOf('a', 8))
      list.add(pairOf('a', 7))
      assert.deepEqual(taken(list), [9])
      if (end === 'fail') first.fail('timed-out', 0)
      else first.markOverdue()
      assert.equal(list.hasNext, true)
      assert.deepEqual(taken(list), [8])
    }
  })

  it('checks triggered pairs first, in their order, each once', () => {
    const list = new Checklist(100)
    const pairs = [9, 8, 7].map(priority => pairOf(`f${priority}`, priority))
    for (const pair of pairs) list.add(pair)
    for (const index of [2, 1, 2]) list.trigger(pairs[index] as CandidatePair)
    assert.deepEqual(taken(list), [7, 8, 9])
  })

  it('checks nothing any more once a pair was nominated, save for one that the peer nominates', () => {
    const list = new Checklist(100)
    const pairs = [9, 8, 7, 6].map(priority => pairOf(`f${priority}`, priority))
    for (const pair of pairs) list.add(pair)
    list.next()?.begin()
    pairs[2]?.nominateWhenValid(0)
    for (const pair of pairs.slice(1, 3)) list.trigger(pair)
    list.conclude()
    assert.equal(pairs[0]?.state, 'waiting')
    assert.equal(list.exhausted, true)
    assert.deepEqual(taken(list), [7])
  })

  it('drops a failed pair to make room, else one that is worse, else takes no more', () => {
    const list = new Checklist(3)
    const pairs = [9, 8, 7].map(priority => pairOf(`f${priority}`, priority))
    for (const pair of pairs) list.add(pair)
    pairs[0]?.fail('timed-out', 0)
    assert.equal(list.add(pairOf('x', 1)).removed, pairs[0])
    assert.equal(list.add(pairOf('y', 5)).removed?.remote.foundation, 'x')
    assert.deepEqual(list.add(pairOf('z', 2)), { added: false })
    assert.equal(list.pairs.length, 3)
  })

  it('keeps valid pairs whatever comes', () => {
    const list = new Checklist(2)
    const valid = pairOf('a', 1)
    list.add(valid)
    valid.succeed(valid.local, 0)
    for (let priority = 10; priority < 50; priority++) list.add(pairOf(`f${priority}`, priority))
    assert.deepEqual(list.pairs.map(priorityOf), [49, 1])
  })

  it('keeps pairs that lost consent: they must not be used again', () => {
    // RFC 7675 §5.1
    const list = new Checklist(2)
    const lost = pairOf('a', 1)
    list.add(lost)
    lost.succeed(lost.local, 0)
    lost.loseConsent('consent-expired', 0)
    for (let priority = 10; priority < 20; priority++) list.add(pairOf(`f${priority}`, priority))
    assert.deepEqual(list.pairs.map(priorityOf), [19, 1])
  })

  it('keeps places for pairs with relayed ends, those with two first', () => {
    const list = new Checklist(30)
    const relayed = (ends: number, priority: number) => {
      const pair = pairOf(`r${priority}`, priority)
      const local = ends > 1 ? ({ ...pair.local, type: 'relay' } as const) : pair.local
      return new CandidatePair(1000 + priority, local, { ...pair.remote, type: 'relay' }, 'controlled')
    }
    for (let priority = 1000; priority < 1100; priority++) list.add(pairOf(`f${priority}`, priority))
    for (let priority = 100; priority < 120; priority++) list.add(relayed(1, priority))
    for (let priority = 1; priority < 5; priority++) list.add(relayed(2, priority))
    for (let priority = 2000; priority < 2100; priority++) list.add(pairOf(`g${priority}`, priority))
    const kept = list.pairs.map(priorityOf)
    assert.equal(kept.length, 30)
    assert.equal(kept.filter(priority => priority >= 2000).length, 20)
    assert.equal(kept.filter(priority => priority < 1000).length, reservedForRelayed)
    assert.deepEqual(kept.slice(-4), [4, 3, 2, 1])
  })

  it('does not drop signalled pairs for peer-reflexive ones', () => {
    const list = new Checklist(2)
    list.add(pairOf('a', 1))
    list.add(pairOf('b', 2, 'prflx'))
    assert.equal(list.add(pairOf('c', 9, 'prflx')).removed?.remote.foundation, 'b')
    assert.deepEqual(list.pairs.map(priorityOf), [9, 1])
  })
})

let port = 1

/** A pair with a foundation of its own and a priority that is told by the remote candidate's. */
function pairOf(foundation: string, priority: number, type: IceCandidate['type'] = 'host'): CandidatePair {
  const remote: IceCandidate = {
    foundation,
    component: 1,
    protocol: 'udp',
    priority,
    address: address('192.0.2.2', port++),
    type,
  }
  return new CandidatePair(port, hostCandidate(address('192.0.2.1', 1)), remote, 'controlling')
}

function priorityOf(pair: CandidatePair): number {
  return pair.remote.priority
}

/** The pairs that are checked until there is none, with all checks in progress. */
function taken(list: Checklist): number[] {
  const order: number[] = []
  while (list.hasNext) {
    const pair = list.next()
    assert.ok(pair, 'hasNext without a next')
    pair.begin()
    order.push(priorityOf(pair))
  }
  assert.equal(list.next(), undefined)
  return order
}

function stateByPriority(list: Checklist): Record<number, string> {
  return Object.fromEntries(list.pairs.map(pair => [priorityOf(pair), pair.state]))
}
