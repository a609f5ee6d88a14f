import type { AppliedDescription } from './applied-description.ts'

export type SignalingState =
  | 'stable'
  | 'have-local-offer'
  | 'have-remote-offer'
  | 'have-local-pranswer'
  | 'have-remote-pranswer'
  | 'closed'

export type SdpType = 'offer' | 'answer' | 'pranswer' | 'rollback'

type Side = 'local' | 'remote'

/** RFC 8829 §3.2, figure 2: where each description leads, from each state that permits it. */
const transitions: Readonly<Record<Side, Readonly<Record<SdpType, Partial<Record<SignalingState, SignalingState>>>>>> =
  {
    local: {
      offer: { stable: 'have-local-offer', 'have-local-offer': 'have-local-offer' },
      pranswer: { 'have-remote-offer': 'have-local-pranswer', 'have-local-pranswer': 'have-local-pranswer' },
      answer: { 'have-remote-offer': 'stable', 'have-local-pranswer': 'stable' },
      rollback: { 'have-local-offer': 'stable', 'have-remote-offer': 'stable' },
    },
    remote: {
      offer: { stable: 'have-remote-offer', 'have-remote-offer': 'have-remote-offer' },
      pranswer: { 'have-local-offer': 'have-remote-pranswer', 'have-remote-pranswer': 'have-remote-pranswer' },
      answer: { 'have-local-offer': 'stable', 'have-remote-pranswer': 'stable' },
      rollback: { 'have-local-offer': 'stable', 'have-remote-offer': 'stable' },
    },
  }

/** The offer/answer state machine of a connection and the descriptions that were applied to it. */
export class Signaling {
  #state: SignalingState = 'stable'
  #pendingLocal: AppliedDescription | undefined
  #currentLocal: AppliedDescription | undefined
  #pendingRemote: AppliedDescription | undefined
  #currentRemote: AppliedDescription | undefined
  /** The texts that createOffer and createAnswer gave out last; '' once negotiation completed. */
  lastCreatedOffer = ''
  lastCreatedAnswer = ''

  get state(): SignalingState {
    return this.#state
  }

  get pendingLocal(): AppliedDescription | undefined {
    return this.#pendingLocal
  }

  get currentLocal(): AppliedDescription | undefined {
    return this.#currentLocal
  }

  get pendingRemote(): AppliedDescription | undefined {
    return this.#pendingRemote
  }

  get currentRemote(): AppliedDescription | undefined {
    return this.#currentRemote
  }

  get local(): AppliedDescription | undefined {
    return this.#pendingLocal ?? this.#currentLocal
  }

  get remote(): AppliedDescription | undefined {
    return this.#pendingRemote ?? this.#currentRemote
  }

  permits(side: Side, type: SdpType): boolean {
    return transitions[side][type][this.#state] !== undefined
  }

  /** Stores a description and moves on. The caller has asked {@link permits}. */
  apply(description: AppliedDescription): void {
    const side = description.local ? 'local' : 'remote'
    const next = transitions[side][description.type][this.#state] ?? this.#state
    // webrtc-pc §4.4.1.4, steps 4.6.5 and 4.6.6
    if (description.type === 'answer') this.#complete(description)
    else if (description.local) this.#pendingLocal = description
    else this.#pendingRemote = description
    this.#state = next
  }

  /** webrtc-pc §4.4.1.4, step 4.6.12 */
  rollback(): void {
    this.#pendingLocal = undefined
    this.#pendingRemote = undefined
    this.#state = 'stable'
  }

  close(): void {
    this.#state = 'closed'
  }

  #complete(answer: AppliedDescription): void {
    this.#currentLocal = answer.local ? answer : this.#pendingLocal
    this.#currentRemote = answer.local ? this.#pendingRemote : answer
    this.#pendingLocal = undefined
    this.#pendingRemote = undefined
    this.lastCreatedOffer = ''
    this.lastCreatedAnswer = ''
  }
}
