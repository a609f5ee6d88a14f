import type { ByteReader } from '../../base/bytes.ts'
import { MalformedError } from '../../base/errors.ts'

/** The tags of X.690 that keys and certificates need. */
export const DerTag = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  sequence: 0x30,
  /** [0], constructed */
  context0: 0xa0,
} as const

type OidName =
  | 'ecPublicKey'
  | 'secp256r1'
  | 'secp384r1'
  | 'rsaEncryption'
  | 'rsassaPss'
  | 'ed25519'
  | 'ecdsaWithSha256'
  | 'ecdsaWithSha384'
  | 'sha256WithRsa'
  | 'sha384WithRsa'
  | 'sha512WithRsa'

/** Object identifiers, as the bytes of their content. */
export const Oid: Readonly<Record<OidName, Uint8Array>> = {
  /** RFC 5480 §2.1.1: id-ecPublicKey, 1.2.840.10045.2.1 */
  ecPublicKey: Uint8Array.of(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01),
  /** RFC 5480 §2.1.1.1: secp256r1, 1.2.840.10045.3.1.7 */
  secp256r1: Uint8Array.of(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07),
  /** RFC 5480 §2.1.1.1: secp384r1, 1.3.132.0.34 */
  secp384r1: Uint8Array.of(0x2b, 0x81, 0x04, 0x00, 0x22),
  /** RFC 3279 §2.3.1: rsaEncryption, 1.2.840.113549.1.1.1 */
  rsaEncryption: Uint8Array.of(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01),
  /** RFC 4055 §3.1: id-RSASSA-PSS, 1.2.840.113549.1.1.10 */
  rsassaPss: Uint8Array.of(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a),
  /** RFC 8410 §3: id-Ed25519, 1.3.101.112 */
  ed25519: Uint8Array.of(0x2b, 0x65, 0x70),
  /** RFC 5758 §3.2: ecdsa-with-SHA256, 1.2.840.10045.4.3.2 */
  ecdsaWithSha256: Uint8Array.of(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02),
  /** RFC 5758 §3.2: ecdsa-with-SHA384, 1.2.840.10045.4.3.3 */
  ecdsaWithSha384: Uint8Array.of(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03),
  /** RFC 4055 §5: sha256WithRSAEncryption, 1.2.840.113549.1.1.11 */
  sha256WithRsa: Uint8Array.of(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b),
  /** RFC 4055 §5: sha384WithRSAEncryption, 1.2.840.113549.1.1.12 */
  sha384WithRsa: Uint8Array.of(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c),
  /** RFC 4055 §5: sha512WithRSAEncryption, 1.2.840.113549.1.1.13 */
  sha512WithRsa: Uint8Array.of(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d),
}

/**
 * The content of the next element, as a view.
 *
 * @throws {MalformedError} if it has another tag, or does not fit
 */
export function readDer(reader: ByteReader, tag: number, field: string): Uint8Array {
  const found = reader.uint8(field)
  if (found !== tag) throw new MalformedError(`${field}: tag ${found} instead of ${tag}`)
  return reader.bytes(readLength(reader, field), field)
}

/** Reads past the next element, whatever it is. */
export function skipDer(reader: ByteReader, field: string): void {
  reader.skip(1, field)
  reader.skip(readLength(reader, field), field)
}

/** X.690 §8.1.3, definite form; DER allows no other. */
function readLength(reader: ByteReader, field: string): number {
  const first = reader.uint8(field)
  if (first < 0x80) return first
  switch (first) {
    case 0x81:
      return reader.uint8(field)
    case 0x82:
      return reader.uint16(field)
    case 0x83:
      return reader.uint24(field)
    default:
      throw new MalformedError(`${field}: a length of this form is not taken`)
  }
}
