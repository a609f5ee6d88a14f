import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { EncodedTrackSource } from '../../../src/pc/media/encoded-track-source.ts'
import { tellIntervalMs } from '../../../src/pc/media/encoding-targets.ts'
import type { MediaEnvironment } from '../../../src/pc/media/media-environment.ts'
import { sourceOf } from '../../../src/pc/media/media-stream-track.ts'
import { RtpTrackSource } from '../../../src/pc/media/rtp-track-source.ts'
import { TargetBitrateEvent } from '../../../src/pc/media/target-bitrate-event.ts'
import type { EncodingTarget } from '../../../src/pc/media/track-signal.ts'
import type { TypedEventTarget } from '../../../src/pc/webidl.ts'
import { serializeRtp } from '../../../src/rtp/packet.ts'
import { Collector } from './fake-source.ts'
import { packet, turn, virtualMedia } from './virtual-media.ts'

const target = (bitrate: number, fields: Partial<EncodingTarget> = {}): EncodingTarget => ({
  rid: undefined,
  active: true,
  bitrate,
  ...fields,
})

const sources = {
  RtpTrackSource: (environment: MediaEnvironment) => new RtpTrackSource('video', { environment }),
  EncodedTrackSource: (environment: MediaEnvironment) =>
    new EncodedTrackSource('video', { codec: 'video/VP8', environment }),
}

for (const [name, create] of Object.entries(sources)) {
  describe(`the targetbitrate events of ${name}`, () => {
    it('tell the least that its consumers have room for, once it changes', async () => {
      const media = virtualMedia(2)
      const source = create(media.environment)
      const heard: unknown[] = []
      source.ontargetbitrate = ({ rid, bitrate, encoding }) => heard.push([rid, bitrate, encoding])
      const gate = sourceOf(source.track)
      const clone = sourceOf(source.track.clone())
      const [a, b] = [{}, {}]
      for (const each of [gate, clone]) each.subscribe(new Collector())
      gate.encodingTargets?.(a, [target(100_000)])
      gate.encodingTargets?.(a, [target(300_000, { maxFramerate: 30, scaleResolutionDownBy: 1 })])
      await media.run(tellIntervalMs)
      assert.deepEqual(heard.splice(0), [[null, 300_000, { active: true, maxFramerate: 30, scaleResolutionDownBy: 1 }]])
      clone.encodingTargets?.(b, [target(200_000, { maxBitrate: 250_000, maxFramerate: 60, scaleResolutionDownBy: 2 })])
      await media.run(tellIntervalMs)
      const both = { active: true, maxBitrate: 250_000, maxFramerate: 30, scaleResolutionDownBy: 2 }
      assert.deepEqual(heard.splice(0), [[null, 200_000, both]])
      clone.encodingTargets?.(b, [target(200_000, { ...both })])
      await media.run(tellIntervalMs)
      assert.deepEqual(heard, [])
      clone.encodingTargets?.(b, [target(0, { active: false })])
      await media.run(tellIntervalMs)
      assert.deepEqual(heard.splice(0), [[null, 300_000, { active: true, maxFramerate: 30, scaleResolutionDownBy: 1 }]])
    })

    it('are about each encoding by itself, and about one that nobody takes', async () => {
      const media = virtualMedia(2)
      const source = create(media.environment)
      const heard: string[] = []
      const listenable: TypedEventTarget<{ targetbitrate: TargetBitrateEvent }> = source
      listenable.addEventListener('targetbitrate', ({ rid, bitrate, encoding }) =>
        heard.push(`${rid} ${bitrate} ${encoding.active}`),
      )
      const gate = sourceOf(source.track)
      gate.subscribe(new Collector())
      gate.encodingTargets?.({}, [target(0, { rid: 'f', active: false }), target(90_000, { rid: 'q' })])
      await media.run(tellIntervalMs)
      assert.deepEqual(heard, ['f 0 false', 'q 90000 true'])
    })

    it('come once for many changes in a short time, the first at once, and not after the end', async () => {
      const media = virtualMedia(4)
      const source = create(media.environment)
      const heard: (readonly [at: number, bitrate: number])[] = []
      source.ontargetbitrate = ({ bitrate }) => heard.push([media.time.now(), bitrate])
      const gate = sourceOf(source.track)
      gate.subscribe(new Collector())
      for (let i = 0; i <= 100; i++) {
        gate.encodingTargets?.(gate, [target(i)])
        await media.run(1)
      }
      assert.deepEqual(heard, [
        [0, 0],
        [50, 49],
        [100, 99],
      ])
      gate.encodingTargets?.(gate, [target(101)])
      source.close()
      await media.run(1_000)
      assert.equal(heard.length, 3)
      assert.equal(media.time.next(), undefined, 'no timer is left')
    })

    it('do not regard those who take nothing: a disabled track, one that has ended', async () => {
      const media = virtualMedia(2)
      const source = create(media.environment)
      const heard: number[] = []
      source.ontargetbitrate = ({ bitrate }) => heard.push(bitrate)
      const tracks = [source.track, source.track.clone(), source.track.clone()]
      tracks.forEach((track, i) => {
        const gate = sourceOf(track)
        gate.subscribe(new Collector())
        gate.encodingTargets?.({}, [target(100_000 * (i + 1))])
      })
      await media.run(tellIntervalMs)
      for (const step of [() => tracks[0]?.stop(), () => Object.assign(tracks[1] ?? {}, { enabled: false })]) {
        step()
        await media.run(tellIntervalMs)
      }
      Object.assign(tracks[1] ?? {}, { enabled: true })
      await media.run(tellIntervalMs)
      assert.deepEqual(heard, [100_000, 200_000, 300_000, 200_000])
      source.close()
      sourceOf(tracks[1] ?? source.track).encodingTargets?.({}, [target(1)])
      await media.run(tellIntervalMs)
      assert.equal(heard.length, 4)
    })
  })
}

describe('TargetBitrateEvent', () => {
  it('converts its arguments', () => {
    const event = new TargetBitrateEvent('targetbitrate', { bitrate: 5, rid: 'x', encoding: { maxBitrate: 7 } })
    assert.deepEqual(
      [event.type, event.bitrate, event.rid, event.encoding],
      ['targetbitrate', 5, 'x', { active: true, maxBitrate: 7 }],
    )
    assert.deepEqual(new TargetBitrateEvent('x', { bitrate: 1 }).encoding, { active: true })
    for (const args of [[], ['x'], ['x', {}], ['x', { bitrate: Number.NaN }], ['x', { bitrate: 1, encoding: 1 }]]) {
      assert.throws(() => Reflect.construct(TargetBitrateEvent, args), TypeError)
    }
  })
})

describe('RtpTrackSource.ready', () => {
  it('is there once who refused takes packets again, and else after a while', async () => {
    const media = virtualMedia(3)
    const source = new RtpTrackSource('video', { environment: media.environment })
    const [write, ready] = [() => source.write(serializeRtp(packet(1))), async () => void (await source.ready)]
    let resolved = 0
    const wait = (): void => void ready().then(() => resolved++, assert.fail)
    assert.equal(write(), false)
    wait()
    await media.run(10_000)
    assert.equal(resolved, 0)
    const collector = new Collector()
    const gate = sourceOf(source.track)
    gate.subscribe(collector)
    await turn()
    assert.equal(resolved, 1)
    collector.takes = false
    assert.equal(write(), false)
    wait()
    await turn()
    assert.equal(resolved, 1)
    gate.drained?.()
    await turn()
    assert.equal(resolved, 2)
    assert.equal(write(), false)
    wait()
    await media.run(100)
    assert.equal(resolved, 3)
    source.close()
    await assert.rejects(source.ready, { name: 'InvalidStateError' })
  })
})
