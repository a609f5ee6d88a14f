import { createPrivateKey, type JsonWebKey, type KeyObject, X509Certificate } from 'node:crypto'
import { certificatePublicKey } from '../dtls/crypto/certificate.ts'
import { nodeCryptoProvider, type SignatureScheme, type SigningKey } from '../dtls/index.ts'
import { certificateSecrets, isCertificate, makeCertificate, type RTCCertificate, toDate } from './rtc-certificate.ts'

/** X.690 §8.9 */
const derSequence = 0x30
/** Shorter RSA keys are neither generated nor taken. */
const minModulusLength = 2048

/** A certificate and its private key, to be stored. Whoever reads the private key can pose as this end. */
export interface ExportedCertificate {
  /** PEM, the certificate of the key first. */
  readonly certificate: string
  /** PKCS #8 (RFC 5958), as PEM. */
  readonly privateKey: string
  /** Milliseconds since 1970. */
  readonly expires: number
}

/** What a certificate can be made of. */
export interface CertificateImport {
  /** PEM, one certificate or several, that of the key first, as text or bytes; or DER of one. */
  readonly certificate: string | Uint8Array
  /** PKCS #8 as PEM, text or bytes, or DER; or a JSON Web Key (RFC 7517). */
  readonly privateKey: string | Uint8Array | JsonWebKey
  /** Milliseconds since 1970; by default what the certificate says. */
  readonly expires?: number
}

/**
 * Certificate and private key as PEM, for storing them: `importCertificate` takes the result as it is.
 *
 * webrtc-pc §4.9.2 lets no application see the key; this is an addition of icefloe, where the application is the one that
 * keeps it.
 */
export function exportCertificate(certificate: RTCCertificate): ExportedCertificate {
  const { chain } = secretsOf(certificate)
  return {
    certificate: chain.map(der => pem('CERTIFICATE', der)).join(''),
    privateKey: privateKeyOf(certificate).export({ format: 'pem', type: 'pkcs8' }).toString(),
    expires: certificate.expires,
  }
}

/**
 * The private key as a JSON Web Key.
 *
 * @throws {DOMException} `NotSupportedError` for a key for RSA-PSS alone, which RFC 7518 has no type for
 */
export function exportPrivateKeyJwk(certificate: RTCCertificate): JsonWebKey {
  const key = privateKeyOf(certificate)
  if (key.asymmetricKeyType === 'rsa-pss') throw notSupported('RSA-PSS keys have no JWK')
  return key.export({ format: 'jwk' })
}

/**
 * A certificate from elsewhere, or from `exportCertificate`.
 *
 * Nothing of the key is in the errors.
 *
 * @throws {DOMException} `DataError` if something cannot be read, or the key is another's; `NotSupportedError` for keys that
 * DTLS cannot sign with
 */
export function importCertificate({ certificate, privateKey, expires }: CertificateImport): RTCCertificate {
  const chain = readChain(certificate)
  const [own] = chain
  if (own === undefined) throw dataError('there is no certificate')
  const key = readPrivateKey(privateKey)
  if (!own.checkPrivateKey(key)) throw otherKey()
  if ((key.asymmetricKeyDetails?.modulusLength ?? minModulusLength) < minModulusLength) {
    throw notSupported(`an RSA key has at least ${minModulusLength} bits`)
  }
  const pkcs8 = key.export({ format: 'der', type: 'pkcs8' })
  checkSignature(own.raw, pkcs8)
  const end = expires ?? fromText(own.validTo)
  if (!Number.isSafeInteger(end) || end < 0) throw new TypeError('importCertificate: expires is no time')
  return makeCertificate(
    chain.map(({ raw }) => new Uint8Array(raw)),
    pkcs8,
    end,
  )
}

/** Signs something: the parts of a JSON Web Key need not belong together, and OpenSSL compares the public ones alone. */
function checkSignature(certificate: Uint8Array, pkcs8: Uint8Array): void {
  const { signing, verifying, scheme } = usableKeys(certificate, pkcs8)
  const signed = Buffer.from('icefloe')
  if (!nodeCryptoProvider.verify(scheme, verifying, signed, trySign(signing, scheme, signed))) throw otherKey()
}

function usableKeys(certificate: Uint8Array, pkcs8: Uint8Array) {
  try {
    const signing = nodeCryptoProvider.importSigningKey(pkcs8)
    const [scheme] = signing.schemes
    if (scheme !== undefined) return { signing, verifying: certificatePublicKey(certificate), scheme }
  } catch {
    // Said below, without what it says of the key.
  }
  throw notSupported('DTLS cannot sign with a key of this kind')
}

/** Nothing if the key is broken. */
function trySign(key: SigningKey, scheme: SignatureScheme, data: Uint8Array): Uint8Array {
  try {
    return key.sign(scheme, data)
  } catch {
    return new Uint8Array()
  }
}

function secretsOf(certificate: RTCCertificate): ReturnType<typeof certificateSecrets> {
  if (!isCertificate(certificate)) throw new TypeError('not an RTCCertificate')
  return certificateSecrets(certificate)
}

function privateKeyOf(certificate: RTCCertificate): KeyObject {
  const { pkcs8 } = secretsOf(certificate)
  return createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' })
}

function readChain(certificate: string | Uint8Array): X509Certificate[] {
  const given = textOrDer(certificate)
  const blocks =
    typeof given === 'string'
      ? (given.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [])
      : [given]
  try {
    return blocks.map(block => new X509Certificate(block))
  } catch {
    throw dataError('a certificate cannot be read')
  }
}

/** A file that was read without an encoding is PEM in bytes. DER begins with the tag of a sequence. */
function textOrDer(given: string | Uint8Array): string | Uint8Array {
  const isText = given instanceof Uint8Array && given[0] !== derSequence
  return isText ? Buffer.from(given).toString('latin1') : given
}

function readPrivateKey(given: CertificateImport['privateKey']): KeyObject {
  try {
    const key = typeof given === 'string' || given instanceof Uint8Array ? textOrDer(given) : given
    if (typeof key === 'string') return createPrivateKey(key)
    if (key instanceof Uint8Array) return createPrivateKey({ key: Buffer.from(key), format: 'der', type: 'pkcs8' })
    return createPrivateKey({ key, format: 'jwk' })
  } catch {
    // Without the cause: what OpenSSL says about a private key is nobody's business.
    throw dataError('the private key cannot be read')
  }
}

/** @param time as certificates are printed: `Jan  2 00:00:00 2030 GMT` */
function fromText(time: string): number {
  return toDate(time).getTime()
}

function otherKey(): DOMException {
  return dataError('the private key is not that of the certificate')
}

function notSupported(message: string): DOMException {
  return new DOMException(message, 'NotSupportedError')
}

function dataError(message: string): DOMException {
  return new DOMException(message, 'DataError')
}

/** RFC 7468 §2: lines of 64 characters between the two labels. */
function pem(label: string, der: Uint8Array): string {
  const lines = Buffer.from(der)
    .toString('base64')
    .replace(/.{64}(?!$)/g, '$&\n')
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`
}
