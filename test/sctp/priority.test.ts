import assert from 'node:assert/strict'

import { ChunkType } from '../../src/sctp/protocol.ts'
import { type Conditions, Pair } from './support/pair.ts'
import { ScriptedPeer } from './support/scripted-peer.ts'
import { chunk, parameter, u32 } from './support/wire.ts'

const lossy: Conditions = { loss: 0.02, delay: 10, jitter: 4, rate: 500, queueBytes: 40_000 }

/**
 * Keeps a stream of each priority busy over a lossy network.
 *
 * @param size of the next message, in bytes
 * @returns bytes that have arrived, by stream
 */
function shares(seed: number, priorities: readonly number[], size: (stream: number, pair: Pair) => number): number[] {
  const pair = new Pair(seed, { conditions: lossy, a: { initialRtoMs: 200 }, b: { initialRtoMs: 200 } }).connect()
  const fill = (stream: number): void => {
    while (pair.a.association.bufferedAmount(stream) < 60_000) {
      pair.a.association.send(stream, 53, new Uint8Array(size(stream, pair)), {}, pair.now)
    }
  }
  pair.onEvent = (side, event) => {
    if (side === 'a' && event.type === 'sent') fill(event.streamId)
  }
  for (const [stream, priority] of priorities.entries()) pair.a.association.setPriority(stream, priority)
  for (const stream of priorities.keys()) fill(stream)
  const total = (): number => pair.messages('b').reduce((sum, { data }) => sum + data.length, 0)
  let enough = false
  for (let i = 0; i < 100 && !enough; i++) {
    pair.run(200)
    enough = total() > 1_500_000
  }
  assert.ok(enough, `seed ${seed}`)
  return priorities.map((_, stream) =>
    pair
      .messages('b')
      .filter(({ streamId }) => streamId === stream)
      .reduce((sum, { data }) => sum + data.length, 0),
  )
}

function assertShares(bytes: readonly number[], weights: readonly number[], tolerance: number, about: string): void {
  const all = bytes.reduce((sum, each) => sum + each, 0)
  const weight = weights.reduce((sum, each) => sum + each, 0)
  for (const [stream, each] of weights.entries()) {
    const ratio = ((bytes[stream] ?? 0) / all / each) * weight
    assert.ok(Math.abs(ratio - 1) <= tolerance, `${about}: stream ${stream} has ${ratio} of its share`)
  }
}

describe('the priority of a stream', () => {
  it('is its share of what a lossy path carries: 1 to 2 to 4 to 8 for those of data channels', () => {
    for (let seed = 0; seed < 6; seed++) {
      const bytes = shares(seed, [128, 256, 512, 1_024], (_, pair) => 200 + (pair.random.next() % 3_000))
      assertShares(bytes, [1, 2, 4, 8], 0.04, `seed ${seed}`)
    }
  }).timeout(20_000)

  it('counts bytes, whatever the sizes of messages', () => {
    const sizes = [12_000, 1_500, 40_000, 3_000]
    const bytes = shares(11, [512, 512, 512, 256], stream => sizes[stream] ?? 1)
    assertShares(bytes, [2, 2, 2, 1], 0.06, 'sizes')
  })

  it('is that of a normal channel where nobody has set one', () => {
    const pair = new Pair(1).connect()
    const send = (stream: number, count: number): void => {
      for (let i = 0; i < count; i++) pair.a.association.send(stream, 53, new Uint8Array(1_000), {}, pair.now)
    }
    pair.a.association.setPriority(1, 256)
    send(0, 20)
    send(1, 20)
    pair.run(1_000)
    const streams = pair.messages('b').map(({ streamId }) => streamId)
    assert.deepEqual(
      streams,
      Array.from({ length: 40 }, (_, i) => i % 2),
    )
  })

  it('lets none starve: the least is served among many of the greatest', () => {
    const pair = new Pair(2, { conditions: lossy }).connect()
    pair.a.association.setPriority(1_000, 1)
    for (let stream = 0; stream < 200; stream++) {
      pair.a.association.setPriority(stream, 65_535)
      for (let i = 0; i < 4; i++) pair.a.association.send(stream, 53, new Uint8Array(1_000), {}, pair.now)
    }
    pair.a.association.send(1_000, 53, new Uint8Array(1_000), {}, pair.now)
    pair.run(60_000, () => pair.messages('b').length === 801)
    const place = pair.messages('b').findIndex(({ streamId }) => streamId === 1_000)
    assert.ok(place >= 0 && place < 250, `it came as number ${place}`)
  })

  it('may change at any time: what is sent from then on has the new share', () => {
    const pair = new Pair(3).connect()
    for (let i = 0; i < 60; i++) {
      for (const stream of [0, 1]) pair.a.association.send(stream, 53, new Uint8Array(1_128), {}, pair.now)
    }
    pair.a.association.setPriority(0, 512)
    pair.a.association.setPriority(1, 128)
    pair.run(1_000)
    const first = pair
      .messages('b')
      .slice(0, 50)
      .filter(({ streamId }) => streamId === 0)
    assert.ok(first.length >= 38 && first.length <= 42, `${first.length} of 50`)
  })

  it('of a stream that was not negotiated is not kept', () => {
    const peer = ScriptedPeer.establish({}, { inboundStreams: 4 })
    for (let stream = 0; stream < 100; stream++) peer.association.setPriority(stream, 512)
    // RFC 6525 §5.2.2, step E3: a reset without a list is one of all streams that are known.
    peer.send(chunk(ChunkType.reConfig, 0, parameter(13, [...u32(1_000), ...u32(0), ...u32(999)])))
    assert.deepEqual(
      peer.events.flatMap(event => (event.type === 'incoming-reset' ? [event.streamId] : [])),
      [0, 1, 2, 3],
    )
  })

  it('does not change the order within a stream, nor what arrives, set to anything at any time (300 seeds)', () => {
    const conditions = { loss: 0.1, duplicate: 0.05, delay: 5, jitter: 10 }
    for (let seed = 0; seed < 300; seed++) {
      const pair = new Pair(seed, { conditions, a: { initialRtoMs: 200 }, b: { initialRtoMs: 200 } }).connect()
      const { random } = pair
      const sent = new Map<number, number[]>()
      for (let i = 0; i < 30; i++) {
        const stream = random.next() % 6
        const odd = [0, -1, 1, 128, 1_024, 65_535, 65_536, Number.NaN, Number.POSITIVE_INFINITY, 0.5]
        if (random.next() % 3 === 0) pair.a.association.setPriority(stream, odd[random.next() % odd.length] ?? 0)
        const message = new Uint8Array(1 + (random.next() % (random.next() % 6 === 0 ? 9_000 : 300))).fill(i)
        // A lifetime that is over at once: such messages are dropped before they are begun.
        const isDropped = random.next() % 5 === 0
        pair.a.association.send(stream, 53, message, isDropped ? { maxPacketLifeTimeMs: 0 } : {}, pair.now)
        if (!isDropped) sent.set(stream, [...(sent.get(stream) ?? []), i])
        if (random.next() % 5 === 0) pair.run(random.next() % 30)
      }
      const count = [...sent.values()].reduce((sum, { length }) => sum + length, 0)
      pair.run(600_000, () => pair.messages('b').length === count)
      const received = new Map<number, number[]>()
      for (const { streamId, data } of pair.messages('b')) {
        received.set(streamId, [...(received.get(streamId) ?? []), data[0] ?? -1])
      }
      for (const [stream, ids] of sent) assert.deepEqual(received.get(stream), ids, `seed ${seed}, stream ${stream}`)
      for (let stream = 0; stream < 6; stream++) assert.equal(pair.a.association.bufferedAmount(stream), 0)
    }
  }).timeout(20_000)
})
