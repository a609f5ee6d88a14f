import type { IceCandidate } from './candidate.ts'
import type { IceState } from './ice-state.ts'
import type { PairReference, SelectedPair } from './pair-view.ts'
import type { IceRole } from './parameters.ts'

/** What an agent tells the layer above. */
export type IceEvent =
  | { readonly type: 'state'; readonly state: IceState }
  /** Another pair carries data, or the remote candidate of the one that does is now known better. */
  | { readonly type: 'selected-pair'; readonly pair: SelectedPair; readonly reference: PairReference }
  /** The role has changed by itself: a role conflict was settled, or the peer is a lite one. */
  | { readonly type: 'role'; readonly role: IceRole }
  /** A peer-reflexive candidate of the peer was found. */
  | { readonly type: 'remote-candidate'; readonly candidate: IceCandidate }
  /** Of a supervised agent alone, as all that follow: a pair was formed, or is again of the session in use. */
  | { readonly type: 'pair-added'; readonly reference: PairReference }
  /** A pair is no more: it made room for another, its address has gone, or a restart or the layer above has removed it. */
  | { readonly type: 'pair-removed'; readonly reference: PairReference }
  /** The agent would nominate a pair: to be answered with `IceAgent.decideNomination`. */
  | { readonly type: 'nomination'; readonly reference: PairReference }
  /** A pair that the layer above has selected cannot be used. */
  | { readonly type: 'selection-failed'; readonly reference: PairReference }
