import assert from 'node:assert/strict'

import { historyMs, initialHistoryPackets, maxHistoryPackets } from '../../../src/rtp/congestion/limits.ts'
import { SentPackets } from '../../../src/rtp/congestion/sent-packets.ts'

describe('the history of sent packets', () => {
  it('tells what was sent under a number, across the wrap of 16 bits', () => {
    const sent = new SentPackets(0xfffe)
    assert.deepEqual(
      [0, 1, 2, 3].map(i => sent.add(100 + i, i * 10, i)),
      [0xfffe, 0xffff, 0, 1],
    )
    for (const [i, sequence] of [0xfffe, 0xffff, 0, 1].entries()) {
      const slot = sent.find(sequence, 50)
      assert.deepEqual([sent.size(slot), sent.sentAt(slot), sent.cluster(slot)], [100 + i, i * 10, i])
    }
  })

  it('knows no number that was never sent', () => {
    const sent = new SentPackets(0xfffe)
    for (let i = 0; i < 4; i++) sent.add(100, i, 0)
    for (const sequence of [2, 3, 0x7fff, 0x8000, 0xfffd]) assert.equal(sent.find(sequence, 10), -1, String(sequence))
    assert.equal(new SentPackets().find(0, 0), -1)
  })

  it('tells first, late and repeated reports apart', () => {
    const sent = new SentPackets()
    sent.add(100, 0, 0)
    const slot = sent.find(0, 1)
    assert.equal(sent.markLost(slot), true)
    assert.equal(sent.markLost(slot), false)
    assert.equal(sent.markReceived(slot), 'late')
    assert.equal(sent.markReceived(slot), 'duplicate')
    assert.equal(sent.markLost(slot), false)
    sent.add(100, 0, 0)
    assert.equal(sent.markReceived(sent.find(1, 1)), 'first')
  })

  it('forgets what was sent too long ago to matter', () => {
    const sent = new SentPackets()
    sent.add(100, 0, 0)
    assert.notEqual(sent.find(0, historyMs), -1)
    assert.equal(sent.find(0, historyMs + 1), -1)
  })

  it('grows while packets are under way, to its bound and no further, and keeps the newest', () => {
    const sent = new SentPackets(1_000)
    const count = 100_000
    for (let i = 0; i < count; i++) {
      sent.add(i % 1_400, i / 100, 0)
      assert.ok(sent.capacity <= maxHistoryPackets)
    }
    assert.equal(sent.capacity, maxHistoryPackets)
    const now = count / 100
    const sequence = (i: number): number => (1_000 + i) & 0xffff
    for (const i of [count - 1, count - 2, count - maxHistoryPackets]) {
      assert.equal(sent.size(sent.find(sequence(i), now)), i % 1_400)
    }
    assert.equal(sent.find(sequence(count - maxHistoryPackets - 1), now), -1)
    assert.equal(sent.find(sequence(count), now), -1)
  })

  it('stays small while packets are reported in time', () => {
    const sent = new SentPackets()
    for (let i = 0; i < 10_000; i++) {
      const slot = sent.find(sent.add(100, i, 0), i)
      sent.markReceived(slot)
    }
    assert.equal(sent.capacity, initialHistoryPackets)
  })

  it('keeps every packet under way when it grows in the middle of a lap', () => {
    const sent = new SentPackets(77)
    for (let i = 0; i < 3_000; i++) sent.add(i, i / 10, i)
    for (let i = 3_000 - initialHistoryPackets; i < 3_000; i++) {
      const slot = sent.find(77 + i, 300)
      assert.deepEqual([sent.size(slot), sent.cluster(slot)], [i, i])
    }
    assert.equal(sent.size(sent.find(77, 300)), 0)
    assert.equal(sent.size(sent.find(78, 300)), 1)
  })
})
