import type { Draft, SdpAttribute } from './description.ts'
import { SdpError } from './errors.ts'
import { cut } from './extmap.ts'
import { splitWords } from './grammar.ts'
import type {
  SdpRid,
  SdpRidDirection,
  SdpSimulcast,
  SdpSimulcastStream,
  SdpSimulcastVersion,
} from './rtp-description.ts'
import { formatPayloadType, parsePayloadType } from './rtp-lines.ts'

/** RFC 8852 §3.1 puts a rid into an RTP header extension, whose longest value this is. */
const maxRidLength = 255

/** RFC 8851 §10; RFC 8852 §3.3 leaves '-' and '_' out of what is sent, and both occur in descriptions. */
const ridPattern = /^[0-9A-Za-z_-]+$/
const restrictionPattern = /^[0-9A-Za-z-]+$/
const restrictionValuePattern = /^[ -:<-~]*$/

/** RFC 8851 §10: <rid-id> ("send" | "recv") ["pt="<fmt>,...] [<name>[=<value>];...] */
export function parseRid(text: string): SdpRid {
  const [id = '', direction = '', ...rest] = text.split(' ')
  if (direction !== 'send' && direction !== 'recv') throw new SdpError('the direction of a rid must be send or recv')
  const rid: Draft<SdpRid> = { id: checkRidId(id), direction, restrictions: [] }
  const list = rest.join(' ')
  const parameters = list === '' ? [] : list.split(';')
  if (parameters[0]?.startsWith('pt=')) {
    const formats = parameters.shift()?.slice('pt='.length) ?? ''
    rid.payloadTypes = [...new Set(formats.split(',').map(parsePayloadType))]
  }
  rid.restrictions = parameters.map(parseRestriction)
  return rid
}

export function formatRid(rid: SdpRid): string {
  const parameters: string[] = []
  if (rid.payloadTypes !== undefined) {
    if (rid.payloadTypes.length === 0) throw new SdpError('a rid must name a payload type if it names any')
    parameters.push(`pt=${rid.payloadTypes.map(formatPayloadType).join(',')}`)
  }
  for (const { name, value } of rid.restrictions.map(checkRestriction)) {
    parameters.push(value === undefined ? name : `${name}=${value}`)
  }
  const head = `${checkRidId(rid.id)} ${rid.direction}`
  return parameters.length === 0 ? head : `${head} ${parameters.join(';')}`
}

/** RFC 8853 §5.1: "send" <streams> and "recv" <streams>, in any order, each once at most. */
export function parseSimulcast(text: string): SdpSimulcast {
  const words = splitWords(text)
  if (words.length !== 2 && words.length !== 4) throw new SdpError('a simulcast must have one or two directions')
  const simulcast: Draft<SdpSimulcast> = {}
  for (let i = 0; i < words.length; i += 2) {
    const direction = words[i]
    if (direction !== 'send' && direction !== 'recv') throw new SdpError('a direction must be send or recv')
    if (simulcast[direction] !== undefined) throw new SdpError('a simulcast may have each direction once')
    simulcast[direction] = (words[i + 1] ?? '').split(';').map(parseStream)
  }
  checkSimulcast(simulcast)
  return simulcast
}

export function formatSimulcast(simulcast: SdpSimulcast): string {
  checkSimulcast(simulcast)
  const parts: string[] = []
  for (const direction of ['send', 'recv'] as const) {
    const streams = simulcast[direction]
    if (streams !== undefined) parts.push(`${direction} ${streams.map(formatStream).join(';')}`)
  }
  return parts.join(' ')
}

/** The ids of the rids that a simulcast line uses, in order. */
export function simulcastRids(simulcast: SdpSimulcast, direction: SdpRidDirection): readonly string[] {
  return (simulcast[direction] ?? []).flatMap(stream => stream.map(({ rid }) => rid))
}

function parseStream(text: string): SdpSimulcastVersion[] {
  return text.split(',').map(version => {
    const paused = version.startsWith('~')
    return { rid: checkRidId(paused ? version.slice(1) : version), paused }
  })
}

function formatStream(stream: SdpSimulcastStream): string {
  return stream.map(({ rid, paused }) => (paused ? '~' : '') + checkRidId(rid)).join(',')
}

/** RFC 8853 §5.1: something in it. A rid that is in it twice is left to `answerSimulcast` (webrtc-pc §4.4.2). */
function checkSimulcast(simulcast: SdpSimulcast): void {
  const { send, recv } = simulcast
  const streams = [...(send ?? []), ...(recv ?? [])]
  if ((send ?? recv) === undefined || send?.length === 0 || recv?.length === 0 || streams.some(s => s.length === 0)) {
    throw new SdpError('a simulcast must have a stream in each direction it names')
  }
}

function checkRidId(id: string): string {
  if (id.length > maxRidLength || !ridPattern.test(id)) {
    throw new SdpError(`a rid must be up to ${maxRidLength} letters, digits, '-' and '_'`)
  }
  return id
}

function parseRestriction(text: string): SdpAttribute {
  const [name, value] = cut(text, '=')
  return checkRestriction(value === undefined ? { name } : { name, value })
}

function checkRestriction(restriction: SdpAttribute): SdpAttribute {
  const { name, value } = restriction
  // "pt" is no restriction: where it is one, it would be read as the list of formats.
  if (!restrictionPattern.test(name) || name === 'pt') throw new SdpError('the name of a restriction is malformed')
  if (value !== undefined && !restrictionValuePattern.test(value)) {
    throw new SdpError('the value of a restriction is malformed')
  }
  return restriction
}
