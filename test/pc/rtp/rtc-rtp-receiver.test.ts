import assert from 'node:assert/strict'
import { sourceOf } from '../../../src/pc/media/media-stream-track.ts'
import { RTCRtpReceiver } from '../../../src/pc/rtp/rtc-rtp-receiver.ts'
import {
  ExtensionUri,
  writeAbsCaptureTime,
  writeAudioLevel,
  writeMixerAudioLevels,
} from '../../../src/rtp/extension-values.ts'
import { buildExtension } from '../../../src/rtp/header-extensions.ts'
import { Collector, connected, FakeHost, received, receiveStream, section, transceiverOf } from './fakes.ts'

const extensions = [
  { id: 1, uri: ExtensionUri.audioLevel, encrypted: false },
  { id: 2, uri: ExtensionUri.mixerAudioLevels, encrypted: false },
  { id: 3, uri: ExtensionUri.absCaptureTime, encrypted: false },
]

function audioReceiver() {
  const negotiated = section({ kind: 'audio', localExtensions: extensions })
  return { ...connected('audio', {}, negotiated), negotiated, stream: receiveStream(negotiated, { ssrc: 77 }) }
}

describe('RTCRtpReceiver', () => {
  it('has a live, muted track from the start', () => {
    const { track, transport } = transceiverOf(new FakeHost(), 'video').receiver.object
    assert.deepEqual(
      [track.kind, track.label, track.readyState, track.muted, transport],
      ['video', 'remote video', 'live', true, null],
    )
  })

  it('has nothing in its parameters before a negotiation, and no cname after it', () => {
    assert.deepEqual(transceiverOf(new FakeHost(), 'audio').receiver.object.getParameters(), {
      headerExtensions: [],
      codecs: [],
      rtcp: { reducedSize: false },
    })
    const { headerExtensions, codecs, rtcp } = audioReceiver().transceiver.receiver.object.getParameters()
    assert.deepEqual(rtcp, { reducedSize: true })
    assert.deepEqual(headerExtensions, extensions)
    assert.deepEqual(codecs[0], {
      mimeType: 'audio/opus',
      clockRate: 48_000,
      channels: 2,
      sdpFmtpLine: 'minptime=10;useinbandfec=1',
      payloadType: 111,
    })
  })

  it('leaves out header extensions that go the other way', () => {
    const local = [{ id: 1, uri: ExtensionUri.audioLevel, encrypted: false, direction: 'sendonly' as const }]
    const remote = [{ id: 1, uri: ExtensionUri.audioLevel, encrypted: false, direction: 'recvonly' as const }]
    const negotiated = section({ kind: 'audio', localExtensions: local, remoteExtensions: remote })
    assert.deepEqual(
      connected('audio', {}, negotiated).transceiver.receiver.object.getParameters().headerExtensions,
      [],
    )
  })

  it('takes a jitter buffer target of up to four seconds, or none', () => {
    const { object } = transceiverOf(new FakeHost(), 'audio').receiver
    assert.equal(object.jitterBufferTarget, null)
    for (const target of [0, 4_000, 12.5, null]) {
      object.jitterBufferTarget = target
      assert.equal(object.jitterBufferTarget, target)
    }
    for (const target of [-0.1, 4_000.1]) assert.throws(() => (object.jitterBufferTarget = target), RangeError)
    for (const target of [Number.NaN, Number.POSITIVE_INFINITY, 'x']) {
      assert.throws(() => (object.jitterBufferTarget = target as number), TypeError)
    }
    assert.equal(object.jitterBufferTarget, null)
  })

  it('names the streams of the last ten seconds, the latest first, with their levels', () => {
    const { host, transceiver, negotiated, stream } = audioReceiver()
    const { object } = transceiver.receiver
    const extension = buildExtension([{ id: 1, data: writeAudioLevel({ level: 20, voiceActivity: true }) }])
    transceiver.receiver.received(received(stream, { payloadType: 111, timestamp: 5, extension }), host.now())
    host.advance(1_000)
    const silence = buildExtension([{ id: 1, data: writeAudioLevel({ level: 127, voiceActivity: false }) }])
    const other = receiveStream(negotiated, { ssrc: 78 })
    transceiver.receiver.received(received(other, { payloadType: 111, timestamp: 9, extension: silence }), host.now())
    assert.deepEqual(object.getSynchronizationSources(), [
      { source: 78, timestamp: host.wallTime(), rtpTimestamp: 9, audioLevel: 0 },
      { source: 77, timestamp: host.wallTime() - 1_000, rtpTimestamp: 5, audioLevel: 0.1 },
    ])
    host.advance(9_001)
    assert.deepEqual(
      object.getSynchronizationSources().map(({ source }) => source),
      [78],
    )
    assert.deepEqual(object.getContributingSources(), [])
  })

  it('names the contributing sources, with the levels that the mixer tells', () => {
    const { host, transceiver, stream } = audioReceiver()
    const data = writeMixerAudioLevels([0, 127])
    const fields = { payloadType: 111, timestamp: 5, csrcs: [1, 2, 3], extension: buildExtension([{ id: 2, data }]) }
    transceiver.receiver.received(received(stream, fields), host.now())
    const timestamp = host.wallTime()
    assert.deepEqual(transceiver.receiver.object.getContributingSources(), [
      { source: 1, timestamp, rtpTimestamp: 5, audioLevel: 1 },
      { source: 2, timestamp, rtpTimestamp: 5, audioLevel: 0 },
      { source: 3, timestamp, rtpTimestamp: 5 },
    ])
  })

  it('tells when a source was captured, and reckons on from there', () => {
    const { host, transceiver, stream } = audioReceiver()
    const data = writeAbsCaptureTime({ captureTime: (100n << 32n) | 0x8000_0000n, clockOffset: -(1n << 31n) })
    transceiver.receiver.received(
      received(stream, { payloadType: 111, timestamp: 48_000, extension: buildExtension([{ id: 3, data }]) }),
      host.now(),
    )
    transceiver.receiver.received(received(stream, { payloadType: 111, timestamp: 96_000 }), host.now())
    const [source] = transceiver.receiver.object.getSynchronizationSources()
    assert.deepEqual([source?.captureTimestamp, source?.senderCaptureTimeOffset], [101_500, -500])
  })

  it('unmutes its track in a task when the first packet comes, and not without payload', () => {
    const { host, transceiver, stream } = audioReceiver()
    const { track } = transceiver.receiver
    let unmuted = 0
    track.onunmute = () => unmuted++
    transceiver.receiver.received(received(stream, { payloadType: 111, payload: new Uint8Array() }), host.now())
    assert.equal(host.pendingTasks, 0)
    transceiver.receiver.received(received(stream, { payloadType: 111 }), host.now())
    transceiver.receiver.received(received(stream, { payloadType: 111 }), host.now())
    assert.deepEqual([track.muted, host.pendingTasks], [true, 1])
    host.runTasks()
    assert.deepEqual([track.muted, unmuted], [false, 1])
  })

  it('mutes its track when a stream says goodbye, and unmutes it when another one comes', () => {
    const { host, transceiver, stream } = audioReceiver()
    const { receiver } = transceiver
    receiver.received(received(stream, { payloadType: 111 }), host.now())
    host.runTasks()
    receiver.streamEnded(78)
    assert.equal(host.pendingTasks, 0)
    receiver.streamEnded(77)
    host.runTasks()
    assert.equal(receiver.track.muted, true)
    receiver.received(received(stream, { payloadType: 111 }), host.now())
    host.runTasks()
    assert.equal(receiver.track.muted, false)
  })

  it('drops and counts what comes while it is not receptive, or stopped', () => {
    const { host, transceiver, stream } = audioReceiver()
    const collector = new Collector()
    sourceOf(transceiver.receiver.track).subscribe(collector)
    transceiver.receptive = false
    transceiver.receiver.received(received(stream, { payloadType: 111 }), host.now())
    transceiver.receptive = true
    transceiver.object.stop()
    host.runTasks()
    transceiver.receiver.received(received(stream, { payloadType: 111 }), host.now())
    assert.deepEqual(
      [transceiver.receiver.drops['not-receptive'], host.pendingTasks, collector.packets.length],
      [2, 0, 0],
    )
  })

  it('asks the connection for statistics', async () => {
    const { host, transceiver } = audioReceiver()
    const { object } = transceiver.receiver
    assert.equal(await object.getStats(), host.stats)
    assert.deepEqual(host.statsSelectors, [object])
  })

  it('looks as WebIDL has it', () => {
    assert.throws(() => new (RTCRtpReceiver as unknown as new () => unknown)(), TypeError)
    assert.throws(() => RTCRtpReceiver.prototype.track, TypeError)
    assert.equal(String(audioReceiver().transceiver.receiver.object), '[object RTCRtpReceiver]')
    assert.deepEqual(RTCRtpReceiver.getCapabilities('audio')?.codecs[0]?.mimeType, 'audio/opus')
    assert.equal(RTCRtpReceiver.getCapabilities('video '), null)
  })
})
