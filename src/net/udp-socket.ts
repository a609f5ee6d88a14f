import type { Socket } from 'node:dgram'
import { createSocket } from 'node:dgram'
import type { TransportAddress } from '../base/address.ts'
import type { DatagramHandler, UdpSocket } from '../base/environment.ts'
import { RemoteAddresses, transportAddress } from './remote-addresses.ts'

/**
 * How much the kernel may hold for a socket until we read it, in bytes; the default (212 kB on Linux) overflows in bursts
 * of about ninety packets. It is memory of the kernel, used only while datagrams wait.
 */
export const receiveBufferSize: number = 2 * 1024 * 1024

/**
 * Opens a UDP socket on a local address; port 0 for any.
 *
 * An open socket keeps the process alive, until it is closed.
 *
 * @throws {Error} with the operating system's `code` if the address cannot be bound
 */
export function bindUdp(address: string, port: number, receive: DatagramHandler): Promise<UdpSocket> {
  const isIpv6 = address.includes(':')
  const socket = createSocket({ type: isIpv6 ? 'udp6' : 'udp4', ipv6Only: isIpv6, lookup: lookupLiteral })
  return new Promise((resolve, reject) => {
    socket.once('error', error => {
      socket.close()
      reject(error)
    })
    // Exclusive: in a cluster, a port belongs to the worker that asked for it.
    socket.bind({ address, port, exclusive: true }, () => {
      socket.removeAllListeners('error')
      resolve(new SystemUdpSocket(socket, receive))
    })
  })
}

/**
 * The look-up for sockets that know addresses as literals only. Node's own defers even those; with this one, a datagram
 * has left when `send` returns.
 */
export function lookupLiteral(
  address: string,
  _options: unknown,
  callback: (error: null, address: string, family: number) => void,
): void {
  callback(null, address, address.includes(':') ? 6 : 4)
}

class SystemUdpSocket implements UdpSocket {
  readonly local: TransportAddress
  readonly #socket: Socket
  readonly #remotes = new RemoteAddresses()
  #sendErrors = 0
  #closed = false

  constructor(socket: Socket, receive: DatagramHandler) {
    this.#socket = socket
    this.local = transportAddress(socket.address())
    raiseReceiveBuffer(socket)
    socket.on('message', (data, remote) => receive(data, this.#remotes.of(remote), this))
    // What is reported here concerns receiving, and a datagram that cannot be read is one that was lost.
    socket.on('error', ignore)
  }

  get sendErrors(): number {
    return this.#sendErrors
  }

  send(data: Uint8Array, to: TransportAddress): void {
    if (this.#closed) return
    // The one mistake that Node answers with an exception instead of an error.
    if (!(to.port > 0 && to.port <= 0xffff)) {
      this.#sendErrors++
      return
    }
    this.#socket.send(data, to.port, to.address, this.#onSent)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#socket.close()
  }

  readonly #onSent = (error: Error | null): void => {
    if (error !== null) this.#sendErrors++
  }
}

/** Best effort: the operating system has the last word on sizes. */
function raiseReceiveBuffer(socket: Socket): void {
  try {
    socket.setRecvBufferSize(receiveBufferSize)
  } catch {
    // The default size works, only bursts are lost earlier.
  }
}

function ignore(): void {}
