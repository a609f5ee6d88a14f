import { createTrack, type TrackHandle } from '../../../src/pc/media/media-stream-track.ts'
import { PacketFanout } from '../../../src/pc/media/packet-fanout.ts'
import type { MediaKind, StreamContext, TrackConsumer, TrackSource } from '../../../src/pc/media/track-signal.ts'
import { OperationsChain } from '../../../src/pc/operations-chain.ts'
import { createTransportObjects, type RTCDtlsTransport } from '../../../src/pc/rtc-transports.ts'
import { localCodecs } from '../../../src/pc/rtp/codecs.ts'
import { createTransceiver } from '../../../src/pc/rtp/create-transceiver.ts'
import type { RTCRtpReceiver } from '../../../src/pc/rtp/rtc-rtp-receiver.ts'
import type { RTCRtpSender } from '../../../src/pc/rtp/rtc-rtp-sender.ts'
import type { MediaTransport, NegotiatedSection, TransceiverHost } from '../../../src/pc/rtp/slots.ts'
import type { Transceiver, TransceiverInit } from '../../../src/pc/rtp/transceiver.ts'
import { RTCStatsReport } from '../../../src/pc/stats.ts'
import { constructorToken } from '../../../src/pc/webidl.ts'
import { HeaderExtensionMap } from '../../../src/rtp/header-extensions.ts'
import type { RtpPacket } from '../../../src/rtp/packet.ts'
import type { ReceivedPacket, ReceiveStream } from '../../../src/rtp/session/receive-stream.ts'
import type { RtpSession } from '../../../src/rtp/session/rtp-session.ts'
import type { RtpSendStream } from '../../../src/rtp/session/send-stream.ts'
import type { InsertedPacket, OutgoingPacket, RtpSendDrop } from '../../../src/rtp/session/transmit.ts'
import type { SessionCodec } from '../../../src/rtp/session/types.ts'
import type { SdpCodec, SdpHeaderExtension, SdpRtpMedia } from '../../../src/sdp/index.ts'
import { prng } from '../../support/prng.ts'

interface Timer {
  readonly at: number
  readonly callback: () => void
}

/** A connection with a clock that a test turns. */
export class FakeHost implements TransceiverHost {
  isClosed = false
  isConnected = true
  readonly cname = 'a-cname'
  time = 5_000
  negotiationsNeeded = 0
  readonly stats: RTCStatsReport = new RTCStatsReport(constructorToken, [])
  readonly statsSelectors: (RTCRtpSender | RTCRtpReceiver)[] = []
  readonly operations: OperationsChain = new OperationsChain(() => undefined)
  readonly #bytes = prng(7)
  #tasks: (() => void)[] = []
  #timers: Timer[] = []

  readonly random = (length: number): Uint8Array => this.#bytes.bytes(length)

  now(): number {
    return this.time
  }

  wallTime(): number {
    return 1_700_000_000_000 + this.time
  }

  queueTask(step: () => void): void {
    this.#tasks.push(step)
  }

  setTimer(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.time + delayMs, callback }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter(each => each !== timer)
    }
  }

  updateNegotiationNeeded(): void {
    this.negotiationsNeeded++
  }

  chain<T>(operation: () => Promise<T>): Promise<T> {
    return this.operations.chain(operation)
  }

  async collectStats(selector: RTCRtpSender | RTCRtpReceiver): Promise<RTCStatsReport> {
    this.statsSelectors.push(selector)
    return this.stats
  }

  get pendingTasks(): number {
    return this.#tasks.length
  }

  get pendingTimers(): number {
    return this.#timers.length
  }

  /** Runs what is queued, and what that queues. */
  runTasks(): void {
    for (let task = this.#tasks.shift(); task !== undefined; task = this.#tasks.shift()) if (!this.isClosed) task()
  }

  /** Lets promises and tasks go on until there are none. */
  async settle(): Promise<void> {
    do {
      await new Promise(resolve => setImmediate(resolve))
      this.runTasks()
      await new Promise(resolve => setImmediate(resolve))
    } while (this.#tasks.length > 0)
  }

  advance(ms: number): void {
    const end = this.time + ms
    for (;;) {
      this.runTasks()
      const [next] = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)
      if (next === undefined) break
      this.#timers = this.#timers.filter(each => each !== next)
      this.time = Math.max(this.time, next.at)
      next.callback()
    }
    this.time = end
  }
}

export interface Sent extends OutgoingPacket {
  readonly source: object
}

export class FakeSendStream {
  readonly sent: Sent[] = []
  readonly inserted: (InsertedPacket & { readonly at: number })[] = []
  drop: RtpSendDrop | undefined
  isReady = true
  readonly ssrc: number

  constructor(ssrc: number) {
    this.ssrc = ssrc
  }

  send(packet: OutgoingPacket, source: object): RtpSendDrop | undefined {
    if (this.drop === undefined) this.sent.push({ ...packet, source })
    return this.drop
  }

  insert(packet: InsertedPacket, now: number): RtpSendDrop | undefined {
    this.inserted.push({ ...packet, at: now })
    return undefined
  }

  timestampAt(now: number): number {
    return (now * 48 + 0xffff_0000) >>> 0
  }

  timestampOf(timestamp: number): number {
    return timestamp
  }
}

export class FakeSession {
  readonly sendStreams: Map<number, FakeSendStream> = new Map<number, FakeSendStream>()
  readonly received: ReceiveStream[] = []
  readonly keyframeRequests: number[] = []
  readonly ended: number[] = []
  targetBitrate = 300_000
  isWritable = true

  endStreams(ssrcs: readonly number[]): void {
    this.ended.push(...ssrcs)
  }

  sendStream(ssrc: number): RtpSendStream | undefined {
    return this.sendStreams.get(ssrc) as unknown as RtpSendStream | undefined
  }

  receiveStreams(): readonly ReceiveStream[] {
    return this.received
  }

  requestKeyframe(ssrc: number): void {
    this.keyframeRequests.push(ssrc)
  }

  add(ssrc: number): FakeSendStream {
    const stream = new FakeSendStream(ssrc)
    this.sendStreams.set(ssrc, stream)
    return stream
  }
}

export interface FakeTransport extends MediaTransport {
  readonly fake: FakeSession
  scheduled: number
}

/** A DTLS transport that is connected, and without anything below it. */
export function connectedDtls(): RTCDtlsTransport {
  const ice = {
    component: 'rtp',
    role: 'controlling',
    state: 'connected',
    gatheringState: 'complete',
    localCandidates: [],
    remoteCandidates: [],
    selectedPair: null,
    localParameters: null,
    remoteParameters: null,
  } as const
  const { dtls } = createTransportObjects(
    { ...ice, localCandidates: [], remoteCandidates: [] },
    { state: 'connected', remoteCertificates: [] },
  )
  return dtls
}

export function fakeTransport(host: FakeHost): FakeTransport {
  const fake = new FakeSession()
  return {
    dtls: connectedDtls(),
    fake,
    session: fake as unknown as RtpSession,
    encryptsHeaders: false,
    scheduled: 0,
    schedule() {
      this.scheduled++
    },
    now: () => host.now(),
  }
}

/** A source that counts what is asked of it. */
export class FakeSource implements TrackSource {
  readonly kind: MediaKind
  readonly keyframeRequests: (string | undefined)[] = []
  readonly fanout: PacketFanout = new PacketFanout()

  constructor(kind: MediaKind) {
    this.kind = kind
  }

  subscribe(consumer: TrackConsumer): () => void {
    return this.fanout.subscribe(consumer)
  }

  requestKeyframe(rid?: string): void {
    this.keyframeRequests.push(rid)
  }
}

export function localTrack(kind: MediaKind): TrackHandle & { readonly source: FakeSource } {
  const source = new FakeSource(kind)
  return { source, ...createTrack({ source, label: 'fake' }) }
}

export function transceiverOf(host: FakeHost, kind: MediaKind, init: Partial<TransceiverInit> = {}): Transceiver {
  return createTransceiver({
    kind,
    direction: 'sendrecv',
    track: null,
    streamIds: [],
    encodings: [],
    addedByTrack: false,
    host,
    ...init,
  })
}

/** Payload types that the peer has chosen: ours and 10 more, within the dynamic range. */
export function peerCodecs(kind: MediaKind): SdpCodec[] {
  return localCodecs(kind).map(codec => ({
    ...codec,
    payloadType: codec.payloadType < 96 ? codec.payloadType : codec.payloadType - 60,
  }))
}

export interface SectionInit {
  readonly kind: MediaKind
  readonly local?: readonly SdpCodec[]
  readonly remote?: readonly SdpCodec[]
  readonly localExtensions?: readonly SdpHeaderExtension[]
  readonly remoteExtensions?: readonly SdpHeaderExtension[]
  readonly sends?: boolean
  readonly receives?: boolean
}

/** What a negotiation of everything that is implemented comes to. */
export function section(init: SectionInit): NegotiatedSection {
  const { kind, local = localCodecs(kind), remote = peerCodecs(kind) } = init
  const { localExtensions = [], remoteExtensions = localExtensions, sends = true, receives = true } = init
  const session = (codecs: readonly SdpCodec[]): SessionCodec[] =>
    codecs
      .filter(({ name }) => name !== 'rtx')
      .map(({ payloadType, name, clockRate }) => ({
        payloadType,
        mimeType: `${kind}/${name}`,
        clockRate,
        rtx: codecs.find(each => each.name === 'rtx' && each.fmtp === `apt=${payloadType}`)?.payloadType,
        nack: true,
        pli: true,
        fir: true,
        transportCc: true,
        remb: true,
      }))
  const media = (codecs: readonly SdpCodec[], headerExtensions: readonly SdpHeaderExtension[]): SdpRtpMedia => ({
    codecs,
    headerExtensions,
    extmapAllowMixed: true,
    streams: [],
    sources: [],
    sourceGroups: [],
    rids: [],
    rtcpRsize: true,
  })
  return {
    mid: 'm',
    rtp: {
      mid: 'm',
      kind,
      extensions: localExtensions.map(({ id, uri }) => ({ id, uri })),
      receive: receives ? session(local) : [],
      describedStreams: [],
      send: sends ? session(remote) : [],
      encodings: [],
      reducedSizeRtcp: true,
    },
    local: media(local, localExtensions),
    remote: media(remote, remoteExtensions),
  }
}

/** A transceiver whose section was negotiated, on a transport that takes everything. */
export function connected(
  kind: MediaKind,
  init: Partial<TransceiverInit> = {},
  negotiated: NegotiatedSection = section({ kind }),
): { host: FakeHost; transceiver: Transceiver; transport: FakeTransport; streams: FakeSendStream[] } {
  const host = new FakeHost()
  const transceiver = transceiverOf(host, kind, init)
  const transport = fakeTransport(host)
  const streams = transceiver.sender.encodings.map(({ ssrc }) => transport.fake.add(ssrc))
  transceiver.mid = negotiated.mid
  transceiver.currentDirection = 'sendrecv'
  transceiver.receptive = true
  transceiver.sender.transport = transport
  transceiver.receiver.transport = transport
  transceiver.sender.negotiated(negotiated)
  transceiver.receiver.negotiated(negotiated)
  return { host, transceiver, transport, streams }
}

export function packet(fields: Partial<RtpPacket> = {}): RtpPacket {
  return {
    payloadType: 0,
    sequenceNumber: 1,
    timestamp: 1,
    ssrc: 1,
    marker: false,
    csrcs: [],
    extension: undefined,
    payload: Uint8Array.of(1, 2, 3),
    paddingLength: 0,
    ...fields,
  }
}

export function context(fields: Partial<StreamContext> = {}): StreamContext {
  return { codec: undefined, rid: undefined, extensions: new HeaderExtensionMap(), paced: false, ...fields }
}

export interface FakeReceiveStream {
  ssrc: number
  mid: string
  rid: string | undefined
}

export function receiveStream(
  { rtp }: NegotiatedSection,
  fields: Partial<FakeReceiveStream> = {},
): ReceiveStream & FakeReceiveStream {
  const stream = {
    ssrc: 1,
    mid: 'm',
    rid: undefined,
    kind: rtp.kind,
    rtxSsrc: undefined,
    codec: (payloadType: number) => rtp.receive.find(each => each.payloadType === payloadType),
    ...fields,
  }
  return stream as unknown as ReceiveStream & FakeReceiveStream
}

export function received(stream: ReceiveStream, fields: Partial<RtpPacket> = {}): ReceivedPacket {
  return { stream, packet: packet({ ssrc: stream.ssrc, ...fields }), raw: undefined }
}

/** Collects what a track gives. */
export class Collector implements TrackConsumer {
  readonly packets: { readonly packet: RtpPacket; readonly context: StreamContext }[] = []

  packet(packet: RtpPacket, context: StreamContext): boolean {
    this.packets.push({ packet, context })
    return true
  }
}
