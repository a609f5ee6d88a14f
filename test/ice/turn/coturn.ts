import { randomBytes, randomInt } from 'node:crypto'
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect as connectTcp, createServer, type Socket as TcpSocket } from 'node:net'
import type { TransportAddress } from '../../../src/base/address.ts'
import { StunStream } from '../../../src/ice/stun/stream.ts'
import { TurnClient, type TurnClientOptions } from '../../../src/ice/turn/client.ts'
import type { TurnEvent } from '../../../src/ice/turn/events.ts'
import { eventually, Program } from '../../dtls/program.ts'

export const coturnCredentials = { username: 'u', password: 'p' } as const

/** A coturn on 127.0.0.1, and whatever `args` add. */
export async function startCoturn(port: number, args: readonly string[] = []): Promise<Program> {
  const program = new Program('turnserver', [
    ...['-n', '-L', '127.0.0.1', '-p', String(port), '--lt-cred-mech', '-u', 'u:p', '-r', 'test'],
    ...['--allow-loopback-peers', '--no-cli', '--no-tls', '--no-dtls', '--log-file', 'stdout'],
    ...['--pidfile', '', '--verbose', '--no-rfc5780', '--relay-threads', '1', ...args],
  ])
  try {
    await program.find(new RegExp(`UDP listener opened on ?: 127\\.0\\.0\\.1:${port}`))
    await program.find(new RegExp(`TCP listener opened on ?: 127\\.0\\.0\\.1:${port}`))
  } catch (error) {
    await program.stop()
    throw error
  }
  return program
}

/** A port of 127.0.0.1 that is free for UDP and TCP, below those that connections of anybody else come from. */
export async function freeServerPort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 32_000)
    const udp = createSocket('udp4')
    const tcp = createServer()
    try {
      udp.bind(port, '127.0.0.1')
      await once(udp, 'listening')
      tcp.listen(port, '127.0.0.1')
      await once(tcp, 'listening')
      return port
    } catch {
      // Another one then.
    } finally {
      udp.close()
      tcp.close()
    }
  }
}

/** A TURN client on a real socket. */
export class SocketClient {
  readonly client: TurnClient
  readonly events: TurnEvent[] = []
  received = 0
  onData: (peer: TransportAddress, data: Uint8Array) => void = () => {}
  readonly write: (message: Uint8Array) => void
  readonly #close: () => void
  #timer: NodeJS.Timeout | undefined
  #isDestroyed = false

  private constructor(client: TurnClient, write: (message: Uint8Array) => void, close: () => void) {
    this.client = client
    this.write = write
    this.#close = close
  }

  static async udp(port: number, options: Partial<TurnClientOptions> = {}): Promise<SocketClient> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4_000_000 })
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    socket.connect(port, '127.0.0.1')
    await once(socket, 'connect')
    const made = new SocketClient(
      newClient(false, options),
      message => socket.send(message),
      () => socket.close(),
    )
    socket.on('message', message => made.receive(message))
    socket.on('error', () => {})
    return made
  }

  static async tcp(port: number, options: Partial<TurnClientOptions> = {}): Promise<SocketClient> {
    const socket = await tcpSocket(port)
    const stream = new StunStream()
    const made = new SocketClient(
      newClient(true, options),
      message => socket.write(message),
      () => socket.destroy(),
    )
    socket.on('data', chunk => {
      stream.push(chunk)
      for (let message = stream.next(); message !== undefined; message = stream.next()) made.receive(message)
    })
    socket.on('close', () => {
      made.client.connectionLost()
      made.drain()
    })
    return made
  }

  async allocate(): Promise<readonly TransportAddress[]> {
    this.client.start(performance.now())
    this.drain()
    await eventually(() => this.client.state !== 'allocating', 'an allocation', 8_000)
    if (this.client.state !== 'allocated') throw new Error(JSON.stringify(this.events))
    return this.client.relayed
  }

  send(data: Uint8Array, peer: TransportAddress): void {
    this.client.send(data, peer, performance.now())
    this.drain()
  }

  receive(message: Uint8Array): void {
    const result = this.client.receive(message, performance.now())
    if ('data' in result) {
      this.received++
      this.onData(result.peer, result.data)
    }
    this.drain()
  }

  drain(): void {
    const now = performance.now()
    for (let message = this.client.pollTransmit(now); message !== undefined; message = this.client.pollTransmit(now)) {
      this.write(message)
    }
    for (let event = this.client.pollEvent(); event !== undefined; event = this.client.pollEvent()) {
      this.events.push(event)
    }
    if (this.#timer !== undefined) return
    const deadline = this.client.pollTimeout()
    if (deadline === undefined) return
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined
        this.client.handleTimeout(performance.now())
        this.drain()
      },
      Math.max(1, deadline - now),
    )
    this.#timer.unref()
  }

  async close(): Promise<void> {
    this.client.close(performance.now())
    this.drain()
    await eventually(() => !['allocated', 'closing'].includes(this.client.state), 'the allocation ends')
    this.destroy()
  }

  destroy(): void {
    if (this.#isDestroyed) return
    this.#isDestroyed = true
    clearTimeout(this.#timer)
    this.#close()
  }
}

/** A peer on a UDP socket, which knows who sent to it. */
export class UdpEcho {
  readonly address: TransportAddress
  readonly #socket: UdpSocket
  received: { readonly data: Uint8Array; readonly port: number }[] = []

  private constructor(socket: UdpSocket) {
    this.#socket = socket
    const { address, port: own } = socket.address()
    this.address = { address, port: own, family: address === '::1' ? 6 : 4 }
    socket.on('message', (data, { port }) => {
      this.received.push({ data, port })
      socket.send(data, port, address)
    })
  }

  static async open(address: '127.0.0.1' | '::1' = '127.0.0.1'): Promise<UdpEcho> {
    const socket = createSocket({ type: address === '::1' ? 'udp6' : 'udp4', recvBufferSize: 4_000_000 })
    socket.bind(0, address)
    await once(socket, 'listening')
    return new UdpEcho(socket)
  }

  close(): void {
    this.#socket.close()
  }
}

export async function tcpSocket(port: number): Promise<TcpSocket> {
  const socket = connectTcp({ port, host: '127.0.0.1', noDelay: true })
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

function newClient(reliable: boolean, options: Partial<TurnClientOptions>): TurnClient {
  const random = (length: number) => new Uint8Array(randomBytes(length))
  return new TurnClient({ random, reliable, credentials: coturnCredentials, ...options })
}
