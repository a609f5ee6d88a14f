import { rtpHeaderLength } from '../rtp/packet.ts'
import { read16, read32 } from '../rtp/wire.ts'
import { cryptexClearLength, SrtpContext, type SrtpParameters } from './context.ts'
import { maxPacketLength } from './counter-mode.ts'
import { isCryptex, markPlain } from './cryptex.ts'
import type { SrtpDrop } from './drops.ts'
import { IndexWindow } from './index-window.ts'
import type { MasterKey } from './key-derivation.ts'
import { maxRtpIndex } from './packet-index.ts'
import { Stream, type StreamPosition } from './streams.ts'
import { encryptedFlag, rtcpClearLength } from './transform.ts'

/** Takes the protection from packets in place: the receiving half of a session. Nothing changes before the tag has fitted. */
export class SrtpReceiver {
  readonly #context: SrtpContext

  constructor(parameters: SrtpParameters, master: MasterKey) {
    this.#context = new SrtpContext(parameters, master)
  }

  get streamCount(): number {
    return this.#context.streams.size
  }

  /** @returns the length of the plain packet; or why there is none, and then nothing has changed */
  unprotectRtp(packet: Uint8Array): number | SrtpDrop {
    const { streams, transform } = this.#context
    const headerLength = rtpHeaderLength(packet)
    const end = packet.length - transform.rtpOverhead
    if (headerLength < 0 || headerLength > end || packet.length > maxPacketLength) return 'malformed'
    if (!transform.hasMki(packet, 'rtp')) return 'unknown-mki'
    const ssrc = read32(packet, 8)
    const known = streams.get(ssrc)
    if (known === undefined && streams.isFull) return 'too-many-streams'
    const sequenceNumber = read16(packet, 2)
    const index = known === undefined ? sequenceNumber : known.rtpIndex(sequenceNumber)
    if (index > maxRtpIndex) return 'key-exhausted'
    // RFC 3711 §3.3.2: checked before the tag, which costs more; moved after it.
    if (index < 0 || known?.rtp.isFresh(index) === false) return 'replayed'
    if (!this.#open(packet, headerLength, end, ssrc, index)) return 'bad-tag'
    const stream = known ?? new Stream()
    stream.rtp.accept(index)
    if (known === undefined) streams.add(ssrc, stream)
    return end
  }

  /** @returns as {@link unprotectRtp} */
  unprotectRtcp(packet: Uint8Array): number | SrtpDrop {
    const { streams, transform } = this.#context
    const end = packet.length - transform.rtcpOverhead
    if (end < rtcpClearLength || packet.length > maxPacketLength || (packet[0] as number) >>> 6 !== 2)
      return 'malformed'
    if (!transform.hasMki(packet, 'rtcp')) return 'unknown-mki'
    const ssrc = read32(packet, 4)
    const known = streams.get(ssrc)
    if (known === undefined && streams.isFull) return 'too-many-streams'
    const word = read32(packet, transform.rtcpWordAt(packet.length))
    const index = word >= encryptedFlag ? word - encryptedFlag : word
    if (known?.rtcp?.isFresh(index) === false) return 'replayed'
    if (!transform.openRtcp(packet, end, ssrc, word)) return 'bad-tag'
    const stream = known ?? new Stream()
    stream.rtcp ??= new IndexWindow()
    stream.rtcp.accept(index)
    if (known === undefined) streams.add(ssrc, stream)
    return end
  }

  resume(ssrc: number, position: StreamPosition): void {
    this.#context.streams.resume(ssrc, position)
  }

  wipe(): void {
    this.#context.wipe()
  }

  #open(packet: Uint8Array, headerLength: number, end: number, ssrc: number, index: number): boolean {
    const { cryptex, extensions, layout, transform } = this.#context
    const usesCryptex = cryptex && isCryptex(packet)
    layout.ssrc = ssrc
    layout.index = index
    layout.end = end
    layout.clearLength = usesCryptex ? cryptexClearLength : headerLength
    layout.movedLength = usesCryptex ? 4 * ((packet[0] as number) & 0x0f) : 0
    if (!transform.openRtp(packet, layout)) return false
    // RFC 9335 §5: a packet has its extensions enciphered the one way or the other.
    if (usesCryptex) markPlain(packet)
    else extensions?.apply(packet, headerLength, ssrc, index)
    return true
  }
}
