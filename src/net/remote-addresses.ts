import type { TransportAddress } from '../base/address.ts'
import { parseIp } from '../base/ip.ts'

/** The number of remote endpoints for which a socket keeps the address object it hands out. */
export const maxKnownRemotes = 64

/** An endpoint as Node tells it. */
export interface RawEndpoint {
  readonly address: string
  readonly port: number
}

/**
 * Gives the same object for the same remote endpoint, so that layers above can compare by identity.
 *
 * Anyone can send from many addresses: when the table is full, it starts anew.
 */
export class RemoteAddresses {
  readonly #known = new Map<string, TransportAddress>()
  #last: TransportAddress | undefined
  #lastRaw = ''

  of(remote: RawEndpoint): TransportAddress {
    const last = this.#last
    if (last !== undefined && remote.port === last.port && remote.address === this.#lastRaw) return last
    const found = this.#find(remote)
    this.#last = found
    this.#lastRaw = remote.address
    return found
  }

  #find(remote: RawEndpoint): TransportAddress {
    const key = `${remote.port} ${remote.address}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    if (this.#known.size >= maxKnownRemotes) this.#known.clear()
    const added = transportAddress(remote)
    this.#known.set(key, added)
    return added
  }
}

/** The canonical form of an endpoint. */
export function transportAddress(endpoint: RawEndpoint): TransportAddress {
  // A zone means something to this host alone, and the candidates of a peer come without.
  const ip = parseIp(endpoint.address.replace(/%.*/, ''))
  return { address: ip?.address ?? endpoint.address, port: endpoint.port, family: ip?.family ?? 4 }
}
