import assert from 'node:assert/strict'

import { isRtcp } from '../../src/rtp/packet.ts'
import { isDynamicPayloadType, staticPayloadType } from '../../src/rtp/static-payload-types.ts'

describe('payload types without a description (RFC 3551 §6)', () => {
  it('are those of the tables', () => {
    assert.deepEqual(staticPayloadType(0), { payloadType: 0, name: 'PCMU', clockRate: 8_000, channels: 1 })
    assert.deepEqual(staticPayloadType(10), { payloadType: 10, name: 'L16', clockRate: 44_100, channels: 2 })
    assert.deepEqual(staticPayloadType(34), { payloadType: 34, name: 'H263', clockRate: 90_000, channels: undefined })
    assert.equal(staticPayloadType(1), undefined)
    assert.equal(staticPayloadType(96), undefined)
  })

  it('are never dynamic, and what is dynamic never looks like RTCP, with the marker or without', () => {
    for (let payloadType = 0; payloadType < 128; payloadType++) {
      if (!isDynamicPayloadType(payloadType)) continue
      assert.equal(staticPayloadType(payloadType), undefined)
      for (const marker of [0, 0x80]) assert.equal(isRtcp(Uint8Array.of(0x80, marker | payloadType)), false)
    }
    assert.deepEqual([34, 35, 63, 64, 95, 96, 127, 128, 1.5].map(isDynamicPayloadType), [
      false,
      true,
      true,
      false,
      false,
      true,
      true,
      false,
      false,
    ])
  })
})
