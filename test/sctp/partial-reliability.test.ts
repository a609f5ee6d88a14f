import assert from 'node:assert/strict'
import { ChunkType, DataFlag } from '../../src/sctp/protocol.ts'
import type { SendOptions } from '../../src/sctp/send-queue.ts'
import { Pair } from './support/pair.ts'
import { chunksOf, ScriptedPeer } from './support/scripted-peer.ts'
import { chunk, data, packet, read, sack, u16, u32, type WirePacket } from './support/wire.ts'

const forwardTsn = (cumulative: number, ...streams: readonly [number, number][]): Uint8Array =>
  chunk(
    ChunkType.forwardTsn,
    0,
    u32(cumulative),
    streams.flatMap(([stream, ssn]) => [...u16(stream), ...u16(ssn)]),
  )

/** FORWARD TSN chunks as [cumulative TSN, stream, SSN, ...]. */
function forwards(packets: readonly WirePacket[]): number[][] {
  return chunksOf(packets, ChunkType.forwardTsn).map(({ value }) => {
    const words = Array.from({ length: (value.length - 4) / 2 }, (_, i) => read(value, 4 + 2 * i, 2))
    return [read(value, 0, 4), ...words]
  })
}

/** An association with a message outstanding, and the network before its packets. */
function sending(options: SendOptions, ...sizes: readonly number[]): [ScriptedPeer, WirePacket[]] {
  const peer = ScriptedPeer.establish()
  for (const size of sizes) peer.association.send(5, 53, new Uint8Array(size), options, peer.now)
  return [peer, peer.poll()]
}

/** Waits until T3-rtx expires, past other timers. */
function timeout(peer: ScriptedPeer): WirePacket[] {
  const before = peer.association.statistics.timeouts
  const packets: WirePacket[] = []
  while (peer.association.statistics.timeouts === before) packets.push(...peer.wait())
  return packets
}

describe('a message with a limit of retransmissions', () => {
  it('is not sent again if the limit is 0, and the peer is told to go on', () => {
    const [peer] = sending({ maxRetransmits: 0 }, 100)
    const packets = timeout(peer)
    assert.equal(chunksOf(packets, ChunkType.data).length, 0)
    assert.deepEqual(forwards(packets), [[peer.localTsn, 5, 0]])
    assert.equal(peer.association.statistics.bytesInFlight, 0)
    assert.equal(peer.association.statistics.abandonedMessages, 1)
  })

  it('is sent again as often as the limit allows, by whatever means', () => {
    for (const maxRetransmits of [1, 2, 3]) {
      const [peer] = sending({ maxRetransmits }, 100)
      const packets: WirePacket[] = []
      while (peer.association.statistics.abandonedMessages === 0) packets.push(...peer.wait())
      assert.equal(chunksOf(packets, ChunkType.data).length, maxRetransmits)
    }
  })

  it('is given up by a gap report as well, with what that means for the congestion window', () => {
    const [peer] = sending({ maxRetransmits: 0 }, ...new Array<number>(5).fill(1_100))
    const before = peer.association.statistics.congestionWindow
    const answers = peer.send(sack({ cumulative: (peer.localTsn - 1) >>> 0, gaps: [[2, 5]] }))
    assert.deepEqual(forwards(answers), [[peer.localTsn, 5, 0]])
    assert.ok(peer.association.statistics.congestionWindow < before)
    assert.equal(chunksOf(answers, ChunkType.data).length, 0)
  })

  it('is reliable if the peer does not know FORWARD TSN', () => {
    const peer = ScriptedPeer.establish({}, { parameters: [] })
    peer.association.send(5, 53, new Uint8Array(100), { maxRetransmits: 0 }, peer.now)
    peer.poll()
    const packets = timeout(peer)
    assert.ok(chunksOf(packets, ChunkType.data).length > 0)
    assert.deepEqual(forwards(packets), [])
  })

  it('is given up whole, with chunks that had arrived and with those not yet sent', () => {
    const [peer, first] = sending({ maxRetransmits: 0 }, 100_000, 10)
    const sent = chunksOf(first, ChunkType.data).length
    assert.ok(sent >= 10 && peer.association.bufferedAmount(5) > 50_000)
    // All but the second chunk arrive.
    const answers = peer.send(sack({ cumulative: peer.localTsn, gaps: [[2, sent - 1]] }))
    // One TSN more than was sent stands for the rest of the message.
    assert.deepEqual(forwards(answers), [[(peer.localTsn + sent) >>> 0, 5, 0]])
    assert.equal(peer.association.bufferedAmount(5), 0)
    // The next message goes on behind it.
    const next = chunksOf([...answers, ...peer.poll()], ChunkType.data)
    assert.deepEqual(
      next.map(({ value }) => [read(value, 0, 4), read(value, 6, 2)]),
      [[(peer.localTsn + sent + 1) >>> 0, 1]],
    )
  })
})

describe('a message with a life time', () => {
  it('that expires before it is begun costs no TSN', () => {
    const peer = ScriptedPeer.establish()
    peer.association.send(5, 53, new Uint8Array(100_000), {}, peer.now)
    peer.association.send(5, 53, Uint8Array.of(1), { maxPacketLifeTimeMs: 50 }, peer.now)
    peer.association.send(5, 53, Uint8Array.of(2), {}, peer.now)
    let sent = chunksOf(peer.poll(), ChunkType.data).length
    peer.now += 60
    const received: number[] = []
    for (let turn = 0; turn < 20; turn++) {
      const chunks = chunksOf(peer.send(sack({ cumulative: (peer.localTsn + sent - 1) >>> 0 })), ChunkType.data)
      sent += chunks.length
      received.push(...chunks.filter(({ value }) => value.length === 13).map(({ value }) => value[12] ?? 0))
    }
    assert.deepEqual(received, [2])
    assert.equal(peer.association.bufferedAmount(5), 0)
    assert.equal(peer.association.statistics.abandonedMessages, 0)
  })

  it('is sent again while it lives, and not after', () => {
    const [peer] = sending({ maxPacketLifeTimeMs: 1_500 }, 100)
    assert.ok(chunksOf(timeout(peer), ChunkType.data).length > 0)
    peer.now += 1_000
    const packets = timeout(peer)
    assert.equal(chunksOf(packets, ChunkType.data).length, 0)
    assert.deepEqual(forwards(packets), [[peer.localTsn, 5, 0]])
  })

  it('that expires while it is being sent is given up with the rest', () => {
    const [peer, first] = sending({ maxPacketLifeTimeMs: 100 }, 100_000)
    const sent = chunksOf(first, ChunkType.data).length
    peer.now += 101
    const answers = peer.send(sack({ cumulative: (peer.localTsn + sent - 1) >>> 0 }))
    assert.equal(chunksOf(answers, ChunkType.data).length, 0)
    assert.deepEqual(forwards(answers), [[(peer.localTsn + sent) >>> 0, 5, 0]])
    assert.equal(peer.association.bufferedAmount(5), 0)
  })
})

describe('a FORWARD TSN that is sent', () => {
  it('names the largest number of each stream once, and no unordered message', () => {
    const peer = ScriptedPeer.establish()
    const limited = { maxRetransmits: 0 }
    for (const stream of [1, 2, 1]) peer.association.send(stream, 53, new Uint8Array(10), limited, peer.now)
    peer.association.send(3, 53, new Uint8Array(10), { ...limited, ordered: false }, peer.now)
    peer.poll()
    assert.deepEqual(forwards(timeout(peer)), [[(peer.localTsn + 3) >>> 0, 1, 1, 2, 0]])
  })

  it('does not pass over a chunk that is still to arrive', () => {
    const peer = ScriptedPeer.establish()
    peer.association.send(1, 53, new Uint8Array(10), { maxRetransmits: 0 }, peer.now)
    peer.association.send(1, 53, new Uint8Array(10), {}, peer.now)
    peer.association.send(1, 53, new Uint8Array(10), { maxRetransmits: 0 }, peer.now)
    peer.poll()
    assert.deepEqual(forwards(timeout(peer)), [[peer.localTsn, 1, 0]])
  })

  it('is repeated until the peer has moved', () => {
    const [peer] = sending({ maxRetransmits: 0 }, 100)
    timeout(peer)
    assert.deepEqual(forwards(timeout(peer)), [[peer.localTsn, 5, 0]])
    assert.deepEqual(forwards(peer.send(sack({ cumulative: peer.localTsn }))), [])
    assert.equal(peer.association.statistics.outstandingChunks, 0)
  })

  it('reaches only as far as its streams fit into a packet', () => {
    const peer = ScriptedPeer.establish({ packetSize: 256 }, { window: 1 << 20 })
    for (let stream = 0; stream < 100; stream++) {
      peer.association.send(stream, 53, Uint8Array.of(1), { maxRetransmits: 0 }, peer.now)
    }
    peer.poll()
    const first = forwards(timeout(peer))[0] ?? []
    const streams = (first.length - 1) / 2
    assert.ok(streams >= 50 && streams <= 60)
    assert.equal(first[0], (peer.localTsn + streams - 1) >>> 0)
    const second = forwards(peer.send(sack({ cumulative: first[0] ?? 0 })))[0] ?? []
    assert.equal(second[0], (peer.localTsn + 99) >>> 0)
  })
})

describe('a FORWARD TSN that is received', () => {
  it('moves the cumulative TSN, and over what had arrived beyond it (the example of RFC 3758 §3.6)', () => {
    const peer = ScriptedPeer.establish({}, { initialTsn: 102 })
    peer.send(...[102, 104, 105, 107].map(tsn => data({ tsn, flags: 7 })))
    const [answer] = chunksOf([...peer.send(forwardTsn(103)), ...peer.wait()], ChunkType.sack)
    assert.equal(read(answer?.value ?? new Uint8Array(4), 0, 4), 105)
    assert.deepEqual([...(answer?.value.subarray(8) ?? [])], [0, 1, 0, 0, 0, 2, 0, 2])
  })

  it('releases messages that wait for the ones given up', () => {
    const peer = ScriptedPeer.establish()
    peer.send(
      data({ tsn: 1_001, ssn: 1, data: [1] }),
      data({ tsn: 1_003, ssn: 3, data: [3] }),
      data({ tsn: 1_004, ssn: 4, data: [4] }),
    )
    assert.deepEqual(peer.messages(), [])
    peer.send(forwardTsn(1_000, [0, 0]))
    assert.deepEqual(
      peer.messages().map(bytes => bytes[0]),
      [1],
    )
    peer.send(forwardTsn(1_002, [0, 2]))
    assert.deepEqual(
      peer.messages().map(bytes => bytes[0]),
      [1, 3, 4],
    )
    assert.equal(peer.association.statistics.bytesHeld, 0)
  })

  it('drops a message that lacks a chunk for good', () => {
    const peer = ScriptedPeer.establish()
    peer.send(data({ tsn: 1_000, flags: DataFlag.begin, ssn: 0 }), data({ tsn: 1_002, flags: 0, ssn: 0 }))
    peer.send(forwardTsn(1_003, [0, 0]))
    assert.equal(peer.association.statistics.bytesHeld, 0)
    peer.send(data({ tsn: 1_004, ssn: 1, data: [1] }))
    assert.deepEqual(
      peer.messages().map(bytes => bytes[0]),
      [1],
    )
  })

  it('that is out of date is answered with a SACK and changes nothing', () => {
    const peer = ScriptedPeer.establish()
    peer.send(data({ tsn: 1_000 }))
    for (const tsn of [1_000, 999, (1_000 + 0x8000_0000) >>> 0]) {
      const [answer] = chunksOf(peer.send(forwardTsn(tsn, [0, 500])), ChunkType.sack)
      assert.equal(read(answer?.value ?? new Uint8Array(4), 0, 4), 1_000)
    }
    peer.send(data({ tsn: 1_001, ssn: 1, data: [9] }))
    assert.deepEqual(
      peer.messages().map(bytes => bytes[0]),
      [1, 9],
    )
  })

  it('may leap almost half of all TSNs in an instant', () => {
    const peer = ScriptedPeer.establish()
    peer.send(data({ tsn: 1_005, flags: DataFlag.begin }), data({ tsn: 30_000, flags: 7 }))
    const started = performance.now()
    peer.send(forwardTsn(999 + 0x7fff_ffff))
    assert.ok(performance.now() - started < 100)
    peer.send(data({ tsn: (1_000 + 0x7fff_ffff) >>> 0, data: [4] }))
    assert.equal(peer.messages().pop()?.[0], 4)
    assert.equal(peer.association.statistics.bytesHeld, 0)
  })

  it('shorter than its TSN is malformed', () => {
    const peer = ScriptedPeer.establish()
    assert.deepEqual(peer.deliver(packet(peer.localTag, [chunk(ChunkType.forwardTsn, 0, [1, 2])])), {
      drop: 'malformed',
    })
  })
})

describe('partial reliability over a lossy network', () => {
  const modes: readonly [string, SendOptions][] = [
    ['without retransmission, unordered', { ordered: false, maxRetransmits: 0 }],
    ['without retransmission, ordered', { maxRetransmits: 0 }],
    ['with two retransmissions, ordered', { maxRetransmits: 2 }],
    ['with a life time of 60 ms, unordered', { ordered: false, maxPacketLifeTimeMs: 60 }],
    ['with a life time of 60 ms, ordered', { maxPacketLifeTimeMs: 60 }],
  ]
  for (const [name, options] of modes) {
    it(`${name}, delivers no message twice or out of order, and goes on afterwards`, () => {
      for (let seed = 0; seed < 60; seed++) {
        const conditions = { loss: 0.15, duplicate: 0.05, delay: 8, jitter: 6 }
        const pair = new Pair(seed, { conditions }).connect()
        const sizes = Array.from({ length: 40 }, () => 4 + (pair.random.next() % 4_000))
        for (const [i, size] of sizes.entries()) {
          const message = new Uint8Array(size)
          new DataView(message.buffer).setUint32(0, i)
          pair.a.association.send(i % 3, 53, message, options, pair.now)
          pair.run(pair.random.next() % 10)
        }
        pair.run(3_000)
        pair.conditions = {}
        for (let stream = 0; stream < 3; stream++)
          pair.a.association.send(stream, 51, Uint8Array.of(0xff), {}, pair.now)
        pair.run(60_000, () => pair.messages('b').filter(({ ppid }) => ppid === 51).length === 3)
        pair.run(1_000)
        const received = pair.messages('b').filter(({ ppid }) => ppid === 53)
        const ids = received.map(event => read(event.data, 0, 4))
        assert.equal(new Set(ids).size, ids.length, `seed ${seed}: twice`)
        for (const [i, event] of received.entries()) assert.equal(event.data.length, sizes[ids[i] ?? 0], `seed ${seed}`)
        if (options.ordered !== false) {
          for (let stream = 0; stream < 3; stream++) {
            const own = ids.filter(id => id % 3 === stream)
            assert.deepEqual(
              own,
              [...own].sort((x, y) => x - y),
              `seed ${seed}: order`,
            )
          }
        }
        assert.ok(received.length > 10, `seed ${seed}: ${received.length} of 40 arrived`)
        assert.equal(pair.messages('b').length - received.length, 3, `seed ${seed}: the last ones`)
        assert.equal(pair.b.association.statistics.bytesHeld, 0, `seed ${seed}: held`)
        assert.equal(pair.a.association.statistics.outstandingChunks, 0, `seed ${seed}: outstanding`)
      }
    })
  }
})
