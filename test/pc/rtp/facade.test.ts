import assert from 'node:assert/strict'
import type { Environment } from '../../../src/base/environment.ts'
import { EncodedTrackSink } from '../../../src/pc/media/encoded-track-sink.ts'
import { EncodedTrackSource } from '../../../src/pc/media/encoded-track-source.ts'
import { type MediaStreamTrack, sourceOf } from '../../../src/pc/media/media-stream-track.ts'
import { RtpTrackSink } from '../../../src/pc/media/rtp-track-sink.ts'
import { RtpTrackSource } from '../../../src/pc/media/rtp-track-source.ts'
import type { TargetBitrateEvent } from '../../../src/pc/media/target-bitrate-event.ts'
import type { RTCPeerConnection } from '../../../src/pc/rtc-peer-connection.ts'
import { RTCRtpSender } from '../../../src/pc/rtp/rtc-rtp-sender.ts'
import { serializeRtp } from '../../../src/rtp/packet.ts'
import { connectPair } from '../../sim/peers.ts'
import { Simulation } from '../../sim/virtual-environment.ts'
import { Collector, packet } from './fakes.ts'

interface Call {
  readonly sim: Simulation
  readonly environment: Environment
  readonly alice: RTCPeerConnection
  readonly bob: RTCPeerConnection
  /** Offers from alice; what bob's answer says may be changed. */
  negotiate(edit?: (sdp: string) => string): Promise<void>
  close(): Promise<void>
}

/** Two connections with a data channel between them, and no media yet. */
async function call(seed: number): Promise<Call> {
  const sim = new Simulation(seed)
  const environments = [sim.host('alice', ['192.0.2.1']), sim.host('bob', ['192.0.2.2'])] as const
  const { alice, bob } = connectPair(sim, { environments })
  await sim.runFor(2_000)
  const steps = async (edit: (sdp: string) => string): Promise<void> => {
    await alice.setLocalDescription()
    await bob.setRemoteDescription({ type: 'offer', sdp: alice.localDescription?.sdp ?? '' })
    await bob.setLocalDescription()
    await alice.setRemoteDescription({ type: 'answer', sdp: edit(bob.localDescription?.sdp ?? '') })
  }
  return {
    sim,
    environment: environments[1],
    alice,
    bob,
    negotiate: async (edit = sdp => sdp) => {
      const done = steps(edit)
      await sim.runFor(2_000)
      await done
    },
    close: async () => {
      alice.close()
      bob.close()
      await sim.runFor(1_000)
    },
  }
}

/** Writes audio at 50 packets a second. */
async function talk({ sim }: Call, source: RtpTrackSource, from: number, count: number): Promise<void> {
  for (let i = from; i < from + count; i++) {
    source.write(serializeRtp(packet({ sequenceNumber: i, timestamp: i * 960 })))
    await sim.runFor(20)
  }
}

function remoteTrack({ bob }: Call): MediaStreamTrack {
  const track = bob.getReceivers()[0]?.track
  assert.ok(track !== undefined)
  return track
}

/** Gives what a loop over a sink has read, once it has ended. */
async function read<Item>(sink: AsyncIterable<Item>): Promise<number> {
  let count = 0
  for await (const _ of sink) count++
  return count
}

describe('media between two connections', () => {
  it('mutes the track of the peer as soon as its transceiver is stopped here', async () => {
    const pair = await call(1)
    const source = new RtpTrackSource('audio')
    const sender = pair.alice.addTrack(source.track)
    await pair.negotiate()
    const track = remoteTrack(pair)
    const events: string[] = []
    for (const type of ['mute', 'unmute', 'ended']) track.addEventListener(type, () => events.push(type))
    await talk(pair, source, 0, 10)
    assert.deepEqual(events.splice(0), ['unmute'])
    // Neither of these takes the stream away: webrtc-pc §5.2.5 active.
    const parameters = sender.getParameters()
    for (const encoding of parameters.encodings) encoding.active = false
    const set = sender.setParameters(parameters)
    await pair.sim.runFor(10)
    await set
    const replaced = sender.replaceTrack(null)
    await pair.sim.runFor(10)
    await replaced
    await pair.sim.runFor(1_000)
    assert.deepEqual(events, [])
    pair.alice.getTransceivers()[0]?.stop()
    await pair.sim.runFor(100)
    assert.deepEqual(events.splice(0), ['mute'])
    assert.equal(pair.alice.signalingState, 'stable')
    await pair.negotiate()
    assert.deepEqual(events, ['ended'])
    await pair.close()
  })

  it('unmutes the track again when the stream comes back after a BYE', async () => {
    const pair = await call(2)
    const [first, second] = [new RtpTrackSource('audio'), new RtpTrackSource('audio')]
    pair.alice.addTrack(first.track)
    await pair.negotiate()
    const track = remoteTrack(pair)
    await talk(pair, first, 0, 5)
    pair.alice.getTransceivers()[0]?.stop()
    pair.alice.addTrack(second.track)
    await pair.negotiate()
    assert.equal(track.readyState, 'ended')
    await talk(pair, second, 0, 5)
    const live = pair.bob.getReceivers().map(receiver => receiver.track)
    assert.deepEqual(
      live.map(({ muted, readyState }) => [muted, readyState]),
      [[false, 'live']],
    )
    await pair.close()
  })

  it('tells a source what there is room for, and what the peer and setParameters() allow', async () => {
    const pair = await call(3)
    const { environment } = pair
    const source = new EncodedTrackSource('video', { codec: 'video/VP8', environment })
    const heard: TargetBitrateEvent[] = []
    source.ontargetbitrate = event => heard.push(event)
    const sender = pair.alice.addTrack(source.track)
    await pair.negotiate()
    assert.deepEqual(
      heard.map(({ rid, bitrate }) => [rid, bitrate]),
      [[null, 300_000]],
    )
    const frame = new Uint8Array(1_200).fill(1)
    for (let i = 0; i < 200; i++) {
      frame[0] = i === 0 ? 0x10 : 0x11
      source.write({ data: frame.slice(), timestampMs: i * 40 })
      await pair.sim.runFor(40)
    }
    assert.ok(heard.length > 1, 'the estimate has changed')
    assert.ok(heard.every(({ bitrate }) => bitrate > 0))
    await pair.negotiate(sdp => sdp.replace(/(m=video[\s\S]*?c=[^\r]*\r\n)/, '$1b=AS:200\r\nb=TIAS:123456\r\n'))
    assert.equal(heard.at(-1)?.bitrate, 123_456)
    const parameters = sender.getParameters()
    for (const encoding of parameters.encodings) {
      Object.assign(encoding, { maxBitrate: 99_000, maxFramerate: 10, scaleResolutionDownBy: 3 })
    }
    const set = sender.setParameters(parameters)
    await pair.sim.runFor(10)
    await set
    const last = heard.at(-1)
    assert.deepEqual(
      [last?.bitrate, last?.encoding],
      [99_000, { active: true, maxBitrate: 99_000, maxFramerate: 10, scaleResolutionDownBy: 3 }],
    )
    await pair.close()
    assert.equal(source.track.readyState, 'live')
  })

  it('computes the limit from b=AS where there is no b=TIAS', async () => {
    const pair = await call(4)
    const source = new RtpTrackSource('video', { environment: pair.environment })
    let last = 0
    source.ontargetbitrate = ({ bitrate }) => {
      last = bitrate
    }
    pair.alice.addTrack(source.track)
    await pair.negotiate(sdp => sdp.replace(/(m=video[\s\S]*?c=[^\r]*\r\n)/, '$1b=AS:200\r\n'))
    assert.equal(last, 200 * 1_000 * 0.95 - 50 * 40 * 8)
    // At the level of the session it is CT that counts, and AS that does not.
    await pair.negotiate(sdp => sdp.replace(/(s=[^\r]*\r\n)/, '$1b=AS:20\r\nb=CT:50\r\n'))
    assert.equal(last, 50_000)
    await pair.close()
  })

  it('divides the bit rate among the tracks of a transport, audio first', async () => {
    const pair = await call(5)
    const last = new Map<string, number>()
    for (const kind of ['audio', 'video', 'video'] as const) {
      const source = new RtpTrackSource(kind, { environment: pair.environment })
      const name = `${kind} ${last.size}`
      last.set(name, 0)
      source.ontargetbitrate = ({ bitrate }) => last.set(name, bitrate)
      pair.alice.addTrack(source.track)
    }
    await pair.negotiate()
    assert.deepEqual([...last.values()], [128_000, 86_000, 86_000])
    pair.alice.getTransceivers()[1]?.stop()
    await pair.sim.runFor(100)
    assert.equal(last.get('video 2'), 172_000)
    await pair.close()
  })

  it('holds frames as long as jitterBufferTarget of the receiver says', async () => {
    const pair = await call(6)
    const source = new EncodedTrackSource('audio', { codec: 'audio/PCMU' })
    pair.alice.addTrack(source.track)
    await pair.negotiate()
    const { receiver } = pair.bob.getTransceivers()[0] ?? assert.fail()
    const { environment } = pair
    const sink = new EncodedTrackSink(receiver.track, { environment })
    const heldMs: number[] = []
    sink.onframe = ({ receivedAt }) => heldMs.push(environment.clock.now() - receivedAt)
    const say = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) {
        source.write({ data: new Uint8Array(160).fill(0xff), durationMs: 20 })
        await pair.sim.runFor(20)
      }
    }
    await say(10)
    receiver.jitterBufferTarget = 3_000
    await say(50)
    await pair.sim.runFor(4_000)
    assert.equal(heldMs.length, 60)
    assert.ok(Math.max(...heldMs.slice(0, 5)) < 100, `${heldMs}`)
    assert.ok(Math.min(...heldMs.slice(15)) > 2_900, `${heldMs}`)
    await pair.close()
  })

  it('ends sinks of tracks whose transceiver or connection has ended, and keeps nothing', async () => {
    for (const end of ['stop', 'close', 'the peer stops'] as const) {
      const pair = await call(7)
      const source = new EncodedTrackSource('audio', { codec: 'audio/PCMU' })
      pair.alice.addTrack(source.track)
      await pair.negotiate()
      const track = remoteTrack(pair)
      const frames = new EncodedTrackSink(track, { environment: pair.environment, minDelayMs: 400 })
      const packets = new RtpTrackSink(track.clone())
      const reads = [read(frames), read(packets)]
      for (let i = 0; i < 5; i++) {
        source.write({ data: new Uint8Array(160).fill(0xff), durationMs: 20 })
        await pair.sim.runFor(20)
      }
      if (end === 'stop') pair.bob.getTransceivers()[0]?.stop()
      else if (end === 'close') pair.bob.close()
      else {
        pair.alice.getTransceivers()[0]?.stop()
        await pair.negotiate()
      }
      await pair.sim.runFor(10)
      assert.deepEqual(await Promise.all(reads), [5, 5], end)
      assert.equal(track.readyState, 'ended', end)
      assert.equal(sourceOf(track).jitterBufferTarget, null)
      await pair.close()
      assert.equal(source.write({ data: new Uint8Array(160), durationMs: 20 }), false)
      assert.equal(source.stats.dropped.unused, 1, `${end}: nobody is left who takes the track`)
    }
  })

  it('sends tones beside an encoded transform, on both sides', async () => {
    const pair = await call(8)
    const source = new EncodedTrackSource('audio', { codec: 'audio/opus' })
    const collector = new Collector()
    pair.bob.ontrack = ({ receiver, track }) => {
      const { readable, writable } = receiver.createEncodedStreams()
      void readable.pipeTo(writable).catch(() => undefined)
      sourceOf(track).subscribe(collector)
    }
    const sender = pair.alice.addTrack(source.track)
    const { readable, writable } = sender.createEncodedStreams()
    let frames = 0
    const count = new TransformStream({
      transform: (frame, controller) => {
        frames++
        controller.enqueue(frame)
      },
    })
    void readable
      .pipeThrough(count)
      .pipeTo(writable)
      .catch(() => undefined)
    await pair.negotiate()
    const say = async (packets: number): Promise<void> => {
      for (let i = 0; i < packets; i++) {
        source.write({ data: Uint8Array.of(31 << 3, i), durationMs: 20 })
        await new Promise(resolve => setImmediate(resolve))
        await pair.sim.runFor(20)
        await new Promise(resolve => setImmediate(resolve))
      }
    }
    await say(10)
    sender.dtmf?.insertDTMF('5', 100, 50)
    await say(30)
    const kinds = collector.packets.map(({ context: { codec } }) => codec?.mimeType)
    const tones = collector.packets.filter(({ context: { codec } }) => codec?.mimeType === 'audio/telephone-event')
    assert.ok(tones.length >= 3)
    assert.ok(tones.every(each => each.packet.payload[0] === 5 && each.packet.payload.length === 4))
    assert.equal(frames, 40)
    assert.ok(kinds.indexOf('audio/telephone-event') >= 10)
    assert.equal(kinds.at(-1), 'audio/opus')
    const numbers = collector.packets.map(each => each.packet.sequenceNumber)
    assert.equal(new Set(numbers).size, numbers.length, 'they share one numbering')
    await pair.close()
  })

  it('negotiates AV1 only where it is asked for', async () => {
    const capable = RTCRtpSender.getCapabilities('video')?.codecs ?? []
    const av1 = capable.find(({ mimeType }) => mimeType === 'video/AV1')
    const rtx = capable.find(({ mimeType }) => mimeType === 'video/rtx')
    assert.ok(av1 !== undefined && rtx !== undefined)
    const pair = await call(9)
    const plain = pair.alice.addTransceiver('video')
    const preferring = pair.alice.addTransceiver('video')
    preferring.setCodecPreferences([av1, rtx])
    const choosing = pair.alice.addTransceiver('video', { sendEncodings: [{ codec: av1 }] })
    const done = async (step: Promise<void>): Promise<void> => {
      await pair.sim.runFor(1_000)
      await step
    }
    await done(pair.alice.setLocalDescription())
    const sections = (sdp = ''): boolean[] => sdp.split('\r\nm=').map(section => section.includes(' AV1/90000'))
    assert.deepEqual(sections(pair.alice.localDescription?.sdp).slice(-3), [false, true, true])
    await done(pair.bob.setRemoteDescription({ type: 'offer', sdp: pair.alice.localDescription?.sdp ?? '' }))
    for (const { receiver } of pair.bob.getTransceivers()) assert.equal(receiver.track.kind, 'video')
    pair.bob.getTransceivers()[2]?.setCodecPreferences([av1])
    await done(pair.bob.setLocalDescription())
    // A section that has nothing but AV1 is rejected by who has not asked for it.
    assert.deepEqual(sections(pair.bob.localDescription?.sdp).slice(-3), [false, false, true])
    await done(pair.alice.setRemoteDescription({ type: 'answer', sdp: pair.bob.localDescription?.sdp ?? '' }))
    assert.deepEqual(
      [plain, preferring, choosing].map(({ currentDirection }) => currentDirection),
      ['sendonly', 'stopped', 'sendonly'],
    )
    assert.deepEqual(
      choosing.sender.getParameters().codecs.map(({ mimeType }) => mimeType),
      ['video/AV1'],
    )
    await pair.close()
  })
})
