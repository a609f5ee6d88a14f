import type { MediaKind } from '../../media/track-signal.ts'
import { codecsMatch } from '../codec-dictionary-match.ts'
import { codecCapabilities } from '../codecs.ts'
import { checkEncodingMembers, dropPictureMembers } from '../encoding-members.ts'
import { copyEncoding, type RTCRtpEncodingParameters } from '../parameters.ts'

/** The most encodings of one sender of video, and the most simulcast streams that are taken from a peer. */
export const maxEncodings = 8

/** RFC 8851 §10, as far as the one-byte header of RFC 8285 §4.2 carries it; libwebrtc takes no longer ones. */
const ridPattern = /^[0-9A-Za-z_-]{1,16}$/

/**
 * webrtc-pc §5.1: the addTransceiver sendEncodings validation steps.
 *
 * @returns the encodings as they are to be: never empty, and each with a rid if there are several
 * @throws {TypeError | RangeError | DOMException}
 */
export function validSendEncodings(
  kind: MediaKind,
  given: readonly RTCRtpEncodingParameters[],
): readonly RTCRtpEncodingParameters[] {
  const encodings = given.map(copyEncoding)
  // Step 1
  checkRids(encodings)
  // Steps 3 and 4
  checkCodecs(kind, encodings)
  checkEncodingMembers(kind, encodings, [], 'OperationError')
  // Step 5
  if (kind === 'audio') for (const encoding of encodings) dropPictureMembers(encoding)
  for (const { scaleResolutionDownBy, maxFramerate } of encodings) {
    // Step 6
    if (scaleResolutionDownBy !== undefined && !(scaleResolutionDownBy >= 1)) {
      throw new RangeError('scaleResolutionDownBy must be at least 1')
    }
    // Step 7
    if (maxFramerate !== undefined && !(maxFramerate > 0)) throw new RangeError('maxFramerate must be greater than 0')
  }
  // Step 9
  const isScaled = encodings.some(({ scaleResolutionDownBy }) => scaleResolutionDownBy !== undefined)
  if (isScaled) for (const encoding of encodings) encoding.scaleResolutionDownBy ??= 1
  // Steps 8 and 10
  const kept = encodings.slice(0, maxOf(kind))
  // Step 11
  if (kind === 'video' && !isScaled) scaleDown(kept)
  // Step 12
  if (kept.length === 1) for (const encoding of kept) delete encoding.rid
  return kept.length === 0 ? [defaultEncoding(kind)] : withRids(kept)
}

/** webrtc-pc §5.2, create an RTCRtpSender, step 11: what there is if nothing else is said. */
export function defaultEncoding(kind: MediaKind): RTCRtpEncodingParameters {
  return kind === 'video' ? { active: true, scaleResolutionDownBy: 1 } : { active: true }
}

/** webrtc-pc §4.4.1.4, steps 4.6.11.2.1 to 4.6.11.2.4: the encodings that a peer asks for. */
export function proposedEncodings(kind: MediaKind, rids: readonly string[]): readonly RTCRtpEncodingParameters[] {
  const encodings = rids.slice(0, maxOf(kind)).map((rid): RTCRtpEncodingParameters => ({ rid, active: true }))
  // Resolution is no matter of audio: §5.2.5.
  if (kind === 'video') scaleDown(encodings)
  return encodings
}

/** webrtc-pc §5.1, the validation steps, step 8: nobody sends a voice several times over. */
function maxOf(kind: MediaKind): number {
  return kind === 'audio' ? 1 : maxEncodings
}

/** 4:2:1 for three. */
function scaleDown(encodings: readonly RTCRtpEncodingParameters[]): void {
  encodings.forEach((encoding, index) => {
    encoding.scaleResolutionDownBy = 2 ** (encodings.length - index - 1)
  })
}

function checkRids(encodings: readonly RTCRtpEncodingParameters[]): void {
  const rids = encodings.flatMap(({ rid }) => rid ?? [])
  if (!rids.every(rid => ridPattern.test(rid))) throw new TypeError('a rid must be up to 16 letters, digits, - and _')
  if (rids.length > 0 && rids.length < encodings.length) throw new TypeError('either all encodings have a rid, or none')
  if (new Set(rids).size < rids.length) throw new TypeError('two encodings have the same rid')
}

function checkCodecs(kind: MediaKind, encodings: readonly RTCRtpEncodingParameters[]): void {
  const capabilities = codecCapabilities(kind)
  for (const { codec } of encodings) {
    if (codec !== undefined && !capabilities.some(each => codecsMatch(each, codec))) {
      throw new DOMException(`${codec.mimeType} cannot be sent`, 'OperationError')
    }
  }
}

/** RFC 8829 §5.2.1: several encodings without rids get some that tell nothing and are short. */
function withRids(encodings: readonly RTCRtpEncodingParameters[]): readonly RTCRtpEncodingParameters[] {
  if (encodings.length === 1) return encodings
  return encodings.map((encoding, index) => ({ rid: String(index), ...encoding }))
}
