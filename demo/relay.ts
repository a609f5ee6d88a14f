import { createHmac, randomBytes } from 'node:crypto'
import { networkInterfaces } from 'node:os'
import type { RTCIceServer } from 'icefloe'
import { createTurnServer, type TurnServer } from 'icefloe/turn-server'

const LOOPBACK = '127.0.0.1'
/** Allocations outlive the credentials that they began with; an ICE restart after this time finds no relay. */
const CREDENTIALS_SECONDS = 12 * 60 * 60

export type RelayTransport = 'udp' | 'tcp'

/**
 * A STUN and TURN server in this process, for the two ends of the demo.
 *
 * Credentials are made for each end, and end after some hours. Peers are nothing but relayed addresses of this same
 * server: whoever has credentials can reach the other end, if that is relayed too, and nothing else on this host or
 * beyond. So no rule has to be relaxed.
 */
export class DemoRelay {
  /** Where it listens. */
  readonly address: string
  readonly #server: TurnServer
  readonly #secret: string

  private constructor(server: TurnServer, address: string, secret: string) {
    this.#server = server
    this.address = address
    this.#secret = secret
  }

  /** @param address of this host; whoever reaches it reaches the server, and is refused without credentials */
  static async start(address: string = LOOPBACK): Promise<DemoRelay> {
    const secret = randomBytes(32).toString('base64')
    const server = await createTurnServer({
      listen: [
        { address, port: 0, transport: 'udp' },
        { address, port: 0, transport: 'tcp' },
      ],
      realm: 'icefloe.demo',
      secret,
      relayOn: [outsideAddress() ?? LOOPBACK],
      software: 'icefloe demo',
    })
    return new DemoRelay(server, address, secret)
  }

  /** A server for `RTCConfiguration`, with credentials for one user. */
  iceServer(user: string, ...transports: readonly RelayTransport[]): RTCIceServer {
    const expiry = Math.floor(Date.now() / 1000) + CREDENTIALS_SECONDS
    const username = `${expiry}:${user}`
    const credential = createHmac('sha1', this.#secret).update(username).digest('base64')
    return { urls: transports.map(transport => this.#url(transport)), username, credential }
  }

  /** Relays in use, for those who want to know whether all were given back. */
  get allocations(): number {
    return this.#server.stats().openAllocations
  }

  close(): void {
    this.#server.close()
  }

  #url(transport: RelayTransport): string {
    const port = this.#server.addresses.find(each => each.transport === transport)?.port
    return `turn:${this.address}:${port}?transport=${transport}`
  }
}

/**
 * The first IPv4 address of this host that is not a loopback address. Relayed addresses are on it where there is one:
 * a browser pairs no other address with one on a loopback address.
 */
export function outsideAddress(): string | undefined {
  return ipv4Addresses().find(({ internal }) => !internal)?.address
}

export function isOwnAddress(address: string): boolean {
  return ipv4Addresses().some(each => each.address === address)
}

function ipv4Addresses(): { readonly address: string; readonly internal: boolean }[] {
  return Object.values(networkInterfaces()).flatMap(each => each?.filter(({ family }) => family === 'IPv4') ?? [])
}
