import type { TransportAddress } from '../../src/base/address.ts'
import { decodeMessage, encodeMessage, stunMethod } from '../../src/ice/index.ts'
import type { RTCIceServer } from '../../src/pc/configuration.ts'
import { createTurnServer, type TurnServer, type TurnServerOptions } from '../../src/turn-server/index.ts'
import { simCertificate } from './tls.ts'
import type { Simulation } from './virtual-environment.ts'

export const stunPort = 3478

/** A host that answers Binding requests over UDP, and does nothing else. */
export async function startStunServer(sim: Simulation, name: string, address: string): Promise<TransportAddress> {
  const { network } = sim.host(name, [address])
  const socket = await network.bindUdp(address, stunPort, (data, from) => {
    const request = decodeMessage(data)
    if (request?.class !== 'request' || request.method !== stunMethod.binding) return
    const { transactionId } = request
    const attributes = { xorMappedAddress: from }
    socket.send(encodeMessage({ class: 'success', method: stunMethod.binding, transactionId, attributes }), from)
  })
  return socket.local
}

export type ServerTransport = 'udp' | 'tcp' | 'tls'

export interface SimulatedTurnServer {
  /** The one that runs now. */
  readonly server: TurnServer
  /** For the configuration of a peer: one URL for each transport. */
  readonly iceServers: RTCIceServer[]
  /** Ends it without a word and starts another one in its place, which knows nothing. */
  reboot(): Promise<void>
}

export interface SimulatedServerOptions {
  /** How clients reach it: over UDP if absent. TLS is on port 443. */
  readonly transports?: readonly ServerTransport[]
  /** A second address, for NAT behaviour discovery: UDP is then on the next port as well, on both. */
  readonly otherAddress?: string
  /** Addresses of other families, for TURN over UDP and for relays. */
  readonly alsoOn?: readonly string[]
  readonly options?: Partial<TurnServerOptions>
}

/** Our own STUN and TURN server on a new host, with one user; it is named `<name>.example`. */
export async function startTurnServer(
  sim: Simulation,
  name: string,
  address: string,
  { transports = ['udp'], otherAddress, alsoOn = [], options = {} }: SimulatedServerOptions = {},
): Promise<SimulatedTurnServer> {
  const hostName = `${name.replaceAll(' ', '-')}.example`
  sim.dns.set(hostName, [address, ...alsoOn])
  const environment = sim.host(name, [address, ...(otherAddress === undefined ? [] : [otherAddress]), ...alsoOn])
  const certificate = { certificate: simCertificate({ names: [hostName, address] }), key: 'simulated' }
  const discovery = otherAddress === undefined ? [] : [address, otherAddress]
  const serverOptions: TurnServerOptions = {
    realm: 'example',
    users: { user: 'password' },
    ...options,
    listen: [
      ...transports.map(transport =>
        transport === 'tls'
          ? { address, port: 443, transport, ...certificate }
          : { address, port: stunPort, transport },
      ),
      ...alsoOn.map(each => ({ address: each, port: stunPort })),
      ...discovery.flatMap(each => [stunPort, stunPort + 1].map(port => ({ address: each, port }))).slice(1),
    ],
    environment,
  }
  let server = await createTurnServer(serverOptions)
  const urls = transports.map(transport =>
    transport === 'tls'
      ? `turns:${hostName}:443`
      : `turn:${alsoOn.length > 0 ? hostName : address}:${stunPort}?transport=${transport}`,
  )
  return {
    get server() {
      return server
    },
    iceServers: [{ urls, username: 'user', credential: 'password' }],
    reboot: async () => {
      server.close()
      server = await createTurnServer(serverOptions)
    },
  }
}
