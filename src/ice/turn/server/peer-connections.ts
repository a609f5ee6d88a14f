import type { TransportAddress } from '../../../base/address.ts'
import type { RandomSource } from '../../../base/environment.ts'
import { randomUint32 } from '../../../base/random.ts'
import { encodeMessage, stunMethod } from '../../stun/message.ts'
import { newTransactionId } from '../../stun/transaction.ts'
import type { Allocation, Relay } from './allocation.ts'
import type { ResponseKey } from './authentication.ts'
import type { ServerCounters } from './counters.ts'
import type { Connection, PeerConnection, PeerConnectionState } from './endpoints.ts'
import { connectionBindMs, maxEarlyPeerBytes, peerConnectMs, type ServerLimits } from './limits.ts'
import { isReachable, type Surroundings } from './permissions.ts'
import { type Answerable, keep, type Responder } from './responses.ts'
import type { ServerTransmit, SocketId, TurnServerEvent } from './sockets.ts'
import type { Account } from './users.ts'

export interface PeerConnectionsOptions extends Surroundings {
  readonly random: RandomSource
  readonly limits: ServerLimits
  readonly counters: ServerCounters
  readonly responder: Responder
  readonly register: (create: (socket: SocketId) => PeerConnection) => PeerConnection
  readonly send: (transmit: ServerTransmit) => void
  readonly emit: (event: TurnServerEvent) => void
}

/** TCP between clients and peers. RFC 6062. */
export class PeerConnections {
  readonly #options: PeerConnectionsOptions
  readonly #byId = new Map<number, PeerConnection>()
  readonly #byAllocation = new Map<Allocation, Set<PeerConnection>>()

  constructor(options: PeerConnectionsOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#byId.size
  }

  /** A Connect request. RFC 6062 §5.2. Returns an error code, or nothing if it will be answered later. */
  connect(
    allocation: Allocation,
    request: Answerable,
    addresses: readonly TransportAddress[] | undefined,
    responseKey: ResponseKey,
    now: number,
  ): number | undefined {
    const remote = addresses?.[0]
    if (remote === undefined || remote.port === 0 || allocation.transport !== 'tcp') return 400
    const relay = allocation.relays.find(candidate => candidate.address.family === remote.family)
    if (relay === undefined) return 443
    if (!isReachable(remote, this.#options)) return 403
    const others = this.#of(allocation)
    if (others.some(peer => peer.remote.address === remote.address && peer.remote.port === remote.port)) return 446
    if (others.length >= this.#options.limits.maxPeerConnections) return 508
    const until = now + peerConnectMs
    const peer = this.#add(relay, remote, { name: 'connecting', until, request: keep(request), responseKey })
    this.#options.emit({ type: 'connect', socket: peer.socket, relay: relay.socket, remote })
    return undefined
  }

  /** The connection to a peer is there. */
  connected(peer: PeerConnection, now: number): void {
    if (peer.state.name !== 'connecting') return
    const { request, responseKey } = peer.state
    peer.state = waiting(now)
    const { client } = peer.relay.allocation
    this.#options.responder.success(request, client, { connectionId: peer.id }, responseKey)
  }

  /** A peer has connected to a relayed address. RFC 6062 §5.3. Undefined: close it. */
  arrived(relay: Relay, remote: TransportAddress, now: number): SocketId | undefined {
    const { allocation } = relay
    const permission = relay.peers.get(remote.address)
    if (permission === undefined || permission.permittedUntil <= now) {
      this.#options.counters.drops['no-permission']++
      return undefined
    }
    if (this.#of(allocation).length >= this.#options.limits.maxPeerConnections) return undefined
    const peer = this.#add(relay, remote, waiting(now))
    const attributes = { xorPeerAddress: [remote], connectionId: peer.id }
    const transactionId = newTransactionId(this.#options.random)
    const method = stunMethod.connectionAttempt
    const data = encodeMessage({ class: 'indication', method, transactionId, attributes })
    this.#options.send({ socket: allocation.client.socket, remote: allocation.client.remote, data, droppable: false })
    return peer.socket
  }

  /** A ConnectionBind request. RFC 6062 §5.4. Returns an error code, or nothing if it was answered. */
  bind(
    connection: Connection,
    id: number | undefined,
    account: Account,
    request: Answerable,
    responseKey: ResponseKey,
  ): number | undefined {
    const peer = id === undefined ? undefined : this.#byId.get(id)
    if (peer === undefined || peer.state.name !== 'waiting' || connection.allocation !== undefined) return 400
    // RFC 6062 §4.3: the same credentials as for the control connection
    if (peer.relay.allocation.account.username !== account.username) return 441
    const { early } = peer.state
    peer.state = { name: 'bound', connection }
    connection.peer = peer
    this.#options.responder.success(request, connection.path, {}, responseKey)
    for (const data of early) this.#send(connection.path.socket, connection.path.remote, data)
    return undefined
  }

  /** Bytes of a peer. */
  fromPeer(peer: PeerConnection, data: Uint8Array): void {
    const { state } = peer
    const { counters } = this.#options
    if (state.name === 'bound') {
      counters.toClients.packets++
      counters.toClients.bytes += data.length
      this.#send(state.connection.path.socket, state.connection.path.remote, data)
    } else if (state.name === 'waiting') {
      state.earlyBytes += data.length
      // Of a socket that is read in any case, only so much can be kept.
      if (state.earlyBytes > maxEarlyPeerBytes) this.close(peer)
      else state.early.push(data)
    }
  }

  /** Bytes of a client, on a connection that is bound. */
  fromClient(peer: PeerConnection, data: Uint8Array): void {
    const { counters } = this.#options
    counters.toPeers.packets++
    counters.toPeers.bytes += data.length
    this.#send(peer.socket, peer.remote, data)
  }

  /** Ends a connection to a peer, and what is bound to it. RFC 6062 §5.5. */
  close(peer: PeerConnection): void {
    const { state } = peer
    if (state.name === 'closed') return
    peer.state = { name: 'closed' }
    this.#forget(peer)
    this.#options.emit({ type: 'close', socket: peer.socket })
    if (state.name === 'bound') this.#options.emit({ type: 'close', socket: state.connection.path.socket })
    else if (state.name === 'connecting') {
      // RFC 6062 §5.2
      this.#options.responder.error(state.request, peer.relay.allocation.client, 447, state.responseKey)
    }
  }

  /** RFC 6062 §5.5: they end with their allocation. */
  closeAll(relay: Relay): void {
    for (const peer of this.#of(relay.allocation)) if (peer.relay === relay) this.close(peer)
  }

  sweep(now: number): void {
    for (const peer of [...this.#byId.values()]) {
      const { state } = peer
      if ((state.name === 'connecting' || state.name === 'waiting') && state.until <= now) this.close(peer)
    }
  }

  #of(allocation: Allocation): PeerConnection[] {
    return [...(this.#byAllocation.get(allocation) ?? [])]
  }

  #add(relay: Relay, remote: TransportAddress, state: PeerConnectionState): PeerConnection {
    const id = this.#newId()
    const peer = this.#options.register(socket => ({ kind: 'peer', socket, id, relay, remote, state }))
    this.#byId.set(id, peer)
    const { allocation } = relay
    const others = this.#byAllocation.get(allocation)
    if (others === undefined) this.#byAllocation.set(allocation, new Set([peer]))
    else others.add(peer)
    return peer
  }

  #forget(peer: PeerConnection): void {
    const { allocation } = peer.relay
    this.#byId.delete(peer.id)
    const others = this.#byAllocation.get(allocation)
    others?.delete(peer)
    if (others?.size === 0) this.#byAllocation.delete(allocation)
  }

  /** RFC 6062 §5.2: unique; and random, so that nobody binds what was meant for another. */
  #newId(): number {
    for (;;) {
      const id = randomUint32(this.#options.random)
      if (!this.#byId.has(id)) return id
    }
  }

  #send(socket: SocketId, remote: TransportAddress, data: Uint8Array): void {
    this.#options.send({ socket, remote, data, droppable: false })
  }
}

function waiting(now: number): PeerConnectionState {
  return { name: 'waiting', until: now + connectionBindMs, early: [], earlyBytes: 0 }
}
