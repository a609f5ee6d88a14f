import assert from 'node:assert/strict'

import { ChunkReader } from '../../src/sctp/packet.ts'
import { GapBlocks, Sack } from '../../src/sctp/sack.ts'
import { prng } from '../support/prng.ts'
import { chunksOf, ScriptedPeer } from './support/scripted-peer.ts'
import { chunk, data, packet, sack, u16, u32 } from './support/wire.ts'

const window = u32(2 * 1024 * 1024)

describe('a SACK that is sent', () => {
  it('is, for the chunks of RFC 9260 §3.3.4, the one that is drawn there', () => {
    const peer = ScriptedPeer.establish({}, { initialTsn: 10 })
    const sacks = chunksOf(peer.send(...[10, 11, 12, 14, 15, 17].map(tsn => data({ tsn, flags: 7 }))), 3)
    assert.equal(sacks.length, 1)
    assert.deepEqual([...(sacks[0]?.value ?? [])], [...u32(12), ...window, 0, 2, 0, 0, 0, 2, 0, 3, 0, 5, 0, 5])
  })

  it('lists a duplicate as often as it came, and only once', () => {
    const peer = ScriptedPeer.establish({}, { initialTsn: 19 })
    peer.send(data({ tsn: 19 }))
    peer.deliver(packet(peer.localTag, [data({ tsn: 19 })]))
    const [first] = chunksOf(peer.send(data({ tsn: 19 })), 3)
    assert.deepEqual([...(first?.value ?? [])], [...u32(19), ...window, 0, 0, 0, 2, ...u32(19), ...u32(19)])
    const [second] = chunksOf(peer.send(data({ tsn: 19 })), 3)
    assert.deepEqual([...(second?.value.subarray(8) ?? [])], [0, 0, 0, 1, ...u32(19)])
  })

  it('counts gaps over the end of the numbers', () => {
    const peer = ScriptedPeer.establish({}, { initialTsn: 0xffff_fffe })
    const [first] = chunksOf(
      peer.send(data({ tsn: 0xffff_fffe }), data({ tsn: 1, flags: 7 }), data({ tsn: 2, flags: 7 })),
      3,
    )
    assert.deepEqual([...(first?.value ?? [])], [...u32(0xffff_fffe), ...window, 0, 1, 0, 0, 0, 3, 0, 4])
  })

  it('reports the lowest gaps if there are more than fit into a packet', () => {
    const peer = ScriptedPeer.establish({ packetSize: 256 }, { initialTsn: 1 })
    for (let tsn = 3; tsn < 400; tsn += 2) peer.deliver(packet(peer.localTag, [data({ tsn, flags: 7 })]))
    const packets = peer.poll()
    const last = chunksOf(packets, 3).pop()
    assert.ok(last !== undefined)
    const blocks = new DataView(last.value.buffer).getUint16(8)
    assert.ok(blocks > 3 && last.value.length === 12 + 4 * blocks)
    assert.deepEqual([...last.value.subarray(12, 20)], [...u16(3), ...u16(3), ...u16(5), ...u16(5)])
    for (const { chunks } of packets) {
      assert.ok(chunks.reduce((sum, { value }) => sum + 4 + value.length, 12) <= 256)
    }
  })

  it('answers each packet behind a gap, so that senders can count to three', () => {
    const peer = ScriptedPeer.establish({}, { initialTsn: 1 })
    peer.send(data({ tsn: 1 }))
    // All of them arrive within one turn, before the association is asked for packets.
    for (const tsn of [3, 4, 5]) peer.deliver(packet(peer.localTag, [data({ tsn, flags: 7 })]))
    const packets = peer.poll()
    assert.equal(packets.length, 1)
    const ends = chunksOf(packets, 3).map(({ value }) => new DataView(value.buffer).getUint16(14))
    assert.deepEqual(ends, [2, 3, 4])
  })
})

describe('when a SACK is sent', () => {
  it('the first DATA chunk is acknowledged at once', () => {
    const peer = ScriptedPeer.establish()
    assert.equal(chunksOf(peer.send(data({ tsn: 1_000 })), 3).length, 1)
  })

  it('a lone packet is acknowledged after the delay', () => {
    const peer = ScriptedPeer.establish()
    peer.send(data({ tsn: 1_000 }))
    assert.equal(peer.send(data({ tsn: 1_001, ssn: 1 })).length, 0)
    assert.equal(chunksOf(peer.wait(), 3).length, 1)
    assert.equal(peer.now, 1_020)
  })

  it('every second packet is acknowledged at first', () => {
    const peer = ScriptedPeer.establish()
    peer.send(data({ tsn: 1_000 }))
    const counts = [1, 2, 3, 4].map(i => chunksOf(peer.send(data({ tsn: 1_000 + i, ssn: i })), 3).length)
    assert.deepEqual(counts, [0, 1, 0, 1])
  })

  it('every eighth packet is acknowledged once a long transfer goes well', () => {
    const peer = ScriptedPeer.establish()
    for (let i = 0; i < 600; i++) peer.send(data({ tsn: 1_000 + i, flags: 7 }))
    let sacks = 0
    for (let i = 600; i < 680; i++) sacks += chunksOf(peer.send(data({ tsn: 1_000 + i, flags: 7 })), 3).length
    assert.equal(sacks, 10)
  })

  it('the I bit is obeyed at once', () => {
    const peer = ScriptedPeer.establish()
    assert.equal(chunksOf(peer.send(data({ tsn: 1_000, flags: 3 | 8 })), 3).length, 1)
  })

  it('one SACK stands for all packets of a turn', () => {
    const peer = ScriptedPeer.establish()
    for (let i = 0; i < 32; i++) peer.deliver(packet(peer.localTag, [data({ tsn: 1_000 + i, ssn: i })]))
    assert.equal(chunksOf(peer.poll(), 3).length, 1)
  })

  it('it goes along with DATA', () => {
    const peer = ScriptedPeer.establish()
    peer.deliver(packet(peer.localTag, [data({ tsn: 1_000 })]))
    peer.association.send(0, 53, Uint8Array.of(1), {}, peer.now)
    const [first] = peer.poll()
    assert.deepEqual(
      first?.chunks.map(({ type }) => type),
      [3, 0],
    )
  })
})

describe('a SACK that is received', () => {
  const faults: readonly [string, Uint8Array][] = [
    ['is shorter than its fixed part', chunk(3, 0, [0, 0, 0, 0])],
    ['counts more gap blocks than it has', chunk(3, 0, u32(0), u32(0), u16(0xffff), u16(0))],
    ['counts more duplicates than it has', chunk(3, 0, u32(0), u32(0), u16(0), u16(0xffff))],
    ['has a gap block that ends before it starts', sack({ cumulative: 0, gaps: [[3, 2]] })],
    ['has a gap block that starts with the cumulative TSN', sack({ cumulative: 0, gaps: [[0, 2]] })],
  ]
  for (const [name, bytes] of faults) {
    it(`is malformed if it ${name}`, () => {
      const reader = new ChunkReader(packet(1, [bytes]))
      assert.ok(reader.next())
      assert.equal(new Sack().read(reader), false)
      assert.deepEqual(ScriptedPeer.establish().deliver(packet(0, [bytes])), { drop: 'bad-tag' })
      const peer = ScriptedPeer.establish()
      assert.deepEqual(peer.deliver(packet(peer.localTag, [bytes])), { drop: 'malformed' })
    })
  }

  it('is refused if it acknowledges what was never sent', () => {
    const peer = ScriptedPeer.establish()
    peer.association.send(0, 53, new Uint8Array(10), {}, peer.now)
    peer.poll()
    const before = (peer.localTsn - 1) >>> 0
    const bad = { drop: 'bad-sack' }
    assert.deepEqual(peer.deliver(packet(peer.localTag, [sack({ cumulative: (peer.localTsn + 1) >>> 0 })])), bad)
    assert.deepEqual(peer.deliver(packet(peer.localTag, [sack({ cumulative: before, gaps: [[2, 2]] })])), bad)
    assert.deepEqual(peer.deliver(packet(peer.localTag, [sack({ cumulative: before, gaps: [[1, 65_535]] })])), bad)
    assert.equal(peer.association.statistics.outstandingChunks, 1)
    assert.deepEqual(peer.deliver(packet(peer.localTag, [sack({ cumulative: peer.localTsn })])), { handled: true })
    assert.equal(peer.association.statistics.outstandingChunks, 0)
  })

  it('is dropped if it is older than one before', () => {
    const peer = ScriptedPeer.establish()
    peer.association.send(0, 53, new Uint8Array(10), {}, peer.now)
    peer.poll()
    peer.send(sack({ cumulative: peer.localTsn }))
    const old = packet(peer.localTag, [sack({ cumulative: (peer.localTsn - 1) >>> 0 })])
    assert.deepEqual(peer.deliver(old), { drop: 'old-sack' })
  })

  it('is read with blocks that overlap or come in the wrong order, without harm', () => {
    const reader = new ChunkReader(
      packet(1, [
        sack({
          cumulative: 0,
          gaps: [
            [2, 5],
            [4, 8],
            [3, 3],
            [10, 10],
          ],
        }),
      ]),
    )
    assert.ok(reader.next())
    const read = new Sack()
    assert.ok(read.read(reader))
    const { blocks } = read
    const seen = Array.from({ length: blocks.count }, (_, i) => [blocks.start(i), blocks.end(i)])
    assert.deepEqual(seen, [
      [1, 4],
      [5, 7],
      [9, 9],
    ])
  })
})

describe('the difference of gap blocks', () => {
  it('is what the first have and the others have not', () => {
    const random = prng(5)
    for (let i = 0; i < 2_000; i++) {
      const [first, others] = [randomBlocks(random), randomBlocks(random)]
      const shift = random.next() % 3 === 0 ? random.next() % 20 : 0
      const expected = new Set([...first.places].filter(place => !others.places.has(place + shift)))
      others.blocks.shift(shift)
      const seen = new Set<number>()
      first.blocks.beyond(others.blocks, (from, to) => {
        for (let place = from; place <= to; place++) seen.add(place)
      })
      assert.deepEqual(seen, expected)
    }
  })
})

function randomBlocks(random: { next(): number }): { blocks: GapBlocks; places: Set<number> } {
  const blocks = new GapBlocks()
  const places = new Set<number>()
  let at = random.next() % 4
  for (let count = random.next() % 6; count > 0; count--) {
    const end = at + (random.next() % 5)
    blocks.add(at, end)
    for (let place = at; place <= end; place++) places.add(place)
    at = end + 1 + (random.next() % 4)
  }
  return { blocks, places }
}
