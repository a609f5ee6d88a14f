import type { TransportAddress } from '../base/address.ts'

/** DTLS packets that arrive before the remote description are kept, not dropped; no more than this many. */
export const maxEarlyPackets = 16

/** A packet of an association that is not there yet, and where it came from. */
export interface EarlyPacket {
  readonly data: Uint8Array
  readonly local: TransportAddress
  readonly remote: TransportAddress
}

/** What waits for the next DTLS association: the peer may be ahead of its description. RFC 8842 §5.2 */
export class EarlyPackets {
  #packets: EarlyPacket[] = []

  /** @returns false if there is no room */
  keep(packet: EarlyPacket): boolean {
    if (this.#packets.length >= maxEarlyPackets) return false
    this.#packets.push(packet)
    return true
  }

  /** Gives all of them back, in order. */
  take(): readonly EarlyPacket[] {
    const packets = this.#packets
    this.#packets = []
    return packets
  }
}

const handshakeContent = 22
const clientHello = 1

/**
 * Whether a record begins a handshake, which only the peer of another association does once there is one.
 *
 * RFC 6347 §4.1 and §4.2.2: content type, epoch 0, and behind the record header the type of the message
 */
export function isClientHello(data: Uint8Array): boolean {
  return data[0] === handshakeContent && data[3] === 0 && data[4] === 0 && data[13] === clientHello
}
