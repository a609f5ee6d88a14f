import type { TransportAddress } from '../../base/address.ts'
import type { StunError } from '../errors.ts'

/** Someone to send to. */
export interface Peer {
  /** The one object that stands for the peer in everything that is told about it. */
  readonly address: TransportAddress
  readonly permission: Permission
  /** Absent before the first packet that is worth one. */
  channel: Channel | undefined
  /** Packets that wait for the permission: at most {@link maxWaitingPackets}. */
  waiting: Uint8Array[]
  /** When a packet was last sent. */
  usedAt: number
  /** When it was last told that the peer is refused. */
  toldAt: number
}

/** What the server lets through, by IP address alone. RFC 8656 §9. */
export interface Permission {
  /** An address with that IP address, and a port that means nothing. */
  readonly address: TransportAddress
  state: PermissionState
}

export type PermissionState =
  /** Asked for, and not there yet. */
  | { readonly kind: 'asked' }
  /** `refreshAt` is infinite while its renewal is on the way. */
  | { readonly kind: 'installed'; readonly refreshAt: number; readonly expiresAt: number }
  | { readonly kind: 'refused'; readonly askAgainAt: number; readonly error: StunError }

/** A number that stands for a peer. RFC 8656 §12. */
export interface Channel {
  readonly number: number
  /** Another object for the same address, if that peer was forgotten and came back. */
  peer: Peer
  state: ChannelState
}

export type ChannelState =
  /** Asked for. Data may come on it already, but is not sent yet. */
  | { readonly kind: 'asked' }
  /** `refreshAt` is infinite while its renewal is on the way. */
  | { readonly kind: 'bound'; readonly refreshAt: number; readonly expiresAt: number }
  /** The server does not want it; Send indications do. */
  | { readonly kind: 'refused'; readonly askAgainAt: number }
  /** Its peer is forgotten. The number is free for another one from `freeAt` on. */
  | { readonly kind: 'retired'; readonly freeAt: number }
