import type { TransportAddress } from '../../base/address.ts'
import type { AllocationShape } from './allocation.ts'
import type { Channel, Permission } from './peer.ts'
import type { Outcome, Requests } from './requests.ts'

/** What a request of a TURN client is for. */
export type TurnPurpose =
  | { readonly kind: 'allocate'; readonly shape: AllocationShape }
  | { readonly kind: 'refresh'; readonly attempt: number }
  | { readonly kind: 'delete' }
  | { readonly kind: 'permission'; readonly permission: Permission }
  | { readonly kind: 'channel'; readonly channel: Channel }
  | { readonly kind: 'connect'; readonly peer: TransportAddress }

export type TurnOutcome = Outcome<TurnPurpose>
export type TurnRequests = Requests<TurnPurpose>
