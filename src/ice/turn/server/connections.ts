import type { TransportAddress } from '../../../base/address.ts'
import type { Connection } from './endpoints.ts'
import { idleConnectionMs, type ServerLimits } from './limits.ts'
import { networkOf } from './peer-rules.ts'

/** The TCP and TLS connections of clients, and how many there may be. */
export class Connections {
  readonly #limits: ServerLimits
  readonly #all = new Set<Connection>()
  readonly #bySource = new Map<string, number>()

  constructor(limits: ServerLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#all.size
  }

  hasRoom(remote: TransportAddress): boolean {
    const { maxConnections, maxConnectionsPerSource } = this.#limits
    const fromSource = this.#bySource.get(networkOf(remote.address)) ?? 0
    return this.#all.size < maxConnections && fromSource < maxConnectionsPerSource
  }

  add(connection: Connection): void {
    this.#all.add(connection)
    const source = networkOf(connection.path.remote.address)
    this.#bySource.set(source, (this.#bySource.get(source) ?? 0) + 1)
  }

  delete(connection: Connection): void {
    if (!this.#all.delete(connection)) return
    const source = networkOf(connection.path.remote.address)
    const count = (this.#bySource.get(source) ?? 1) - 1
    if (count === 0) this.#bySource.delete(source)
    else this.#bySource.set(source, count)
  }

  /** Those without an allocation that have said nothing for too long. */
  idle(now: number): Connection[] {
    return [...this.#all].filter(({ allocation, peer, idleSince }) => {
      return allocation === undefined && peer === undefined && idleSince + idleConnectionMs <= now
    })
  }
}
