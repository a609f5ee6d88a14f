import type { Network, TcpHandler } from '../../base/environment.ts'

const known = new WeakMap<Network, Promise<boolean>>()

/**
 * Whether a port may listen while connections that were opened from it are there: RFC 6544 appendix B. Linux permits
 * that where both have SO_REUSEADDR, which is what Node sets there; others want more, which Node does not offer.
 *
 * It is found out by trying, once.
 *
 * @param address of this host
 */
export function canShareTcpPorts(network: Network, address: string): Promise<boolean> {
  const found = known.get(network) ?? tryToShare(network, address).catch(() => false)
  known.set(network, found)
  return found
}

async function tryToShare(network: Network, address: string): Promise<boolean> {
  const target = await network.listenTcp(address, 0, () => silent)
  try {
    const free = await network.listenTcp(address, 0, () => silent)
    free.close()
    const end = await connectedFrom(network, address, free.local.port, target.local)
    try {
      const listener = await network.listenTcp(address, free.local.port, () => silent)
      listener.close()
      return true
    } finally {
      end()
    }
  } finally {
    target.close()
  }
}

const silent: TcpHandler = { receive: () => {}, closed: () => {} }

/** @returns what closes the connection */
function connectedFrom(
  network: Network,
  localAddress: string,
  localPort: number,
  to: Parameters<Network['connectTcp']>[0],
): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const connection = network.connectTcp(
      to,
      {
        ...silent,
        connected: () => resolve(() => connection.close()),
        closed: failure => reject(new Error(failure?.code ?? 'closed')),
      },
      { localAddress, localPort },
    )
  })
}
