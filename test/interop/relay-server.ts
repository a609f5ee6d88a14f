import { hostInterfaces } from '../../src/net/host.ts'

/** How a client talks to a TURN server. */
export type RelayTransport = 'udp' | 'tcp' | 'tls'

export const relayTransports: readonly RelayTransport[] = ['udp', 'tcp', 'tls']

/**
 * A TURN server on this host, whoever has made it.
 *
 * It listens on 127.0.0.1, for `localhost` is the one name that leads to this host everywhere, and Firefox takes no
 * server over TLS without a name. Chromium uses a server there as it is, Firefox with `firefoxUsesLoopback`. It relays
 * on an address of this host that is not a loopback address, where there is one: a loopback address would pair with
 * loopback candidates alone. Neither browser gathers anything on a host that has no other interface.
 */
export interface RelayServer {
  readonly name: string
  /** The authority behind its certificate, which is for `localhost` and for the server's address; PEM. */
  readonly ca: string
  /** To be reached over each of these. */
  iceServer(...transports: readonly RelayTransport[]): IceServer
  /** Relayed addresses in use at this moment. */
  allocations(): number
  stop(): Promise<void>
}

/** The first IPv4 address of this host that is not a loopback address; 127.0.0.1 if it has none. */
export function relayAddress(): string {
  const external = hostInterfaces().find(({ address, internal }) => !internal && !address.includes(':'))
  return external?.address ?? '127.0.0.1'
}

/** As in RTCConfiguration. */
export interface IceServer {
  urls: string[]
  username: string
  credential: string
}

export function iceServerOf(
  transports: readonly RelayTransport[],
  address: string,
  ports: Readonly<Record<RelayTransport, number>>,
  credentials: { readonly username: string; readonly credential: string },
): IceServer {
  const host = address.includes(':') ? `[${address}]` : address
  const urls = {
    udp: `turn:${host}:${ports.udp}?transport=udp`,
    tcp: `turn:${host}:${ports.tcp}?transport=tcp`,
    // By name: Firefox does not even connect to a server over TLS that is given by its address.
    tls: `turns:localhost:${ports.tls}?transport=tcp`,
  }
  return { urls: transports.map(transport => urls[transport]), ...credentials }
}
