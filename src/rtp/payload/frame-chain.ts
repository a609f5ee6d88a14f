import type { EncodedFrame, FrameDependency } from './frame.ts'

/**
 * - `decodable`: all it builds upon was given to the decoder
 * - `skip`: it is of a higher temporal layer, and something it may build upon was lost; the base layer goes on
 * - `broken`: nothing can be decoded before the next keyframe
 */
export type FrameVerdict = 'decodable' | 'skip' | 'broken'

/** Which frames of a video stream a decoder can use after losses, by what the frames say of their dependencies. */
export class FrameChain {
  #state: 'broken' | 'base-layer' | 'whole' = 'broken'
  #last: FrameDependency | undefined
  /** RFC 7741 §4.2: the TL0PICIDX of the last frame of the base layer. */
  #baseLayerIndex: number | undefined
  /** RFC 7741 §4.2: the KEYIDX of the last keyframe. */
  #keyframeIndex: number | undefined

  /** Judges the next frame. What it finds decodable counts as decoded. */
  take({ keyframe, afterLoss, dependency }: Pick<EncodedFrame, 'keyframe' | 'afterLoss' | 'dependency'>): FrameVerdict {
    if (keyframe) {
      this.#state = 'whole'
      this.#keyframeIndex = dependency?.keyframeIndex
    } else if (this.#state === 'broken' || this.#missesKeyframe(dependency)) return this.#break()
    else if (afterLoss && !follows(this.#last, dependency)) this.#state = 'base-layer'
    const verdict = keyframe || this.#state === 'whole' ? 'decodable' : this.#judge(dependency)
    if (verdict === 'broken') return this.#break()
    if (verdict !== 'skip') this.#last = dependency
    if (verdict === 'decodable') this.#decoded(dependency)
    return verdict
  }

  /** After a loss: the base layer is whole as long as its index goes up by one. */
  #judge(dependency: FrameDependency | undefined): FrameVerdict {
    const { temporalId, baseLayerIndex } = dependency ?? {}
    if (temporalId === undefined || baseLayerIndex === undefined || this.#baseLayerIndex === undefined) return 'broken'
    const ahead = (baseLayerIndex - this.#baseLayerIndex) & 0xff
    if (temporalId === 0) return ahead === 1 ? 'decodable' : 'broken'
    if (ahead !== 0) return 'broken'
    return dependency?.layerSync ? 'decodable' : 'skip'
  }

  /** RFC 7741 §4.2: no frame is decoded without the keyframe that it tells the index of. */
  #missesKeyframe(dependency: FrameDependency | undefined): boolean {
    const index = dependency?.keyframeIndex
    return index !== undefined && this.#keyframeIndex !== undefined && index !== this.#keyframeIndex
  }

  #break(): 'broken' {
    this.#state = 'broken'
    return 'broken'
  }

  #decoded(dependency: FrameDependency | undefined): void {
    const { temporalId, baseLayerIndex, layerSync, switchingPoint } = dependency ?? {}
    if (temporalId === 0) this.#baseLayerIndex = baseLayerIndex
    // RFC 7741 §4.2, Y; draft-ietf-payload-vp9-16 §4.2, U: from here on the higher layers build upon nothing older.
    if ((layerSync && (temporalId ?? 0) > 0) || (switchingPoint && temporalId === 0)) this.#state = 'whole'
  }
}

/** Whether a picture comes right behind another: what was lost between was no picture. */
function follows(last: FrameDependency | undefined, next: FrameDependency | undefined): boolean {
  if (last?.pictureId === undefined || next?.pictureId === undefined) return false
  // RFC 7741 §4.2: the index may go on with 15 bits after it was one of 7, or wrap.
  const mask = next.pictureIdBits === 7 ? 0x7f : 0x7fff
  return ((last.pictureId + 1) & mask) === next.pictureId
}
