import type { CryptoProvider } from '../dtls/crypto/provider.ts'
import type { DtlsIdentity } from '../dtls/index.ts'
import type { SdpFingerprint } from '../sdp/index.ts'
import { certificateSecrets, type RTCCertificate } from './rtc-certificate.ts'

/** What DTLS signs with: certificate chains and their keys, in configured order. */
export function dtlsIdentities(certificates: readonly RTCCertificate[], crypto: CryptoProvider): DtlsIdentity[] {
  return certificates.map(certificate => {
    const { chain, pkcs8 } = certificateSecrets(certificate)
    return { chain, key: crypto.importSigningKey(pkcs8) }
  })
}

/** RFC 8122 §5: one a=fingerprint for each certificate that the handshake may show. */
export function sdpFingerprints(certificates: readonly RTCCertificate[]): SdpFingerprint[] {
  return certificates.flatMap(certificate =>
    certificate
      .getFingerprints()
      .flatMap(({ algorithm, value }) =>
        algorithm === undefined || value === undefined ? [] : [{ algorithm, value: value.toUpperCase() }],
      ),
  )
}
