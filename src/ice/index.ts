export { IceAgent, type IceAgentOptions } from './agent.ts'
export {
  activeTcpPort,
  type CandidateComponent,
  type CandidateType,
  forComponent,
  type HostCandidateOptions,
  hostCandidate,
  type IceCandidate,
  type LocalCandidate,
  mappedHostCandidate,
  relayCandidate,
  serverReflexiveCandidate,
  type TcpType,
  tcpHostCandidate,
} from './candidate.ts'
export { candidatePriority, localPreferences, maxLocalPreference, type RelayProtocol } from './candidate-priority.ts'
export { maxUnauthenticatedAnswersPerSecond } from './check-server.ts'
export { defaultMaxPairs, reservedForRelayed } from './checklist.ts'
export { maxEarlyChecks } from './early-checks.ts'
export { IceError, type IceErrorCode, StunError, type StunErrorKind } from './errors.ts'
export type { IceEvent } from './events.ts'
export { maxRemoteCandidates } from './ice-session.ts'
export type { IceState } from './ice-state.ts'
export { maxPairHistory, type PairHappening, type PairHistoryEntry } from './pair-history.ts'
export { explainPairs } from './pair-report.ts'
export type {
  CandidatePairState,
  CandidatePairView,
  CheckFailure,
  PairCounters,
  PairReference,
  SelectedPair,
} from './pair-view.ts'
export { createIceParameters, type IceParameters, type IceRole } from './parameters.ts'
export type { IceDrop, IceReceived } from './received.ts'
export { maxRoleSwitches } from './role.ts'
export { parseServerUrl, type ServerScheme, type ServerUrl } from './server-url.ts'
export {
  type AddressErrorCode,
  type ChangeRequest,
  type IcmpError,
  maxPasswordAlgorithms,
  type PasswordAlgorithm,
  type StunErrorCode,
} from './stun/attribute-codecs.ts'
export { maxRepeated, type StunAttributes } from './stun/attributes.ts'
export {
  BindingClient,
  type BindingClientOptions,
  type BindingDrop,
  type BindingEvent,
  type BindingReceived,
  type BindingTiming,
  defaultBindingTiming,
} from './stun/client.ts'
export {
  type CredentialCheck,
  LongTermCredentials,
  maxChallenges,
  maxRememberedRequests,
  type StunCredentials,
} from './stun/credentials.ts'
export type { StunClass } from './stun/header.ts'
export { longTermKey, type PasswordHash, shortTermKey, userHash } from './stun/integrity.ts'
export {
  decodeMessage,
  type EncodeOptions,
  encodeMessage,
  isAuthentic,
  type ReceivedStunMessage,
  type StunMessage,
  stunMethod,
} from './stun/message.ts'
export {
  type NatBehavior,
  NatBehaviorDiscovery,
  type NatBehaviorEvent,
  type NatBehaviorObstacle,
  type NatBehaviorOptions,
  type NatFiltering,
  type NatMapping,
  type NatSocket,
  type NatTransmit,
  natBehaviorTiming,
} from './stun/nat-behavior.ts'
export { nonceCookie, readNonceCookie, type SecurityFeatures } from './stun/nonce-cookie.ts'
export { opaqueString } from './stun/opaque-string.ts'
export { maxStreamMessage, StunStream } from './stun/stream.ts'
export { defaultIceTiming, type IceTiming, unhurriedIceTiming } from './timing.ts'
export {
  channelOf,
  channelPayload,
  encodeChannelData,
  firstChannel,
  isChannelData,
  lastChannel,
  maxChannelDataBytes,
} from './turn/channel-data.ts'
export { TurnClient, type TurnClientOptions, type TurnState } from './turn/client.ts'
export {
  ConnectionBind,
  type ConnectionBindEvent,
  type ConnectionBindOptions,
  type ConnectionBindState,
  maxBindResponseBytes,
} from './turn/connection-bind.ts'
export { maxConnects } from './turn/connects.ts'
export type { TurnEvent } from './turn/events.ts'
export { maxPeers, maxStrangers, maxWaitingPackets } from './turn/peers.ts'
export type { TurnDrop, TurnReceived } from './turn/received.ts'
export { maxRetries } from './turn/requests.ts'
export { defaultTurnTiming, type TurnTiming } from './turn/timing.ts'
