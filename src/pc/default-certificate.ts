import { generateKeyPairSync, sign } from 'node:crypto'
import type { Environment } from '../base/environment.ts'
import { defaultLifetimeMs, makeCertificate, type RTCCertificate } from './rtc-certificate.ts'
import { selfSignedCertificate } from './self-signed.ts'

/**
 * The certificate of a connection that was given none: a fresh ECDSA key on P-256, self-signed, valid for 30 days.
 *
 * webrtc-pc §4.4.1.1, step 6. Its form never varies, so it is written here rather than by the library that
 * `generateCertificate` loads: that takes longer than connecting does (docs/decisions/0005-default-certificate.md).
 */
export function createDefaultCertificate({ clock, random }: Pick<Environment, 'clock' | 'random'>): RTCCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const now = clock.wallTime()
  const expires = now + defaultLifetimeMs
  const certificate = selfSignedCertificate({
    spki: publicKey.export({ format: 'der', type: 'spki' }),
    serialNumber: random(16),
    now,
    expires,
    sign: toBeSigned => sign('sha256', toBeSigned, privateKey),
  })
  return makeCertificate([certificate], privateKey.export({ format: 'der', type: 'pkcs8' }), expires)
}
