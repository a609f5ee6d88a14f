export type { DtlsIdentity } from './certificate-selection.ts'
export { DtlsConnection } from './connection.ts'
export {
  type ConnectionIdOptions,
  maxConnectionIdLength,
  type NegotiatedConnectionIds,
  readConnectionId,
} from './connection-id.ts'
export { nodeCryptoProvider } from './crypto/node-provider.ts'
export type {
  CryptoProvider,
  Encapsulation,
  GroupName,
  HashName,
  KemKeys,
  KeyExchangeName,
  KeyShare,
  MlKem768,
  PublicKey,
  SignatureScheme,
  SigningKey,
} from './crypto/provider.ts'
export { Alert, type AlertDescription, DtlsError, type DtlsErrorCode } from './errors.ts'
export type { Fingerprint } from './fingerprint.ts'
export type { KeyLog } from './key-log.ts'
export type { DtlsEvent, DtlsOptions, DtlsState, DtlsVersion } from './options.ts'
export type { DtlsDrop, DtlsReceived } from './received.ts'
export type { DtlsSession } from './session.ts'
export type { ConnectionIdUpdate, ConnectionIdUsage } from './v13/connection-ids.ts'
