import { createTurnServer } from '../../src/turn-server/index.ts'
import { createAuthority } from './authority.ts'
import { iceServerOf, type RelayServer, type RelayTransport, relayAddress, relayTransports } from './relay-server.ts'

const address = '127.0.0.1'
const username = 'bob'
const credential = 'a short way to the floe'

/** The TURN server that icefloe brings, in this process. */
export async function startOwnTurnServer(): Promise<RelayServer> {
  const { ca, certificate, key } = createAuthority(['localhost'], [address])
  const server = await createTurnServer({
    listen: relayTransports.map(transport => ({
      ...{ address, port: 0, transport },
      ...(transport === 'tls' ? { certificate, key } : {}),
    })),
    realm: 'icefloe.test',
    users: { [username]: credential },
    relayOn: [relayAddress()],
    // Everybody in these tests is on this host.
    allowPeer: () => true,
  })
  const ports: Record<RelayTransport, number> = { udp: 0, tcp: 0, tls: 0 }
  for (const { transport, port } of server.addresses) ports[transport] = port
  return {
    ...{ name: 'the TURN server of icefloe', ca },
    iceServer: (...transports) => iceServerOf(transports, address, ports, { username, credential }),
    allocations: () => server.stats().openAllocations,
    stop: async () => server.close(),
  }
}
