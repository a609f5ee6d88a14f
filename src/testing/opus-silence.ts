import { opusClockRate } from '../rtp/payload/opus.ts'
import { SyntheticSource } from './synthetic-source.ts'

export interface OpusSilenceOptions {
  /** 1 if not given. */
  readonly channels?: 1 | 2
  /** Of each packet, in milliseconds. 20 if not given. */
  readonly frameMs?: 2.5 | 5 | 10 | 20
}

/** RFC 6716 §3.1: configurations 28 to 31 are CELT at full bandwidth. */
const configurations = { 2.5: 28, 5: 29, 10: 30, 20: 31 } as const

/**
 * An Opus packet of silence.
 *
 * RFC 6716 §4.3: a CELT frame begins with the silence flag, a bit that is set once in 32768 times. The range coder (§4.1) puts
 * the less likely value at the end of its interval, so 15 ones are that bit.
 */
export function opusSilencePacket({ channels = 1, frameMs = 20 }: OpusSilenceOptions = {}): Uint8Array {
  return Uint8Array.of((configurations[frameMs] << 3) | (channels === 2 ? 0x04 : 0), 0xff, 0xfe)
}

/** Silence as an Opus encoder would send it without discontinuous transmission. */
export function opusSilence(options: OpusSilenceOptions = {}): SyntheticSource {
  const packet = opusSilencePacket(options)
  const framesPerSecond = 1_000 / (options.frameMs ?? 20)
  return new SyntheticSource({ clockRate: opusClockRate, framesPerSecond, encode: () => packet.slice() })
}
