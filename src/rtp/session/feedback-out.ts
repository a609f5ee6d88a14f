import type { RtcpPacket } from '../rtcp/types.ts'
import type { InboundStream } from './inbound-stream.ts'
import type { Receiving } from './receiving.ts'

/** Packets that one NACK asks for: at worst four bytes each, so that it fits a datagram with a report. */
const maxNackPackets = 200

/** What is to be told to the senders, beside reports: missing packets, keyframes, arrivals, bit rates. */
export class FeedbackOut {
  readonly #receiving: Receiving
  #remb: number | undefined

  constructor(receiving: Receiving) {
    this.#receiving = receiving
  }

  /** When there is something to tell; infinite: nothing. */
  dueAt(): number {
    if (this.#remb !== undefined) return Number.NEGATIVE_INFINITY
    const { nackAt, keyframeAt, arrivals, remb } = this.#receiving
    return Math.min(
      nackAt,
      keyframeAt,
      arrivals.pollTimeout() ?? Number.POSITIVE_INFINITY,
      remb.pollTimeout() ?? Number.POSITIVE_INFINITY,
    )
  }

  handleTimeout(now: number): void {
    this.#receiving.remb.handleTimeout(now)
    this.noteRemb()
  }

  /** The estimate of what the peer may send, if it is to be told. */
  noteRemb(): void {
    const event = this.#receiving.remb.pollEvent()
    if (event) this.#remb = event.bitrate
  }

  /** All that is due, each to fit a datagram. */
  take(senderSsrc: number, now: number): readonly RtcpPacket[] {
    const receiving = this.#receiving
    const packets: RtcpPacket[] = []
    let first: InboundStream | undefined
    receiving.nackAt = Number.POSITIVE_INFINITY
    receiving.keyframeAt = Number.POSITIVE_INFINITY
    for (const stream of receiving.streams.values()) {
      if (stream.endedAt !== undefined) continue
      first ??= stream
      pushNacks(packets, senderSsrc, stream, now)
      pushKeyframeRequest(packets, senderSsrc, stream, now)
      receiving.nackAt = Math.min(receiving.nackAt, stream.nackAt)
      receiving.keyframeAt = Math.min(receiving.keyframeAt, stream.keyframeAt ?? Number.POSITIVE_INFINITY)
    }
    const arrivals = receiving.arrivals.take(first?.ssrc ?? 0)
    for (const feedback of arrivals) packets.push({ ...feedback, senderSsrc })
    if (this.#remb !== undefined) {
      const ssrcs: number[] = []
      for (const stream of receiving.streams.values()) if (stream.lastCodec?.remb) ssrcs.push(stream.ssrc)
      // draft-alvestrand-rmcat-remb-03 §2.2: the SSRC of the media source is zero, for the streams are named behind.
      packets.push({ type: 'remb', senderSsrc, mediaSsrc: 0, bitrate: this.#remb, ssrcs: ssrcs.slice(0, maxRembSsrcs) })
      this.#remb = undefined
    }
    return packets
  }
}

/** Streams that a REMB names. */
const maxRembSsrcs = 100

function pushNacks(packets: RtcpPacket[], senderSsrc: number, stream: InboundStream, now: number): void {
  const missing = stream.takeMissing(now)
  for (let at = 0; at < missing.length; at += maxNackPackets) {
    const sequenceNumbers = missing.slice(at, at + maxNackPackets)
    packets.push({ type: 'nack', senderSsrc, mediaSsrc: stream.ssrc, sequenceNumbers })
  }
}

function pushKeyframeRequest(packets: RtcpPacket[], senderSsrc: number, stream: InboundStream, now: number): void {
  if (!stream.takeKeyframeRequest(now)) return
  const { ssrc } = stream
  if (stream.lastCodec?.pli) {
    stream.pliCount++
    packets.push({ type: 'pli', senderSsrc, mediaSsrc: ssrc })
  } else if (stream.lastCodec?.fir) {
    stream.firCount++
    // RFC 5104 §4.3.1.1: one more for each new request; §4.3.1.2: the SSRC of the media source is zero.
    stream.firSequence = (stream.firSequence + 1) & 0xff
    const requests = [{ ssrc, sequenceNumber: stream.firSequence }]
    packets.push({ type: 'fir', senderSsrc, mediaSsrc: 0, requests })
  }
}
