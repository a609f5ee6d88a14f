import { addressKey, type TransportAddress } from '../../base/address.ts'
import { setBounded } from '../../base/bounded-map.ts'
import type { Clock } from '../../base/environment.ts'
import { PerSecond } from '../../base/per-second.ts'
import { decodeMessage, stunMethod } from '../../ice/index.ts'
import { classOf, isStun, transactionIdOf } from '../../ice/stun/header.ts'
import { transactionKey } from '../../ice/stun/transaction.ts'
import type { CandidateReceiver, CandidateSocket } from './candidate-socket.ts'
import type { TcpSocketUser } from './tcp-candidate-socket.ts'

/** Requests of ours whose answers are awaited; the oldest go first. */
export const maxOpenRequests = 4096

/**
 * Addresses of peers that are remembered as belonging to a connection. Those known for the longest go first, and are back
 * with the next thing that is sent there.
 */
export const maxRoutes = 16_384

/** An address that was silent for so long may belong to another connection now: consent checks come more often. */
export const routeIdleMs = 10_000

/** Requests for unknown user name fragments that are told in a second: anyone can send any number of them. */
export const maxUnknownPerSecond = 100

/** A check for a user name fragment that no connection has. Nothing in it is authentic. */
export interface UnknownRequest {
  /** What the peer takes for our user name fragment. */
  readonly usernameFragment: string
  /** Its own. */
  readonly remoteUsernameFragment: string
  readonly remote: TransportAddress
  /** Where it arrived. */
  readonly local: TransportAddress
}

interface Route {
  readonly to: PortSocket
  heardAt: number
}

/**
 * Shares one socket between connections.
 *
 * A request is for the connection that its USERNAME names (RFC 8445 §7.2.2), an answer for the one that asked, and
 * everything else for the one that has answered a check from that address, or has sent data there: both need the
 * peer's password. So nobody can draw what others receive to a connection of its own.
 */
export class PortDemux {
  readonly #socket: CandidateSocket
  readonly #clock: Clock
  readonly #onUnknown: (request: UnknownRequest) => void
  readonly #fragments = new Map<string, PortSocket>()
  readonly #requests = new Map<string, PortSocket>()
  readonly #routes = new Map<string, Route>()
  /** The same by identity: bulk data finds its way without building a key. */
  readonly #recent = new Map<TransportAddress, Route>()
  readonly #unknown = new PerSecond(maxUnknownPerSecond)
  #closed = false

  constructor(socket: CandidateSocket, clock: Clock, onUnknown: (request: UnknownRequest) => void) {
    this.#socket = socket
    this.#clock = clock
    this.#onUnknown = onUnknown
  }

  get local(): TransportAddress {
    return this.#socket.local
  }

  /** A socket for one connection. */
  open(): PortSocket {
    return new PortSocket(this)
  }

  readonly receive: CandidateReceiver = (data, from) => {
    if (this.#closed) return
    const target = isStun(data) ? this.#targetOfStun(data, from) : this.#routeOf(from)?.to
    target?.receive(data, from)
  }

  /** A TCP connection has ended. */
  readonly unreachable: TcpSocketUser['unreachable'] = remote => {
    const route = this.#routes.get(addressKey(remote))
    this.#routes.delete(addressKey(remote))
    this.#recent.clear()
    route?.to.unreachable(remote)
  }

  /** Called by sockets: requests that name this fragment are theirs. */
  claim(usernameFragment: string, socket: PortSocket): void {
    this.#fragments.set(usernameFragment, socket)
  }

  /** Called by sockets. */
  send(data: Uint8Array, to: TransportAddress, from: PortSocket): void {
    if (this.#closed) return
    const type = isStun(data) ? classOf(data) : 'data'
    if (type === 'data' || type === 'success') this.#route(to, from)
    else if (type === 'request') setBounded(this.#requests, transactionOf(data), from, maxOpenRequests)
    this.#socket.send(data, to)
  }

  /** Called by sockets. */
  release(socket: PortSocket): void {
    for (const table of [this.#fragments, this.#requests]) {
      for (const [key, owner] of table) if (owner === socket) table.delete(key)
    }
    for (const [key, { to }] of this.#routes) if (to === socket) this.#routes.delete(key)
    this.#recent.clear()
  }

  close(): void {
    this.#closed = true
    for (const table of [this.#fragments, this.#requests, this.#routes, this.#recent]) table.clear()
  }

  #targetOfStun(data: Uint8Array, from: TransportAddress): PortSocket | undefined {
    if (classOf(data) !== 'request') return this.#requests.get(transactionOf(data)) ?? this.#routeOf(from)?.to
    const message = decodeMessage(data)
    if (message === undefined || message.method !== stunMethod.binding) return undefined
    const [usernameFragment = '', remoteUsernameFragment = ''] = message.attributes.username?.split(':') ?? []
    const target = this.#fragments.get(usernameFragment)
    if (target === undefined && usernameFragment !== '') {
      const request = { usernameFragment, remoteUsernameFragment, remote: from, local: this.local }
      if (this.#unknown.take(this.#clock.now())) this.#onUnknown(request)
    }
    // It may have been told of just now, and taken.
    const found = target ?? this.#fragments.get(usernameFragment)
    if (found !== undefined) this.#heard(from, found)
    return found
  }

  #routeOf(from: TransportAddress): Route | undefined {
    const route = this.#knownRoute(from)
    if (route !== undefined) route.heardAt = this.#clock.now()
    return route
  }

  #knownRoute(remote: TransportAddress): Route | undefined {
    const recent = this.#recent.get(remote)
    if (recent !== undefined) return recent
    const route = this.#routes.get(addressKey(remote))
    if (route !== undefined) setBounded(this.#recent, remote, route, maxRoutes)
    return route
  }

  #heard(from: TransportAddress, socket: PortSocket): void {
    const route = this.#knownRoute(from)
    if (route?.to === socket) route.heardAt = this.#clock.now()
  }

  #route(to: TransportAddress, socket: PortSocket): void {
    const known = this.#knownRoute(to)
    if (known?.to === socket) return
    const now = this.#clock.now()
    // Someone who can send from a false address must not take it from the connection that is using it.
    if (known !== undefined && now < known.heardAt + routeIdleMs) return
    const route = { to: socket, heardAt: now }
    setBounded(this.#routes, addressKey(to), route, maxRoutes)
    this.#recent.clear()
  }
}

/** What a shared socket is to one connection. */
export class PortSocket implements CandidateSocket {
  readonly #demux: PortDemux
  #user: TcpSocketUser | undefined

  constructor(demux: PortDemux) {
    this.#demux = demux
  }

  get local(): TransportAddress {
    return this.#demux.local
  }

  /** Names who takes what is for this connection, which peers know by the user name fragment, and by those before it. */
  attach(user: TcpSocketUser, usernameFragment: string): void {
    this.#user = user
    this.#demux.claim(usernameFragment, this)
  }

  send(data: Uint8Array, to: TransportAddress): void {
    this.#demux.send(data, to, this)
  }

  close(): void {
    this.#user = undefined
    this.#demux.release(this)
  }

  /** Called by the demultiplexer. */
  receive(data: Uint8Array, from: TransportAddress): void {
    this.#user?.receive(data, from, this)
  }

  /** Called by the demultiplexer. */
  unreachable(remote: TransportAddress): void {
    this.#user?.unreachable(remote, this)
  }
}

function transactionOf(message: Uint8Array): string {
  return transactionKey(transactionIdOf(message))
}
