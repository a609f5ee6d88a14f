import { addressKey, type TransportAddress } from '../../src/base/address.ts'
import type { Environment, Network, TcpConnection, UdpSocket } from '../../src/base/environment.ts'

/** Everything that has left through an environment, and what is still open. */
export interface Observed {
  readonly environment: Environment
  /** UDP sockets that are open now. */
  readonly open: ReadonlySet<UdpSocket>
  /** UDP sockets that were ever opened. */
  opened(): number
  /** TCP connections and listeners that are open now. */
  readonly openTcp: ReadonlySet<object>
  /** Where datagrams went and connections were tried, each address once. */
  readonly destinations: ReadonlySet<string>
  /** Names that were asked for or registered in multicast DNS: both go to everyone on the link. */
  readonly multicast: readonly string[]
}

/** Watches what a peer does at the layer of sockets. */
export function observe(environment: Environment): Observed {
  const { network, resolver } = environment
  const open = new Set<UdpSocket>()
  const openTcp = new Set<object>()
  const destinations = new Set<string>()
  const multicast: string[] = []
  let opened = 0
  const note = (to: TransportAddress): void => {
    destinations.add(addressKey(to))
  }
  const observed: Network = {
    interfaces: () => network.interfaces(),
    watchInterfaces: changed => network.watchInterfaces(changed),
    bindUdp: async (address, port, receive) => {
      const socket = await network.bindUdp(address, port, receive)
      const { close, send } = socket
      socket.send = (data, to) => {
        note(to)
        send.call(socket, data, to)
      }
      socket.close = () => {
        open.delete(socket)
        close.call(socket)
      }
      open.add(socket)
      opened++
      return socket
    },
    connectTcp: (to, handler, options) => {
      note(to)
      const closed: typeof handler.closed = failure => {
        openTcp.delete(connection)
        handler.closed(failure)
      }
      const told = { connected: () => handler.connected?.(), receive: handler.receive.bind(handler), closed }
      const connection: TcpConnection = network.connectTcp(to, told, options)
      return track(connection, openTcp)
    },
    listenTcp: async (address, port, accept, options) =>
      track(await network.listenTcp(address, port, accept, options), openTcp),
  }
  return {
    open,
    openTcp,
    destinations,
    multicast,
    opened: () => opened,
    environment: {
      ...environment,
      network: observed,
      resolver: {
        resolveHost: name => resolver.resolveHost(name),
        resolveMdns: name => {
          multicast.push(name)
          return resolver.resolveMdns(name)
        },
        registerMdns: address => {
          multicast.push(address)
          return resolver.registerMdns(address)
        },
      },
    },
  }
}

function track<Socket extends { close(): void }>(socket: Socket, open: Set<object>): Socket {
  const { close } = socket
  socket.close = () => {
    open.delete(socket)
    close.call(socket)
  }
  open.add(socket)
  return socket
}
