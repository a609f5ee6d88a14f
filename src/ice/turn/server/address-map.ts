import type { TransportAddress } from '../../../base/address.ts'

/** A map from transport addresses that is asked once a packet: no key is put together, nothing is allocated. */
export class AddressMap<Value> {
  readonly #hosts = new Map<string, Map<number, Value>>()

  get(address: TransportAddress): Value | undefined {
    return this.#hosts.get(address.address)?.get(address.port)
  }

  set(address: TransportAddress, value: Value): void {
    let ports = this.#hosts.get(address.address)
    if (ports === undefined) {
      ports = new Map()
      this.#hosts.set(address.address, ports)
    }
    ports.set(address.port, value)
  }

  delete(address: TransportAddress): void {
    const ports = this.#hosts.get(address.address)
    ports?.delete(address.port)
    if (ports?.size === 0) this.#hosts.delete(address.address)
  }
}
