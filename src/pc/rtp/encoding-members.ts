import type { MediaKind } from '../media/track-signal.ts'
import type { RTCRtpCodec, RTCRtpEncodingParameters } from './parameters.ts'
import { scalabilityObstacle } from './scalability-modes.ts'

/**
 * What webrtc-extensions and webrtc-svc ask of encodings.
 *
 * @param sendCodecs [[SendCodecs]]; empty before there are any
 * @param error what the document has for where the encodings come from: addTransceiver() or setParameters()
 * @throws {DOMException} `error`; InvalidModificationError for two wishes that exclude each other
 */
export function checkEncodingMembers(
  kind: MediaKind,
  encodings: readonly RTCRtpEncodingParameters[],
  sendCodecs: readonly RTCRtpCodec[],
  error: 'OperationError' | 'InvalidModificationError',
): void {
  for (const { adaptivePtime, ptime } of encodings) {
    // webrtc-extensions §6.1
    if (adaptivePtime === true && ptime !== undefined) {
      throw new DOMException('a packet time cannot be both adaptive and given', 'InvalidModificationError')
    }
  }
  if (kind === 'audio') return
  const obstacle = restrictionObstacle(encodings) ?? scalabilityObstacle(kind, encodings, sendCodecs)
  if (obstacle !== undefined) throw new DOMException(obstacle, error)
}

/** webrtc-extensions §6.1 and webrtc-svc §4.1: these mean something for pictures alone. */
export function dropPictureMembers(encoding: RTCRtpEncodingParameters): void {
  delete encoding.scaleResolutionDownBy
  delete encoding.scaleResolutionDownTo
  delete encoding.maxFramerate
  delete encoding.scalabilityMode
}

/** webrtc-extensions §6.1, scaleResolutionDownTo: what is wrong with the encodings. */
function restrictionObstacle(encodings: readonly RTCRtpEncodingParameters[]): string | undefined {
  if (encodings.every(({ scaleResolutionDownTo }) => scaleResolutionDownTo === undefined)) return undefined
  for (const { active, scaleResolutionDownTo } of encodings) {
    if (scaleResolutionDownTo === undefined) {
      if (active !== false) return 'scaleResolutionDownTo is for all active encodings or for none'
      continue
    }
    const { maxWidth = 0, maxHeight = 0 } = scaleResolutionDownTo
    if (maxWidth === 0 || maxHeight === 0) return 'scaleResolutionDownTo has a width and a height above 0'
  }
  return undefined
}
