import type { MediaStreamTrack } from '../media/media-stream-track.ts'
import type { TransceiverSlots } from '../rtp/slots.ts'
import { codecEntry } from './codec-stats.ts'
import { type Entry, present } from './entry.ts'
import { inboundStats } from './inbound-stats.ts'
import type { MediaContext, OwnedEntry, SectionContext } from './media-context.ts'
import { outboundStats } from './outbound-stats.ts'

/** What webrtc-stats defines for the streams of all transceivers: their codecs and sources, too. */
export function mediaStats(transceivers: readonly TransceiverSlots[], context: MediaContext): OwnedEntry[] {
  // webrtc-stats §8.1: the streams of a transceiver go when it is stopped
  const present = transceivers.filter(({ stopped }) => !stopped)
  const sources = context.objects.sourcesOf(attachedTracks(present))
  const codecs = new Map<string, Entry>()
  const streams = present.flatMap(slots => {
    const section = sectionContext(slots, context, sources, codecs)
    return [...outboundStats(section), ...inboundStats(section)]
  })
  const others = [...codecs.values(), ...[...sources].map(([track, serial]) => sourceEntry(track, serial))]
  return [...streams, ...others.map(entry => ({ entry }))]
}

function attachedTracks(transceivers: readonly TransceiverSlots[]): ReadonlySet<MediaStreamTrack> {
  return new Set(transceivers.map(({ sender }) => sender.track).filter(track => track !== null))
}

function sectionContext(
  slots: TransceiverSlots,
  context: MediaContext,
  sources: ReadonlyMap<MediaStreamTrack, number>,
  codecs: Map<string, Entry>,
): SectionContext {
  const { track, transport } = slots.sender
  const transportId = transport && context.transportIdOf(transport.dtls)
  const source = track === null ? undefined : sources.get(track)
  return {
    objects: context.objects,
    transportIdOf: dtls => context.transportIdOf(dtls),
    wallTimeOf: monotonic => context.wallTimeOf(monotonic),
    slots,
    transportId,
    mediaSourceId: source === undefined ? undefined : sourceId(source),
    codecIdOf(described, payloadType) {
      const codec = described.find(each => each.payloadType === payloadType)
      if (codec === undefined || transportId === undefined) return undefined
      const entry = codecEntry(slots.kind, codec, transportId)
      codecs.set(entry.id, entry)
      return entry.id
    },
  }
}

/** webrtc-stats §8.11. What is in the pictures and samples only a decoder could tell. */
function sourceEntry({ id, kind }: MediaStreamTrack, serial: number): Entry {
  return { id: sourceId(serial), type: 'media-source', ...present({ trackIdentifier: id, kind }) }
}

function sourceId(serial: number): string {
  return `S${serial}`
}
