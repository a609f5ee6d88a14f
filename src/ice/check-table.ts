import type { CandidatePair } from './candidate-pair.ts'
import type { Check } from './check-client.ts'
import type { ReceivedStunMessage } from './stun/message.ts'
import { earliestDeadline, transactionKey } from './stun/transaction.ts'

/** The checks on their way, by transaction. */
export class CheckTable {
  readonly #checks = new Map<string, Check>()

  /** The next time that {@link poll} has something to do. */
  get deadline(): number | undefined {
    return earliestDeadline(this.#checks.values())
  }

  add(check: Check): void {
    this.#checks.set(check.transaction, check)
  }

  /** How many checks of a pair are unanswered. */
  countOf(pair: CandidatePair): number {
    let count = 0
    for (const check of this.#checks.values()) if (check.pair === pair) count++
    return count
  }

  /** The check that a response belongs to. */
  find(response: ReceivedStunMessage): Check | undefined {
    return this.#checks.get(transactionKey(response.transactionId))
  }

  remove(check: Check): void {
    this.#checks.delete(check.transaction)
  }

  /** RFC 8445 §7.3.1.4: stops retransmissions without giving up on the answers. */
  cancelWhere(matches: (check: Check) => boolean): void {
    for (const check of this.#checks.values()) {
      if (!matches(check)) continue
      check.cancelled = true
      check.retransmission.cancel()
    }
  }

  /** Forgets all checks for which `keep` says no. */
  retain(keep: (check: Check) => boolean): void {
    for (const check of this.#checks.values()) if (!keep(check)) this.remove(check)
  }

  /** What is due: checks to send again, and checks whose time is over, which are forgotten. */
  poll(now: number): { readonly resend: readonly Check[]; readonly expired: readonly Check[] } {
    const resend: Check[] = []
    const expired: Check[] = []
    for (const check of this.#checks.values()) {
      const due = check.retransmission.poll(now)
      if (due === 'resend') resend.push(check)
      if (due === 'expired') expired.push(check)
    }
    for (const check of expired) this.remove(check)
    return { resend, expired }
  }
}
