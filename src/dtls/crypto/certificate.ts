import { ByteReader, equalBytes } from '../../base/bytes.ts'
import { MalformedError } from '../../base/errors.ts'
import { DtlsError } from '../errors.ts'
import { DerTag, Oid, readDer, skipDer } from './der.ts'
import type { PublicKey } from './provider.ts'
import { SignatureSchemes, verifiedSchemes } from './signature-schemes.ts'

/**
 * The public key of an X.509 certificate.
 *
 * Nothing else in the certificate is looked at: it is self-signed, and what vouches for it is its fingerprint.
 *
 * @param certificate DER
 * @throws {DtlsError} `bad-certificate` if it cannot be read, `unsupported-certificate` if its key is of no use
 */
export function certificatePublicKey(certificate: Uint8Array): PublicKey {
  try {
    return readPublicKey(subjectPublicKeyInfo(certificate))
  } catch (error) {
    if (error instanceof MalformedError) throw new DtlsError('bad-certificate', error.message)
    throw error
  }
}

/** RFC 5280 §4.1: the way through TBSCertificate to the subjectPublicKeyInfo, which is returned with its header. */
function subjectPublicKeyInfo(certificate: Uint8Array): Uint8Array {
  const content = readDer(new ByteReader(certificate), DerTag.sequence, 'certificate')
  const tbsContent = readDer(new ByteReader(content), DerTag.sequence, 'tbsCertificate')
  const tbs = new ByteReader(tbsContent)
  if (tbsContent[0] === DerTag.context0) skipDer(tbs, 'version')
  for (const field of ['serialNumber', 'signature', 'issuer', 'validity', 'subject']) skipDer(tbs, field)
  const rest = tbs.rest()
  const reader = new ByteReader(rest)
  skipDer(reader, 'subjectPublicKeyInfo')
  return rest.subarray(0, reader.offset)
}

/**
 * What the signature on a certificate is made with: an object identifier and its parameters, DER.
 *
 * @throws {MalformedError} if it cannot be read
 */
export function signatureAlgorithm(certificate: Uint8Array): Uint8Array {
  const content = new ByteReader(readDer(new ByteReader(certificate), DerTag.sequence, 'certificate'))
  // RFC 5280 §4.1: behind what is signed.
  skipDer(content, 'tbsCertificate')
  return readDer(content, DerTag.sequence, 'signatureAlgorithm')
}

/**
 * The code points that a peer may list who takes the signature on this certificate; none where there is no code point.
 *
 * @param certificate DER
 */
export function certificateSignatureSchemes(certificate: Uint8Array): readonly number[] {
  try {
    const algorithm = new ByteReader(signatureAlgorithm(certificate))
    const oid = readDer(algorithm, DerTag.objectIdentifier, 'algorithm')
    return signatureSchemesByOid.find(([each]) => equalBytes(each, oid))?.[1] ?? []
  } catch (error) {
    if (error instanceof MalformedError) return []
    throw error
  }
}

/** RFC 8446 §4.2.3: what the code points mean in certificates. Which hash PSS is used with is not looked at. */
const signatureSchemesByOid: readonly (readonly [Uint8Array, readonly number[]])[] = [
  [Oid.ecdsaWithSha256, [SignatureSchemes.ecdsaP256Sha256.id]],
  [Oid.ecdsaWithSha384, [SignatureSchemes.ecdsaP384Sha384.id]],
  [Oid.ed25519, [SignatureSchemes.ed25519.id]],
  [Oid.sha256WithRsa, [SignatureSchemes.rsaPkcs1Sha256.id]],
  [Oid.sha384WithRsa, [SignatureSchemes.rsaPkcs1Sha384.id]],
  [Oid.sha512WithRsa, [SignatureSchemes.rsaPkcs1Sha512.id]],
  [Oid.rsassaPss, verifiedSchemes.filter(({ algorithm }) => algorithm.startsWith('rsa-pss')).map(({ id }) => id)],
]

function readPublicKey(spki: Uint8Array): PublicKey {
  const info = new ByteReader(readDer(new ByteReader(spki), DerTag.sequence, 'subjectPublicKeyInfo'))
  const algorithm = new ByteReader(readDer(info, DerTag.sequence, 'algorithm'))
  const oid = readDer(algorithm, DerTag.objectIdentifier, 'algorithm')
  const key = readDer(info, DerTag.bitString, 'subjectPublicKey')
  if (equalBytes(oid, Oid.rsaEncryption)) return { kind: 'rsa', spki: new Uint8Array(spki) }
  if (equalBytes(oid, Oid.rsassaPss)) return { kind: 'rsa-pss', spki: new Uint8Array(spki) }
  // RFC 8410 §4: the 32 bytes of the public key, behind the count of unused bits.
  if (equalBytes(oid, Oid.ed25519) && key.length === 33)
    return { kind: 'ed25519', point: new Uint8Array(key.subarray(1)) }
  if (!equalBytes(oid, Oid.ecPublicKey)) throw unsupported()
  const curve = readDer(algorithm, DerTag.objectIdentifier, 'namedCurve')
  // RFC 8422 §5.4.1: the uncompressed form is the only one. The bit string counts its unused bits first.
  const point = new Uint8Array(key.subarray(1))
  if (equalBytes(curve, Oid.secp256r1) && isUncompressed(point, 32)) return { kind: 'ec', curve: 'P-256', point }
  if (equalBytes(curve, Oid.secp384r1) && isUncompressed(point, 48)) return { kind: 'ec', curve: 'P-384', point }
  throw unsupported()
}

function isUncompressed(point: Uint8Array, coordinateLength: number): boolean {
  return point.length === 1 + 2 * coordinateLength && point[0] === 4
}

function unsupported(): DtlsError {
  return new DtlsError(
    'unsupported-certificate',
    'the key of the certificate is neither RSA nor Ed25519 nor on P-256 or P-384',
  )
}
