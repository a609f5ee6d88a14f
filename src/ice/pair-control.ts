import type { CandidatePair } from './candidate-pair.ts'
import type { NominationParts } from './follow-nomination.ts'
import type { IceSession } from './ice-session.ts'
import type { Nomination } from './nomination.ts'
import type { PairReference } from './pair-view.ts'

/** What the layer above may do with pairs: webrtc-extensions §9.2. */
export class PairControl {
  readonly #parts: NominationParts
  readonly #nomination: Nomination

  constructor(parts: NominationParts, nomination: Nomination) {
    this.#parts = parts
    this.#nomination = nomination
  }

  /** @returns false if the pair cannot be selected */
  select(session: IceSession, reference: PairReference, now: number): boolean {
    const pair = find(session, reference)
    const { nominated } = session
    // RFC 8445 §8.1.1: a nomination is for good. A lite agent has no say.
    if (pair === undefined || session.isLite || (nominated !== undefined && nominated !== pair)) return false
    if (pair.consentLost || pair.lastFailure === 'local-address-lost') return false
    session.chosen = pair
    this.#nomination.reconsider(pair)
    const { checks, selection } = this.#parts
    if (selection.isUsable(pair, now)) return true
    checks.cancelWhere(other => other === pair)
    session.checklist.trigger(pair)
    return true
  }

  remove(session: IceSession, reference: PairReference, now: number): boolean {
    const pair = find(session, reference)
    if (pair === undefined) return false
    this.#parts.checks.forget([pair])
    session.removePair(pair, now)
    return true
  }

  /** A pair that was selected has failed, or the peer has nominated another: whoever selected it is to hear of it. */
  noteFailure(session: IceSession): void {
    const { chosen, nominated } = session
    if (chosen === undefined || (chosen.state !== 'failed' && nominated === undefined)) return
    session.chosen = undefined
    if (nominated !== chosen) session.tell('selection-failed', chosen)
  }
}

function find({ checklist }: IceSession, reference: PairReference): CandidatePair | undefined {
  return checklist.pairs.find(pair => pair === reference)
}
