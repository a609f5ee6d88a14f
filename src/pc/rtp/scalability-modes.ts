import type { MediaKind } from '../media/track-signal.ts'
import { codecCapabilities } from './codecs.ts'
import type { RTCRtpCodec, RTCRtpEncodingParameters } from './parameters.ts'

/** webrtc-svc §5: what codecs with temporal layers alone can do. */
const temporal = ['L1T1', 'L1T2', 'L1T3'] as const

/** webrtc-svc §5: what VP9 and AV1 can do besides. */
const spatial = [
  ...['L2T1', 'L2T2', 'L2T3', 'L3T1', 'L3T2', 'L3T3'],
  ...['L2T1h', 'L2T2h', 'L2T3h', 'L3T1h', 'L3T2h', 'L3T3h'],
  ...['S2T1', 'S2T2', 'S2T3', 'S2T1h', 'S2T2h', 'S2T3h', 'S3T1', 'S3T2', 'S3T3', 'S3T1h', 'S3T2h', 'S3T3h'],
  // §9 draws L2T1_KEY, which the table of §5 has forgotten.
  ...['L2T1_KEY', 'L2T2_KEY', 'L2T2_KEY_SHIFT', 'L2T3_KEY', 'L2T3_KEY_SHIFT'],
  ...['L3T1_KEY', 'L3T2_KEY', 'L3T2_KEY_SHIFT', 'L3T3_KEY', 'L3T3_KEY_SHIFT'],
] as const

const temporalModes: ReadonlySet<string> = new Set(temporal)
const allModes: ReadonlySet<string> = new Set([...temporal, ...spatial])

/** The modes of each codec by its MIME type; what is in none of them carries no pictures. */
const modes: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['video/vp8', temporalModes],
  ['video/h264', temporalModes],
  ['video/vp9', allModes],
  ['video/av1', allModes],
])

/** What an encoding falls back to whose codec cannot do what was asked for: webrtc-svc §4.2.2, no scalability at all. */
const plainMode = 'L1T1'

/**
 * webrtc-svc §4.2.1 and §4.2.2: the validation steps for `scalabilityMode`.
 *
 * @param sendCodecs [[SendCodecs]]; empty before there are any
 * @returns what is wrong with the encodings
 */
export function scalabilityObstacle(
  kind: MediaKind,
  encodings: readonly RTCRtpEncodingParameters[],
  sendCodecs: readonly RTCRtpCodec[],
): string | undefined {
  const active = encodings.filter(({ active: isActive }) => isActive !== false)
  for (const encoding of encodings) {
    const { scalabilityMode: mode } = encoding
    if (mode === undefined) continue
    if (!codecsOf(kind, encoding, sendCodecs).some(codec => supports(codec, mode))) {
      return `the scalability mode ${mode} is not one of the codec`
    }
    // §4.2.1, step 3: several encodings on streams of their own, or all on one stream, and not both
    if (mode.startsWith('S') && active.includes(encoding) && active.length > 1) {
      return `the scalability mode ${mode} cannot be had together with other encodings`
    }
  }
  return undefined
}

/** webrtc-svc §4.2.3: what an encoding is to have once its codec is known; undefined: what it has. */
export function fallbackMode(
  encoding: RTCRtpEncodingParameters,
  sendCodecs: readonly RTCRtpCodec[],
): string | undefined {
  const { scalabilityMode: mode } = encoding
  const [codec] = codecsOf('video', encoding, sendCodecs)
  if (mode === undefined || sendCodecs.length === 0 || codec === undefined || supports(codec, mode)) return undefined
  return plainMode
}

/** Those that the encoding may be sent with: the one it has chosen, the one that is negotiated, or any. */
function codecsOf(
  kind: MediaKind,
  { codec }: RTCRtpEncodingParameters,
  sendCodecs: readonly RTCRtpCodec[],
): readonly RTCRtpCodec[] {
  if (codec !== undefined) return [codec]
  const [first] = sendCodecs.filter(each => modes.has(each.mimeType.toLowerCase()))
  if (first !== undefined) return [first]
  return codecCapabilities(kind)
}

function supports({ mimeType }: RTCRtpCodec, mode: string): boolean {
  return modes.get(mimeType.toLowerCase())?.has(mode) === true
}
