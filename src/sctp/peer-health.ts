import { maxAssociationRetransmissions } from './limits.ts'

/** Counts what the peer left unanswered, in a row (RFC 9260 §8.1). */
export class PeerHealth {
  #unanswered = 0

  answered(): void {
    this.#unanswered = 0
  }

  /** @returns whether the peer is to be taken for unreachable */
  failedToAnswer(): boolean {
    return ++this.#unanswered > maxAssociationRetransmissions
  }
}
