import type { IceCandidate } from '../ice/index.ts'
import type { SdpCandidate } from '../sdp/index.ts'

/** How the candidates of a transport are shown: as they are, or with what is to stay private left out. */
export class CandidateDescriber {
  readonly #hideRelated: boolean
  readonly #names = new Map<string, string>()

  /**
   * @param hideRelated leaves out where a reflexive or relayed candidate was derived from: with the transport policy
   * `relay`, and where host addresses are hidden
   */
  constructor(hideRelated: boolean) {
    this.#hideRelated = hideRelated
  }

  /** From now on the name is told in place of the address. */
  hide(address: string, name: string): void {
    this.#names.set(address, name)
  }

  /** What may be told in place of an address. */
  shownAddress(candidate: IceCandidate): string {
    const { address } = candidate.address
    return this.#names.get(address) ?? address
  }

  /** RFC 8839 §5.1: a candidate as an a=candidate line has it. */
  describe(candidate: IceCandidate): SdpCandidate {
    return {
      foundation: candidate.foundation,
      component: candidate.component,
      protocol: candidate.protocol,
      priority: candidate.priority,
      address: this.shownAddress(candidate),
      port: candidate.address.port,
      type: candidate.type,
      ...this.#related(candidate),
      ...(candidate.tcpType === undefined ? {} : { tcpType: candidate.tcpType }),
      extensions: [],
    }
  }

  #related(candidate: IceCandidate): Pick<SdpCandidate, 'relatedAddress' | 'relatedPort'> {
    const { relatedAddress, relatedPort } = candidate
    if (relatedAddress === undefined || relatedPort === undefined) return {}
    // RFC 8829 §3.5.3 and RFC 8839 §5.1: where the related address is not to be told, the fields stay with zeros
    if (this.#hideRelated) return { relatedAddress: relatedAddress.includes(':') ? '::' : '0.0.0.0', relatedPort: 0 }
    return { relatedAddress, relatedPort }
  }
}
