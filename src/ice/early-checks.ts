import { sameAddress, type TransportAddress } from '../base/address.ts'
import type { LocalCandidate } from './candidate.ts'

/** Checks that are remembered until the parameters of the peer are known; more are answered but forgotten. */
export const maxEarlyChecks = 32

/** A check of the peer, as far as it matters for our own. */
export interface PeerCheck {
  readonly local: LocalCandidate
  readonly remote: TransportAddress
  readonly remoteFragment: string
  readonly priority: number
  /** Given if it nominates: the number of the nomination, or 0 if it has none. */
  readonly nomination: number | undefined
}

/**
 * Checks that were answered and led to nothing else: before the peer's user name fragment was known to us (RFC 8445
 * §7.3), or after a restart had replaced the session.
 */
export class EarlyChecks {
  #checks: PeerCheck[] = []

  remember(check: PeerCheck): void {
    const known = this.#checks.findIndex(
      other =>
        other.remoteFragment === check.remoteFragment &&
        sameAddress(other.remote, check.remote) &&
        sameAddress(other.local.base, check.local.base),
    )
    const before = this.#checks[known]
    if (before === undefined) {
      if (this.#checks.length < maxEarlyChecks) this.#checks.push(check)
    } else {
      this.#checks[known] = { ...before, nomination: greatest(before.nomination, check.nomination) }
    }
  }

  /** Whether the peer, whoever it is, has shown at an address that it knows our password. */
  has(local: TransportAddress, remote: TransportAddress): boolean {
    return this.#checks.some(check => sameAddress(check.remote, remote) && sameAddress(check.local.base, local))
  }

  all(): readonly PeerCheck[] {
    return this.#checks
  }

  /** Those of one peer; all are forgotten. */
  takeFrom(remoteFragment: string): readonly PeerCheck[] {
    const taken = this.#checks.filter(check => check.remoteFragment === remoteFragment)
    this.#checks = []
    return taken
  }

  /** Forgets what came over a base that is no more. */
  removeFrom(base: TransportAddress): void {
    this.#checks = this.#checks.filter(check => !sameAddress(check.local.base, base))
  }
}

function greatest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || (b !== undefined && b > a) ? b : a
}
