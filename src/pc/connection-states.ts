import type { RTCDtlsTransportState, RTCIceGathererState, RTCIceTransportState } from './rtc-transports.ts'

export type RTCIceGatheringState = 'new' | 'gathering' | 'complete'
export type RTCPeerConnectionState = 'closed' | 'failed' | 'disconnected' | 'new' | 'connecting' | 'connected'
export type RTCIceConnectionState = RTCIceTransportState

/** webrtc-pc §4.3.2 */
export function deriveGatheringState(transports: readonly RTCIceGathererState[]): RTCIceGatheringState {
  if (transports.includes('gathering')) return 'gathering'
  return transports.length > 0 && transports.every(state => state === 'complete') ? 'complete' : 'new'
}

/** webrtc-pc §4.3.4: the rows of the table, from the top. */
export function deriveIceConnectionState(transports: readonly RTCIceTransportState[]): RTCIceConnectionState {
  const all = (...states: readonly RTCIceTransportState[]) => transports.every(state => states.includes(state))
  if (transports.includes('failed')) return 'failed'
  if (transports.includes('disconnected')) return 'disconnected'
  if (all('new', 'closed')) return 'new'
  if (transports.includes('new') || transports.includes('checking')) return 'checking'
  return all('completed', 'closed') ? 'completed' : 'connected'
}

/**
 * webrtc-pc §4.3.3: the rows of the table, from the top.
 *
 * The row `connected` names only the ICE state `connected`; `completed`, which follows it, is meant too.
 */
export function deriveConnectionState(
  ice: RTCIceConnectionState,
  dtls: readonly RTCDtlsTransportState[],
): RTCPeerConnectionState {
  const all = (...states: readonly RTCDtlsTransportState[]) => dtls.every(state => states.includes(state))
  if (ice === 'closed') return 'closed'
  if (ice === 'failed' || dtls.includes('failed')) return 'failed'
  if (ice === 'disconnected') return 'disconnected'
  if (dtls.length === 0 || (ice === 'new' && all('new', 'closed'))) return 'new'
  const iceUp = ice === 'connected' || ice === 'completed'
  return iceUp && all('connected', 'closed') ? 'connected' : 'connecting'
}
