import assert from 'node:assert/strict'
import type { StreamContext, TrackConsumer } from '../../../src/pc/media/track-signal.ts'
import { Sending } from '../../../src/pc/rtp/sending.ts'
import { ExtensionUri } from '../../../src/rtp/extension-values.ts'
import { buildExtension, HeaderExtensionMap } from '../../../src/rtp/header-extensions.ts'
import type { RtpPacket } from '../../../src/rtp/packet.ts'
import {
  connected,
  context,
  FakeHost,
  type FakeSendStream,
  type FakeSource,
  fakeTransport,
  localTrack,
  packet,
  peerCodecs,
  section,
  transceiverOf,
} from './fakes.ts'

function sending(
  kind: 'audio' | 'video',
  encodings: { rid?: string; active?: boolean }[] = [],
  negotiated = section({ kind }),
) {
  const { source, track } = localTrack(kind)
  const all = connected(kind, { track, encodings }, negotiated)
  return {
    ...all,
    source,
    track,
    stream: all.streams[0] as FakeSendStream,
    drops: all.transceiver.sender.sending.drops,
  }
}

const write = (source: FakeSource, fields: Partial<RtpPacket>, of: StreamContext): boolean =>
  source.fanout.deliver(packet(fields), of, undefined)

const vp8 = { mimeType: 'video/VP8', clockRate: 90_000 }

describe('sending the packets of a track', () => {
  it('sends them with the payload type of the peer, and otherwise as they are', () => {
    const { source, stream, transport } = sending('video')
    const of = context({ codec: vp8, paced: true })
    const payload = Uint8Array.of(9)
    assert.equal(
      write(source, { payloadType: 5, sequenceNumber: 7, timestamp: 8, marker: true, csrcs: [3], payload }, of),
      true,
    )
    const { source: numbering, ...sent } = stream.sent[0] as (typeof stream.sent)[0]
    assert.deepEqual(sent, {
      payloadType: 36,
      sequenceNumber: 7,
      timestamp: 8,
      marker: true,
      csrcs: [3],
      payload,
      elements: [],
      paced: true,
    })
    assert.equal(sent.payload, payload)
    assert.equal(typeof numbering, 'object')
    assert.equal(transport.scheduled, 1)
  })

  const choices: [string, StreamContext['codec'], number | undefined][] = [
    ['the first media codec if the source does not say', undefined, 36],
    ['a codec by its name', vp8, 36],
    ['a codec by its name in any case', { mimeType: 'video/vp8', clockRate: 90_000 }, 36],
    ['the first one of a name that has no parameters', { mimeType: 'video/H264', clockRate: 90_000 }, 42],
    [
      'the one with the same packetization mode',
      { mimeType: 'video/H264', clockRate: 90_000, sdpFmtpLine: 'packetization-mode=0;profile-level-id=42e01f' },
      44,
    ],
    [
      'a lower level of the same profile',
      { mimeType: 'video/H264', clockRate: 90_000, sdpFmtpLine: 'packetization-mode=1;profile-level-id=42e00b' },
      42,
    ],
    [
      'nothing for another profile',
      { mimeType: 'video/H264', clockRate: 90_000, sdpFmtpLine: 'packetization-mode=1;profile-level-id=640c1f' },
      undefined,
    ],
    ['nothing for another codec', { mimeType: 'video/H265', clockRate: 90_000 }, undefined],
    ['nothing for another clock rate', { mimeType: 'video/VP8', clockRate: 48_000 }, undefined],
  ]
  for (const [what, codec, payloadType] of choices) {
    it(`takes ${what}`, () => {
      const { source, stream, drops } = sending('video')
      assert.equal(write(source, {}, context({ codec })), payloadType !== undefined)
      assert.deepEqual(
        stream.sent.map(each => each.payloadType),
        payloadType === undefined ? [] : [payloadType],
      )
      assert.equal(drops['no-codec'], payloadType === undefined ? 1 : 0)
    })
  }

  it('takes a codec that the application has set for the encoding, where the source leaves it open', async () => {
    const { host, source, stream, transceiver } = sending('video')
    const { object } = transceiver.sender
    const parameters = object.getParameters()
    Object.assign(parameters.encodings[0] as object, {
      codec: { mimeType: 'video/VP9', clockRate: 90_000, sdpFmtpLine: 'profile-id=0' },
    })
    const done = object.setParameters(parameters)
    await host.settle()
    await done
    write(source, {}, context())
    write(source, {}, context({ codec: vp8 }))
    assert.deepEqual(
      stream.sent.map(each => each.payloadType),
      [38, 36],
    )
  })

  it('sends telephone events of a received stream as such, and takes no media for them', () => {
    const { source, stream } = sending('audio')
    const numbering = {}
    write(
      source,
      { sequenceNumber: 1 },
      context({ codec: { mimeType: 'audio/opus', clockRate: 48_000, channels: 2 }, numbering }),
    )
    write(
      source,
      { sequenceNumber: 2 },
      context({ codec: { mimeType: 'audio/telephone-event', clockRate: 48_000 }, numbering }),
    )
    assert.deepEqual(
      stream.sent.map(each => each.payloadType),
      [51, 50],
    )
    assert.equal(stream.sent[0]?.source, stream.sent[1]?.source)
  })

  it('takes another numbering for another context', () => {
    const { source, stream } = sending('audio')
    write(source, {}, context())
    write(source, {}, context())
    assert.notEqual(stream.sent[0]?.source, stream.sent[1]?.source)
  })

  it('sends what is negotiated, active and enabled, and nothing else', async () => {
    const { host, source, stream, transceiver, track, drops } = sending('audio')
    const of = context()
    const attempt = (): number => {
      const before = stream.sent.length
      write(source, {}, of)
      return stream.sent.length - before
    }
    assert.equal(attempt(), 1)
    track.enabled = false
    assert.equal(attempt(), 0)
    track.enabled = true
    assert.equal(attempt(), 1)
    transceiver.currentDirection = 'recvonly'
    assert.equal(attempt(), 0)
    assert.equal(drops['not-sending'], 1)
    transceiver.currentDirection = 'sendonly'
    assert.equal(attempt(), 1)
    const { object } = transceiver.sender
    for (const active of [false, true]) {
      const parameters = object.getParameters()
      Object.assign(parameters.encodings[0] as object, { active })
      const done = object.setParameters(parameters)
      await host.settle()
      await done
      assert.equal(attempt(), active ? 1 : 0)
    }
    assert.equal(drops.inactive, 1)
    transceiver.sender.negotiated(section({ kind: 'audio', sends: false }))
    assert.equal(attempt(), 0)
    transceiver.sender.negotiated(section({ kind: 'audio' }))
    assert.equal(attempt(), 1)
    transceiver.object.stop()
    assert.equal(attempt(), 0)
    assert.equal(source.fanout.size, 0)
  })

  it('goes on under other numbers after packets were left out on purpose', () => {
    const { source, stream, transceiver, track } = sending('audio')
    const of = context()
    const next = (): void => void write(source, {}, of)
    next()
    transceiver.currentDirection = 'recvonly'
    next()
    transceiver.currentDirection = 'sendrecv'
    next()
    next()
    track.enabled = false
    track.enabled = true
    next()
    const sources = stream.sent.map(each => each.source)
    assert.equal(new Set(sources).size, 3)
    assert.equal(sources[1], sources[2])
  })

  it('lets one layer rest without disturbing the numbers of the others', () => {
    const { source, streams } = sending('video', [{ rid: 'a' }, { rid: 'b', active: false }])
    const [a, b] = [context({ rid: 'a' }), context({ rid: 'b' })]
    for (let i = 0; i < 3; i++) {
      write(source, {}, a)
      write(source, {}, b)
    }
    assert.deepEqual([streams[0]?.sent.length, streams[1]?.sent.length], [3, 0])
    assert.equal(new Set(streams[0]?.sent.map(each => each.source)).size, 1)
  })

  it('sends each layer of a simulcast as the encoding of its rid', () => {
    const { source, streams, drops } = sending('video', [{ rid: 'a' }, { rid: 'b' }])
    assert.equal(write(source, { sequenceNumber: 1 }, context({ rid: 'b' })), true)
    assert.equal(write(source, { sequenceNumber: 2 }, context({ rid: 'a' })), true)
    assert.equal(write(source, { sequenceNumber: 3 }, context()), true)
    assert.equal(write(source, { sequenceNumber: 4 }, context({ rid: 'c' })), false)
    assert.deepEqual(
      streams.map(({ sent }) => sent.map(each => each.sequenceNumber)),
      [[2, 3], [1]],
    )
    assert.equal(drops['no-encoding'], 1)
  })

  it('sends of several layers the first that comes, if there is a single encoding', () => {
    const { source, stream, drops } = sending('video')
    const [a, b] = [context({ rid: 'a' }), context({ rid: 'b' })]
    write(source, { sequenceNumber: 1 }, b)
    assert.equal(write(source, { sequenceNumber: 2 }, a), true)
    write(source, { sequenceNumber: 3 }, b)
    assert.deepEqual(
      stream.sent.map(each => each.sequenceNumber),
      [1, 3],
    )
    assert.equal(drops['other-encoding'], 1)
  })

  it('sends the layer that is left of a simulcast, and no other', () => {
    const { source, stream, drops } = sending('video', [{ rid: 'b' }])
    write(source, { sequenceNumber: 1 }, context({ rid: 'a' }))
    write(source, { sequenceNumber: 2 }, context({ rid: 'b' }))
    assert.deepEqual(
      stream.sent.map(each => each.sequenceNumber),
      [2],
    )
    assert.equal(drops['no-encoding'], 1)
  })

  it('passes keyframe requests on to the source, for the layer that is meant', () => {
    const { source, transceiver } = sending('video', [{ rid: 'a' }, { rid: 'b' }])
    source.keyframeRequests.length = 0
    transceiver.sender.keyframeRequested(transceiver.sender.encodings[1]?.ssrc as number)
    transceiver.sender.keyframeRequested(1)
    assert.deepEqual(source.keyframeRequests, ['b'])
    const single = sending('video')
    single.source.keyframeRequests.length = 0
    write(single.source, {}, context({ rid: 'q' }))
    single.transceiver.sender.keyframeRequested(single.transceiver.sender.encodings[0]?.ssrc as number)
    assert.deepEqual(single.source.keyframeRequests, ['q'])
  })

  it('goes on where an SSRC was replaced', () => {
    const { source, streams, transceiver, transport } = sending('video', [{ rid: 'a' }])
    const before = transceiver.sender.encodings[0]?.ssrc as number
    transport.fake.sendStreams.set(99, streams[0] as FakeSendStream)
    transceiver.sender.ssrcReplaced(before, 99)
    source.keyframeRequests.length = 0
    transceiver.sender.keyframeRequested(99)
    assert.deepEqual(source.keyframeRequests, ['a'])
    assert.equal(write(source, {}, context({ rid: 'a' })), true)
  })

  it('asks for a keyframe when it begins, with another track, and when the keys are there at last', () => {
    const { source, stream, transceiver } = sending('video')
    assert.deepEqual(source.keyframeRequests, [undefined])
    stream.drop = { drop: 'not-ready' }
    assert.equal(write(source, {}, context()), false)
    stream.drop = undefined
    write(source, {}, context())
    write(source, {}, context())
    assert.deepEqual(source.keyframeRequests, [undefined, undefined])
    const next = localTrack('video')
    transceiver.sender.track = next.track
    assert.deepEqual([source.fanout.size, next.source.fanout.size, next.source.keyframeRequests.length], [0, 1, 1])
  })

  it('asks for a keyframe of every layer when the keys are there', () => {
    const { source, streams } = sending('video', [{ rid: 'a' }, { rid: 'b' }])
    source.keyframeRequests.length = 0
    const layer = context({ rid: 'a' })
    for (const drop of [{ drop: 'not-ready' } as const, undefined]) {
      for (const stream of streams) stream.drop = drop
      write(source, {}, layer)
    }
    assert.deepEqual(source.keyframeRequests, ['a', 'b'])
  })

  it('goes through the transform, which may see to keyframes itself, and leaves it with the source', () => {
    const { transceiver } = sending('video')
    const attached: TrackConsumer[] = []
    let detached = 0
    const pipeline = new Sending(transceiver.sender, transceiver, {
      attach: next => {
        attached.push(next)
        return { packet: () => false, detach: () => detached++ }
      },
      keyframeRequested: () => true,
    })
    const { source, track } = localTrack('video')
    pipeline.setTrack(track)
    pipeline.negotiated(section({ kind: 'video' }))
    assert.deepEqual([attached, detached], [[pipeline], 0])
    assert.equal(write(source, {}, context()), false)
    source.keyframeRequests.length = 0
    pipeline.keyframeRequested(transceiver.sender.encodings[0]?.ssrc as number)
    assert.deepEqual(source.keyframeRequests, [])
    pipeline.stop()
    assert.deepEqual([source.fanout.size, detached], [0, 1])
  })

  it('asks nothing of a source of audio', () => {
    const { source, transceiver } = sending('audio')
    transceiver.sender.keyframeRequested(transceiver.sender.encodings[0]?.ssrc as number)
    assert.deepEqual(source.keyframeRequests, [])
  })

  it('counts what the session refuses, and finds the stream again that it was configured anew with', () => {
    const { source, stream, transceiver, transport, drops } = sending('video')
    const of = context()
    write(source, {}, of)
    stream.drop = { drop: 'not-sending' }
    assert.equal(write(source, {}, of), false)
    const replacement = transport.fake.add(transceiver.sender.encodings[0]?.ssrc as number)
    assert.equal(write(source, {}, of), true)
    assert.deepEqual([drops.refused, replacement.sent.length], [1, 1])
  })

  it('waits for a transport, and for the session to know the stream', () => {
    const host = new FakeHost()
    const { source, track } = localTrack('video')
    const transceiver = transceiverOf(host, 'video', { track })
    transceiver.currentDirection = 'sendrecv'
    const of = context()
    transceiver.sender.negotiated(section({ kind: 'video' }))
    assert.equal(write(source, {}, of), true)
    const transport = fakeTransport(host)
    transceiver.sender.transport = transport
    assert.equal(write(source, {}, of), true)
    assert.equal(transceiver.sender.sending.drops['not-sending'], 2)
    const stream = transport.fake.add(transceiver.sender.encodings[0]?.ssrc as number)
    write(source, {}, of)
    assert.equal(stream.sent.length, 1)
    const other = fakeTransport(host)
    const moved = other.fake.add(stream.ssrc)
    transceiver.sender.transport = other
    write(source, {}, of)
    assert.deepEqual([stream.sent.length, moved.sent.length], [1, 1])
  })
})

describe('header extensions on the way from one connection to the next', () => {
  const own = (id: number, uri: string, direction?: 'recvonly') => ({
    id,
    uri,
    encrypted: false,
    ...(direction && { direction }),
  })
  const negotiated = section({
    kind: 'video',
    localExtensions: [
      own(1, ExtensionUri.mid),
      own(5, ExtensionUri.videoOrientation),
      own(6, ExtensionUri.playoutDelay),
      own(7, ExtensionUri.absSendTime),
      own(8, ExtensionUri.absCaptureTime, 'recvonly'),
    ],
    remoteExtensions: [
      own(1, ExtensionUri.mid),
      own(5, ExtensionUri.videoOrientation),
      own(6, ExtensionUri.playoutDelay),
      own(7, ExtensionUri.absSendTime),
      { ...own(8, ExtensionUri.absCaptureTime), direction: 'sendonly' as const },
    ],
  })
  const extensions = new HeaderExtensionMap([
    [2, ExtensionUri.mid],
    [6, ExtensionUri.playoutDelay],
    [9, ExtensionUri.videoOrientation],
    [10, ExtensionUri.absSendTime],
    [11, ExtensionUri.absCaptureTime],
    [12, ExtensionUri.audioLevel],
  ])

  it('keeps what is about the media, under other identifiers, and leaves out what is about the transport', () => {
    const { source, stream } = sending('video', [], negotiated)
    const data = Uint8Array.of(1)
    const extension = buildExtension([2, 9, 10, 6, 11, 12, 13].map(id => ({ id, data })))
    write(source, { extension }, context({ extensions }))
    assert.deepEqual(stream.sent[0]?.elements, [
      { id: 5, data },
      { id: 6, data },
    ])
  })

  it('makes nothing where there is nothing: the same empty list for all', () => {
    const { source, stream } = sending('video', [], negotiated)
    const of = context({ extensions })
    write(source, {}, of)
    write(source, { extension: buildExtension([{ id: 2, data: Uint8Array.of(1) }]) }, of)
    write(source, { extension: { profile: 0x1234, data: new Uint8Array(4) } }, of)
    const [first, ...rest] = stream.sent.map(each => each.elements)
    assert.deepEqual(first, [])
    for (const elements of rest) assert.equal(elements, first)
  })

  it('reads a packet once for all senders', () => {
    const { source, track } = localTrack('video')
    const senders = Array.from({ length: 3 }, () => connected('video', { track }, negotiated))
    const extension = buildExtension([{ id: 6, data: Uint8Array.of(1, 2, 3) }])
    write(source, { extension }, context({ extensions }))
    const elements = senders.map(({ streams }) => streams[0]?.sent[0]?.elements[0])
    assert.deepEqual(elements[0], { id: 6, data: Uint8Array.of(1, 2, 3) })
    // The very same element, which was read for the first of them.
    assert.equal(elements[0], elements[1])
    assert.equal(elements[0], elements[2])
  })

  it('carries on the payload types of the peer, whatever ours are', () => {
    const { source, stream } = sending('audio', [], section({ kind: 'audio', remote: peerCodecs('audio').reverse() }))
    write(source, {}, context())
    assert.equal(stream.sent[0]?.payloadType, 8)
  })
})
