import type { DatagramHandler, Environment, NetworkInterface, UdpSocket } from '../base/environment.ts'
import { hostCandidate, type LocalCandidate } from '../ice/index.ts'

/** More local addresses than this are not gathered: each costs a socket and a column of candidate pairs. */
export const maxLocalAddresses = 16

export interface GathererOptions {
  readonly environment: Environment
  /** Loopback addresses too, not only where there are no others. */
  readonly gatherLoopback: boolean
  /** False gathers nothing: with the transport policy `relay` no host address may be used. */
  readonly hostCandidates: boolean
}

/** A candidate and the socket that receives what is sent to it. */
export interface GatheredCandidate {
  readonly candidate: LocalCandidate
  readonly socket: UdpSocket
}

/**
 * Opens one UDP socket per usable local address and makes host candidates of them.
 *
 * RFC 8445 §5.1.1.1. It may start long before a transport wants the candidates (`iceCandidatePoolSize`) and tells them
 * again to each generation. An address that cannot be bound is left out: interfaces come and go.
 */
export class Gatherer {
  readonly #options: GathererOptions
  readonly #gathered: GatheredCandidate[] = []
  #receive: DatagramHandler | undefined
  #onCandidate: ((gathered: GatheredCandidate) => void) | undefined
  #finished: Promise<void> | undefined
  #closed = false

  constructor(options: GathererOptions) {
    this.#options = options
  }

  /** Names who takes the datagrams from now on. Earlier ones went nowhere: nobody had been told the addresses. */
  attach(receive: DatagramHandler): void {
    this.#receive = receive
  }

  /** Starts, if it has not yet; fulfilled when all candidates are there, or when the gatherer was closed. */
  start(): Promise<void> {
    this.#finished ??= this.#bindAll()
    return this.#finished
  }

  /** Tells every candidate, those that are there already and those to come; fulfilled after the last one. */
  async gather(onCandidate: (gathered: GatheredCandidate) => void): Promise<void> {
    this.#gathered.forEach(onCandidate)
    this.#onCandidate = onCandidate
    await this.start()
  }

  close(): void {
    this.#closed = true
    for (const { socket } of this.#gathered) socket.close()
  }

  async #bindAll(): Promise<void> {
    const addresses = this.#options.hostCandidates ? this.#usableInterfaces() : []
    await Promise.all(addresses.map((local, index) => this.#bind(local, index)))
  }

  async #bind(local: NetworkInterface, index: number): Promise<void> {
    const socket = await this.#open(local.address)
    if (socket === undefined) return
    if (this.#closed) return socket.close()
    // RFC 8445 §5.1.2.1: the local preference is unique for each address and follows the host's own order
    const gathered = { candidate: hostCandidate(socket.local, { localPreference: 65535 - index }), socket }
    this.#gathered.push(gathered)
    this.#onCandidate?.(gathered)
  }

  async #open(address: string): Promise<UdpSocket | undefined> {
    try {
      return await this.#options.environment.network.bindUdp(address, 0, (data, from, socket) =>
        this.#receive?.(data, from, socket),
      )
    } catch {
      return undefined
    }
  }

  #usableInterfaces(): NetworkInterface[] {
    const all = this.#options.environment.network.interfaces()
    // RFC 8445 §5.1.1.1: loopback addresses are left out, here unless there is nothing else or they were asked for
    const external = all.filter(entry => !entry.internal)
    const usable = this.#options.gatherLoopback || external.length === 0 ? all : external
    return usable.slice(0, maxLocalAddresses)
  }
}
