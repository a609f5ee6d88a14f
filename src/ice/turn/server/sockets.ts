import type { TransportAddress } from '../../../base/address.ts'

/** The name of a socket, between the core and who drives it. */
export type SocketId = number

export type ClientTransport = 'udp' | 'tcp' | 'tls'

/** Between a client and the server: RFC 8656 §6, the 5-tuple, and the socket that it is reached through. */
export interface ClientPath {
  readonly socket: SocketId
  readonly transport: ClientTransport
  readonly local: TransportAddress
  readonly remote: TransportAddress
}

/** Something to send. */
export interface ServerTransmit {
  readonly socket: SocketId
  /** On a connection, its other end. */
  readonly remote: TransportAddress
  readonly data: Uint8Array
  /** Relayed datagrams: to be dropped rather than kept where a connection takes no more. */
  readonly droppable: boolean
}

/** What the core asks of who drives it. Sends that were polled before come first. */
export type TurnServerEvent =
  /** Open a relay socket, or a TCP listener, and tell `opened` or `openFailed`. */
  | {
      readonly type: 'open'
      readonly socket: SocketId
      readonly transport: 'udp' | 'tcp'
      readonly family: 4 | 6
      readonly port: number
    }
  /** Connect to a peer from the address of a relay, and tell `connected` or `closed`. */
  | {
      readonly type: 'connect'
      readonly socket: SocketId
      readonly relay: SocketId
      readonly remote: TransportAddress
    }
  /** Close a socket; nothing more is told about it. */
  | { readonly type: 'close'; readonly socket: SocketId }
