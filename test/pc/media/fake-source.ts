import { PacketFanout } from '../../../src/pc/media/packet-fanout.ts'
import type { MediaKind, StreamContext, TrackConsumer, TrackSource } from '../../../src/pc/media/track-signal.ts'
import { HeaderExtensionMap } from '../../../src/rtp/header-extensions.ts'
import type { RtpPacket } from '../../../src/rtp/packet.ts'

/** A source whose packets a test gives one by one. */
export class FakeSource implements TrackSource {
  readonly kind: MediaKind
  readonly fanout: PacketFanout = new PacketFanout()
  readonly keyframeRequests: (string | undefined)[] = []

  constructor(kind: MediaKind = 'video') {
    this.kind = kind
  }

  subscribe(consumer: TrackConsumer): () => void {
    return this.fanout.subscribe(consumer)
  }

  requestKeyframe(rid?: string): void {
    this.keyframeRequests.push(rid)
  }

  give(packet: RtpPacket, context: StreamContext = defaultContext, raw?: Uint8Array): boolean {
    return this.fanout.deliver(packet, context, raw)
  }
}

export function streamContext(overrides: Partial<StreamContext> = {}): StreamContext {
  return { codec: undefined, rid: undefined, extensions: new HeaderExtensionMap(), paced: false, ...overrides }
}

const defaultContext = streamContext()

/** Remembers what it was given. */
export class Collector implements TrackConsumer {
  readonly packets: RtpPacket[] = []
  readonly contexts: StreamContext[] = []
  /** What it answers. */
  takes = true

  packet(packet: RtpPacket, context: StreamContext): boolean {
    this.packets.push(packet)
    this.contexts.push(context)
    return this.takes
  }

  get sequence(): number[] {
    return this.packets.map(packet => packet.sequenceNumber)
  }
}
