import type { RandomSource } from '../base/environment.ts'
import type { CandidatePair } from './candidate-pair.ts'
import { Consent } from './consent.ts'
import type { IceSession } from './ice-session.ts'
import { bestValidPair } from './nomination.ts'
import type { IceTiming } from './timing.ts'

/**
 * Which pair carries data, with the peer's consent to it.
 *
 * RFC 8445 §12.1: the nominated pair; before a nomination that of the session before a restart, or else any valid one.
 * The latter too where the nominated pair is lost.
 */
export class PairSelection {
  readonly #timing: IceTiming
  readonly #consent: Consent
  #pair: CandidatePair | undefined
  #previous: IceSession | undefined
  /** The pair of {@link previous} that still carries data. */
  #carrier: CandidatePair | undefined

  constructor(timing: IceTiming, random: RandomSource) {
    this.#timing = timing
    this.#consent = new Consent(timing, random)
  }

  get pair(): CandidatePair | undefined {
    return this.#pair
  }

  /** The session that the last restart has replaced: requests with its credentials are still answered. */
  get previous(): IceSession | undefined {
    return this.#previous
  }

  /** Whether the pair is that of {@link previous}. */
  get isReplaced(): boolean {
    return this.#pair !== undefined && this.#pair === this.#carrier
  }

  /** Whether the peer has stopped answering on the pair. */
  get isMissing(): boolean {
    return this.#pair?.silent === true
  }

  /** When to call {@link pollConsent}, and {@link update} after it. */
  get deadline(): number | undefined {
    return this.#consent.deadline
  }

  /** @returns whether another pair, or none, carries data now */
  update(session: IceSession, now: number): boolean {
    const next = this.#preferred(session, now)
    if (next === this.#pair) return false
    if (next !== this.#carrier) this.#carrier = undefined
    this.#pair?.history.note('deselected', now)
    next?.history.note('selected', now)
    this.#pair = next
    this.#consent.watch(next, now, session.isLite)
    return true
  }

  /** A restart replaces `session`; the pair carries on. */
  replace(session: IceSession): void {
    // After two restarts in a row the pair that carries data is of the session before the last.
    if (this.#pair === undefined || this.#pair !== this.#carrier) this.#previous = session
    this.#carrier = this.#pair
  }

  /** The restart that has replaced `session` is undone. */
  restore(session: IceSession): void {
    if (this.#previous !== session) return
    this.#previous = undefined
    this.#carrier = undefined
  }

  /**
   * The session that a restart has replaced was one with somebody else: nothing of it is of use.
   *
   * @returns the pair that carried data
   */
  abandon(now: number): CandidatePair | undefined {
    const pair = this.isReplaced ? this.#pair : undefined
    if (pair !== undefined) {
      pair.history.note('deselected', now)
      this.#pair = undefined
      this.#consent.watch(undefined, now, false)
    }
    this.#carrier = undefined
    this.#previous = undefined
    return pair
  }

  /**
   * What is due. After `request` and `probe` the caller sends one on the pair and calls again; after `expired` it revokes
   * consent.
   */
  pollConsent(now: number): 'request' | 'probe' | 'expired' | undefined {
    return this.#consent.poll(now)
  }

  /** The peer has answered on a pair. */
  confirm(pair: CandidatePair): void {
    if (pair === this.#pair) this.#consent.confirm()
  }

  /** Something tells that the peer has lost a pair: if it carries data, it is asked about sooner than usual. */
  suspect(pair: CandidatePair, now: number): void {
    if (pair === this.#pair) this.#consent.suspect(now)
  }

  /** RFC 7675 §5.1: the peer no longer consents; the pair is not to be used again. */
  revoke(session: IceSession, pair: CandidatePair, reason: 'consent-expired' | 'consent-revoked', now: number): void {
    if (pair === session.nominated) session.consentLost = true
    if (pair === this.#carrier) this.#carrier = undefined
    pair.loseConsent(reason, now)
  }

  /** Whether the peer has answered on the pair recently enough to send there. */
  isUsable(pair: CandidatePair, now: number): boolean {
    return pair.valid && now < pair.confirmedAt + this.#timing.consentTimeoutMs
  }

  clear(): void {
    this.#pair = undefined
    this.#carrier = undefined
    this.#previous = undefined
    this.#consent.watch(undefined, 0, false)
  }

  #preferred(session: IceSession, now: number): CandidatePair | undefined {
    const { nominated } = session
    if (nominated !== undefined && !nominated.silent) return nominated
    // webrtc-extensions §9.2 selectCandidatePair
    const { chosen } = session
    if (chosen !== undefined && !chosen.silent && this.isUsable(chosen, now)) return chosen
    if (nominated === undefined && this.#carrier?.valid && !this.#carrier.silent) return this.#carrier
    // A silent pair may come back. It stands back only for one that has answered since it fell silent.
    const since = nominated === undefined ? Number.NEGATIVE_INFINITY : (session.lostAt ?? now)
    const usable = session.checklist.pairs.filter(
      pair => !pair.silent && this.isUsable(pair, now) && pair.confirmedAt >= since,
    )
    // A pair in use is given up when its consent is revoked, not before; but one that answers is preferred to it.
    return bestValidPair(usable) ?? nominated ?? (this.#pair?.valid ? this.#pair : undefined)
  }
}
