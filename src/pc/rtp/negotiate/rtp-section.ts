import {
  emptySection,
  type SdpCodec,
  type SdpDirection,
  type SdpMedia,
  type SdpRtpMedia,
  type SdpSource,
  type SdpSourceGroup,
  type SdpStream,
  sends,
  withRtpMedia,
} from '../../../sdp/index.ts'
import type { MediaKind } from '../../media/track-signal.ts'
import type { TransceiverSlots } from '../slots.ts'
import type { TransceiverRecord } from './media-state.ts'

/** What is different in each section that is written. */
export type SectionParts = Pick<
  SdpRtpMedia,
  'codecs' | 'headerExtensions' | 'extmapAllowMixed' | 'rtcpRsize' | 'rids' | 'simulcast'
>

/** What identifies a section. */
export interface SectionFrame {
  readonly kind: MediaKind
  readonly protocol: string
  readonly mid: string | undefined
  readonly direction: SdpDirection
}

/** A section of audio or video without what belongs to its transport. */
export function mediaSection(
  frame: SectionFrame,
  parts: SectionParts,
  record: TransceiverRecord,
  cname: string,
): SdpMedia {
  const { slots, trackId } = record
  const sending = sends(frame.direction)
  return withRtpMedia(bareSection(frame, 9), {
    ...parts,
    streams: streamsOf(slots, trackId),
    ...(sending ? sourcesOf(slots, parts.codecs, cname) : { sources: [], sourceGroups: [] }),
  })
}

/** RFC 3264 §6, §8.2: a section in a place that is not used. */
export function rejectedSection(was: SdpMedia): SdpMedia {
  const bare = bareSection({ protocol: was.protocol, mid: was.mid, kind: was.kind, direction: 'inactive' }, 0)
  return { ...bare, formats: was.formats }
}

function bareSection(frame: Omit<SectionFrame, 'kind'> & { readonly kind: string }, port: number): SdpMedia {
  const { kind, protocol, mid, direction } = frame
  return {
    ...emptySection(kind, port, protocol, []),
    ...(mid === undefined ? {} : { mid }),
    ...(kind === 'application' ? {} : { direction }),
  }
}

/**
 * RFC 8829 §5.2.1: an a=msid line for each stream, if the transceiver sends, whatever the answer makes of that. RFC 8830
 * §3.2: `-` stands for no stream, which webrtc-pc §4.7.3 wants said.
 *
 * RFC 8829 leaves the appdata out; libwebrtc before 2023 refuses a description without it, and others ignore it.
 */
function streamsOf(slots: TransceiverSlots, track: string): readonly SdpStream[] {
  if (slots.direction === 'stopped' || !sends(slots.direction)) return []
  const ids = slots.sender.streamIds.length === 0 ? ['-'] : slots.sender.streamIds
  return ids.map(id => ({ id, track }))
}

/**
 * The sources of a track that is sent once: peers that do not use the MID header extension route by them. RFC 5576 §4.2,
 * RFC 4588 §8.8: FID groups a source with its retransmissions. Those of a simulcast are told apart by their rids.
 */
function sourcesOf(
  slots: TransceiverSlots,
  codecs: readonly SdpCodec[],
  cname: string,
): { sources: readonly SdpSource[]; sourceGroups: readonly SdpSourceGroup[] } {
  const [encoding, ...more] = slots.sender.encodings
  if (encoding === undefined || more.length > 0) return { sources: [], sourceGroups: [] }
  const { ssrc, rtxSsrc } = encoding
  const repaired = rtxSsrc !== undefined && codecs.some(({ name }) => name === 'rtx')
  const ssrcs = repaired ? [ssrc, rtxSsrc] : [ssrc]
  return {
    sources: ssrcs.map(each => ({ ssrc: each, cname, streams: [], attributes: [] })),
    sourceGroups: repaired ? [{ semantics: 'FID', ssrcs }] : [],
  }
}
