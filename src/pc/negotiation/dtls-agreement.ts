import type { SdpFingerprint } from '../../sdp/index.ts'

type DtlsRole = 'client' | 'server'

/** What identifies a DTLS association in descriptions: RFC 8842 §3.1. */
export interface DtlsAgreement {
  /** Ours. */
  readonly role: DtlsRole
  /** The peer's certificate matches one of them. */
  readonly fingerprints: readonly SdpFingerprint[]
  /** The peer's, if it names one. */
  readonly tlsId: string | undefined
}

/**
 * Whether a later description goes on with an association, or asks for another: RFC 8842 §3.1 and §4.
 *
 * The roles of a=setup do not count, as they should: Firefox answers `active` whoever was the client before, and goes on. Nor
 * are peers held to the hash functions that they used before: the same certificates under more of them, or fewer, are the
 * same. A peer that says nothing of tls-id, as browsers do not, is known by the rest.
 */
export function continuesAssociation(before: DtlsAgreement, now: Omit<DtlsAgreement, 'role'>): boolean {
  if (before.tlsId !== undefined && now.tlsId !== undefined && before.tlsId !== now.tlsId) return false
  const [known, told] = [byAlgorithm(before.fingerprints), byAlgorithm(now.fingerprints)]
  const common = [...told.keys()].filter(algorithm => known.has(algorithm))
  return common.length > 0 && common.every(algorithm => isSameSet(known.get(algorithm), told.get(algorithm)))
}

/** RFC 8122 §5: neither the name of a hash function nor its value is sensitive to case. */
function byAlgorithm(fingerprints: readonly SdpFingerprint[]): ReadonlyMap<string, ReadonlySet<string>> {
  const sets = new Map<string, Set<string>>()
  for (const { algorithm, value } of fingerprints) {
    const name = algorithm.toLowerCase()
    const set = sets.get(name) ?? new Set()
    sets.set(name, set.add(value.toUpperCase()))
  }
  return sets
}

function isSameSet(a: ReadonlySet<string> = new Set(), b: ReadonlySet<string> = new Set()): boolean {
  return a.size === b.size && [...a].every(value => b.has(value))
}
