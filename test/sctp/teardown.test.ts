import assert from 'node:assert/strict'

import { CauseCode, ChunkType } from '../../src/sctp/protocol.ts'
import { Pair } from './support/pair.ts'
import { chunksOf, initValue, peerTag, ScriptedPeer } from './support/scripted-peer.ts'
import { chunk, data, packet, parameter, read, sack, u32 } from './support/wire.ts'

const shutdown = (cumulative: number): Uint8Array => chunk(ChunkType.shutdown, 0, u32(cumulative))

describe('a shutdown', () => {
  it('delivers everything first, and closes both ends', () => {
    const pair = new Pair(1, { conditions: { delay: 10 } }).connect()
    for (const side of ['a', 'b'] as const)
      pair.end(side).association.send(0, 53, new Uint8Array(200_000), {}, pair.now)
    pair.a.association.shutdown(pair.now)
    assert.equal(pair.a.association.send(0, 53, Uint8Array.of(1), {}, pair.now), false)
    pair.run(10_000)
    for (const { association, events } of [pair.a, pair.b]) {
      assert.equal(association.state, 'closed')
      assert.equal(events.pop()?.type, 'closed')
      assert.equal(association.pollTimeout(), undefined)
    }
    assert.deepEqual([pair.messages('a').length, pair.messages('b').length], [1, 1])
  })

  it('works when both ends begin it, and over a lossy network', () => {
    for (let seed = 0; seed < 100; seed++) {
      const pair = new Pair(seed, { conditions: { delay: 10, jitter: 5, loss: 0.15 } }).connect()
      for (const side of ['a', 'b'] as const)
        pair.end(side).association.send(0, 53, new Uint8Array(5_000), {}, pair.now)
      pair.a.association.shutdown(pair.now)
      if (seed & 1) pair.b.association.shutdown(pair.now)
      pair.run(200_000)
      for (const side of ['a', 'b'] as const) {
        const { association, events } = pair.end(side)
        assert.equal(association.state, 'closed', `seed ${seed}`)
        // The very last packet may be lost for good: then the other end has nobody left to answer it but an ABORT.
        const last = events.filter(event => event.type === 'closed' || event.type === 'failed')
        assert.equal(last.length, 1, `seed ${seed}`)
        assert.equal(pair.messages(side).length, 1, `seed ${seed}`)
      }
    }
  })

  it('waits for messages that wait for a reset', () => {
    const pair = new Pair(3, { conditions: { delay: 10 } }).connect()
    pair.a.association.send(0, 53, Uint8Array.of(1), {}, pair.now)
    pair.a.association.resetStream(0, pair.now)
    pair.a.association.send(0, 53, Uint8Array.of(2), {}, pair.now)
    pair.a.association.shutdown(pair.now)
    pair.run(10_000)
    assert.deepEqual(
      pair.messages('b').map(({ data: bytes }) => bytes[0]),
      [1, 2],
    )
    assert.equal(pair.b.association.state, 'closed')
  })

  it('that the peer begins waits for our own data', () => {
    const peer = ScriptedPeer.establish()
    peer.association.send(0, 53, new Uint8Array(2_000), {}, peer.now)
    peer.poll()
    assert.deepEqual(chunksOf(peer.send(shutdown((peer.localTsn - 1) >>> 0)), ChunkType.shutdownAck), [])
    assert.equal(peer.association.state, 'shutdown-received')
    const answers = peer.send(sack({ cumulative: (peer.localTsn + 1) >>> 0 }))
    assert.equal(chunksOf(answers, ChunkType.shutdownAck).length, 1)
    assert.equal(peer.association.state, 'shutdown-ack-sent')
    assert.equal(chunksOf(peer.wait(), ChunkType.shutdownAck).length, 1, 'T2 sends it again')
    peer.send(chunk(ChunkType.shutdownComplete, 0))
    assert.equal(peer.events.pop()?.type, 'closed')
  })

  it('chunk acknowledges data by its cumulative TSN, and takes back no gap report', () => {
    const peer = ScriptedPeer.establish()
    for (let i = 0; i < 4; i++) peer.association.send(0, 53, new Uint8Array(1_144), {}, peer.now)
    peer.poll()
    peer.send(sack({ cumulative: (peer.localTsn - 1) >>> 0, gaps: [[3, 3]] }))
    const inFlight = peer.association.statistics.bytesInFlight
    peer.send(shutdown(peer.localTsn))
    assert.equal(peer.association.statistics.outstandingChunks, 3)
    assert.equal(peer.association.statistics.bytesInFlight, inFlight - 1_160)
  })

  it('chunk that acknowledges what was never sent is refused', () => {
    const peer = ScriptedPeer.establish()
    assert.deepEqual(peer.deliver(packet(peer.localTag, [shutdown((peer.localTsn + 5) >>> 0)])), { drop: 'bad-sack' })
    assert.equal(peer.association.state, 'established')
  })

  it('in SHUTDOWN-SENT answers DATA with another SHUTDOWN and a SACK', () => {
    const peer = ScriptedPeer.establish()
    peer.association.shutdown(peer.now)
    const [first] = chunksOf(peer.poll(), ChunkType.shutdown)
    assert.deepEqual([...(first?.value ?? [])], u32(999))
    const [answer] = peer.send(data({ tsn: 1_000 }), data({ tsn: 1_002, flags: 7 }))
    assert.deepEqual(
      answer?.chunks.map(({ type }) => type),
      [ChunkType.sack, ChunkType.shutdown],
    )
    assert.equal(read(answer?.chunks[1]?.value ?? new Uint8Array(4), 0, 4), 1_000)
    assert.equal(peer.messages().length, 2)
    const [complete] = peer.send(chunk(ChunkType.shutdownAck, 0))
    assert.deepEqual(
      complete?.chunks.map(({ type, flags }) => [type, flags]),
      [[ChunkType.shutdownComplete, 0]],
    )
    assert.equal(complete?.tag, peerTag)
    assert.equal(peer.association.state, 'closed')
  })

  it('that crosses another ends all the same', () => {
    const peer = ScriptedPeer.establish()
    peer.association.shutdown(peer.now)
    peer.poll()
    assert.equal(chunksOf(peer.send(shutdown((peer.localTsn - 1) >>> 0)), ChunkType.shutdownAck).length, 1)
    assert.equal(chunksOf(peer.send(chunk(ChunkType.shutdownAck, 0)), ChunkType.shutdownComplete).length, 1)
  })

  it('does not take longer than its guard', () => {
    const peer = ScriptedPeer.establish()
    peer.association.shutdown(peer.now)
    peer.poll()
    const begun = peer.now
    while (peer.association.state !== 'closed') {
      // A peer that keeps sending would keep the shutdown from timing out otherwise.
      peer.send(data({ tsn: 1_000 }))
      peer.wait()
    }
    assert.ok(peer.now - begun <= 51_000)
    assert.equal(peer.events.pop()?.type, 'failed')
  })

  it('is asked for again by an INIT that comes because its end was lost', () => {
    const peer = ScriptedPeer.establish()
    peer.send(shutdown((peer.localTsn - 1) >>> 0))
    assert.equal(peer.association.state, 'shutdown-ack-sent')
    const answers = peer.exchange(0, chunk(ChunkType.init, 0, initValue({})))
    assert.deepEqual(
      answers.flatMap(({ chunks }) => chunks.map(({ type }) => type)),
      [ChunkType.shutdownAck],
    )
  })

  it('of an association that is not yet up closes it at once', () => {
    const peer = new ScriptedPeer()
    peer.association.connect(peer.now)
    peer.association.shutdown(peer.now)
    peer.poll()
    assert.deepEqual(peer.events, [{ type: 'closed' }])
  })
})

describe('an abort', () => {
  it('tells the peer that the user wished it, and closes at once', () => {
    const pair = new Pair(2).connect()
    pair.a.association.send(0, 53, new Uint8Array(100_000), {}, pair.now)
    pair.a.association.abort(pair.now)
    assert.equal(pair.a.association.state, 'closed')
    pair.run(100)
    assert.equal(pair.a.events.pop()?.type, 'closed')
    const event = pair.b.events.pop()
    assert.ok(event?.type === 'failed' && event.error.code === 'aborted')
    assert.equal(event.error.causeCode, CauseCode.userInitiatedAbort)
    assert.equal(pair.b.association.pollTimeout(), undefined)
  })

  it('is taken with our tag, or with the peer tag if the T bit says so, and in no other way', () => {
    const abort = (flags: number): Uint8Array => chunk(ChunkType.abort, flags)
    const cases: readonly [number, number, boolean][] = [
      [0, 0, true],
      [1, 1, true],
      [0, 1, false],
      [1, 0, false],
    ]
    for (const [which, flags, taken] of cases) {
      const peer = ScriptedPeer.establish()
      const tag = which === 0 ? peer.localTag : peerTag
      const result = peer.deliver(packet(tag, [abort(flags)]))
      assert.deepEqual(result, taken ? { handled: true } : { drop: 'bad-tag' })
      assert.equal(peer.association.state, taken ? 'closed' : 'established')
      assert.deepEqual(peer.poll(), [], 'an ABORT is never answered')
    }
  })

  it('with a format error is silently discarded', () => {
    const peer = ScriptedPeer.establish()
    const result = peer.deliver(packet(peer.localTag, [chunk(ChunkType.abort, 0, [0, 12, 0, 200])]))
    assert.deepEqual(result, { drop: 'malformed' })
    assert.equal(peer.association.state, 'established')
  })

  it('ends the handling of its packet', () => {
    const peer = ScriptedPeer.establish()
    peer.send(chunk(ChunkType.abort, 0, parameter(12)), data({ tsn: 1_000 }))
    assert.deepEqual(peer.messages(), [])
  })

  it('leaves an association that does nothing any more', () => {
    const peer = ScriptedPeer.establish()
    peer.association.abort(peer.now)
    peer.poll()
    const { association } = peer
    assert.equal(association.send(0, 53, Uint8Array.of(1), {}, peer.now), false)
    association.connect(peer.now)
    association.resetStream(0, peer.now)
    association.shutdown(peer.now)
    association.abort(peer.now)
    association.pathChanged(peer.now)
    association.setPacketSize(500)
    association.handleTimeout(peer.now + 1e6)
    assert.deepEqual(peer.poll(), [])
    assert.equal(association.state, 'closed')
    assert.equal(peer.events.filter(({ type }) => type === 'closed').length, 1)
    // What still comes is out of the blue, an INIT and a COOKIE ECHO included.
    for (const [tag, bytes] of [
      [0, chunk(ChunkType.init, 0, initValue({}))],
      [peer.localTag, chunk(ChunkType.cookieEcho, 0, new Uint8Array(72))],
      [peer.localTag, data({ tsn: 1_000 })],
    ] as const) {
      assert.ok('drop' in peer.deliver(packet(tag, [bytes])))
    }
    assert.equal(association.state, 'closed')
  })
})

describe('a SHUTDOWN COMPLETE', () => {
  it('means nothing but in SHUTDOWN-ACK-SENT', () => {
    const peer = ScriptedPeer.establish()
    assert.deepEqual(peer.deliver(packet(peer.localTag, [chunk(ChunkType.shutdownComplete, 0)])), {
      drop: 'unexpected-chunk',
    })
    assert.equal(peer.association.state, 'established')
  })

  it('is taken there with the reflected tag, too', () => {
    const peer = ScriptedPeer.establish()
    peer.send(shutdown((peer.localTsn - 1) >>> 0))
    assert.deepEqual(peer.deliver(packet(peer.localTag, [chunk(ChunkType.shutdownComplete, 1)])), { drop: 'bad-tag' })
    assert.deepEqual(peer.deliver(packet(peerTag, [chunk(ChunkType.shutdownComplete, 1)])), { handled: true })
    assert.equal(peer.association.state, 'closed')
  })
})
