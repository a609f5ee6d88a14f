import type { Fragment } from './messages.ts'

/** What was negotiated, in the names that statistics use. */
export interface DtlsSession {
  /** The version on the wire as four hexadecimal digits: `FEFD` is DTLS 1.2, `FEFC` is DTLS 1.3. */
  readonly version: string
  /** The cipher suite's name in the IANA registry. */
  readonly cipherSuite: string
  /** The key exchange group. */
  readonly group: string
  /** The SRTP protection profile, by its number in the IANA registry; undefined without use_srtp. */
  readonly srtpProfile: number | undefined
}

/** The certificates that the ends have shown to each other, in DER, that of the key first. */
export interface Certificates {
  readonly local: readonly Uint8Array[]
  readonly remote: readonly Uint8Array[]
}

/** What a handshake leaves behind. */
export interface EstablishedSession {
  readonly session: DtlsSession
  /** The certificates that we showed, in DER, that of the key first; none if the peer took none. */
  readonly localCertificates: readonly Uint8Array[]
  /** The peer's certificates in DER, its own first. */
  readonly remoteCertificates: readonly Uint8Array[]
  /** RFC 5705 §4, RFC 8446 §7.5: keying material for another protocol. */
  exportKeyingMaterial(label: string, length: number, context?: Uint8Array): Uint8Array
  /** What a handshake message that comes afterwards, authenticated, asks for; where the handshake does not go on itself. */
  classify(fragment: Fragment): 'renegotiation' | 'repetition' | 'nothing'
  /** Overwrites the secrets. */
  wipe(): void
}
