import type { TransportAddress } from '../../base/address.ts'
import type { CancelTimer, RandomSource, TcpConnection, TcpHandler } from '../../base/environment.ts'
import { AcceptingTcpSocket, candidateAcceptLimits } from './accepting-tcp-socket.ts'
import type { TcpSocketOptions } from './tcp-candidate-socket.ts'
import type { TcpPeer } from './tcp-peer.ts'
import { canShareTcpPorts } from './tcp-port-sharing.ts'

/** No attempt to connect to a peer begins later than this after the first. */
export const openLimitMs = 10_000

/** Attempts to connect to a peer, the first included. */
export const maxOpenAttempts = 20

/** The wait after a failed attempt, half of it to one and a half at random; doubled each time. */
export const firstRetryMs = 100
export const maxRetryMs = 1_000

export interface SimultaneousTcpOptions extends TcpSocketOptions {
  readonly random: RandomSource
}

/**
 * The socket of a simultaneous-open candidate: both ends connect, each from the port that the other connects to. So the
 * first packet of each opens its own NAT for that of the other (RFC 5382 REQ-2). Where there is no NAT, or it lets
 * everyone in, whoever is first finds the other listening.
 *
 * A port that listens cannot be connected from. So listening is interrupted for the moment in which the first packet
 * leaves, after which the port may listen again while the connection is on its way.
 */
export class SimultaneousTcpSocket extends AcceptingTcpSocket {
  readonly #random: RandomSource
  readonly #attempts = new WeakMap<TcpPeer, number>()
  /** Waiting for their next attempt. */
  readonly #retries = new Map<TcpPeer, CancelTimer>()
  /** To be connected to as soon as the port listens again. */
  #due: TcpPeer[] = []
  #isInterrupted = false

  private constructor(address: string, options: SimultaneousTcpOptions) {
    super(address, options, candidateAcceptLimits)
    this.#random = options.random
  }

  /**
   * Takes a port of an address of this host; undefined where the operating system does not let one port do all this.
   *
   * @param port 0 for any
   * @throws {Error} with the operating system's `code` if the address cannot be bound
   */
  static async open(
    address: string,
    port: number,
    options: SimultaneousTcpOptions,
  ): Promise<SimultaneousTcpSocket | undefined> {
    if (!(await canShareTcpPorts(options.network, address))) return undefined
    const socket = new SimultaneousTcpSocket(address, options)
    await socket.listen(port)
    return socket
  }

  override close(): void {
    for (const cancel of this.#retries.values()) cancel()
    this.#retries.clear()
    this.#due = []
    super.close()
  }

  protected override unconnected(data: Uint8Array, to: TransportAddress): void {
    const peer = this.newPeer(data, to)
    if (peer !== undefined) this.#connect(peer)
  }

  /** RFC 6544 §7.2: the peer that we try to reach was first, or it is one that we do not know yet. */
  protected override accept(connection: TcpConnection): TcpHandler {
    const peer = this.peerAt(connection.remote)
    if (peer === undefined || !peer.isConnecting) return super.accept(connection)
    this.#cancelRetry(peer)
    peer.connection?.close()
    peer.connection = connection
    peer.connected(this.options.clock.now())
    return this.handlerFor(peer)
  }

  /** It may be refused only because the other end was not there yet, or was interrupted as we are. */
  protected override closed(peer: TcpPeer): void {
    const attempts = this.#attempts.get(peer) ?? 0
    const delayMs = this.#retryDelay(attempts)
    const isInTime = this.options.clock.now() + delayMs <= peer.openedAt + openLimitMs
    if (peer.hasReceived || attempts === 0 || attempts >= maxOpenAttempts || !isInTime) {
      super.closed(peer)
      return
    }
    peer.reconnects()
    const cancel = this.options.timers.set(delayMs, () => {
      this.#retries.delete(peer)
      this.#connect(peer)
    })
    this.#retries.set(peer, cancel)
  }

  protected override ended(peer: TcpPeer): void {
    if (!peer.isProven) this.remove(peer)
    else if (!peer.hasReceived) this.reportUnreachable(peer.remote)
  }

  #connect(peer: TcpPeer): void {
    this.#due.push(peer)
    if (!this.#isInterrupted) this.#connectAll()
  }

  #connectAll(): void {
    const { network, timers } = this.options
    const { address: localAddress, port: localPort } = this.local
    this.#isInterrupted = true
    this.stopListening()
    for (const peer of this.#due.splice(0)) {
      // It may have been accepted meanwhile, or forgotten.
      if (!peer.isConnecting) continue
      this.#attempts.set(peer, (this.#attempts.get(peer) ?? 0) + 1)
      peer.connection = network.connectTcp(peer.remote, this.handlerFor(peer), { localAddress, localPort })
    }
    timers.endOfTurn(() => {
      void this.#listenAgain()
    })
  }

  async #listenAgain(): Promise<void> {
    if (this.isClosed) return
    try {
      await this.listen(this.local.port)
    } catch {
      // Someone else has the port. Connecting may still succeed, and listening is tried again after the next attempt.
    }
    this.#isInterrupted = false
    if (this.#due.length > 0) this.#connectAll()
  }

  /** Not the same at both ends: in step, they would miss each other for ever. */
  #retryDelay(attempts: number): number {
    const [byte = 0] = this.#random(1)
    return Math.min(maxRetryMs, firstRetryMs * 2 ** (attempts - 1)) * (0.5 + byte / 255)
  }

  #cancelRetry(peer: TcpPeer): void {
    this.#retries.get(peer)?.()
    this.#retries.delete(peer)
  }
}
