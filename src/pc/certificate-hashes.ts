import { createHash } from 'node:crypto'
import { MalformedError } from '../base/errors.ts'
import { signatureAlgorithm } from '../dtls/crypto/certificate.ts'

/** Hash functions of fingerprints, by their names in the registry of RFC 8122 §5. Weaker ones are only ever verified. */
export type FingerprintHash = 'sha-256' | 'sha-384' | 'sha-512'

/** What identifies the hash function in a signatureAlgorithm: an object identifier, as the bytes of its content. */
const signatureHashes: readonly (readonly [oid: string, FingerprintHash])[] = [
  // RFC 5758 §3.2: ecdsa-with-SHA384 and ecdsa-with-SHA512
  ['2a8648ce3d040303', 'sha-384'],
  ['2a8648ce3d040304', 'sha-512'],
  // RFC 4055 §5: sha384WithRSAEncryption and sha512WithRSAEncryption
  ['2a864886f70d01010c', 'sha-384'],
  ['2a864886f70d01010d', 'sha-512'],
  // RFC 4055 §2.1: id-sha384 and id-sha512, among the parameters of RSASSA-PSS
  ['608648016503040202', 'sha-384'],
  ['608648016503040203', 'sha-512'],
]

/**
 * The hash functions that a certificate's fingerprint is told with.
 *
 * RFC 8122 §5.1: SHA-256, and the one in the signature on the certificate.
 *
 * @param certificate DER
 */
export function fingerprintHashes(certificate: Uint8Array): readonly FingerprintHash[] {
  const algorithm = Buffer.from(algorithmOf(certificate)).toString('hex')
  const found = signatureHashes.find(([oid]) => algorithm.includes(oid))
  return found === undefined ? ['sha-256'] : ['sha-256', found[1]]
}

/** RFC 8122 §5: two digits a byte, a colon between two bytes; in lower case. */
export function fingerprintValue(hash: FingerprintHash, certificate: Uint8Array): string {
  const digest = createHash(hash.replace('-', '')).update(certificate).digest('hex')
  return digest.replace(/..(?!$)/g, '$&:')
}

/** Nothing of a certificate that cannot be read. */
function algorithmOf(certificate: Uint8Array): Uint8Array {
  try {
    return signatureAlgorithm(certificate)
  } catch (error) {
    if (error instanceof MalformedError) return new Uint8Array()
    throw error
  }
}
