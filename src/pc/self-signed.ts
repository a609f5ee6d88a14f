import { backdatedMs, toDate } from './rtc-certificate.ts'

/** X.690 §8: the tags of what is in a certificate. */
const tag = { integer: 0x02, bitString: 0x03, oid: 0x06, utf8String: 0x0c, sequence: 0x30, set: 0x31, explicit0: 0xa0 }
const utcTime = 0x17
const generalizedTime = 0x18

/** RFC 5758 §3.2: ecdsa-with-SHA256, 1.2.840.10045.4.3.2 */
const ecdsaWithSha256 = der(tag.sequence, der(tag.oid, bytes(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02)))
/** RFC 5280 §4.1.2.1: v3 */
const version3 = der(tag.explicit0, der(tag.integer, bytes(2)))
/** CN=WebRTC: nothing that can be linked to a user. RFC 5280 appendix A: id-at-commonName, 2.5.4.3 */
const commonName = der(tag.sequence, der(tag.oid, bytes(0x55, 0x04, 0x03)), der(tag.utf8String, Buffer.from('WebRTC')))
const name = der(tag.sequence, der(tag.set, commonName))

export interface SelfSigned {
  /** DER of the SubjectPublicKeyInfo of an EC key. */
  readonly spki: Uint8Array
  /** 16 bytes; made positive, and changed for that. */
  readonly serialNumber: Uint8Array
  /** Milliseconds since 1970: from one day before this. */
  readonly now: number
  readonly expires: number
  /** ECDSA with SHA-256, in DER. */
  sign(toBeSigned: Uint8Array): Uint8Array
}

/** A self-signed certificate in the one form that is written here, as DER. RFC 5280 §4.1 */
export function selfSignedCertificate({ spki, serialNumber, now, expires, sign }: SelfSigned): Uint8Array {
  // RFC 5280 §4.1.2.2: positive, at most 20 bytes
  serialNumber[0] = ((serialNumber[0] ?? 0) & 0x7f) | 0x40
  const toBeSigned = der(
    tag.sequence,
    version3,
    der(tag.integer, serialNumber),
    ecdsaWithSha256,
    name,
    der(tag.sequence, time(now - backdatedMs), time(expires)),
    name,
    spki,
  )
  return der(tag.sequence, toBeSigned, ecdsaWithSha256, der(tag.bitString, bytes(0), sign(toBeSigned)))
}

/** RFC 5280 §4.1.2.5: UTCTime through 2049, GeneralizedTime after. */
function time(wallTime: number): Uint8Array {
  const digits = toDate(wallTime).toISOString().replace(/[-:T]/g, '').slice(0, 14)
  const isUtc = Number(digits.slice(0, 4)) < 2050
  return der(isUtc ? utcTime : generalizedTime, Buffer.from(`${isUtc ? digits.slice(2) : digits}Z`))
}

/** X.690 §8.1: tag, length, contents; lengths up to 65535. */
function der(elementTag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(contents)
  const { length } = content
  if (length < 0x80) return Buffer.concat([bytes(elementTag, length), content])
  if (length < 0x100) return Buffer.concat([bytes(elementTag, 0x81, length), content])
  return Buffer.concat([bytes(elementTag, 0x82, length >> 8, length & 0xff), content])
}

function bytes(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values)
}
