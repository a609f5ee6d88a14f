/** CRC32c test vectors: RFC 3720 appendix B.4, and an SCTP packet from RFC 9653, figure 1, whose checksum is zero. */
export const crc32cCases: readonly { readonly name: string; readonly data: string; readonly value: number }[] = [
  { name: '32 bytes of zeroes', data: '00'.repeat(32), value: 2_324_772_522 },
  { name: '32 bytes of ones', data: 'ff'.repeat(32), value: 1_655_221_059 },
  {
    name: '32 bytes of incrementing 00..1f',
    data: '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
    value: 1_188_919_630,
  },
  {
    name: '32 bytes of decrementing 1f..00',
    data: '1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100',
    value: 289_397_596,
  },
  {
    name: 'an iSCSI SCSI Read (10) Command PDU',
    data: '01c000000000000000000000000000001400000000000400000000140000001828000000000000000200000000000000',
    value: 3_650_501_206,
  },
]

/** An INIT packet whose correct CRC32c is zero. */
export const zeroChecksumPacket = '13891389000000000000000001000014fcb75cca000005dc0001000100000000'
