import { getEventListeners } from 'node:events'
import type { IceCandidate, LocalCandidate, PairReference } from '../ice/index.ts'
import { dispatch } from './events.ts'
import { type RTCIceCandidatePair, RTCIceCandidatePairEvent } from './rtc-ice-candidate-pair.ts'
import type { CandidatePairControl, RTCIceTransport } from './rtc-transports.ts'

type EventType = 'icecandidatepairadd' | 'icecandidatepairremove' | 'icecandidatepairnominate'

const eventTypes: readonly EventType[] = ['icecandidatepairadd', 'icecandidatepairremove', 'icecandidatepairnominate']

/** What the pairs of a transport need of it. */
export interface CandidatePairsOptions {
  /** Where the events are fired. */
  readonly target: () => RTCIceTransport
  readonly create: (local: LocalCandidate, remote: IceCandidate) => RTCIceCandidatePair
  readonly agent: {
    /** The pair that carries data. */
    readonly selectedReference: PairReference | undefined
    select(reference: PairReference): boolean
    remove(reference: PairReference): void
    decideNomination(reference: PairReference, isApproved: boolean): void
  }
  readonly queueTask: (step: () => void) => void
}

/** How a pair was shown: with the candidates that it had then. */
interface Shown {
  readonly pair: RTCIceCandidatePair
  readonly local: LocalCandidate
  readonly remote: IceCandidate
}

interface Pending {
  readonly reference: PairReference
  readonly resolve: () => void
  readonly reject: (reason: DOMException) => void
}

/**
 * webrtc-extensions §9: the [[CandidatePairs]] of an RTCIceTransport, its events and what may be done with them.
 *
 * A pair becomes an object when somebody is there to see it: as long as nobody listens, only those that are selected. It is
 * another one once the peer sees our address otherwise than we do, or has signalled its own: RFC 8445 §7.2.5.3.2.
 */
export class CandidatePairs implements CandidatePairControl {
  readonly #options: CandidatePairsOptions
  /** [[CandidatePairs]] */
  readonly #listed = new Map<RTCIceCandidatePair, PairReference>()
  readonly #shown = new Map<PairReference, Shown[]>()
  readonly #removing = new Map<RTCIceCandidatePair, () => void>()
  #selecting: Pending | undefined
  #isProposalPending = false
  #isClosed = false

  constructor(options: CandidatePairsOptions) {
    this.#options = options
  }

  get isProposalPending(): boolean {
    return this.#isProposalPending
  }

  has(pair: RTCIceCandidatePair): boolean {
    return this.#listed.has(pair)
  }

  /** webrtc-extensions §9.2 selectCandidatePair, steps 7 to 9 */
  async select(pair: RTCIceCandidatePair): Promise<void> {
    const reference = this.#listed.get(pair)
    const { agent } = this.#options
    if (reference === undefined || !agent.select(reference)) throw unusable()
    this.#selecting?.reject(unusable())
    return new Promise((resolve, reject) => {
      this.#selecting = { reference, resolve, reject }
      if (agent.selectedReference === reference) this.#options.queueTask(() => this.settleSelection(reference))
    })
  }

  /** webrtc-extensions §9.2 removeCandidatePair, steps 7 to 10 */
  remove(pair: RTCIceCandidatePair): Promise<void> {
    const reference = this.#listed.get(pair)
    this.#listed.delete(pair)
    return new Promise(resolve => {
      this.#removing.set(pair, resolve)
      if (reference !== undefined) this.#options.agent.remove(reference)
    })
  }

  /** webrtc-extensions §9, add a candidate pair */
  added(reference: PairReference): void {
    if (eventTypes.some(type => this.#isHeard(type))) this.#show(reference, reference)
  }

  /** webrtc-extensions §9, remove a candidate pair: the agent frees no candidates by itself, so that none of it can be canceled */
  removed(reference: PairReference): void {
    const shown = this.#shown.get(reference) ?? this.#unseen(reference)
    this.#shown.delete(reference)
    if (this.#selecting?.reference === reference) this.selectionFailed(reference)
    for (const { pair } of shown) {
      this.#listed.delete(pair)
      this.#fire('icecandidatepairremove', pair)
      this.#removing.get(pair)?.()
      this.#removing.delete(pair)
    }
  }

  /** webrtc-extensions §9, nominate a candidate pair */
  nominate(reference: PairReference): void {
    let isApproved = true
    if (this.#isHeard('icecandidatepairnominate')) {
      const init = { candidatePair: this.#show(reference, reference.selectedView), cancelable: true }
      this.#isProposalPending = true
      isApproved = this.#options.target().dispatchEvent(new RTCIceCandidatePairEvent('icecandidatepairnominate', init))
      this.#isProposalPending = false
    }
    if (!this.#isClosed) this.#options.agent.decideNomination(reference, isApproved)
  }

  /** webrtc-extensions §9.4: the pair of [[CandidatePairs]] that is selected now */
  selected(reference: PairReference, view: Pick<Shown, 'local' | 'remote'>): RTCIceCandidatePair {
    return this.#show(reference, view)
  }

  /** Data goes over the pair now, and that was told. */
  settleSelection(reference: PairReference): void {
    if (this.#selecting?.reference !== reference || this.#isClosed) return
    this.#selecting.resolve()
    this.#selecting = undefined
  }

  selectionFailed(reference: PairReference): void {
    if (this.#selecting?.reference !== reference) return
    this.#selecting.reject(unusable())
    this.#selecting = undefined
  }

  /** webrtc-pc §4.4.2 close: no event is fired and no promise settles any more. */
  close(): void {
    this.#isClosed = true
    this.#listed.clear()
    this.#shown.clear()
    this.#removing.clear()
  }

  /** The object for a pair as it is now; one that is new is listed and told. */
  #show(reference: PairReference, { local, remote }: Pick<Shown, 'local' | 'remote'>): RTCIceCandidatePair {
    const known = this.#shown.get(reference) ?? []
    const same = known.find(shown => shown.local === local && shown.remote === remote)
    if (same !== undefined) return same.pair
    const pair = this.#options.create(local, remote)
    this.#shown.set(reference, [...known, { pair, local, remote }])
    this.#listed.set(pair, reference)
    this.#fire('icecandidatepairadd', pair)
    return pair
  }

  /** A pair that came before anybody listened, and goes now. */
  #unseen({ local, remote }: PairReference): readonly Shown[] {
    if (!this.#isHeard('icecandidatepairremove')) return []
    return [{ pair: this.#options.create(local, remote), local, remote }]
  }

  #isHeard(type: EventType): boolean {
    return !this.#isClosed && getEventListeners(this.#options.target(), type).length > 0
  }

  #fire(type: EventType, candidatePair: RTCIceCandidatePair): void {
    if (this.#isHeard(type)) dispatch(this.#options.target(), new RTCIceCandidatePairEvent(type, { candidatePair }))
  }
}

function unusable(): DOMException {
  return new DOMException('the pair cannot be used: it does not work, or another one was nominated', 'OperationError')
}
