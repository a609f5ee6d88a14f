/** What has addresses: a host, or a NAT on its outside. */
export interface Station {
  readonly name: string
}

/**
 * An address space: the public network, or what lies behind a NAT. The same private address may be in several.
 *
 * It is one link as well: multicast reaches all of it.
 */
export class Realm {
  readonly #owners = new Map<string, Station>()
  /** Takes what is for no address of this realm; undefined: it goes nowhere. */
  gateway: Station | undefined

  owner(address: string): Station | undefined {
    return this.#owners.get(address)
  }

  claim(address: string, station: Station): void {
    const owner = this.#owners.get(address)
    if (owner !== undefined) throw new Error(`${address} belongs to ${owner.name}`)
    this.#owners.set(address, station)
  }

  release(address: string): void {
    this.#owners.delete(address)
  }
}
