import type { DescribedStream, SessionCodec, SessionEncoding, SessionSection } from '../../../rtp/session/types.ts'
import {
  agreedHeaderExtensions,
  codecParameters,
  type NegotiatedCodec,
  negotiateCodecs,
  receives,
  repairedSources,
  type SdpBandwidth,
  type SdpCodec,
  type SdpDirection,
  type SdpMedia,
  type SdpRtpMedia,
  type SdpSession,
  sends,
} from '../../../sdp/index.ts'
import { toCodecParameters } from '../codecs.ts'
import type { NegotiatedSection, TransceiverSlots } from '../slots.ts'
import type { TransceiverRecord } from './media-state.ts'
import { sentExtensions, settleExtensions } from './section-extensions.ts'

/** The descriptions of a section, and where its media goes, as this side sees it. */
export interface SectionPair {
  readonly mid: string
  readonly local: SdpRtpMedia
  readonly remote: SdpRtpMedia
  readonly direction: SdpDirection
  /** The answer is not a provisional one. */
  readonly isFinal: boolean
  /** Where the peer's section is from. */
  readonly remoteSession: SdpSession
  readonly remoteSection: SdpMedia
}

/**
 * RFC 8829 §5.11: what offer and answer have come to; sender and receiver have it in their slots.
 *
 * What is received has the payload types of our description, what is sent those of the peer's.
 */
export function settleSection(record: TransceiverRecord, pair: SectionPair): void {
  const { slots } = record
  const { local, remote, direction } = pair
  const codecs = negotiateCodecs(remote.codecs, local.codecs).filter(isCarried)
  const extensions = agreedHeaderExtensions(local.headerExtensions, remote.headerExtensions)
  if (pair.isFinal) settleExtensions(slots, extensions)
  // webrtc-pc §4.4.1.4, steps 4.6.11.1.7.2 and 4.6.11.2.14.1
  slots.sender.codecs = primary(codecs).map(codec => toCodecParameters(slots.kind, codec.remote))
  slots.sender.headerExtensions = sentExtensions(extensions)
  const send = sends(direction) ? primary(codecs).map(each => sessionCodec(slots, each, each.remote, each.rtx)) : []
  const rtp: SessionSection = {
    mid: pair.mid,
    kind: slots.kind,
    extensions: extensions.map(({ id, uri }) => ({ id, uri })),
    receive: receives(direction) ? receivedCodecs(slots, codecs) : [],
    describedStreams: receives(direction) ? describedStreams(remote) : [],
    send,
    // A stream that is on hold goes on later, and says so by RTCP meanwhile: RFC 8829 §5.11.
    encodings: sends(direction) || record.hasSent ? encodings(slots, pair, codecs) : [],
    reducedSizeRtcp: local.rtcpRsize && remote.rtcpRsize,
  }
  slots.negotiated = { mid: pair.mid, rtp, local, remote, ...limitsOf(pair) }
}

type Limits = Pick<NegotiatedSection, 'maxBitrate' | 'maxTotalBitrate'>

/** RFC 8829 §5.10: b=TIAS or b=AS of a section, b=CT of the session; each means nothing where the other belongs. */
function limitsOf({ remoteSession, remoteSection }: SectionPair): Limits {
  const maxBitrate = maxBitrateOf(remoteSection.bandwidths ?? [])
  const total = remoteSession.bandwidths?.find(({ type }) => type === 'CT')
  return {
    ...(maxBitrate === undefined ? {} : { maxBitrate }),
    ...(total === undefined ? {} : { maxTotalBitrate: total.value * 1_000 }),
  }
}

/** RFC 8829 §5.10: what the peer takes at most, in bits per second; TIAS is better than AS, which headers are part of. */
function maxBitrateOf(bandwidths: readonly SdpBandwidth[]): number | undefined {
  const limit = bandwidths.find(({ type }) => type === 'TIAS')
  if (limit !== undefined) return limit.value
  const specific = bandwidths.find(({ type }) => type === 'AS')
  return specific && Math.max(0, Math.floor(specific.value * 1_000 * 0.95 - 50 * 40 * 8))
}

/**
 * RFC 8829 §5.9: what can be received once an offer of ours is applied: what it has, besides what was negotiated before
 * (webrtc-pc §4.4.2 setLocalDescription: both descriptions are in use until an answer comes).
 */
export function widenSection(slots: TransceiverSlots, offer: SdpRtpMedia, direction: SdpDirection): void {
  const { negotiated } = slots
  if (negotiated === undefined || !receives(direction)) return
  const { rtp } = negotiated
  const codecs = primary(negotiateCodecs(offer.codecs, offer.codecs).filter(isCarried))
  const known = new Set(rtp.receive.map(({ payloadType }) => payloadType))
  const added = codecs.filter(({ local }) => !known.has(local.payloadType))
  const more = added.map(each => sessionCodec(slots, each, each.local, each.rtx))
  slots.negotiated = { ...negotiated, rtp: { ...rtp, receive: [...rtp.receive, ...more] } }
}

/** Media that is carried, and retransmissions of it. */
function isCarried({ role }: NegotiatedCodec): boolean {
  return role === 'media' || role === 'telephone-event' || role === 'comfort-noise' || role === 'rtx'
}

function primary(codecs: readonly NegotiatedCodec[]): readonly NegotiatedCodec[] {
  return codecs.filter(({ role }) => role !== 'rtx')
}

/** With our payload types, each once: several codecs of the peer may be one of ours. */
function receivedCodecs(slots: TransceiverSlots, codecs: readonly NegotiatedCodec[]): readonly SessionCodec[] {
  const repairs = new Map<number | undefined, number>()
  for (const { role, local } of codecs) if (role === 'rtx') repairs.set(repairedBy(local), local.payloadType)
  const received = new Map<number, SessionCodec>()
  for (const codec of primary(codecs)) {
    const { payloadType } = codec.local
    if (!received.has(payloadType)) {
      received.set(payloadType, sessionCodec(slots, codec, codec.local, repairs.get(payloadType)))
    }
  }
  return [...received.values()]
}

function sessionCodec(
  { kind }: TransceiverSlots,
  { local, remote }: NegotiatedCodec,
  described: SdpCodec,
  rtx: number | undefined,
): SessionCodec {
  const has = (type: string, parameter?: string): boolean =>
    [local, remote].every(codec => codec.feedback.some(each => each.type === type && each.parameter === parameter))
  return {
    payloadType: described.payloadType,
    mimeType: `${kind}/${local.name}`,
    clockRate: described.clockRate,
    rtx,
    nack: has('nack'),
    pli: has('nack', 'pli'),
    fir: has('ccm', 'fir'),
    transportCc: has('transport-cc'),
    remb: has('goog-remb'),
  }
}

/** RFC 5576: the sources that the peer names, each with that of its retransmissions. */
function describedStreams(remote: SdpRtpMedia): readonly DescribedStream[] {
  const repaired = repairedSources(remote)
  const repairs = new Map([...repaired].map(([repair, original]) => [original, repair]))
  const originals = remote.sources.filter(({ ssrc }) => !repaired.has(ssrc))
  return originals.map(({ ssrc }) => ({ ssrc, rtxSsrc: repairs.get(ssrc) }))
}

function encodings(
  slots: TransceiverSlots,
  { local, remote }: SectionPair,
  codecs: readonly NegotiatedCodec[],
): readonly SessionEncoding[] {
  const isRepaired = codecs.some(({ role }) => role === 'rtx')
  // RFC 8851 §6.4: a rid that both descriptions have
  const agreed = new Set(local.rids.filter(({ id }) => remote.rids.some(each => each.id === id)).map(({ id }) => id))
  return slots.sender.encodings.map(({ ssrc, rtxSsrc, parameters: { rid } }) => ({
    ssrc,
    rtxSsrc: isRepaired ? rtxSsrc : undefined,
    rid: rid !== undefined && agreed.has(rid) ? rid : undefined,
  }))
}

function repairedBy(codec: SdpCodec): number | undefined {
  const parameters = codecParameters(codec)
  return parameters.codec === 'rtx' ? parameters.apt : undefined
}
