/** RFC 8656 §12, table 2: the numbers that a channel may have. */
export const firstChannel = 0x4000
export const lastChannel = 0x4fff

/** The most data that one ChannelData message carries, in bytes: its length field has 16 bits. */
export const maxChannelDataBytes = 0xffff

const headerLength = 4
const alignment = 4

/**
 * A ChannelData message in a buffer of its own. RFC 8656 §12.4.
 *
 * @param data at most {@link maxChannelDataBytes} bytes; copied
 * @param padded whether it goes over a byte stream
 */
export function encodeChannelData(channel: number, data: Uint8Array, padded: boolean): Uint8Array {
  const end = headerLength + data.length
  // RFC 8656 §12.5: over TCP and TLS a multiple of four bytes, which the length field says nothing about
  const padding = padded ? -end & (alignment - 1) : 0
  const message = Buffer.allocUnsafe(end + padding)
  message.writeUInt16BE(channel, 0)
  message.writeUInt16BE(data.length, 2)
  message.set(data, headerLength)
  // What the allocator left there is nobody else's business.
  if (padding > 0) message.fill(0, end)
  return message
}

/** Whether the first byte of a message from a server makes it ChannelData. RFC 8656 §12, table 3. */
export function isChannelData(message: Uint8Array): boolean {
  return ((message[0] ?? 0) & 0xf0) === 0x40
}

/** The channel number of a message for which {@link isChannelData} holds. */
export function channelOf(message: Uint8Array): number {
  return ((message[0] ?? 0) << 8) | (message[1] ?? 0)
}

/**
 * What a ChannelData message carries: a view of it. Undefined if it is shorter than it says, or longer than padding
 * explains.
 */
export function channelPayload(message: Uint8Array): Uint8Array | undefined {
  const end = headerLength + (((message[2] ?? 0) << 8) | (message[3] ?? 0))
  // RFC 8656 §12.6: too short for the length that it claims
  if (message.length < end) return undefined
  // RFC 8656 §12.5: over UDP padding is not required, but allowed
  if (message.length - end >= alignment) return undefined
  return message.subarray(headerLength, end)
}
