import type { TransportAddress } from '../../base/address.ts'
import type { LocalCandidate } from '../../ice/index.ts'

/**
 * Where the datagrams of a candidate leave from and arrive: a UDP socket, an allocation on a TURN server, or the TCP
 * connections of one address. `local` is the very object that is the candidate's base. Whoever opened it closes it.
 */
export interface CandidateSocket {
  readonly local: TransportAddress
  /** Sends at once, or drops: a datagram may always be lost. The data belongs to the socket from then on. */
  send(data: Uint8Array, to: TransportAddress): void
}

/** Takes a datagram. `data` is a view that the callee must not keep unless it is the last to use it. */
export type CandidateReceiver = (data: Uint8Array, from: TransportAddress, socket: CandidateSocket) => void

/** A candidate and the socket that receives what is sent to it. */
export interface GatheredCandidate {
  readonly candidate: LocalCandidate
  readonly socket: CandidateSocket
  /** Shown in place of the candidate's address where that is not to be told: a multicast DNS name. */
  readonly shownAddress?: string
}
