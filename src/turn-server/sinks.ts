import type { TransportAddress } from '../base/address.ts'
import type { TcpConnection, TcpListener, UdpSocket } from '../base/environment.ts'

/** Bytes that may wait for a client who is connected over TCP, before datagrams for it are dropped as on any other full link. */
export const maxDatagramBacklog = 262_144

/** Bytes that may wait on any connection: one that takes less is closed. */
export const maxBacklog = 4_194_304

/** Where the core sends to. */
export interface Sink {
  send(data: Uint8Array, remote: TransportAddress, droppable: boolean): void
  close(): void
}

export class UdpSink implements Sink {
  readonly #socket: UdpSocket

  constructor(socket: UdpSocket) {
    this.#socket = socket
  }

  send(data: Uint8Array, remote: TransportAddress): void {
    this.#socket.send(data, remote)
  }

  close(): void {
    this.#socket.close()
  }
}

export class ConnectionSink implements Sink {
  readonly #connection: TcpConnection
  readonly #dropped: () => void
  readonly #overflow: () => void

  /**
   * @param dropped told of each datagram that the other end was too slow for
   * @param overflow told instead of sending when nobody takes what is sent
   */
  constructor(connection: TcpConnection, dropped: () => void, overflow: () => void) {
    this.#connection = connection
    this.#dropped = dropped
    this.#overflow = overflow
  }

  send(data: Uint8Array, _remote: TransportAddress, droppable: boolean): void {
    const waiting = this.#connection.bufferedBytes
    if (droppable && waiting > maxDatagramBacklog) this.#dropped()
    else if (waiting > maxBacklog) this.#overflow()
    else this.#connection.write(data)
  }

  close(): void {
    this.#connection.close()
  }
}

/** Nothing is sent from a TCP listener, but it is closed like the rest. */
export class ListenerSink implements Sink {
  readonly #listener: TcpListener

  constructor(listener: TcpListener) {
    this.#listener = listener
  }

  send(): void {}

  close(): void {
    this.#listener.close()
  }
}
