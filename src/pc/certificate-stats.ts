import { X509Certificate } from 'node:crypto'
import { equalBytes } from '../base/bytes.ts'
import { fingerprintValue } from './certificate-hashes.ts'
import { certificateSecrets, type RTCCertificate } from './rtc-certificate.ts'

/** webrtc-stats §8.20, and what the key is. */
export type CertificateEntry = {
  readonly id: string
  readonly type: 'certificate'
  readonly timestamp?: number
  readonly fingerprint: string
  readonly fingerprintAlgorithm: string
  readonly base64Certificate: string
  readonly issuerCertificateId?: string
  /** Not of the standard: as OpenSSL names it; absent where it cannot be read. */
  readonly keyAlgorithm?: string
}

/** Of what the peer has shown: another peer that takes its place has another. */
export function remoteCertificateId([shown]: readonly Uint8Array[]): string {
  return `CR${shown === undefined ? '' : fingerprintValue('sha-256', shown)}`
}

/** Of one of our certificates, by its place among those configured. */
function localCertificateId(index: number): string {
  return `CL${index}`
}

/** The id of the certificate that the peer was shown; undefined if it saw none. */
export function usedCertificateId(
  certificates: readonly RTCCertificate[],
  [shown]: readonly Uint8Array[],
): string | undefined {
  const index = certificates.findIndex(certificate => {
    const [own] = certificateSecrets(certificate).chain
    return own !== undefined && shown !== undefined && equalBytes(own, shown)
  })
  return index < 0 ? undefined : localCertificateId(index)
}

/** All that are configured, with their issuers, and what the peer has shown: of several peers, one after the other. */
export function certificateStats(
  certificates: readonly RTCCertificate[],
  remotes: readonly (readonly Uint8Array[])[],
): CertificateEntry[] {
  const shown = new Map(remotes.map(remote => [remoteCertificateId(remote), remote]))
  return [
    ...certificates.flatMap((certificate, index) =>
      chainStats(localCertificateId(index), certificateSecrets(certificate).chain),
    ),
    ...[...shown].flatMap(([id, remote]) => chainStats(id, remote)),
  ]
}

/** webrtc-stats §8.20, issuerCertificateId: each leads to the next of its chain. */
function chainStats(id: string, chain: readonly Uint8Array[]): CertificateEntry[] {
  const idAt = (index: number): string => (index === 0 ? id : `${id}-${index}`)
  return chain.map((certificate, index) => ({
    id: idAt(index),
    type: 'certificate',
    fingerprint: fingerprintValue('sha-256', certificate).toUpperCase(),
    fingerprintAlgorithm: 'sha-256',
    base64Certificate: Buffer.from(certificate).toString('base64'),
    ...(index + 1 < chain.length ? { issuerCertificateId: idAt(index + 1) } : {}),
    ...keyAlgorithm(certificate),
  }))
}

/** Of a peer's chain only the first certificate was ever looked at: the others may be anything. */
function keyAlgorithm(certificate: Uint8Array): { readonly keyAlgorithm?: string } {
  try {
    const { asymmetricKeyType, asymmetricKeyDetails } = new X509Certificate(certificate).publicKey
    const detail = asymmetricKeyDetails?.namedCurve ?? asymmetricKeyDetails?.modulusLength
    return { keyAlgorithm: [asymmetricKeyType, detail].filter(part => part !== undefined).join(' ') }
  } catch {
    return {}
  }
}
