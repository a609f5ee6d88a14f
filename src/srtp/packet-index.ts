/** The number of packet indices of a stream under one key: 32 bits of rollover counter and 16 of sequence number. */
export const maxRtpIndex: number = 2 ** 48 - 1
/** RFC 3711 §3.4: the index of SRTCP has 31 bits. */
export const maxRtcpIndex: number = 2 ** 31 - 1

const turn = 0x1_0000
const halfTurn = 0x8000

/**
 * The 48-bit index of a packet, from the 16 bits of it that it carries and the highest index so far.
 *
 * Below zero, or above {@link maxRtpIndex}, if the packet seems to be from before the first or after the last one: there is no
 * such packet, and counters do not go round.
 */
export function estimateIndex(highest: number, sequenceNumber: number): number {
  const last = highest % turn
  const start = highest - last
  // RFC 3711 §A: whichever of the three rollover counters brings the index closest to the highest one.
  if (last < halfTurn) return sequenceNumber - last > halfTurn ? start - turn + sequenceNumber : start + sequenceNumber
  return last - halfTurn > sequenceNumber ? start + turn + sequenceNumber : start + sequenceNumber
}

/** The rollover counter of an index. */
export function rolloverCounter(index: number): number {
  return Math.floor(index / turn)
}
