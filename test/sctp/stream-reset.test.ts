import assert from 'node:assert/strict'

import { ChunkType } from '../../src/sctp/protocol.ts'
import { Pair, type Side } from './support/pair.ts'
import { chunksOf, ScriptedPeer } from './support/scripted-peer.ts'
import { chunk, data, packet, parameter, read, sack, u16, u32, type WirePacket } from './support/wire.ts'

const performed = 1
const denied = 2
const badSequence = 5
const inProgress = 6

const reConfig = (...parameters: readonly number[][]): Uint8Array => chunk(ChunkType.reConfig, 0, parameters.flat())

const outgoingReset = (sequence: number, lastTsn: number, ...streams: readonly number[]): number[] =>
  parameter(13, [...u32(sequence), ...u32(0), ...u32(lastTsn), ...streams.flatMap(u16)])

const response = (sequence: number, result: number): number[] => parameter(16, [...u32(sequence), ...u32(result)])

/** The results in the RE-CONFIG chunks of some packets, with the numbers that they answer. */
function results(packets: readonly WirePacket[]): [number, number][] {
  return parametersOf(packets, 16).map(value => [read(value, 0, 4), read(value, 4, 4)])
}

/** The requests to reset, as their number, last TSN and streams. */
function requests(packets: readonly WirePacket[]): [number, number, number[]][] {
  return parametersOf(packets, 13).map(value => {
    const streams = Array.from({ length: (value.length - 12) / 2 }, (_, i) => read(value, 12 + 2 * i, 2))
    return [read(value, 0, 4), read(value, 8, 4), streams]
  })
}

function parametersOf(packets: readonly WirePacket[], type: number): Uint8Array[] {
  return chunksOf(packets, ChunkType.reConfig).flatMap(({ value }) => {
    const found: Uint8Array[] = []
    for (let at = 0; at + 4 <= value.length; at += (read(value, at + 2, 2) + 3) & ~3) {
      if (read(value, at, 2) === type) found.push(value.slice(at + 4, at + read(value, at + 2, 2)))
    }
    return found
  })
}

describe('resetting our side of a stream', () => {
  it('tells the last TSN, and does not wait for what is under way', () => {
    const peer = ScriptedPeer.establish()
    peer.association.send(3, 53, Uint8Array.of(1), {}, peer.now)
    peer.association.resetStream(3, peer.now)
    const packets = peer.poll()
    assert.deepEqual(
      packets.map(({ chunks }) => chunks.map(({ type }) => type)),
      [[ChunkType.data], [ChunkType.reConfig]],
    )
    assert.deepEqual(requests(packets), [[peer.localTsn, peer.localTsn, [3]]])
  })

  it('waits for what has no TSN yet, and for nothing that other streams have to send', () => {
    const peer = ScriptedPeer.establish({}, { window: 1 << 22 })
    peer.association.send(3, 53, new Uint8Array(100_000), {}, peer.now)
    peer.association.send(4, 53, new Uint8Array(1_000_000), {}, peer.now)
    peer.association.resetStream(3, peer.now)
    let packets = peer.poll()
    let sent = 0
    for (let turn = 0; turn < 100 && requests(packets).length === 0; turn++) {
      sent += chunksOf(packets, ChunkType.data).length
      packets = peer.send(sack({ cumulative: (peer.localTsn + sent - 1) >>> 0, window: 1 << 22 }))
    }
    assert.equal(peer.association.bufferedAmount(3), 0)
    assert.ok(peer.association.bufferedAmount(4) > 0)
    const [, lastTsn = 0] = requests(packets)[0] ?? []
    assert.ok(((lastTsn - peer.localTsn) >>> 0) * 1_144 >= 98_000, 'what was sent before is covered')
  })

  it('takes one round trip, with what was sent before', () => {
    const pair = new Pair(5, { conditions: { delay: 50 } }).connect()
    pair.run(1_000)
    const from = pair.now
    pair.a.association.send(3, 53, new Uint8Array(5_000), {}, pair.now)
    pair.a.association.resetStream(3, pair.now)
    pair.run(10_000, () => pair.a.events.some(({ type }) => type === 'outgoing-reset'))
    assert.equal(pair.now - from, 100)
    assert.deepEqual(
      pair.b.events.slice(1).map(({ type }) => type),
      ['message', 'incoming-reset'],
    )
  })

  it('reaches the peer behind the data, though the association is aborted in the same turn', () => {
    const pair = new Pair(5).connect()
    pair.a.association.send(3, 53, new Uint8Array(5_000), {}, pair.now)
    pair.a.association.resetStream(3, pair.now)
    pair.pump()
    pair.a.association.abort(pair.now)
    pair.run(100)
    assert.deepEqual(
      pair.b.events.slice(1).map(({ type }) => type),
      ['message', 'incoming-reset', 'failed'],
    )
  })

  it('ends with an event, after which the stream begins anew', () => {
    const peer = ScriptedPeer.establish()
    const send = (byte: number): boolean => peer.association.send(3, 53, Uint8Array.of(byte), {}, peer.now)
    send(1)
    peer.poll()
    peer.association.resetStream(3, peer.now)
    peer.send(sack({ cumulative: peer.localTsn }))
    // What is sent meanwhile waits.
    send(2)
    assert.equal(peer.association.bufferedAmount(3), 1)
    assert.deepEqual(chunksOf(peer.poll(), ChunkType.data), [])
    const answers = peer.send(reConfig(response(peer.localTsn, performed)))
    assert.deepEqual(
      peer.events.filter(({ type }) => type === 'outgoing-reset'),
      [{ type: 'outgoing-reset', streamId: 3, ok: true }],
    )
    const [next] = chunksOf(answers, ChunkType.data)
    assert.deepEqual([read(next?.value ?? new Uint8Array(12), 6, 2), next?.value[12]], [0, 2])
  })

  it('that the peer denies leaves the stream as it was', () => {
    const peer = ScriptedPeer.establish()
    peer.association.send(3, 53, Uint8Array.of(1), {}, peer.now)
    peer.poll()
    peer.association.resetStream(3, peer.now)
    peer.association.send(3, 53, Uint8Array.of(2), {}, peer.now)
    peer.send(sack({ cumulative: peer.localTsn }))
    const answers = peer.send(reConfig(response(peer.localTsn, denied)))
    assert.ok(peer.events.some(event => event.type === 'outgoing-reset' && !event.ok))
    assert.equal(read(chunksOf(answers, ChunkType.data)[0]?.value ?? new Uint8Array(12), 6, 2), 1)
  })

  it('of several streams is one request, and only one is under way', () => {
    const peer = ScriptedPeer.establish()
    for (const stream of [1, 2, 3]) peer.association.resetStream(stream, peer.now)
    assert.deepEqual(requests(peer.poll()), [[peer.localTsn, (peer.localTsn - 1) >>> 0, [1, 2, 3]]])
    peer.association.resetStream(4, peer.now)
    assert.deepEqual(requests(peer.poll()), [])
    const answers = peer.send(reConfig(response(peer.localTsn, performed)))
    assert.deepEqual(requests(answers), [[(peer.localTsn + 1) >>> 0, (peer.localTsn - 1) >>> 0, [4]]])
  })

  it('of more streams than fit into a packet takes several requests', () => {
    const peer = ScriptedPeer.establish({ packetSize: 256 })
    for (let stream = 0; stream < 300; stream++) peer.association.resetStream(stream, peer.now)
    let sequence = peer.localTsn
    const seen: number[] = []
    for (let packets = peer.poll(); packets.length > 0; sequence = (sequence + 1) >>> 0) {
      seen.push(...(requests(packets)[0]?.[2] ?? []))
      packets = peer.send(reConfig(response(sequence, performed)))
    }
    assert.deepEqual(
      seen,
      Array.from({ length: 300 }, (_, i) => i),
    )
  })

  it('is asked for again until it is answered', () => {
    const peer = ScriptedPeer.establish()
    peer.association.resetStream(3, peer.now)
    const first = requests(peer.poll())
    assert.deepEqual(requests(peer.wait()), first)
    const waited = peer.now
    assert.deepEqual(requests(peer.wait()), first)
    assert.ok(peer.now - waited >= 2_000, 'the delay doubles')
  })

  it('that is in progress for the peer is asked for again without counting against it', () => {
    const peer = ScriptedPeer.establish()
    for (let i = 0; i < 80; i++) peer.association.send(3, 53, new Uint8Array(100), {}, peer.now)
    peer.association.resetStream(3, peer.now)
    const first = requests(peer.poll())
    assert.deepEqual(first, [[peer.localTsn, (peer.localTsn + 79) >>> 0, [3]]])
    for (let i = 0; i < 60; i++) {
      peer.send(reConfig(response(peer.localTsn, inProgress)), sack({ cumulative: (peer.localTsn + i) >>> 0 }))
      let again = requests([])
      for (let turn = 0; turn < 20 && again.length === 0; turn++) again = requests(peer.wait())
      assert.deepEqual(again, first, `${i}`)
    }
    peer.send(reConfig(response(peer.localTsn, performed)))
    assert.ok(peer.events.some(event => event.type === 'outgoing-reset' && event.ok))
  })

  it('that was in progress is asked for with a new number once the peer has all that it waited for', () => {
    const peer = ScriptedPeer.establish()
    const next = (peer.localTsn + 1) >>> 0
    peer.association.send(3, 53, Uint8Array.of(1), {}, peer.now)
    peer.association.resetStream(3, peer.now)
    peer.poll()
    peer.send(reConfig(response(peer.localTsn, inProgress)))
    peer.association.send(3, 53, Uint8Array.of(2), {}, peer.now)
    assert.deepEqual(requests(peer.send(sack({ cumulative: peer.localTsn }))), [])
    assert.deepEqual(requests(peer.wait()), [[next, peer.localTsn, [3]]])
    // It goes again as it is, and the answer to the number before is none to this.
    assert.deepEqual(requests(peer.wait()), [[next, peer.localTsn, [3]]])
    peer.send(reConfig(response(peer.localTsn, performed)))
    assert.ok(!peer.events.some(({ type }) => type === 'outgoing-reset'))
    const answers = peer.send(reConfig(response(next, performed)))
    assert.ok(peer.events.some(event => event.type === 'outgoing-reset' && event.ok))
    assert.equal(chunksOf(answers, ChunkType.data).length, 1)
    peer.association.resetStream(5, peer.now)
    assert.equal(requests(peer.poll())[0]?.[0], (next + 1) >>> 0)
  })

  it('that was in progress is not left to a timer that losses have made long', () => {
    const peer = ScriptedPeer.establish()
    peer.association.send(3, 53, Uint8Array.of(1), {}, peer.now)
    peer.poll()
    peer.now += 20
    peer.send(sack({ cumulative: peer.localTsn }))
    const next = (peer.localTsn + 1) >>> 0
    peer.association.send(3, 53, Uint8Array.of(2), {}, peer.now)
    peer.association.resetStream(3, peer.now)
    peer.poll()
    for (let i = 0; i < 8; i++) peer.wait()
    assert.ok(peer.association.statistics.rtoMs >= 1_000)
    peer.send(reConfig(response(peer.localTsn, inProgress)))
    peer.send(sack({ cumulative: next }))
    const before = peer.now
    let again = requests([])
    for (let turn = 0; turn < 3 && again.length === 0; turn++) again = requests(peer.wait())
    assert.deepEqual(again, [[next, next, [3]]])
    assert.equal(peer.now - before, 20, 'a round trip, for an answer that comes unasked')
    // Once: who says that it is still in progress is asked when the timer says so.
    const asked = peer.now
    peer.send(reConfig(response(next, inProgress)))
    again = requests([])
    for (let turn = 0; turn < 3 && again.length === 0; turn++) again = requests(peer.wait())
    assert.ok(peer.now - asked >= 200)
  })

  it('that was in progress, and is not answered any more, ends the association', () => {
    const peer = ScriptedPeer.establish()
    peer.association.resetStream(3, peer.now)
    peer.poll()
    peer.send(reConfig(response(peer.localTsn, inProgress)))
    for (let i = 0; i < 100 && peer.association.state !== 'closed'; i++) peer.wait()
    assert.ok(peer.events.some(event => event.type === 'failed' && event.error.code === 'timeout'))
  })

  it('that is never answered ends the association', () => {
    const peer = ScriptedPeer.establish()
    peer.association.resetStream(3, peer.now)
    peer.poll()
    for (let i = 0; i < 100 && peer.association.state !== 'closed'; i++) peer.wait()
    assert.ok(peer.events.some(event => event.type === 'failed' && event.error.code === 'timeout'))
  })

  it('fails at once if the peer does not know RE-CONFIG', () => {
    const peer = ScriptedPeer.establish({}, { parameters: parameter(0xc000) })
    peer.association.resetStream(3, peer.now)
    assert.deepEqual(requests(peer.poll()), [])
    assert.deepEqual(peer.events.pop(), { type: 'outgoing-reset', streamId: 3, ok: false })
  })

  it('may be wished before the association is up', () => {
    const pair = new Pair(1)
    pair.a.association.send(3, 53, Uint8Array.of(1), {}, pair.now)
    pair.a.association.resetStream(3, pair.now)
    pair.connect()
    pair.run(500)
    assert.deepEqual(
      pair.b.events.filter(({ type }) => type !== 'connected').map(({ type }) => type),
      ['message', 'incoming-reset'],
    )
    assert.ok(pair.a.events.some(event => event.type === 'outgoing-reset' && event.ok))
  })

  it('takes no answer for one that it did not ask', () => {
    const peer = ScriptedPeer.establish()
    peer.association.resetStream(3, peer.now)
    peer.poll()
    peer.send(
      reConfig(response((peer.localTsn + 1) >>> 0, performed)),
      reConfig(response((peer.localTsn - 1) >>> 0, performed)),
    )
    assert.ok(!peer.events.some(({ type }) => type === 'outgoing-reset'))
  })
})

describe('a reset by the peer', () => {
  it('comes after all messages before it, and the stream begins anew', () => {
    const peer = ScriptedPeer.establish()
    peer.send(data({ tsn: 1_000, streamId: 3, ssn: 0, data: [1] }))
    assert.deepEqual(results(peer.send(reConfig(outgoingReset(1_000, 1_000, 3)))), [[1_000, performed]])
    peer.send(data({ tsn: 1_001, streamId: 3, ssn: 0, data: [2] }))
    assert.deepEqual(
      peer.events.slice(1).map(event => (event.type === 'message' ? event.data[0] : event.type)),
      [1, 'incoming-reset', 2],
    )
  })

  it('waits for data that was sent before it, and is answered again when that has come', () => {
    const peer = ScriptedPeer.establish()
    const answers = peer.send(reConfig(outgoingReset(1_000, 1_001, 3)))
    assert.deepEqual(results(answers), [[1_000, inProgress]])
    assert.equal(chunksOf(answers, ChunkType.sack).length, 1, 'a SACK goes along')
    assert.deepEqual(results(peer.send(reConfig(outgoingReset(1_000, 1_001, 3)))), [[1_000, inProgress]])
    peer.send(data({ tsn: 1_000, streamId: 3, ssn: 0, data: [1] }))
    assert.ok(!peer.events.some(({ type }) => type === 'incoming-reset'))
    assert.deepEqual(results(peer.send(data({ tsn: 1_001, streamId: 3, ssn: 1, data: [2] }))), [[1_000, performed]])
    assert.deepEqual(
      peer.events.slice(1).map(event => (event.type === 'message' ? event.data[0] : event.type)),
      [1, 2, 'incoming-reset'],
    )
    // The answer may have been lost.
    assert.deepEqual(results(peer.send(reConfig(outgoingReset(1_000, 1_001, 3)))), [[1_000, performed]])
  })

  it('holds back what was sent after it, until it has been performed', () => {
    const peer = ScriptedPeer.establish()
    peer.send(reConfig(outgoingReset(1_000, 1_000, 3)))
    peer.send(
      data({ tsn: 1_001, streamId: 3, ssn: 0, data: [2] }),
      data({ tsn: 1_002, streamId: 4, ssn: 0, data: [9] }),
    )
    assert.deepEqual(
      peer.messages().map(bytes => bytes[0]),
      [9],
    )
    peer.send(data({ tsn: 1_000, streamId: 3, ssn: 0, data: [1] }))
    assert.deepEqual(
      peer.messages().map(bytes => bytes[0]),
      [9, 1, 2],
    )
    assert.equal(peer.association.statistics.bytesHeld, 0)
  })

  it('that is repeated is answered as before, and performed once', () => {
    const peer = ScriptedPeer.establish()
    for (let i = 0; i < 3; i++)
      assert.deepEqual(results(peer.send(reConfig(outgoingReset(1_000, 999, 3)))), [[1_000, performed]])
    assert.equal(peer.events.filter(({ type }) => type === 'incoming-reset').length, 1)
  })

  it('that waits may be asked for with a new number, and is performed once', () => {
    const peer = ScriptedPeer.establish()
    peer.send(reConfig(outgoingReset(1_000, 1_000, 3)))
    assert.deepEqual(results(peer.send(reConfig(outgoingReset(1_001, 1_000, 3)))), [[1_001, inProgress]])
    assert.deepEqual(results(peer.send(data({ tsn: 1_000, streamId: 3, data: [1] }))), [[1_001, performed]])
    assert.deepEqual(results(peer.send(reConfig(outgoingReset(1_002, 1_000, 3)))), [[1_002, performed]])
    assert.deepEqual(results(peer.send(reConfig(outgoingReset(1_002, 1_000, 3)))), [[1_002, performed]])
    assert.equal(peer.events.filter(({ type }) => type === 'incoming-reset').length, 1)
    // The next one of the same stream is another one.
    peer.send(data({ tsn: 1_001, streamId: 3, data: [2] }))
    assert.deepEqual(results(peer.send(reConfig(outgoingReset(1_003, 1_001, 3)))), [[1_003, performed]])
    assert.deepEqual(
      peer.events.slice(1).map(event => (event.type === 'message' ? event.data[0] : event.type)),
      [1, 'incoming-reset', 2, 'incoming-reset'],
    )
  })

  it('with a wrong number is refused', () => {
    const peer = ScriptedPeer.establish()
    for (const sequence of [1_001, 999, 0, 0x8000_0000]) {
      assert.deepEqual(results(peer.send(reConfig(outgoingReset(sequence, 999, 3)))), [[sequence, badSequence]])
    }
    assert.ok(!peer.events.some(({ type }) => type === 'incoming-reset'))
  })

  it('while another is waiting is denied', () => {
    const peer = ScriptedPeer.establish()
    peer.send(reConfig(outgoingReset(1_000, 1_005, 3)))
    assert.deepEqual(results(peer.send(reConfig(outgoingReset(1_001, 999, 4)))), [[1_001, denied]])
  })

  it('without a list is one of all streams', () => {
    const peer = ScriptedPeer.establish()
    peer.send(data({ tsn: 1_000, streamId: 8 }), data({ tsn: 1_001, streamId: 2 }))
    peer.association.send(6, 53, Uint8Array.of(1), {}, peer.now)
    peer.send(reConfig(outgoingReset(1_000, 1_001)))
    const reset = peer.events.flatMap(event => (event.type === 'incoming-reset' ? [event.streamId] : []))
    assert.deepEqual(reset.sort(), [2, 6, 8])
  })

  const others: readonly [string, number[]][] = [
    ['reset our side of a stream', parameter(14, [...u32(1_000), ...u16(3)])],
    ['reset all TSNs', parameter(15, u32(1_000))],
    ['add outgoing streams', parameter(17, [...u32(1_000), 0, 1, 0, 0])],
    ['add incoming streams', parameter(18, [...u32(1_000), 0, 1, 0, 0])],
  ]
  for (const [name, request] of others) {
    it(`is all that is granted: a request to ${name} is denied`, () => {
      const peer = ScriptedPeer.establish()
      for (let i = 0; i < 2; i++) assert.deepEqual(results(peer.send(reConfig(request))), [[1_000, denied]])
      assert.deepEqual(results(peer.send(reConfig(outgoingReset(1_001, 999, 3)))), [[1_001, performed]])
    })
  }

  it('may come together with an answer', () => {
    const peer = ScriptedPeer.establish()
    peer.association.resetStream(3, peer.now)
    peer.poll()
    const answers = peer.send(reConfig(response(peer.localTsn, performed), outgoingReset(1_000, 999, 3)))
    assert.deepEqual(results(answers), [[1_000, performed]])
    assert.deepEqual(
      peer.events.slice(1).map(({ type }) => type),
      ['outgoing-reset', 'incoming-reset'],
    )
  })

  const malformed: readonly [string, Uint8Array][] = [
    ['is empty', reConfig()],
    ['has three parameters', reConfig(outgoingReset(1_000, 999), outgoingReset(1_001, 999), outgoingReset(1_002, 999))],
    ['has a parameter that is cut off', reConfig(outgoingReset(1_000, 999).slice(0, 8))],
    ['has a request without its last TSN', reConfig(parameter(13, u32(1_000)))],
    ['has a response without its result', reConfig(parameter(16, u32(1_000)))],
  ]
  for (const [name, bytes] of malformed) {
    it(`is malformed if it ${name}`, () => {
      const peer = ScriptedPeer.establish()
      assert.deepEqual(peer.deliver(packet(peer.localTag, [bytes])), { drop: 'malformed' })
    })
  }
})

describe('closing both sides of a stream', () => {
  it('lets it be used again and again, over a lossy network, without a message lost or mixed up', () => {
    for (let seed = 0; seed < 150; seed++) {
      const conditions = { loss: 0.1, duplicate: 0.05, delay: 5, jitter: 8 }
      const pair = new Pair(seed, { conditions, a: { initialRtoMs: 200 }, b: { initialRtoMs: 200 } }).connect()
      // Each end answers the other's reset with its own, once for each use of the stream, as data channels do.
      const closes = { a: 0, b: 0 }
      const close = (side: Side, round: number): void => {
        if (closes[side] > round) return
        closes[side]++
        pair.end(side).association.resetStream(2, pair.now)
      }
      const rounds = 4
      for (let round = 0; round < rounds; round++) {
        pair.onEvent = (side, event) => {
          if (event.type === 'incoming-reset') close(side, round)
        }
        for (const side of ['a', 'b'] as const) {
          for (let i = 0; i < 3; i++) {
            const message = new Uint8Array(1 + (pair.random.next() % 3_000)).fill(10 * round + i)
            pair.end(side).association.send(2, 53, message, {}, pair.now)
          }
        }
        pair.run(pair.random.next() % 40)
        close(pair.random.next() & 1 ? 'a' : 'b', round)
        const done = (): boolean =>
          [pair.a, pair.b].every(({ events }) => {
            const count = (wanted: string): number => events.filter(({ type }) => type === wanted).length
            return count('outgoing-reset') > round && count('incoming-reset') > round
          })
        pair.run(60_000, done)
        assert.ok(done(), `seed ${seed}, round ${round}`)
      }
      pair.run(1_000)
      for (const side of ['a', 'b'] as const) {
        const course = pair.end(side).events.flatMap(event => {
          if (event.type === 'message') return [`${event.data[0]}`]
          return event.type === 'incoming-reset' ? ['reset'] : []
        })
        const expected = Array.from({ length: rounds }, (_, r) => [
          `${10 * r}`,
          `${10 * r + 1}`,
          `${10 * r + 2}`,
          'reset',
        ])
        assert.deepEqual(course, expected.flat(), `seed ${seed}, ${side}`)
      }
    }
  })
  it('does not mix up what was sent before and after, though messages are given up (100 seeds)', () => {
    const rounds = 5
    for (let seed = 0; seed < 100; seed++) {
      const conditions = { loss: 0.15, duplicate: 0.05, delay: 5, jitter: 8 }
      const pair = new Pair(seed, { conditions, a: { initialRtoMs: 200 }, b: { initialRtoMs: 200 } }).connect()
      const send = (round: number): void => {
        for (let i = 0; i < 6; i++) {
          const message = new Uint8Array(1 + (pair.random.next() % 3_000)).fill(10 * round + i)
          const options = [{ maxRetransmits: 0 }, { maxPacketLifeTimeMs: 10 }, {}][pair.random.next() % 3]
          pair.a.association.send(2, 53, message, { ordered: pair.random.next() % 2 === 0, ...options }, pair.now)
          if (pair.random.next() % 3 === 0) pair.run(pair.random.next() % 10)
        }
      }
      for (let round = 0; round < rounds; round++) {
        if (round === 0) send(0)
        pair.a.association.resetStream(2, pair.now)
        // What follows the wish waits for the end of the reset.
        if (round < rounds - 1) send(round + 1)
        const done = (): boolean => pair.a.events.filter(({ type }) => type === 'outgoing-reset').length > round
        pair.run(60_000, done)
        assert.ok(done(), `seed ${seed}, round ${round}`)
      }
      pair.run(10_000)
      assert.ok(
        pair.a.events.every(event => event.type !== 'outgoing-reset' || event.ok),
        `seed ${seed}`,
      )
      let round = 0
      for (const event of pair.b.events) {
        if (event.type === 'incoming-reset') round++
        else if (event.type === 'message') assert.equal(Math.floor((event.data[0] ?? 0) / 10), round, `seed ${seed}`)
      }
      assert.equal(round, rounds, `seed ${seed}`)
    }
  }).timeout(10_000)
})
