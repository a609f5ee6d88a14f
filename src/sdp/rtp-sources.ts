import type { SdpRtpMedia, SdpStream } from './rtp-description.ts'

/**
 * The streams that the track of a section belongs to.
 *
 * RFC 8830 §3.2: what the section says; of a peer that writes it for its sources only, what the first of them says. The
 * id `-`, which stands for no stream, is left out.
 */
export function trackStreams(rtp: SdpRtpMedia): readonly SdpStream[] {
  const said = rtp.streams.length > 0 ? rtp.streams : (rtp.sources.find(each => each.streams.length > 0)?.streams ?? [])
  const distinct = new Map(said.map(stream => [stream.id, stream]))
  return [...distinct.values()].filter(({ id }) => id !== '-')
}

/**
 * Which source carries the retransmissions of which: the repaired SSRC by the one of the retransmissions.
 *
 * RFC 4588 §5.3, RFC 5576 §4.2: groups of the semantics FID, the original source first.
 */
export function repairedSources(rtp: SdpRtpMedia): ReadonlyMap<number, number> {
  const repaired = new Map<number, number>()
  for (const { semantics, ssrcs } of rtp.sourceGroups) {
    const [original, ...repairs] = ssrcs
    if (semantics !== 'FID' || original === undefined) continue
    for (const repair of repairs) repaired.set(repair, original)
  }
  return repaired
}
