import type { Handshake } from './handshake.ts'
import type { Retransmission } from './retransmission.ts'
import type { EstablishedSession } from './session.ts'

/** How far a connection is, with what it has there. */
export type Phase =
  | { readonly name: 'new' }
  | { readonly name: 'connecting'; readonly handshake: Handshake }
  | Connected
  | { readonly name: 'closed' }
  | { readonly name: 'failed'; readonly alert: number | undefined; repetitions: number }

export interface Connected {
  readonly name: 'connected'
  readonly session: EstablishedSession
  /** Has what our records are sealed with; in DTLS 1.3 it goes on. */
  readonly handshake: Handshake
  /** Of DTLS 1.2: kept until the peer has shown that it has our last flight. */
  finalFlight: Retransmission | undefined
  refusals: number
}
