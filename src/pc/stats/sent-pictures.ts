import type { RtpPacket } from '../../rtp/packet.ts'
import { FrameRate } from './frame-rate.ts'
import type { MarkReader, PictureMarks } from './picture-marks.ts'

/** webrtc-stats §8.8, hugeFramesSent: so many times the average. */
const hugeFactor = 2.5
/** Longer than any camera takes for a picture: its source was silent. In seconds. */
const longestFrame = 1

/** What the packets that a source gives tell of its pictures: webrtc-stats §8.8 and §8.13. */
export class SentPictures {
  frames = 0
  keyFrames = 0
  hugeFrames = 0
  /** Of all pictures, in bytes, if they were of the size that the target bit rate has room for. */
  targetBytes = 0
  size: PictureMarks['size']
  /** Whether somebody here can read the codec. */
  isReadable = false
  readonly rate: FrameRate = new FrameRate()
  #timestamp: number | undefined
  /** Of the picture before. */
  #before: number | undefined
  #isOpen = false
  #isKeyframe = false
  #bytes = 0

  /**
   * @param reader undefined: nobody here can read this codec
   * @param target bits per second; undefined: there is none
   * @returns whether the size of the pictures is another one now
   */
  packet(
    { timestamp, marker, payload }: Pick<RtpPacket, 'timestamp' | 'marker' | 'payload'>,
    reader: MarkReader | undefined,
    clockRate: number,
    target: number | undefined,
    now: number,
  ): boolean {
    if (payload.length === 0) return false
    this.isReadable = reader !== undefined
    if (timestamp !== this.#timestamp || !this.#isOpen) {
      if (this.#isOpen) this.#end(clockRate, target, now)
      this.#before = this.#timestamp
      this.#timestamp = timestamp
      this.#isOpen = true
    }
    this.#bytes += payload.length
    const hasChanged = this.#mark(reader?.(payload))
    if (marker) this.#end(clockRate, target, now)
    return hasChanged
  }

  #mark(marks: PictureMarks | undefined): boolean {
    if (marks?.keyframe) this.#isKeyframe = true
    if (marks?.size === undefined) return false
    const { size } = this
    this.size = marks.size
    return size !== undefined && (size.width !== marks.size.width || size.height !== marks.size.height)
  }

  #end(clockRate: number, target: number | undefined, now: number): void {
    this.frames++
    if (this.#isKeyframe) this.keyFrames++
    this.rate.add(now)
    const room = (target ?? 0) * this.#duration(clockRate) * (1 / 8)
    this.targetBytes += room
    if (room > 0 && this.#bytes >= hugeFactor * room) this.hugeFrames++
    this.#isOpen = false
    this.#isKeyframe = false
    this.#bytes = 0
  }

  /** Seconds since the picture before; 0 if there was none, or not just before. */
  #duration(clockRate: number): number {
    if (this.#before === undefined || this.#timestamp === undefined) return 0
    const seconds = ((this.#timestamp - this.#before) >>> 0) / clockRate
    return seconds <= longestFrame ? seconds : 0
  }
}
