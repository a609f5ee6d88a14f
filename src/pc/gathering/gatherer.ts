import { sameAddress, type TransportAddress } from '../../base/address.ts'
import type { CancelTimer, Environment, NetworkInterface } from '../../base/environment.ts'
import { type CandidateComponent, forComponent, serverReflexiveCandidate } from '../../ice/index.ts'
import type { RTCIceTransportPolicy } from '../configuration.ts'
import type { CandidateReceiver, CandidateSocket, GatheredCandidate } from './candidate-socket.ts'
import { type DerivedFrom, HostBase, type LocalBase } from './host-base.ts'
import type { HostOptions } from './host-options.ts'
import type { HostSocket } from './host-socket.ts'
import type { IcePort } from './ice-port.ts'
import { PortBase } from './port-base.ts'
import type { Relay } from './relay.ts'
import { relayedCandidates } from './server-candidates.ts'
import { type ServerFailure, unreachable } from './server-failure.ts'
import { ServerGathering, type ServerTransport } from './server-gathering.ts'
import type { IceServerTarget } from './server-list.ts'
import { askAgainAfterMs, relayRetryMs } from './server-timing.ts'

/** More local addresses than this are not gathered: each costs a socket and a column of candidate pairs. */
export const maxLocalAddresses = 16

export interface GathererOptions {
  readonly environment: Environment
  readonly policy: RTCIceTransportPolicy
  readonly servers: readonly IceServerTarget[]
  readonly host: HostOptions
  /** Certificates (PEM) of TURN servers to trust instead of those that Node trusts. */
  readonly tlsCa: string | undefined
  /**
   * Shared with other connections; sockets of its own if absent. Not for component 2: RFC 8839 §5.4, both components of a
   * section have one user name fragment, by which the port tells its connections apart.
   */
  readonly icePort: IcePort | undefined
}

/** Who uses what is gathered. */
export interface GathererListener {
  readonly receive: CandidateReceiver
  /** Of this generation of ICE. */
  readonly usernameFragment: string
  /** What the candidates are for; 1 if absent. Known when they are wanted, not when they are gathered. */
  readonly component?: CandidateComponent
  candidate(gathered: GatheredCandidate): void
  /** What is based there leads nowhere any more: an interface has vanished, or a relay. */
  removed(base: TransportAddress): void
  /** Nothing sent from this socket reaches this peer. */
  unreachable(peer: TransportAddress, socket: CandidateSocket, reason?: 'peer-refused'): void
  serverFailed(url: string, failure: ServerFailure): void
  /** All that can be gathered now has been told; or there is more to come after all. */
  gatheringChanged(state: 'gathering' | 'complete'): void
}

/**
 * Gathers the candidates of one component: of this host's addresses, as STUN servers see them, and on TURN servers.
 *
 * RFC 8445 §5.1.1. It serves one generation of ICE, may start long before that wants the candidates
 * (`iceCandidatePoolSize`), and follows the interfaces of the host as they come and go.
 */
export class Gatherer {
  readonly options: GathererOptions
  readonly #servers: ServerGathering
  readonly #bases = new Map<string, LocalBase>()
  #gathered: GatheredCandidate[] = []
  #failures: { readonly url: string; readonly failure: ServerFailure }[] = []
  #listener: GathererListener | undefined
  #component: CandidateComponent = 1
  #running = 0
  #state: 'new' | 'gathering' | 'complete' = 'new'
  #unwatch: (() => void) | undefined
  readonly #retries = new Set<CancelTimer>()
  #completedAt = 0
  #retired = false
  #closed = false

  constructor(options: GathererOptions) {
    this.options = options
    this.#servers = new ServerGathering(
      { environment: options.environment, targets: options.servers, tlsCa: options.tlsCa },
      {
        reflexive: (base, address, server, url) => this.#addReflexive(base, address, server, url),
        relay: (relay, transport, host, url) => this.#addRelay(relay, transport, host, url),
        relayLost: (relay, transport) => this.#onRelayLost(relay, transport),
        peerRefused: (socket, peer) => this.#listener?.unreachable(peer, socket, 'peer-refused'),
        serverFailed: (url, failure) => this.#addFailure(url, failure),
      },
    )
  }

  get state(): 'new' | 'gathering' | 'complete' {
    return this.#state
  }

  get candidates(): readonly GatheredCandidate[] {
    return this.#gathered
  }

  /** Starts, if it has not yet. */
  start(): void {
    if (this.#state !== 'new' || this.#closed) return
    this.#state = 'gathering'
    this.#watch()
    this.#run(this.#gatherFrom(this.#usableInterfaces()))
  }

  /**
   * Tells everything that is there and all that comes, until this is closed. What arrived at the sockets before went
   * nowhere: nobody had been told the addresses.
   */
  gather(listener: GathererListener): void {
    // What no server has told a while ago is asked for again: it may be up by now.
    const now = this.options.environment.clock.now()
    if (this.#state === 'complete' && now >= this.#completedAt + askAgainAfterMs) this.#run(this.#askServers())
    this.#listener = listener
    const component = listener.component ?? 1
    this.#component = component
    this.#gathered = this.#gathered.map(gathered => toComponent(gathered, component))
    listener.gatheringChanged('gathering')
    for (const base of this.#bases.values()) base.attach(listener, listener.usernameFragment)
    for (const relay of this.#servers.relays) relay.attach(listener.receive)
    for (const gathered of this.#gathered) listener.candidate(gathered)
    for (const { url, failure } of this.#failures.splice(0)) listener.serverFailed(url, failure)
    this.start()
    if (this.#state === 'complete') listener.gatheringChanged('complete')
  }

  /** Finds out whether the relays are still there: for when the peer has gone silent. */
  verify(): void {
    this.#servers.verifyRelays()
  }

  /** Another gatherer takes over: sockets and relays stay for what still uses them, and nothing new is told. */
  retire(): void {
    this.#retired = true
    this.#listener = undefined
    this.#unwatch?.()
    for (const cancel of this.#retries) cancel()
  }

  /** The other gatherer was given up: what was told is not told again, and what comes is. */
  resume(listener: GathererListener): void {
    this.#retired = false
    this.#listener = listener
    this.#watch()
    this.#followInterfaces()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#listener = undefined
    this.#unwatch?.()
    for (const cancel of this.#retries) cancel()
    this.#servers.close()
    for (const base of this.#bases.values()) base.close()
    this.#bases.clear()
  }

  /** Opens sockets on some interfaces, then asks the servers from there. */
  async #gatherFrom(interfaces: readonly NetworkInterface[]): Promise<void> {
    const { policy, host } = this.options
    // With the policy `relay` a socket is of use only to reach a server over UDP: nothing else ever leaves from it.
    const wanted = policy === 'all' || this.#missingTransports().includes('udp')
    const opened = wanted ? await Promise.all(interfaces.map(local => this.#open(local))) : []
    if (this.#closed) return
    if (host.portRange !== undefined && opened.includes(undefined)) {
      this.#addFailure('', unreachable('an address has no candidate: no port of the range is free'))
    }
    await this.#askServers()
  }

  /** Asks for what no server has told yet. */
  async #askServers(): Promise<void> {
    const hosts = [...this.#bases.values()].map(({ host }) => host)
    await Promise.all([
      this.options.policy === 'all' ? this.#servers.findReflexive([...this.#bases.values()]) : undefined,
      ...this.#missingTransports().map(transport => this.#servers.findRelay(transport, hosts)),
    ])
    if (this.options.policy === 'relay') this.#closeUnused()
  }

  #missingTransports(): ServerTransport[] {
    return this.#servers.relayTransports.filter(transport => !this.#servers.hasRelay(transport))
  }

  async #open(local: NetworkInterface): Promise<LocalBase | undefined> {
    const base = await this.#openBase(local)
    if (base === undefined) return undefined
    if (this.#closed || this.#bases.has(local.address)) {
      base.close()
      return undefined
    }
    this.#bases.set(local.address, base)
    const listener = this.#listener
    if (listener !== undefined) base.attach(listener, listener.usernameFragment)
    for (const gathered of base.candidates) this.#add(gathered)
    return base
  }

  #openBase(local: NetworkInterface): Promise<LocalBase | undefined> {
    const { environment, host, policy, icePort } = this.options
    const rank = this.#rankOf(local)
    const shared = icePort?.local.find(entry => entry.local.address === local.address)
    // With the policy `relay` a shared port is of no use: peers find it by what must not be told.
    if (shared !== undefined && policy === 'all') return Promise.resolve(new PortBase(environment, shared, rank, host))
    return HostBase.open(environment, local, rank, host, policy === 'all')
  }

  /** RFC 8445 §5.1.2.1: the local preference is unique for each address and follows the host's own order. */
  #rankOf(local: NetworkInterface): number {
    return Math.max(
      0,
      this.#usableInterfaces().findIndex(({ address }) => address === local.address),
    )
  }

  #add(found: GatheredCandidate): void {
    const gathered = toComponent(found, this.#component)
    this.#gathered.push(gathered)
    this.#listener?.candidate(gathered)
  }

  #addReflexive(from: DerivedFrom, address: TransportAddress, serverAddress: TransportAddress, url: string): void {
    const { candidate: base, socket } = from
    // Its interface may have vanished while the server was asked.
    if (![...this.#bases.values()].some(({ udp, tcp }) => udp === from || tcp === from)) return
    // RFC 6544 §4.5: the port of a connection that is yet to be opened is unknown
    const told = base.protocol === 'udp' ? address : { ...address, port: base.address.port }
    const isTold = ({ candidate, shownAddress }: GatheredCandidate): boolean =>
      candidate.base === base.base && sameAddress(candidate.address, told) && shownAddress === undefined
    // RFC 8445 §5.1.3: without a NAT the address is that of the host candidate, which has told it already
    if (this.#gathered.some(isTold)) return
    this.#add({ candidate: serverReflexiveCandidate({ base, address: told, serverAddress, url }), socket })
  }

  #addRelay(relay: Relay, transport: ServerTransport, host: HostSocket | undefined, url: string): void {
    if (this.#listener !== undefined) relay.attach(this.#listener.receive)
    for (const gathered of relayedCandidates(relay, transport, url)) this.#add(gathered)
    const { mapped } = relay
    const base = [...this.#bases.values()].find(other => other.host === host)
    // RFC 8445 §5.1.1.2: over UDP, an allocation tells a reflexive address as well
    if (this.options.policy === 'all' && base !== undefined && mapped !== undefined) {
      this.#addReflexive(base.udp, mapped, relay.server, url)
    }
  }

  #addFailure(url: string, failure: ServerFailure): void {
    if (this.#listener === undefined) this.#failures.push({ url, failure })
    else this.#listener.serverFailed(url, failure)
  }

  /** A server may come back, and there may be another: asks again, later each time, until there is a relay again. */
  #onRelayLost(relay: Relay, transport: ServerTransport): void {
    for (const socket of relay.sockets) this.#remove(socket)
    this.#recover(transport, 0)
  }

  #recover(transport: ServerTransport, attempt: number): void {
    if (this.#closed || this.#retired || this.#servers.hasRelay(transport)) return
    const cancel = this.options.environment.timers.set(relayRetryMs(attempt), () => {
      this.#retries.delete(cancel)
      // No change of the gathering state: there may be nothing to gather for hours.
      const interfaces = this.options.policy === 'relay' ? this.#missingInterfaces() : []
      void this.#gatherFrom(interfaces).then(() => this.#recover(transport, attempt + 1))
    })
    this.#retries.add(cancel)
  }

  #remove(socket: CandidateSocket): void {
    this.#gathered = this.#gathered.filter(other => other.socket !== socket)
    this.#listener?.removed(socket.local)
  }

  #watch(): void {
    this.#unwatch?.()
    this.#unwatch = this.options.environment.network.watchInterfaces(() => this.#followInterfaces())
  }

  /** RFC 8445 §5.1.1.1 is about the start; later addresses come and go, and their candidates with them. */
  #followInterfaces(): void {
    let lostRelays = false
    const present = new Set(this.#usableInterfaces().map(({ address }) => address))
    for (const [address, base] of this.#bases) {
      if (present.has(address)) continue
      this.#bases.delete(address)
      const relays = this.#servers.forget(base)
      lostRelays ||= relays.length > 0
      for (const relay of relays) for (const socket of relay.sockets) this.#remove(socket)
      for (const socket of base.sockets) this.#remove(socket)
      base.close()
    }
    const added = this.#missingInterfaces()
    const isOfUse = this.options.policy === 'all' || this.#missingTransports().length > 0
    if (lostRelays || (added.length > 0 && isOfUse)) this.#run(this.#gatherFrom(added))
  }

  #missingInterfaces(): NetworkInterface[] {
    return this.#usableInterfaces().filter(({ address }) => !this.#bases.has(address))
  }

  #closeUnused(): void {
    for (const [address, base] of this.#bases) {
      if (this.#servers.isUsing(base.host)) continue
      this.#bases.delete(address)
      base.close()
    }
  }

  #run(work: Promise<void>): void {
    this.#running++
    if (this.#state !== 'gathering') {
      this.#state = 'gathering'
      this.#listener?.gatheringChanged('gathering')
    }
    void work.finally(() => {
      this.#running--
      if (this.#running > 0 || this.#closed) return
      this.#state = 'complete'
      this.#completedAt = this.options.environment.clock.now()
      this.#listener?.gatheringChanged('complete')
    })
  }

  #usableInterfaces(): NetworkInterface[] {
    const { icePort, policy } = this.options
    if (icePort !== undefined && policy === 'all') return icePort.local.map(({ local }) => local)
    const all = this.options.environment.network.interfaces()
    // RFC 8445 §5.1.1.1: loopback addresses are left out, here unless there is nothing else or they were asked for
    const external = all.filter(entry => !entry.internal)
    const usable = this.options.host.gatherLoopback || external.length === 0 ? all : external
    return usable.slice(0, maxLocalAddresses)
  }
}

function toComponent(gathered: GatheredCandidate, component: CandidateComponent): GatheredCandidate {
  return { ...gathered, candidate: forComponent(gathered.candidate, component) }
}
