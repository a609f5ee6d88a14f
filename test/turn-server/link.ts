import assert from 'node:assert/strict'
import type { TransportAddress } from '../../src/base/address.ts'
import type { Environment, TcpConnection, UdpSocket } from '../../src/base/environment.ts'
import { StunStream } from '../../src/ice/stun/stream.ts'
import { TurnClient, type TurnClientOptions } from '../../src/ice/turn/client.ts'
import type { TurnEvent } from '../../src/ice/turn/events.ts'

export interface LinkOptions {
  readonly local: string
  readonly username?: string
  readonly password?: string
  /** Of the authority of a TLS server's certificate. */
  readonly ca?: string
  readonly client?: Partial<TurnClientOptions>
}

/** A TURN client on a socket. */
export class TurnLink {
  readonly client: TurnClient
  readonly events: TurnEvent[] = []
  readonly received: { readonly peer: TransportAddress; readonly data: Uint8Array }[] = []
  closed: boolean
  readonly #environment: Environment
  readonly #write: (data: Uint8Array) => void
  readonly #end: () => void
  #cancel: (() => void) | undefined

  private constructor(
    environment: Environment,
    options: LinkOptions,
    reliable: boolean,
    socket: { write: (data: Uint8Array) => void; end: () => void },
  ) {
    const { username = 'user', password = 'pass' } = options
    const { random } = environment
    this.client = new TurnClient({ random, reliable, credentials: { username, password }, ...options.client })
    this.#environment = environment
    this.#write = socket.write
    this.#end = socket.end
    this.closed = false
  }

  static async udp(environment: Environment, server: TransportAddress, options: LinkOptions): Promise<TurnLink> {
    let link: TurnLink | undefined
    const socket: UdpSocket = await environment.network.bindUdp(options.local, 0, data => link?.receive(data))
    link = new TurnLink(environment, options, false, {
      write: data => socket.send(data, server),
      end: () => socket.close(),
    })
    link.start()
    return link
  }

  /** Over TCP, or TLS if there is an authority to trust. */
  static tcp(environment: Environment, server: TransportAddress, options: LinkOptions): TurnLink {
    const stream = new StunStream()
    const handler = {
      receive: (data: Uint8Array) => {
        stream.push(data)
        for (let message = stream.next(); message !== undefined; message = stream.next()) link.receive(message)
      },
      closed: () => {
        link.closed = true
      },
    }
    const { ca } = options
    const tls = ca === undefined ? {} : { tls: { serverName: 'localhost', ca } }
    const connection: TcpConnection = environment.network.connectTcp(server, handler, tls)
    const link = new TurnLink(environment, options, true, {
      write: data => connection.write(data),
      end: () => connection.close(),
    })
    link.start()
    return link
  }

  get relayed(): TransportAddress {
    return this.client.relayed[0] ?? assert.fail('no relayed address')
  }

  start(): void {
    this.client.start(this.#environment.clock.now())
    this.#drain()
  }

  send(data: Uint8Array, peer: TransportAddress): void {
    this.client.send(data, peer, this.#environment.clock.now())
    this.#drain()
  }

  receive(message: Uint8Array): void {
    const result = this.client.receive(message, this.#environment.clock.now())
    if ('peer' in result) this.received.push({ peer: result.peer, data: Uint8Array.from(result.data) })
    this.#drain()
  }

  release(): void {
    this.client.close(this.#environment.clock.now())
    this.#drain()
  }

  close(): void {
    this.#cancel?.()
    this.#end()
  }

  #drain(): void {
    const now = this.#environment.clock.now()
    for (let data = this.client.pollTransmit(now); data; data = this.client.pollTransmit(now)) this.#write(data)
    for (let event = this.client.pollEvent(); event !== undefined; event = this.client.pollEvent()) {
      this.events.push(event)
    }
    this.#cancel?.()
    const at = this.client.pollTimeout()
    const tick = (): void => {
      this.client.handleTimeout(this.#environment.clock.now())
      this.#drain()
    }
    this.#cancel = at === undefined ? undefined : this.#environment.timers.set(Math.max(0, at - now), tick)
  }
}
