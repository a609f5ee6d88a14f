import type { TransportAddress } from '../../base/address.ts'
import type { Environment, NetworkInterface } from '../../base/environment.ts'
import { isLoopback, parseIp } from '../../base/ip.ts'
import { createSystemEnvironment } from '../../net/system-environment.ts'
import { constructorToken, requireToken } from '../webidl.ts'
import type { TcpAcceptLimits } from './accepting-tcp-socket.ts'
import { HostSocket } from './host-socket.ts'
import { PassiveTcpSocket } from './passive-tcp-socket.ts'
import { PortDemux, type UnknownRequest } from './port-demux.ts'

/** What a port takes at a time of TCP connections, and of these of such that no peer has proved yet to be its own. */
export const portAcceptLimits: TcpAcceptLimits = { connections: 1024, strangers: 128 }

export interface IcePortOptions {
  /** The port to listen on, the same for all addresses; 0 for any, which then need not be the same. */
  readonly port: number
  /** The local addresses to listen on; those that would be gathered if absent. */
  readonly addresses?: readonly string[]
  /** Takes TCP connections as well (RFC 6544). False by default. */
  readonly tcp?: boolean
  /**
   * Told when a peer asks for a user name fragment that no connection has. A connection with these credentials
   * (`iceParameters`) may be made now: the peer will ask again.
   */
  readonly onUnknownRequest?: (request: UnknownRequest) => void
  readonly environment?: Environment
}

/** One local address of the port, for those who gather from it. */
export interface PortAddress {
  readonly local: NetworkInterface
  readonly host: HostSocket
  readonly udp: PortDemux
  readonly tcp: { readonly socket: PassiveTcpSocket; readonly demux: PortDemux } | undefined
}

/**
 * One UDP port, and one TCP port if wanted, for many connections: `new RTCPeerConnection(configuration, { icePort })`.
 *
 * A check names the user name fragment of the connection that it is for; everything else comes from an address that such
 * a check has proven.
 */
export class IcePort {
  readonly #addresses: readonly PortAddress[]

  /** @internal */
  constructor(token: symbol, addresses: readonly PortAddress[]) {
    requireToken(token)
    this.#addresses = addresses
  }

  /**
   * @throws {TypeError | RangeError} for options that cannot be meant
   * @throws {Error} with the operating system's `code` if none of the addresses can be bound
   */
  static async listen(options: IcePortOptions): Promise<IcePort> {
    checkOptions(options)
    const environment = options.environment ?? createSystemEnvironment()
    const opened: PortAddress[] = []
    let failure: unknown = new Error('there is no address to listen on')
    for (const local of interfacesOf(options, environment)) {
      try {
        opened.push(await openAddress(options, environment, local))
      } catch (error) {
        failure = error
      }
    }
    if (opened.length === 0) throw failure
    return new IcePort(constructorToken, opened)
  }

  /** Where it listens. */
  get addresses(): readonly TransportAddress[] {
    return this.#addresses.map(({ host }) => host.local)
  }

  /** Whether it takes TCP connections. */
  get hasTcp(): boolean {
    return this.#addresses.some(({ tcp }) => tcp !== undefined)
  }

  /** @internal */
  get local(): readonly PortAddress[] {
    return this.#addresses
  }

  /** Closes the port under the connections that still use it: they find out as if the network was gone. */
  close(): void {
    for (const { host, udp, tcp } of this.#addresses) {
      udp.close()
      host.close()
      tcp?.demux.close()
      tcp?.socket.close()
    }
  }
}

function checkOptions(options: IcePortOptions): void {
  if (typeof options !== 'object' || options === null) throw new TypeError('IcePort.listen: the options are no object')
  const { port, addresses, onUnknownRequest, environment } = options
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new RangeError(`port: not a port: ${String(port)}`)
  if (addresses !== undefined && !Array.isArray(addresses)) throw new TypeError('addresses: not an array')
  for (const address of addresses ?? []) if (typeof address !== 'string') throw new TypeError('addresses: not a text')
  if (onUnknownRequest !== undefined && typeof onUnknownRequest !== 'function') {
    throw new TypeError('onUnknownRequest: not a function')
  }
  if (environment !== undefined && (typeof environment !== 'object' || environment === null)) {
    throw new TypeError('environment: not an object')
  }
}

function interfacesOf({ addresses }: IcePortOptions, { network }: Environment): NetworkInterface[] {
  const all = network.interfaces()
  if (addresses === undefined)
    return all.some(({ internal }) => !internal) ? all.filter(({ internal }) => !internal) : [...all]
  return addresses.map(text => {
    const ip = parseIp(text)
    if (ip === undefined) throw new TypeError(`addresses: not an IP address: ${String(text)}`)
    const known = all.find(({ address }) => address === ip.address)
    return known ?? { name: '', ...ip, internal: isLoopback(ip.address) }
  })
}

async function openAddress(
  { port, tcp = false, onUnknownRequest = ignore }: IcePortOptions,
  environment: Environment,
  local: NetworkInterface,
): Promise<PortAddress> {
  const { clock, network } = environment
  const host = await HostSocket.bind(network, local.address, port)
  const udp = new PortDemux(host, clock, onUnknownRequest)
  host.attach(udp.receive)
  if (!tcp) return { local, host, udp, tcp: undefined }
  try {
    const socket = await PassiveTcpSocket.listen(local.address, host.local.port, environment, portAcceptLimits)
    const demux = new PortDemux(socket, clock, onUnknownRequest)
    socket.attach({ receive: demux.receive, unreachable: demux.unreachable })
    return { local, host, udp, tcp: { socket, demux } }
  } catch (error) {
    host.close()
    throw error
  }
}

function ignore(): void {}

export type { UnknownRequest }
