import type { TransportAddress } from '../../base/address.ts'
import type { CancelTimer, Environment } from '../../base/environment.ts'
import type { CandidateSocket } from './candidate-socket.ts'
import type { DerivedFrom, LocalBase } from './host-base.ts'
import { HostSocket } from './host-socket.ts'
import { type Attempt, mapped } from './race.ts'
import { type Reflexive, reflexiveAttempt } from './reflexive.ts'
import { type Relay, relayAttempt } from './relay.ts'
import type { ServerFailure } from './server-failure.ts'
import { type OpenLink, streamLink, udpLink } from './server-link.ts'
import type { IceServerTarget } from './server-list.ts'
import { ServerRaces, type Way } from './server-races.ts'
import { laggardPatienceMs } from './server-timing.ts'

/** How a server is spoken with. */
export type ServerTransport = 'udp' | 'tcp' | 'tls'

export interface ServerGatheringOptions {
  readonly environment: Environment
  readonly targets: readonly IceServerTarget[]
  /** Certificates (PEM) to trust instead of those that Node trusts. */
  readonly tlsCa: string | undefined
}

/** What is found out with the help of servers. Nothing is told after `close()`. */
export interface ServerGatheringListener {
  /** What leaves from the base is seen as coming from this address. */
  reflexive(base: DerivedFrom, address: TransportAddress, server: TransportAddress, url: string): void
  relay(relay: Relay, transport: ServerTransport, host: HostSocket | undefined, url: string): void
  relayLost(relay: Relay, transport: ServerTransport): void
  peerRefused(socket: CandidateSocket, peer: TransportAddress): void
  serverFailed(url: string, failure: ServerFailure): void
}

/** A relay, and how it was come by: over UDP from the socket of a local address. */
interface FoundRelay {
  readonly relay: Relay
  readonly target: IceServerTarget
  readonly host: HostSocket | undefined
}

/** Where STUN servers are asked from. */
interface Origin {
  readonly base: DerivedFrom
  readonly host: HostSocket | undefined
  readonly targets: readonly IceServerTarget[]
  readonly open: (target: IceServerTarget, server: TransportAddress) => OpenLink
}

/**
 * Asks STUN and TURN servers. All are tried in parallel, a little apart; the first that works is kept: of the STUN
 * servers for each socket, of the TURN servers for each transport to them.
 */
export class ServerGathering {
  readonly #options: ServerGatheringOptions
  readonly #listener: ServerGatheringListener
  readonly #races: ServerRaces
  readonly #reflexives = new Map<CandidateSocket, Reflexive>()
  /** Those that a search is under way for. */
  readonly #asking = new Set<CandidateSocket | ServerTransport>()
  readonly #relays = new Map<Relay, { readonly transport: ServerTransport; readonly host: HostSocket | undefined }>()
  #closed = false

  constructor(options: ServerGatheringOptions, listener: ServerGatheringListener) {
    this.#options = options
    this.#listener = listener
    const { environment, tlsCa } = options
    this.#races = new ServerRaces(environment, tlsCa, (url, failure) => listener.serverFailed(url, failure))
  }

  /** The transports over which there are TURN servers. */
  get relayTransports(): readonly ServerTransport[] {
    return (['udp', 'tcp', 'tls'] as const).filter(transport => this.#turnTargets(transport).length > 0)
  }

  get relays(): readonly Relay[] {
    return [...this.#relays.keys()]
  }

  /** Whether a relay is there that is reached over this transport. */
  hasRelay(transport: ServerTransport): boolean {
    return [...this.#relays.values()].some(entry => entry.transport === transport)
  }

  /** Whether a relay is reached from this socket. */
  isUsing(host: HostSocket): boolean {
    return [...this.#relays.values()].some(entry => entry.host === host)
  }

  /**
   * Asks how the bases are seen from outside, where that is not known yet; fulfilled when all are known, or when waiting
   * for more is pointless.
   */
  async findReflexive(bases: readonly LocalBase[]): Promise<void> {
    const origins = bases
      .flatMap(base => [this.#udpOrigin(base), ...this.#tcpOrigin(base)])
      .filter(({ base }) => !this.#reflexives.has(base.socket) && !this.#asking.has(base.socket))
    const stops = new Set<() => void>()
    let patience: CancelTimer | undefined
    const search = async (origin: Origin): Promise<void> => {
      this.#asking.add(origin.base.socket)
      await this.#races.run(
        origin.targets.map(target => this.#reflexiveFrom(origin, target)),
        found => {
          if (found === undefined) return
          const { reflexive, url } = found
          this.#reflexives.set(origin.base.socket, reflexive)
          this.#listener.reflexive(origin.base, reflexive.address, reflexive.server, url)
          const waitMs = Math.max(laggardPatienceMs, 5 * reflexive.roundTripMs)
          patience ??= this.#options.environment.timers.set(waitMs, () => {
            for (const stop of stops) stop()
          })
        },
        stops,
      )
      this.#asking.delete(origin.base.socket)
    }
    await Promise.all(origins.map(search))
    patience?.()
  }

  /** Asks for relayed addresses over one transport; fulfilled when one is there, or none will be. */
  async findRelay(transport: ServerTransport, hosts: readonly HostSocket[]): Promise<void> {
    if (this.#asking.has(transport)) return
    this.#asking.add(transport)
    const ways = this.#turnTargets(transport).map(target => this.#relayAt(target, transport, hosts))
    let first: FoundRelay | undefined
    await this.#races.run(ways, found => {
      first = found
      this.#keepRelay(found, transport)
    })
    if (first?.relay.lacksIpv6) await this.#findIpv6Relay(first, transport)
    this.#asking.delete(transport)
  }

  /** Finds out whether the relays are still there; `relayLost` is told of those that are not. */
  verifyRelays(): void {
    for (const relay of this.#relays.keys()) relay.verify()
  }

  /** A local address is no more: what was found out for it is void. @returns the relays that are gone with it */
  forget({ host, sockets }: LocalBase): readonly Relay[] {
    for (const socket of sockets) {
      this.#reflexives.get(socket)?.stop()
      this.#reflexives.delete(socket)
    }
    const gone = [...this.#relays].flatMap(([relay, via]) => (via.host === host ? [relay] : []))
    for (const relay of gone) this.#dropRelay(relay)
    // The name may stand for other addresses in another network.
    this.#races.forgetNames()
    return gone
  }

  close(): void {
    this.#closed = true
    this.#races.close()
    for (const reflexive of this.#reflexives.values()) reflexive.stop()
    this.#reflexives.clear()
    for (const relay of [...this.#relays.keys()]) this.#dropRelay(relay)
  }

  #keepRelay(found: FoundRelay | undefined, transport: ServerTransport): void {
    if (found === undefined) return
    this.#relays.set(found.relay, { transport, host: found.host })
    this.#listener.relay(found.relay, transport, found.host, found.target.server.url)
  }

  /**
   * A server that does not know of dual allocations (RFC 8656 §7.1; coturn up to 4.6 is one) may still have an IPv6
   * address for whoever asks from another port.
   */
  async #findIpv6Relay({ relay, target, host }: FoundRelay, transport: ServerTransport): Promise<void> {
    const { network, random } = this.#options.environment
    const own = host && (await HostSocket.open(network, host.local.address, undefined, random))
    if ((host !== undefined && own === undefined) || this.#closed) {
      own?.close()
      return
    }
    const attempt = this.#relayAttempt(target, relay.server, transport, own, ignore, 6)
    // RFC 8656 §7.3: a refusal is what is to be expected of most, and nothing to complain about
    await this.#races.run([{ attempt, skip: ignore }], found =>
      this.#keepRelay(found && { relay: found, target, host }, transport),
    )
    // It is this relay's alone, and closes with it.
    own?.close()
  }

  #dropRelay(relay: Relay): void {
    this.#relays.delete(relay)
    relay.close()
  }

  #udpOrigin(base: LocalBase): Origin {
    const targets = this.#options.targets.filter(({ server }) => server.scheme === 'stun')
    return { base: base.udp, host: base.host, targets, open: (_, server) => udpLink(base.host, server) }
  }

  /** RFC 6544 §5.2: over TLS the server sees connections that we open. */
  #tcpOrigin({ tcp }: LocalBase): Origin[] {
    if (tcp === undefined) return []
    const { network } = this.#options.environment
    const localAddress = tcp.socket.local.address
    return [
      {
        base: tcp,
        host: undefined,
        targets: this.#options.targets.filter(({ server }) => server.scheme === 'stuns'),
        open: (target, server) =>
          streamLink(network, server, { localAddress, tls: this.#races.tls(target.server.host) }),
      },
    ]
  }

  #reflexiveFrom(origin: Origin, target: IceServerTarget): Way<{ reflexive: Reflexive; url: string }> {
    const { environment } = this.#options
    const { url } = target.server
    const { family } = origin.base.socket.local
    return this.#races.through(target, (addresses, onFailure) =>
      addresses
        .filter(address => address.family === family)
        .map(server =>
          mapped(
            reflexiveAttempt({
              environment,
              server,
              reliable: origin.host === undefined,
              open: next => (next.family === family ? origin.open(target, next) : undefined),
              onFailure,
              onChanged: address => this.#listener.reflexive(origin.base, address, server, url),
            }),
            reflexive => ({ reflexive, url }),
          ),
        ),
    )
  }

  #relayAt(target: IceServerTarget, transport: ServerTransport, hosts: readonly HostSocket[]): Way<FoundRelay> {
    return this.#races.through(target, (addresses, onFailure) =>
      waysTo(addresses, transport, hosts).map(({ address, host }) =>
        mapped(this.#relayAttempt(target, address, transport, host, onFailure), relay => ({ relay, target, host })),
      ),
    )
  }

  #relayAttempt(
    { credentials = { username: '', password: '' }, server: { host: name } }: IceServerTarget,
    server: TransportAddress,
    transport: ServerTransport,
    host: HostSocket | undefined,
    onFailure: (failure: ServerFailure) => void,
    family?: 6,
  ): Attempt<Relay> {
    const { environment } = this.#options
    const tls = transport === 'tls' ? { tls: this.#races.tls(name) } : {}
    const open = (to: TransportAddress): OpenLink =>
      host === undefined ? streamLink(environment.network, to, tls) : udpLink(host, to)
    return relayAttempt({
      environment,
      server,
      transport,
      credentials,
      family,
      open: to => (to.family === server.family ? open(to) : undefined),
      onFailure,
      onLost: relay => {
        this.#relays.delete(relay)
        // Its name may lead to another server by now.
        this.#races.forgetNames()
        this.#listener.relayLost(relay, transport)
      },
      onPeerRefused: (socket, peer) => this.#listener.peerRefused(socket, peer),
    })
  }

  #turnTargets(transport: ServerTransport): IceServerTarget[] {
    return this.#options.targets.filter(
      ({ server, credentials }) => credentials !== undefined && server.transport === transport,
    )
  }
}

/** Over UDP each address of the server from each socket of its family; over a stream the operating system chooses. */
function waysTo(
  addresses: readonly TransportAddress[],
  transport: ServerTransport,
  hosts: readonly HostSocket[],
): { readonly address: TransportAddress; readonly host: HostSocket | undefined }[] {
  if (transport !== 'udp') return addresses.map(address => ({ address, host: undefined }))
  return hosts.flatMap(host =>
    addresses.filter(({ family }) => family === host.local.family).map(address => ({ address, host })),
  )
}

function ignore(): void {}
