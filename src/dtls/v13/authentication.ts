import { concatBytes } from '../../base/bytes.ts'
import { type SelectedIdentity, selectIdentity } from '../certificate-selection.ts'
import { certificatePublicKey } from '../crypto/certificate.ts'
import type { PublicKey, SignatureScheme } from '../crypto/provider.ts'
import { fitsKey, verifiedSchemes } from '../crypto/signature-schemes.ts'
import { DtlsError } from '../errors.ts'
import { decodeCodePoints, type Extensions, ExtensionType } from '../extensions.ts'
import { checkFingerprint } from '../fingerprint.ts'
import type { HandshakeConfig } from '../handshake-config.ts'
import { decodeCertificateVerify, encodeCertificateVerify } from '../v12/messages.ts'
import { decodeCertificate } from './messages.ts'

/** A peer's certificates, of which the first has a signalled fingerprint. Whether it has the key is still to be proved. */
export interface PeerCertificate {
  readonly chain: readonly Uint8Array[]
  readonly publicKey: PublicKey
}

/**
 * What CertificateVerify may be signed with.
 *
 * RFC 8446 §4.2.3: RSASSA-PKCS1-v1_5 is for signatures in certificates alone.
 */
export const verifiedSchemes13: readonly SignatureScheme[] = verifiedSchemes.filter(
  ({ algorithm }) => algorithm !== 'rsa-pkcs1',
)

/**
 * @param body of a Certificate message
 * @throws {DtlsError} `missing-certificate`, `fingerprint-mismatch`, `bad-certificate`, `unsupported-certificate`
 */
export function acceptCertificate13(body: Uint8Array, config: HandshakeConfig): PeerCertificate {
  const { context, chain } = decodeCertificate(body)
  const [own] = chain
  // RFC 8446 §4.4.2: empty from a server, and in answer to a request that had none.
  if (context.length > 0) throw new DtlsError('illegal-parameter', 'the peer answers another certificate request')
  if (own === undefined) throw new DtlsError('missing-certificate', 'the peer shows no certificate')
  checkFingerprint(own, config.fingerprints, config.crypto)
  return { chain, publicKey: certificatePublicKey(own) }
}

/** The certificate to show to a peer that sent these extensions; undefined if none fits. */
export function selectIdentity13(extensions: Extensions, config: HandshakeConfig): SelectedIdentity | undefined {
  const data = extensions.get(ExtensionType.signatureAlgorithms)
  // RFC 8446 §4.2.3: whoever wants a certificate must say which signatures it takes.
  if (data === undefined) throw new DtlsError('missing-extension', 'the peer does not say which signatures it takes')
  const offered = decodeCodePoints(data, 'signature_algorithms')
  const ours = verifiedSchemes13.map(({ id }) => id).filter(id => offered.includes(id))
  const forCertificates = extensions.get(ExtensionType.signatureAlgorithmsCert)
  const certificateSchemes =
    forCertificates === undefined ? undefined : decodeCodePoints(forCertificates, 'signature_algorithms_cert')
  return selectIdentity(config.identities, ours, certificateSchemes)
}

/** RFC 8446 §4.4.3: CertificateVerify, over the hash of all messages before it. */
export function signTranscript(
  { identity, scheme }: SelectedIdentity,
  role: 'client' | 'server',
  transcriptHash: Uint8Array,
): Uint8Array {
  const signature = identity.key.sign(scheme, signedContent(role, transcriptHash))
  return encodeCertificateVerify({ scheme: scheme.id, signature })
}

/**
 * Checks a CertificateVerify.
 *
 * @param role the signer's
 * @throws {DtlsError} `illegal-parameter` for an algorithm that we did not offer, `bad-signature`
 */
export function verifyTranscript(
  body: Uint8Array,
  key: PublicKey,
  role: 'client' | 'server',
  transcriptHash: Uint8Array,
  { crypto }: HandshakeConfig,
): void {
  const signed = decodeCertificateVerify(body)
  const scheme = verifiedSchemes13.find(({ id }) => id === signed.scheme)
  if (scheme === undefined || !fitsKey13(scheme, key)) {
    throw new DtlsError('illegal-parameter', `signature algorithm ${signed.scheme.toString(16)} was not offered`)
  }
  if (!crypto.verify(scheme, key, signedContent(role, transcriptHash), signed.signature)) {
    throw new DtlsError('bad-signature', 'the peer does not have the key of its certificate')
  }
}

/** RFC 8446 §4.2.3: in TLS 1.3 an ECDSA scheme names the curve, too. */
function fitsKey13(scheme: SignatureScheme, key: PublicKey): boolean {
  return fitsKey(scheme, key) && (key.kind !== 'ec' || key.curve === scheme.curve)
}

/** RFC 8446 §4.4.3: 64 spaces, who signs, a zero byte, and the hash. */
function signedContent(role: 'client' | 'server', transcriptHash: Uint8Array): Uint8Array {
  const label = new TextEncoder().encode(`${' '.repeat(64)}TLS 1.3, ${role} CertificateVerify\0`)
  return concatBytes(label, transcriptHash)
}
