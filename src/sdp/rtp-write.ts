import type { SdpAttribute, SdpMedia } from './description.ts'
import { SdpError } from './errors.ts'
import { formatExtmap, maxTwoByteId } from './extmap.ts'
import { formatRid, formatSimulcast } from './rid.ts'
import type { SdpCodec, SdpHeaderExtension, SdpRtpMedia, SdpSource } from './rtp-description.ts'
import {
  formatFeedback,
  formatFmtp,
  formatMilliseconds,
  formatPayloadType,
  formatRtcp,
  formatRtpmap,
  formatSource,
  formatSourceGroup,
  formatStream,
} from './rtp-lines.ts'
import { isRtpAttribute } from './rtp-media.ts'

/**
 * A section that says `rtp` and nothing else about RTP; what else was in its attributes stays, behind.
 *
 * The formats of the m= line become the payload types of the codecs. Without a codec they stay, because an m= line must
 * have a format: such a section is one to be rejected. `rtpMedia` reads the same from the section that is returned.
 *
 * @throws {SdpError} if a value is not what its line may hold
 */
export function withRtpMedia(media: SdpMedia, rtp: SdpRtpMedia): SdpMedia {
  const formats = rtp.codecs.map(({ payloadType }) => formatPayloadType(payloadType))
  if (new Set(formats).size !== formats.length) throw new SdpError('two codecs have the same payload type')
  return {
    ...media,
    formats: formats.length === 0 ? media.formats : formats,
    attributes: [...rtpAttributes(rtp), ...media.attributes.filter(({ name }) => !isRtpAttribute(name))],
  }
}

/** RFC 8829 §5.2.1: in the order of the examples in section 7. */
function rtpAttributes(rtp: SdpRtpMedia): SdpAttribute[] {
  const { ptime, maxptime, simulcast, rtcp } = rtp
  checkIds(rtp.headerExtensions)
  return [
    ...(rtcp === undefined ? [] : [attribute('rtcp', formatRtcp(rtcp))]),
    ...(rtp.extmapAllowMixed ? [{ name: 'extmap-allow-mixed' }] : []),
    ...rtp.headerExtensions.map(extension => attribute('extmap', formatExtmap(extension))),
    ...rtp.streams.map(stream => attribute('msid', formatStream(stream))),
    ...(rtp.rtcpRsize ? [{ name: 'rtcp-rsize' }] : []),
    ...rtp.codecs.flatMap(codecAttributes),
    ...(ptime === undefined ? [] : [attribute('ptime', formatMilliseconds(ptime))]),
    ...(maxptime === undefined ? [] : [attribute('maxptime', formatMilliseconds(maxptime))]),
    ...rtp.sourceGroups.map(group => attribute('ssrc-group', formatSourceGroup(group))),
    ...rtp.sources.flatMap(sourceAttributes),
    ...rtp.rids.map(rid => attribute('rid', formatRid(rid))),
    ...(simulcast === undefined ? [] : [attribute('simulcast', formatSimulcast(simulcast))]),
  ]
}

function codecAttributes(codec: SdpCodec): SdpAttribute[] {
  const { payloadType, fmtp } = codec
  return [
    attribute('rtpmap', formatRtpmap(codec)),
    ...codec.feedback.map(each => attribute('rtcp-fb', formatFeedback(payloadType, each))),
    ...(fmtp === undefined ? [] : [attribute('fmtp', formatFmtp(payloadType, fmtp))]),
  ]
}

function sourceAttributes(source: SdpSource): SdpAttribute[] {
  const { ssrc, cname } = source
  const lines: SdpAttribute[] = []
  if (cname !== undefined) lines.push({ name: 'cname', value: cname })
  for (const stream of source.streams) lines.push({ name: 'msid', value: formatStream(stream) })
  for (const line of source.attributes) {
    if (line.name === 'cname' || line.name === 'msid') throw new SdpError(`${line.name} has a field of its own`)
    lines.push(line)
  }
  // RFC 5576 §4.1: each line has an attribute.
  if (lines.length === 0) throw new SdpError('a source must have an attribute')
  return lines.map(line => attribute('ssrc', formatSource(ssrc, line)))
}

/** RFC 8285 §7: an identifier of the valid range stands for one extension. */
function checkIds(extensions: readonly SdpHeaderExtension[]): void {
  const ids = extensions.map(({ id }) => id).filter(id => id <= maxTwoByteId)
  if (new Set(ids).size !== ids.length) throw new SdpError('two header extensions have the same identifier')
}

function attribute(name: string, value: string): SdpAttribute {
  return { name, value }
}
