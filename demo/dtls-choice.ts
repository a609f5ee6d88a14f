import { type ConnectionExtensions, type RTCCertificate, type RTCKeygenAlgorithm, RTCPeerConnection } from 'icefloe'

/** What the visitor wants of DTLS: the highest version, and the keys of icefloe's certificates, most preferred first. */
export interface DtlsChoice {
  readonly maxVersion: '1.2' | '1.3'
  readonly certificates: readonly CertificateKind[]
}

export type CertificateKind = 'P-256' | 'P-384' | 'RSA' | 'Ed25519'

const rsa = { modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1), hash: 'SHA-256' }
const keygenAlgorithms: Readonly<Record<CertificateKind, RTCKeygenAlgorithm>> = {
  'P-256': { name: 'ECDSA', namedCurve: 'P-256' },
  'P-384': { name: 'ECDSA', namedCurve: 'P-384' },
  RSA: { name: 'RSASSA-PKCS1-v1_5', ...rsa },
  Ed25519: { name: 'Ed25519' },
}

/**
 * @param version the highest one; 1.3 if absent
 * @param certificates kinds of keys, each once; none if absent
 * @returns undefined for what is no choice
 */
export function toDtlsChoice(version: unknown = '1.3', certificates: unknown = []): DtlsChoice | undefined {
  if ((version !== '1.2' && version !== '1.3') || !Array.isArray(certificates)) return undefined
  const isChoice = certificates.every(isKind) && new Set(certificates).size === certificates.length
  return isChoice ? { maxVersion: version, certificates } : undefined
}

function isKind(kind: unknown): kind is CertificateKind {
  return typeof kind === 'string' && Object.hasOwn(keygenAlgorithms, kind)
}

/** What the choice is at the constructor of a connection. Without certificates it makes one of its own. */
export interface DtlsConfiguration {
  readonly certificates: RTCCertificate[]
  readonly extensions: ConnectionExtensions
}

export async function configureDtls({ maxVersion, certificates }: DtlsChoice): Promise<DtlsConfiguration> {
  const generated = certificates.map(kind => RTCPeerConnection.generateCertificate(keygenAlgorithms[kind]))
  return { certificates: await Promise.all(generated), extensions: { dtls: { maxVersion } } }
}
