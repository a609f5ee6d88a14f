import type { Resolver } from '../base/environment.ts'
import { parseIp } from '../base/ip.ts'
import type { CandidateComponent, IceCandidate } from '../ice/index.ts'
import type { SdpCandidate } from '../sdp/index.ts'

/** More names than this of one peer are not looked up: a description may not turn us into a flood of queries. */
export const maxNamesPerPeer = 32

/** Names of a peer that were looked up, for all its transports together. */
export interface NameBudget {
  used: number
}

const candidateTypes = ['host', 'srflx', 'prflx', 'relay'] as const

export interface RemoteCandidatesOptions {
  readonly resolver: Resolver
  /** Whether names are looked up, or passed over. */
  readonly resolvesNames: () => boolean
  /** Those of the other component are passed over. */
  readonly component: CandidateComponent
  readonly names: NameBudget
  readonly deliver: (candidate: IceCandidate) => void
  /** Called when the last name being looked up has an answer. */
  readonly onSettled: () => void
}

/**
 * Turns signalled candidates into ones that ICE can check: addresses at once, `.local` names when they are resolved.
 *
 * A candidate that cannot be used (other transports, components or types, unknown names) is passed over: RFC 8839 §5.1
 * has an agent ignore what it does not understand.
 */
export class RemoteCandidates {
  readonly #resolver: Resolver
  readonly #resolvesNames: () => boolean
  readonly #component: CandidateComponent
  readonly #names: NameBudget
  readonly #deliver: (candidate: IceCandidate) => void
  readonly #onSettled: () => void
  #pending = 0
  #closed = false

  constructor(options: RemoteCandidatesOptions) {
    this.#resolver = options.resolver
    this.#resolvesNames = options.resolvesNames
    this.#component = options.component
    this.#names = options.names
    this.#deliver = options.deliver
    this.#onSettled = options.onSettled
  }

  /** Names are still being looked up: the end of candidates must wait for them. */
  get isResolving(): boolean {
    return this.#pending > 0
  }

  add(candidate: SdpCandidate): void {
    if (candidate.component !== this.#component) return
    const literal = parseIp(candidate.address)
    if (literal !== undefined) {
      this.#deliverAs(candidate, candidate.address)
    } else if (isLocalName(candidate.address) && this.#names.used < maxNamesPerPeer && this.#resolvesNames()) {
      this.#names.used++
      this.#pending++
      void this.#resolve(candidate)
    }
  }

  close(): void {
    this.#closed = true
  }

  async #resolve(candidate: SdpCandidate): Promise<void> {
    // draft-ietf-mmusic-mdns-ice-candidates §3.2.1: a name is looked up once, and one that nobody answers for is ignored
    const addresses = await this.#resolver.resolveMdns(candidate.address)
    this.#pending--
    if (this.#closed) return
    // draft-ietf-mmusic-mdns-ice-candidates §3.2.2: a name stands for one address, or is not to be trusted
    const [address] = addresses
    if (address !== undefined && addresses.length === 1) this.#deliverAs(candidate, address)
    if (this.#pending === 0) this.#onSettled()
  }

  #deliverAs(candidate: SdpCandidate, address: string): void {
    const usable = toIceCandidate(candidate, address, this.#component)
    if (usable !== undefined) this.#deliver(usable)
  }
}

function isLocalName(address: string): boolean {
  return /^[^.]+\.local$/i.test(address)
}

function toIceCandidate(
  candidate: SdpCandidate,
  address: string,
  component: CandidateComponent,
): IceCandidate | undefined {
  const ip = parseIp(address)
  const type = candidateTypes.find(known => known === candidate.type)
  const transport = transportOf(candidate)
  if (ip === undefined || type === undefined || transport === undefined) return undefined
  // RFC 8839 §5.1: port 0 is nobody's; port 9 is that of active TCP candidates (RFC 6544 §4.5), which nobody can call
  if (candidate.port === 0) return undefined
  return {
    foundation: candidate.foundation,
    component,
    priority: candidate.priority,
    address: { ...ip, port: candidate.port },
    type,
    ...transport,
  }
}

/** Undefined for transports that are not spoken here. */
function transportOf({ protocol, tcpType }: SdpCandidate): Pick<IceCandidate, 'protocol' | 'tcpType'> | undefined {
  if (protocol === 'udp') return { protocol }
  // RFC 6544 §4.5: a TCP candidate without a type is none
  if (protocol !== 'tcp' || (tcpType !== 'active' && tcpType !== 'passive' && tcpType !== 'so')) return undefined
  return { protocol, tcpType }
}
