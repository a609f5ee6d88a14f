import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import {
  addTrackToStream,
  createMediaStream,
  hasTrack,
  MediaStream,
  removeTrackFromStream,
} from '../../../src/pc/media/media-stream.ts'
import { createTrack } from '../../../src/pc/media/media-stream-track.ts'
import { MediaStreamTrackEvent } from '../../../src/pc/media/media-stream-track-event.ts'
import type { MediaKind } from '../../../src/pc/media/track-signal.ts'
import { FakeSource } from './fake-source.ts'

const newTrack = (kind: MediaKind) => createTrack({ source: new FakeSource(kind) }).track

describe('MediaStream', () => {
  it('is made empty, of tracks, or of the tracks of another stream', () => {
    const [audio, video] = [newTrack('audio'), newTrack('video')]
    const stream = new MediaStream([audio, video, audio])
    const same = new MediaStream(stream)
    assert.deepEqual(new MediaStream().getTracks(), [])
    assert.deepEqual(stream.getTracks(), [audio, video])
    assert.deepEqual(same.getTracks(), [audio, video])
    assert.notEqual(same.id, stream.id)
    assert.deepEqual(stream.getAudioTracks(), [audio])
    assert.deepEqual(stream.getVideoTracks(), [video])
    assert.equal(stream.getTrackById(video.id), video)
    assert.equal(stream.getTrackById('another'), null)
    assert.equal(String(stream), '[object MediaStream]')
  })

  it('refuses what is neither a stream nor tracks', () => {
    for (const argument of [null, 1, 'text', {}, [1], [newTrack('audio'), {}]]) {
      assert.throws(() => Reflect.construct(MediaStream, [argument]), TypeError)
    }
    const stream = new MediaStream()
    for (const method of ['addTrack', 'removeTrack', 'getTrackById'] as const) {
      assert.throws(() => Reflect.apply(stream[method], stream, []), /1 argument required/)
    }
    assert.throws(() => Reflect.apply(stream.addTrack, stream, [{}]), /is not of type 'MediaStreamTrack'/)
  })

  it('fires nothing when the application adds and removes tracks', () => {
    const stream = new MediaStream()
    stream.onaddtrack = stream.onremovetrack = () => assert.fail('no event')
    const track = newTrack('audio')
    stream.addTrack(track)
    stream.addTrack(track)
    assert.deepEqual(stream.getTracks(), [track])
    stream.removeTrack(track)
    stream.removeTrack(track)
    assert.deepEqual(stream.getTracks(), [])
  })

  it('fires addtrack and removetrack when others than the application do, once each', () => {
    const stream = createMediaStream('remote')
    assert.equal(stream.id, 'remote')
    const track = newTrack('video')
    const log: string[] = []
    const note = (event: MediaStreamTrackEvent): void => {
      assert.ok(event instanceof MediaStreamTrackEvent && event.track === track)
      log.push(`${event.type} ${hasTrack(stream, track)}`)
    }
    stream.onaddtrack = stream.onremovetrack = note
    for (let i = 0; i < 2; i++) addTrackToStream(stream, track)
    for (let i = 0; i < 2; i++) removeTrackFromStream(stream, track)
    assert.deepEqual(log, ['addtrack true', 'removetrack false'])
  })

  it('is active while one of its tracks is live', () => {
    const [audio, video] = [newTrack('audio'), newTrack('video')]
    const stream = new MediaStream([audio, video])
    audio.stop()
    assert.equal(stream.active, true)
    video.stop()
    assert.equal(stream.active, false)
    assert.equal(new MediaStream().active, false)
  })

  it('clones with its tracks', () => {
    const track = newTrack('audio')
    const stream = new MediaStream([track])
    const clone = stream.clone()
    assert.notEqual(clone.id, stream.id)
    assert.equal(clone.getTracks().length, 1)
    assert.equal(hasTrack(clone, track), false)
  })

  it('has events that must be given a track', () => {
    const track = newTrack('audio')
    assert.equal(new MediaStreamTrackEvent('addtrack', { track }).track, track)
    assert.throws(() => Reflect.construct(MediaStreamTrackEvent, ['addtrack']), /2 arguments required/)
    assert.throws(() => Reflect.construct(MediaStreamTrackEvent, ['addtrack', {}]), /track is required/)
    assert.throws(() => Reflect.construct(MediaStreamTrackEvent, ['addtrack', { track: {} }]), TypeError)
  })
})
