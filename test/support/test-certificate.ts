import {
  createECDH,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto'
import { p256 } from '@noble/curves/nist.js'
import { prng } from './prng.ts'

/** A self-signed certificate, with its private key. */
export interface TestCertificate {
  /** DER */
  readonly certificate: Uint8Array
  /** The certificate alone. */
  readonly chain: readonly Uint8Array[]
  /** DER */
  readonly pkcs8: Uint8Array
  readonly key: KeyObject
  /** As SDP writes it. */
  fingerprint(algorithm?: string): { algorithm: string; value: string }
  /** Certificate and key as PEM, for other programs. */
  pem(): { certificate: string; key: string }
}

export interface TestCertificateOptions {
  readonly commonName?: string
  readonly notBefore?: Date
  readonly notAfter?: Date
  /** 32 bytes: key and signature are then always the same. ECDSA only. */
  readonly privateKey?: Uint8Array
  /** ECDSA only. */
  readonly curve?: 'P-256' | 'P-384' | 'P-521'
  /** Of the signature on the certificate; SHA-256 unless given. */
  readonly hash?: SignatureHash
}

export type SignatureHash = 'sha256' | 'sha384' | 'sha512'

/** The last arcs of ecdsa-with-SHA2 (RFC 5758), of RSA with SHA-2 and of SHA-2 itself (RFC 4055); lengths in bytes. */
const hashes = {
  sha256: { ecdsa: 2, rsa: 11, id: 1, length: 32 },
  sha384: { ecdsa: 3, rsa: 12, id: 2, length: 48 },
  sha512: { ecdsa: 4, rsa: 13, id: 3, length: 64 },
} as const

/** A certificate that is the same, byte for byte, for the same seed. */
export function testCertificate(seed: number): TestCertificate {
  return ecdsaCertificate({ commonName: `icefloe test ${seed}`, privateKey: prng(seed).bytes(32) })
}

/** A self-signed ECDSA certificate, on P-256 unless asked otherwise. */
export function ecdsaCertificate(options: TestCertificateOptions = {}): TestCertificate {
  const { privateKey, curve = 'P-256', hash = 'sha256' } = options
  const key =
    privateKey === undefined ? generateKeyPairSync('ec', { namedCurve: curve }).privateKey : fixedKey(privateKey)
  const algorithm = sequence(oid([1, 2, 840, 10045, 4, 3, hashes[hash].ecdsa]))
  const signer = (data: Uint8Array): Uint8Array =>
    privateKey === undefined
      ? sign(hash, data, key)
      : p256.sign(sha256(data), privateKey, { prehash: false, lowS: false, format: 'der' })
  return selfSigned(key, algorithm, signer, options)
}

/** A self-signed certificate with an RSA key. */
export function rsaCertificate(options: TestCertificateOptions & { modulusLength?: number } = {}): TestCertificate {
  const { modulusLength = 2048, hash = 'sha256' } = options
  const key = generateKeyPairSync('rsa', { modulusLength }).privateKey
  const algorithm = sequence(oid([1, 2, 840, 113549, 1, 1, hashes[hash].rsa]), der(0x05))
  return selfSigned(key, algorithm, data => sign(hash, data, key), options)
}

/** A self-signed certificate with a key for RSA-PSS alone; the key prescribes the hash. */
export function rsaPssCertificate(options: TestCertificateOptions = {}): TestCertificate {
  const { hash = 'sha256' } = options
  const { id, length } = hashes[hash]
  const key = generateKeyPairSync('rsa-pss', {
    modulusLength: 2048,
    hashAlgorithm: hash,
    mgf1HashAlgorithm: hash,
  }).privateKey
  const hashFunction = sequence(oid([2, 16, 840, 1, 101, 3, 4, 2, id]))
  const mgf1 = sequence(oid([1, 2, 840, 113549, 1, 1, 8]), hashFunction)
  const parameters = sequence(der(0xa0, hashFunction), der(0xa1, mgf1), der(0xa2, der(0x02, Uint8Array.of(length))))
  const algorithm = sequence(oid([1, 2, 840, 113549, 1, 1, 10]), parameters)
  return selfSigned(key, algorithm, data => sign(hash, data, { key, saltLength: length }), options)
}

/** A self-signed certificate with an Ed25519 key. */
export function ed25519Certificate(options: TestCertificateOptions = {}): TestCertificate {
  const key = generateKeyPairSync('ed25519').privateKey
  return selfSigned(key, sequence(oid([1, 3, 101, 112])), data => sign(null, data, key), options)
}

/** An element of DER. */
export function der(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(contents)
  const length = content.length
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content])
  if (length < 0x100) return Buffer.concat([Buffer.of(tag, 0x81, length), content])
  return Buffer.concat([Buffer.of(tag, 0x82, length >> 8, length & 0xff), content])
}

function sequence(...contents: readonly Uint8Array[]): Uint8Array {
  return der(0x30, ...contents)
}

function oid([first = 0, second = 0, ...rest]: readonly number[]): Uint8Array {
  const bytes = [40 * first + second]
  for (const arc of rest) {
    const groups = [arc & 0x7f]
    for (let left = arc >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80)
    bytes.push(...groups)
  }
  return der(0x06, Uint8Array.from(bytes))
}

function name(commonName: string): Uint8Array {
  return sequence(der(0x31, sequence(oid([2, 5, 4, 3]), der(0x0c, Buffer.from(commonName)))))
}

/** UTCTime, good from 1950 to 2049. */
function time(date: Date): Uint8Array {
  return der(0x17, Buffer.from(date.toISOString().replace(/[-:T]/g, '').slice(2, 14) + 'Z'))
}

function fixedKey(privateKey: Uint8Array): KeyObject {
  const ecdh = createECDH('prime256v1')
  ecdh.setPrivateKey(Buffer.from(privateKey))
  const point = ecdh.getPublicKey()
  const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')
  return createPrivateKey({
    format: 'jwk',
    key: {
      kty: 'EC',
      crv: 'P-256',
      d: base64url(privateKey),
      x: base64url(point.subarray(1, 33)),
      y: base64url(point.subarray(33)),
    },
  })
}

function selfSigned(
  key: KeyObject,
  algorithm: Uint8Array,
  signer: (data: Uint8Array) => Uint8Array,
  options: TestCertificateOptions,
): TestCertificate {
  const subject = name(options.commonName ?? 'icefloe test')
  const tbs = sequence(
    der(0xa0, der(0x02, Uint8Array.of(2))),
    der(0x02, Uint8Array.of(1)),
    algorithm,
    subject,
    sequence(
      time(options.notBefore ?? new Date('2020-01-01T00:00:00Z')),
      time(options.notAfter ?? new Date('2049-01-01T00:00:00Z')),
    ),
    subject,
    spki(key),
  )
  const certificate = sequence(tbs, algorithm, der(0x03, Uint8Array.of(0), signer(tbs)))
  const pkcs8 = key.export({ format: 'der', type: 'pkcs8' })
  return {
    certificate,
    chain: [certificate],
    pkcs8,
    key,
    fingerprint: (hash = 'sha-256') => ({ algorithm: hash, value: fingerprint(hash, certificate) }),
    pem: () => ({
      certificate: `-----BEGIN CERTIFICATE-----\n${lines(certificate)}\n-----END CERTIFICATE-----\n`,
      key: `-----BEGIN PRIVATE KEY-----\n${lines(pkcs8)}\n-----END PRIVATE KEY-----\n`,
    }),
  }
}

function spki(key: KeyObject): Uint8Array {
  return createPublicKey(key).export({ format: 'der', type: 'spki' })
}

function fingerprint(hash: string, certificate: Uint8Array): string {
  const hex = createHash(hash.replace('-', '')).update(certificate).digest('hex').toUpperCase()
  return (hex.match(/../g) ?? []).join(':')
}

function lines(bytes: Uint8Array): string {
  return (
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  ).join('\n')
}

function sha256(data: Uint8Array): Uint8Array {
  return createHash('sha256').update(data).digest()
}
