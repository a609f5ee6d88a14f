import type { RandomSource } from '../base/environment.ts'
import type { DtlsIdentity } from './certificate-selection.ts'
import type { CryptoProvider } from './crypto/provider.ts'
import type { DtlsError } from './errors.ts'
import type { Fingerprint } from './fingerprint.ts'
import type { HandshakeConfig } from './handshake.ts'

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

export const defaultMtu = 1200
/** Not even the smallest useful datagram is smaller than this. */
const minimumMtu = 256
export const defaultInitialRtoMs = 100

/** The options with their defaults. */
export function toConfig(options: DtlsOptions): HandshakeConfig {
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
  }
}
