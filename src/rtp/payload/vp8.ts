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
import { FrameAssembler } from './frame-assembler.ts'
import { parseVp8Descriptor, startsVp8Frame, vp8DescriptorLength, writeVp8Descriptor } from './vp8-descriptor.ts'

export interface Vp8PacketizerOptions extends PacketizerOptions {
  /** The picture ID of the first frame, of 15 bits; it goes up by one with each. 'none' leaves it out. 0 if not given. */
  readonly firstPictureId?: number | 'none'
}

/** Whether a VP8 frame is a keyframe: RFC 7741 §4.3, the P bit. */
export function isVp8Keyframe(frame: Uint8Array): boolean {
  return frame.length >= 3 && ((frame[0] as number) & 1) === 0
}

/** The size of the picture in pixels, which only keyframes tell: RFC 6386 §9.1. */
export function vp8PictureSize(frame: Uint8Array): { readonly width: number; readonly height: number } | undefined {
  if (frame.length < 10 || !isVp8Keyframe(frame)) return undefined
  if (frame[3] !== 0x9d || frame[4] !== 0x01 || frame[5] !== 0x2a) return undefined
  const dimension = (at: number): number => ((frame[at] as number) | ((frame[at + 1] as number) << 8)) & 0x3fff
  return { width: dimension(6), height: dimension(8) }
}

/** Cuts VP8 frames into payloads: RFC 7741. Where partitions begin does not matter to it. */
export class Vp8Packetizer implements Packetizer {
  readonly #limit: number
  #pictureId: number | undefined

  constructor(options: Vp8PacketizerOptions = {}) {
    this.#limit = payloadLimit(options)
    const { firstPictureId = 0 } = options
    this.#pictureId = firstPictureId === 'none' ? undefined : firstPictureId & 0x7fff
  }

  packetize(frame: OutgoingFrame): readonly PacketizedPayload[] {
    if (frame.data.length === 0) return []
    const dependency = { ...frame.dependency, ...this.#nextPictureId(frame.dependency) }
    // RFC 7741 §4.4: where partitions are not looked at, S is set on the first packet alone.
    const first = writeVp8Descriptor(dependency, true)
    return cutEvenly(frame.data, this.#limit, first, writeVp8Descriptor(dependency, false))
  }

  #nextPictureId(dependency: FrameDependency | undefined): FrameDependency {
    if (dependency?.pictureId !== undefined || this.#pictureId === undefined) return {}
    const pictureId = this.#pictureId
    this.#pictureId = (pictureId + 1) & 0x7fff
    return { pictureId, pictureIdBits: 15 }
  }
}

/** Puts VP8 frames together: RFC 7741 §4.5.1. */
export class Vp8Depacketizer implements Depacketizer {
  readonly #assembler = new FrameAssembler()

  push(packet: PayloadPacket): Depacketized {
    const assembler = this.#assembler
    if (assembler.step(packet) === 'old') return payloadDropped.old
    if (packet.payload.length === 0) return noFrames
    const length = vp8DescriptorLength(packet.payload)
    if (length < 0 || length === packet.payload.length) {
      assembler.abandon()
      return payloadDropped.malformed
    }
    const body = packet.payload.subarray(length)
    const starts = startsVp8Frame(packet.payload)
    // A frame before this one that had no marker is whole: a gap would have ended it.
    const before = starts ? assembler.finish() : undefined
    if (starts) {
      const dependency = parseVp8Descriptor(packet.payload)
      assembler.begin(packet.timestamp, { keyframe: isVp8Keyframe(body), dependency })
    } else if (!assembler.collecting || assembler.timestamp !== packet.timestamp) {
      assembler.abandon()
      return payloadDropped.incomplete
    }
    if (!assembler.append(body)) return payloadDropped['too-large']
    const frame = packet.marker ? assembler.finish() : undefined
    if (before) return frame ? [before, frame] : [before]
    return frame ? [frame] : noFrames
  }

  isStart(payload: Uint8Array): boolean {
    return startsVp8Frame(payload)
  }

  reset(): void {
    this.#assembler.reset()
  }
}
