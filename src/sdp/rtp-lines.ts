import type { Draft, SdpAttribute } from './description.ts'
import { SdpError } from './errors.ts'
import { cut } from './extmap.ts'
import { decimal, integer, maxPort, splitWords, token, visible } from './grammar.ts'
import { parseConnection } from './lines.ts'
import type { SdpCodec, SdpFeedback, SdpRtcp, SdpSourceGroup, SdpStream } from './rtp-description.ts'

/** RFC 3550 §5.1: seven bits. */
export const maxPayloadType = 127
const maxSsrc = 0xffff_ffff
const maxClockRate = 0xffff_ffff
const maxChannels = 255

/** Decimal milliseconds. RFC 8866 §6.4 has whole ones in new descriptions, RFC 4566 has fractions. */
const millisecondsPattern = /^[0-9]{1,9}(\.[0-9]{1,9})?$/

/** A format of an m= line that carries RTP. @throws {SdpError} if it is no payload type */
export function parsePayloadType(text: string): number {
  return integer(text, 0, maxPayloadType, 'a payload type')
}

export function formatPayloadType(payloadType: number): string {
  return decimal(payloadType, 0, maxPayloadType, 'a payload type')
}

/** RFC 8866 §6.6: <payload type> <encoding name>/<clock rate>[/<encoding parameters>] */
export function parseRtpmap(text: string): Omit<SdpCodec, 'feedback'> {
  const words = splitWords(text)
  if (words.length !== 2) throw new SdpError('a map must have a payload type and an encoding')
  const [payloadType = '', encoding = ''] = words
  const [name = '', clockRate = '', channels, ...more] = encoding.split('/', 4)
  if (more.length > 0) throw new SdpError('an encoding must have at most three parts')
  const codec: Draft<Omit<SdpCodec, 'feedback'>> = {
    payloadType: parsePayloadType(payloadType),
    name: token(name, 'the name of an encoding'),
    clockRate: integer(clockRate, 1, maxClockRate, 'the clock rate'),
  }
  if (channels !== undefined) codec.channels = integer(channels, 1, maxChannels, 'the number of channels')
  return codec
}

export function formatRtpmap(codec: Omit<SdpCodec, 'feedback'>): string {
  const clockRate = decimal(codec.clockRate, 1, maxClockRate, 'the clock rate')
  const encoding = `${token(codec.name, 'the name of an encoding')}/${clockRate}`
  const { channels } = codec
  const parameters = channels === undefined ? '' : `/${decimal(channels, 1, maxChannels, 'the number of channels')}`
  return `${formatPayloadType(codec.payloadType)} ${encoding}${parameters}`
}

/** RFC 8866 §6.15: <format> <parameters> */
export function parseFmtp(text: string): { readonly payloadType: number; readonly fmtp: string } {
  const [payloadType, fmtp] = cut(text, ' ')
  return { payloadType: parsePayloadType(payloadType), fmtp: (fmtp ?? '').trim() }
}

export function formatFmtp(payloadType: number, fmtp: string): string {
  if (fmtp === '' || fmtp !== fmtp.trim()) throw new SdpError('the parameters of a format must begin and end with text')
  return `${formatPayloadType(payloadType)} ${fmtp}`
}

/** RFC 4585 §4.2: (<payload type> | "*") <type> [<parameter>]. An undefined payload type stands for all of them. */
export function parseFeedback(text: string): {
  readonly payloadType: number | undefined
  readonly feedback: SdpFeedback
} {
  const [payloadType, value] = cut(text, ' ')
  const [type, parameter] = cut((value ?? '').trim(), ' ')
  return {
    payloadType: payloadType === '*' ? undefined : parsePayloadType(payloadType),
    feedback: {
      type: token(type, 'the type of a feedback'),
      ...(parameter === undefined ? {} : { parameter: parameter.trimStart() }),
    },
  }
}

export function formatFeedback(payloadType: number, { type, parameter }: SdpFeedback): string {
  if (parameter !== undefined && (parameter === '' || parameter !== parameter.trim())) {
    throw new SdpError('the parameter of a feedback must begin and end with text')
  }
  const value = token(type, 'the type of a feedback') + (parameter === undefined ? '' : ` ${parameter}`)
  return `${formatPayloadType(payloadType)} ${value}`
}

/** RFC 8830 §2: <stream> [<appdata>] */
export function parseStream(text: string): SdpStream {
  const words = splitWords(text)
  if (words.length < 1 || words.length > 2) throw new SdpError('an msid must have one or two words')
  const [id = '', track] = words
  return { id: checkStreamId(id), ...(track === undefined ? {} : { track: checkStreamId(track) }) }
}

export function formatStream({ id, track }: SdpStream): string {
  return track === undefined ? checkStreamId(id) : `${checkStreamId(id)} ${checkStreamId(track)}`
}

/** RFC 8830 §2 has tokens; the ids that applications give to streams may be more than those. */
function checkStreamId(id: string): string {
  return visible(id, 'each word of an msid')
}

export function parseSsrc(text: string): number {
  return integer(text, 0, maxSsrc, 'an SSRC')
}

export function formatSsrc(ssrc: number): string {
  return decimal(ssrc, 0, maxSsrc, 'an SSRC')
}

/** RFC 5576 §4.1: <ssrc> <attribute>[:<value>] */
export function parseSource(text: string): { readonly ssrc: number; readonly attribute: SdpAttribute } {
  const [ssrc, rest] = cut(text, ' ')
  const [name, value] = cut((rest ?? '').trimStart(), ':')
  return {
    ssrc: parseSsrc(ssrc),
    attribute: { name: token(name, 'the attribute of a source'), ...(value === undefined ? {} : { value }) },
  }
}

export function formatSource(ssrc: number, { name, value }: SdpAttribute): string {
  const attribute = token(name, 'the attribute of a source') + (value === undefined ? '' : `:${value}`)
  return `${formatSsrc(ssrc)} ${attribute}`
}

/** RFC 5576 §4.2: <semantics> <ssrc> ... */
export function parseSourceGroup(text: string): SdpSourceGroup {
  const [semantics = '', ...ssrcs] = splitWords(text)
  return { semantics: token(semantics, 'the semantics of a group'), ssrcs: ssrcs.map(parseSsrc) }
}

export function formatSourceGroup({ semantics, ssrcs }: SdpSourceGroup): string {
  return [token(semantics, 'the semantics of a group'), ...ssrcs.map(formatSsrc)].join(' ')
}

export function parseMilliseconds(text: string): number {
  if (!millisecondsPattern.test(text)) throw new SdpError('a time must be decimal milliseconds')
  return Number(text)
}

export function formatMilliseconds(value: number): string {
  const text = String(value)
  if (!millisecondsPattern.test(text)) throw new SdpError('a time must be decimal milliseconds')
  return text
}

/**
 * RFC 3605 §2.1: <port> [<network type> <address type> <address>].
 *
 * Chromium leaves the address empty where it hides its own: nothing is known then.
 */
export function parseRtcp(text: string): SdpRtcp {
  const [port, connection = ''] = cut(text, ' ')
  const rtcp: SdpRtcp = { port: integer(port, 0, maxPort, 'the port of RTCP') }
  const words = splitWords(connection)
  return words.length === 0 || (words.length === 2 && connection.endsWith(' '))
    ? rtcp
    : { ...rtcp, connection: parseConnection(connection) }
}

export function formatRtcp({ port, connection }: SdpRtcp): string {
  const head = decimal(port, 0, maxPort, 'the port of RTCP')
  return connection === undefined ? head : `${head} ${parseConnection(connection)}`
}
