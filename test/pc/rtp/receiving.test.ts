import assert from 'node:assert/strict'
import { sourceOf } from '../../../src/pc/media/media-stream-track.ts'
import { ExtensionUri } from '../../../src/rtp/extension-values.ts'
import { prng } from '../../support/prng.ts'
import { Collector, connected, type FakeTransport, received, receiveStream, section } from './fakes.ts'

function receiving(kind: 'audio' | 'video') {
  const negotiated = section({ kind, localExtensions: [{ id: 4, uri: ExtensionUri.absSendTime, encrypted: false }] })
  const all = connected(kind, {}, negotiated)
  const collector = new Collector()
  sourceOf(all.transceiver.receiver.track).subscribe(collector)
  all.transceiver.receiver.setMuted(false)
  return { ...all, negotiated, collector, receiver: all.transceiver.receiver }
}

const add = ({ fake }: FakeTransport, stream: ReturnType<typeof receiveStream>): void => void fake.received.push(stream)

describe('receiving the packets of a track', () => {
  it('gives each packet with its stream’s context, which stays the same', () => {
    const { host, receiver, collector, negotiated } = receiving('video')
    const stream = receiveStream(negotiated, { ssrc: 5, rid: 'q' })
    for (let i = 0; i < 3; i++) receiver.received(received(stream, { payloadType: 98, sequenceNumber: i }), host.now())
    const [first, ...rest] = collector.packets
    assert.deepEqual(first?.context.codec, { mimeType: 'video/VP9', clockRate: 90_000, sdpFmtpLine: 'profile-id=0' })
    assert.deepEqual([first?.context.rid, first?.context.paced], ['q', false])
    assert.equal(first?.context.extensions.uriOf(4), ExtensionUri.absSendTime)
    for (const { context } of rest) assert.equal(context, first?.context)
  })

  it('has a context for each payload type of a stream, which share its numbers, and others for another stream', () => {
    const { host, receiver, collector, negotiated } = receiving('audio')
    const [a, b] = [receiveStream(negotiated, { ssrc: 5 }), receiveStream(negotiated, { ssrc: 6 })]
    for (const [stream, payloadType] of [
      [a, 111],
      [a, 110],
      [b, 111],
      [a, 111],
    ] as const) {
      receiver.received(received(stream, { payloadType }), host.now())
    }
    const contexts = collector.packets.map(({ context }) => context)
    assert.deepEqual(
      contexts.map(({ codec }) => codec?.mimeType),
      ['audio/opus', 'audio/telephone-event', 'audio/opus', 'audio/opus'],
    )
    assert.equal(contexts[0]?.codec?.channels, 2)
    assert.equal(contexts[0], contexts[3])
    assert.equal(contexts[0]?.numbering, contexts[1]?.numbering)
    assert.notEqual(contexts[0]?.numbering, contexts[2]?.numbering)
  })

  it('keeps the contexts over a negotiation that changes nothing, and makes others if it does', () => {
    const { host, receiver, collector, negotiated } = receiving('audio')
    const stream = receiveStream(negotiated, { ssrc: 5 })
    const next = (): void => receiver.received(received(stream, { payloadType: 0 }), host.now())
    next()
    receiver.negotiated(structuredClone(negotiated))
    next()
    receiver.negotiated(section({ kind: 'audio' }))
    next()
    const [first, second, third] = collector.packets.map(({ context }) => context)
    assert.equal(first, second)
    assert.notEqual(second, third)
    assert.equal(third?.extensions.size, 0)
    assert.equal(third?.numbering, first?.numbering)
  })

  it('makes another context once a stream tells its rid', () => {
    const { host, receiver, collector, negotiated } = receiving('video')
    const stream = receiveStream(negotiated, { ssrc: 5 })
    receiver.received(received(stream, { payloadType: 96 }), host.now())
    stream.rid = 'h'
    receiver.received(received(stream, { payloadType: 96 }), host.now())
    receiver.received(received(stream, { payloadType: 96 }), host.now())
    const [first, second, third] = collector.packets.map(({ context }) => context)
    assert.deepEqual([first?.rid, second?.rid], [undefined, 'h'])
    assert.equal(second, third)
  })

  it('drops and counts payload types that were not negotiated', () => {
    const { host, receiver, collector, negotiated } = receiving('audio')
    const stream = receiveStream(negotiated)
    for (const payloadType of [1, 96, 127]) receiver.received(received(stream, { payloadType }), host.now())
    assert.deepEqual([receiver.drops['unknown-payload-type'], collector.packets.length], [3, 0])
    assert.deepEqual(receiver.object.getSynchronizationSources(), [])
  })

  it('gives what came before the track was unmuted to those who listen', () => {
    const { host, receiver, collector, negotiated } = receiving('video')
    receiver.setMuted(true)
    const stream = receiveStream(negotiated)
    receiver.received(received(stream, { payloadType: 96, sequenceNumber: 1 }), host.now())
    receiver.received(received(stream, { payloadType: 96, sequenceNumber: 2 }), host.now())
    host.runTasks()
    receiver.received(received(stream, { payloadType: 96, sequenceNumber: 3 }), host.now())
    assert.deepEqual(
      collector.packets.map(({ packet }) => packet.sequenceNumber),
      [1, 2, 3],
    )
  })

  it('asks the peer for keyframes: of one layer, or of all', () => {
    const { receiver, transport, negotiated } = receiving('video')
    add(transport, receiveStream(negotiated, { ssrc: 5, rid: 'q' }))
    add(transport, receiveStream(negotiated, { ssrc: 6, rid: 'h' }))
    const source = sourceOf(receiver.track)
    source.requestKeyframe('h')
    source.requestKeyframe()
    source.requestKeyframe('x')
    assert.deepEqual(transport.fake.keyframeRequests, [6, 5, 6])
    assert.equal(transport.scheduled, 3)
  })

  it('asks for no keyframes of audio, without a section, and once it is stopped', () => {
    const audio = receiving('audio')
    add(audio.transport, receiveStream(audio.negotiated, { ssrc: 5 }))
    audio.receiver.receiving.requestKeyframe()
    const video = receiving('video')
    add(video.transport, receiveStream(video.negotiated, { ssrc: 5 }))
    video.receiver.stopReceiving()
    video.receiver.receiving.requestKeyframe()
    assert.deepEqual([audio.transport.fake.keyframeRequests, video.transport.fake.keyframeRequests], [[], []])
  })

  it('takes an identifier that stands for two extensions, or is out of range, once or not at all', () => {
    const { host, receiver, collector, negotiated } = receiving('audio')
    const extensions = [
      { id: 4, uri: 'urn:a' },
      { id: 4, uri: 'urn:b' },
      { id: 4_096, uri: 'urn:c' },
    ]
    receiver.negotiated({ ...negotiated, rtp: { ...negotiated.rtp, extensions } })
    receiver.received(received(receiveStream(negotiated), { payloadType: 0 }), host.now())
    assert.deepEqual([...(collector.packets[0]?.context.extensions ?? [])], [[4, 'urn:a']])
  })

  it('survives any header extension', () => {
    const seed = 20_26
    const random = prng(seed)
    const uris = [ExtensionUri.audioLevel, ExtensionUri.mixerAudioLevels, ExtensionUri.absCaptureTime]
    const localExtensions = uris.map((uri, index) => ({ id: index + 1, uri, encrypted: false }))
    const negotiated = section({ kind: 'audio', localExtensions })
    const { host, transceiver } = connected('audio', {}, negotiated)
    const stream = receiveStream(negotiated)
    for (let i = 0; i < 20_000; i++) {
      const data = random.bytes((random.next() % 8) * 4)
      const profile = [0xbede, 0x1000, random.next() & 0xffff][random.next() % 3] as number
      const csrcs = Array.from({ length: random.next() % 16 }, () => random.next())
      const fields = { payloadType: 0, timestamp: random.next(), csrcs, extension: { profile, data } }
      transceiver.receiver.received(received(stream, fields), host.now())
    }
    const { receiver } = transceiver
    for (const { audioLevel = 0 } of [...receiver.contributingSources(), ...receiver.synchronizationSources()]) {
      assert.ok(audioLevel >= 0 && audioLevel <= 1, `seed ${seed}: level ${audioLevel}`)
    }
    assert.equal(receiver.contributingSources().length, 64)
  })
})
