import type { MediaKind } from '../media/track-signal.ts'
import { codecsMatch } from './codec-dictionary-match.ts'
import { codecCapabilities } from './codecs.ts'
import { checkEncodingMembers, dropPictureMembers } from './encoding-members.ts'
import {
  copyEncoding,
  type RTCEncodingOptions,
  type RTCRtpEncodingParameters,
  type RTCRtpSendParameters,
} from './parameters.ts'

/**
 * webrtc-pc §5.2 setParameters: the setParameters validation steps.
 *
 * @param last [[LastReturnedParameters]]
 * @param encodingCount of [[SendEncodings]]
 * @returns the encodings to use
 * @throws {DOMException | RangeError} what the promise is to be rejected with
 */
export function validateParameters(
  parameters: RTCRtpSendParameters,
  last: RTCRtpSendParameters,
  encodingCount: number,
  kind: MediaKind,
): RTCRtpEncodingParameters[] {
  // webrtc-pc §5.2 setParameters, step 6.6: the number of encodings, their order, and all that is marked as read-only
  if (parameters.encodings.length !== encodingCount) throw unmodifiable('the number of encodings')
  parameters.encodings.forEach((encoding, index) => {
    if (encoding.rid !== last.encodings[index]?.rid) throw unmodifiable('the rids of the encodings, and their order,')
  })
  for (const member of ['transactionId', 'codecs', 'headerExtensions', 'rtcp'] as const) {
    if (!sameValue(parameters[member], last[member])) throw unmodifiable(member)
  }
  // webrtc-pc §5.2 setParameters, steps 6.3 and 6.4
  const choosable = parameters.codecs.length > 0 ? parameters.codecs : codecCapabilities(kind)
  for (const { codec } of parameters.encodings) {
    if (codec !== undefined && !choosable.some(each => codecsMatch(each, codec, true))) {
      throw new DOMException(`setParameters: ${codec.mimeType} cannot be chosen`, 'InvalidModificationError')
    }
  }
  checkEncodingMembers(kind, parameters.encodings, parameters.codecs, 'InvalidModificationError')
  return parameters.encodings.map(encoding => adjustedEncoding(encoding, kind))
}

/**
 * webrtc-extensions §8.3.
 *
 * @throws {DOMException} InvalidModificationError if there are some, but not one for each encoding
 */
export function validateEncodingOptions(
  options: readonly RTCEncodingOptions[],
  encodingCount: number,
  kind: MediaKind,
): readonly RTCEncodingOptions[] {
  if (kind === 'audio' || options.length === 0) return []
  if (options.length !== encodingCount) throw unmodifiable('the number of encodings')
  return options
}

/** webrtc-pc §5.2 setParameters, steps 6.7 to 6.10. */
function adjustedEncoding(encoding: RTCRtpEncodingParameters, kind: MediaKind): RTCRtpEncodingParameters {
  const adjusted = copyEncoding(encoding)
  if (kind === 'audio') {
    dropPictureMembers(adjusted)
    return adjusted
  }
  adjusted.scaleResolutionDownBy ??= 1
  if (adjusted.scaleResolutionDownBy < 1) throw new RangeError('setParameters: scaleResolutionDownBy is below 1')
  if (adjusted.maxFramerate !== undefined && adjusted.maxFramerate < 0) {
    throw new RangeError('setParameters: maxFramerate is below 0')
  }
  return adjusted
}

function unmodifiable(what: string): DOMException {
  return new DOMException(`setParameters: ${what} cannot be changed`, 'InvalidModificationError')
}

/** Equality of what dictionaries are made of; a member that is undefined is one that is absent. */
function sameValue(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>]
  const keys = new Set([...Object.keys(left), ...Object.keys(right)])
  for (const key of keys) if (!sameValue(left[key], right[key])) return false
  return true
}
