import assert from 'node:assert/strict'

import type { SctpEvent } from '../../src/sctp/events.ts'
import { maxBurstPackets } from '../../src/sctp/limits.ts'
import { ChunkType, DataFlag } from '../../src/sctp/protocol.ts'
import { prng } from '../support/prng.ts'
import { type Conditions, Pair, type Side } from './support/pair.ts'
import { chunksOf, ScriptedPeer } from './support/scripted-peer.ts'
import { data, packet, parameter, read, sack, seal, u32 } from './support/wire.ts'

/** Random bytes, with a tag and the first TSN of the handshake put before them. */
function randomFrom(seed: number, initialTsn: number): (length: number) => Uint8Array {
  const random = prng(seed)
  const first = [Uint8Array.from(u32(seed + 1)), Uint8Array.from(u32(initialTsn))]
  return length => first.shift() ?? random.bytes(length)
}

/** Sends messages at random, both ways, and checks that each arrives once, unchanged, and in order where that was asked. */
function exerciseReliably(
  seed: number,
  conditions: Conditions,
  options: { count: number; largest: number; firstTsn?: number },
): void {
  const { count, largest, firstTsn } = options
  const own = (offset: number) =>
    firstTsn === undefined ? {} : { random: randomFrom(seed + offset, (firstTsn + offset) >>> 0) }
  const pair = new Pair(seed, { conditions, a: { ...own(0), initialRtoMs: 200 }, b: { ...own(1), initialRtoMs: 200 } })
  const sent: Record<Side, { stream: number; ordered: boolean; data: Uint8Array }[]> = { a: [], b: [] }
  pair.connect()
  for (let i = 0; i < count; i++) {
    const side = pair.random.next() & 1 ? 'a' : 'b'
    const length = 4 + (pair.random.next() % (pair.random.next() % 8 === 0 ? largest : 200))
    const message = {
      stream: pair.random.next() % 4,
      ordered: pair.random.next() % 3 > 0,
      data: pair.random.bytes(length),
    }
    new DataView(message.data.buffer).setUint32(0, i)
    sent[side].push(message)
    pair.end(side).association.send(message.stream, 53, message.data, { ordered: message.ordered }, pair.now)
    if (pair.random.next() % 4 === 0) pair.run(pair.random.next() % 50)
  }
  const all = (): boolean => pair.messages('a').length >= sent.b.length && pair.messages('b').length >= sent.a.length
  pair.run(600_000, all)
  pair.conditions = {}
  pair.run(20_000)
  for (const [from, to] of [
    ['a', 'b'],
    ['b', 'a'],
  ] as const) {
    const received = pair.messages(to)
    const id = (bytes: Uint8Array): number => read(bytes, 0, 4)
    const byId = new Map(received.map(event => [id(event.data), event]))
    assert.equal(received.length, sent[from].length, `seed ${seed}: count`)
    for (const message of sent[from]) {
      const got = byId.get(id(message.data))
      assert.ok(got !== undefined && Buffer.compare(got.data, message.data) === 0, `seed ${seed}: content`)
      assert.equal(got.streamId, message.stream, `seed ${seed}: stream`)
    }
    for (let stream = 0; stream < 4; stream++) {
      const ordered = sent[from].filter(message => message.ordered && message.stream === stream).map(m => id(m.data))
      const wanted = new Set(ordered)
      const got = received.filter(event => event.streamId === stream).map(event => id(event.data))
      assert.deepEqual(
        got.filter(each => wanted.has(each)),
        ordered,
        `seed ${seed}: order`,
      )
    }
    assert.equal(pair.end(to).association.statistics.bytesHeld, 0, `seed ${seed}: held`)
    assert.equal(pair.end(from).association.statistics.outstandingChunks, 0, `seed ${seed}: outstanding`)
  }
}

describe('messages', () => {
  it('arrive once, unchanged and in order, whatever the network does (2000 seeds)', () => {
    const conditions = { loss: 0.1, duplicate: 0.05, corrupt: 0.02, delay: 5, jitter: 10 }
    for (let seed = 0; seed < 2_000; seed++) exerciseReliably(seed, conditions, { count: 14, largest: 6_000 })
  }).timeout(60_000)

  it('do so with larger ones', () => {
    const conditions = { loss: 0.05, duplicate: 0.02, delay: 10, jitter: 4 }
    for (let seed = 0; seed < 15; seed++) exerciseReliably(seed, conditions, { count: 25, largest: 120_000 })
  })

  it('do so where TSNs wrap', () => {
    const conditions = { loss: 0.1, duplicate: 0.05, delay: 5, jitter: 10 }
    for (const firstTsn of [0xffff_ff80, 0xffff_fff0, 0xffff_ffff, 0x7fff_fff0]) {
      for (let seed = 0; seed < 40; seed++) exerciseReliably(seed, conditions, { count: 14, largest: 6_000, firstTsn })
    }
  }).timeout(30_000)

  it('may have any size from one byte on', () => {
    const pair = new Pair(1, { b: { maxReceiveMessageSize: 3 << 20 } }).connect()
    const sizes = [1, 2, 3, 4, 5, 1_143, 1_144, 1_145, 2_288, 2_289, 65_535, 65_536, 262_144, 1 << 20, 3 << 20]
    const sent = sizes.map(size => prng(size).bytes(size))
    for (const message of sent) pair.a.association.send(1, 53, message, {}, pair.now)
    pair.run(60_000, () => pair.messages('b').length === sizes.length)
    for (const [i, { data: bytes }] of pair.messages('b').entries()) {
      assert.ok(Buffer.compare(bytes, sent[i] ?? new Uint8Array(0)) === 0, `message of ${sizes[i]} bytes`)
    }
  })

  it('must have a byte', () => {
    const pair = new Pair(1).connect()
    assert.throws(() => pair.a.association.send(0, 53, new Uint8Array(0), {}, pair.now), RangeError)
  })

  it('are copied when they are sent', () => {
    const pair = new Pair(1).connect()
    for (const size of [5, 50_000]) {
      const message = new Uint8Array(size).fill(1)
      pair.a.association.send(0, 53, message, {}, pair.now)
      message.fill(2)
    }
    pair.run(100)
    for (const { data: bytes } of pair.messages('b')) assert.ok(bytes.every(byte => byte === 1))
  })

  it('carry their payload protocol identifier', () => {
    const pair = new Pair(1).connect()
    for (const ppid of [0, 50, 51, 53, 56, 57, 0xffff_ffff])
      pair.a.association.send(0, ppid, new Uint8Array(3), {}, pair.now)
    pair.run(100)
    assert.deepEqual(
      pair.messages('b').map(({ ppid }) => ppid),
      [0, 50, 51, 53, 56, 57, 0xffff_ffff],
    )
  })

  it('go on in order when stream sequence numbers wrap', () => {
    const pair = new Pair(1).connect()
    let next = 0
    pair.onEvent = (_side, event) => {
      if (event.type === 'message') assert.equal(read(event.data, 0, 4), next++)
    }
    for (let i = 0; i < 70_000; i++) {
      pair.a.association.send(1, 53, Uint8Array.from(u32(i)), {}, pair.now)
      if (i % 1_000 === 999) {
        pair.run(20)
        pair.a.events.length = 0
        pair.b.events.length = 0
      }
    }
    pair.run(1_000)
    assert.equal(next, 70_000)
  })

  it('of many streams take turns, so that each gets the same bytes', () => {
    const pair = new Pair(1, { conditions: { rate: 1_000, delay: 5 } }).connect()
    for (let i = 0; i < 20; i++) pair.a.association.send(0, 53, new Uint8Array(10_000), {}, pair.now)
    for (let i = 0; i < 20; i++) pair.a.association.send(1, 53, new Uint8Array(10_000), {}, pair.now)
    for (let i = 0; i < 40; i++) pair.a.association.send(2, 53, new Uint8Array(5_000), {}, pair.now)
    for (let i = 0; i < 20; i++) pair.a.association.send(3, 53, new Uint8Array(10), {}, pair.now)
    pair.run(60_000, () => pair.messages('b').length === 100)
    const streams = pair.messages('b').map(({ streamId }) => streamId)
    const first = streams.slice(0, 60)
    for (const [stream, count] of [10, 10, 20, 20].entries()) {
      assert.equal(first.filter(each => each === stream).length, count, `stream ${stream}`)
    }
    assert.equal(streams.indexOf(3), 3, 'the small ones need not wait')
    assert.equal(streams.slice(0, 23).filter(each => each === 3).length, 20)
  })

  it('use all 65535 streams if need be, and none that was not negotiated', () => {
    const pair = new Pair(1).connect()
    for (const stream of [0, 1, 30_000, 65_534])
      assert.ok(pair.a.association.send(stream, 53, Uint8Array.of(1), {}, pair.now))
    assert.equal(pair.a.association.send(65_535, 53, Uint8Array.of(1), {}, pair.now), false)
    pair.run(100)
    assert.deepEqual(
      pair.messages('b').map(({ streamId }) => streamId),
      [0, 1, 30_000, 65_534],
    )
  })
})

describe('the buffered amount', () => {
  it('rises at once, falls as bytes are sent, and each fall is told once', () => {
    const pair = new Pair(2, { conditions: { delay: 20 } }).connect()
    const { association, events } = pair.a
    association.send(7, 53, new Uint8Array(100_000), {}, pair.now)
    association.send(7, 53, new Uint8Array(23), {}, pair.now)
    association.send(8, 53, new Uint8Array(5), {}, pair.now)
    assert.equal(association.bufferedAmount(7), 100_023)
    assert.equal(association.bufferedAmount(8), 5)
    assert.equal(association.bufferedAmount(9), 0)
    pair.pump()
    const after = association.bufferedAmount(7)
    assert.ok(after > 0 && after < 100_023)
    pair.run(2_000)
    assert.equal(association.bufferedAmount(7), 0)
    const told = (stream: number): number =>
      events.reduce((sum, event) => (event.type === 'sent' && event.streamId === stream ? sum + event.bytes : sum), 0)
    assert.equal(told(7), 100_023)
    assert.equal(told(8), 5)
  })

  it('is told once for many messages sent together', () => {
    const pair = new Pair(2).connect()
    for (let i = 0; i < 50; i++) pair.a.association.send(0, 53, new Uint8Array(10), {}, pair.now)
    pair.run(50)
    assert.deepEqual(
      pair.a.events.filter(({ type }) => type === 'sent'),
      [{ type: 'sent', streamId: 0, bytes: 500 }],
    )
  })
})

describe('packets', () => {
  it('are filled with small messages, and never larger than allowed', () => {
    const peer = ScriptedPeer.establish({ packetSize: 1_172 })
    for (let i = 0; i < 30; i++) peer.association.send(0, 53, new Uint8Array(100), {}, peer.now)
    const packets = peer.poll()
    assert.deepEqual(
      packets.map(({ chunks }) => chunks.length),
      [10, 10, 10],
    )
  })

  it('follow a change of the packet size, both ways, within a message', () => {
    const pair = new Pair(3, { conditions: { delay: 5 } }).connect()
    const largest: number[] = []
    pair.filter = (from, bytes) => {
      if (from === 'a') largest.push(bytes.length)
      return true
    }
    const message = pair.random.bytes(600_000)
    pair.a.association.send(0, 53, message, {}, pair.now)
    pair.run(20)
    for (const size of [600, 8_192, 1_172]) {
      largest.length = 0
      pair.a.association.setPacketSize(size)
      pair.run(15)
      assert.ok(Math.max(...largest) <= size && Math.max(...largest) > size - 8, `${Math.max(...largest)} of ${size}`)
    }
    pair.run(5_000)
    assert.ok(Buffer.compare(pair.messages('b')[0]?.data ?? new Uint8Array(0), message) === 0)
  })

  it('that were lost go again as they were cut, though packets have become smaller', () => {
    const pair = new Pair(3, { conditions: { delay: 5 } }).connect()
    pair.filter = from => from !== 'a'
    const message = pair.random.bytes(5_000)
    pair.a.association.send(0, 53, message, {}, pair.now)
    pair.pump()
    pair.a.association.setPacketSize(400)
    pair.filter = undefined
    pair.run(5_000)
    assert.ok(Buffer.compare(pair.messages('b')[0]?.data ?? new Uint8Array(0), message) === 0)
  })

  it('ask for a SACK at once only in the last one before the sender waits', () => {
    const peer = ScriptedPeer.establish()
    peer.association.send(0, 53, new Uint8Array(30_000), {}, peer.now)
    const flags = chunksOf(peer.poll(), ChunkType.data).map(chunk => chunk.flags & DataFlag.immediate)
    assert.ok(flags.length >= 10)
    assert.ok(flags.slice(0, -1).every(flag => flag === 0))
    assert.equal(flags.pop(), DataFlag.immediate)
  })

  it('leave in bursts that a socket can take', () => {
    const peer = ScriptedPeer.establish({}, { window: 1 << 22 })
    peer.association.send(0, 53, new Uint8Array(1 << 20), {}, peer.now)
    let cumulative = (peer.localTsn - 1) >>> 0
    for (let turn = 0; turn < 10; turn++) {
      const chunks = chunksOf(peer.poll(), ChunkType.data)
      assert.ok(chunks.length <= maxBurstPackets, `${chunks.length} packets in turn ${turn}`)
      cumulative = (cumulative + chunks.length) >>> 0
      peer.deliver(packet(peer.localTag, [sack({ cumulative, window: 1 << 22 })]))
    }
    // Where the window is larger than a burst, the next one does not wait for an acknowledgement.
    assert.equal(peer.poll().length, maxBurstPackets)
    assert.ok(chunksOf(peer.wait(), ChunkType.data).length > 0)
  })

  it('take whatever ends on a byte: the padding of a chunk may be missing at the end', () => {
    const peer = ScriptedPeer.establish()
    const whole = packet(peer.localTag, [data({ tsn: 1_000, data: [1, 2] })])
    const cut = whole.slice(0, whole.length - 2)
    assert.deepEqual(peer.deliver(seal(cut)), { handled: true })
    peer.poll()
    assert.deepEqual([...(peer.messages()[0] ?? [])], [1, 2])
  })
})

describe('a DATA chunk', () => {
  it('on a stream that was not negotiated is acknowledged, discarded and reported', () => {
    const peer = ScriptedPeer.establish({ inboundStreams: 10 })
    const answers = peer.send(data({ tsn: 1_000, streamId: 10 }), data({ tsn: 1_001, streamId: 9, data: [5] }))
    assert.deepEqual([...(chunksOf(answers, ChunkType.error)[0]?.value ?? [])], parameter(1, [0, 10, 0, 0]))
    assert.equal(read(chunksOf(answers, ChunkType.sack)[0]?.value ?? new Uint8Array(4), 0, 4), 1_001)
    assert.deepEqual(
      peer.messages().map(bytes => [...bytes]),
      [[5]],
    )
  })

  it('without data ends the association, and the peer is told which', () => {
    const peer = ScriptedPeer.establish()
    const [abort] = peer.send(data({ tsn: 1_000, data: [] }))
    assert.equal(abort?.chunks[0]?.type, ChunkType.abort)
    assert.deepEqual([...(abort?.chunks[0]?.value ?? [])], parameter(9, u32(1_000)))
    assert.equal(peer.association.state, 'closed')
  })

  it('shorter than its header is malformed', () => {
    const peer = ScriptedPeer.establish()
    assert.deepEqual(peer.deliver(packet(peer.localTag, [data({ tsn: 1_000 }).slice(0, 12)].map(shortened))), {
      drop: 'malformed',
    })
  })

  it('that breaks the rules of fragments ends the association', () => {
    const peer = ScriptedPeer.establish()
    const [abort] = peer.send(data({ tsn: 1_000, flags: 0 }))
    assert.deepEqual(
      abort?.chunks.map(({ type }) => type),
      [ChunkType.abort],
    )
    assert.ok(peer.events.some(event => event.type === 'failed' && event.error.code === 'protocol-violation'))
  })

  it('that makes a message too large ends the association', () => {
    const peer = ScriptedPeer.establish({ maxReceiveMessageSize: 1_000 })
    peer.send(data({ tsn: 1_000, flags: 2, data: new Uint8Array(600) }))
    peer.send(data({ tsn: 1_001, flags: 1, data: new Uint8Array(401) }))
    assert.ok(peer.events.some(event => event.type === 'failed' && event.error.code === 'message-too-large'))
  })

  it('of another stream is not held up by a gap', () => {
    const peer = ScriptedPeer.establish()
    peer.send(data({ tsn: 1_001, streamId: 2, data: [2] }), data({ tsn: 1_002, flags: 7, data: [3] }))
    assert.deepEqual(
      peer.messages().map(bytes => [...bytes]),
      [[2], [3]],
    )
    peer.send(data({ tsn: 1_000, data: [1] }))
    assert.deepEqual(
      peer.messages().map(bytes => [...bytes]),
      [[2], [3], [1]],
    )
  })
})

describe('an idle association', () => {
  it('sends next to nothing', () => {
    const pair = new Pair(4).connect()
    pair.a.association.send(0, 53, Uint8Array.of(1), {}, pair.now)
    pair.run(1_000)
    const before = pair.packets
    pair.run(600_000)
    assert.ok(pair.packets - before <= 4 * 10, `${pair.packets - before} packets in ten minutes`)
    assert.equal(pair.a.association.state, 'established')
  })

  it('notices a peer that has gone, in the end', () => {
    const pair = new Pair(4).connect()
    pair.run(100)
    pair.filter = () => false
    const events: SctpEvent[] = pair.a.events
    pair.run(3_600_000)
    assert.ok(events.some(event => event.type === 'failed' && event.error.code === 'timeout'))
    assert.equal(pair.a.association.pollTimeout(), undefined)
  })

  it('answers a heartbeat with all that was in it, and one that is too large not at all', () => {
    const peer = ScriptedPeer.establish()
    const info = parameter(1, prng(1).bytes(40))
    const [answer] = peer.send(Uint8Array.of(ChunkType.heartbeat, 0, 0, info.length + 4, ...info))
    assert.deepEqual(
      answer?.chunks.map(({ type, value }) => [type, [...value]]),
      [[ChunkType.heartbeatAck, info]],
    )
    const large = new Uint8Array(1_100)
    large.set([ChunkType.heartbeat, 0, 1_100 >> 8, 1_100 & 255])
    assert.deepEqual(peer.send(large), [])
  })

  it('takes no heartbeat for answered by a forgery', () => {
    const peer = ScriptedPeer.establish()
    const [heartbeat] = peer.wait()
    const info = heartbeat?.chunks[0]?.value ?? new Uint8Array(0)
    assert.equal(heartbeat?.chunks[0]?.type, ChunkType.heartbeat)
    const answer = (value: Uint8Array): Uint8Array =>
      Uint8Array.of(ChunkType.heartbeatAck, 0, 0, value.length + 4, ...value)
    assert.deepEqual(peer.deliver(packet(peer.localTag, [answer(info.map(byte => byte ^ 1))])), {
      drop: 'unexpected-chunk',
    })
    peer.now += 30
    assert.deepEqual(peer.deliver(packet(peer.localTag, [answer(info)])), { handled: true })
    assert.equal(peer.association.statistics.roundTripMs, 30)
  })
})

/** A chunk whose length field says how long it is. */
function shortened(chunk: Uint8Array): Uint8Array {
  chunk[3] = chunk.length
  return chunk
}
