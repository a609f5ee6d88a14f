import { sameAddress, type TransportAddress } from '../base/address.ts'
import type { CandidatePair } from './candidate-pair.ts'
import type { IceRole } from './parameters.ts'

/** RFC 8445 §6.1.2.5: the default limit of candidate pairs. */
export const defaultMaxPairs = 100

/**
 * The pairs of one component in decreasing order of priority, and which of them is to be checked next.
 *
 * RFC 8445 §6.1.2 and §6.1.4, with RFC 8838 §12 for pairs that come later.
 */
export class Checklist {
  readonly maxPairs: number
  #pairs: CandidatePair[] = []
  #triggered: CandidatePair[] = []
  #concluded = false

  constructor(maxPairs: number) {
    this.maxPairs = maxPairs
  }

  get pairs(): readonly CandidatePair[] {
    return this.#pairs
  }

  /** A pair was nominated: ordinary checks are over. */
  get concluded(): boolean {
    return this.#concluded
  }

  /** Whether no pair is left whose check is still to come or on its way. */
  get exhausted(): boolean {
    return this.#concluded || !this.#pairs.some(isPending)
  }

  /** RFC 8445 §14.3: Num-Waiting + Num-In-Progress. */
  get activeCount(): number {
    const waits = (pair: CandidatePair) => !this.#concluded && isWaiting(pair)
    return this.#pairs.filter(pair => pair.state === 'in-progress' || waits(pair)).length
  }

  /** Whether there is a pair to check now. */
  get hasNext(): boolean {
    if (this.#triggered.length > 0) return true
    if (this.#concluded) return false
    return this.#pairs.some(pair => pair.state === 'waiting' || (pair.state === 'frozen' && !this.#isHeld(pair)))
  }

  /** The pair between two addresses; `base` is where our datagrams leave from. */
  find(base: TransportAddress, remote: TransportAddress): CandidatePair | undefined {
    for (const pair of this.#pairs) {
      if (sameAddress(pair.remote.address, remote) && sameAddress(pair.local.base, base)) return pair
    }
    return undefined
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
      this.#remove(removed)
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
    if (triggered !== undefined || this.#concluded) return triggered
    if (!this.#pairs.some(isWaiting)) this.#unfreeze()
    return this.#pairs.find(isWaiting)
  }

  /**
   * RFC 8445 §8.1.2: a pair was nominated, so the others are not checked any more. They stay on the list, as the peer
   * may yet move its nomination.
   */
  conclude(): void {
    this.#concluded = true
    this.#triggered = this.#triggered.filter(pair => pair.nominationPending)
    for (const pair of this.#pairs) if (pair.state === 'in-progress' && !pair.nominationPending) pair.wait()
  }

  /** RFC 8838 §12: the rules for the state of a new pair. */
  #startsWaiting(pair: CandidatePair): boolean {
    const { foundation } = pair
    const siblings = this.#pairs.filter(other => other.foundation === foundation)
    return siblings.some(isSucceeded) || siblings.every(other => other.priority < pair.priority)
  }

  #unfreeze(): void {
    for (const pair of this.#pairs) if (pair.state === 'frozen' && !this.#isHeld(pair)) pair.wait()
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
        (isWaiting(other) || (other.state === 'in-progress' && !other.overdue)) && other.foundation === foundation,
    )
  }

  /**
   * RFC 8838 §10, §11: room is made at the cost of a failed pair, else of one with a lower priority. Pairs with
   * addresses that the peer did not signal only replace their like: a flood of them must not displace signalled ones.
   */
  #victimFor(pair: CandidatePair): CandidatePair | undefined {
    const failed = this.#pairs.findLast(other => other.state === 'failed' && !other.consentLost)
    if (failed !== undefined) return failed
    return this.#pairs.findLast(
      other =>
        !other.valid &&
        !other.consentLost &&
        other.priority < pair.priority &&
        (pair.remote.type !== 'prflx' || other.remote.type === 'prflx'),
    )
  }

  #remove(pair: CandidatePair): void {
    this.#pairs = this.#pairs.filter(other => other !== pair)
    this.#triggered = this.#triggered.filter(other => other !== pair)
  }
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
