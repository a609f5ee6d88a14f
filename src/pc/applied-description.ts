import type { SdpCandidate, SdpMedia, SdpSession } from '../sdp/index.ts'
import { serializeSdp } from '../sdp/index.ts'
import { bundleGroups } from './negotiation/bundle-plan.ts'
import type { SectionTransport } from './negotiation/section-transport.ts'
import { withCandidate } from './negotiation/write-transport.ts'
import { RTCSessionDescription } from './rtc-session-description.ts'

/** A description that was applied, and the candidates that were added to it since. */
export class AppliedDescription {
  readonly type: 'offer' | 'answer' | 'pranswer'
  /** The sections that bring a transport of ours, and which. */
  readonly carriers: ReadonlyMap<number, SectionTransport>
  readonly local: boolean
  #session: SdpSession
  #object: RTCSessionDescription | undefined

  /**
   * @param sdp the text as it was given; it is shown until a candidate is added
   * @param carriers of a local description: the sections that bring a transport
   */
  constructor(
    type: 'offer' | 'answer' | 'pranswer',
    local: boolean,
    session: SdpSession,
    sdp: string,
    carriers: ReadonlyMap<number, SectionTransport> = new Map(),
  ) {
    this.type = type
    this.local = local
    this.carriers = carriers
    this.#session = session
    this.#object = new RTCSessionDescription({ type, sdp })
  }

  get session(): SdpSession {
    return this.#session
  }

  /** The W3C object; the same one until a candidate is added. */
  get object(): RTCSessionDescription {
    this.#object ??= new RTCSessionDescription({ type: this.type, sdp: serializeSdp(this.#session) })
    return this.#object
  }

  addCandidate(index: number, candidate: SdpCandidate): void {
    // RFC 8839 §4.2.1: our own default destination follows what is known; the peer's is left as it was
    if (this.local) this.#change(index, section => withCandidate(section, candidate))
    else this.#change(index, section => ({ ...section, candidates: [...section.candidates, candidate] }))
    if (this.local) this.#shareDestination(index)
  }

  endOfCandidates(index: number): void {
    this.#change(index, section => ({ ...section, endOfCandidates: true }))
  }

  /** RFC 9143 §7.3: all sections of a group that bring no transport name the address of the one that does. */
  #shareDestination(index: number): void {
    const { port, connection } = this.#session.media[index] ?? {}
    const group = bundleGroups(this.#session).find(indices => indices.includes(index)) ?? []
    if (port === undefined || connection === undefined) return
    for (const other of group) {
      if (this.#session.media[other]?.port === 0 || this.carriers.has(other)) continue
      this.#change(other, shared => ({ ...shared, port, connection }))
    }
  }

  #change(index: number, change: (section: SdpMedia) => SdpMedia): void {
    const media = this.#session.media.map((section, at) => (at === index ? change(section) : section))
    this.#session = { ...this.#session, media }
    this.#object = undefined
  }
}
