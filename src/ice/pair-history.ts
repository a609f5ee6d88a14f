import type { CheckFailure } from './pair-view.ts'

/** What a pair remembers of its life. When there is more, the middle goes: how it began and how it ended tell most. */
export const maxPairHistory = 24

/** Something that happened to a pair. Retransmissions, consent requests and repetitions of the peer are only counted. */
export type PairHappening =
  /** Our check was sent, for the first time. */
  | 'check-sent'
  | 'nomination-sent'
  /** A check was sent on a pair in use, or that was of use before: whether it still works. */
  | 'probe-sent'
  | 'answered'
  /** The first check of the peer came. */
  | 'peer-check'
  /** Both ends know that it was nominated. */
  | 'nominated'
  /** It carries data from here on. */
  | 'selected'
  /** Another one, or none, carries data from here on. */
  | 'deselected'
  /** In use, and not answered for too long. */
  | 'silent'
  | `failed: ${CheckFailure}`

export interface PairHistoryEntry {
  /** Monotonic milliseconds. */
  readonly at: number
  readonly what: PairHappening
}

/** A bounded list of what happened to a pair. */
export class PairHistory {
  #entries: PairHistoryEntry[] = []

  note(what: PairHappening, at: number): void {
    if (this.#entries.length >= maxPairHistory) this.#entries.splice(maxPairHistory / 2, 1)
    this.#entries.push({ at, what })
  }

  /** Oldest first. */
  entries(): readonly PairHistoryEntry[] {
    return this.#entries.slice()
  }
}
