import type { MediaStreamTrack } from '../media/media-stream-track.ts'
import type { TransceiverSlots } from '../rtp/slots.ts'
import { codecEntry } from './codec-stats.ts'
import { type AudioSourceEntry, type CodecEntry, type Entry, present, type VideoSourceEntry } from './entry.ts'
import { inboundStats } from './inbound-stats.ts'
import type { MediaContext, OwnedEntry, SectionContext } from './media-context.ts'
import { outboundStats } from './outbound-stats.ts'
import { type SourceMedia, sentMediaOf } from './sent-media.ts'

/** What webrtc-stats defines for the streams of all transceivers: their codecs and sources, too. */
export function mediaStats(transceivers: readonly TransceiverSlots[], context: MediaContext): OwnedEntry[] {
  // webrtc-stats §8.1: the streams of a transceiver go when it is stopped
  const running = transceivers.filter(({ stopped }) => !stopped)
  const sources = context.objects.sourcesOf(attachedTracks(running))
  const codecs = new Map<string, CodecEntry>()
  const streams = running.flatMap(slots => {
    const section = sectionContext(slots, context, sources, codecs)
    return [...outboundStats(section), ...inboundStats(section)]
  })
  const sourceEntries = [...sources].map(([track, serial]) => {
    const sender = running.find(slots => slots.sender.track === track)?.sender
    return sourceEntry(track, serial, sender && sentMediaOf(sender).source, context.now)
  })
  const others: Entry[] = [...codecs.values(), ...sourceEntries]
  return [...streams, ...others.map(entry => ({ entry }))]
}

function attachedTracks(transceivers: readonly TransceiverSlots[]): ReadonlySet<MediaStreamTrack> {
  return new Set(transceivers.map(({ sender }) => sender.track).filter(track => track !== null))
}

function sectionContext(
  slots: TransceiverSlots,
  context: MediaContext,
  sources: ReadonlyMap<MediaStreamTrack, number>,
  codecs: Map<string, CodecEntry>,
): SectionContext {
  const { track, transport } = slots.sender
  const transportId = transport && context.transportIdOf(transport.dtls)
  const source = track === null ? undefined : sources.get(track)
  return {
    objects: context.objects,
    transportIdOf: dtls => context.transportIdOf(dtls),
    wallTimeOf: monotonic => context.wallTimeOf(monotonic),
    now: context.now,
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

/** webrtc-stats §8.12 and §8.13. Of a track that several senders have, it is told what the first of them was given. */
function sourceEntry(
  { id: trackIdentifier, kind }: MediaStreamTrack,
  serial: number,
  media: SourceMedia | undefined,
  now: number,
): AudioSourceEntry | VideoSourceEntry {
  const common = { id: sourceId(serial), type: 'media-source', trackIdentifier, kind } as const
  if (media === undefined) return common
  if (kind === 'audio') {
    const { audioLevel, totalAudioEnergy, duration } = media.samples
    return { ...common, totalSamplesDuration: duration, ...present({ audioLevel, totalAudioEnergy }) }
  }
  const { size, frames } = media
  return {
    ...common,
    frames,
    ...present({ width: size?.width, height: size?.height, framesPerSecond: media.framesPerSecond(now) }),
  }
}

function sourceId(serial: number): string {
  return `S${serial}`
}
