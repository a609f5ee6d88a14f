import { concatBytes } from '../../../src/base/bytes.ts'

export const transactionId: Uint8Array = Uint8Array.from({ length: 12 }, (_, index) => index + 1)

/** An attribute with a length that is right, padded; its value is given as hex or bytes. */
export function attribute(type: number, value: string | Uint8Array): Uint8Array {
  const bytes = typeof value === 'string' ? Buffer.from(value.replaceAll(' ', ''), 'hex') : value
  const whole = Buffer.alloc(4 + ((bytes.length + 3) & ~3))
  whole.writeUint16BE(type, 0)
  whole.writeUint16BE(bytes.length, 2)
  whole.set(bytes, 4)
  return whole
}

/** A request of a method, with a header that is right. */
export function requestOf(method: number, body: Uint8Array): Uint8Array {
  const header = Buffer.alloc(20)
  header.writeUint16BE(method, 0)
  header.writeUint16BE(body.length, 2)
  header.writeUint32BE(0x2112_a442, 4)
  header.set(transactionId, 8)
  return concatBytes(header, body)
}
