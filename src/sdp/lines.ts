import type { Draft, SdpBandwidth, SdpMedia, SdpOrigin, SdpSection, SdpSession } from './description.ts'
import { SdpError } from './errors.ts'
import { decimal, digits, integer, maxPort, splitWords, token, visible } from './grammar.ts'

/** What a line other than an attribute is: where it may stand, and what becomes of its value. */
export interface LineRule<Section> {
  readonly type: string
  /** Lines come in the order of their ranks. */
  readonly rank: number
  readonly required?: true
  readonly repeatable?: true
  /** The types that it must follow at once. */
  readonly after?: string
  read(value: string, section: Draft<Section>): void
}

export const attributeRank = 11
export const mediaRank = 12

/** RFC 8866 §5: the lines of the session section, in their order. */
export const sessionLines: readonly LineRule<SdpSession>[] = [
  { type: 'v', rank: 0, required: true, read: checkVersion },
  {
    type: 'o',
    rank: 1,
    required: true,
    read: (value, session) => {
      session.origin = parseOrigin(value)
    },
  },
  {
    type: 's',
    rank: 2,
    required: true,
    read: (value, session) => {
      session.sessionName = value
    },
  },
  { type: 'i', rank: 3, read: discard },
  { type: 'u', rank: 4, read: checkNotEmpty },
  { type: 'e', rank: 5, repeatable: true, read: checkNotEmpty },
  { type: 'p', rank: 6, repeatable: true, read: checkNotEmpty },
  { type: 'c', rank: 7, read: readConnection },
  { type: 'b', rank: 8, repeatable: true, read: readBandwidth },
  { type: 't', rank: 9, required: true, repeatable: true, read: checkTiming },
  { type: 'r', rank: 9, repeatable: true, after: 'tr', read: checkRepeat },
  // RFC 8866 §5.11: zones without a repetition before them are an error.
  { type: 'z', rank: 9, repeatable: true, after: 'r', read: checkZones },
  { type: 'k', rank: 10, read: checkKey },
]

/**
 * RFC 8866 §5: the lines of a media section.
 *
 * Their order is not insisted on: a bandwidth line added behind the attributes is the commonest edit applications make,
 * browsers take it, and nothing it says becomes ambiguous.
 */
export const mediaLines: readonly LineRule<SdpMedia>[] = [
  { type: 'i', rank: 0, read: discard },
  { type: 'c', rank: 0, repeatable: true, read: readConnection },
  { type: 'b', rank: 0, repeatable: true, read: readBandwidth },
  { type: 'k', rank: 0, read: checkKey },
]

/** RFC 8866 §5.14: m=<media> <port>[/<number of ports>] <proto> <fmt> ... */
export function parseMediaLine(value: string): Draft<SdpMedia> {
  const [kind = '', ports = '', protocol = '', ...formats] = splitWords(value)
  const [port = '', portCount] = ports.split('/', 2)
  const media: Draft<SdpMedia> = {
    kind: token(kind, 'the media type'),
    port: integer(port, 0, maxPort, 'the port'),
    protocol: checkProtocol(protocol),
    formats: formats.map(checkFormat),
    bundleOnly: false,
    iceOptions: [],
    fingerprints: [],
    candidates: [],
    endOfCandidates: false,
    rtcpMux: false,
    rtcpMuxOnly: false,
    attributes: [],
  }
  if (portCount !== undefined) media.portCount = integer(portCount, 1, maxPort, 'the number of ports')
  checkFormatCount(media)
  return media
}

export function formatMediaLine(media: SdpMedia): string {
  checkFormatCount(media)
  const port = decimal(media.port, 0, maxPort, 'the port')
  const count = media.portCount === undefined ? '' : `/${decimal(media.portCount, 1, maxPort, 'the number of ports')}`
  const head = [token(media.kind, 'the media type'), port + count, checkProtocol(media.protocol)]
  return [...head, ...media.formats.map(checkFormat)].join(' ')
}

/** RFC 8866 §5.2: o=<username> <sess-id> <sess-version> <nettype> <addrtype> <unicast-address> */
export function parseOrigin(value: string): SdpOrigin {
  const words = value.split(' ')
  if (words.length !== 6) throw new SdpError('an origin must have 6 fields')
  const [username = '', sessionId = '', sessionVersion = '', netType = '', addressType = '', address = ''] = words
  return checkOrigin({ username, sessionId, sessionVersion, netType, addressType, address })
}

export function formatOrigin(origin: SdpOrigin): string {
  const { username, sessionId, sessionVersion, netType, addressType, address } = checkOrigin(origin)
  return [username, sessionId, sessionVersion, netType, addressType, address].join(' ')
}

/** RFC 8866 §5.7: c=<nettype> <addrtype> <connection-address> */
export function parseConnection(value: string): string {
  const words = value.split(' ')
  if (words.length !== 3) throw new SdpError('a connection must have 3 fields')
  const [netType = '', addressType = '', address = ''] = words
  token(netType, 'the network type')
  token(addressType, 'the address type')
  visible(address, 'the address')
  return value
}

/** RFC 8866 §5.8: b=<bwtype>:<bandwidth> */
export function parseBandwidth(value: string): SdpBandwidth {
  const [type = '', amount = ''] = value.split(':', 2)
  return {
    type: token(type, 'the bandwidth type'),
    value: integer(amount, 0, Number.MAX_SAFE_INTEGER, 'the bandwidth'),
  }
}

export function formatBandwidth(bandwidth: SdpBandwidth): string {
  const amount = decimal(bandwidth.value, 0, Number.MAX_SAFE_INTEGER, 'the bandwidth')
  return `${token(bandwidth.type, 'the bandwidth type')}:${amount}`
}

function checkOrigin(origin: SdpOrigin): SdpOrigin {
  visible(origin.username, 'the user name')
  digits(origin.sessionId, 'the session id')
  digits(origin.sessionVersion, 'the session version')
  token(origin.netType, 'the network type')
  token(origin.addressType, 'the address type')
  visible(origin.address, 'the address')
  return origin
}

/** RFC 8866 §9: proto is tokens separated by slashes. */
function checkProtocol(protocol: string): string {
  for (const part of protocol.split('/')) token(part, 'each part of the protocol')
  return protocol
}

function checkFormat(format: string): string {
  return token(format, 'a format')
}

/** RFC 8866 §9 wants a format on every m= line. On a rejected one there is nothing left to list, and some stacks don't. */
function checkFormatCount(media: SdpMedia): void {
  if (media.formats.length === 0 && media.port !== 0) throw new SdpError('a media line must have a format')
}

function readConnection(value: string, section: Draft<SdpSection>): void {
  const connection = parseConnection(value)
  section.connection ??= connection
}

function readBandwidth(value: string, section: Draft<SdpSection>): void {
  section.bandwidths ??= []
  section.bandwidths.push(parseBandwidth(value))
}

function checkVersion(value: string): void {
  if (value !== '0') throw new SdpError('the version must be 0')
}

/** RFC 8866 §5.9: t=<start-time> <stop-time> */
function checkTiming(value: string): void {
  const words = splitWords(value)
  if (words.length !== 2) throw new SdpError('a time must have a start and a stop')
  for (const word of words) digits(word, 'a time')
}

/** RFC 8866 §5.10: r=<repeat-interval> <active-duration> <offsets from start-time> */
function checkRepeat(value: string): void {
  const words = splitWords(value)
  if (words.length < 3) throw new SdpError('a repetition must have an interval, a duration and an offset')
  for (const word of words) checkTypedTime(word)
}

/** RFC 8866 §5.11: z=<adjustment time> <offset> ... */
function checkZones(value: string): void {
  const words = splitWords(value)
  if (words.length === 0 || words.length % 2 !== 0) throw new SdpError('zones must be pairs of a time and an offset')
  for (const word of words) checkTypedTime(word.startsWith('-') ? word.slice(1) : word)
}

function checkTypedTime(word: string): void {
  digits(/[dhms]$/.test(word) ? word.slice(0, -1) : word, 'a time')
}

/** RFC 8866 §5.12: obsolete, to be discarded. */
function checkKey(value: string): void {
  const [method = ''] = value.split(':', 1)
  if (!['prompt', 'clear', 'base64', 'uri'].includes(method)) throw new SdpError('the key method is unknown')
}

function checkNotEmpty(value: string): void {
  if (value === '') throw new SdpError('a value is missing')
}

function discard(): void {}
