import assert from 'node:assert/strict'

import type { FrameDependency } from '../../../src/rtp/payload/frame.ts'
import { FrameChain, type FrameVerdict } from '../../../src/rtp/payload/frame-chain.ts'

type Step = readonly [kind: 'key' | 'delta' | 'lost', dependency: FrameDependency | undefined, verdict: FrameVerdict]

/** Each step is a frame; one behind a loss is called `lost`. */
function check(...steps: readonly Step[]): void {
  const chain = new FrameChain()
  for (const [i, [kind, dependency, verdict]] of steps.entries()) {
    const frame = {
      data: new Uint8Array(1),
      timestamp: i,
      keyframe: kind === 'key',
      afterLoss: kind === 'lost',
      dependency,
    }
    assert.equal(chain.take(frame), verdict, `step ${i}`)
  }
}

describe('the chain of frames that build upon each other', () => {
  it('begins with a keyframe, and again after a loss', () => {
    check(
      ['delta', undefined, 'broken'],
      ['key', undefined, 'decodable'],
      ['delta', undefined, 'decodable'],
      ['lost', undefined, 'broken'],
      ['delta', undefined, 'broken'],
      ['key', undefined, 'decodable'],
      ['delta', undefined, 'decodable'],
    )
  })

  it('is whole where the picture IDs say that no picture was lost, through their wrap', () => {
    check(
      ['key', { pictureId: 0x7f, pictureIdBits: 7 }, 'decodable'],
      ['lost', { pictureId: 0, pictureIdBits: 7 }, 'decodable'],
      ['lost', { pictureId: 1, pictureIdBits: 15 }, 'decodable'],
      ['lost', { pictureId: 3, pictureIdBits: 15 }, 'broken'],
    )
    check(
      ['key', { pictureId: 0x7f, pictureIdBits: 7 }, 'decodable'],
      ['lost', { pictureId: 0x80, pictureIdBits: 15 }, 'decodable'],
    )
    check(
      ['key', { pictureId: 0x7fff, pictureIdBits: 15 }, 'decodable'],
      ['lost', { pictureId: 0, pictureIdBits: 15 }, 'decodable'],
    )
  })

  it('leaves higher temporal layers out until they begin anew, and breaks with the base layer', () => {
    const layer = (temporalId: number, baseLayerIndex: number, layerSync = false) => ({
      temporalId,
      baseLayerIndex,
      layerSync,
    })
    check(
      ['key', layer(0, 255), 'decodable'],
      ['delta', layer(2, 255), 'decodable'],
      ['lost', layer(2, 255), 'skip'],
      ['delta', layer(0, 0), 'decodable'],
      ['delta', layer(1, 0), 'skip'],
      ['delta', layer(1, 0, true), 'decodable'],
      ['delta', layer(2, 0), 'decodable'],
      ['lost', layer(2, 1), 'broken'],
      ['delta', layer(0, 2), 'broken'],
    )
  })

  it('takes higher layers up again behind a switching point of VP9', () => {
    const layer = (temporalId: number, baseLayerIndex: number, switchingPoint = false) => ({
      temporalId,
      baseLayerIndex,
      switchingPoint,
    })
    check(
      ['key', layer(0, 7), 'decodable'],
      ['lost', layer(1, 7, true), 'skip'],
      ['delta', layer(0, 8, true), 'decodable'],
      ['delta', layer(1, 8), 'decodable'],
    )
  })

  it('does not take a frame whose keyframe is another: RFC 7741 §4.2, KEYIDX', () => {
    check(
      ['key', { keyframeIndex: 3 }, 'decodable'],
      ['delta', { keyframeIndex: 3 }, 'decodable'],
      ['delta', { keyframeIndex: 4 }, 'broken'],
      ['delta', { keyframeIndex: 3 }, 'broken'],
    )
  })
})
