import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { createTrack, MediaStreamTrack, observeTrack, sourceOf } from '../../../src/pc/media/media-stream-track.ts'
import { OverconstrainedError } from '../../../src/pc/media/overconstrained-error.ts'
import { maxHeldPackets } from '../../../src/pc/media/track-gate.ts'
import { Collector, FakeSource } from './fake-source.ts'
import { packet } from './virtual-media.ts'

describe('MediaStreamTrack', () => {
  it('gives a clone the content hint that it has then, and each has its own from there', () => {
    const { track } = createTrack({ source: new FakeSource('video') })
    track.contentHint = 'motion'
    const clone = track.clone()
    assert.equal(clone.contentHint, 'motion')
    clone.contentHint = 'text'
    track.contentHint = ''
    assert.deepEqual([track.contentHint, clone.contentHint, track.clone().contentHint], ['', 'text', ''])
  })

  it('cannot be constructed by applications, and looks as WebIDL has it', () => {
    assert.throws(() => Reflect.construct(MediaStreamTrack, []), new TypeError('Illegal constructor'))
    const { track } = createTrack({ source: new FakeSource('audio'), label: 'a label' })
    assert.equal(String(track), '[object MediaStreamTrack]')
    assert.ok(Object.keys(Object.getPrototypeOf(track)).includes('applyConstraints'))
    assert.equal(track.kind, 'audio')
    assert.equal(track.label, 'a label')
    assert.match(track.id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    assert.deepEqual([track.enabled, track.muted, track.readyState, track.contentHint], [true, false, 'live', ''])
  })

  it('keeps an identifier that it was given', () => {
    assert.equal(createTrack({ source: new FakeSource(), id: 'from the peer' }).track.id, 'from the peer')
  })

  it('converts enabled, and ignores a content hint that is not one of its kind', () => {
    const { track } = createTrack({ source: new FakeSource('video') })
    Reflect.set(track, 'enabled', '')
    assert.equal(track.enabled, false)
    track.contentHint = 'motion'
    track.contentHint = 'speech'
    assert.equal(track.contentHint, 'motion')
    track.contentHint = ''
    assert.equal(track.contentHint, '')
  })

  it('subscribes to its source only while somebody takes its packets', () => {
    const source = new FakeSource()
    const signal = sourceOf(createTrack({ source }).track)
    assert.equal(source.fanout.size, 0)
    const leave = [signal.subscribe(new Collector()), signal.subscribe(new Collector())]
    assert.equal(source.fanout.size, 1)
    leave[0]?.()
    leave[0]?.()
    assert.equal(source.fanout.size, 1)
    leave[1]?.()
    assert.equal(source.fanout.size, 0)
  })

  it('gives nothing while it is disabled, and asks for a keyframe when it is enabled again', () => {
    const source = new FakeSource()
    const { track } = createTrack({ source })
    const consumer = new Collector()
    sourceOf(track).subscribe(consumer)
    assert.equal(source.give(packet(1)), true)
    track.enabled = false
    assert.equal(source.give(packet(2)), false)
    sourceOf(track).requestKeyframe('a')
    assert.deepEqual(source.keyframeRequests, [])
    track.enabled = true
    assert.deepEqual(source.keyframeRequests, [undefined])
    source.give(packet(3))
    assert.deepEqual(consumer.sequence, [1, 3])
  })

  it('gives nothing after stop(), which fires no event and stops the source with the last track', () => {
    const source = new FakeSource()
    let stopped = 0
    const { track } = createTrack({ source, stopped: () => stopped++ })
    const clone = track.clone()
    const consumer = new Collector()
    sourceOf(track).subscribe(consumer)
    track.onended = () => assert.fail('no event')
    let told = 0
    observeTrack(track, { ended: () => told++ })
    track.stop()
    track.stop()
    source.give(packet(1))
    assert.deepEqual([track.readyState, clone.readyState, told, stopped], ['ended', 'live', 1, 0])
    assert.deepEqual(consumer.sequence, [])
    clone.stop()
    assert.equal(stopped, 1)
  })

  it('fires ended at each live track when the source ends, once, with the state already changed', () => {
    const { track, end } = createTrack({ source: new FakeSource() })
    const [second, third] = [track.clone(), track.clone()]
    const log: string[] = []
    for (const [name, each] of Object.entries({ track, second, third })) {
      each.addEventListener('ended', () => log.push(`${name} ${each.readyState}`))
    }
    track.addEventListener('ended', () => second.stop())
    end()
    end()
    assert.deepEqual(log, ['track ended', 'third ended'])
    assert.equal(second.readyState, 'ended')
  })

  it('fires mute and unmute at all tracks of the source, when the state changes and not otherwise', () => {
    const { track, setMuted } = createTrack({ source: new FakeSource(), muted: true })
    const clone = track.clone()
    assert.deepEqual([track.muted, clone.muted], [true, true])
    const log: string[] = []
    track.onmute = event => log.push(`track ${event.type} ${track.muted}`)
    track.onunmute = event => log.push(`track ${event.type} ${track.muted}`)
    clone.onunmute = event => log.push(`clone ${event.type} ${clone.muted}`)
    for (const muted of [true, false, false, true]) setMuted(muted)
    assert.deepEqual(log, ['track unmute false', 'clone unmute false', 'track mute true'])
  })

  it('gives what came while it was muted before it fires unmute', () => {
    const source = new FakeSource()
    const { track, setMuted } = createTrack({ source, muted: true })
    const consumer = new Collector()
    sourceOf(track).subscribe(consumer)
    source.give(packet(1))
    source.give(packet(2))
    assert.deepEqual(consumer.sequence, [])
    track.onunmute = () => assert.deepEqual(consumer.sequence, [1, 2])
    setMuted(false)
    source.give(packet(3))
    assert.deepEqual(consumer.sequence, [1, 2, 3])
  })

  it('holds the newest packets while it is muted, and no more than it may', () => {
    const source = new FakeSource()
    const { track, setMuted } = createTrack({ source, muted: true })
    const consumer = new Collector()
    sourceOf(track).subscribe(consumer)
    for (let i = 0; i < 3 * maxHeldPackets; i++) source.give(packet(i))
    setMuted(false)
    assert.equal(consumer.packets.length, maxHeldPackets)
    assert.equal(consumer.sequence[0], 2 * maxHeldPackets)
  })

  it('forgets what it holds when it is disabled or nobody listens any more', () => {
    const source = new FakeSource()
    const { track, setMuted } = createTrack({ source, muted: true })
    const consumer = new Collector()
    const leave = sourceOf(track).subscribe(consumer)
    source.give(packet(1))
    track.enabled = false
    track.enabled = true
    source.give(packet(2))
    leave()
    sourceOf(track).subscribe(consumer)
    source.give(packet(3))
    setMuted(false)
    assert.deepEqual(consumer.sequence, [3])
  })

  it('asks for no keyframes of audio', () => {
    const source = new FakeSource('audio')
    const { track } = createTrack({ source })
    sourceOf(track).subscribe(new Collector())
    track.enabled = false
    track.enabled = true
    sourceOf(track).requestKeyframe()
    assert.deepEqual(source.keyframeRequests, [])
  })

  it('clones into a track of its own: enabled, of the same source, with the same constraints', async () => {
    const source = new FakeSource()
    const { track } = createTrack({ source, label: 'camera' })
    await track.applyConstraints({ width: 640, advanced: [{ frameRate: { ideal: 30 } }] })
    track.enabled = false
    const clone = track.clone()
    assert.notEqual(clone.id, track.id)
    assert.deepEqual([clone.enabled, clone.label, clone.readyState], [true, 'camera', 'live'])
    assert.deepEqual(clone.getConstraints(), { width: 640, advanced: [{ frameRate: { ideal: 30 } }] })
    const consumer = new Collector()
    sourceOf(clone).subscribe(consumer)
    source.give(packet(1))
    assert.deepEqual(consumer.sequence, [1])
    track.stop()
    assert.equal(track.clone().readyState, 'ended')
    assert.equal(clone.readyState, 'live')
  })

  it('tells who observes it of enabled and of its end, until they leave', () => {
    const { track } = createTrack({ source: new FakeSource() })
    const log: unknown[] = []
    observeTrack(track, { enabledChanged: enabled => log.push(enabled), ended: () => log.push('ended') })
    const leave = observeTrack(track, { enabledChanged: () => assert.fail('left') })
    leave()
    track.enabled = false
    track.enabled = false
    track.enabled = true
    track.stop()
    track.enabled = false
    assert.deepEqual(log, [false, true, 'ended'])
  })

  it('cannot be constrained where its source has no choice', async () => {
    const { track } = createTrack({ source: new FakeSource('video') })
    await track.applyConstraints()
    await track.applyConstraints({ width: 1, channelCount: { exact: 2 }, advanced: [{ height: 7 }] })
    await assert.rejects(track.applyConstraints({ width: { min: 1 } }), (error: unknown) => {
      assert.ok(error instanceof OverconstrainedError && error instanceof DOMException)
      assert.deepEqual([error.name, error.constraint, error.code], ['OverconstrainedError', 'width', 0])
      return true
    })
    await assert.rejects(Reflect.apply(track.applyConstraints, track, ['text']), TypeError)
    assert.deepEqual(track.getConstraints(), { width: 1, channelCount: { exact: 2 }, advanced: [{ height: 7 }] })
    assert.deepEqual([track.getCapabilities(), track.getSettings()], [{}, {}])
    track.stop()
    await track.applyConstraints({ width: { min: 1 } })
  })
})
