import type { SdpMedia } from './description.ts'

/** Bytes. RFC 8841 §6.1: what a peer that says nothing about it takes. */
export const defaultMaxMessageSize = 65_536

/** RFC 8841 §4.4.2: the format and the protocols of a section for data channels. */
const application = 'webrtc-datachannel'
const oldProtocol = 'DTLS/SCTP'
const maxStreams = 65_535
const protocols: readonly string[] = ['UDP/DTLS/SCTP', 'TCP/DTLS/SCTP']

/**
 * Whether a section is for data channels: `m=application 9 UDP/DTLS/SCTP webrtc-datachannel`, or the form that early
 * browsers wrote, `m=application 9 DTLS/SCTP 5000` with `a=sctpmap:5000 webrtc-datachannel 1024`.
 */
export function isDataSection(media: SdpMedia): boolean {
  if (media.kind !== 'application' || media.formats.length !== 1) return false
  // RFC 8829 §5.1.2: all three protocols are to be received.
  if (media.formats[0] === application) return protocols.includes(media.protocol) || media.protocol === oldProtocol
  return media.protocol === oldProtocol && sctpMap(media)?.application === application
}

/** The port that the old form names in its format or its map: what there is if `a=sctp-port` is not. */
export function impliedSctpPort(media: SdpMedia): number | undefined {
  if (media.protocol === oldProtocol) return portNumber(media.formats[0]) ?? sctpMap(media)?.port
  return protocols.includes(media.protocol) ? sctpMap(media)?.port : undefined
}

/**
 * The m= line of the answer to a data section, and its map, if the offer has the old form: the format is a port there, and
 * each side tells its own. The number of streams is that of a=sctpmap in the drafts before RFC 8841; DCEP knows no such limit.
 */
export function answeredDataForm(
  offered: SdpMedia,
  sctpPort: number,
): Pick<SdpMedia, 'protocol' | 'formats' | 'attributes'> {
  const { protocol, formats } = offered
  if (protocol !== oldProtocol || formats[0] === application) return { protocol, formats, attributes: [] }
  const value = `${sctpPort} ${application} ${maxStreams}`
  return { protocol, formats: [String(sctpPort)], attributes: [{ name: 'sctpmap', value }] }
}

/** Whether the old form says the port already, so that `a=sctp-port` need not. */
export function saysSctpPort(media: SdpMedia): boolean {
  return media.protocol === oldProtocol && media.sctpPort === impliedSctpPort(media)
}

/** a=sctpmap:<port> <application> [<streams>]; undefined if absent or not like that. */
function sctpMap(media: SdpMedia): { port: number | undefined; application: string | undefined } | undefined {
  const map = media.attributes.find(attribute => attribute.name === 'sctpmap')
  if (map?.value === undefined) return undefined
  const [port, name] = map.value.split(' ', 2)
  return { port: portNumber(port), application: name }
}

function portNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^[0-9]{1,5}$/.test(text) && Number(text) <= 0xffff ? Number(text) : undefined
}
