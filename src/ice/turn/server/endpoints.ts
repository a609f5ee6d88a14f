import type { TransportAddress } from '../../../base/address.ts'
import type { StunStream } from '../../stun/stream.ts'
import type { AddressMap } from './address-map.ts'
import type { Allocation, Relay } from './allocation.ts'
import type { ResponseKey } from './authentication.ts'
import type { Answerable } from './responses.ts'
import type { ClientPath, SocketId } from './sockets.ts'

/** What stands behind a socket. */
export type Endpoint = Listener | Connection | RelayEndpoint | PeerConnection

/** A UDP socket that clients send to. */
export interface Listener {
  readonly kind: 'listener'
  readonly socket: SocketId
  readonly local: TransportAddress
  /** By the client's address. */
  readonly clients: AddressMap<Allocation>
}

/** A TCP or TLS connection of a client. */
export interface Connection {
  readonly kind: 'connection'
  readonly path: ClientPath
  readonly stream: StunStream
  allocation: Allocation | undefined
  /** RFC 6062 §5.4: it carries the bytes of a peer, and no messages any more. */
  peer: PeerConnection | undefined
  /** When it last did something, as long as it has no allocation. */
  idleSince: number
  /** Requests in a row that were not authentic. */
  refusals: number
}

/** A relay socket, or a TCP listener that peers connect to; without a relay while it is being opened, or kept in reserve. */
export interface RelayEndpoint {
  readonly kind: 'relay'
  readonly socket: SocketId
  relay: Relay | undefined
}

/** RFC 6062 §5.2, §5.3: a connection to or from a peer. */
export interface PeerConnection {
  readonly kind: 'peer'
  readonly socket: SocketId
  readonly id: number
  readonly relay: Relay
  readonly remote: TransportAddress
  state: PeerConnectionState
}

export type PeerConnectionState =
  | {
      readonly name: 'connecting'
      readonly until: number
      readonly request: Answerable
      readonly responseKey: ResponseKey
    }
  /** For ConnectionBind; what the peer sends meanwhile is kept. */
  | { readonly name: 'waiting'; readonly until: number; readonly early: Uint8Array[]; earlyBytes: number }
  | { readonly name: 'bound'; readonly connection: Connection }
  | { readonly name: 'closed' }
