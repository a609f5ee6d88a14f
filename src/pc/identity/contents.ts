import type { Fingerprint } from '../../dtls/index.ts'
import type { SdpFingerprint, SdpSession } from '../../sdp/index.ts'
import { isRecord, maxAssertionLength, parseJson } from './assertion.ts'

/** Fingerprints that an assertion may cover. */
export const maxCoveredFingerprints = 256

/** RFC 8827 §7.4: what an assertion is bound to, each fingerprint once. */
export function encodeContents(fingerprints: readonly SdpFingerprint[]): string {
  return JSON.stringify({
    fingerprint: distinct(fingerprints).map(({ algorithm, value }) => ({ algorithm, digest: value })),
  })
}

/** Each fingerprint once. */
export function distinct(fingerprints: readonly Fingerprint[]): readonly Fingerprint[] {
  return [...new Map(fingerprints.map(each => [keyOf(each), each])).values()]
}

/** @returns undefined if it is not what RFC 8827 §7.4 has */
export function decodeContents(text: string): readonly Fingerprint[] | undefined {
  if (text.length > maxAssertionLength) return undefined
  const contents = parseJson(Buffer.from(text))
  const list = isRecord(contents) ? contents.fingerprint : undefined
  if (!Array.isArray(list) || list.length > maxCoveredFingerprints) return undefined
  const fingerprints = list.map((each: unknown) => {
    const { algorithm, digest } = isRecord(each) ? each : {}
    return typeof algorithm === 'string' && typeof digest === 'string' ? { algorithm, value: digest } : undefined
  })
  return fingerprints.every(each => each !== undefined) ? fingerprints : undefined
}

/** Whether every one of the fingerprints is among the covered ones. */
export function covers(covered: readonly Fingerprint[], fingerprints: readonly Fingerprint[]): boolean {
  const known = new Set(covered.map(keyOf))
  return fingerprints.every(each => known.has(keyOf(each)))
}

/** All of a description: RFC 8827 §7.4.1. */
export function fingerprintsOf(session: SdpSession): readonly SdpFingerprint[] {
  return [session, ...session.media].flatMap(({ fingerprints }) => fingerprints)
}

/** RFC 8122 §5: names of hash functions and hexadecimal digits are the same in either case. */
function keyOf({ algorithm, value }: Fingerprint): string {
  return `${algorithm.toLowerCase()} ${value.toUpperCase()}`
}
