import assert from 'node:assert/strict'
import { maxSources, SourceTable } from '../../../src/pc/rtp/source-table.ts'

const update = (rtpTimestamp: number, level?: number) => ({
  rtpTimestamp,
  clockRate: 48_000,
  level,
  capture: undefined,
})

describe('the sources of a receiver', () => {
  it('remembers so many and no more: the one that was silent longest makes room', () => {
    const table = new SourceTable()
    for (let source = 0; source < maxSources; source++) table.update(source, update(1), 100 + source)
    table.update(0, update(2), 5_000)
    table.update(1_000, update(1), 5_001)
    assert.equal(table.size, maxSources)
    const sources = table.list(5_001, 0).map(({ source }) => source)
    assert.deepEqual([sources[0], sources[1], sources.includes(1), sources.includes(2)], [1_000, 0, false, true])
    for (let source = 0; source < 10_000; source++) table.update(source * 7, update(1), 6_000 + source)
    assert.equal(table.size, maxSources)
  })

  it('forgets after ten seconds, to the millisecond', () => {
    const table = new SourceTable()
    table.update(1, update(1), 0)
    assert.equal(table.list(10_000, 0).length, 1)
    assert.equal(table.list(10_001, 0).length, 0)
  })

  it('takes packets in the order of their timestamps, over the wrap', () => {
    const table = new SourceTable()
    table.update(1, update(0xffff_ff00, 10), 0)
    table.update(1, update(0x10, 20), 10)
    table.update(1, update(0xffff_fff0, 30), 20)
    assert.deepEqual(table.list(20, 0), [{ source: 1, timestamp: 10, rtpTimestamp: 0x10, audioLevel: 0.1 }])
  })

  it('goes on with a source that began anew with older timestamps', () => {
    const table = new SourceTable()
    table.update(1, update(1_000_000), 0)
    table.update(1, update(5), 1_000)
    assert.equal(table.list(1_000, 0)[0]?.rtpTimestamp, 5)
  })

  it('loses the level with a packet that has none', () => {
    const table = new SourceTable()
    table.update(1, update(1, 0), 0)
    table.update(1, update(2), 1)
    assert.deepEqual(table.list(1, 100), [{ source: 1, timestamp: 101, rtpTimestamp: 2 }])
  })

  it('keeps the last clock offset that was told', () => {
    const table = new SourceTable()
    const at = (seconds: bigint, clockOffset?: bigint) => ({ captureTime: seconds << 32n, clockOffset })
    table.update(1, { ...update(0), capture: at(5n, 2n << 32n) }, 0)
    table.update(1, { ...update(48_000), capture: at(6n) }, 1)
    const [source] = table.list(1, 0)
    assert.deepEqual([source?.captureTimestamp, source?.senderCaptureTimeOffset], [6_000, 2_000])
  })
})
