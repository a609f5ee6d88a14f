import assert from 'node:assert/strict'
import { BitrateAllocator, type BitrateUser, type SenderDemand, share } from '../../../src/pc/rtp/bitrate-allocator.ts'
import { prng } from '../../support/prng.ts'
import { FakeHost, fakeTransport } from './fakes.ts'

const unlimited = Number.POSITIVE_INFINITY

function user(demand: SenderDemand): BitrateUser & { got: readonly number[] } {
  return {
    got: [],
    demand: () => demand,
    allocated(bitrates) {
      this.got = bitrates
    },
  }
}

function demand(fields: Partial<SenderDemand> & Pick<SenderDemand, 'kind'>): SenderDemand {
  return { weight: 1, max: unlimited, maxTotal: unlimited, encodings: [{ weight: 1, max: unlimited }], ...fields }
}

describe('a bit rate that is shared', () => {
  it('is divided by weight, and what one has no use for goes to the others', () => {
    const one = { weight: 1, max: unlimited }
    assert.deepEqual(share(900, [one, one, one]), [300, 300, 300])
    assert.deepEqual(share(900, [one, { ...one, weight: 2 }]), [300, 600])
    assert.deepEqual(share(900, [one, { ...one, max: 100 }]), [800, 100])
    assert.deepEqual(share(900, [{ ...one, max: 250 }, { ...one, max: 100 }, one]), [250, 100, 550])
    assert.deepEqual(share(900, [{ ...one, max: 0 }]), [0])
    assert.deepEqual(share(0, [one, one]), [0, 0])
    assert.deepEqual(share(900, []), [])
  })

  it('is never exceeded, nor is a maximum, nor is anything left that is of use', () => {
    const { next } = prng(11)
    const below = (limit: number): number => next() % limit
    for (let round = 0; round < 2_000; round++) {
      const total = below(5_000_000)
      const demands = Array.from({ length: 1 + below(8) }, () => ({
        weight: 1 / (1 + below(16)),
        max: below(3) === 0 ? unlimited : below(2_000_000),
      }))
      const shares = share(total, demands)
      const sum = shares.reduce((a, b) => a + b, 0)
      assert.ok(sum <= total + 1e-3, `round ${round}`)
      for (const [i, each] of shares.entries()) assert.ok(each >= 0 && each <= (demands[i]?.max ?? 0), `round ${round}`)
      const wanted = demands.reduce((a, { max }) => a + max, 0)
      assert.ok(Math.abs(sum - Math.min(total, wanted)) < 1, `round ${round}: ${sum} of ${total}`)
    }
  })
})

describe('the bit rate of a transport', () => {
  function allocated(target: number, ...demands: SenderDemand[]): (readonly number[])[] {
    const transport = fakeTransport(new FakeHost())
    transport.fake.targetBitrate = target
    const allocator = new BitrateAllocator(transport)
    const users = demands.map(user)
    for (const each of users) allocator.add(each)
    allocator.settle()
    return users.map(({ got }) => got)
  }

  it('is for audio first', () => {
    const audio = demand({ kind: 'audio', encodings: [{ weight: 1, max: 64_000 }] })
    assert.deepEqual(allocated(300_000, demand({ kind: 'video' }), audio), [[236_000], [64_000]])
    assert.deepEqual(allocated(40_000, demand({ kind: 'video' }), audio), [[0], [40_000]])
  })

  it('is divided among senders by priority, and then among their encodings', () => {
    const layers = [1, 0.25].map(weight => ({ weight, max: unlimited }))
    assert.deepEqual(
      allocated(
        900_000,
        demand({ kind: 'video', weight: 2, encodings: layers }),
        demand({ kind: 'video', weight: 4 }),
        demand({ kind: 'video', encodings: [] }),
      ),
      [[240_000, 60_000], [600_000], []],
    )
  })

  it('is bounded by what the peer takes in a section', () => {
    const [limited, other] = [demand({ kind: 'video', max: 100_000 }), demand({ kind: 'video' })]
    assert.deepEqual(allocated(900_000, limited, other), [[100_000], [800_000]])
  })

  it('is bounded by what the peer takes of all together', () => {
    const [one, other] = [demand({ kind: 'video', maxTotal: 100_000 }), demand({ kind: 'video' })]
    assert.deepEqual(allocated(900_000, one, other), [[50_000], [50_000]])
  })

  it('is shared by those who are there', () => {
    const transport = fakeTransport(new FakeHost())
    const allocator = new BitrateAllocator(transport)
    const [a, b] = [user(demand({ kind: 'video' })), user(demand({ kind: 'video' }))]
    allocator.add(a)
    allocator.add(b)
    allocator.settle()
    allocator.remove(a)
    allocator.settle()
    assert.deepEqual([a.got, b.got], [[150_000], [300_000]])
  })
})
