import type { TransportAddress } from '../base/address.ts'
import type { CancelTimer, Environment, TcpConnection, TcpHandler } from '../base/environment.ts'
import { parseIp } from '../base/ip.ts'
import { TurnServerCore, type TurnServerStats } from '../ice/turn/server/core.ts'
import type { SocketId, TurnServerEvent } from '../ice/turn/server/sockets.ts'
import { createSystemEnvironment } from '../net/system-environment.ts'
import type { ListenOptions, TurnServerOptions } from './options.ts'
import { ConnectionSink, ListenerSink, type Sink, UdpSink } from './sinks.ts'

/** Where a server takes requests. */
export interface ListeningAddress extends TransportAddress {
  readonly transport: 'udp' | 'tcp' | 'tls'
}

/** A STUN and TURN server that runs. */
export interface TurnServer {
  readonly addresses: readonly ListeningAddress[]
  stats(): TurnServerStats
  /** Ends all allocations and closes all sockets. */
  close(): void
}

/**
 * Starts a STUN and TURN server: RFC 8489, RFC 8656, RFC 5780, RFC 6062.
 *
 * NAT behaviour discovery is offered where it listens for UDP on two addresses, with the same two ports on each.
 *
 * @throws {TypeError} if the options contradict themselves
 * @throws {Error} with the operating system's `code` if an address cannot be bound
 */
export async function createTurnServer(options: TurnServerOptions): Promise<TurnServer> {
  const environment = options.environment ?? createSystemEnvironment()
  const listen = options.listen.flatMap(each => expandWildcard(each, environment))
  checkOptions(options, listen)
  const server = new Server(options, environment, relayAddresses(options, listen))
  try {
    for (const each of listen) await server.listen(each)
  } catch (error) {
    server.close()
    throw error
  }
  return server
}

/** A relay's address on this host, and as peers see it. */
interface RelayAddress {
  readonly local: string
  readonly address: string
  readonly family: 4 | 6
}

class Server implements TurnServer {
  readonly addresses: ListeningAddress[] = []
  readonly #environment: Environment
  readonly #core: TurnServerCore
  readonly #relays: readonly RelayAddress[]
  readonly #sinks = new Map<SocketId, Sink>()
  readonly #stopWatching: () => void
  readonly #cleanUp: Sink[] = []
  #timerAt: number | undefined
  #cancelTimer: CancelTimer | undefined
  #draining = false
  #closed = false

  constructor(options: TurnServerOptions, environment: Environment, relays: readonly RelayAddress[]) {
    const { network, clock, random } = environment
    const own = (): string[] => [
      ...network.interfaces().map(({ address }) => address),
      ...relays.flatMap(({ local, address }) => [local, address]),
      ...options.listen.map(({ address }) => parseIp(address)?.address ?? address),
    ]
    this.#environment = environment
    this.#relays = relays
    const wallTime = (): number => clock.wallTime()
    this.#core = new TurnServerCore({ ...options, random, wallTime, relayAddresses: relays, ownAddresses: own() })
    this.#stopWatching = network.watchInterfaces(() => this.#core.setOwnAddresses(own()))
  }

  async listen({ address, port, transport = 'udp', certificate, key }: ListenOptions): Promise<void> {
    const { network } = this.#environment
    if (transport === 'udp') {
      let socket: SocketId | undefined
      const udp = await network.bindUdp(address, port ?? 3478, (data, from) => {
        if (socket !== undefined) this.#receive(socket, data, from)
      })
      socket = this.#core.addListener(udp.local)
      this.#sinks.set(socket, new UdpSink(udp))
      this.addresses.push({ ...udp.local, transport })
      return
    }
    const accept = (connection: TcpConnection): TcpHandler => this.#acceptClient(connection, transport)
    const tls = certificate !== undefined && key !== undefined ? { tls: { certificate, key } } : {}
    const defaultPort = transport === 'tls' ? 5349 : 3478
    const listener = await network.listenTcp(address, port ?? defaultPort, accept, tls)
    this.#core.announce(listener.local)
    this.#cleanUp.push(new ListenerSink(listener))
    this.addresses.push({ ...listener.local, transport })
  }

  stats(): TurnServerStats {
    return this.#core.stats()
  }

  close(): void {
    if (this.#closed) return
    this.#core.close()
    this.#drain()
    this.#closed = true
    this.#cancelTimer?.()
    this.#stopWatching()
    for (const sink of this.#cleanUp) sink.close()
  }

  #acceptClient(connection: TcpConnection, transport: 'tcp' | 'tls'): TcpHandler {
    const { local, remote } = connection
    const socket = this.#closed ? undefined : this.#core.addConnection(transport, local, remote, this.#now)
    return this.#serve(connection, socket)
  }

  #acceptPeer(connection: TcpConnection, listener: SocketId): TcpHandler {
    const socket = this.#core.peerArrived(listener, connection.remote, this.#now)
    const handler = this.#serve(connection, socket)
    this.#drain()
    return handler
  }

  /** Connects a connection with the core; one that the core has no number for is closed. */
  #serve(connection: TcpConnection, socket: SocketId | undefined): TcpHandler {
    if (socket === undefined) {
      connection.close()
      return { receive() {}, closed() {} }
    }
    this.#sinks.set(socket, this.#sink(connection, socket))
    this.#arm()
    return this.#handler(socket, connection.remote)
  }

  #handler(socket: SocketId, remote: TransportAddress): TcpHandler {
    return {
      connected: () => {
        this.#core.connected(socket, this.#now)
        this.#drain()
      },
      receive: data => this.#receive(socket, data, remote),
      closed: () => {
        this.#sinks.delete(socket)
        this.#core.closed(socket)
        this.#drain()
      },
    }
  }

  #sink(connection: TcpConnection, socket: SocketId): Sink {
    return new ConnectionSink(
      connection,
      () => this.#core.dropped(),
      () => this.#overflow(socket),
    )
  }

  /** A connection whose other end takes nothing is of no use to anybody. */
  #overflow(socket: SocketId): void {
    this.#sinks.get(socket)?.close()
    this.#sinks.delete(socket)
    this.#core.closed(socket)
  }

  #receive(socket: SocketId, data: Uint8Array, from: TransportAddress): void {
    if (this.#closed) return
    this.#core.receive(socket, data, from, this.#now)
    this.#drain()
  }

  /** Carries out what the core wants, until it wants nothing more. */
  #drain(): void {
    // What is done here may be answered at once, and come back: the loop below goes on with it.
    if (this.#draining) return
    this.#draining = true
    for (;;) {
      const transmit = this.#core.pollTransmit()
      if (transmit !== undefined) {
        this.#sinks.get(transmit.socket)?.send(transmit.data, transmit.remote, transmit.droppable)
        continue
      }
      const event = this.#core.pollEvent()
      if (event === undefined) break
      this.#carryOut(event)
    }
    this.#draining = false
    this.#arm()
  }

  #carryOut(event: TurnServerEvent): void {
    if (event.type === 'open') this.#openRelay(event)
    else if (event.type === 'connect') this.#connectPeer(event)
    else {
      this.#sinks.get(event.socket)?.close()
      this.#sinks.delete(event.socket)
    }
  }

  #openRelay({ socket, transport, family, port }: Extract<TurnServerEvent, { type: 'open' }>): void {
    const { network } = this.#environment
    const address = this.#relays.find(relay => relay.family === family)?.local ?? ''
    const pending = new PendingSink()
    this.#sinks.set(socket, pending)
    const opening =
      transport === 'udp'
        ? network
            .bindUdp(address, port, (data, from) => this.#receive(socket, data, from))
            .then(udp => new UdpSink(udp))
        : network
            .listenTcp(address, port, connection => this.#acceptPeer(connection, socket))
            .then(listener => new ListenerSink(listener))
    opening.then(
      sink => {
        if (pending.closed) {
          sink.close()
          return
        }
        this.#sinks.set(socket, sink)
        this.#core.opened(socket, this.#now)
        this.#drain()
      },
      () => {
        if (pending.closed) return
        this.#sinks.delete(socket)
        this.#core.openFailed(socket, this.#now)
        this.#drain()
      },
    )
  }

  /** From the relay's address, but another port: an operating system gives that of a listener to nobody else. */
  #connectPeer({ socket, remote }: Extract<TurnServerEvent, { type: 'connect' }>): void {
    const localAddress = this.#relays.find(relay => relay.family === remote.family)?.local
    const options = localAddress === undefined ? {} : { localAddress }
    const connection = this.#environment.network.connectTcp(remote, this.#handler(socket, remote), options)
    this.#sinks.set(socket, this.#sink(connection, socket))
  }

  #arm(): void {
    const at = this.#core.pollTimeout()
    if (at === this.#timerAt) return
    this.#timerAt = at
    this.#cancelTimer?.()
    this.#cancelTimer = at === undefined ? undefined : this.#environment.timers.set(at - this.#now, this.#onTimer)
  }

  readonly #onTimer = (): void => {
    this.#timerAt = undefined
    this.#cancelTimer = undefined
    if (this.#closed) return
    this.#core.handleTimeout(this.#now)
    this.#drain()
  }

  get #now(): number {
    return this.#environment.clock.now()
  }
}

/** A socket that is being opened. */
class PendingSink implements Sink {
  closed = false

  send(): void {}

  close(): void {
    this.closed = true
  }
}

function checkOptions({ realm, relayPorts }: TurnServerOptions, listen: readonly ListenOptions[]): void {
  if (listen.length === 0) throw new TypeError('listen: at least one address')
  if (realm === '') throw new TypeError('realm: not empty')
  for (const { address, transport, certificate, key } of listen) {
    if (parseIp(address) === undefined) throw new TypeError(`listen: ${address} is not an IP address`)
    if (transport === 'tls' && (certificate === undefined || key === undefined)) {
      throw new TypeError('listen: TLS needs a certificate and its key')
    }
  }
  if (relayPorts !== undefined && !(relayPorts[0] > 0 && relayPorts[0] <= relayPorts[1] && relayPorts[1] <= 0xffff)) {
    throw new TypeError('relayPorts: from 1 to 65535, the lowest first')
  }
}

/**
 * A socket for each address, where all are meant: the 5-tuple then has a real one, and answers come from where the
 * question went.
 */
function expandWildcard(listen: ListenOptions, { network }: Environment): ListenOptions[] {
  const ip = parseIp(listen.address)
  if (ip === undefined || (ip.address !== '0.0.0.0' && ip.address !== '::')) return [listen]
  const addresses = network.interfaces().filter(({ family }) => family === ip.family)
  return addresses.map(({ address }) => ({ ...listen, address }))
}

function relayAddresses(options: TurnServerOptions, listen: readonly ListenOptions[]): RelayAddress[] {
  const locals = parseAll(options.relayOn ?? [])
  const { relayAddress = [] } = options
  const seen = parseAll(typeof relayAddress === 'string' ? [relayAddress] : relayAddress)
  const listened = options.relayOn === undefined ? parseAll(listen.map(({ address }) => address)) : []
  const families: readonly (4 | 6)[] = [4, 6]
  return families.flatMap(family => {
    const local = [...locals, ...listened].find(each => each.family === family)?.address
    if (local === undefined) return []
    return { local, family, address: seen.find(each => each.family === family)?.address ?? local }
  })
}

function parseAll(addresses: readonly string[]): { address: string; family: 4 | 6 }[] {
  return addresses.map(address => {
    const ip = parseIp(address)
    if (ip === undefined) throw new TypeError(`${address} is not an IP address`)
    return ip
  })
}
