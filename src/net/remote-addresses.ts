import type { TransportAddress } from '../base/address.ts'
import { parseIp } from '../base/ip.ts'

/**
 * The number of remote endpoints for which a socket keeps the address object it hands out, at most; half as many are kept
 * for certain, those heard last. A port that many connections share has as many peers.
 */
export const maxKnownRemotes = 4096

/** An endpoint as Node tells it. */
export interface RawEndpoint {
  readonly address: string
  readonly port: number
}

/**
 * Gives the same object for the same remote endpoint, so that layers above can compare by identity.
 *
 * Anyone can send from many addresses. There are two generations: when the younger is full it becomes the older one, and
 * who is heard of meanwhile moves to the younger. So those that are silent are forgotten, without keeping order per packet.
 */
export class RemoteAddresses {
  #young = new Generation()
  #old = new Generation()
  #last: TransportAddress | undefined
  #lastRaw = ''

  of(remote: RawEndpoint): TransportAddress {
    const last = this.#last
    if (last !== undefined && remote.port === last.port && remote.address === this.#lastRaw) return last
    const found = this.#young.get(remote) ?? this.#renew(remote)
    this.#last = found
    this.#lastRaw = remote.address
    return found
  }

  #renew(remote: RawEndpoint): TransportAddress {
    const found = this.#old.get(remote) ?? transportAddress(remote)
    if (this.#young.size >= maxKnownRemotes / 2) {
      this.#old = this.#young
      this.#young = new Generation()
    }
    this.#young.add(remote, found)
    return found
  }
}

/** By IP address, then by port: no key has to be built for each packet. */
class Generation {
  readonly #byAddress = new Map<string, Map<number, TransportAddress>>()
  size = 0

  get({ address, port }: RawEndpoint): TransportAddress | undefined {
    return this.#byAddress.get(address)?.get(port)
  }

  add({ address, port }: RawEndpoint, known: TransportAddress): void {
    const ports = this.#byAddress.get(address) ?? new Map<number, TransportAddress>()
    if (ports.size === 0) this.#byAddress.set(address, ports)
    ports.set(port, known)
    this.size++
  }
}

/** The canonical form of an endpoint. */
export function transportAddress(endpoint: RawEndpoint): TransportAddress {
  // A zone means something to this host alone, and the candidates of a peer come without.
  const ip = parseIp(endpoint.address.replace(/%.*/, ''))
  return { address: ip?.address ?? endpoint.address, port: endpoint.port, family: ip?.family ?? 4 }
}
