import { sameAddress, type TransportAddress } from '../../base/address.ts'
import type { Network, RandomSource, UdpSocket } from '../../base/environment.ts'
import type { CandidateReceiver, CandidateSocket } from './candidate-socket.ts'
import { openPort, type PortRange } from './ports.ts'

/** Takes a message that came from a server's address; false if it is none of its business. */
export type ServerReceiver = (message: Uint8Array) => boolean

/**
 * A UDP socket of this host. Peers and servers share it, so that a server sees the address that a peer will see.
 */
export class HostSocket implements CandidateSocket {
  readonly local: TransportAddress
  readonly #socket: UdpSocket
  /** Few: a scan is faster than a key. */
  #servers: readonly { readonly address: TransportAddress; readonly receive: ServerReceiver }[] = []
  #receive: CandidateReceiver = ignore
  #closing = false

  private constructor(socket: UdpSocket) {
    this.#socket = socket
    this.local = socket.local
  }

  /** Binds a local address; undefined if it cannot be bound, or no port of the range is free. */
  static open(
    network: Network,
    address: string,
    ports: PortRange | undefined,
    random: RandomSource,
  ): Promise<HostSocket | undefined> {
    return openPort(ports, random, port => HostSocket.bind(network, address, port))
  }

  /** @throws {Error} with the operating system's `code` if the address cannot be bound */
  static async bind(network: Network, address: string, port: number): Promise<HostSocket> {
    let opened: HostSocket | undefined
    const socket = await network.bindUdp(address, port, (data, from) => {
      if (opened !== undefined) opened.#take(data, from)
    })
    opened = new HostSocket(socket)
    return opened
  }

  /** Names who takes the datagrams of peers from now on. */
  attach(receive: CandidateReceiver): void {
    this.#receive = receive
  }

  /** What comes from the server is shown to `receive` first, until the result is called. */
  shareWith(address: TransportAddress, receive: ServerReceiver): () => void {
    const entry = { address, receive }
    this.#servers = [...this.#servers, entry]
    return () => {
      this.#servers = this.#servers.filter(other => other !== entry)
      if (this.#closing && this.#servers.length === 0) this.#socket.close()
    }
  }

  send(data: Uint8Array, to: TransportAddress): void {
    this.#socket.send(data, to)
  }

  /** Peers are no longer heard. It closes when the last server has been said goodbye to. */
  close(): void {
    this.#receive = ignore
    this.#closing = true
    if (this.#servers.length === 0) this.#socket.close()
  }

  #take(data: Uint8Array, from: TransportAddress): void {
    for (const { address, receive } of this.#servers) {
      // Several cores may talk with one server, and it may be a peer as well: each knows its own transactions.
      if (sameAddress(address, from) && receive(data)) return
    }
    this.#receive(data, from, this)
  }
}

function ignore(): void {}
