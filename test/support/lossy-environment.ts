import type { Environment, UdpSocket } from '../../src/base/environment.ts'
import { prng } from './prng.ts'

/** What a path does to media, in both directions. */
export interface Loss {
  /** 0 to 1, of the packets of media alone (RFC 7983: a first byte from 128 to 191): checks and handshakes get through. */
  readonly fraction: number
  readonly seed: number
}

export interface LossyEnvironment {
  readonly environment: Environment
  /** Packets that were lost so far. */
  lost(): { readonly sent: number; readonly received: number }
}

/** The network of an environment, with some of the media packets lost on their way. */
export function lossy(environment: Environment, { fraction, seed }: Loss): LossyEnvironment {
  const random = prng(seed)
  const lost = { sent: 0, received: 0 }
  const isLost = (data: Uint8Array, direction: 'sent' | 'received'): boolean => {
    const first = data[0] ?? 0
    if (first < 128 || first > 191 || random.float() >= fraction) return false
    lost[direction]++
    return true
  }
  const { network } = environment
  return {
    lost: () => ({ ...lost }),
    environment: {
      ...environment,
      network: {
        interfaces: () => network.interfaces(),
        watchInterfaces: changed => network.watchInterfaces(changed),
        connectTcp: (to, handler, options) => network.connectTcp(to, handler, options),
        listenTcp: (address, port, accept, options) => network.listenTcp(address, port, accept, options),
        bindUdp: async (address, port, receive) => {
          const socket: UdpSocket = await network.bindUdp(address, port, (data, from, at) => {
            if (!isLost(data, 'received')) receive(data, from, at)
          })
          const { send } = socket
          socket.send = (data, to) => {
            if (!isLost(data, 'sent')) send.call(socket, data, to)
          }
          return socket
        },
      },
    },
  }
}
