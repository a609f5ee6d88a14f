import type { TransportAddress } from '../../base/address.ts'

/** Why a message from the server had no effect. */
export type TurnDrop =
  /** There is no allocation: not yet, or no more. */
  | 'no-allocation'
  /** Neither STUN nor ChannelData, or not whole. */
  | 'malformed'
  /** A method, or a request, that no client has any business with. */
  | 'unsupported-method'
  | 'unknown-transaction'
  | 'bad-integrity'
  /** ChannelData on a channel that was not asked for. */
  | 'unknown-channel'
  /** Data of a peer that no permission was asked for. */
  | 'no-permission'

/** What became of a message. `data` is a view of it. `peer` is the same object for the same peer. */
export type TurnReceived =
  | { readonly handled: true }
  | { readonly drop: TurnDrop }
  | { readonly peer: TransportAddress; readonly data: Uint8Array }

export const turnHandled: TurnReceived = { handled: true }

export const turnDropped: { readonly [Reason in TurnDrop]: TurnReceived } = {
  'no-allocation': { drop: 'no-allocation' },
  malformed: { drop: 'malformed' },
  'unsupported-method': { drop: 'unsupported-method' },
  'unknown-transaction': { drop: 'unknown-transaction' },
  'bad-integrity': { drop: 'bad-integrity' },
  'unknown-channel': { drop: 'unknown-channel' },
  'no-permission': { drop: 'no-permission' },
}
