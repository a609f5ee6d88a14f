import assert from 'node:assert/strict'
import { bulkAckPackets, quickAckPackets, quickAckPhasePackets, sackDelayMs } from '../../src/sctp/limits.ts'
import { chunksOf, ScriptedPeer } from './support/scripted-peer.ts'
import { data, packet } from './support/wire.ts'

const sackType = 3

/** A peer whose first packets, which are acknowledged two by two, have been sent. */
function settledPeer(): ScriptedPeer {
  const peer = ScriptedPeer.establish({}, { initialTsn: 1 })
  peer.tsn = 1
  for (let i = 0; i < quickAckPhasePackets; i++) sendOne(peer)
  peer.wait(sackDelayMs)
  return peer
}

/** One packet with one chunk, in a turn of its own: true if it was answered with a SACK. */
function sendOne(peer: ScriptedPeer): boolean {
  return chunksOf(peer.send(data({ tsn: peer.tsn++, flags: 7 })), sackType).length > 0
}

/** How many packets are sent until one is answered. */
function untilAnswered(peer: ScriptedPeer): number {
  for (let count = 1; count <= 100; count++) if (sendOne(peer)) return count
  throw new Error('no SACK for a hundred packets')
}

describe('acknowledging packets in order', () => {
  it('answers every second packet at first', () => {
    const peer = ScriptedPeer.establish({}, { initialTsn: 1 })
    peer.tsn = 1
    assert.equal(untilAnswered(peer), 1, 'the first DATA at once')
    for (let i = 0; i < 10; i++) assert.equal(untilAnswered(peer), quickAckPackets)
  })

  it('lets one SACK stand for more packets of a sender that keeps sending', () => {
    const peer = settledPeer()
    for (let i = 0; i < 10; i++) assert.equal(untilAnswered(peer), bulkAckPackets)
  })

  it('goes back to every second packet for a sender that sends four and waits (RFC 9260 §6.1, D: Max.Burst)', () => {
    const peer = settledPeer()
    let waits = 0
    for (let burst = 0; burst < 20; burst++) {
      let answered = false
      for (let i = 0; i < 4; i++) answered = sendOne(peer) || answered
      if (answered) continue
      waits++
      assert.equal(chunksOf(peer.wait(sackDelayMs), sackType).length, 1)
    }
    assert.ok(waits <= 2, `the sender had to wait ${waits} times`)
  })

  it('then answers each four packets of a turn with a packet of its own', () => {
    const peer = settledPeer()
    const arrive = (count: number) => {
      for (let i = 0; i < count; i++) peer.deliver(packet(peer.localTag, [data({ tsn: peer.tsn++, flags: 7 })]))
      return peer.poll().map(({ chunks }) => chunks.filter(({ type }) => type === sackType).length)
    }
    assert.deepEqual(arrive(32), [1], 'the sender has not waited yet')
    arrive(2)
    peer.wait(sackDelayMs)
    assert.deepEqual(arrive(32), [1, 1, 1, 1, 1, 1, 1, 1])
    assert.deepEqual(arrive(9), [1, 1, 1])
    const last = chunksOf(peer.send(data({ tsn: peer.tsn++, flags: 7 }), data({ tsn: peer.tsn++, flags: 7 })), sackType)
    assert.ok(last.length <= 1)
  })

  it('does not take a lone packet for a sender that waits', () => {
    const peer = settledPeer()
    for (let i = 0; i < 10; i++) {
      assert.equal(sendOne(peer), false)
      assert.equal(chunksOf(peer.wait(sackDelayMs), sackType).length, 1)
    }
    assert.equal(untilAnswered(peer), bulkAckPackets)
  })
})
