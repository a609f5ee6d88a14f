import type { EncodingTarget, TrackSource } from '../media/track-signal.ts'
import type { RTCPriorityType } from '../rtc-data-channel.ts'
import type { RTCQualityLimitationReason } from '../stats/dictionaries.ts'
import type { SentMedia } from '../stats/sent-media.ts'
import { allocatorOf, type BitrateAllocator, type BitrateUser, type SenderDemand } from './bitrate-allocator.ts'
import type { RTCRtpEncodingParameters } from './parameters.ts'
import type { EncodingSlots, MediaTransport, NegotiatedSection, SenderSlots } from './slots.ts'

/** RFC 7587 §3.1.1: more than music in stereo takes is of no use to audio, unless maxBitrate says so. Bits per second. */
const usefulAudioBitrate = 128_000

/** RFC 8835 §4.1: each priority gets twice of what the one below does. */
const priorityWeights: Readonly<Record<RTCPriorityType, number>> = { 'very-low': 1, low: 2, medium: 4, high: 8 }

/** What is read of the sender. */
type BitrateSlots = Pick<SenderSlots, 'kind' | 'encodings' | 'transport' | 'degradationPreference'>

/** Tells the source of a sender's track what may be sent of it. */
export class SenderBitrates implements BitrateUser {
  readonly #sender: BitrateSlots
  readonly #media: Pick<SentMedia, 'allotted'>
  #source: TrackSource | undefined
  #section: NegotiatedSection | undefined
  #transport: MediaTransport | undefined
  #allocator: BitrateAllocator | undefined

  /** @param media is told what each encoding is given, for statistics */
  constructor(sender: BitrateSlots, media: Pick<SentMedia, 'allotted'>) {
    this.#sender = sender
    this.#media = media
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
      if (this.#transport !== undefined) this.#media.allotted([], this.#transport.now())
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
    const { degradationPreference } = this.#sender
    const preference = degradationPreference && { degradationPreference }
    const targets = this.#sender.encodings.map((encoding): EncodingTarget => {
      const bitrate = bitrates[active.indexOf(encoding)] ?? 0
      return { bitrate, active: isActive(encoding), ...producedAs(encoding.parameters), ...preference }
    })
    this.#tell(bitrates)
    this.#source?.encodingTargets?.(this, targets)
  }

  #tell(bitrates: readonly number[]): void {
    const active = this.#sender.encodings.filter(isActive)
    const total = bitrates.reduce((sum, each) => sum + each, 0)
    // What the peer takes at most is no matter of the path.
    const isOfPeer = total + active.length >= (this.#section?.maxBitrate ?? Number.POSITIVE_INFINITY)
    const allotments = active.map(({ ssrc, parameters: { maxBitrate } }, index) => {
      const bitrate = bitrates[index] ?? 0
      const isLimited = maxBitrate !== undefined && bitrate < maxBitrate
      const limitation: RTCQualityLimitationReason = !isLimited ? 'none' : isOfPeer ? 'other' : 'bandwidth'
      return { ssrc, bitrate, limitation }
    })
    if (this.#transport !== undefined) this.#media.allotted(allotments, this.#transport.now())
  }
}

function isActive({ parameters }: EncodingSlots): boolean {
  return parameters.active !== false
}

/** How an encoder is to produce an encoding. */
function producedAs(parameters: RTCRtpEncodingParameters): Omit<EncodingTarget, 'bitrate' | 'active'> {
  const { rid, maxBitrate, maxFramerate, scaleResolutionDownBy, scaleResolutionDownTo, codec } = parameters
  const { scalabilityMode, ptime, adaptivePtime } = parameters
  return {
    rid,
    maxBitrate,
    maxFramerate,
    // webrtc-extensions §6.1: of the two the restriction counts
    scaleResolutionDownBy: scaleResolutionDownTo === undefined ? scaleResolutionDownBy : undefined,
    codec,
    ...(scaleResolutionDownTo === undefined ? {} : { scaleResolutionDownTo }),
    ...(scalabilityMode === undefined ? {} : { scalabilityMode }),
    ...(ptime === undefined ? {} : { ptime }),
    ...(adaptivePtime === true ? { adaptivePtime } : {}),
  }
}

/** The layers of a simulcast cost about what they have of pixels. */
function pixelShare({ scaleResolutionDownBy = 1, scaleResolutionDownTo }: RTCRtpEncodingParameters): number {
  const { maxWidth, maxHeight } = scaleResolutionDownTo ?? {}
  if (maxWidth !== undefined && maxHeight !== undefined) return maxWidth * maxHeight
  return 1 / scaleResolutionDownBy ** 2
}
