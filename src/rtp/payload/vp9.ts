import { cutEvenly } from './fragments.ts'
import {
  type Depacketized,
  type Depacketizer,
  type FrameDependency,
  noFrames,
  type OutgoingFrame,
  type PacketizedPayload,
  type Packetizer,
  type PacketizerOptions,
  type PayloadPacket,
  payloadDropped,
  payloadLimit,
} from './frame.ts'
import { FrameAssembler, type FrameStart } from './frame-assembler.ts'
import {
  parseVp9Descriptor,
  type Vp9Descriptor,
  type Vp9Scalability,
  vp9EndOfFrame,
  writeVp9Descriptor,
} from './vp9-descriptor.ts'

export interface Vp9PacketizerOptions extends PacketizerOptions {
  /** The picture ID of the first picture, of 15 bits; it goes up by one with each. 0 if not given. */
  readonly firstPictureId?: number
  /** Is sent with every keyframe. */
  readonly scalability?: Vp9Scalability
}

/** Whether a VP9 frame is a keyframe: the uncompressed header in §6.2 of the VP9 bitstream specification. */
export function isVp9Keyframe(frame: Uint8Array): boolean {
  const first = frame[0]
  if (first === undefined || first >>> 6 !== 2) return false
  // The bits of the profile come lowest first; profile 3 is followed by a reserved bit.
  const shift = (first & 0x30) === 0x30 ? 1 : 2
  const showsExisting = ((first >>> (shift + 1)) & 1) === 1
  return !showsExisting && ((first >>> shift) & 1) === 0
}

/** Cuts VP9 frames into payloads: draft-ietf-payload-vp9-16 §4. Each frame is one of one spatial layer. */
export class Vp9Packetizer implements Packetizer {
  readonly #limit: number
  readonly #scalability: Vp9Scalability | undefined
  #pictureId: number

  constructor(options: Vp9PacketizerOptions = {}) {
    this.#limit = payloadLimit(options)
    this.#scalability = options.scalability
    this.#pictureId = (options.firstPictureId ?? 0) & 0x7fff
  }

  packetize(frame: OutgoingFrame): readonly PacketizedPayload[] {
    const { data, dependency = {}, endsPicture = true } = frame
    if (data.length === 0) return []
    const keyframe = isVp9Keyframe(data)
    const marks: FrameDependency = {
      pictureId: this.#pictureId,
      pictureIdBits: 15,
      interPicture: !keyframe,
      ...dependency,
    }
    if (endsPicture) this.#pictureId = (this.#pictureId + 1) & 0x7fff
    // draft-ietf-payload-vp9-16 §4.2.1: the structure belongs into the first packet of a keyframe, and into no other.
    const structure = keyframe ? this.#scalability : undefined
    const first = writeVp9Descriptor(marks, true, structure)
    const payloads = cutEvenly(data, this.#limit, first, writeVp9Descriptor(marks, false))
    const last = payloads.at(-1)?.payload
    if (last) last[0] = (last[0] as number) | vp9EndOfFrame
    // draft-ietf-payload-vp9-16 §4.1: the marker ends the picture, E the frame of one spatial layer.
    return endsPicture ? payloads : payloads.map(payload => ({ ...payload, marker: false }))
  }
}

/**
 * Puts VP9 pictures together: draft-ietf-payload-vp9-16 §4.3.
 *
 * What it gives is a picture: the frames of all its spatial layers that were sent, one behind the other.
 */
export class Vp9Depacketizer implements Depacketizer {
  readonly #assembler = new FrameAssembler()
  #withinFrame = false

  push(packet: PayloadPacket): Depacketized {
    const assembler = this.#assembler
    const step = assembler.step(packet)
    if (step === 'old') return payloadDropped.old
    if (step === 'gap') this.#withinFrame = false
    if (packet.payload.length === 0) return noFrames
    const descriptor = parseVp9Descriptor(packet.payload)
    if (descriptor === undefined || descriptor.length === packet.payload.length) {
      this.#abandon()
      return payloadDropped.malformed
    }
    const samePicture = assembler.collecting && assembler.timestamp === packet.timestamp
    // A picture before this one that had no marker is whole, unless a frame of it was broken off: a gap would have ended it.
    if (!samePicture && this.#withinFrame) this.#abandon()
    const before = samePicture ? undefined : assembler.finish()
    const body = packet.payload.subarray(descriptor.length)
    if (!this.#fits(descriptor, samePicture)) {
      this.#abandon()
      return before ? [before] : payloadDropped.incomplete
    }
    if (!samePicture) assembler.begin(packet.timestamp, frameStart(descriptor, body))
    this.#withinFrame = !descriptor.endsFrame
    if (!assembler.append(body)) {
      this.#withinFrame = false
      return payloadDropped['too-large']
    }
    const frame = packet.marker ? assembler.finish() : undefined
    if (packet.marker) this.#withinFrame = false
    if (before) return frame ? [before, frame] : [before]
    return frame ? [frame] : noFrames
  }

  isStart(payload: Uint8Array): boolean {
    const descriptor = parseVp9Descriptor(payload)
    return descriptor?.startsFrame === true && !descriptor.interLayer
  }

  reset(): void {
    this.#withinFrame = false
    this.#assembler.reset()
  }

  /** Whether a packet comes where it may: in the middle of a frame its rest, else the beginning of one. */
  #fits(descriptor: Vp9Descriptor, samePicture: boolean): boolean {
    if (this.#withinFrame) return samePicture && !descriptor.startsFrame
    if (!descriptor.startsFrame) return false
    // draft-ietf-payload-vp9-16 §4.2, D: without the layer below, the picture cannot be decoded.
    return samePicture || !descriptor.interLayer
  }

  #abandon(): void {
    this.#withinFrame = false
    this.#assembler.abandon()
  }
}

/** draft-ietf-payload-vp9-16 §4.2, F: a key picture begins with a keyframe of the base layer. */
function frameStart(descriptor: Vp9Descriptor, body: Uint8Array): FrameStart {
  const keyframe = !descriptor.interPicture && (descriptor.spatialId ?? 0) === 0 && isVp9Keyframe(body)
  return { keyframe, dependency: descriptor }
}
