import assert from 'node:assert/strict'
import { type MediaStreamTrack, sourceOf } from '../../../src/pc/media/media-stream-track.ts'
import type { MediaKind } from '../../../src/pc/media/track-signal.ts'
import { localCodecs } from '../../../src/pc/rtp/codecs.ts'
import type { MediaTransport, NegotiatedSection } from '../../../src/pc/rtp/slots.ts'
import type { Transceiver } from '../../../src/pc/rtp/transceiver.ts'
import { ExtensionUri, writeVideoOrientation } from '../../../src/rtp/extension-values.ts'
import { buildExtension, findExtension, HeaderExtensionMap } from '../../../src/rtp/header-extensions.ts'
import { dtmfDigit } from '../../../src/rtp/payload/telephone-event.ts'
import { TelephoneEventReceiver } from '../../../src/rtp/payload/telephone-event-receiver.ts'
import { RtpSession } from '../../../src/rtp/session/rtp-session.ts'
import { Collector, connectedDtls, context, FakeHost, localTrack, packet, section, transceiverOf } from './fakes.ts'

/** One end of a connection, with a real RTP session and no transport below. */
interface End {
  readonly transceiver: Transceiver
  readonly session: RtpSession
}

const extensions = [
  { id: 3, uri: ExtensionUri.mid, encrypted: false },
  { id: 4, uri: ExtensionUri.rtpStreamId, encrypted: false },
  { id: 5, uri: ExtensionUri.videoOrientation, encrypted: false },
]

function end(host: FakeHost, kind: MediaKind, track: MediaStreamTrack | null, encodings: { rid?: string }[] = []): End {
  const transceiver = transceiverOf(host, kind, { track, encodings })
  const session = new RtpSession({ random: host.random, cname: 'x', wallTimeAtZero: 0 }, host.now())
  const transport: MediaTransport = {
    dtls: connectedDtls(),
    session,
    encryptsHeaders: false,
    schedule: () => undefined,
    now: () => host.now(),
  }
  const negotiated = section({ kind, remote: localCodecs(kind), localExtensions: extensions })
  const own: NegotiatedSection['rtp']['encodings'] = transceiver.sender.encodings.map(({ ssrc, parameters }) => ({
    ssrc,
    rtxSsrc: undefined,
    rid: parameters.rid,
  }))
  const rtp = { ...negotiated.rtp, encodings: own }
  session.configure([rtp], host.now())
  session.ready(0, 0, host.now())
  transceiver.currentDirection = 'sendrecv'
  transceiver.receptive = true
  transceiver.sender.transport = transport
  transceiver.receiver.transport = transport
  transceiver.sender.negotiated({ ...negotiated, rtp })
  transceiver.receiver.negotiated({ ...negotiated, rtp })
  return { transceiver, session }
}

/** Carries everything that is due from one end to the other. */
function carry(host: FakeHost, from: End, to: End): void {
  for (
    let out = from.session.pollTransmit(host.now());
    out !== undefined;
    out = from.session.pollTransmit(host.now())
  ) {
    const data = out.data.slice(0, out.length)
    if (out.kind === 'rtcp') {
      assert.equal(to.session.receiveRtcp(data, host.now()), undefined)
      continue
    }
    const received = to.session.receive(data, host.now())
    assert.ok(!('drop' in received), 'drop' in received ? received.drop : '')
    to.transceiver.receiver.received(received, host.now())
  }
  for (let event = to.session.pollEvent(); event !== undefined; event = to.session.pollEvent()) {
    if (event.type === 'keyframe-request') to.transceiver.sender.keyframeRequested(event.ssrc)
  }
  host.runTasks()
}

/** Time goes by, and packets with it. */
function run(host: FakeHost, ms: number, ...pairs: (readonly [End, End])[]): void {
  for (let spent = 0; spent < ms; spent += 5) {
    host.advance(5)
    for (const [a, b] of pairs) {
      a.session.handleTimeout(host.now())
      b.session.handleTimeout(host.now())
      carry(host, a, b)
      carry(host, b, a)
    }
  }
}

describe('tracks over RTP sessions', () => {
  it('arrive on the other side, go on to a third, and keyframe requests come all the way back', () => {
    const host = new FakeHost()
    const { source, track } = localTrack('video')
    const a = end(host, 'video', track)
    const b = end(host, 'video', null)
    const c = end(host, 'video', b.transceiver.receiver.track)
    const d = end(host, 'video', null)
    const collector = new Collector()
    sourceOf(d.transceiver.receiver.track).subscribe(collector)
    const of = context({
      codec: { mimeType: 'video/VP8', clockRate: 90_000 },
      extensions: new HeaderExtensionMap([[9, ExtensionUri.videoOrientation]]),
    })
    const data = writeVideoOrientation({ camera: 'back', flip: false, rotation: 90 })
    source.keyframeRequests.length = 0
    for (let i = 0; i < 50; i++) {
      const extension = buildExtension([{ id: 9, data }])
      source.fanout.deliver(
        packet({
          sequenceNumber: (65_520 + i) & 0xffff,
          timestamp: i * 3_000,
          marker: true,
          payload: Uint8Array.of(i),
          extension,
        }),
        of,
        undefined,
      )
      run(host, 20, [a, b], [c, d])
    }
    assert.deepEqual(
      collector.packets.map(each => each.packet.payload[0]),
      Array.from({ length: 50 }, (_, i) => i),
    )
    const numbers = collector.packets.map(each => each.packet.sequenceNumber)
    assert.ok(
      numbers.every((each, i) => i === 0 || each === (((numbers[i - 1] as number) + 1) & 0xffff)),
      `${numbers}`,
    )
    for (const each of collector.packets) assert.deepEqual(findExtension(each.packet.extension, 5), data)
    assert.equal(collector.packets[0]?.context.codec?.mimeType, 'video/VP8')
    assert.equal(d.transceiver.receiver.track.muted, false)
    const before = source.keyframeRequests.length
    sourceOf(d.transceiver.receiver.track).requestKeyframe()
    run(host, 2_000, [a, b], [c, d])
    assert.ok(source.keyframeRequests.length > before)
  })

  it('arrive with the rid of their layer', () => {
    const host = new FakeHost()
    const { source, track } = localTrack('video')
    const a = end(host, 'video', track, [{ rid: 'q' }, { rid: 'f' }])
    const b = end(host, 'video', null)
    const collector = new Collector()
    sourceOf(b.transceiver.receiver.track).subscribe(collector)
    const layers = ['q', 'f'].map(rid => context({ rid }))
    for (let i = 0; i < 20; i++) {
      for (const [index, layer] of layers.entries())
        source.fanout.deliver(
          packet({ sequenceNumber: i, timestamp: i * 3_000, payload: Uint8Array.of(index) }),
          layer,
          undefined,
        )
      run(host, 20, [a, b])
    }
    assert.equal(collector.packets.length, 40)
    for (const each of collector.packets) assert.equal(each.context.rid, ['q', 'f'][each.packet.payload[0] as number])
  })

  it('carry the tones that are put between audio, which goes on without a gap in the numbers', () => {
    const host = new FakeHost()
    const { source, track } = localTrack('audio')
    const a = end(host, 'audio', track)
    const b = end(host, 'audio', null)
    const collector = new Collector()
    sourceOf(b.transceiver.receiver.track).subscribe(collector)
    const of = context()
    const talk = (from: number, to: number): void => {
      for (let i = from; i < to; i++) {
        source.fanout.deliver(packet({ sequenceNumber: i, timestamp: i * 960 }), of, undefined)
        run(host, 20, [a, b])
      }
    }
    talk(0, 10)
    a.transceiver.sender.object.dtmf?.insertDTMF('42')
    talk(10, 60)
    const digits: (string | undefined)[] = []
    const events = new TelephoneEventReceiver()
    for (const {
      packet: each,
      context: { codec },
    } of collector.packets) {
      if (codec?.mimeType !== 'audio/telephone-event') continue
      assert.equal(events.receive(each, 0), undefined)
      for (let event = events.pollEvent(); event !== undefined; event = events.pollEvent()) {
        if (event.kind === 'end') digits.push(dtmfDigit(event.event))
      }
    }
    assert.deepEqual(digits, ['4', '2'])
    const numbers = collector.packets.map(each => each.packet.sequenceNumber)
    assert.ok(
      numbers.every((each, i) => i === 0 || each === (((numbers[i - 1] as number) + 1) & 0xffff)),
      `${numbers}`,
    )
    const times = collector.packets
      .filter(({ context: { codec } }) => codec?.mimeType === 'audio/opus')
      .map(each => each.packet.timestamp)
    for (const [i, time] of times.entries()) {
      const step = i === 0 ? 960 : (time - (times[i - 1] as number)) >>> 0
      assert.ok(step > 0 && step < 48_000, `${step}`)
    }
  })

  it('go through an encoded transform, frame by frame', async () => {
    const host = new FakeHost()
    const { source, track } = localTrack('audio')
    const a = end(host, 'audio', track)
    const b = end(host, 'audio', null)
    const collector = new Collector()
    sourceOf(b.transceiver.receiver.track).subscribe(collector)
    const flip = new TransformStream({
      transform(frame: { data: ArrayBuffer }, controller) {
        frame.data = Uint8Array.from(new Uint8Array(frame.data), byte => byte ^ 0xff).buffer
        controller.enqueue(frame)
      },
    })
    const sent = a.transceiver.sender.object.createEncodedStreams()
    void sent.readable.pipeThrough(flip as never).pipeTo(sent.writable)
    const arrived = b.transceiver.receiver.object.createEncodedStreams()
    void arrived.readable.pipeTo(arrived.writable)
    const of = context({ codec: { mimeType: 'audio/opus', clockRate: 48_000, channels: 2 } })
    for (let i = 0; i < 5; i++) {
      source.fanout.deliver(packet({ sequenceNumber: i, timestamp: i * 960, payload: Uint8Array.of(i) }), of, undefined)
      for (let turn = 0; turn < 3; turn++) {
        await host.settle()
        run(host, 10, [a, b])
      }
    }
    run(host, 500, [a, b])
    await host.settle()
    assert.deepEqual(
      collector.packets.map(each => each.packet.payload[0]),
      [0, 1, 2, 3, 4].map(i => i ^ 0xff),
    )
    assert.throws(() => a.transceiver.sender.object.createEncodedStreams(), { name: 'InvalidStateError' })
    a.transceiver.object.stop()
    b.transceiver.object.stop()
  })
})
