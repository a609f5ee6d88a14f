import type { TransportAddress } from '../../base/address.ts'
import type { StunError } from '../errors.ts'
import type { IcmpError } from '../stun/attribute-codecs.ts'

/** What a TURN client tells the layer above. */
export type TurnEvent =
  | {
      readonly type: 'allocated'
      /** One address, or one of each family: IPv4 first. */
      readonly relayed: readonly TransportAddress[]
      /** The server-reflexive address of the client. */
      readonly mapped: TransportAddress
      readonly lifetimeSeconds: number
      /**
       * Of a dual allocation, the half that the server refused. RFC 8656 §7.3: after 440 it is not to be asked for again, after
       * 508 not within a minute. After 420 the server knows of no dual allocations, but may well grant the other address to a
       * client of its own.
       */
      readonly refused?: { readonly family: 4 | 6; readonly error: StunError }
    }
  /**
   * There is no allocation, and there will be none. RFC 8656 §7.4: after an `errorCode` of 437 another local address or
   * port may help, three of them at most; after 486 and 508 the server is to be left alone for a minute; after other
   * codes, asking it again will not help.
   */
  | { readonly type: 'failed'; readonly error: StunError }
  /**
   * The server wants another one to be asked. RFC 8489 §10: over the same transport with the same credentials; a server
   * that was already asked within five minutes is not asked again. Nothing proves that it was the server who said so.
   */
  | { readonly type: 'redirected'; readonly server: TransportAddress; readonly domain?: string }
  /** The allocation is gone. */
  | { readonly type: 'lost'; readonly error: StunError }
  /** What there was to delete is deleted, or nobody has said so in time: the socket may be closed. */
  | { readonly type: 'closed' }
  /** The server does not relay to this peer, and what was waiting for it was dropped. */
  | { readonly type: 'peer-refused'; readonly peer: TransportAddress; readonly error: StunError }
  /** What ICMP says about packets to a peer. Nobody vouches for it: a hint, no proof. RFC 8656 §11.6. */
  | { readonly type: 'icmp'; readonly peer: TransportAddress; readonly icmp: IcmpError }
  /** RFC 6062 §4.3: the server has connected to the peer, and waits 30 s for a data connection to be bound to it. */
  | { readonly type: 'connected'; readonly connectionId: number; readonly peer: TransportAddress }
  /** RFC 6062 §4.4: a peer has connected to the server, which waits 30 s for a data connection to be bound to it. */
  | { readonly type: 'connection-attempt'; readonly connectionId: number; readonly peer: TransportAddress }
  | { readonly type: 'connect-failed'; readonly peer: TransportAddress; readonly error: StunError }
