import type { TransportAddress } from '../../../base/address.ts'
import type { SansIo } from '../../../base/machine.ts'
import { Queue } from '../../../base/queue.ts'
import { parseMessage, type ReceivedStunMessage, stunMethod } from '../../stun/message.ts'
import { StunStream } from '../../stun/stream.ts'
import { isChannelData } from '../channel-data.ts'
import { AddressMap } from './address-map.ts'
import type { Allocation, Relay } from './allocation.ts'
import { Allocator } from './allocator.ts'
import { Authenticator } from './authentication.ts'
import { type Alternates, findAlternates } from './behavior.ts'
import { answerBinding } from './binding.ts'
import { Connections } from './connections.ts'
import { createCounters, type ServerCounters, type ServerDrop } from './counters.ts'
import type { Connection, Endpoint, Listener, PeerConnection } from './endpoints.ts'
import { maxStrangerBytes, serverLimits, type TurnServerPolicy } from './limits.ts'
import { Nonces } from './nonces.ts'
import { PeerConnections } from './peer-connections.ts'
import { PeerRules } from './peer-rules.ts'
import { Permissions } from './permissions.ts'
import { StrangerLimit } from './rate-limit.ts'
import { Relaying } from './relaying.ts'
import { RequestHandler } from './request-handler.ts'
import { Responder } from './responses.ts'
import type { ClientPath, ClientTransport, ServerTransmit, SocketId, TurnServerEvent } from './sockets.ts'
import { Users } from './users.ts'

/** How often it is looked for what has expired. What has is not used meanwhile: this only frees it. */
const sweepMs = 1000

/** What a server has in use, and what has happened since it was started. */
export interface TurnServerStats extends Readonly<ServerCounters> {
  readonly openAllocations: number
  readonly reservedPorts: number
  readonly connections: number
  readonly peerConnections: number
}

/**
 * A STUN and TURN server as one state machine for all its clients: RFC 8489, RFC 8656, RFC 5780, RFC 6062.
 *
 * It owns no socket. Whoever drives it tells it of those that there are, and carries out what it asks for; each has a number
 * that the core gives. Datagrams and chunks of all of them go in through {@link receive}.
 */
export class TurnServerCore implements SansIo<TurnServerEvent, ServerTransmit> {
  readonly #counters = createCounters()
  readonly #rules: PeerRules
  readonly #endpoints = new Map<SocketId, Endpoint>()
  readonly #listening = new AddressMap<true>()
  readonly #alternates = new Map<SocketId, Alternates>()
  readonly #connections: Connections
  readonly #allocator: Allocator
  readonly #relaying: Relaying
  readonly #peers: PeerConnections
  readonly #responder: Responder
  readonly #requests: RequestHandler
  readonly #transmits = new Queue<ServerTransmit>()
  readonly #events = new Queue<TurnServerEvent>()
  #lastSocket = 0
  #sweepAt: number | undefined

  constructor(policy: TurnServerPolicy) {
    const { random, realm } = policy
    const limits = serverLimits(policy)
    const users = new Users({ ...policy, realm })
    const nonces = new Nonces({ random, lifetimeMs: limits.nonceLifetimeMs, usernameAnonymity: users.anonymity })
    const shared = { random, limits, counters: this.#counters, listening: this.#listening, send: this.#send }
    this.#rules = createRules(policy)
    this.#responder = new Responder({
      realm,
      software: policy.software ?? '',
      nonces,
      strangers: new StrangerLimit(random, limits.maxUnauthenticatedPerSecond),
      counters: this.#counters,
      send: this.#send,
    })
    this.#allocator = new Allocator({
      random,
      limits,
      relayAddresses: policy.relayAddresses,
      newSocket: this.#newRelaySocket,
      emit: this.#emit,
      began: this.#relayBegan,
      ended: relay => this.#peers.closeAll(relay),
    })
    const { relays } = this.#allocator
    this.#relaying = new Relaying({ ...shared, relays: relays.udp })
    this.#peers = new PeerConnections({
      ...shared,
      rules: this.#rules,
      relays: relays.tcp,
      responder: this.#responder,
      register: this.#registerPeer,
      emit: this.#emit,
    })
    this.#connections = new Connections(limits)
    this.#requests = new RequestHandler({
      authenticator: new Authenticator(users, nonces, realm),
      permissions: new Permissions({ limits, rules: this.#rules, listening: this.#listening, relays: relays.udp }),
      allocator: this.#allocator,
      peers: this.#peers,
      responder: this.#responder,
      counters: this.#counters,
      limits,
      tcpRelay: policy.tcpRelay ?? false,
      attach: this.#attach,
      release: this.#release,
      disconnect: ({ path }) => this.#emit({ type: 'close', socket: path.socket }),
    })
  }

  /** Takes requests from a UDP socket; the result is its number. */
  addListener(local: TransportAddress): SocketId {
    const socket = ++this.#lastSocket
    this.#endpoints.set(socket, { kind: 'listener', socket, local, clients: new AddressMap() })
    this.announce(local)
    const listeners = [...this.#endpoints.values()].filter((each): each is Listener => each.kind === 'listener')
    for (const listener of listeners) {
      const alternates = findAlternates(listener, listeners)
      if (alternates !== undefined) this.#alternates.set(listener.socket, alternates)
    }
    return socket
  }

  /** This server takes requests there as well: nothing is relayed to such an address. */
  announce(local: TransportAddress): void {
    this.#listening.set(local, true)
  }

  /** The addresses of the host have changed: see `ownAddresses`. */
  setOwnAddresses(own: readonly string[]): void {
    this.#rules.setOwn(own)
  }

  /** A client has connected. Undefined: close the connection, there are too many. */
  addConnection(
    transport: Exclude<ClientTransport, 'udp'>,
    local: TransportAddress,
    remote: TransportAddress,
    now: number,
  ): SocketId | undefined {
    if (!this.#connections.hasRoom(remote)) return undefined
    const socket = ++this.#lastSocket
    const path: ClientPath = { socket, transport, local, remote }
    const connection: Connection = {
      kind: 'connection',
      path,
      stream: new StunStream(),
      allocation: undefined,
      peer: undefined,
      idleSince: now,
      refusals: 0,
    }
    this.#endpoints.set(socket, connection)
    this.#connections.add(connection)
    this.#wake(now)
    return socket
  }

  /**
   * Bytes have arrived: a datagram, or a chunk of a connection.
   *
   * @param from who has sent a datagram; of a connection, it is not looked at
   */
  receive(socket: SocketId, data: Uint8Array, from: TransportAddress, now: number): void {
    const endpoint = this.#endpoints.get(socket)
    if (endpoint === undefined) return
    if (endpoint.kind === 'listener') this.#fromClient(endpoint, data, from, now)
    else if (endpoint.kind === 'relay') {
      if (endpoint.relay !== undefined) this.#count(this.#relaying.fromPeer(endpoint.relay, data, from, now))
    } else if (endpoint.kind === 'connection') this.#fromConnection(endpoint, data, now)
    else this.#peers.fromPeer(endpoint, data)
  }

  /** A relay socket that was asked for is open. */
  opened(socket: SocketId, now: number): void {
    this.#allocator.opened(socket, true, now)
  }

  /** A relay socket that was asked for can't be opened. */
  openFailed(socket: SocketId, now: number): void {
    this.#endpoints.delete(socket)
    this.#allocator.opened(socket, false, now)
  }

  /** A connection to a peer that was asked for can be used. */
  connected(socket: SocketId, now: number): void {
    const endpoint = this.#endpoints.get(socket)
    if (endpoint?.kind === 'peer') this.#peers.connected(endpoint, now)
  }

  /** A peer has connected to a relay's TCP listener. Undefined: close the connection. */
  peerArrived(listener: SocketId, remote: TransportAddress, now: number): SocketId | undefined {
    const endpoint = this.#endpoints.get(listener)
    const relay = endpoint?.kind === 'relay' ? endpoint.relay : undefined
    return relay === undefined ? undefined : this.#peers.arrived(relay, remote, now)
  }

  /** A connection has been closed by the other end, or has failed. */
  closed(socket: SocketId): void {
    const endpoint = this.#endpoints.get(socket)
    if (endpoint?.kind === 'connection') this.#endConnection(endpoint)
    else if (endpoint?.kind === 'peer') this.#peers.close(endpoint)
    this.#endpoints.delete(socket)
  }

  /** A droppable transmit was dropped: its connection takes no more at the moment. */
  dropped(): void {
    this.#counters.drops['slow-client']++
  }

  /** Ends everything. What is to be closed is told by events. */
  close(): void {
    this.#allocator.clear()
    for (const endpoint of [...this.#endpoints.values()]) {
      if (endpoint.kind === 'connection') this.#emit({ type: 'close', socket: endpoint.path.socket })
      else this.#emit({ type: 'close', socket: endpoint.socket })
    }
    this.#sweepAt = undefined
  }

  handleTimeout(now: number): void {
    if (this.#sweepAt === undefined || now < this.#sweepAt) return
    this.#allocator.sweep(now, this.#release)
    this.#peers.sweep(now)
    for (const connection of this.#connections.idle(now)) {
      this.#emit({ type: 'close', socket: connection.path.socket })
    }
    const isIdle = this.#allocator.allocations.size + this.#allocator.reservedPorts + this.#connections.size === 0
    this.#sweepAt = isIdle ? undefined : now + sweepMs
  }

  pollTransmit(): ServerTransmit | undefined {
    return this.#transmits.shift()
  }

  pollEvent(): TurnServerEvent | undefined {
    return this.#events.shift()
  }

  pollTimeout(): number | undefined {
    return this.#sweepAt
  }

  stats(): TurnServerStats {
    return {
      ...structuredClone(this.#counters),
      openAllocations: this.#allocator.allocations.size,
      reservedPorts: this.#allocator.reservedPorts,
      connections: this.#connections.size,
      peerConnections: this.#peers.size,
    }
  }

  /** RFC 8656 §12, table 3: 0 to 3 is STUN, 64 to 79 a channel. */
  #fromClient(listener: Listener, data: Uint8Array, from: TransportAddress, now: number): void {
    const allocation = listener.clients.get(from)
    if (isChannelData(data)) {
      if (allocation?.state === 'open') this.#count(this.#relaying.channelData(allocation, data, now))
      else this.#counters.drops['no-allocation']++
      return
    }
    const path = allocation?.client ?? {
      socket: listener.socket,
      transport: 'udp',
      local: listener.local,
      remote: from,
    }
    this.#onMessage(data, path, allocation, undefined, now)
  }

  #fromConnection(connection: Connection, data: Uint8Array, now: number): void {
    if (connection.peer !== undefined) {
      this.#peers.fromClient(connection.peer, data)
      return
    }
    connection.stream.push(data)
    for (let message = connection.stream.next(); message !== undefined; message = connection.stream.next()) {
      // RFC 6062 §3: after ConnectionBind there are no messages any more; before its answer, nothing may be sent.
      // And one that was closed because of a message is not asked for the next.
      if (connection.peer !== undefined || !this.#endpoints.has(connection.path.socket)) return
      const { allocation } = connection
      if (!isChannelData(message)) this.#onMessage(message, connection.path, allocation, connection, now)
      else if (allocation?.state === 'open') this.#count(this.#relaying.channelData(allocation, message, now))
      else this.#counters.drops['no-allocation']++
    }
    const isTooLong = connection.allocation === undefined && connection.stream.bufferedBytes > maxStrangerBytes
    if (connection.stream.isBroken || isTooLong) this.#emit({ type: 'close', socket: connection.path.socket })
  }

  #onMessage(
    data: Uint8Array,
    path: ClientPath,
    allocation: Allocation | undefined,
    connection: Connection | undefined,
    now: number,
  ): void {
    const message = parseMessage(data)
    // A request with a value that is none is refused, so that its client need not wait for a time-out: RFC 8489 §14.8.
    if (message === undefined || (message.class !== 'request' && !message.isWellFormed)) {
      this.#counters.drops.malformed++
      return
    }
    if (connection !== undefined) connection.idleSince = now
    if (message.class === 'indication') this.#onIndication(message, allocation, now)
    else if (message.class !== 'request') this.#counters.drops.unsupported++
    else if (message.method === stunMethod.binding) {
      const alternates = this.#alternates.get(path.socket)
      if (answerBinding(message, path, alternates, this.#responder, now)) this.#counters.bindings++
    } else {
      this.#requests.handle({ message, path, allocation, connection }, now)
      this.#wake(now)
    }
  }

  #onIndication(message: ReceivedStunMessage, allocation: Allocation | undefined, now: number): void {
    // RFC 8489 §6.3.2: a Binding indication keeps a NAT's binding, and asks for nothing
    if (message.method === stunMethod.binding) return
    if (message.method !== stunMethod.send) this.#counters.drops.unsupported++
    else if (allocation?.state === 'open') this.#count(this.#relaying.sendIndication(allocation, message, now))
    else this.#counters.drops['no-allocation']++
  }

  #endConnection(connection: Connection): void {
    this.#connections.delete(connection)
    if (connection.allocation !== undefined) this.#release(connection.allocation)
    if (connection.peer !== undefined) this.#peers.close(connection.peer)
  }

  readonly #release = (allocation: Allocation): void => {
    this.#allocator.release(allocation)
    this.#attach(allocation.client, undefined)
  }

  /** RFC 8656 §6: an allocation belongs to its 5-tuple. */
  readonly #attach = (path: ClientPath, allocation: Allocation | undefined): void => {
    const endpoint = this.#endpoints.get(path.socket)
    if (endpoint?.kind === 'connection') endpoint.allocation = allocation
    else if (endpoint?.kind !== 'listener') return
    else if (allocation === undefined) endpoint.clients.delete(path.remote)
    else endpoint.clients.set(path.remote, allocation)
  }

  readonly #relayBegan = (relay: Relay): void => {
    const endpoint = this.#endpoints.get(relay.socket)
    if (endpoint?.kind === 'relay') endpoint.relay = relay
  }

  readonly #newRelaySocket = (): SocketId => {
    const socket = ++this.#lastSocket
    this.#endpoints.set(socket, { kind: 'relay', socket, relay: undefined })
    return socket
  }

  readonly #registerPeer = (create: (socket: SocketId) => PeerConnection): PeerConnection => {
    const peer = create(++this.#lastSocket)
    this.#endpoints.set(peer.socket, peer)
    return peer
  }

  readonly #send = (transmit: ServerTransmit): void => {
    this.#transmits.push(transmit)
  }

  readonly #emit = (event: TurnServerEvent): void => {
    if (event.type === 'close') {
      const endpoint = this.#endpoints.get(event.socket)
      this.#endpoints.delete(event.socket)
      if (endpoint?.kind === 'connection') this.#endConnection(endpoint)
    }
    this.#events.push(event)
  }

  #count(dropped: ServerDrop | undefined): void {
    if (dropped !== undefined) this.#counters.drops[dropped]++
  }

  #wake(now: number): void {
    this.#sweepAt ??= now + sweepMs
  }
}

function createRules(policy: TurnServerPolicy): PeerRules {
  const relayed = policy.relayAddresses.map(({ address }) => address)
  return new PeerRules({
    own: policy.ownAddresses ?? relayed,
    relayed,
    allowLoopbackPeers: policy.allowLoopbackPeers ?? false,
    allowPrivatePeers: policy.allowPrivatePeers ?? false,
    allowOwnPeers: policy.allowOwnPeers ?? false,
    allowPeer: policy.allowPeer,
  })
}
