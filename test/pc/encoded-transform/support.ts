import type { ReadableStreamDefaultReader, WritableStreamDefaultWriter } from 'node:stream/web'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { RTCEncodedFrame } from '../../../src/pc/encoded-transform/encoded-frames.ts'
import type { FrameOrigin } from '../../../src/pc/encoded-transform/frame-metadata.ts'
import {
  type AttachedConsumer,
  type TransformOwner,
  TransformSlot,
} from '../../../src/pc/encoded-transform/transform-slot.ts'
import type { MediaCodec, MediaKind, StreamContext, TrackConsumer } from '../../../src/pc/media/track-signal.ts'
import { HeaderExtensionMap } from '../../../src/rtp/header-extensions.ts'
import type { RtpPacket } from '../../../src/rtp/packet.ts'
import {
  G711Packetizer,
  H264Packetizer,
  joinAnnexB,
  OpusPacketizer,
  type Packetizer,
  Vp8Packetizer,
  Vp9Packetizer,
} from '../../../src/rtp/payload/index.ts'
import { movingPictureFrame } from '../../../src/testing/moving-picture.ts'
import { type Prng, prng } from '../../support/prng.ts'

export type OwnerOptions = Partial<Pick<TransformOwner, 'kind' | 'side'>> & {
  layers?: readonly (string | undefined)[]
  codec?: MediaCodec
}

interface Timer {
  readonly at: number
  readonly callback: () => void
}

/** A sender or receiver on a clock that a test moves. */
export class TestOwner implements TransformOwner {
  readonly kind: MediaKind
  readonly side: 'sender' | 'receiver'
  /** What is added on the way to the wire. */
  timestampOffset = 0
  readonly keyframeRequests: { rid: string | undefined; ssrc: number | undefined }[] = []
  layers: readonly (string | undefined)[]
  codec: MediaCodec | undefined
  readonly #timers = new Set<Timer>()
  #now = 1_000

  constructor({ kind = 'video', side = 'sender', layers = [undefined], codec }: OwnerOptions = {}) {
    this.kind = kind
    this.side = side
    this.layers = layers
    this.codec = codec
  }

  now(): number {
    return this.#now
  }

  wallTime(): number {
    return 1_700_000_000_000 + this.#now
  }

  setTimer(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.#now + delayMs, callback }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  get timers(): number {
    return this.#timers.size
  }

  /** Lets time pass. */
  pass(ms: number): void {
    const until = this.#now + ms
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0]
      if (due === undefined) break
      this.#timers.delete(due)
      this.#now = Math.max(this.#now, due.at)
      due.callback()
    }
    this.#now = until
  }

  requestKeyframe(rid: string | undefined, ssrc: number | undefined): void {
    this.keyframeRequests.push({ rid, ssrc })
  }

  activeLayers(): readonly (string | undefined)[] {
    return this.layers
  }

  timestampOf(timestamp: number): number {
    return (timestamp + this.timestampOffset) >>> 0
  }

  describe(packet: RtpPacket, context: StreamContext): FrameOrigin | undefined {
    const codec = packet.payloadType === telephoneEventType ? telephoneEvent : (context.codec ?? this.codec)
    return codec && { codec, payloadType: packet.payloadType, ssrc: packet.ssrc }
  }
}

export const telephoneEventType: number = 110
const telephoneEvent: MediaCodec = { mimeType: 'audio/telephone-event', clockRate: 48_000 }

/** Keeps what it is given. */
export class Collector implements TrackConsumer {
  readonly packets: RtpPacket[] = []
  readonly contexts: Set<StreamContext> = new Set()
  readonly raws: (Uint8Array | undefined)[] = []

  packet(packet: RtpPacket, context: StreamContext, raw: Uint8Array | undefined): boolean {
    this.packets.push(packet)
    this.contexts.add(context)
    this.raws.push(raw)
    return true
  }
}

export function contextOf(codec: MediaCodec | undefined, rid?: string): StreamContext {
  return { codec, rid, extensions: new HeaderExtensionMap(), paced: false }
}

/** What a codec is tested with. */
export interface TestCodec {
  readonly kind: MediaKind
  readonly codec: MediaCodec
  readonly packetizer: () => Packetizer
  /** The frame of an index; 0 and every tenth is a keyframe. */
  readonly frame: (index: number, random: Prng) => Uint8Array
  /** Bytes of a frame that a transform leaves as they are. */
  readonly clear: (frame: Uint8Array) => readonly (readonly [from: number, to: number])[]
  readonly ticks: number
}

const isKeyIndex = (index: number): boolean => index % 10 === 0
const vp8Delta = (random: Prng): Uint8Array =>
  Uint8Array.from(random.bytes(900 + (random.next() % 2_000)), (b, i) => (i === 0 ? b | 1 : b))
/** No byte of a unit is 0, 0x55 or 0x54: neither it nor its inverse has a start code. */
const nalUnit = (header: number, length: number, random: Prng): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i === 0 ? header : i === 1 ? 0x88 : 0x60 + (random.next() % 0x40)))

export const testCodecs: readonly TestCodec[] = [
  {
    kind: 'audio',
    codec: { mimeType: 'audio/opus', clockRate: 48_000, channels: 2 },
    packetizer: () => new OpusPacketizer(),
    frame: (_, random) => Uint8Array.from(random.bytes(80), (b, i) => (i === 0 ? 0x78 : b)),
    clear: () => [],
    ticks: 960,
  },
  ...(['PCMU', 'PCMA'] as const).map(
    (name): TestCodec => ({
      kind: 'audio',
      codec: { mimeType: `audio/${name}`, clockRate: 8_000, channels: 1 },
      packetizer: () => new G711Packetizer(),
      frame: (_, random) => random.bytes(160),
      clear: () => [],
      ticks: 160,
    }),
  ),
  {
    kind: 'video',
    codec: { mimeType: 'video/VP8', clockRate: 90_000 },
    packetizer: () => new Vp8Packetizer(),
    frame: (index, random) => (isKeyIndex(index) ? movingPictureFrame(320, 240, index / 30) : vp8Delta(random)),
    clear: () => [[0, 10]],
    ticks: 3_000,
  },
  {
    kind: 'video',
    codec: { mimeType: 'video/VP9', clockRate: 90_000 },
    packetizer: () =>
      new Vp9Packetizer({ scalability: { spatialLayers: 1, sizes: [{ width: 640, height: 360 }], group: [] } }),
    frame: (index, random) =>
      Uint8Array.from(random.bytes(2_500), (b, i) => (i > 0 ? b : isKeyIndex(index) ? 0x82 : 0x86)),
    clear: () => [[0, 1]],
    ticks: 3_000,
  },
  {
    kind: 'video',
    codec: { mimeType: 'video/H264', clockRate: 90_000, sdpFmtpLine: 'packetization-mode=1;profile-level-id=42e01f' },
    packetizer: () => new H264Packetizer(),
    frame: (index, random) =>
      joinAnnexB(
        isKeyIndex(index)
          ? [nalUnit(0x67, 12, random), nalUnit(0x68, 6, random), nalUnit(0x65, 3_000, random)]
          : [nalUnit(0x41, 1_500, random)],
      ),
    clear: frame => unitHeads(frame),
    ticks: 3_000,
  },
]

/** The start codes and the first two bytes behind each. */
function unitHeads(frame: Uint8Array): [number, number][] {
  const heads: [number, number][] = []
  for (let i = 0; i + 4 <= frame.length; i++) {
    if (frame[i] === 0 && frame[i + 1] === 0 && frame[i + 2] === 0 && frame[i + 3] === 1) heads.push([i, i + 6])
  }
  return heads
}

/** Inverts a frame but for what has to stay readable. Twice, it is as before. */
export function xor(frame: RTCEncodedFrame, { clear }: Pick<TestCodec, 'clear'>): void {
  const bytes = new Uint8Array(frame.data.slice(0))
  const kept = clear(bytes)
  for (let i = 0; i < bytes.length; i++) {
    if (!kept.some(([from, to]) => i >= from && i < to)) bytes[i] = (bytes[i] ?? 0) ^ 0x55
  }
  frame.data = bytes.buffer
}

/** Makes packets of frames, as a track has them. */
export class PacketSource {
  readonly context: StreamContext
  readonly frames: Uint8Array[] = []
  readonly #codec: TestCodec
  readonly #packetizer: Packetizer
  readonly #random: Prng
  #sequenceNumber: number
  #timestamp = 0xffff_f000

  constructor(
    codec: TestCodec,
    random: Prng,
    context: StreamContext = contextOf(codec.codec),
    sequenceNumber = 65_500,
  ) {
    this.context = context
    this.#codec = codec
    this.#packetizer = codec.packetizer()
    this.#random = random
    this.#sequenceNumber = sequenceNumber
  }

  next(fields: Partial<RtpPacket> = {}): RtpPacket[] {
    const data = this.#codec.frame(this.frames.length, this.#random)
    this.frames.push(data)
    const packets = this.#packetizer.packetize({ data }).map(({ payload, marker, timestampOffset }) => {
      const packet: RtpPacket = {
        payloadType: 100,
        sequenceNumber: this.#sequenceNumber,
        timestamp: (this.#timestamp + timestampOffset) >>> 0,
        ssrc: 0x1234_5678,
        marker,
        csrcs: [7, 8],
        extension: undefined,
        // The network gives each packet an array of its own.
        payload: payload.slice(),
        paddingLength: 0,
        ...fields,
      }
      this.#sequenceNumber = (this.#sequenceNumber + 1) & 0xffff
      return packet
    })
    this.#timestamp = (this.#timestamp + this.#codec.ticks) >>> 0
    return packets
  }
}

export const codecNamed = (name: string): TestCodec => {
  const found = testCodecs.find(({ codec }) => codec.mimeType.endsWith(name))
  if (found === undefined) throw new Error(`no codec ${name}`)
  return found
}

export interface TestTrack {
  readonly owner: TestOwner
  readonly slot: TransformSlot
  readonly sink: Collector
  readonly entry: AttachedConsumer
  readonly source: PacketSource
  /** Gives the packets of the next frame. @returns whether all were taken */
  sendFrame(fields?: Partial<RtpPacket>): boolean
}

/** A track before a slot. */
export function track(codec: TestCodec, options: OwnerOptions = {}): TestTrack {
  const owner = new TestOwner({ kind: codec.kind, ...options })
  const slot = new TransformSlot(owner)
  const sink = new Collector()
  const entry = slot.attach(sink)
  const source = new PacketSource(codec, prng(2))
  const sendFrame = (fields: Partial<RtpPacket> = {}): boolean =>
    source
      .next(fields)
      .map(packet => entry.packet(packet, source.context, undefined))
      .every(Boolean)
  return { owner, slot, sink, entry, source, sendFrame }
}

/** The streams of a slot, read and written by hand. */
export function streams(slot: TransformSlot): {
  reader: ReadableStreamDefaultReader<RTCEncodedFrame>
  writer: WritableStreamDefaultWriter<RTCEncodedFrame>
  read(): Promise<RTCEncodedFrame>
} {
  const { readable, writable } = slot.createEncodedStreams()
  const reader = readable.getReader()
  const read = async (): Promise<RTCEncodedFrame> => {
    const { value } = await reader.read()
    if (value === undefined) throw new Error('the stream has ended')
    return value
  }
  return { reader, writer: writable.getWriter(), read }
}

/** Puts every frame of a slot through a function, on this thread. The result is how the pipe ended. */
export function transformHere(slot: TransformSlot, change: (frame: RTCEncodedFrame) => void): Promise<void> {
  const { readable, writable } = slot.createEncodedStreams()
  return readable
    .pipeThrough(
      new TransformStream<RTCEncodedFrame, RTCEncodedFrame>({
        transform: (frame, controller) => {
          change(frame)
          controller.enqueue(frame)
        },
      }),
    )
    .pipeTo(writable)
}

/** Lets everything happen that promises have brought about. */
export async function settle(): Promise<void> {
  await nextTurn()
  await nextTurn()
}
