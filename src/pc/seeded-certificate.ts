import { createECDH, createHash, createPrivateKey, createPublicKey, hkdfSync, type KeyObject } from 'node:crypto'
import { makeCertificate, type RTCCertificate } from './rtc-certificate.ts'
import { selfSignedCertificate } from './self-signed.ts'

/** A seed must hold as much entropy as the key that comes from it. */
const minimumSeedLength = 32
/** RFC 5280 §4.1.2.5: for certificates without a well-defined end; 9999-12-31T23:59:59Z. */
const noExpiry = 253_402_300_799_000
/** The same always, or the certificate would not be: 2020-01-02T00:00:00Z, less the day that all are backdated. */
const validFrom = 1_577_923_200_000

const salt = Buffer.from('icefloe certificate from seed')
/** FIPS 186-5 appendix A.2.1: 64 bits more than the order of P-256 has, so that the remainder is unbiased. */
const scalarBytes = 40

export interface SeededCertificateOptions {
  /** Milliseconds since 1970; by default the certificate never expires. Another value makes another certificate. */
  readonly expires?: number
}

/**
 * The certificate that belongs to a seed: the same, byte for byte, in every process, so that an end keeps its fingerprint
 * without storing anything but the seed.
 *
 * ECDSA on P-256; key and serial number are derived with HKDF-SHA-256, the signature follows RFC 6979. The seed is the
 * private key: keep it as such. It is neither kept nor shown here.
 *
 * @param seed at least 32 bytes from a cryptographically secure source
 * @throws {TypeError | RangeError} for anything else
 */
export async function certificateFromSeed(
  seed: Uint8Array,
  { expires = noExpiry }: SeededCertificateOptions = {},
): Promise<RTCCertificate> {
  if (!(seed instanceof Uint8Array)) throw new TypeError('certificateFromSeed: the seed is no Uint8Array')
  if (seed.length < minimumSeedLength) throw new RangeError('certificateFromSeed: a seed has at least 32 bytes')
  if (!(Number.isSafeInteger(expires) && expires > validFrom && expires <= noExpiry)) {
    throw new RangeError('certificateFromSeed: expires is no time after 2020 that a certificate can tell')
  }
  // Taken before waiting: the caller may overwrite the seed at once.
  const secretKey = deriveScalar(seed)
  const serialNumber = derive(seed, 'serial number', 16)
  const key = p256Key(secretKey)
  // Loaded only here: the curves take longer to load than everything else.
  const { p256 } = await import('@noble/curves/nist.js')
  const certificate = selfSignedCertificate({
    spki: createPublicKey(key).export({ format: 'der', type: 'spki' }),
    serialNumber,
    now: validFrom,
    expires,
    // RFC 6979 §3.2: the nonce is a function of key and message. Whole seconds, as certificates tell them.
    sign: toBeSigned => {
      const digest = createHash('sha256').update(toBeSigned).digest()
      return p256.sign(digest, secretKey, { prehash: false, lowS: false, format: 'der' })
    },
  })
  secretKey.fill(0)
  return makeCertificate([certificate], key.export({ format: 'der', type: 'pkcs8' }), expires)
}

/** FIPS 186-5 appendix A.2.1: a number from 1 to the order less one. */
function deriveScalar(seed: Uint8Array): Uint8Array {
  const order = 0xffffffff_00000000_ffffffff_ffffffff_bce6faad_a7179e84_f3b9cac2_fc632551n
  const wide = BigInt(`0x${derive(seed, 'P-256 private key', scalarBytes).toString('hex')}`)
  const scalar = (wide % (order - 1n)) + 1n
  return Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex')
}

function derive(seed: Uint8Array, info: string, length: number): Buffer {
  return Buffer.from(hkdfSync('sha256', seed, salt, info, length))
}

function p256Key(secretKey: Uint8Array): KeyObject {
  const ecdh = createECDH('prime256v1')
  ecdh.setPrivateKey(secretKey)
  const point = ecdh.getPublicKey()
  const [d, x, y] = [Buffer.from(secretKey), point.subarray(1, 33), point.subarray(33)].map(each =>
    each.toString('base64url'),
  ) as [string, string, string]
  return createPrivateKey({ format: 'jwk', key: { kty: 'EC', crv: 'P-256', d, x, y } })
}
