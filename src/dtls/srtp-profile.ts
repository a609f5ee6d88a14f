import { DtlsError } from './errors.ts'
import { decodeUseSrtp, type Extensions, ExtensionType } from './extensions.ts'
import type { HandshakeConfig } from './handshake-config.ts'

/**
 * The profile that a server chose; undefined if it wants no SRTP.
 *
 * @param answered extensions of its ServerHello, or EncryptedExtensions
 * @throws {DtlsError} `illegal-parameter`
 */
export function chosenSrtpProfile(answered: Extensions, config: HandshakeConfig): number | undefined {
  const data = answered.get(ExtensionType.useSrtp)
  if (data === undefined) return undefined
  const { profiles, mki } = decodeUseSrtp(data)
  const [profile] = profiles
  // RFC 5764 §4.1.1: exactly one profile, out of those offered.
  // RFC 5764 §4.1.3: a nonzero MKI that was not offered aborts the handshake.
  if (profile === undefined || profiles.length !== 1 || !config.srtpProfiles.includes(profile) || mki.length > 0) {
    throw new DtlsError('illegal-parameter', 'the server chose an SRTP profile or MKI that was not offered')
  }
  return profile
}

/** RFC 5764 §4.1.1: one of the client's profiles, or no use_srtp at all. */
export function selectSrtpProfile(offered: Extensions, config: HandshakeConfig): number | undefined {
  const data = offered.get(ExtensionType.useSrtp)
  if (data === undefined) return undefined
  const { profiles } = decodeUseSrtp(data)
  return config.srtpProfiles.find(profile => profiles.includes(profile))
}
