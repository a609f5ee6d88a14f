import type { Environment, MdnsRegistration, NetworkInterface } from '../../base/environment.ts'
import {
  type HostCandidateOptions,
  hostCandidate,
  type LocalCandidate,
  maxLocalPreference,
  tcpHostCandidate,
} from '../../ice/index.ts'
import { ActiveTcpSocket } from './active-tcp-socket.ts'
import type { CandidateSocket, GatheredCandidate } from './candidate-socket.ts'
import type { HostOptions, TcpCandidateType } from './host-options.ts'
import { HostSocket } from './host-socket.ts'
import { PassiveTcpSocket } from './passive-tcp-socket.ts'
import { openPort } from './ports.ts'
import { SimultaneousTcpSocket } from './simultaneous-tcp-socket.ts'
import type { TcpCandidateSocket, TcpSocketUser } from './tcp-candidate-socket.ts'
import { toldCandidates } from './told-candidates.ts'

/** A candidate that more are derived from with the help of servers, and the socket it is based on. */
export interface DerivedFrom {
  readonly candidate: LocalCandidate
  readonly socket: CandidateSocket
}

/** One local address: its sockets, and the candidates that need no server. */
export interface LocalBase {
  /** What servers are asked from over UDP. */
  readonly host: HostSocket
  readonly candidates: readonly GatheredCandidate[]
  /** For UDP; whether it is told itself or not. */
  readonly udp: DerivedFrom
  /** For connections that we open; absent if there are to be none. */
  readonly tcp: DerivedFrom | undefined
  readonly sockets: readonly CandidateSocket[]
  /** Names who takes what peers send to this address; they know it by the user name fragment. */
  attach(user: TcpSocketUser, usernameFragment: string): void
  close(): void
}

/** A local address with sockets for one connection alone. */
export class HostBase implements LocalBase {
  readonly host: HostSocket
  readonly candidates: readonly GatheredCandidate[]
  readonly udp: DerivedFrom
  readonly tcp: DerivedFrom | undefined
  readonly #tcpSockets: readonly TcpCandidateSocket[]
  readonly #registration: MdnsRegistration | undefined

  private constructor(parts: Parts, local: NetworkInterface, preference: HostCandidateOptions, options: HostOptions) {
    const { host, tcp, registration, told } = parts
    this.host = host
    this.#registration = registration
    this.#tcpSockets = tcp.map(({ socket }) => socket)
    this.udp = { candidate: hostCandidate(host.local, preference), socket: host }
    const ownTcp = tcp.map(({ type, socket }) => ({
      candidate: tcpHostCandidate(socket.local, type, preference),
      socket,
    }))
    this.tcp = ownTcp.find(({ candidate }) => candidate.tcpType === 'active')
    this.candidates = told ? toldCandidates([this.udp, ...ownTcp], local, preference, options, registration) : []
  }

  /**
   * Opens the sockets of a local address; undefined if it cannot be bound: interfaces come and go.
   *
   * @param rank 0 for the best of this host's addresses
   * @param told false: only servers are to be reached from here, and no candidate is made
   */
  static async open(
    environment: Environment,
    local: NetworkInterface,
    rank: number,
    options: HostOptions,
    told: boolean,
  ): Promise<HostBase | undefined> {
    const { network, random, resolver } = environment
    const host = await HostSocket.open(network, local.address, options.portRange, random)
    if (host === undefined) return undefined
    const tcp = told ? await openTcpSockets(environment, local.address, options) : []
    const registration = told && options.hideHostAddresses ? await resolver.registerMdns(local.address) : undefined
    const preference = {
      // RFC 8421 §4: the order of the host's addresses alternates between families; preferences follow it
      localPreference: maxLocalPreference - rank,
      foundationSalt: options.hideHostAddresses ? Buffer.from(random(16)).toString('base64') : '',
    }
    return new HostBase({ host, tcp, registration, told }, local, preference, options)
  }

  get sockets(): readonly CandidateSocket[] {
    return [this.host, ...this.#tcpSockets]
  }

  attach(user: TcpSocketUser): void {
    this.host.attach(user.receive)
    for (const socket of this.#tcpSockets) socket.attach(user)
  }

  close(): void {
    this.#registration?.release()
    this.host.close()
    for (const socket of this.#tcpSockets) socket.close()
  }
}

interface TcpPart {
  readonly type: TcpCandidateType
  readonly socket: TcpCandidateSocket
}

interface Parts {
  readonly host: HostSocket
  readonly tcp: readonly TcpPart[]
  readonly registration: MdnsRegistration | undefined
  readonly told: boolean
}

/** The sockets of the TCP candidates, in the order in which these are told; one that cannot be had is left out. */
async function openTcpSockets(
  environment: Environment,
  address: string,
  { tcpCandidates, portRange }: HostOptions,
): Promise<TcpPart[]> {
  const { random } = environment
  const open: { readonly [Type in TcpCandidateType]: () => Promise<TcpCandidateSocket | undefined> } = {
    active: async () => new ActiveTcpSocket(address, environment),
    passive: () => openPort(portRange, random, port => PassiveTcpSocket.listen(address, port, environment)),
    so: () => openPort(portRange, random, port => SimultaneousTcpSocket.open(address, port, environment)),
  }
  const parts: TcpPart[] = []
  for (const type of ['active', 'passive', 'so'] as const) {
    const socket = tcpCandidates.includes(type) ? await open[type]() : undefined
    if (socket !== undefined) parts.push({ type, socket })
  }
  return parts
}
