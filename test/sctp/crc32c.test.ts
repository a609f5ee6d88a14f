import assert from 'node:assert/strict'

import { crc32c, packetChecksum } from '../../src/sctp/crc32c.ts'
import { prng } from '../support/prng.ts'
import { crc32cCases, zeroChecksumPacket } from '../vectors/crc32c-rfc3720.ts'

describe('CRC32c', () => {
  for (const { name, data, value } of crc32cCases) {
    it(`gives the published value for ${name}`, () => {
      assert.equal(crc32c(Buffer.from(data, 'hex')), value)
    })
  }

  it('agrees with the definition bit by bit, at every length and alignment', () => {
    const bytes = prng(1).bytes(300)
    for (let start = 0; start < 5; start++) {
      for (let end = start; end < 100; end++) {
        assert.equal(crc32c(bytes.subarray(start, end)), bitwise(bytes.subarray(start, end)))
      }
    }
  })

  it('takes the checksum field of a packet for zero', () => {
    const packet = new Uint8Array(Buffer.from(zeroChecksumPacket, 'hex'))
    const view = new DataView(packet.buffer)
    assert.equal(packetChecksum(view), 0)
    view.setUint32(8, 0x1234_5678)
    assert.equal(packetChecksum(view), 0)
  })

  it('finds every single bit that is flipped in a packet', () => {
    const packet = prng(2).bytes(64)
    const right = packetChecksum(new DataView(packet.buffer))
    for (let bit = 0; bit < packet.length * 8; bit++) {
      const at = bit >>> 3
      if (at >= 8 && at < 12) continue
      packet[at] = (packet[at] ?? 0) ^ (1 << (bit & 7))
      assert.notEqual(packetChecksum(new DataView(packet.buffer)), right)
      packet[at] = (packet[at] ?? 0) ^ (1 << (bit & 7))
    }
  })
})

/** RFC 9260 appendix A, as slowly as it can be written. */
function bitwise(bytes: Uint8Array): number {
  let crc = 0xffff_ffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f6_3b78 : crc >>> 1
  }
  return ~crc >>> 0
}
