import type { WriteRefusal } from './frame-streams.ts'

/**
 * Why a frame did not get through a transform.
 *
 * - `full`: the transform has not taken those before it yet
 * - `ended`: the transform takes none, or can give none back: it has failed, was closed, or its thread is gone
 * - `waiting-for-keyframe`: it builds upon one that was dropped
 * - `undecodable`: it builds upon one that was lost on the network
 * - `foreign`, `out-of-order`: written, but not one of this transform, or not in order
 * - `forgotten`: written so late that what it came with is not known any more
 * - `empty`, `too-large`, `bad-frame`: written, but with data that cannot be put into packets
 */
export type FrameDrop =
  | WriteRefusal
  | 'full'
  | 'ended'
  | 'waiting-for-keyframe'
  | 'undecodable'
  | 'forgotten'
  | 'empty'
  | 'too-large'
  | 'bad-frame'

/**
 * Why a packet did not become part of a frame.
 *
 * - `unsupported`: its codec has no payload format here
 * - `unusable`: it breaks the rules of its payload format, came twice or too late, or the beginning of its frame is missing
 */
export type StagePacketDrop = 'unsupported' | 'unusable'

/** All of them count from the beginning. */
export interface TransformStatistics {
  /** Frames that were handed to a transform. */
  readonly framesOffered: number
  /** Frames that came back, and were put into packets. */
  readonly framesWritten: number
  readonly droppedFrames: Readonly<Record<FrameDrop, number>>
  readonly droppedPackets: Readonly<Record<StagePacketDrop, number>>
  /** Packets that the next one after the transform did not take. */
  readonly refusedPackets: number
}

/** What is counted, while it is. */
export interface TransformCounters {
  framesOffered: number
  framesWritten: number
  droppedFrames: Record<FrameDrop, number>
  droppedPackets: Record<StagePacketDrop, number>
  refusedPackets: number
}

export function createCounters(): TransformCounters {
  return {
    framesOffered: 0,
    framesWritten: 0,
    droppedFrames: {
      full: 0,
      ended: 0,
      'waiting-for-keyframe': 0,
      undecodable: 0,
      foreign: 0,
      'out-of-order': 0,
      forgotten: 0,
      empty: 0,
      'too-large': 0,
      'bad-frame': 0,
    },
    droppedPackets: { unsupported: 0, unusable: 0 },
    refusedPackets: 0,
  }
}
