/** RFC 7587 §4.1: the clock of the timestamps, whatever rate the audio is sampled at. */
export const opusClockRate = 48_000

/** RFC 7587 §4.2: a packet holds 120 ms at most. */
const maxSamples = 5_760

/** Samples a frame, by the two lowest bits of the configuration number: RFC 6716 §3.1, table 2. */
const speechSamples = [480, 960, 1_920, 2_880] as const
const hybridSamples = [480, 960] as const
const musicSamples = [120, 240, 480, 960] as const

/**
 * The samples of each channel in an Opus packet, at 48 kHz: what the timestamp goes up by. Undefined if it is not one, by its
 * first two bytes.
 */
export function opusSamples(packet: Uint8Array): number | undefined {
  if (packet.length === 0) return undefined
  const toc = packet[0] as number
  const frames = frameCount(toc & 3, packet)
  const samples = frames * frameSamples(toc >>> 3)
  return samples > 0 && samples <= maxSamples ? samples : undefined
}

/** RFC 6716 §3.1: one bit of the first byte. */
export function opusChannels(packet: Uint8Array): 1 | 2 {
  return ((packet[0] ?? 0) & 0x04) === 0 ? 1 : 2
}

/** RFC 6716 §3.1: 0 to 11 are SILK, 12 to 15 hybrid, the rest CELT. */
function frameSamples(configuration: number): number {
  if (configuration < 12) return speechSamples[(configuration & 3) as 0 | 1 | 2 | 3]
  if (configuration < 16) return hybridSamples[(configuration & 1) as 0 | 1]
  return musicSamples[(configuration & 3) as 0 | 1 | 2 | 3]
}

/** RFC 6716 §3.2: one, two, or as many as the second byte says. */
function frameCount(code: number, packet: Uint8Array): number {
  if (code === 0) return 1
  // RFC 6716 §3.2.3: two frames of equal length share an even number of bytes.
  if (code === 1) return packet.length % 2 === 1 ? 2 : 0
  return code === 2 ? (packet.length > 1 ? 2 : 0) : (packet[1] ?? 0) & 0x3f
}
