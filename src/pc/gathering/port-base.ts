import type { Environment } from '../../base/environment.ts'
import { type HostCandidateOptions, hostCandidate, maxLocalPreference, tcpHostCandidate } from '../../ice/index.ts'
import { ActiveTcpSocket } from './active-tcp-socket.ts'
import type { CandidateSocket, GatheredCandidate } from './candidate-socket.ts'
import type { DerivedFrom, LocalBase } from './host-base.ts'
import type { HostOptions } from './host-options.ts'
import type { HostSocket } from './host-socket.ts'
import type { PortAddress } from './ice-port.ts'
import type { PortSocket } from './port-demux.ts'
import type { TcpSocketUser } from './tcp-candidate-socket.ts'
import { toldCandidates } from './told-candidates.ts'

/** A local address of an {@link IcePort}, as one of its connections uses it. */
export class PortBase implements LocalBase {
  readonly host: HostSocket
  readonly candidates: readonly GatheredCandidate[]
  readonly udp: DerivedFrom
  readonly tcp: DerivedFrom | undefined
  readonly #shares: readonly PortSocket[]
  readonly #active: ActiveTcpSocket | undefined

  /** @param rank 0 for the best of the port's addresses */
  constructor(environment: Environment, { local, host, udp, tcp }: PortAddress, rank: number, options: HostOptions) {
    const preference: HostCandidateOptions = { localPreference: maxLocalPreference - rank }
    const socket = udp.open()
    const tcpSocket = tcp?.demux.open()
    const active = options.tcpCandidates.includes('active')
      ? new ActiveTcpSocket(local.address, environment)
      : undefined
    this.host = host
    this.#shares = tcpSocket === undefined ? [socket] : [socket, tcpSocket]
    this.#active = active
    this.udp = { candidate: hostCandidate(host.local, preference), socket }
    this.tcp = active && { candidate: tcpHostCandidate(active.local, 'active', preference), socket: active }
    const passive = tcpSocket && {
      candidate: tcpHostCandidate(tcpSocket.local, 'passive', preference),
      socket: tcpSocket,
    }
    const own = [this.udp, this.tcp, passive].filter(entry => entry !== undefined)
    this.candidates = toldCandidates(own, local, preference, options, undefined)
  }

  get sockets(): readonly CandidateSocket[] {
    return this.#active === undefined ? this.#shares : [...this.#shares, this.#active]
  }

  attach(user: TcpSocketUser, usernameFragment: string): void {
    for (const socket of this.#shares) socket.attach(user, usernameFragment)
    this.#active?.attach(user)
  }

  close(): void {
    for (const socket of this.#shares) socket.close()
    this.#active?.close()
  }
}
