import { ByteReader, equalBytes } from '../../base/bytes.ts'
import { MalformedError } from '../../base/errors.ts'
import { DtlsError } from '../errors.ts'
import { DerTag, Oid, readDer, skipDer } from './der.ts'
import type { PublicKey } from './provider.ts'

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

function readPublicKey(spki: Uint8Array): PublicKey {
  const info = new ByteReader(readDer(new ByteReader(spki), DerTag.sequence, 'subjectPublicKeyInfo'))
  const algorithm = new ByteReader(readDer(info, DerTag.sequence, 'algorithm'))
  const oid = readDer(algorithm, DerTag.objectIdentifier, 'algorithm')
  const key = readDer(info, DerTag.bitString, 'subjectPublicKey')
  if (equalBytes(oid, Oid.rsaEncryption)) return { kind: 'rsa', spki: new Uint8Array(spki) }
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
  return new DtlsError('unsupported-certificate', 'the key of the certificate is neither RSA nor on P-256 or P-384')
}
