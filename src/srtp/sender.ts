import { rtpHeaderLength } from '../rtp/packet.ts'
import { read16, read32 } from '../rtp/wire.ts'
import { cryptexClearLength, SrtpContext, type SrtpParameters } from './context.ts'
import { maxPacketLength } from './counter-mode.ts'
import { canUseCryptex, cryptexGrowth, hasExtension, markEncrypted } from './cryptex.ts'
import type { SrtpDrop } from './drops.ts'
import type { MasterKey } from './key-derivation.ts'
import { maxRtcpIndex, maxRtpIndex } from './packet-index.ts'
import { Stream, type StreamPosition } from './streams.ts'
import { rtcpClearLength } from './transform.ts'

/** Protects packets in place, in arrays with room behind them: the sending half of a session. */
export class SrtpSender {
  /** Bytes that an RTP packet grows by, at most. */
  readonly rtpOverhead: number
  /** The same of a packet with header extensions, or without CSRCs. */
  readonly rtpTrailerLength: number
  /** Bytes that a compound RTCP packet grows by. */
  readonly rtcpOverhead: number
  /** Whether packets are enciphered as RFC 9335 has it, where the parameters have room for it. */
  cryptex: boolean
  readonly #context: SrtpContext
  #exhausted = false

  constructor(parameters: SrtpParameters, master: MasterKey) {
    this.#context = new SrtpContext(parameters, master)
    this.cryptex = parameters.cryptex
    this.rtpTrailerLength = this.#context.transform.rtpOverhead
    this.rtpOverhead = this.rtpTrailerLength + (parameters.cryptex ? cryptexGrowth : 0)
    this.rtcpOverhead = this.#context.transform.rtcpOverhead
  }

  get streamCount(): number {
    return this.#context.streams.size
  }

  /**
   * @param packet with {@link rtpOverhead} bytes of room behind the `length` bytes of the packet; with
   *   {@link rtpTrailerLength} it stays in clear if it would have to grow to be enciphered
   * @returns the length of the protected packet; or why there is none, and then nothing has changed
   */
  protectRtp(packet: Uint8Array, length: number): number | SrtpDrop {
    const context = this.#context
    if (length > maxPacketLength) return 'malformed'
    const headerLength = rtpHeaderLength(length === packet.length ? packet : packet.subarray(0, length))
    if (headerLength < 0) return 'malformed'
    const ssrc = read32(packet, 8)
    const known = context.streams.get(ssrc)
    const refused = this.#refusal(known)
    if (refused) return refused
    const stream = known ?? new Stream()
    const index = stream.rtpIndex(read16(packet, 2))
    if (index > maxRtpIndex) return this.#exhaust()
    // RFC 3711 §9.1, RFC 7714 §8.4: an index never serves twice. Below zero would be before the first one.
    if (index < 0 || !stream.rtp.isFresh(index)) return 'index-reused'
    stream.rtp.accept(index)
    if (!known) context.streams.add(ssrc, stream)
    return this.#seal(packet, length, headerLength, ssrc, index)
  }

  /**
   * @param packet with {@link rtcpOverhead} bytes of room behind the `length` bytes of the compound packet
   * @returns as {@link protectRtp}
   */
  protectRtcp(packet: Uint8Array, length: number): number | SrtpDrop {
    const { streams, transform } = this.#context
    if (length < rtcpClearLength || length > maxPacketLength || (packet[0] as number) >>> 6 !== 2) return 'malformed'
    const ssrc = read32(packet, 4)
    const known = streams.get(ssrc)
    const refused = this.#refusal(known)
    if (refused) return refused
    const stream = known ?? new Stream()
    const index = stream.nextRtcpIndex
    if (index > maxRtcpIndex) return this.#exhaust()
    stream.nextRtcpIndex = index + 1
    if (!known) streams.add(ssrc, stream)
    transform.sealRtcp(packet, length, ssrc, index)
    return length + transform.rtcpOverhead
  }

  resume(ssrc: number, position: StreamPosition): void {
    this.#context.streams.resume(ssrc, position)
  }

  wipe(): void {
    this.#context.wipe()
  }

  #refusal(known: Stream | undefined): SrtpDrop | undefined {
    if (this.#exhausted) return 'key-exhausted'
    return known === undefined && this.#context.streams.isFull ? 'too-many-streams' : undefined
  }

  /** RFC 3711 §9.2: the stream that runs out first, of RTP or of RTCP, ends the use of the key for all. */
  #exhaust(): SrtpDrop {
    this.#exhausted = true
    return 'key-exhausted'
  }

  #seal(packet: Uint8Array, length: number, headerLength: number, ssrc: number, index: number): number {
    const { extensions, layout, transform } = this.#context
    layout.ssrc = ssrc
    layout.index = index
    layout.end = length
    layout.clearLength = headerLength
    layout.movedLength = 0
    if (this.cryptex && canUseCryptex(packet) && (hasExtension(packet) || packet.length - length >= this.rtpOverhead)) {
      layout.end = markEncrypted(packet, length)
      layout.clearLength = cryptexClearLength
      layout.movedLength = 4 * ((packet[0] as number) & 0x0f)
    } else if (extensions) {
      extensions.apply(packet, headerLength, ssrc, index)
    }
    transform.sealRtp(packet, layout)
    return layout.end + transform.rtpOverhead
  }
}
