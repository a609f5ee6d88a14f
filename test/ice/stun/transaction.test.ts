import assert from 'node:assert/strict'
import { newTransactionId, Retransmission, transactionKey } from '../../../src/ice/stun/transaction.ts'
import { prng } from '../../support/prng.ts'

describe('STUN transactions', () => {
  it('retransmit at the times that RFC 8489 §6.2.1 gives for an RTO of 500 ms', () => {
    assert.deepEqual(schedule(500, 39_500), { sent: [0, 500, 1500, 3500, 7500, 15500, 31500], expired: 39_500 })
  })

  it('are as patient with a shorter RTO, and try more often', () => {
    assert.deepEqual(schedule(100, 39_500), {
      sent: [0, 100, 300, 700, 1500, 3100, 6300, 12700, 25500],
      expired: 39_500,
    })
  })

  it('may have a greatest interval', () => {
    assert.deepEqual(schedule(100, 5000, 800), {
      sent: [0, 100, 300, 700, 1500, 2300, 3100, 3900, 4700],
      expired: 5000,
    })
  })

  it('are not sent in a burst after a long sleep', () => {
    const retransmission = new Retransmission({ now: 0, rtoMs: 100, timeoutMs: 39_500 })
    assert.equal(retransmission.poll(10_000), 'resend')
    assert.equal(retransmission.poll(10_000), undefined)
    assert.equal(retransmission.deadline, 10_200)
  })

  it('are not sent again once cancelled, but still expire', () => {
    const retransmission = new Retransmission({ now: 0, rtoMs: 100, timeoutMs: 1000 })
    retransmission.cancel()
    assert.equal(retransmission.deadline, 1000)
    assert.equal(retransmission.poll(999), undefined)
    assert.equal(retransmission.poll(1000), 'expired')
    assert.equal(retransmission.count, 0)
  })

  it('have 96-bit IDs from the random source, each with a key of its own', () => {
    const random = prng(7)
    const ids = Array.from({ length: 1000 }, () => newTransactionId(length => random.bytes(length)))
    for (const id of ids) assert.equal(id.length, 12)
    assert.equal(new Set(ids.map(transactionKey)).size, 1000)
  })
})

function schedule(
  rtoMs: number,
  timeoutMs: number,
  maxIntervalMs = Number.POSITIVE_INFINITY,
): { sent: number[]; expired: number } {
  const retransmission = new Retransmission({ now: 0, rtoMs, timeoutMs, maxIntervalMs })
  const sent = [0]
  for (;;) {
    const now = retransmission.deadline
    if (retransmission.poll(now) === 'expired') return { sent, expired: now }
    sent.push(now)
  }
}
