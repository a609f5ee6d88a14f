import { addressKey, type TransportAddress } from '../../base/address.ts'
import type { CancelTimer, Clock, Network, TcpHandler, Timers } from '../../base/environment.ts'
import type { CandidateReceiver, CandidateSocket } from './candidate-socket.ts'
import { reconnectDelayMs, TcpPeer } from './tcp-peer.ts'

/** Connections of one candidate at a time, those that failed a moment ago included: a peer decides how many it wants. */
export const maxTcpConnections = 64

/** RFC 6544 §12: attempts at the same time to connect to the same IP address. */
export const maxAttemptsPerAddress = 5

/** How often idle and unproven connections are looked for. */
export const sweepIntervalMs = 2_000

export interface TcpSocketOptions {
  readonly network: Network
  readonly clock: Clock
  readonly timers: Timers
}

/** Who uses a socket. */
export interface TcpSocketUser {
  readonly receive: CandidateReceiver
  /** Nothing can be sent to this peer: it does not accept, speaks something else, or has gone where we cannot follow. */
  unreachable(remote: TransportAddress, socket: CandidateSocket): void
}

/**
 * The connections of one TCP candidate, as if they were a socket for datagrams. RFC 6544 §7: each datagram is a frame of
 * RFC 4571 on the connection to its peer.
 */
export abstract class TcpCandidateSocket implements CandidateSocket {
  abstract readonly local: TransportAddress
  protected readonly options: TcpSocketOptions
  readonly #peers = new Map<string, TcpPeer>()
  #user: TcpSocketUser | undefined
  #last: TcpPeer | undefined
  #cancelSweep: CancelTimer | undefined
  #isClosed = false

  constructor(options: TcpSocketOptions) {
    this.options = options
  }

  /** Names who takes the datagrams of peers from now on; what came before went nowhere. */
  attach(user: TcpSocketUser): void {
    this.#user = user
  }

  send(data: Uint8Array, to: TransportAddress): void {
    if (this.#isClosed) return
    const last = this.#last
    const peer = last !== undefined && last.remote === to ? last : this.#peers.get(addressKey(to))
    if (peer === undefined || !peer.isOpen) {
      this.unconnected(data, to)
      return
    }
    this.#last = peer
    peer.send(data, this.options.clock.now())
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#cancelSweep?.()
    for (const peer of this.#peers.values()) peer.close()
    this.#peers.clear()
    this.#last = undefined
    this.#user = undefined
  }

  /** What to do with a datagram for a peer that there is no connection to. */
  protected abstract unconnected(data: Uint8Array, to: TransportAddress): void
  /** A connection has ended. */
  protected abstract ended(peer: TcpPeer): void

  protected get isClosed(): boolean {
    return this.#isClosed
  }

  protected get size(): number {
    return this.#peers.size
  }

  protected peerAt(remote: TransportAddress): TcpPeer | undefined {
    return this.#peers.get(addressKey(remote))
  }

  protected add(peer: TcpPeer): void {
    const key = addressKey(peer.remote)
    // From the same port again: the peer knows that the connection before it is gone.
    this.#peers.get(key)?.close()
    this.#peers.set(key, peer)
    this.#last = undefined
    this.#cancelSweep ??= this.options.timers.set(sweepIntervalMs, this.#sweep)
  }

  protected remove(peer: TcpPeer): void {
    const key = addressKey(peer.remote)
    if (this.#peers.get(key) === peer) this.#peers.delete(key)
    if (this.#last === peer) this.#last = undefined
  }

  /** A peer to be connected to, with the first datagram for it; undefined if that may not be tried now. */
  protected newPeer(data: Uint8Array, to: TransportAddress): TcpPeer | undefined {
    const now = this.options.clock.now()
    const before = this.peerAt(to)
    if (before !== undefined && now < before.openedAt + reconnectDelayMs) return undefined
    if (!this.#mayConnect(to)) return undefined
    const peer = new TcpPeer(to, now)
    this.add(peer)
    peer.send(data, now)
    return peer
  }

  protected reportUnreachable(remote: TransportAddress): void {
    this.#user?.unreachable(remote, this)
  }

  /** What happens on the connection of a peer. */
  protected handlerFor(peer: TcpPeer): TcpHandler {
    return {
      connected: () => peer.connected(this.options.clock.now()),
      receive: data => this.#receive(peer, data),
      closed: () => this.closed(peer),
    }
  }

  /** A connection was closed by the other end, or has failed. */
  protected closed(peer: TcpPeer): void {
    peer.ended()
    this.ended(peer)
  }

  /** As far as bounds go. */
  #mayConnect(to: TransportAddress): boolean {
    if (to.family !== this.local.family) return false
    if (this.#peers.size >= maxTcpConnections && this.peerAt(to) === undefined) return false
    let attempts = 0
    for (const peer of this.#peers.values()) {
      if (peer.isConnecting && peer.remote.address === to.address) attempts++
    }
    return attempts < maxAttemptsPerAddress
  }

  #receive(peer: TcpPeer, data: Uint8Array): void {
    peer.push(data, this.options.clock.now())
    for (let datagram = peer.next(); datagram !== undefined; datagram = peer.next()) {
      this.#user?.receive(datagram, peer.remote, this)
    }
    if (!peer.isRefused) return
    peer.close()
    this.ended(peer)
  }

  readonly #sweep = (): void => {
    const now = this.options.clock.now()
    for (const peer of this.#peers.values()) {
      if (!peer.isOver(now)) continue
      peer.close()
      this.remove(peer)
    }
    this.#cancelSweep = this.#peers.size === 0 ? undefined : this.options.timers.set(sweepIntervalMs, this.#sweep)
  }
}
