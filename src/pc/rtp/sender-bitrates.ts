import type { EncodingTarget, TrackSource } from '../media/track-signal.ts'
import type { RTCPriorityType } from '../rtc-data-channel.ts'
import { allocatorOf, type BitrateAllocator, type BitrateUser, type SenderDemand } from './bitrate-allocator.ts'
import type { RTCRtpEncodingParameters } from './parameters.ts'
import type { EncodingSlots, MediaTransport, NegotiatedSection, SenderSlots } from './slots.ts'

/** RFC 7587 §3.1.1: more than music in stereo takes is of no use to audio, unless maxBitrate says so. Bits per second. */
const usefulAudioBitrate = 128_000

/** RFC 8835 §4.1: each priority gets twice of what the one below does. */
const priorityWeights: Readonly<Record<RTCPriorityType, number>> = { 'very-low': 1, low: 2, medium: 4, high: 8 }

/** Tells the source of a sender's track what may be sent of it. */
export class SenderBitrates implements BitrateUser {
  readonly #sender: Pick<SenderSlots, 'kind' | 'encodings' | 'transport'>
  #source: TrackSource | undefined
  #section: NegotiatedSection | undefined
  #transport: MediaTransport | undefined
  #allocator: BitrateAllocator | undefined

  constructor(sender: Pick<SenderSlots, 'kind' | 'encodings' | 'transport'>) {
    this.#sender = sender
  }

  /** @param source whose packets are sent; undefined: none are */
  update(source: TrackSource | undefined, section: NegotiatedSection | undefined): void {
    const { transport } = this.#sender
    if (source !== this.#source) this.#source?.encodingTargets?.(this, [])
    this.#source = source
    this.#section = section
    const used = source === undefined ? undefined : transport
    if (used !== this.#transport) {
      this.#allocator?.remove(this)
      // What this sender had is for the others.
      this.#allocator?.settle()
      this.#transport = used
      this.#allocator = used && allocatorOf(used)
      this.#allocator?.add(this)
    }
    this.#allocator?.settle()
  }

  demand(): SenderDemand {
    const { kind } = this.#sender
    const active = this.#sender.encodings.filter(isActive)
    const priorities = active.map(({ parameters }) => priorityWeights[parameters.priority ?? 'low'])
    return {
      kind,
      weight: Math.max(...priorities, priorityWeights['very-low']),
      max: this.#section?.maxBitrate ?? Number.POSITIVE_INFINITY,
      maxTotal: this.#section?.maxTotalBitrate ?? Number.POSITIVE_INFINITY,
      encodings: active.map(({ parameters }) => ({
        weight: pixelShare(parameters),
        max: parameters.maxBitrate ?? (kind === 'audio' ? usefulAudioBitrate : Number.POSITIVE_INFINITY),
      })),
    }
  }

  allocated(bitrates: readonly number[]): void {
    const active = this.#sender.encodings.filter(isActive)
    const targets = this.#sender.encodings.map((encoding): EncodingTarget => {
      const { rid, maxBitrate, maxFramerate, scaleResolutionDownBy, codec } = encoding.parameters
      const bitrate = bitrates[active.indexOf(encoding)] ?? 0
      return { rid, bitrate, active: isActive(encoding), maxBitrate, maxFramerate, scaleResolutionDownBy, codec }
    })
    this.#source?.encodingTargets?.(this, targets)
  }
}

function isActive({ parameters }: EncodingSlots): boolean {
  return parameters.active !== false
}

/** The layers of a simulcast cost about what they have of pixels. */
function pixelShare({ scaleResolutionDownBy = 1 }: RTCRtpEncodingParameters): number {
  return 1 / scaleResolutionDownBy ** 2
}
