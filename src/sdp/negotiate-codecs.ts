import { type CodecRole, codecRole, feedbackKey, sameCodec, sameConfiguration, sameEncoding } from './codec-match.ts'
import { codecParameters, withFormatParameter } from './codec-parameters.ts'
import { formatH264ProfileLevelId, lowerH264Level } from './h264-profile.ts'
import type { SdpCodec, SdpFeedback, SdpRtpMedia } from './rtp-description.ts'

/** A codec that both sides have. */
export interface NegotiatedCodec {
  readonly role: CodecRole
  /** As the peer describes it: with the payload type to send with. */
  readonly remote: SdpCodec
  /** As this side describes it. */
  readonly local: SdpCodec
  /** As an answer to the peer describes it: its payload type, our parameters, the feedback of both. */
  readonly answer: SdpCodec
  /** The payload type, of the peer, that retransmissions of this codec have. */
  readonly rtx?: number
}

/**
 * The codecs that both sides have, paired.
 *
 * For an answer, `remote` are the codecs of the offer, and each pair's `answer` is what to write. For an offer of ours
 * that was answered, `remote` are the codecs of the answer and `local` those of the offer: its payload types may differ
 * (RFC 3264 §6.1), ours are what is received, its own are what is sent.
 *
 * `rtx` goes with the codec it repairs, `red` with the codecs it carries: either both sides have both, or it is left
 * out. Several codecs of the peer may be the same as one of ours.
 *
 * @param order whose preferences count. RFC 8829 §5.3.1: ours if the application has set any, the offer's otherwise
 * @returns nothing if there is no media codec among what both have: the section is to be rejected
 */
export function negotiateCodecs(
  remote: readonly SdpCodec[],
  local: readonly SdpCodec[],
  order: 'remote' | 'local' = 'remote',
): readonly NegotiatedCodec[] {
  const pairs = pairUp(remote, local)
  const ordered = order === 'remote' ? inOrder(remote, pairs) : byLocalPreference(remote, local, pairs)
  return ordered.some(({ role }) => role === 'media') ? ordered : []
}

/**
 * The feedback that an answer asks for although the offer has none of its kind, in any codec.
 *
 * RFC 8829 §5.11: if there is any, applying the answer must fail.
 */
export function unofferedFeedback(offer: SdpRtpMedia, answer: SdpRtpMedia): readonly SdpFeedback[] {
  const offered = new Set(offer.codecs.flatMap(codec => codec.feedback.map(feedbackKey)))
  return answer.codecs.flatMap(codec => codec.feedback).filter(feedback => !offered.has(feedbackKey(feedback)))
}

/**
 * The payload types that mean different things in sections that share a transport.
 *
 * RFC 9143 §9.1.1: in a BUNDLE group, each payload type has one codec and one configuration.
 */
export function conflictingPayloadTypes(sections: readonly SdpRtpMedia[]): readonly number[] {
  const known = new Map<number, SdpCodec>()
  const conflicts = new Set<number>()
  for (const codec of sections.flatMap(({ codecs }) => codecs)) {
    const other = known.get(codec.payloadType)
    if (other === undefined) known.set(codec.payloadType, codec)
    else if (!sameConfiguration(other, codec)) conflicts.add(codec.payloadType)
  }
  return [...conflicts]
}

/** The feedback that both want, as the peer writes it. */
function commonFeedback(remote: SdpCodec, local: SdpCodec): SdpFeedback[] {
  const wanted = new Set(local.feedback.map(feedbackKey))
  return remote.feedback.filter(feedback => wanted.has(feedbackKey(feedback)))
}

type Pairs = Map<number, { readonly remote: SdpCodec; readonly local: SdpCodec }>

function pairUp(remote: readonly SdpCodec[], local: readonly SdpCodec[]): Pairs {
  const pairs: Pairs = new Map()
  const pair = (roles: (role: CodecRole) => boolean, fits: (remote: SdpCodec, local: SdpCodec) => boolean): void => {
    for (const codec of remote) {
      if (!roles(codecRole(codec))) continue
      const found = local.find(each => fits(codec, each))
      if (found !== undefined) pairs.set(codec.payloadType, { remote: codec, local: found })
    }
  }
  pair(role => role !== 'rtx' && role !== 'red', sameCodec)
  pair(
    role => role === 'red',
    (a, b) => sameRed(a, b, pairs),
  )
  pair(
    role => role === 'rtx',
    (a, b) => sameRtx(a, b, pairs),
  )
  return pairs
}

/** RFC 4588 §8.1: retransmissions of the same codec. */
function sameRtx(remote: SdpCodec, local: SdpCodec, pairs: Pairs): boolean {
  const [theirs, ours] = [aptOf(remote), aptOf(local)]
  return sameEncoding(remote, local) && theirs !== undefined && pairs.get(theirs)?.local.payloadType === ours
}

/** RFC 2198 §5: redundancy of the same codecs; without a list, of whatever the section has. */
function sameRed(remote: SdpCodec, local: SdpCodec, pairs: Pairs): boolean {
  if (!sameEncoding(remote, local)) return false
  const [theirs, ours] = [carriedBy(remote), carriedBy(local)]
  if (theirs.length === 0 || ours.length === 0) return theirs.length === ours.length
  return theirs.every(payloadType => ours.includes(pairs.get(payloadType)?.local.payloadType ?? -1))
}

function inOrder(remote: readonly SdpCodec[], pairs: Pairs): NegotiatedCodec[] {
  const repairs = new Map<number, number>()
  for (const codec of remote) {
    const apt = aptOf(codec)
    if (apt !== undefined && pairs.has(codec.payloadType)) repairs.set(apt, codec.payloadType)
  }
  return remote.flatMap(({ payloadType }) => {
    const pair = pairs.get(payloadType)
    if (pair === undefined) return []
    const rtx = repairs.get(payloadType)
    const role = codecRole(pair.remote)
    return [{ role, ...pair, answer: answerCodec(pair.remote, pair.local), ...(rtx === undefined ? {} : { rtx }) }]
  })
}

/** Each codec at the place that its local equivalent has, with its retransmissions right behind it. */
function byLocalPreference(remote: readonly SdpCodec[], local: readonly SdpCodec[], pairs: Pairs): NegotiatedCodec[] {
  const ranks = new Map(local.map((codec, index) => [codec.payloadType, index]))
  const rank = (codec: SdpCodec): number => ranks.get(codec.payloadType) ?? local.length
  const codecs = inOrder(remote, pairs)
  const byPayloadType = new Map(codecs.map(codec => [codec.remote.payloadType, codec]))
  const primary = codecs.filter(({ role }) => role !== 'rtx').sort((a, b) => rank(a.local) - rank(b.local))
  return primary.flatMap(codec => {
    const rtx = codec.rtx === undefined ? undefined : byPayloadType.get(codec.rtx)
    return rtx === undefined ? [codec] : [codec, rtx]
  })
}

function answerCodec(remote: SdpCodec, local: SdpCodec): SdpCodec {
  const fmtp = answerFormat(remote, local)
  return {
    payloadType: remote.payloadType,
    name: remote.name,
    clockRate: remote.clockRate,
    ...(remote.channels === undefined ? {} : { channels: remote.channels }),
    ...(fmtp === undefined ? {} : { fmtp }),
    feedback: commonFeedback(remote, local),
  }
}

/** The parameters of this side, but where they are about both, or about payload types of the peer. */
function answerFormat(remote: SdpCodec, local: SdpCodec): string | undefined {
  const [theirs, ours] = [codecParameters(remote), codecParameters(local)]
  if (theirs.codec === 'rtx') return withFormatParameter(local.fmtp ?? '', 'apt', String(theirs.apt))
  if (theirs.codec === 'red') return remote.fmtp
  if (theirs.codec !== 'h264' || ours.codec !== 'h264') return local.fmtp
  if (theirs.profileLevel === undefined || ours.profileLevel === undefined) return local.fmtp
  // RFC 6184 §8.2.2: unless both allow asymmetry, the level is for both directions, and may only be lowered.
  const { level } = ours.profileLevel
  const both = lowerH264Level(level, theirs.profileLevel.level)
  if (both === level || (theirs.levelAsymmetryAllowed && ours.levelAsymmetryAllowed)) return local.fmtp
  const id = formatH264ProfileLevelId({ profile: ours.profileLevel.profile, level: both })
  return withFormatParameter(local.fmtp ?? '', 'profile-level-id', id)
}

function aptOf(codec: SdpCodec): number | undefined {
  const parameters = codecParameters(codec)
  return parameters.codec === 'rtx' ? parameters.apt : undefined
}

function carriedBy(codec: SdpCodec): readonly number[] {
  const parameters = codecParameters(codec)
  return parameters.codec === 'red' ? parameters.payloadTypes : []
}
