import assert from 'node:assert/strict'

import { type Scheduled, StreamScheduler } from '../../src/sctp/stream-scheduler.ts'
import { prng } from '../support/prng.ts'

/** How often the scheduler has looked at when a stream begins: a measure of its work. */
let reads = 0

/** A stream of a test: messages wait in it as their sizes. */
class Stream implements Scheduled {
  readonly name: number
  readonly weight: number
  readonly messages: number[] = []
  turn = 0
  /** Bytes that were sent, and the size of the largest message. */
  sent = 0
  largest = 0
  #startsAt = 0

  constructor(name: number, weight = 256) {
    this.name = name
    this.weight = weight
  }

  get startsAt(): number {
    reads++
    return this.#startsAt
  }

  set startsAt(value: number) {
    this.#startsAt = value
  }
}

function push(scheduler: StreamScheduler<Stream>, stream: Stream, size: number): void {
  stream.messages.push(size)
  stream.largest = Math.max(stream.largest, size)
  if (stream.messages.length === 1) scheduler.add(stream)
}

/** Sends the next message, and says of which stream. */
function serve(scheduler: StreamScheduler<Stream>): Stream | undefined {
  const stream = scheduler.current
  if (stream === undefined) return undefined
  const size = stream.messages.shift() ?? 0
  stream.startsAt += size / stream.weight
  stream.sent += size
  scheduler.next(stream.messages.length > 0)
  return stream
}

function names(scheduler: StreamScheduler<Stream>, count: number): (number | undefined)[] {
  return Array.from({ length: count }, () => serve(scheduler)?.name)
}

describe('weighted fair queueing', () => {
  it('gives each stream bytes by its weight, whatever the sizes of messages (100 seeds)', () => {
    for (let seed = 0; seed < 100; seed++) {
      const random = prng(seed)
      const scheduler = new StreamScheduler<Stream>()
      const streams = Array.from({ length: 12 }, (_, name) => new Stream(name, 1 + (random.next() % 1_024)))
      // What a stream had sent, and each other one, when it came back last.
      const since = new Map<Stream, number[]>()
      for (let step = 0; step < 1_500; step++) {
        const chosen = streams[random.next() % streams.length] as Stream
        if (random.next() % 8 === 0 && chosen.messages.length === 0) {
          since.set(
            chosen,
            streams.map(({ sent }) => sent),
          )
          for (let i = random.next() % 40; i >= 0; i--) push(scheduler, chosen, 1 + (random.next() % 5_000))
        }
        const served = serve(scheduler)
        if (served === undefined) continue
        for (const other of streams) {
          if (other === served || other.messages.length === 0 || served.messages.length === 0) continue
          // While both have something to send: the bound of start-time fair queueing.
          const [x, y] = [since.get(served) ?? [], since.get(other) ?? []]
          const from = (of: Stream): number => Math.max(x[of.name] ?? 0, y[of.name] ?? 0)
          const ahead = (served.sent - from(served)) / served.weight - (other.sent - from(other)) / other.weight
          const bound = served.largest / served.weight + other.largest / other.weight
          assert.ok(Math.abs(ahead) <= bound * (1 + 1e-9), `seed ${seed}, step ${step}: ${ahead} of ${bound}`)
        }
      }
    }
  })

  it('takes turns in the order of arrival where weights and sizes are the same', () => {
    const scheduler = new StreamScheduler<Stream>()
    for (const stream of [3, 1, 2].map(name => new Stream(name))) {
      for (let i = 0; i < 3; i++) push(scheduler, stream, 10)
    }
    assert.deepEqual(names(scheduler, 10), [3, 1, 2, 3, 1, 2, 3, 1, 2, undefined])
  })

  it('gives no credit for silence, and no debt beyond a busy time', () => {
    const scheduler = new StreamScheduler<Stream>()
    const [a, b] = [new Stream(0, 1), new Stream(1, 1)]
    for (let i = 0; i < 100; i++) push(scheduler, a, 10)
    names(scheduler, 50)
    for (let i = 0; i < 100; i++) push(scheduler, b, 10)
    const next = names(scheduler, 20)
    assert.equal(next.filter(name => name === 1).length, 10)
    while (serve(scheduler) !== undefined);
    // One that has left long before the end of a busy time, far ahead of the others, begins the next like them.
    push(scheduler, a, 100_000)
    for (let i = 0; i < 2; i++) push(scheduler, b, 10)
    while (serve(scheduler) !== undefined);
    for (let i = 0; i < 4; i++) for (const stream of [b, a]) push(scheduler, stream, 10)
    assert.deepEqual(names(scheduler, 8), [1, 0, 1, 0, 1, 0, 1, 0])
  })

  it('serves a stream that returns next, though its weight is the least', () => {
    const scheduler = new StreamScheduler<Stream>()
    for (let name = 0; name < 50; name++) {
      const stream = new Stream(name, 1_024)
      for (let i = 0; i < 20; i++) push(scheduler, stream, 1_000)
    }
    names(scheduler, 500)
    const low = new Stream(99, 1)
    push(scheduler, low, 1_000)
    assert.ok(names(scheduler, 51).includes(99))
  })

  it('forgets the streams that it is told to forget, the one that is served included', () => {
    for (const kept of [0, 1]) {
      const scheduler = new StreamScheduler<Stream>()
      for (let name = 0; name < 9; name++) push(scheduler, new Stream(name), 10 + name)
      scheduler.keep(({ name }) => name % 2 === kept)
      const left = Array.from({ length: 9 }, (_, name) => name).filter(name => name % 2 === kept)
      assert.deepEqual(names(scheduler, left.length + 1), [...left, undefined])
    }
  })

  it('costs a logarithm of the number of streams, and nothing for one that is alone', () => {
    const scheduler = new StreamScheduler<Stream>()
    const random = prng(1)
    const alone = new Stream(0, 256)
    for (let i = 0; i < 100; i++) push(scheduler, alone, 100)
    reads = 0
    names(scheduler, 99)
    assert.ok(reads <= 99 * 3, `${reads} reads for 99 messages of one stream`)
    serve(scheduler)
    const count = 10_000
    const rounds = 4
    for (let name = 0; name < count; name++) {
      const stream = new Stream(name, 1 + (random.next() % 1_024))
      for (let i = 0; i < rounds; i++) push(scheduler, stream, 1 + (random.next() % 1_000))
    }
    reads = 0
    const served = names(scheduler, count * rounds)
    assert.ok(!served.includes(undefined))
    // Two comparisons of at most four reads for each level of the heap.
    const levels = Math.ceil(Math.log2(count))
    assert.ok(reads <= served.length * (8 * levels + 8), `${reads / served.length} reads a message`)
  })
})
