import { type PayloadFormat, payloadFormat } from '../media/payload-formats.ts'
import type { MediaCodec } from '../media/track-signal.ts'

/** RFC 6464 §3: what stands for silence, in -dBov. */
const silentLevel = 127

/** What the packets of audio tell of its samples: webrtc-stats §8.5 and §8.12. */
export class SampleMeter {
  samples = 0
  /** Seconds. */
  duration = 0
  #energy = 0
  #level = 0
  /** Whether each packet has told its level so far. */
  #isLevelKnown = true
  #codec: MediaCodec | undefined
  #format: PayloadFormat | undefined

  /** Linear, 0 to 1, of the last packet; undefined if that is not known of each, like the energy. */
  get audioLevel(): number | undefined {
    return this.#isLevelKnown && this.samples > 0 ? this.#level : undefined
  }

  get totalAudioEnergy(): number | undefined {
    return this.#isLevelKnown ? this.#energy : undefined
  }

  /** @param level as RFC 6464 has it, in -dBov; undefined if the packet does not tell */
  packet(payload: Uint8Array, codec: MediaCodec, level: number | undefined): void {
    if (codec !== this.#codec) {
      this.#codec = codec
      this.#format = payloadFormat(codec.mimeType)
    }
    const format = this.#format
    // Tones and comfort noise are no samples.
    if (format === undefined || payload.length === 0) return
    const samples = format.duration(payload) ?? 0
    const seconds = samples / codec.clockRate
    this.samples += samples
    this.duration += seconds
    const told = level ?? (isOpus(format) && isOpusSilence(payload) ? silentLevel : undefined)
    if (told === undefined) this.#isLevelKnown = false
    else {
      // webrtc-stats §8.5, audioLevel: 1 is 0 dBov
      this.#level = told >= silentLevel ? 0 : 10 ** (-told / 20)
      // webrtc-stats §8.5, totalAudioEnergy: duration * Math.pow(energy/maxEnergy, 2)
      this.#energy += seconds * this.#level ** 2
    }
  }
}

function isOpus({ codec }: PayloadFormat): boolean {
  return codec.mimeType === 'audio/opus'
}

/**
 * RFC 6716 §4.3: a CELT frame begins with the silence flag, which comes once in 32768 times: the range coder (§4.1) puts it
 * into 15 bits that are set.
 */
function isOpusSilence(payload: Uint8Array): boolean {
  const [configuration = 0, first = 0, second = 0] = payload
  return configuration >>> 3 >= 16 && (configuration & 3) === 0 && first === 0xff && (second & 0xfe) === 0xfe
}
