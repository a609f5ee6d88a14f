import assert from 'node:assert/strict'

import { receiveBufferBytes } from '../../src/sctp/limits.ts'
import { ChunkType, DataFlag } from '../../src/sctp/protocol.ts'
import { Pair } from './support/pair.ts'
import { chunksOf, ScriptedPeer } from './support/scripted-peer.ts'
import { chunk, data, packet, read, sack, u16, u32, type WirePacket } from './support/wire.ts'

const lastWindow = (packets: readonly WirePacket[]): number => {
  const value = chunksOf(packets, ChunkType.sack).pop()?.value
  assert.ok(value !== undefined, 'there is a SACK')
  return read(value, 4, 4)
}

describe('a closed window of the peer', () => {
  const closed = (): ScriptedPeer => {
    const peer = ScriptedPeer.establish()
    peer.association.send(0, 53, Uint8Array.of(1), {}, peer.now)
    peer.poll()
    peer.send(sack({ cumulative: peer.localTsn, window: 0 }))
    peer.association.send(0, 53, new Uint8Array(3_000), {}, peer.now)
    return peer
  }

  it('is not sent into, but tried after one RTO with a single chunk', () => {
    const peer = closed()
    assert.deepEqual(chunksOf(peer.poll(), ChunkType.data), [])
    const begun = peer.now
    assert.equal(chunksOf(peer.wait(), ChunkType.data).length, 1)
    assert.ok(peer.now - begun >= 200)
  })

  it('is tried for ever, more and more rarely, as long as the peer confirms it', () => {
    const peer = closed()
    peer.poll()
    let tries = 0
    for (let i = 0; i < 120; i++) {
      tries += chunksOf(peer.wait(), ChunkType.data).length
      peer.send(sack({ cumulative: peer.localTsn, window: 0 }))
    }
    assert.ok(tries > 30)
    assert.ok(peer.now > 120_000)
    assert.equal(peer.association.state, 'established')
    // The congestion window shrinks as it does when idle, to four packets, but not to one as after a timeout.
    assert.ok(peer.association.statistics.congestionWindow >= 4 * 1_160)
  })

  it('that opens lets the refused chunk and all others go at once', () => {
    const peer = closed()
    peer.poll()
    peer.wait()
    const sent = chunksOf(peer.send(sack({ cumulative: peer.localTsn, window: 100_000 })), ChunkType.data)
    assert.deepEqual(
      sent.map(({ value }) => (read(value, 0, 4) - peer.localTsn) >>> 0),
      [1, 2, 3],
    )
  })

  it('of a peer that has gone is not tried for ever', () => {
    const peer = closed()
    for (let i = 0; i < 200 && peer.association.state !== 'closed'; i++) peer.wait()
    assert.equal(peer.association.state, 'closed')
  })

  it('is never overrun: no more is in flight than it takes', () => {
    const peer = ScriptedPeer.establish({}, { window: 5_000 })
    peer.association.send(0, 53, new Uint8Array(100_000), {}, peer.now)
    const sent = chunksOf(peer.poll(), ChunkType.data).reduce((sum, { value }) => sum + value.length - 12, 0)
    assert.ok(sent <= 5_000 && sent > 3_000)
    // A window that has only a little room is left alone, rather than filled with crumbs.
    assert.deepEqual(
      chunksOf(peer.send(sack({ cumulative: peer.localTsn, window: sent - 1_144 + 500 })), ChunkType.data),
      [],
    )
  })
})

describe('our own window', () => {
  it('shrinks by what waits, and is told to the peer', () => {
    const peer = ScriptedPeer.establish()
    const fragment = { flags: DataFlag.begin, data: new Uint8Array(1_000) }
    assert.equal(lastWindow(peer.send(data({ tsn: 1_000, ...fragment }))), receiveBufferBytes - 1_000)
  })

  it('counts messages until they are fetched', () => {
    const peer = ScriptedPeer.establish()
    const { association } = peer
    association.receive(packet(peer.localTag, [data({ tsn: 1_000, data: new Uint8Array(1_000) })]), peer.now)
    assert.ok(association.statistics.bytesHeld >= 1_000)
    for (let event = association.pollEvent(); event; event = association.pollEvent());
    assert.equal(association.statistics.bytesHeld, 0)
  })

  it('closes when nobody fetches messages, drops what comes, and opens with a SACK when they are fetched', () => {
    const peer = ScriptedPeer.establish()
    const { association } = peer
    let tsn = 1_000
    let refused = 0
    for (let i = 0; i < 300; i++) {
      const bytes = packet(peer.localTag, [data({ tsn, ssn: i & 0xffff, data: new Uint8Array(10_000) })])
      if ('drop' in association.receive(bytes, peer.now)) refused++
      else tsn++
      association.pollTransmit(peer.now)
    }
    assert.ok(refused > 50)
    assert.equal(association.statistics.drops.get('no-buffer'), refused)
    assert.ok(association.statistics.bytesHeld <= receiveBufferBytes)
    const packets = peer.poll()
    assert.equal(lastWindow(packets), receiveBufferBytes, 'the window is open again')
    assert.equal(peer.messages().length, 300 - refused)
  })

  it('answers a chunk that was dropped at once, without acknowledging it', () => {
    const peer = ScriptedPeer.establish({ maxReceiveMessageSize: 1 << 20 })
    // Fill the buffer with the second half of messages whose first chunk is missing.
    for (let tsn = 1_001; tsn < 1_300; tsn++) {
      peer.deliver(packet(peer.localTag, [data({ tsn, flags: 0, data: new Uint8Array(8_000) })]))
    }
    peer.poll()
    const refused = packet(peer.localTag, [data({ tsn: 1_400, flags: 0, data: new Uint8Array(8_000) })])
    assert.deepEqual(peer.deliver(refused), { drop: 'no-buffer' })
    const [answer] = chunksOf(peer.poll(), ChunkType.sack)
    assert.ok(answer !== undefined)
    assert.equal(read(answer.value, 4, 4), 0)
    assert.ok(read(answer.value, 14, 2) < 400)
  })

  it('takes what fills a gap even so, for all else may wait for it', () => {
    const peer = ScriptedPeer.establish()
    let tsn = 1_001
    for (; peer.association.statistics.bytesHeld < receiveBufferBytes - 9_000; tsn++) {
      peer.deliver(packet(peer.localTag, [data({ tsn, ssn: tsn - 1_000, data: new Uint8Array(8_000) })]))
    }
    const filler = packet(peer.localTag, [data({ tsn: 1_000, ssn: 0, data: new Uint8Array(9_000) })])
    assert.deepEqual(peer.deliver(filler), { handled: true })
    peer.poll()
    assert.equal(peer.messages().length, tsn - 1_000)
  })

  it('bounds what a peer can make us keep, whatever it sends', () => {
    const hostile: readonly [string, (i: number) => Uint8Array][] = [
      ['fragments ahead of a gap', i => data({ tsn: 1_001 + i, flags: 0, data: new Uint8Array(1_000) })],
      ['one-byte fragments ahead of a gap', i => data({ tsn: 1_001 + i, flags: 0 })],
      [
        'messages that wait for another',
        i => data({ tsn: 1_000 + i, ssn: 1 + (i % 30_000), data: new Uint8Array(1_000) }),
      ],
      ['one-byte messages that wait for another', i => data({ tsn: 1_000 + i, ssn: 1 + (i % 30_000) })],
      ['chunks far apart', i => data({ tsn: 1_001 + i * 3, flags: DataFlag.begin, data: new Uint8Array(500) })],
      [
        'messages on ever new streams that wait for another',
        i => data({ tsn: 1_000 + i, streamId: i % 65_535, ssn: 1, data: new Uint8Array(500) }),
      ],
    ]
    for (const [name, make] of hostile) {
      const peer = ScriptedPeer.establish({}, { outboundStreams: 65_535 })
      for (let i = 0; i < 40_000; i++) peer.deliver(packet(peer.localTag, [make(i)]))
      assert.ok(peer.association.statistics.bytesHeld <= receiveBufferBytes + (1 << 20), name)
      peer.poll()
      assert.equal(peer.association.state, 'established', name)
    }
  }).timeout(30_000)

  it('lets a message grow only up to its limit, even in one-byte chunks', () => {
    const peer = ScriptedPeer.establish({ maxReceiveMessageSize: 5_000 })
    for (let i = 0; i <= 5_000; i++)
      peer.deliver(packet(peer.localTag, [data({ tsn: 1_000 + i, flags: i === 0 ? 2 : 0 })]))
    peer.poll()
    assert.ok(peer.events.some(event => event.type === 'failed' && event.error.code === 'message-too-large'))
  })

  it('is large enough for the largest message, alone or not', () => {
    const pair = new Pair(1, { conditions: { delay: 5, loss: 0.01 }, b: { maxReceiveMessageSize: 8 << 20 } }).connect()
    const message = new Uint8Array(8 << 20)
    for (let stream = 0; stream < 3; stream++) pair.a.association.send(stream, 53, message, {}, pair.now)
    pair.run(600_000, () => pair.messages('b').length === 3)
    assert.equal(pair.messages('b').length, 3)
  }).timeout(30_000)
})

describe('a FORWARD TSN', () => {
  it('for ever new streams keeps no more than a little for each', () => {
    const peer = ScriptedPeer.establish({}, { outboundStreams: 65_535 })
    let tsn = 1_000
    for (let stream = 0; stream < 65_535; stream += 250) {
      const skipped = Array.from({ length: 250 }, (_, i) => [...u16(stream + i), ...u16(5)]).flat()
      peer.deliver(packet(peer.localTag, [chunk(ChunkType.forwardTsn, 0, u32(tsn++), skipped)]))
    }
    peer.poll()
    assert.equal(peer.association.statistics.bytesHeld, 0)
    peer.send(data({ tsn, streamId: 60_000, ssn: 6, data: [1] }))
    assert.equal(peer.messages().length, 1)
  })
})
