import type { Environment } from 'icefloe'
import { createSystemEnvironment } from 'icefloe'

type UdpSocket = Awaited<ReturnType<Environment['network']['bindUdp']>>

/** One for all connections of the demo: they share the resolver. */
const system: Environment = createSystemEnvironment()

/** The network of this host, on which a share of the media is lost, both ways: `percent` may change at any time. */
export class LossyPath {
  percent = 0
  /** Packets that were lost so far. */
  readonly lost: { sent: number; received: number } = { sent: 0, received: 0 }
  /** What a connection is constructed with. */
  readonly environment: Environment = {
    ...system,
    network: { ...networkOf(system), bindUdp: this.#bindUdp.bind(this) },
  }

  async #bindUdp(...[address, port, receive]: Parameters<Environment['network']['bindUdp']>): Promise<UdpSocket> {
    const socket = await system.network.bindUdp(address, port, (data, from, at) => {
      if (!this.#loses(data, 'received')) receive(data, from, at)
    })
    const { send } = socket
    socket.send = (data, to) => {
      if (!this.#loses(data, 'sent')) send.call(socket, data, to)
    }
    return socket
  }

  /** RFC 7983 §7: a first byte from 128 to 191 is media. Checks and handshakes get through. */
  #loses(data: Uint8Array, way: 'sent' | 'received'): boolean {
    const [first = 0] = data
    if (first < 128 || first > 191 || Math.random() * 100 >= this.percent) return false
    this.lost[way]++
    return true
  }
}

/** Its methods, wherever they are defined. */
function networkOf({ network }: Environment): Environment['network'] {
  return {
    interfaces: () => network.interfaces(),
    watchInterfaces: changed => network.watchInterfaces(changed),
    bindUdp: (...request) => network.bindUdp(...request),
    connectTcp: (...request) => network.connectTcp(...request),
    listenTcp: (...request) => network.listenTcp(...request),
  }
}
