import { sameAddress, type TransportAddress } from '../base/address.ts'
import type { CandidatePair } from './candidate-pair.ts'
import type { IceRole } from './parameters.ts'

/** RFC 8445 §6.1.2.5: the default limit of candidate pairs. */
export const defaultMaxPairs = 100

/**
 * So many pairs with relayed candidates keep their place, however low their priority, those with two such first: a host
 * with many addresses must not use up the whole list and then lack the one pair that works.
 */
export const reservedForRelayed = 10

/**
 * The pairs of one component in decreasing order of priority, and which of them is to be checked next.
 *
 * RFC 8445 §6.1.2 and §6.1.4, with RFC 8838 §12 for pairs that come later.
 */
export class Checklist {
  readonly maxPairs: number
  #pairs: CandidatePair[] = []
  #triggered: CandidatePair[] = []
  /** Only pairs above this priority are still checked, none at `all`; undefined before a nomination. */
  #concludedUpTo: bigint | 'all' | undefined

  constructor(maxPairs: number) {
    this.maxPairs = maxPairs
  }

  get pairs(): readonly CandidatePair[] {
    return this.#pairs
  }

  /** A pair was nominated: ordinary checks are over, but perhaps for better pairs. */
  get concluded(): boolean {
    return this.#concludedUpTo !== undefined
  }

  /** Whether a pair is to be checked, if it was not yet. */
  isOpen(pair: CandidatePair): boolean {
    const limit = this.#concludedUpTo
    return limit === undefined || (limit !== 'all' && pair.priority > limit)
  }

  /** Whether no pair is left whose check is still to come or on its way. */
  get exhausted(): boolean {
    return this.#concludedUpTo === 'all' || !this.#pairs.some(pair => isPending(pair) && this.isOpen(pair))
  }

  /** RFC 8445 §14.3: Num-Waiting + Num-In-Progress. */
  get activeCount(): number {
    return this.#pairs.filter(pair => pair.state === 'in-progress' || this.#isNext(pair)).length
  }

  /** Whether there is a pair to check now. */
  get hasNext(): boolean {
    if (this.#triggered.length > 0) return true
    if (this.#concludedUpTo === 'all') return false
    return this.#pairs.some(pair => this.#isNext(pair) || this.#isThawing(pair))
  }

  /**
   * The pair between two addresses; `base` is where our datagrams leave from.
   *
   * A UDP and a TCP socket may share an address and port: the very object tells them apart, or else `protocol` if given.
   */
  find(base: TransportAddress, remote: TransportAddress, protocol?: 'udp' | 'tcp'): CandidatePair | undefined {
    let equal: CandidatePair | undefined
    for (const pair of this.#pairs) {
      if (!sameAddress(pair.remote.address, remote)) continue
      const { local } = pair
      if (local.base === base) return pair
      if (equal !== undefined || !sameAddress(local.base, base)) continue
      if (protocol === undefined || local.protocol === protocol) equal = pair
    }
    return equal
  }

  /**
   * Adds a pair.
   *
   * @returns whether there was room for it, and the pair that had to go instead
   */
  add(pair: CandidatePair): { readonly added: boolean; readonly removed?: CandidatePair } {
    let removed: CandidatePair | undefined
    if (this.#pairs.length >= this.maxPairs) {
      removed = this.#victimFor(pair)
      if (removed === undefined) return { added: false }
      this.remove(removed)
    }
    if (this.#startsWaiting(pair)) pair.wait()
    this.#pairs.push(pair)
    this.sort()
    return removed === undefined ? { added: true } : { added: true, removed }
  }

  /** To be called when priorities have changed. */
  sort(): void {
    this.#pairs.sort((a, b) => (a.priority === b.priority ? a.id - b.id : a.priority > b.priority ? -1 : 1))
  }

  setRole(role: IceRole): void {
    for (const pair of this.#pairs) pair.setRole(role)
    this.sort()
  }

  /** RFC 8445 §7.3.1.4: checks the pair as soon as possible. */
  trigger(pair: CandidatePair): void {
    pair.wait()
    if (!this.#triggered.includes(pair)) this.#triggered.push(pair)
  }

  /** Asks a valid pair again whether it still works; it stays valid meanwhile. */
  recheck(pair: CandidatePair): void {
    if (!this.#triggered.includes(pair)) this.#triggered.push(pair)
  }

  /** The check of the pair was answered: RFC 8445 §7.2.5.3.3. */
  succeeded(pair: CandidatePair): void {
    this.#triggered = this.#triggered.filter(other => other !== pair)
    const { foundation } = pair
    for (const other of this.#pairs) if (other.state === 'frozen' && other.foundation === foundation) other.wait()
  }

  /** Takes the pair to be checked next. */
  next(): CandidatePair | undefined {
    // RFC 8445 §6.1.4.2: triggered checks first, then the best that waits, then one of each foundation at rest
    const triggered = this.#triggered.shift()
    if (triggered !== undefined || this.#concludedUpTo === 'all') return triggered
    const isNext = (pair: CandidatePair) => this.#isNext(pair)
    if (!this.#pairs.some(isNext)) this.#unfreeze()
    return this.#pairs.find(isNext)
  }

  /**
   * RFC 8445 §8.1.2: a pair was nominated, so the others are not checked any more. They stay on the list, as the peer
   * may yet move its nomination.
   *
   * @param upTo given where the nomination can move to a better pair: those above this priority are still checked
   */
  conclude(upTo: bigint | 'all' = 'all'): void {
    this.#concludedUpTo = upTo
    const stays = (pair: CandidatePair) => pair.nominationPending || this.isOpen(pair)
    this.#triggered = this.#triggered.filter(stays)
    for (const pair of this.#pairs) if (pair.state === 'in-progress' && !stays(pair)) pair.wait()
  }

  /** The nominated pair was lost: all others are checked again, those that are valid without ceasing to be so. */
  reopen(lost: CandidatePair | undefined): void {
    this.#concludedUpTo = undefined
    for (const pair of this.#pairs) {
      if (pair === lost || pair.consentLost) continue
      if (pair.state === 'succeeded') this.recheck(pair)
      if (pair.state === 'failed' && pair.lastFailure !== 'local-address-lost') pair.wait()
    }
  }

  /** Nothing is on its way any more: what was in progress waits for its turn again. */
  resume(role: IceRole): void {
    this.setRole(role)
    for (const pair of this.#pairs) if (pair.state === 'in-progress') pair.wait()
  }

  /** Takes a pair off the list. */
  remove(pair: CandidatePair): void {
    this.#pairs = this.#pairs.filter(other => other !== pair)
    this.#triggered = this.#triggered.filter(other => other !== pair)
  }

  /** RFC 8838 §12: the rules for the state of a new pair. */
  #startsWaiting(pair: CandidatePair): boolean {
    const { foundation } = pair
    const siblings = this.#pairs.filter(other => other.foundation === foundation)
    return siblings.some(isSucceeded) || siblings.every(other => other.priority < pair.priority)
  }

  #unfreeze(): void {
    for (const pair of this.#pairs) if (this.#isThawing(pair)) pair.wait()
  }

  #isNext(pair: CandidatePair): boolean {
    return isWaiting(pair) && this.isOpen(pair)
  }

  #isThawing(pair: CandidatePair): boolean {
    return pair.state === 'frozen' && this.isOpen(pair) && !this.#isHeld(pair)
  }

  /**
   * RFC 8445 §6.1.4.2, step 2: a frozen pair stays so while a check of its foundation waits or is in progress. A check
   * that needed a retransmission does not hold others back: some agents give all candidates the same foundation, and
   * one dead pair must not delay the rest until it times out.
   */
  #isHeld(pair: CandidatePair): boolean {
    const { foundation } = pair
    return this.#pairs.some(
      other =>
        (this.#isNext(other) || (other.state === 'in-progress' && !other.overdue)) && other.foundation === foundation,
    )
  }

  /**
   * RFC 8838 §10, §11: room is made at the cost of a failed pair, else of one with a lower priority. Pairs with
   * addresses that the peer did not signal only replace their like: a flood of them must not displace signalled ones.
   */
  #victimFor(pair: CandidatePair): CandidatePair | undefined {
    const failed = this.#pairs.findLast(other => other.state === 'failed' && !other.consentLost)
    if (failed !== undefined) return failed
    const ends = relayedEnds(pair)
    const intrudes = ends > 0 && this.#countRelayed(ends) < reservedForRelayed
    return this.#pairs.findLast(
      other =>
        !other.valid &&
        !other.consentLost &&
        (pair.remote.type !== 'prflx' || other.remote.type === 'prflx') &&
        ((other.priority < pair.priority && !this.#isReserved(other)) ||
          (intrudes && relayedEnds(other) < ends && other.state !== 'in-progress')),
    )
  }

  #isReserved(pair: CandidatePair): boolean {
    const ends = relayedEnds(pair)
    return ends > 0 && this.#countRelayed(ends) <= reservedForRelayed
  }

  /** How many pairs have at least so many relayed ends. */
  #countRelayed(ends: number): number {
    return this.#pairs.filter(other => relayedEnds(other) >= ends).length
  }
}

/** The more, the more likely a pair is to work where others don't. What the peer has not signalled does not count. */
function relayedEnds({ local, remote }: CandidatePair): number {
  if (remote.type === 'prflx') return 0
  return (local.type === 'relay' ? 1 : 0) + (remote.type === 'relay' ? 1 : 0)
}

function isWaiting(pair: CandidatePair): boolean {
  return pair.state === 'waiting'
}

function isSucceeded(pair: CandidatePair): boolean {
  return pair.state === 'succeeded'
}

function isPending(pair: CandidatePair): boolean {
  return pair.state === 'frozen' || pair.state === 'waiting' || pair.state === 'in-progress'
}
