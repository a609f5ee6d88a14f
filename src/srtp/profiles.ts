import { SrtpError } from './errors.ts'

/** The protection profiles of DTLS-SRTP by their IANA numbers: RFC 5764 §4.1.2, RFC 7714 §14.2. */
export const SrtpProfileId = {
  aes128CmSha1_80: 0x0001,
  aes128CmSha1_32: 0x0002,
  aeadAes128Gcm: 0x0007,
  aeadAes256Gcm: 0x0008,
} as const

export type SrtpProfileId = (typeof SrtpProfileId)[keyof typeof SrtpProfileId]

/** What a profile is made of. Lengths in bytes. */
export interface SrtpProfile {
  readonly id: SrtpProfileId
  readonly name: string
  readonly cipher: 'aes-cm' | 'aes-gcm'
  readonly keyLength: 16 | 32
  readonly saltLength: 12 | 14
  readonly rtpTagLength: number
  readonly rtcpTagLength: number
}

/** Every profile there is, by number. */
export const srtpProfiles: ReadonlyMap<number, SrtpProfile> = new Map<number, SrtpProfile>([
  [
    SrtpProfileId.aes128CmSha1_80,
    {
      id: SrtpProfileId.aes128CmSha1_80,
      name: 'SRTP_AES128_CM_HMAC_SHA1_80',
      cipher: 'aes-cm',
      keyLength: 16,
      saltLength: 14,
      rtpTagLength: 10,
      rtcpTagLength: 10,
    },
  ],
  [
    SrtpProfileId.aes128CmSha1_32,
    {
      id: SrtpProfileId.aes128CmSha1_32,
      name: 'SRTP_AES128_CM_HMAC_SHA1_32',
      cipher: 'aes-cm',
      keyLength: 16,
      saltLength: 14,
      rtpTagLength: 4,
      // RFC 5764 §4.1.2: "RTCP auth_tag_length: 80", whatever RTP has.
      rtcpTagLength: 10,
    },
  ],
  [
    SrtpProfileId.aeadAes128Gcm,
    {
      id: SrtpProfileId.aeadAes128Gcm,
      name: 'SRTP_AEAD_AES_128_GCM',
      cipher: 'aes-gcm',
      keyLength: 16,
      saltLength: 12,
      rtpTagLength: 16,
      rtcpTagLength: 16,
    },
  ],
  [
    SrtpProfileId.aeadAes256Gcm,
    {
      id: SrtpProfileId.aeadAes256Gcm,
      name: 'SRTP_AEAD_AES_256_GCM',
      cipher: 'aes-gcm',
      keyLength: 32,
      saltLength: 12,
      rtpTagLength: 16,
      rtcpTagLength: 16,
    },
  ],
])

/** @throws {SrtpError} `unknown-profile` */
export function srtpProfile(id: number): SrtpProfile {
  const profile = srtpProfiles.get(id)
  if (!profile) throw new SrtpError('unknown-profile', `no SRTP profile has the number ${id}`)
  return profile
}

/** How many bytes of keying material DTLS must export for a profile: RFC 5764 §4.2. */
export function keyingMaterialLength(profile: SrtpProfile): number {
  return 2 * (profile.keyLength + profile.saltLength)
}
