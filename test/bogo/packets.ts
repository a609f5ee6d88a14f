/**
 * The runner talks to a shim over TCP. For DTLS, what goes there are packets and orders, each behind a letter:
 *
 *     P length(4) bytes    a datagram, in both directions
 *     T nanoseconds(8)     so much time has passed without a packet; answered with `t`
 *     M bytes(4)           the path carries datagrams of this size from now on
 *     E nanoseconds(8)     the timer must now be set to this; all bits set: to nothing
 */
export type Order =
  | { readonly kind: 'packet'; readonly datagram: Uint8Array }
  | { readonly kind: 'timeout'; readonly ms: number }
  | { readonly kind: 'mtu'; readonly mtu: number }
  | { readonly kind: 'expect-timeout'; readonly ms: number | undefined }

const letters = { packet: 0x50, timeout: 0x54, timeoutAck: 0x74, mtu: 0x4d, expectTimeout: 0x45 } as const
const noTimeout = 2n ** 64n - 1n

/** Takes the stream apart. */
export class OrderReader {
  #bytes: Buffer = Buffer.alloc(0)

  push(bytes: Uint8Array): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes])
  }

  /** The next order, once it is there in full. */
  next(): Order | undefined {
    const bytes = this.#bytes
    const letter = bytes[0]
    if (letter === undefined) return undefined
    const headerLength = letter === letters.packet || letter === letters.mtu ? 5 : 9
    if (bytes.length < headerLength) return undefined
    switch (letter) {
      case letters.packet: {
        const end = headerLength + bytes.readUInt32BE(1)
        if (bytes.length < end) return undefined
        this.#bytes = bytes.subarray(end)
        return { kind: 'packet', datagram: bytes.subarray(headerLength, end) }
      }
      case letters.timeout:
        this.#bytes = bytes.subarray(headerLength)
        return { kind: 'timeout', ms: milliseconds(bytes.readBigUInt64BE(1)) }
      case letters.mtu:
        this.#bytes = bytes.subarray(headerLength)
        return { kind: 'mtu', mtu: bytes.readUInt32BE(1) }
      case letters.expectTimeout: {
        this.#bytes = bytes.subarray(headerLength)
        const duration = bytes.readBigUInt64BE(1)
        return { kind: 'expect-timeout', ms: duration === noTimeout ? undefined : milliseconds(duration) }
      }
      default:
        throw new Error(`the runner sent the unknown order ${letter}`)
    }
  }
}

export function encodePacket(datagram: Uint8Array): Uint8Array {
  const header = Buffer.alloc(5)
  header[0] = letters.packet
  header.writeUInt32BE(datagram.length, 1)
  return Buffer.concat([header, datagram])
}

export const timeoutAck: Uint8Array = Uint8Array.of(letters.timeoutAck)

function milliseconds(nanoseconds: bigint): number {
  return Number(nanoseconds) / 1e6
}
