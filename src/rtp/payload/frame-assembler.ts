import { concatBytes } from '../../base/bytes.ts'
import { type EncodedFrame, type FrameDependency, maxFrameBytes, maxFramePackets, type PayloadPacket } from './frame.ts'

/** What the first packet of a frame tells about it. */
export interface FrameStart {
  readonly keyframe: boolean
  readonly dependency: FrameDependency | undefined
}

/**
 * - `next`: it follows the last packet
 * - `gap`: packets between were lost, and with them the frame that was being collected
 * - `old`: it was there before, or comes too late
 */
export type SequenceStep = 'next' | 'gap' | 'old'

/** Collects the parts of one frame after the other: what all formats have in common that spread frames over packets. */
export class FrameAssembler {
  #lastSequence = -1
  #parts: Uint8Array[] = []
  #bytes = 0
  #timestamp = 0
  #start: FrameStart | undefined
  #lossBefore = false

  /** Whether a frame is being collected. */
  get collecting(): boolean {
    return this.#start !== undefined
  }

  /** The timestamp of the frame that is being collected. */
  get timestamp(): number {
    return this.#timestamp
  }

  /** Takes note of a packet's place in the sequence, before anything else is done with it. */
  step(packet: PayloadPacket): SequenceStep {
    const last = this.#lastSequence
    const ahead = (packet.sequenceNumber - last) & 0xffff
    if (last >= 0 && (ahead === 0 || ahead >= 0x8000)) return 'old'
    this.#lastSequence = packet.sequenceNumber
    if (last < 0 || ahead === 1) return 'next'
    this.abandon()
    return 'gap'
  }

  begin(timestamp: number, start: FrameStart): void {
    this.#parts = []
    this.#bytes = 0
    this.#timestamp = timestamp
    this.#start = start
  }

  /** What is known of the frame by now, where it was not at its beginning. */
  amend(start: FrameStart): void {
    this.#start = start
  }

  /** Adds a part, which is not copied; false if the frame has become too large, and is given up. */
  append(part: Uint8Array): boolean {
    this.#bytes += part.length
    if (this.#bytes > maxFrameBytes || this.#parts.length >= maxFramePackets) {
      this.abandon()
      return false
    }
    this.#parts.push(part)
    return true
  }

  /** The frame that was collected, if one was. */
  finish(): EncodedFrame | undefined {
    const start = this.#start
    if (start === undefined) return undefined
    const [first] = this.#parts
    const frame: EncodedFrame = {
      data: this.#parts.length === 1 && first ? first : concatBytes(...this.#parts),
      timestamp: this.#timestamp,
      keyframe: start.keyframe,
      afterLoss: this.#lossBefore,
      dependency: start.dependency,
    }
    this.#lossBefore = false
    this.#forget()
    return frame
  }

  /** Gives up what was collected: something of it is missing. */
  abandon(): void {
    this.#lossBefore = true
    this.#forget()
  }

  /** Gives up what was collected, and takes whatever comes next for the next packet. */
  reset(): void {
    this.#lastSequence = -1
    this.abandon()
  }

  #forget(): void {
    this.#parts = []
    this.#bytes = 0
    this.#start = undefined
  }
}
