import type { RandomSource } from '../base/environment.ts'
import type { ApplicationProtocols } from './application-protocol.ts'
import type { DtlsIdentity } from './certificate-selection.ts'
import type { CryptoProvider, KeyExchangeName } from './crypto/provider.ts'
import type { Fingerprint } from './fingerprint.ts'
import type { KeyLog } from './key-log.ts'

/** Everything a handshake is given. */
export interface HandshakeConfig {
  readonly role: 'client' | 'server'
  readonly identities: readonly DtlsIdentity[]
  readonly fingerprints: readonly Fingerprint[]
  readonly crypto: CryptoProvider
  readonly random: RandomSource
  readonly srtpProfiles: readonly number[]
  readonly protocols: ApplicationProtocols
  readonly peerAddressValidated: boolean
  readonly mtu: number
  readonly initialRtoMs: number
  readonly keyLog: KeyLog | undefined
  /** The lowest and the highest version, as on the wire; see `Version`. */
  readonly minVersion: number
  readonly maxVersion: number
  /** The key exchanges that are offered and accepted, most preferred first. */
  readonly groups: readonly KeyExchangeName[]
  /** What the peer is to put on its records; of no bytes if nothing, undefined if connection IDs are not spoken of. */
  readonly connectionId: Uint8Array | undefined
  /** A key of DTLS 1.3 is replaced after so many records. */
  readonly keyUpdateAfter: number
}
