import assert from 'node:assert/strict'
import { createMediaStream } from '../../../src/pc/media/media-stream.ts'
import { RTCDTMFToneChangeEvent, RTCTrackEvent, type RTCTrackEventInit } from '../../../src/pc/rtp/events.ts'
import { FakeHost, transceiverOf } from './fakes.ts'

function init(): RTCTrackEventInit {
  const { object } = transceiverOf(new FakeHost(), 'audio')
  return { receiver: object.receiver, track: object.receiver.track, transceiver: object }
}

describe('RTCTrackEvent', () => {
  it('has what it was made of, and streams that cannot be changed', () => {
    const members = init()
    const streams = [createMediaStream('a')]
    const event = new RTCTrackEvent('track', { ...members, streams, cancelable: true })
    assert.deepEqual([event.type, event.cancelable, event.bubbles], ['track', true, false])
    assert.deepEqual(
      [event.receiver, event.track, event.transceiver],
      [members.receiver, members.track, members.transceiver],
    )
    assert.deepEqual(event.streams, streams)
    assert.equal(event.streams, event.streams)
    streams.pop()
    assert.equal(event.streams.length, 1)
    assert.throws(() => (event.streams as unknown[]).push(1), TypeError)
    assert.deepEqual(new RTCTrackEvent('track', members).streams, [])
  })

  it('throws TypeError where a member is missing or of another type', () => {
    for (const member of ['receiver', 'track', 'transceiver']) {
      for (const value of [undefined, null, {}, 1, new EventTarget()]) {
        assert.throws(() => new RTCTrackEvent('track', { ...init(), [member]: value }), TypeError, member)
      }
    }
    assert.throws(() => new RTCTrackEvent('track', { ...init(), streams: [{}] as never }), TypeError)
    assert.throws(() => new (RTCTrackEvent as unknown as new (type: string) => unknown)('track'), TypeError)
    assert.equal(RTCTrackEvent.length, 2)
  })
})

describe('RTCDTMFToneChangeEvent', () => {
  it('has a tone, by default the empty string', () => {
    assert.equal(new RTCDTMFToneChangeEvent('tonechange').tone, '')
    assert.equal(new RTCDTMFToneChangeEvent('tonechange', { tone: 'A' }).tone, 'A')
    assert.throws(() => new (RTCDTMFToneChangeEvent as unknown as new () => unknown)(), TypeError)
    assert.equal(String(new RTCDTMFToneChangeEvent('x')), '[object RTCDTMFToneChangeEvent]')
  })
})
