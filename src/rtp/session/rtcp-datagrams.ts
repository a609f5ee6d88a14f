import { serializeRtcp } from '../rtcp/compound.ts'
import type { RtcpPacket } from '../rtcp/types.ts'

/** What a datagram of RTCP may have: with SRTCP, UDP and IPv6 it fits the smallest MTU. */
export const maxRtcpBytes = 1_150

/** Puts RTCP packets into as few datagrams as they fit. */
export class RtcpDatagrams {
  readonly #prefix: Uint8Array
  readonly #done: Uint8Array[] = []
  #parts: Uint8Array[] = []
  #bytes = 0

  /** @param prefix what every datagram begins with that does not begin with a report of its own; empty for reduced size */
  constructor(prefix: readonly RtcpPacket[]) {
    this.#prefix = serializeRtcp(prefix)
  }

  /** Adds packets that must not be parted; `startsCompound` if they can be the first of a datagram. */
  add(packets: readonly RtcpPacket[], startsCompound = false): void {
    const bytes = serializeRtcp(packets)
    if (this.#bytes > 0 && this.#bytes + bytes.length > maxRtcpBytes) this.#flush()
    if (this.#bytes === 0 && !startsCompound) this.#push(this.#prefix)
    this.#push(bytes)
  }

  finish(): readonly Uint8Array[] {
    if (this.#bytes > 0) this.#flush()
    return this.#done
  }

  #push(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#parts.push(bytes)
    this.#bytes += bytes.length
  }

  #flush(): void {
    const [first] = this.#parts
    const datagram = this.#parts.length === 1 && first ? first : new Uint8Array(this.#bytes)
    if (datagram !== first) {
      let at = 0
      for (const part of this.#parts) {
        datagram.set(part, at)
        at += part.length
      }
    }
    this.#done.push(datagram)
    this.#parts = []
    this.#bytes = 0
  }
}
