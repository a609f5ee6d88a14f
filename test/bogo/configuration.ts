import { randomBytes } from 'node:crypto'
import type { KeyExchangeName } from '../../src/dtls/crypto/provider.ts'
import type { DtlsOptions, DtlsVersion } from '../../src/dtls/options.ts'
import { expectedFingerprints, toIdentity, type Witness, watchedProvider } from './credentials.ts'
import type { ShimFlags } from './flags.ts'
import { Unimplemented } from './unimplemented.ts'

/** RFC 8446 §4.2.7, draft-ietf-tls-ecdhe-mlkem: code points. */
export const groupIds: Readonly<Record<KeyExchangeName, number>> = {
  secp256r1: 23,
  secp384r1: 24,
  x25519: 29,
  x25519mlkem768: 0x11ec,
}

/** The runner expects three groups unless it gives a list. */
const usualGroups: readonly KeyExchangeName[] = ['x25519', 'secp256r1', 'secp384r1']
/** The runner's first timer. Those that follow are our own. */
const usualRtoMs = 400

/** RFC 5764 §4.1.2 */
const srtpProfiles: Readonly<Record<string, number>> = {
  SRTP_AES128_CM_SHA1_80: 1,
  SRTP_AES128_CM_SHA1_32: 2,
  SRTP_AEAD_AES_128_GCM: 7,
  SRTP_AEAD_AES_256_GCM: 8,
}

/** The first retransmission timer, in milliseconds. */
export function firstTimerMs({ values }: ShimFlags): number {
  return Number(values.get('-initial-timeout-duration-ms') ?? usualRtoMs)
}

/** @throws {Unimplemented} if the product cannot be configured so */
export function toOptions(flags: ShimFlags, witness: Witness): DtlsOptions {
  const { switches, values } = flags
  const names = values.get('-srtp-profiles')?.split(':') ?? []
  const mtu = values.get('-mtu')
  return {
    role: switches.has('-server') ? 'server' : 'client',
    identities: flags.credentials.map(credential => toIdentity(credential, witness)),
    fingerprints: expectedFingerprints(flags),
    crypto: watchedProvider(witness),
    random: length => new Uint8Array(randomBytes(length)),
    srtpProfiles: names.map(name => srtpProfiles[name] ?? 0),
    // The runner does not expect to be asked for a cookie.
    peerAddressValidated: true,
    ...(mtu === undefined ? {} : { mtu: Number(mtu) }),
    initialRtoMs: firstTimerMs(flags),
    groups: toGroups(flags),
    ...toVersions(flags),
  }
}

function toGroups({ lists }: ShimFlags): readonly KeyExchangeName[] {
  const ids = lists.get('-curves')
  if (ids === undefined) return usualGroups
  return ids.map(id => {
    const group = usualGroupNames.find(name => groupIds[name] === id)
    if (group === undefined) throw new Unimplemented('groups other than X25519MLKEM768, X25519, P-256 and P-384')
    return group
  })
}

const usualGroupNames: readonly KeyExchangeName[] = ['x25519mlkem768', ...usualGroups]

function toVersions({ switches, values }: ShimFlags): { minVersion: DtlsVersion; maxVersion: DtlsVersion } {
  // As on the wire, where newer versions are smaller numbers.
  const lowest = Number(values.get('-min-version') ?? 0xfeff)
  const highest = Number(values.get('-max-version') ?? 0)
  const within = (version: number): boolean => version <= lowest && version >= highest
  const has12 = within(0xfefd) && !switches.has('-no-tls12')
  const has13 = within(0xfefc) && !switches.has('-no-tls13')
  if (!has12 && !has13) throw new Unimplemented('DTLS 1.0')
  return { minVersion: has12 ? '1.2' : '1.3', maxVersion: has13 ? '1.3' : '1.2' }
}
