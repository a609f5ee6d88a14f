import type { TransportAddress } from '../base/address.ts'
import type { Queue } from '../base/queue.ts'
import { asPeerReflexive } from './candidate-priority.ts'
import type { IceEvent } from './events.ts'
import type { NominationParts } from './follow-nomination.ts'
import type { IceSession } from './ice-session.ts'

/** One address is checked so often at most: whoever repeats the peer's packets from many makes us send no more than that. */
export const movedPeerRestMs = 1_000

/**
 * Follows a peer whose address has changed, if the layer above knows its packets by other means than their source.
 *
 * RFC 9146 §6: an address is not used before something has shown that the peer can receive there. Here that is a check of
 * ICE: without an answer with the peer's password, nothing but checks goes to the new address. The pair in use is
 * asked at the same time whether it still answers; only if not, another takes its place, as if a consent request had not
 * been answered (RFC 7675 §5.1), and seconds sooner.
 */
export class MovedPeer {
  readonly #parts: NominationParts
  readonly #events: Queue<IceEvent>
  #restsUntil = Number.NEGATIVE_INFINITY

  constructor(parts: NominationParts, events: Queue<IceEvent>) {
    this.#parts = parts
    this.#events = events
  }

  /** @param receivedOn the base that it came to */
  heard(session: IceSession, receivedOn: TransportAddress, from: TransportAddress, now: number): void {
    const { roles, checks, selection } = this.#parts
    const { nominated, checklist } = session
    const local = session.localAt(receivedOn)
    // RFC 8445 §6.2: a lite agent checks nothing. The peer asks it for consent, and is seen where it is then.
    if (session.isLite || nominated === undefined || selection.pair !== nominated) return
    if (local === undefined || local.protocol !== 'udp' || now < this.#restsUntil) return
    this.#restsUntil = now + movedPeerRestMs
    const priority = asPeerReflexive(nominated.remote.priority, 'udp')
    const { pair, learned, removed } = session.pairForRequest(local, from, priority, roles.role)
    if (removed !== undefined) checks.forget([removed])
    if (learned !== undefined) this.#events.push({ type: 'remote-candidate', candidate: learned })
    if (pair === undefined || pair.consentLost) return
    selection.suspect(nominated, now)
    if (pair.state === 'waiting' || pair.state === 'frozen' || pair.state === 'failed') checklist.trigger(pair)
  }
}
