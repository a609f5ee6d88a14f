import { authenticationBy, type CipherSuite, cipherSuites12 } from './cipher-suites.ts'
import { certificateSignatureSchemes } from './crypto/certificate.ts'
import type { SignatureScheme, SigningKey } from './crypto/provider.ts'
import { curveGroups } from './groups.ts'

/** One of our certificates. */
export interface DtlsIdentity {
  /** DER certificates, that of the key first. */
  readonly chain: readonly Uint8Array[]
  /** The private key of the first certificate, from `CryptoProvider.importSigningKey`. */
  readonly key: SigningKey
}

export interface SelectedIdentity {
  readonly identity: DtlsIdentity
  readonly scheme: SignatureScheme
}

/**
 * The first identity that can sign with something that the peer verifies.
 *
 * @param peerSchemes signature_algorithms, of the version in question
 * @param certificateSchemes signature_algorithms_cert, if the peer sent it
 */
export function selectIdentity(
  identities: readonly DtlsIdentity[],
  peerSchemes: readonly number[],
  certificateSchemes?: readonly number[],
): SelectedIdentity | undefined {
  for (const identity of byCertificate(identities, certificateSchemes)) {
    const scheme = identity.key.schemes.find(({ id }) => peerSchemes.includes(id))
    if (scheme !== undefined) return { identity, scheme }
  }
  return undefined
}

/** What a client says in its ClientHello of TLS 1.2; what is undefined, it did not say. */
export interface ClientOffer12 {
  readonly suites: readonly number[]
  readonly schemes: readonly number[]
  readonly certificateSchemes?: readonly number[] | undefined
  /** supported_groups */
  readonly groups?: readonly number[] | undefined
}

/**
 * An identity that the client takes, with a suite of TLS 1.2 that fits it: the order of the identities decides, then ours
 * of suites.
 *
 * RFC 5246 §7.4.2: the key of the server's certificate must fit the key exchange of the suite.
 */
export function selectSuite12(
  identities: readonly DtlsIdentity[],
  { suites, schemes, certificateSchemes, groups }: ClientOffer12,
): (SelectedIdentity & { readonly suite: CipherSuite }) | undefined {
  for (const identity of byCertificate(identities, certificateSchemes)) {
    const { kind, curve } = identity.key
    // RFC 8422 §5.1.1: the curves that a client lists are those of certificates, too.
    if (curve !== undefined && groups !== undefined && !groups.includes(curveGroups[curve])) continue
    const authentication = authenticationBy(kind)
    const suite = cipherSuites12.find(each => each.authentication === authentication && suites.includes(each.id))
    const scheme = identity.key.schemes.find(({ id }) => schemes.includes(id))
    if (suite !== undefined && scheme !== undefined) return { identity, scheme, suite }
  }
  return undefined
}

/**
 * First the identities whose certificate is signed with something that the peer lists, then the others.
 *
 * RFC 8446 §4.4.2.2: certificates must be signed with what the peer advertised, if there is such a one; else any may be
 * shown, and self-signed ones in any case. So where signature_algorithms alone was sent, which in TLS 1.3 need not have
 * PKCS #1, nothing is put behind another for the signature on it: peers know certificates by their fingerprints.
 */
function byCertificate(
  identities: readonly DtlsIdentity[],
  schemes: readonly number[] | undefined,
): readonly DtlsIdentity[] {
  if (identities.length < 2 || schemes === undefined) return identities
  const listed = ({ chain: [certificate] }: DtlsIdentity): boolean =>
    certificate !== undefined && certificateSignatureSchemes(certificate).some(scheme => schemes.includes(scheme))
  return [...identities.filter(listed), ...identities.filter(identity => !listed(identity))]
}
