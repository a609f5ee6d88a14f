import type { Server, Socket } from 'node:net'
import { createServer } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { TransportAddress } from '../base/address.ts'
import type { TcpConnection, TcpHandler, TcpListener, TcpListenOptions } from '../base/environment.ts'
import { RemoteAddresses, transportAddress } from './remote-addresses.ts'
import { localAddress, SocketConnection } from './tcp-connection.ts'

/** Connections that a listener has open at a time, those in their TLS handshake included; further ones are refused. */
export const maxConnections = 2_048

/** How long a client may take for its TLS handshake. */
export const handshakeLimitMs = 5_000

/**
 * Takes TCP connections on a local address, with TLS on them if asked for.
 *
 * An open listener keeps the process alive, until it is closed. How long a connection may stay silent is for those to say
 * who know the protocol on it.
 *
 * @throws {Error} with the operating system's `code` if the address cannot be bound, or OpenSSL's if the certificate or
 *   key cannot be used
 */
export async function listenTcp(
  address: string,
  port: number,
  accept: (connection: TcpConnection) => TcpHandler,
  options: TcpListenOptions = {},
): Promise<TcpListener> {
  const listener = new SystemTcpListener(accept, options)
  await listener.open(address, port)
  return listener
}

class SystemTcpListener implements TcpListener {
  local: TransportAddress = { address: '0.0.0.0', port: 0, family: 4 }
  readonly #server: Server
  readonly #accept: (connection: TcpConnection) => TcpHandler
  readonly #remotes = new RemoteAddresses()
  #closed = false

  constructor(accept: (connection: TcpConnection) => TcpHandler, { tls }: TcpListenOptions) {
    this.#accept = accept
    this.#server =
      tls === undefined
        ? createServer({ noDelay: true }, this.#onConnection)
        : createTlsServer(
            {
              noDelay: true,
              cert: tls.certificate,
              key: tls.key,
              handshakeTimeout: handshakeLimitMs,
              // RFC 8996 §4, §5: TLS 1.0 and 1.1 must not be used
              minVersion: 'TLSv1.2',
            },
            this.#onConnection,
          )
    // Node leaves the connection of a handshake that has failed, or has taken too long, to whom it tells.
    this.#server.on('tlsClientError', (_error: Error, socket: Socket) => socket.destroy())
    this.#server.maxConnections = maxConnections
  }

  open(address: string, port: number): Promise<void> {
    const server = this.#server
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      // Exclusive: in a cluster, a port belongs to the worker that asked for it.
      server.listen({ host: address, port, exclusive: true, ipv6Only: address.includes(':') }, () => {
        server.removeAllListeners('error')
        // What is reported here is a connection that could not be accepted: it is lost, the next one may not be.
        server.on('error', ignore)
        const bound = server.address()
        if (bound !== null && typeof bound === 'object') this.local = transportAddress(bound)
        resolve()
      })
    })
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#server.close()
  }

  readonly #onConnection = (socket: Socket): void => {
    const { remoteAddress: address, remotePort: port } = socket
    const local = localAddress(socket)
    // A client that has gone already has no addresses any more.
    if (this.#closed || address === undefined || port === undefined || local === undefined) {
      socket.on('error', ignore)
      socket.destroy()
      return
    }
    const connection = new SocketConnection(socket, local, this.#remotes.of({ address, port }))
    connection.attach(this.#accept(connection))
  }
}

function ignore(): void {}
