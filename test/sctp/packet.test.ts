import assert from 'node:assert/strict'

import { maxPendingReplies } from '../../src/sctp/limits.ts'
import { ChunkType } from '../../src/sctp/protocol.ts'
import { chunksOf, initValue, peerTag, ScriptedPeer } from './support/scripted-peer.ts'
import { chunk, data, packet, parameter, sack, u32 } from './support/wire.ts'

describe('a packet', () => {
  const bad: readonly [string, (peer: ScriptedPeer) => Uint8Array, string][] = [
    ['shorter than a header and a chunk', () => new Uint8Array(15), 'malformed'],
    ['for another port', peer => packet(peer.localTag, [data({ tsn: 1_000 })], [5000, 5001]), 'wrong-port'],
    ['from another port', peer => packet(peer.localTag, [data({ tsn: 1_000 })], [5001, 5000]), 'wrong-port'],
    ['with a wrong tag', peer => packet(peer.localTag + 1, [data({ tsn: 1_000 })]), 'bad-tag'],
    ['with the tag of the other direction', () => packet(peerTag, [data({ tsn: 1_000 })]), 'bad-tag'],
    ['with a chunk of length zero', peer => packet(peer.localTag, [Uint8Array.of(0, 3, 0, 0)]), 'malformed'],
    ['with a chunk of length three', peer => packet(peer.localTag, [Uint8Array.of(0, 3, 0, 3)]), 'malformed'],
    [
      'with a chunk beyond its end',
      peer => packet(peer.localTag, [Uint8Array.of(0, 3, 0, 200, 0, 0, 0, 0)]),
      'malformed',
    ],
  ]
  for (const [name, make, reason] of bad) {
    it(`${name} is dropped as ${reason}`, () => {
      const peer = ScriptedPeer.establish()
      assert.deepEqual(peer.deliver(make(peer)), { drop: reason })
      assert.deepEqual(peer.poll(), [])
      assert.deepEqual(peer.messages(), [])
    })
  }

  it('with a wrong checksum is dropped', () => {
    const peer = ScriptedPeer.establish()
    const bytes = packet(peer.localTag, [data({ tsn: 1_000 })])
    bytes[20] = 9
    assert.deepEqual(peer.deliver(bytes), { drop: 'bad-checksum' })
  })

  it('with an INIT, an INIT ACK or a SHUTDOWN COMPLETE among other chunks has these ignored', () => {
    const peer = ScriptedPeer.establish()
    const init = chunk(ChunkType.init, 0, initValue({ tag: 99 }))
    assert.deepEqual(
      peer.send(data({ tsn: 1_000 }), init).flatMap(({ chunks }) => chunks.map(({ type }) => type)),
      [3],
    )
    peer.send(chunk(ChunkType.shutdown, 0, u32((peer.localTsn - 1) >>> 0)))
    peer.send(chunk(ChunkType.heartbeat, 0), chunk(ChunkType.shutdownComplete, 0))
    assert.equal(peer.association.state, 'shutdown-ack-sent')
  })

  it('with the tag of the other direction gets nothing in behind an ABORT or SHUTDOWN COMPLETE', () => {
    const malformedAbort = chunk(ChunkType.abort, 1, [0, 12, 0, 200])
    for (const first of [malformedAbort, chunk(ChunkType.shutdownComplete, 1)]) {
      const peer = ScriptedPeer.establish()
      peer.exchange(peerTag, first, data({ tsn: 1_000 }))
      assert.deepEqual(peer.messages(), [])
    }
  })

  it('with our own tag has an ABORT with the T bit ignored', () => {
    const peer = ScriptedPeer.establish()
    peer.send(data({ tsn: 1_000 }), chunk(ChunkType.abort, 1))
    assert.equal(peer.association.state, 'established')
  })

  it('is handled up to the chunk at which it is cut off', () => {
    const peer = ScriptedPeer.establish()
    const bytes = packet(peer.localTag, [data({ tsn: 1_000 }), Uint8Array.of(0, 3, 0, 0), data({ tsn: 1_001 })])
    assert.deepEqual(peer.deliver(bytes), { drop: 'malformed' })
    peer.poll()
    assert.equal(peer.messages().length, 1)
  })

  const unrecognized: readonly [number, boolean, boolean][] = [
    [0x3e, false, false],
    [0x7e, true, false],
    [0xbe, false, true],
    [0xfe, true, true],
  ]
  for (const [type, reported, skipped] of unrecognized) {
    it(`with chunk type 0x${type.toString(16)} is ${skipped ? 'read on' : 'not read on'} and the chunk ${reported ? '' : 'not '}reported`, () => {
      const peer = ScriptedPeer.establish()
      const answers = peer.send(chunk(type, 0, [1, 2, 3]), data({ tsn: 1_000, flags: 11 }))
      const errors = chunksOf(answers, ChunkType.error).map(({ value }) => [...value])
      assert.deepEqual(errors, reported ? [[...parameter(6, [type, 0, 0, 7, 1, 2, 3])]] : [])
      assert.equal(peer.messages().length, skipped ? 1 : 0)
    })
  }

  it('in a flood of unrecognized chunks is reported only in part', () => {
    const peer = ScriptedPeer.establish()
    const chunks = Array.from({ length: 200 }, () => chunk(0xfe, 0))
    for (let i = 0; i < 100; i++) peer.deliver(packet(peer.localTag, chunks))
    assert.ok(chunksOf(peer.poll(), ChunkType.error).length <= 8)
  })
})

describe('a packet out of the blue', () => {
  it('is answered with an ABORT that reflects its tag', () => {
    const peer = new ScriptedPeer()
    const [answer] = peer.exchange(77, sack({ cumulative: 1 }))
    assert.equal(answer?.tag, 77)
    assert.deepEqual(
      answer?.chunks.map(({ type, flags }) => [type, flags]),
      [[ChunkType.abort, 1]],
    )
  })

  it('with a SHUTDOWN ACK is answered with a SHUTDOWN COMPLETE that reflects its tag', () => {
    const peer = new ScriptedPeer()
    const [answer] = peer.exchange(77, chunk(ChunkType.shutdownAck, 0))
    assert.equal(answer?.tag, 77)
    assert.deepEqual(
      answer?.chunks.map(({ type, flags }) => [type, flags]),
      [[ChunkType.shutdownComplete, 1]],
    )
  })

  for (const type of [ChunkType.abort, ChunkType.shutdownComplete, ChunkType.cookieAck, ChunkType.error]) {
    it(`with a chunk of type ${type} is not answered`, () => {
      const peer = new ScriptedPeer()
      assert.deepEqual(peer.exchange(77, sack({ cumulative: 1 }), chunk(type, 0)), [])
    })
  }

  it('in a flood is answered only in part', () => {
    const peer = new ScriptedPeer()
    for (let i = 0; i < 1_000; i++) peer.deliver(packet(77, [data({ tsn: i })]))
    assert.equal(peer.poll().length, maxPendingReplies)
  })

  it('a SHUTDOWN ACK while connecting is answered, and the attempt goes on', () => {
    const peer = new ScriptedPeer()
    peer.association.connect(peer.now)
    peer.poll()
    const [answer] = peer.exchange(77, chunk(ChunkType.shutdownAck, 0))
    assert.equal(answer?.chunks[0]?.type, ChunkType.shutdownComplete)
    assert.equal(peer.association.state, 'cookie-wait')
  })
})
