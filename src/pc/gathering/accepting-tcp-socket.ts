import type { TransportAddress } from '../../base/address.ts'
import type { TcpConnection, TcpHandler, TcpListener } from '../../base/environment.ts'
import { maxTcpConnections, TcpCandidateSocket, type TcpSocketOptions } from './tcp-candidate-socket.ts'
import { TcpPeer } from './tcp-peer.ts'

/** How many may connect at a time. */
export interface TcpAcceptLimits {
  readonly connections: number
  /** Of these, how many that have not proved yet to be a peer. */
  readonly strangers: number
}

/** For a candidate of one connection: it has few peers, whoever they are. */
export const candidateAcceptLimits: TcpAcceptLimits = { connections: maxTcpConnections, strangers: maxTcpConnections }

/** A socket that peers connect to. */
export abstract class AcceptingTcpSocket extends TcpCandidateSocket {
  readonly #limits: TcpAcceptLimits
  /** Those who have connected, the oldest first; some have proved since that they are peers. */
  readonly #strangers = new Set<TcpPeer>()
  #listener: TcpListener | undefined
  #local: TransportAddress

  protected constructor(address: string, options: TcpSocketOptions, limits: TcpAcceptLimits) {
    super(options)
    this.#local = { address, port: 0, family: address.includes(':') ? 6 : 4 }
    this.#limits = limits
  }

  get local(): TransportAddress {
    return this.#local
  }

  override close(): void {
    this.stopListening()
    super.close()
  }

  /**
   * @param port 0 for any
   * @throws {Error} with the operating system's `code` if the address cannot be bound
   */
  protected async listen(port: number): Promise<void> {
    const { address } = this.#local
    const listener = await this.options.network.listenTcp(address, port, connection => this.accept(connection))
    this.#listener = listener
    if (this.isClosed) this.stopListening()
    if (this.#local.port === 0) this.#local = listener.local
  }

  protected stopListening(): void {
    this.#listener?.close()
    this.#listener = undefined
  }

  /** Someone has connected. */
  protected accept(connection: TcpConnection): TcpHandler {
    const peer = new TcpPeer(connection.remote, this.options.clock.now(), connection)
    if (this.isClosed || !this.#makeRoom()) peer.close()
    else {
      this.add(peer)
      this.#strangers.add(peer)
    }
    return this.handlerFor(peer)
  }

  /** RFC 6544 §7.2: connections must be accepted. The oldest of those that prove nothing makes room for the latest. */
  #makeRoom(): boolean {
    const { connections, strangers } = this.#limits
    for (const peer of this.#strangers) if (peer.isProven || !peer.isOpen) this.#strangers.delete(peer)
    if (this.size < connections && this.#strangers.size < strangers) return true
    const [oldest] = this.#strangers
    if (oldest === undefined) return false
    this.#strangers.delete(oldest)
    oldest.close()
    this.remove(oldest)
    return true
  }
}
