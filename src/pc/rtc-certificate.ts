import { webcrypto } from 'node:crypto'
import type { Environment } from '../base/environment.ts'
import { systemClock, systemRandom } from '../net/system-environment.ts'
import { fingerprintHashes, fingerprintValue } from './certificate-hashes.ts'
import {
  type Converter,
  constructorToken,
  dictionary,
  domString,
  enforceRange,
  exposeInterface,
  instance,
  optional,
  required,
  requireToken,
} from './webidl.ts'

const dayMs = 24 * 60 * 60 * 1000

/** webrtc-pc §4.9, steps 2 and 3.4: how long a certificate is valid, if nothing is said, and at most. */
export const defaultLifetimeMs: number = 30 * dayMs
const maxLifetimeMs = 365 * dayMs

/** A certificate is valid since yesterday: the clock of a peer may be behind. */
export const backdatedMs: number = dayMs

/** Finding the primes of longer keys takes seconds. */
const maxModulusLength = 4096

/** An AlgorithmIdentifier of WebCrypto that is an object, with webrtc-pc §4.9.1: which members it has depends on its name. */
export interface RTCKeygenAlgorithm {
  readonly name: string
  /** ECDSA: `P-256` or `P-384` */
  readonly namedCurve?: string
  /** RSA, in bits */
  readonly modulusLength?: number
  readonly publicExponent?: Uint8Array
  readonly hash?: string | { readonly name: string }
  /** The lifetime in milliseconds. */
  readonly expires?: number
}

/** webrtc-pc §5.5.1 */
export interface RTCDtlsFingerprint {
  /** The name of a hash function, as in the registry of RFC 8122 §5. */
  algorithm?: string
  /** Lower-case hexadecimal, a colon between two bytes. */
  value?: string
}

/** What a DTLS handshake needs of a certificate. */
export interface CertificateSecrets {
  /** DER; the first is the certificate itself. */
  readonly chain: readonly Uint8Array[]
  /** The private key of the first, in PKCS #8 (RFC 5958). */
  readonly pkcs8: Uint8Array
}

interface CertificateSlots {
  readonly secrets: CertificateSecrets
  readonly expires: number
}

/** No private member, which could not be had through a proxy. */
const certificateSlots = new WeakMap<RTCCertificate, CertificateSlots>()

/**
 * webrtc-pc §4.9.2: a certificate and its private key, which no application gets to see.
 *
 * `RTCPeerConnection.generateCertificate()` makes one.
 */
export class RTCCertificate {
  static {
    exposeInterface(RTCCertificate, 'RTCCertificate', { constructorLength: 0 })
  }

  /** @internal Not constructible by applications. */
  constructor(token: symbol, secrets: CertificateSecrets, expires: number) {
    requireToken(token)
    // `structuredClone` and `postMessage` refuse every proxy; of any other object they would make an empty one, silently.
    const certificate = new Proxy(this, {})
    certificateSlots.set(certificate, { secrets, expires })
    // biome-ignore lint/correctness/noConstructorReturn: what is constructed is to be the proxy
    return certificate
  }

  /** Milliseconds since 1970-01-01T00:00:00Z. After that no connection can be constructed with this certificate. */
  get expires(): number {
    return slotsOf(this).expires
  }

  /** By SHA-256, which all peers know, and by the hash function of the signature on the certificate, if it is a stronger one. */
  getFingerprints(): RTCDtlsFingerprint[] {
    const [own = new Uint8Array()] = slotsOf(this).secrets.chain
    return fingerprintHashes(own).map(algorithm => ({ algorithm, value: fingerprintValue(algorithm, own) }))
  }
}

/** The DER chain and the private key of a certificate, for the DTLS handshake. */
export function certificateSecrets(certificate: RTCCertificate): CertificateSecrets {
  return slotsOf(certificate).secrets
}

export function isCertificate(value: unknown): value is RTCCertificate {
  return isObject(value) && certificateSlots.has(value as RTCCertificate)
}

function slotsOf(certificate: RTCCertificate): CertificateSlots {
  const slots = certificateSlots.get(certificate)
  if (slots === undefined) throw new TypeError('not an RTCCertificate')
  return slots
}

/** Wraps a certificate that exists already. */
export function makeCertificate(chain: readonly Uint8Array[], pkcs8: Uint8Array, expires: number): RTCCertificate {
  return new RTCCertificate(constructorToken, { chain, pkcs8 }, expires)
}

/**
 * webrtc-pc §4.9: generates a key pair and a self-signed certificate for it.
 *
 * Keys: ECDSA on P-256 and P-384; RSASSA-PKCS1-v1_5 and RSA-PSS with SHA-256, an exponent of 65537 and 2048 to 4096 bits;
 * Ed25519, which browsers do not verify: have another certificate beside it.
 *
 * @param keygenAlgorithm an AlgorithmIdentifier of WebCrypto, with the optional member `expires`: the lifetime in
 * milliseconds
 * @throws {TypeError} if the algorithm lacks a member, or one cannot be converted
 * @throws {DOMException} `NotSupportedError` for other algorithms
 */
export async function generateCertificate(
  keygenAlgorithm: unknown,
  { clock, random }: Pick<Environment, 'clock' | 'random'> = { clock: systemClock, random: systemRandom },
): Promise<RTCCertificate> {
  const lifetimeMs = toLifetime(keygenAlgorithm)
  const algorithm = toKeygenAlgorithm(keygenAlgorithm)
  // Step 8. The keys can be read because DTLS signs by another interface than WebCrypto; nobody else gets them.
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair
  const now = clock.wallTime()
  const expires = now + lifetimeMs
  const [certificate, pkcs8] = await Promise.all([
    selfSign(keys, random(16), now - backdatedMs, expires),
    webcrypto.subtle.exportKey('pkcs8', keys.privateKey),
  ])
  return makeCertificate([certificate], new Uint8Array(pkcs8), expires)
}

async function selfSign(
  keys: webcrypto.CryptoKeyPair,
  serialNumber: Uint8Array,
  notBefore: number,
  notAfter: number,
): Promise<Uint8Array> {
  const { BasicConstraintsExtension, Name, X509CertificateGenerator } = await loadX509()
  // webrtc-pc §4.9: nothing that can be linked to a user
  const name = new Name('CN=WebRTC')
  const certificate = await X509CertificateGenerator.create(
    {
      publicKey: keys.publicKey,
      signingKey: keys.privateKey,
      // RFC 8446 §4.2.3: the salt of RSASSA-PSS is as long as the digest
      signingAlgorithm: { ...keys.privateKey.algorithm, hash: 'SHA-256', saltLength: 32 },
      subject: name,
      issuer: name,
      serialNumber: Buffer.from(serialNumber).toString('hex'),
      notBefore: toDate(notBefore),
      notAfter: toDate(notAfter),
      // RFC 5280 §4.1: a list of extensions, which the library always writes, must not be empty
      extensions: [new BasicConstraintsExtension(false)],
    },
    webcrypto,
  )
  return new Uint8Array(certificate.rawData)
}

/** The library takes 150 ms to load, and wants a polyfill before it. Not everyone generates certificates. */
async function loadX509() {
  await import('reflect-metadata')
  return await import('@peculiar/x509')
}

/** @param wallTime milliseconds since 1970, or a text */
export function toDate(wallTime: number | string): InstanceType<DateConstructor> {
  // biome-ignore lint/style/noRestrictedGlobals: only the type of a time; which time it is, the clock has said
  return new Date(wallTime)
}

const expiration = dictionary('RTCCertificateExpiration', { expires: optional(enforceRange.unsignedLongLong) })
const named = dictionary('Algorithm', { name: required(domString) })
const bytes = instance('Uint8Array', (value): value is Uint8Array => value instanceof Uint8Array)
const ecKeyGenParams = dictionary('EcKeyGenParams', { namedCurve: required(domString) })
const rsaHashedKeyGenParams = dictionary('RsaHashedKeyGenParams', {
  modulusLength: required(enforceRange.unsignedLong),
  publicExponent: required(bytes),
  hash: required(algorithmName),
})

const context = 'generateCertificate: argument 1'

/** webrtc-pc §4.9, steps 2 and 3. */
function toLifetime(keygenAlgorithm: unknown): number {
  const { expires } = isObject(keygenAlgorithm) ? expiration(keygenAlgorithm, context) : {}
  return Math.min(expires ?? defaultLifetimeMs, maxLifetimeMs)
}

type KeygenAlgorithm = webcrypto.EcKeyGenParams | webcrypto.RsaHashedKeyGenParams | { readonly name: 'Ed25519' }

/** webrtc-pc §4.9, steps 4 to 6, and what WebCrypto calls normalizing an algorithm. */
function toKeygenAlgorithm(keygenAlgorithm: unknown): KeygenAlgorithm {
  const name = algorithmName(keygenAlgorithm, context)
  // A name alone is an algorithm whose other members are missing.
  const members = isObject(keygenAlgorithm) ? keygenAlgorithm : {}
  switch (name) {
    case 'ECDSA':
      return toEcdsa(members)
    case 'RSASSA-PKCS1-V1_5':
      return toRsa('RSASSA-PKCS1-v1_5', members)
    case 'RSA-PSS':
      return toRsa('RSA-PSS', members)
    case 'ED25519':
      return { name: 'Ed25519' }
    default:
      throw notSupported(`${name} keys`)
  }
}

function toEcdsa(members: object): webcrypto.EcKeyGenParams {
  const { namedCurve } = ecKeyGenParams(members, context)
  if (namedCurve !== 'P-256' && namedCurve !== 'P-384') throw notSupported(`ECDSA on the curve ${namedCurve}`)
  return { name: 'ECDSA', namedCurve }
}

function toRsa(name: string, members: object): webcrypto.RsaHashedKeyGenParams {
  const { hash, modulusLength, publicExponent } = rsaHashedKeyGenParams(members, context)
  if (hash !== 'SHA-256') throw notSupported(`RSA with ${hash}`)
  if (modulusLength < 2048 || modulusLength > maxModulusLength) throw notSupported(`RSA of ${modulusLength} bits`)
  const exponent = Buffer.from(publicExponent).toString('hex').replace(/^0+/, '')
  if (exponent !== '10001') throw notSupported('RSA with this exponent')
  return { name, hash, modulusLength, publicExponent: Uint8Array.of(1, 0, 1) }
}

/** An AlgorithmIdentifier is a name, or an object with one. Names are compared without regard to case. */
function algorithmName(...[value, what]: Parameters<Converter<string>>): string {
  const name = isObject(value) ? named(value, what).name : domString(value, what)
  return name.toUpperCase()
}

function notSupported(what: string): DOMException {
  return new DOMException(`${what.slice(0, 80)} cannot be used for certificates`, 'NotSupportedError')
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}
