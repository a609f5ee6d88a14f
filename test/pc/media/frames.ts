import type { MediaKind } from '../../../src/pc/media/track-signal.ts'
import type { Prng } from '../../support/prng.ts'

/** Frames that are what their codec demands as far as payload formats look, and noise behind it. */
export interface FrameMaker {
  readonly kind: MediaKind
  readonly mimeType: string
  readonly clockRate: number
  /** Units of the clock from one frame to the next. */
  readonly step: number
  make(random: Prng, keyframe: boolean, length: number): Uint8Array
}

/** Without zeros, so that no start code is in it. */
function noise(random: Prng, length: number): Uint8Array {
  return random.bytes(length).map(byte => byte | 1)
}

function begun(head: readonly number[], body: Uint8Array): Uint8Array {
  return Uint8Array.from([...head, ...body])
}

const startCode = [0, 0, 0, 1]

export const frameMakers: readonly FrameMaker[] = [
  {
    kind: 'audio',
    mimeType: 'audio/opus',
    clockRate: 48_000,
    step: 960,
    make: (random, _keyframe, length) => begun([31 << 3], noise(random, Math.min(length, 1_000))),
  },
  ...['audio/PCMU', 'audio/PCMA'].map(mimeType => ({
    kind: 'audio' as const,
    mimeType,
    clockRate: 8_000,
    step: 160,
    make: (random: Prng): Uint8Array => noise(random, 160),
  })),
  {
    kind: 'video',
    mimeType: 'video/VP8',
    clockRate: 90_000,
    step: 3_000,
    make: (random, keyframe, length) => begun([keyframe ? 0x10 : 0x11], noise(random, length)),
  },
  {
    kind: 'video',
    mimeType: 'video/VP9',
    clockRate: 90_000,
    step: 3_000,
    make: (random, keyframe, length) => begun([keyframe ? 0x82 : 0x86], noise(random, length)),
  },
  {
    kind: 'video',
    mimeType: 'video/H264',
    clockRate: 90_000,
    step: 3_000,
    make: (random, keyframe, length) => {
      const body = noise(random, length)
      if (!keyframe) return begun([...startCode, 0x41, 0x9a], body)
      return begun([...startCode, 0x67, 1, 2, ...startCode, 0x68, 3, 4, ...startCode, 0x65, 0x88], body)
    },
  },
]

export function frameMaker(mimeType: string): FrameMaker {
  const found = frameMakers.find(maker => maker.mimeType === mimeType)
  if (found === undefined) throw new Error(`no frames of ${mimeType}`)
  return found
}
