import { addressKey, type TransportAddress } from '../../src/base/address.ts'
import type {
  CancelWatch,
  DatagramHandler,
  Network,
  NetworkInterface,
  TcpConnection,
  TcpConnectOptions,
  TcpHandler,
  TcpListener,
  TcpListenOptions,
  UdpSocket,
} from '../../src/base/environment.ts'
import { isLoopback } from '../../src/base/ip.ts'
import type { Router } from './packet.ts'
import { Realm, type Station } from './realm.ts'
import { SimTcp } from './tcp.ts'
import { SimUdpSocket } from './udp.ts'

/** How long it takes until a change of the interfaces is noticed. */
export const interfaceNoticeMs = 100

const firstEphemeralPort = 49_152

/** A host: its interfaces, its sockets, and the `Network` of the environment on it. */
export class SimHost implements Network, Station {
  readonly name: string
  readonly router: Router
  /** Its TCP connections and listeners. */
  readonly tcp: SimTcp
  /** Nothing leaves it and nothing gets in, without anybody being told: a crash, or a cable pulled. */
  isDown = false
  readonly #sockets = new Map<string, SimUdpSocket>()
  readonly #watchers = new Set<() => void>()
  readonly #realms = new Map<string, Realm>()
  readonly #loopback = new Realm()
  #interfaces: readonly NetworkInterface[] = []
  #nextPort: number

  constructor(name: string, router: Router) {
    this.name = name
    this.router = router
    this.tcp = new SimTcp(this)
    // Ports of two hosts are often the same, as private addresses are.
    this.#nextPort = firstEphemeralPort + (router.random.next() % 8)
  }

  interfaces(): readonly NetworkInterface[] {
    return this.#interfaces
  }

  /** Gives it an address in a realm. Who watches is told a little later. */
  addInterface(address: string, outer: Realm): void {
    const entry = networkInterface(address, this.#interfaces.length)
    const realm = entry.internal ? this.#loopback : outer
    realm.claim(address, this)
    this.#realms.set(address, realm)
    this.#interfaces = [...this.#interfaces, entry]
    this.#tellWatchers()
  }

  /** Takes an address away. Sockets on it stay, and are cut off. */
  removeInterface(address: string): void {
    this.#realms.get(address)?.release(address)
    this.#realms.delete(address)
    this.#interfaces = this.#interfaces.filter(entry => entry.address !== address)
    this.#tellWatchers()
  }

  /** Which realm an address of this host is in; undefined if the host does not have the address (any more). */
  realmOf(address: string): Realm | undefined {
    return this.#realms.get(address)
  }

  /** All realms that it is in. */
  realms(): readonly Realm[] {
    return [...this.#realms.values()]
  }

  udpSocket(local: TransportAddress): SimUdpSocket | undefined {
    return this.#sockets.get(addressKey(local))
  }

  forgetUdpSocket(socket: SimUdpSocket): void {
    this.#sockets.delete(addressKey(socket.local))
  }

  async bindUdp(address: string, port: number, receive: DatagramHandler): Promise<UdpSocket> {
    const local = this.localEndpoint(address, port, candidate => this.#sockets.has(addressKey(candidate)))
    const socket = new SimUdpSocket(this, this.router, local, receive)
    this.#sockets.set(addressKey(local), socket)
    return socket
  }

  connectTcp(to: TransportAddress, handler: TcpHandler, options: TcpConnectOptions = {}): TcpConnection {
    return this.tcp.connect(to, handler, options)
  }

  async listenTcp(
    address: string,
    port: number,
    accept: (connection: TcpConnection) => TcpHandler,
    options: TcpListenOptions = {},
  ): Promise<TcpListener> {
    return this.tcp.listen(address, port, accept, options)
  }

  watchInterfaces(changed: () => void): CancelWatch {
    const watcher = (): void => changed()
    this.#watchers.add(watcher)
    return () => {
      this.#watchers.delete(watcher)
    }
  }

  /**
   * A local address with a free port.
   *
   * @param port 0 for any
   * @throws {Error} with the operating system's `code`
   */
  localEndpoint(address: string, port: number, isTaken: (endpoint: TransportAddress) => boolean): TransportAddress {
    if (!this.#realms.has(address)) throw systemError('EADDRNOTAVAIL', address, port)
    const family = address.includes(':') ? 6 : 4
    if (port !== 0) {
      const endpoint: TransportAddress = { address, port, family }
      if (isTaken(endpoint)) throw systemError('EADDRINUSE', address, port)
      return endpoint
    }
    for (let tries = firstEphemeralPort; tries <= 0xffff; tries++) {
      const endpoint: TransportAddress = { address, port: this.#nextPort, family }
      this.#nextPort = this.#nextPort === 0xffff ? firstEphemeralPort : this.#nextPort + 1
      if (!isTaken(endpoint)) return endpoint
    }
    throw systemError('EADDRINUSE', address, port)
  }

  #tellWatchers(): void {
    if (this.#watchers.size === 0) return
    this.router.time.set(interfaceNoticeMs, () => {
      for (const watcher of [...this.#watchers]) watcher()
    })
  }
}

function networkInterface(address: string, index: number): NetworkInterface {
  const internal = isLoopback(address)
  return { name: internal ? 'lo' : `eth${index}`, address, family: address.includes(':') ? 6 : 4, internal }
}

function systemError(code: string, address: string, port: number): Error {
  return Object.assign(new Error(`bind ${code} ${address}:${port}`), { code })
}
