import { earliest } from '../base/deadlines.ts'
import type { RandomSource } from '../base/environment.ts'
import type { Transmit } from '../base/machine.ts'
import type { Queue } from '../base/queue.ts'
import type { CandidatePair } from './candidate-pair.ts'
import { type Check, type CheckKind, concernsConsent } from './check-client.ts'
import { encodeCheck } from './check-messages.ts'
import { CheckTable } from './check-table.ts'
import type { IceSession } from './ice-session.ts'
import type { RoleKeeper } from './role.ts'
import type { ReceivedStunMessage } from './stun/message.ts'
import { Retransmission } from './stun/transaction.ts'
import type { IceTiming } from './timing.ts'

/** What a pair remembers of the checks that are sent on it. */
const happening = {
  ordinary: 'check-sent',
  nomination: 'nomination-sent',
  probe: 'probe-sent',
} as const

/** Sends checks at their pace, and again when they are lost. RFC 8445 §6.1.4 and §14. */
export class ConnectivityChecks {
  readonly #timing: IceTiming
  readonly #random: RandomSource
  readonly #roles: RoleKeeper
  readonly #transmits: Queue<Transmit>
  readonly #table = new CheckTable()
  #paceAt: number | undefined
  #nextCheckAt = Number.NEGATIVE_INFINITY
  #heldUntil = Number.NEGATIVE_INFINITY

  constructor(timing: IceTiming, random: RandomSource, roles: RoleKeeper, transmits: Queue<Transmit>) {
    this.#timing = timing
    this.#random = random
    this.#roles = roles
    this.#transmits = transmits
  }

  /** When to call {@link poll} and {@link run}. */
  get deadline(): number | undefined {
    return earliest(this.#paceAt, this.#table.deadline)
  }

  /** Sends no ordinary checks before a time, unless the peer begins ({@link release}). What has to go by a relay goes. */
  hold(until: number): void {
    this.#heldUntil = until
  }

  release(): void {
    this.#heldUntil = Number.NEGATIVE_INFINITY
  }

  /** RFC 8445 §6.1.4.2: one check each time that Ta has passed, the first at once. */
  run(session: IceSession, now: number): void {
    const { checklist } = session
    const ready = session.remote !== undefined && !session.consentLost && !session.isLite
    const isDirect = session.localCandidates.some(({ type }) => type !== 'relay')
    const from = isDirect ? this.#heldUntil : Number.NEGATIVE_INFINITY
    while (ready && now >= Math.max(from, this.#nextCheckAt)) {
      const pair = checklist.next()
      if (pair === undefined) break
      const isValid = pair.state === 'succeeded'
      if (!isValid) pair.begin()
      this.#sendCheck(session, pair, isValid ? 'probe' : 'ordinary', now)
    }
    this.#paceAt = ready && checklist.hasNext ? Math.max(from, this.#nextCheckAt) : undefined
  }

  /**
   * It repeats a check that was just answered: it does not wait for the pace, but the next check waits for it.
   *
   * @param nomination its number
   */
  nominate(session: IceSession, pair: CandidatePair, nomination: number, now: number): void {
    session.ownNomination = nomination
    // What was nominated before must not arrive later and undo this.
    this.#table.cancelWhere(check => check.pair === session.nominated || check.kind === 'nomination')
    this.#sendCheck(session, pair, 'nomination', now, nomination)
  }

  /** RFC 7675 §5.1: it is transmitted once, and its answer counts for as long as consent lasts. */
  requestConsent(session: IceSession, pair: CandidatePair, now: number): void {
    pair.counters.consentRequestsSent++
    const once = { now, rtoMs: Number.POSITIVE_INFINITY, timeoutMs: this.#timing.consentTimeoutMs }
    this.#send(session, pair, 'consent', new Retransmission(once))
  }

  /** Asks again and again whether the peer still answers on a pair. */
  probe(session: IceSession, pair: CandidatePair, now: number): void {
    this.#sendCheck(session, pair, 'probe', now)
  }

  /** Sends again what was not answered, and fails what was not answered for too long. */
  poll(now: number): void {
    const { resend, expired } = this.#table.poll(now)
    for (const { pair, bytes } of resend) {
      if (pair.state === 'in-progress') pair.markOverdue()
      // RFC 6544 §7.1: TCP itself sends again what is lost
      if (pair.local.protocol === 'tcp') continue
      pair.counters.retransmissionsSent++
      this.#transmits.push({ data: bytes, local: pair.local.base, remote: pair.remote.address })
    }
    // RFC 8445 §7.2.5.2.3
    for (const check of expired) if (!concernsConsent(check) && !check.cancelled) check.pair.fail('timed-out', now)
  }

  find(response: ReceivedStunMessage): Check | undefined {
    return this.#table.find(response)
  }

  /** Takes note of the answer to a check. */
  answered(check: Check, succeeded: boolean, now: number): void {
    const { pair, retransmission } = check
    this.#table.remove(check)
    if (!succeeded) return
    // Over TCP it was sent once, whatever is counted.
    if (pair.local.protocol === 'tcp') pair.roundTrip.sample(now - retransmission.startedAt)
    else pair.roundTrip.measure(retransmission, now)
    // Older checks that ask the same have nothing to tell any more.
    const same = (other: Check) => other.kind === check.kind || (concernsConsent(other) && concernsConsent(check))
    this.#table.retain(other => other.pair !== pair || !same(other))
  }

  /** How many checks of a pair are unanswered. */
  countOf(pair: CandidatePair): number {
    return this.#table.countOf(pair)
  }

  /** Sends nothing again to such pairs, but still takes answers from them. */
  cancelWhere(matches: (pair: CandidatePair) => boolean): void {
    this.#table.cancelWhere(({ pair }) => matches(pair))
  }

  /** Forgets the checks of pairs that are no more. */
  forget(pairs: readonly CandidatePair[]): void {
    if (pairs.length > 0) this.#table.retain(({ pair }) => !pairs.includes(pair))
  }

  /** Forgets all but what concerns the consent of one pair. */
  forgetAllBut(carrier: CandidatePair | undefined): void {
    this.#paceAt = undefined
    this.#table.retain(check => concernsConsent(check) && check.pair === carrier)
  }

  #sendCheck(
    session: IceSession,
    pair: CandidatePair,
    kind: keyof typeof happening,
    now: number,
    nomination?: number,
  ): void {
    this.#nextCheckAt = now + this.#timing.paceMs
    pair.counters.requestsSent++
    pair.history.note(happening[kind], now)
    const { checkTimeoutMs: timeoutMs, maxRtoMs: maxIntervalMs } = this.#timing
    const rtoMs = this.#rto(session, pair)
    this.#send(session, pair, kind, new Retransmission({ now, rtoMs, timeoutMs, maxIntervalMs }), nomination)
  }

  #send(
    session: IceSession,
    pair: CandidatePair,
    kind: CheckKind,
    retransmission: Retransmission,
    nomination = this.#repeatedNomination(session, pair, kind),
  ): void {
    const { role, tieBreaker } = this.#roles
    const { transaction, bytes } = encodeCheck({ session, pair, role, tieBreaker, nomination, random: this.#random })
    const kept = { kind, session, pair, role, nomination: nomination ?? 0, transaction, bytes, retransmission }
    this.#table.add({ ...kept, cancelled: false })
    this.#transmits.push({ data: bytes, local: pair.local.base, remote: pair.remote.address })
  }

  /** Asking for consent, a controlling agent repeats its nomination: both ends agree in the end, whatever was lost. */
  #repeatedNomination(session: IceSession, pair: CandidatePair, kind: CheckKind): number | undefined {
    const repeats = kind !== 'ordinary' && this.#roles.role === 'controlling' && pair === session.nominated
    return repeats ? pair.nomination : undefined
  }

  /** RFC 8445 §14.3, with another floor: a lost check must not cost half a second. A measured path has its own time. */
  #rto(session: IceSession, pair: CandidatePair): number {
    const { rtoFloorMs, maxRtoMs, paceMs } = this.#timing
    const estimateMs = pair.roundTrip.rtoMs ?? paceMs * session.checklist.activeCount
    return Math.min(Math.max(rtoFloorMs, estimateMs), maxRtoMs)
  }
}
