import type { RTCIceCandidateInit } from 'icefloe'
import type { ToldCandidate, ToldPair } from './candidate-report.ts'
import type { ConnectionFacts } from './connection-facts.ts'
import type { Why } from './why.ts'

/** What the Node.js end has to tell the other one, in the order in which it happened. */
export type PeerEvent =
  | {
      readonly type: 'candidate'
      readonly candidate: RTCIceCandidateInit | null
      /** Absent where there is nothing to tell but the end of the candidates. */
      readonly told?: ToldCandidate
      /** Since `setLocalDescription` was called. */
      readonly ms: number
    }
  | { readonly type: 'candidate-error'; readonly url: string; readonly error: string; readonly ms: number }
  | { readonly type: 'state'; readonly machine: Machine; readonly state: string; readonly at: number }
  /** Data goes over this pair from now on. */
  | { readonly type: 'pair'; readonly pair: ToldPair }
  | { readonly type: 'facts'; readonly facts: ConnectionFacts }
  /** Comes before a connection is closed that has failed, when nobody can ask any more. */
  | { readonly type: 'why'; readonly why: Why }
  | { readonly type: 'closed'; readonly reason: string }

/** The state machines of a connection. `channel` is that of the chat channel. */
export type Machine = 'signaling' | 'gathering' | 'ice' | 'dtls' | 'connection' | 'channel'
