import type { SdpCandidate } from '../../sdp/index.ts'
import type { AppliedDescription } from '../applied-description.ts'
import { remoteFragments } from '../remote-fragments.ts'
import type { RTCIceCandidateInit } from '../rtc-ice-candidate.ts'
import type { Signaling } from '../signaling.ts'
import { bundledHomes } from './bundle-plan.ts'
import type { SectionTransport } from './section-transport.ts'
import type { SectionTransports } from './section-transports.ts'
import { readCandidate, sectionOf } from './signalled-candidate.ts'

/** What the exchange of candidates needs of the negotiation. */
export interface CandidateExchangeOptions {
  readonly signaling: Signaling
  readonly transports: SectionTransports
  /** The transceiver that is associated with the m= section of this index is stopped. */
  readonly isStopped: (index: number) => boolean
}

/** The user name fragments of a candidate, by the indices of the m= sections that it belongs to. */
type Fragments = ReadonlyMap<number, string | undefined>

/** Trickled candidates: those found here go into the local descriptions, those of the peer to their transports. RFC 8838. */
export class CandidateExchange {
  readonly #options: CandidateExchangeOptions

  constructor(options: CandidateExchangeOptions) {
    this.#options = options
  }

  /** Writes a candidate into the descriptions of its generation; false if there is none. */
  addLocal(transport: SectionTransport, candidate: SdpCandidate): boolean {
    const places = this.#localPlacesOf(transport)
    for (const { description, index } of places) description.addCandidate(index, candidate)
    return places.length > 0
  }

  endLocal(transport: SectionTransport): boolean {
    const places = this.#localPlacesOf(transport)
    for (const { description, index } of places) description.endOfCandidates(index)
    return places.length > 0
  }

  /**
   * webrtc-pc §4.4.2 addIceCandidate, steps 4.1 to 4.7; an empty candidate says that there will be no more.
   *
   * @returns what is left for a task: steps 4.7.1 and 4.7.2
   * @throws {DOMException} what there is to say at once: InvalidStateError, OperationError
   */
  hearRemote(init: RTCIceCandidateInit): () => void {
    const { remote } = this.#options.signaling
    // Step 4.1
    if (remote === undefined) throw invalidState('a candidate needs a remote description to belong to')
    // Steps 4.2 and 4.3
    const index = sectionOf(remote.session, init)
    // Step 4.4
    if (index !== undefined && this.#options.isStopped(index)) return nothing
    // Step 4.5
    const ufrag = init.usernameFragment ?? undefined
    if (ufrag !== undefined && !this.#isKnownGeneration(index, ufrag)) {
      throw new DOMException("no remote description has the candidate's username fragment", 'OperationError')
    }
    // Step 4.7: without a fragment it is the latest generation; without a section the end of candidates is that of all
    const latest = [...remoteFragments(remote.session).entries()].map(([at, own]) => [at, ufrag ?? own] as const)
    const fragments = new Map(index === undefined ? latest : latest.slice(index, index + 1))
    try {
      const candidate = readCandidate(init.candidate ?? '')
      this.#hearCandidate(fragments, candidate)
      return () => this.#recordCandidate(fragments, candidate)
    } catch (error) {
      return () => {
        throw error
      }
    }
  }

  /** What belongs to another generation, or to a transport that was bundled away, waits in the description or is of no use. */
  #hearCandidate(fragments: Fragments, candidate: SdpCandidate | undefined): void {
    const { signaling, transports } = this.#options
    const { remote } = signaling
    // RFC 9143 §7.2: in an offer each section has its own candidates, and those of one that is bundled away lead nowhere
    const homes = remote?.type === 'offer' ? bundledHomes(remote.session) : []
    const concerned = [...fragments].map(([index, fragment]) => {
      const transport = transports.at(index)
      const home = homes[index] ?? index
      if (home !== index && transports.at(home) === transport) return undefined
      return transport?.hasRemoteFragment(fragment) === true ? transport : undefined
    })
    for (const transport of new Set(concerned)) {
      if (candidate === undefined) transport?.endOfRemoteCandidates()
      else transport?.addRemoteCandidate(candidate)
    }
  }

  /** webrtc-pc §4.4.2 addIceCandidate, steps 4.7.2.2 and 4.7.2.3: in each description of the generation */
  #recordCandidate(fragments: Fragments, candidate: SdpCandidate | undefined): void {
    for (const description of present(this.#options.signaling.pendingRemote, this.#options.signaling.currentRemote)) {
      const known = remoteFragments(description.session)
      for (const [index, fragment] of fragments) {
        if (index >= known.length || known[index] !== fragment) continue
        if (candidate === undefined) description.endOfCandidates(index)
        else description.addCandidate(index, candidate)
      }
    }
  }

  #localPlacesOf(transport: SectionTransport): { description: AppliedDescription; index: number }[] {
    const { pendingLocal, currentLocal } = this.#options.signaling
    const { usernameFragment } = transport.iceParameters
    return present(pendingLocal, currentLocal).flatMap(description =>
      [...description.carriers].flatMap(([index, carrier]) =>
        carrier === transport && description.session.media[index]?.iceUfrag === usernameFragment
          ? [{ description, index }]
          : [],
      ),
    )
  }

  #isKnownGeneration(index: number | undefined, ufrag: string): boolean {
    const { pendingRemote, currentRemote } = this.#options.signaling
    return present(pendingRemote, currentRemote).some(({ session }) =>
      remoteFragments(session).some((known, at) => (index === undefined || at === index) && known === ufrag),
    )
  }
}

function nothing(): void {
  // For a candidate that is of no use to anyone.
}

function present(...descriptions: readonly (AppliedDescription | undefined)[]): AppliedDescription[] {
  return descriptions.filter(description => description !== undefined)
}

function invalidState(message: string): DOMException {
  return new DOMException(message, 'InvalidStateError')
}
