import assert from 'node:assert/strict'

import { maxConflictingAddresses, maxKnownSources, SsrcConflicts } from '../../src/rtp/ssrc-conflicts.ts'

const kind = 'rtp' as const

describe('SSRC conflicts (RFC 3550 §8.2)', () => {
  it('are found where somebody else uses our own, once an address', () => {
    const conflicts = new SsrcConflicts()
    conflicts.addOwn(1)
    assert.equal(conflicts.judge({ ssrc: 1, from: 'a', kind }, 0), 'own-collision')
    conflicts.removeOwn(1)
    conflicts.addOwn(2)
    assert.equal(conflicts.judge({ ssrc: 1, from: 'a', kind }, 1), 'ok')
    assert.equal(conflicts.judge({ ssrc: 2, from: 'a', kind }, 2), 'own-loop', 'our packets come back from there')
    assert.equal(conflicts.judge({ ssrc: 2, from: 'b', kind }, 3), 'own-collision')
    assert.equal(conflicts.judge({ ssrc: 2, from: 'a', kind }, 60_000), 'own-collision', 'long after')
  })

  it('are found between two others, by address and by CNAME', () => {
    const conflicts = new SsrcConflicts()
    assert.equal(conflicts.judge({ ssrc: 1, from: 'a', kind: 'rtcp', cname: 'x' }, 0), 'ok')
    assert.equal(conflicts.judge({ ssrc: 1, from: 'b', kind: 'rtp' }, 0), 'ok', 'the first of its kind')
    assert.equal(conflicts.judge({ ssrc: 1, from: 'c', kind: 'rtp' }, 0), 'third-party-loop')
    assert.equal(conflicts.judge({ ssrc: 1, from: 'c', kind: 'rtcp', cname: 'y' }, 0), 'third-party-collision')
    assert.equal(conflicts.judge({ ssrc: 1, from: 'b', kind: 'rtp' }, 0), 'ok', 'the established one goes on')
  })

  it('are none where a path has moved', () => {
    const conflicts = new SsrcConflicts()
    conflicts.judge({ ssrc: 1, from: 'a', kind }, 0)
    conflicts.moved('a', 'b')
    assert.equal(conflicts.judge({ ssrc: 1, from: 'b', kind }, 0), 'ok')
  })

  it('are none after a goodbye of the source, and still after one of somebody else', () => {
    const conflicts = new SsrcConflicts()
    conflicts.judge({ ssrc: 1, from: 'a', kind }, 0)
    conflicts.left(1, 'b')
    assert.equal(conflicts.judge({ ssrc: 1, from: 'b', kind }, 0), 'third-party-loop')
    conflicts.left(1, 'a')
    assert.equal(conflicts.judge({ ssrc: 1, from: 'b', kind }, 0), 'ok')
  })

  it('are found among a bounded number of sources', () => {
    const conflicts = new SsrcConflicts()
    for (let ssrc = 0; ssrc <= maxKnownSources; ssrc++) conflicts.judge({ ssrc, from: 'a', kind }, 0)
    assert.equal(conflicts.judge({ ssrc: 0, from: 'b', kind }, 0), 'ok', 'the oldest was forgotten')
    assert.equal(conflicts.judge({ ssrc: maxKnownSources, from: 'b', kind }, 0), 'third-party-loop')
  })

  it('are kept for a bounded number of addresses', () => {
    const conflicts = new SsrcConflicts()
    conflicts.addOwn(1)
    for (let i = 0; i <= maxConflictingAddresses; i++) conflicts.judge({ ssrc: 1, from: `${i}`, kind }, 0)
    assert.equal(conflicts.judge({ ssrc: 1, from: '0', kind }, 0), 'own-collision', 'the oldest was forgotten')
  })
})
