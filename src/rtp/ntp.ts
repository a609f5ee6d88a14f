/** Timestamps of the Network Time Protocol, as RTCP carries them: RFC 3550 §4. */

/** Seconds from 1900, where NTP begins, to 1970. */
const epochSeconds = 2_208_988_800
const fraction = 0x1_0000_0000

/** Milliseconds from 1900 to 1970. */
export const ntpEpochMs: number = epochSeconds * 1_000

/** The 64-bit NTP timestamp of a wall-clock time in milliseconds since 1970. */
export function ntpFromWallTime(wallTimeMs: number): bigint {
  const seconds = Math.floor(wallTimeMs / 1_000)
  const rest = Math.floor(((wallTimeMs - seconds * 1_000) / 1_000) * fraction)
  // RFC 3550 §4: the seconds wrap in 2036, which is harmless where only differences count.
  return (BigInt((seconds + epochSeconds) % fraction) << 32n) | BigInt(rest)
}

/** Milliseconds since 1970. Timestamps of the era that begins in 2036 are told by their high bit, which is zero. */
export function wallTimeFromNtp(ntp: bigint): number {
  const seconds = Number(ntp >> 32n) + (ntp >> 63n === 0n ? fraction : 0)
  return (seconds - epochSeconds) * 1_000 + (Number(ntp & 0xffff_ffffn) / fraction) * 1_000
}

/** The middle 32 bits, in units of 1/65536 s: how LSR, LRR and round trips are written. */
export function middleOfNtp(ntp: bigint): number {
  return Number((ntp >> 16n) & 0xffff_ffffn)
}

/** Milliseconds as units of 1/65536 s in 32 bits: DLSR and DLRR. A delay that does not fit (18 hours) is the largest one. */
export function shortDelay(milliseconds: number): number {
  return Math.min(Math.max(Math.round((milliseconds * 65_536) / 1_000), 0), 0xffff_ffff)
}

/**
 * The round-trip time that a report gives, in milliseconds; undefined if it tells none.
 *
 * RFC 3550 §6.4.1: A - LSR - DLSR, where A is the arrival of the report. A result below zero (clocks that run apart on
 * a fast path) counts as none at all: zero.
 *
 * @param arrival the middle 32 bits of the NTP timestamp at which the report arrived
 */
export function roundTripTime(arrival: number, lastReport: number, delay: number): number | undefined {
  if (lastReport === 0) return undefined
  const units = (arrival - lastReport - delay) | 0
  return units <= 0 ? 0 : (units * 1_000) / 65_536
}
