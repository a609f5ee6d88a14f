import { parseCandidate, type SdpCandidate, type SdpSession } from '../../sdp/index.ts'
import type { RTCIceCandidateInit } from '../rtc-ice-candidate.ts'

/**
 * webrtc-pc §4.4.2 addIceCandidate, steps 4.2 and 4.3: the index of the section; undefined: all sections
 *
 * @throws {DOMException} OperationError
 */
export function sectionOf(session: SdpSession, { sdpMid, sdpMLineIndex }: RTCIceCandidateInit): number | undefined {
  if (typeof sdpMid === 'string') {
    const index = session.media.findIndex(section => section.mid === sdpMid)
    if (index === -1) throw new DOMException(`no m= section has the mid ${JSON.stringify(sdpMid)}`, 'OperationError')
    return index
  }
  if (typeof sdpMLineIndex !== 'number') return undefined
  if (sdpMLineIndex >= session.media.length) {
    throw new DOMException(`there is no m= section ${sdpMLineIndex}`, 'OperationError')
  }
  return sdpMLineIndex
}

/** @throws {DOMException} OperationError, as webrtc-pc §4.4.2 addIceCandidate has it for one that cannot be added */
export function readCandidate(text: string): SdpCandidate | undefined {
  try {
    return parseCandidate(text)
  } catch (error) {
    throw new DOMException(`not a candidate: ${(error as Error).message}`, 'OperationError')
  }
}
