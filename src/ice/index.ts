export { IceAgent, type IceAgentOptions } from './agent.ts'
export {
  type CandidateComponent,
  type CandidateType,
  candidatePriority,
  type HostCandidateOptions,
  hostCandidate,
  type IceCandidate,
  type LocalCandidate,
  maxLocalPreference,
} from './candidate.ts'
export type { CandidatePairState, CandidatePairView, CheckFailure, SelectedPair } from './candidate-pair.ts'
export { maxUnauthenticatedAnswersPerSecond } from './check-server.ts'
export { defaultMaxPairs } from './checklist.ts'
export { IceError, type IceErrorCode } from './errors.ts'
export type { IceEvent } from './events.ts'
export { maxEarlyChecks, maxRemoteCandidates } from './ice-session.ts'
export type { IceState } from './ice-state.ts'
export { createIceParameters, type IceParameters, type IceRole } from './parameters.ts'
export type { IceDrop, IceReceived } from './received.ts'
export { maxRoleSwitches } from './role.ts'
export type { StunAttributes, StunErrorCode } from './stun/attributes.ts'
export { longTermKey, shortTermKey } from './stun/integrity.ts'
export {
  decodeMessage,
  type EncodeOptions,
  encodeMessage,
  isAuthentic,
  type ReceivedStunMessage,
  type StunClass,
  type StunMessage,
  stunMethod,
} from './stun/message.ts'
export { defaultIceTiming, type IceTiming } from './timing.ts'
