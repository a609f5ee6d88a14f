import type { Network, TcpHandler } from '../../base/environment.ts'

/** Where it has been found to work. */
const capable = new WeakSet<Network>()

/**
 * Whether a port may listen while connections that were opened from it are there: RFC 6544 appendix B. Linux permits
 * that where both have SO_REUSEADDR, which is what Node sets there; others want more, which Node does not offer.
 *
 * It is found out by trying, once if it works.
 *
 * @param address of this host
 */
export async function canShareTcpPorts(network: Network, address: string): Promise<boolean> {
  if (capable.has(network)) return true
  try {
    await tryToShare(network, address)
    capable.add(network)
    return true
  } catch {
    return false
  }
}

async function tryToShare(network: Network, address: string): Promise<void> {
  const target = await network.listenTcp(address, 0, () => silent)
  try {
    const free = await network.listenTcp(address, 0, () => silent)
    free.close()
    const end = await connectedFrom(network, address, free.local.port, target.local)
    try {
      const listener = await network.listenTcp(address, free.local.port, () => silent)
      listener.close()
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
