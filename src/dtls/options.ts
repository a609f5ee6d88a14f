import type { RandomSource } from '../base/environment.ts'
import type { ApplicationProtocols } from './application-protocol.ts'
import type { DtlsIdentity } from './certificate-selection.ts'
import { type ConnectionIdOptions, checkConnectionIdOptions } from './connection-id.ts'
import type { CryptoProvider, KeyExchangeName } from './crypto/provider.ts'
import { DtlsError } from './errors.ts'
import type { Fingerprint } from './fingerprint.ts'
import type { HandshakeConfig } from './handshake-config.ts'
import { Version } from './hello.ts'
import { guardedKeyLog, type KeyLog } from './key-log.ts'

/** Versions of DTLS that are spoken. */
export type DtlsVersion = '1.2' | '1.3'

export interface DtlsOptions {
  /** RFC 5763 §5: `a=setup:active` is the client. */
  readonly role: 'client' | 'server'
  /** Our certificates, most preferred first. */
  readonly identities: readonly DtlsIdentity[]
  /** Those signalled for the peer: its certificate must match one. */
  readonly fingerprints: readonly Fingerprint[]
  readonly crypto: CryptoProvider
  readonly random: RandomSource
  /** SRTP protection profiles to offer or accept, most preferred first; none: use_srtp is not sent. */
  readonly srtpProfiles?: readonly number[]
  /** Whether the peer is known to receive at its address, as after ICE: a server then asks for no cookie. */
  readonly peerAddressValidated: boolean
  /** The largest datagram of the handshake, in bytes. */
  readonly mtu?: number
  /** The first retransmission timer. RFC 9147 §5.8.2: 1.5 round trips, where they were measured. */
  readonly initialRtoMs?: number
  /** Is given the secrets of the connection, for programs that decrypt recorded traffic. Absent unless asked for. */
  readonly keyLog?: KeyLog | undefined
  /** The lowest version to be negotiated: 1.2 unless given. */
  readonly minVersion?: DtlsVersion
  /** The highest version to be negotiated: 1.3 unless given. Some middleboxes stop what they do not know. */
  readonly maxVersion?: DtlsVersion
  /**
   * The key exchanges to offer and accept, most preferred first; all of them unless given.
   *
   * RFC 8422 §5.1.1: in DTLS 1.2 a client's list is that of curves of ECDSA certificates, too. Without `secp256r1`, some
   * peers find that neither side may show such a certificate on P-256.
   */
  readonly groups?: readonly KeyExchangeName[]
  /** RFC 7301: what is spoken inside. Absent: nothing is said of it. */
  readonly protocols?: ApplicationProtocols
  /** RFC 9146, RFC 9147 §9: connection IDs are offered and accepted. Absent: they are not. */
  readonly connectionId?: ConnectionIdOptions
  /** A key of DTLS 1.3 is replaced after so many records; well below the limit of every cipher suite unless given. */
  readonly keyUpdateAfter?: number
}

export type DtlsState = 'new' | 'connecting' | 'connected' | 'closed' | 'failed'

export type DtlsEvent =
  /** The peer is authenticated; `seal`, `session` and `exportKeyingMaterial` are there. */
  | { readonly type: 'connected' }
  /** `data` is the receiver's to keep. */
  | { readonly type: 'data'; readonly data: Uint8Array }
  /** The peer has closed the connection. */
  | { readonly type: 'closed' }
  | { readonly type: 'failed'; readonly error: DtlsError }
  /** `keyLog` has thrown this, and is not called any more; the connection goes on. */
  | { readonly type: 'key-log-failed'; readonly error: unknown }

export const defaultMtu = 1200
/** Not even the smallest useful datagram is smaller than this. */
const minimumMtu = 256
export const defaultInitialRtoMs = 100

/** All there are, most preferred first. */
export const keyExchangeNames: readonly KeyExchangeName[] = ['x25519mlkem768', 'x25519', 'secp256r1', 'secp384r1']
/** RFC 9147 §4.5.3: keys are updated before the limit of the AEAD, which is 2^24.5 records. */
const defaultKeyUpdateAfter: number = 2 ** 23
const wireVersions: Readonly<Record<DtlsVersion, number>> = { '1.2': Version.dtls12, '1.3': Version.dtls13 }

/**
 * The options with their defaults.
 *
 * @param keyLogFailed is told what `keyLog` throws
 * @throws {DtlsError} `unsupported-version` if `minVersion` is above `maxVersion`
 * @throws {RangeError} if `connectionId` has an impossible length
 */
export function toConfig(options: DtlsOptions, keyLogFailed: (error: unknown) => void): HandshakeConfig {
  const { minVersion = '1.2', maxVersion = '1.3' } = options
  if (minVersion > maxVersion) {
    throw new DtlsError('unsupported-version', `no version is at least ${minVersion} and at most ${maxVersion}`)
  }
  return {
    role: options.role,
    identities: options.identities,
    fingerprints: options.fingerprints,
    crypto: options.crypto,
    random: options.random,
    srtpProfiles: options.srtpProfiles ?? [],
    peerAddressValidated: options.peerAddressValidated,
    mtu: Math.max(minimumMtu, options.mtu ?? defaultMtu),
    initialRtoMs: options.initialRtoMs ?? defaultInitialRtoMs,
    keyLog: options.keyLog === undefined ? undefined : guardedKeyLog(options.keyLog, keyLogFailed),
    minVersion: wireVersions[minVersion],
    maxVersion: wireVersions[maxVersion],
    groups: options.groups ?? keyExchangeNames,
    protocols: options.protocols ?? { names: [], required: false },
    connectionId: makeConnectionId(options),
    keyUpdateAfter: options.keyUpdateAfter ?? defaultKeyUpdateAfter,
  }
}

function makeConnectionId({ connectionId, random }: DtlsOptions): Uint8Array | undefined {
  if (connectionId === undefined) return undefined
  checkConnectionIdOptions(connectionId)
  return connectionId.length === 0 ? new Uint8Array() : random(connectionId.length)
}
