import type { IceCandidate } from './candidate.ts'
import type { IceState } from './ice-state.ts'
import type { SelectedPair } from './pair-view.ts'
import type { IceRole } from './parameters.ts'

/** What an agent tells the layer above. */
export type IceEvent =
  | { readonly type: 'state'; readonly state: IceState }
  /** Another pair carries data, or the remote candidate of the one that does is now known better. */
  | { readonly type: 'selected-pair'; readonly pair: SelectedPair }
  /** The role has changed by itself: a role conflict was settled, or the peer is a lite one. */
  | { readonly type: 'role'; readonly role: IceRole }
  /** A peer-reflexive candidate of the peer was found. */
  | { readonly type: 'remote-candidate'; readonly candidate: IceCandidate }
