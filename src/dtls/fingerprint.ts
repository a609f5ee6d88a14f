import { constantTimeEqual } from '../base/bytes.ts'
import type { CryptoProvider, HashName } from './crypto/provider.ts'
import { DtlsError } from './errors.ts'

/** A certificate's hash as SDP carries it: `sha-256` and `AB:CD:...`, both in any case. */
export interface Fingerprint {
  readonly algorithm: string
  readonly value: string
}

/** RFC 8122 §5: the hash functions, most preferred first; MD5 and MD2 must not be used. SHA-1 is only ever verified. */
const hashFunctions: readonly (readonly [string, HashName])[] = [
  ['sha-512', 'sha512'],
  ['sha-384', 'sha384'],
  ['sha-256', 'sha256'],
  ['sha-224', 'sha224'],
  ['sha-1', 'sha1'],
]

/**
 * Checks a certificate against the fingerprints that were signalled for it.
 *
 * @param certificate DER
 * @throws {DtlsError} `fingerprint-mismatch`
 */
export function checkFingerprint(
  certificate: Uint8Array,
  fingerprints: readonly Fingerprint[],
  crypto: CryptoProvider,
): void {
  for (const [name, hash] of hashFunctions) {
    const candidates = fingerprints.filter(({ algorithm }) => algorithm.toLowerCase() === name)
    if (candidates.length === 0) continue
    // RFC 8122 §5.1: of the hash functions that the peer offers, the most preferred one decides alone.
    const actual = crypto.hash(hash, certificate)
    let matches = false
    for (const { value } of candidates) if (constantTimeEqual(parseValue(value), actual)) matches = true
    if (matches) return
    break
  }
  throw new DtlsError('fingerprint-mismatch', 'the certificate of the peer matches no signalled fingerprint')
}

/** The bytes of `AB:CD:...`; none if it is anything else, which no hash is equal to. */
function parseValue(value: string): Uint8Array {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2})*$/i.test(value)) return new Uint8Array()
  return Uint8Array.from(value.split(':'), byte => Number.parseInt(byte, 16))
}
