import type { RandomSource } from './environment.ts'

/** A number from 0 to 2^32 - 1, each as likely as any other. */
export function randomUint32(random: RandomSource): number {
  const bytes = random(4)
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
}

/** A UUID of version 4: RFC 9562 §5.4. */
export function randomUuid(random: RandomSource): string {
  const bytes = Buffer.from(random(16))
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
