import { codecParameters, formatParameters } from './codec-parameters.ts'
import type { SdpCodec, SdpFeedback } from './rtp-description.ts'

/** What a codec is for: media of its own, or a service to others. */
export type CodecRole = 'media' | 'rtx' | 'red' | 'fec' | 'telephone-event' | 'comfort-noise'

const roles: ReadonlyMap<string, CodecRole> = new Map<string, CodecRole>([
  ['rtx', 'rtx'],
  ['red', 'red'],
  ['ulpfec', 'fec'],
  ['flexfec', 'fec'],
  ['flexfec-03', 'fec'],
  ['telephone-event', 'telephone-event'],
  ['cn', 'comfort-noise'],
])

export function codecRole(codec: SdpCodec): CodecRole {
  return roles.get(codec.name.toLowerCase()) ?? 'media'
}

/** Whether two codecs have the same name, clock rate and channels. RFC 8866 §6.6: names in any case, one channel by default. */
export function sameEncoding(a: SdpCodec, b: SdpCodec): boolean {
  return (
    a.name.toLowerCase() === b.name.toLowerCase() &&
    a.clockRate === b.clockRate &&
    (a.channels ?? 1) === (b.channels ?? 1)
  )
}

/**
 * Whether media in the one codec is media in the other: the same encoding, and the same in what its parameters leave no
 * choice about. Payload types do not count; nor do those that `rtx` and `red` refer to (see `negotiateCodecs`).
 */
export function sameCodec(a: SdpCodec, b: SdpCodec): boolean {
  return sameEncoding(a, b) && sameStream(a, b)
}

/** Whether one payload type can stand for both: the same codec, and the same payload types that it refers to. */
export function sameConfiguration(a: SdpCodec, b: SdpCodec): boolean {
  if (!sameCodec(a, b)) return false
  const [left, right] = [codecParameters(a), codecParameters(b)]
  if (left.codec === 'rtx' && right.codec === 'rtx') return left.apt === right.apt
  return left.codec !== 'red' || sameFormat(a.fmtp, b.fmtp)
}

/** Whether two a=fmtp texts say the same, whatever the order of their parameters. */
export function sameFormat(a: string | undefined, b: string | undefined): boolean {
  if (a === b) return true
  const [left, right] = [formatParameters(a ?? ''), formatParameters(b ?? '')]
  if (left.size !== right.size) return false
  for (const [name, value] of left) if (right.get(name) !== value) return false
  return true
}

export function sameFeedback(a: SdpFeedback, b: SdpFeedback): boolean {
  return feedbackKey(a) === feedbackKey(b)
}

export function feedbackKey({ type, parameter = '' }: SdpFeedback): string {
  return `${type} ${parameter}`.toLowerCase()
}

function sameStream(a: SdpCodec, b: SdpCodec): boolean {
  const [left, right] = [codecParameters(a), codecParameters(b)]
  // RFC 6184 §8.2.2: profile and packetization-mode are symmetric, the level may be lowered.
  if (left.codec === 'h264' && right.codec === 'h264') {
    return (
      left.profileLevel !== undefined &&
      left.profileLevel.profile === right.profileLevel?.profile &&
      left.packetizationMode === right.packetizationMode
    )
  }
  // draft-ietf-payload-vp9 §6.1: a stream is of one profile; its absence means 0.
  if (left.codec === 'vp9' && right.codec === 'vp9') return left.profileId === right.profileId
  // The level and the tier of AV1 are what a receiver can take, the profile is what the stream is.
  if (left.codec === 'av1' && right.codec === 'av1') return left.profile === right.profile
  if (a.name.toLowerCase() === 'h265') return sameH265(formatParameters(a.fmtp ?? ''), formatParameters(b.fmtp ?? ''))
  return true
}

/** RFC 7798 §7.2.2: these are symmetric. */
function sameH265(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  const defaults = [
    ['profile-space', '0'],
    ['profile-id', '1'],
    ['tx-mode', 'SRST'],
  ] as const
  return defaults.every(([name, usual]) => (a.get(name) ?? usual) === (b.get(name) ?? usual))
}
