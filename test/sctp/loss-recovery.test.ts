import assert from 'node:assert/strict'

import { lateTimerMs, rtoMinMs } from '../../src/sctp/limits.ts'
import { ChunkType } from '../../src/sctp/protocol.ts'
import { Pair } from './support/pair.ts'
import { chunksOf, ScriptedPeer } from './support/scripted-peer.ts'
import { dissect, packet, read, sack, type WirePacket } from './support/wire.ts'

const full = 1_144

/** TSNs of the DATA chunks in some packets, counted from the first that the association sent. */
function places(peer: ScriptedPeer, packets: readonly WirePacket[]): number[] {
  return chunksOf(packets, ChunkType.data).map(({ value }) => (read(value, 0, 4) - peer.localTsn) | 0)
}

/** An association that has measured a round trip of 50 ms and has `count` packets outstanding. */
function sending(count: number): ScriptedPeer {
  const peer = ScriptedPeer.establish()
  peer.association.send(0, 53, Uint8Array.of(1), {}, peer.now)
  peer.poll()
  peer.now += 50
  peer.send(sack({ cumulative: peer.localTsn }))
  peer.localTsn = (peer.localTsn + 1) >>> 0
  for (let i = 0; i < count; i++) peer.association.send(0, 53, new Uint8Array(full), {}, peer.now)
  assert.deepEqual(
    places(peer, peer.poll()),
    Array.from({ length: count }, (_, i) => i),
  )
  peer.now += 50
  return peer
}

/** A SACK for places counted from the first outstanding chunk; cumulative -1: nothing yet. */
function acked(peer: ScriptedPeer, cumulative: number, ...gaps: readonly [number, number][]): Uint8Array {
  const offsets = gaps.map(([from, to]) => [from - cumulative, to - cumulative] as const)
  return sack({ cumulative: (peer.localTsn + cumulative) >>> 0, gaps: offsets })
}

describe('a chunk', () => {
  it('is sent again once three packets sent after it have arrived, even if one SACK tells of all', () => {
    const peer = sending(5)
    assert.deepEqual(places(peer, peer.send(acked(peer, -1, [1, 3]))), [0])
    assert.equal(peer.association.statistics.timeouts, 0)
    assert.equal(peer.association.statistics.fastRecoveries, 1)
  })

  it('is sent again when three SACKs have missed it', () => {
    const peer = sending(6)
    assert.deepEqual(places(peer, peer.send(acked(peer, -1, [1, 1]))), [])
    assert.deepEqual(places(peer, peer.send(acked(peer, -1, [1, 2]))), [])
    assert.deepEqual(places(peer, peer.send(acked(peer, -1, [1, 3]))), [0])
  })

  it('is not sent again for the same SACK repeated', () => {
    const peer = sending(5)
    for (let i = 0; i < 5; i++) assert.deepEqual(places(peer, peer.send(acked(peer, -1, [1, 2]))), [])
  })

  it('is sent again if something sent later has arrived and more than a round trip has passed', () => {
    const peer = sending(5)
    peer.send(acked(peer, -1, [1, 1]))
    const sent = peer.now
    assert.deepEqual(places(peer, peer.wait()), [0])
    assert.ok(peer.now - sent <= 50)
    assert.equal(peer.association.statistics.timeouts, 0)
  })

  it('whose retransmission is lost is found out as well, without a timeout', () => {
    const peer = sending(6)
    peer.association.send(0, 53, new Uint8Array(full * 6), {}, peer.now)
    const again = peer.send(acked(peer, -1, [1, 5]))
    assert.equal(places(peer, again)[0], 0)
    const later = places(peer, again).slice(1)
    assert.ok(later.length >= 3)
    peer.now += 50
    assert.equal(places(peer, peer.send(acked(peer, -1, [1, Math.max(...later)])))[0], 0)
    assert.equal(peer.association.statistics.timeouts, 0)
    assert.equal(peer.association.statistics.fastRecoveries, 1, 'one recovery, one reduction')
  })

  it('that a receiver had reported and gave up again is sent again', () => {
    const peer = sending(5)
    peer.send(acked(peer, -1, [2, 2]))
    assert.equal(peer.association.statistics.bytesInFlight, 4 * 1_160)
    peer.send(acked(peer, 1))
    assert.equal(peer.association.statistics.bytesInFlight, 3 * 1_160)
    const packets: WirePacket[] = []
    for (let i = 0; i < 6; i++) packets.push(...peer.wait())
    assert.ok(places(peer, packets).includes(2))
  })
})

describe('the loss of the last packets', () => {
  it('costs a probe, not a timeout', () => {
    const peer = sending(4)
    peer.send(acked(peer, 1))
    const quiet = peer.now
    assert.deepEqual(places(peer, peer.wait()), [3])
    assert.ok(peer.now - quiet < rtoMinMs)
    peer.now += 50
    // The answer to the probe shows that what was sent before it is lost as well.
    assert.deepEqual(places(peer, peer.send(acked(peer, 1, [3, 3]))), [2])
    const { timeouts, probes } = peer.association.statistics
    assert.deepEqual([timeouts, probes], [0, 1])
  })

  it('is told as well by an acknowledgement that had been under way when the probe was sent', () => {
    const peer = sending(5)
    assert.deepEqual(places(peer, peer.wait()), [4])
    peer.now += 1
    assert.equal(places(peer, peer.send(acked(peer, -1, [4, 4])))[0], 0)
  })

  it('that a probe made up for halves the window; a probe that came twice does not', () => {
    for (const duplicate of [false, true]) {
      const peer = sending(8)
      const before = peer.association.statistics.congestionWindow
      assert.deepEqual(places(peer, peer.wait()), [7])
      // An acknowledgement of what had been sent before leaves it open whether the probe was needed.
      peer.send(acked(peer, 7))
      assert.equal(peer.association.statistics.congestionWindow, before)
      peer.association.send(0, 53, new Uint8Array(full), {}, peer.now)
      peer.poll()
      const duplicates = duplicate ? [(peer.localTsn + 7) >>> 0] : []
      peer.send(sack({ cumulative: (peer.localTsn + 8) >>> 0, duplicates }))
      assert.equal(peer.association.statistics.congestionWindow < before, !duplicate)
    }
  })

  it('that was no loss, as the receiver had only been held up, leads to no further packets', () => {
    const peer = sending(10)
    assert.deepEqual(places(peer, peer.wait()), [9])
    peer.now += 300
    // It reads what had been waiting, some of it at a time, and the probe at last.
    for (let place = 0; place < 9; place++) assert.deepEqual(places(peer, peer.send(acked(peer, place))), [])
    peer.send(sack({ cumulative: (peer.localTsn + 9) >>> 0, duplicates: [(peer.localTsn + 9) >>> 0] }))
    const { retransmittedChunks, fastRecoveries } = peer.association.statistics
    assert.deepEqual([retransmittedChunks, fastRecoveries], [1, 0])
  })

  it('of many small messages in one packet is probed for with all of them', () => {
    const peer = sending(1)
    peer.send(acked(peer, 0))
    for (let i = 0; i < 5; i++) peer.association.send(0, 53, new Uint8Array(10), {}, peer.now)
    peer.poll()
    assert.deepEqual(places(peer, peer.wait()), [1, 2, 3, 4, 5])
  })

  it('is probed for once only; then the timer decides', () => {
    const peer = sending(3)
    assert.deepEqual(places(peer, peer.wait()), [2])
    peer.wait()
    assert.deepEqual([peer.association.statistics.probes, peer.association.statistics.timeouts], [1, 1])
  })
})

describe('the retransmission timer', () => {
  it('sends one packet, and the rest as acknowledgements come', () => {
    const peer = sending(6)
    const seen: number[] = []
    while (peer.association.statistics.timeouts === 0) seen.splice(0, seen.length, ...places(peer, peer.wait()))
    assert.deepEqual(seen, [0])
    assert.equal(peer.association.statistics.congestionWindow, 1_160)
    assert.deepEqual(places(peer, peer.send(acked(peer, 0))), [1, 2])
    assert.deepEqual(places(peer, peer.send(acked(peer, 2))), [3, 4, 5])
  })

  it('doubles its delay each time', () => {
    const peer = sending(1)
    const times: number[] = []
    for (let i = 0; i < 12 && times.length < 4; i++) {
      const before = peer.association.statistics.timeouts
      peer.wait()
      if (peer.association.statistics.timeouts > before) times.push(peer.now)
    }
    const delays = times.slice(1).map((time, i) => time - (times[i] ?? 0))
    assert.deepEqual(
      delays.map(delay => Math.round((delay / (delays[0] ?? 1)) * 10) / 10),
      [1, 2, 4],
    )
  })

  it('served late, after the process stood still, first lets waiting acknowledgements be read', () => {
    const peer = sending(3)
    // The probe goes out in time; then the event loop is blocked for long.
    peer.wait()
    peer.now += rtoMinMs + 10 * lateTimerMs
    peer.association.handleTimeout(peer.now)
    assert.equal(peer.association.statistics.timeouts, 0)
    peer.send(acked(peer, 2))
    assert.equal(peer.association.statistics.outstandingChunks, 0)
    assert.equal(peer.association.pollTimeout() !== undefined && peer.association.statistics.timeouts, 0)
  })

  it('served late goes off all the same if nothing comes', () => {
    const peer = sending(3)
    peer.wait()
    peer.now += rtoMinMs + 10 * lateTimerMs
    peer.association.handleTimeout(peer.now)
    peer.wait()
    assert.equal(peer.association.statistics.timeouts, 1)
  })

  it('does not run while nothing is outstanding', () => {
    const peer = sending(2)
    peer.send(acked(peer, 1))
    peer.wait()
    assert.equal(peer.now > 50_000, true, 'the next thing is a heartbeat')
  })
})

describe('over a network that loses packets', () => {
  it('a transfer needs no timeout at 1 % loss, and keeps up its rate', () => {
    let timeouts = 0
    let bytes = 0
    for (let seed = 0; seed < 5; seed++) {
      const pair = new Pair(seed, { conditions: { loss: 0.01, delay: 25 } }).connect()
      pair.onEvent = (side, event) => {
        if (side === 'b' && event.type === 'message') bytes += event.data.length
      }
      for (let i = 0; i < 200; i++) pair.a.association.send(0, 53, new Uint8Array(16_384), {}, pair.now)
      pair.run(5_000)
      timeouts += pair.a.association.statistics.timeouts
    }
    assert.ok(timeouts <= 1, `${timeouts} timeouts`)
    // The formula of Mathis et al. for 50 ms, 1 % and 1144 bytes gives 280 kB/s.
    assert.ok(bytes / 25 > 250_000, `${Math.round(bytes / 25)} bytes/s`)
  })

  it('a queue that overflows is filled again and again without a collapse', () => {
    const pair = new Pair(1, { conditions: { delay: 0.5, rate: 20_000, queueBytes: 110_000 } }).connect()
    let bytes = 0
    pair.onEvent = (side, event) => {
      if (side === 'b' && event.type === 'message') bytes += event.data.length
    }
    for (let i = 0; i < 300; i++) pair.a.association.send(0, 53, new Uint8Array(65_536), {}, pair.now)
    pair.run(500)
    assert.equal(pair.a.association.statistics.timeouts, 0)
    assert.ok(bytes / 500 > 18_000, `${Math.round(bytes / 500)} of 20000 bytes/ms`)
  })

  it('a lone message that is lost arrives within a probe', () => {
    const pair = new Pair(2, { conditions: { delay: 10 } }).connect()
    pair.a.association.send(0, 53, Uint8Array.of(1), {}, pair.now)
    pair.run(100)
    let lost = 0
    pair.filter = (from, bytes) =>
      !(from === 'a' && dissect(bytes).chunks.some(({ type }) => type === 0) && lost++ === 0)
    const begun = pair.now
    pair.a.association.send(0, 53, Uint8Array.of(2), {}, pair.now)
    pair.run(1_000, () => pair.messages('b').length === 2)
    assert.ok(pair.now - begun <= 60, `${pair.now - begun} ms`)
  })
})

describe('after a change of the path', () => {
  it('what is outstanding is sent at once, and the window is that of the beginning', () => {
    const peer = sending(10)
    const seen: number[] = []
    while (peer.association.statistics.timeouts < 3) peer.wait()
    peer.association.pathChanged(peer.now)
    for (const each of places(peer, peer.poll())) seen.push(each)
    assert.equal(seen[0], 0)
    assert.equal(peer.association.statistics.congestionWindow, 11_600)
    assert.ok((peer.association.pollTimeout() ?? 0) - peer.now <= 1_000)
    assert.deepEqual(peer.deliver(packet(peer.localTag, [acked(peer, 9)])), { handled: true })
  })
})
