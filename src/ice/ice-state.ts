import type { IceSession } from './ice-session.ts'
import type { PairSelection } from './selection.ts'

/** The states of an RTCIceTransport. webrtc-pc §5.6.4. */
export type IceState = 'new' | 'checking' | 'connected' | 'completed' | 'disconnected' | 'failed' | 'closed'

/** webrtc-pc §5.6.4: the table of states. Everything but `closed`, which the layer above decides, follows from facts. */
export function deriveState(session: IceSession, selection: PairSelection, now: number): Exclude<IceState, 'closed'> {
  const ended = session.localEnded && session.remoteEnded
  const { exhausted } = session.checklist
  if (selection.pair !== undefined) {
    // webrtc-pc §5.6.4: a restart out of `disconnected` goes to `checking`, one out of `completed` to `connected`
    if (selection.isMissing) return selection.isReplaced ? 'checking' : 'disconnected'
    return ended && exhausted && session.nominated !== undefined ? 'completed' : 'connected'
  }
  // RFC 7675 §5.1: only a restart brings back consent that has expired
  if (session.consentLost) return 'failed'
  if (session.remote === undefined) return 'new'
  // The nominated pair is lost: another is looked for, among candidates that may still come
  if (session.lostAt !== undefined) return exhausted && now >= session.recoveryEndsAt ? 'failed' : 'disconnected'
  if (ended && exhausted) {
    // RFC 8863 §4: not before the PAC timer expires; webrtc-pc §5.6.4: unless nobody could reach us in the meantime
    const patienceOver = now >= (session.patienceEndsAt ?? Number.POSITIVE_INFINITY)
    if (patienceOver || session.localCandidates.length === 0) return 'failed'
  }
  if (session.remoteCandidates.length === 0) return 'new'
  // webrtc-pc §5.6.4: all pairs were checked in vain, but more candidates may come
  return exhausted && !ended && session.checklist.pairs.length > 0 ? 'disconnected' : 'checking'
}
