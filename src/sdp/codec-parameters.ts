import { cut } from './extmap.ts'
import { defaultH264ProfileLevel, type H264ProfileLevel, parseH264ProfileLevelId } from './h264-profile.ts'
import type { SdpCodec } from './rtp-description.ts'

/**
 * The a=fmtp of a codec, understood. A parameter that is missing, or is not what it should be, has the value that its
 * payload format gives it by default, or none.
 */
export type SdpCodecParameters =
  | OpusParameters
  | H264Parameters
  | { readonly codec: 'vp8'; readonly maxFrameRate?: number; readonly maxFrameSize?: number }
  | { readonly codec: 'vp9'; readonly profileId: number }
  | Av1Parameters
  | { readonly codec: 'rtx'; readonly apt: number | undefined; readonly rtxTime?: number }
  | { readonly codec: 'red'; readonly payloadTypes: readonly number[] }
  | { readonly codec: 'telephone-event'; readonly events: readonly EventRange[] }
  | { readonly codec: 'other'; readonly parameters: ReadonlyMap<string, string> }

/** RFC 7587 §6.1 */
export interface OpusParameters {
  readonly codec: 'opus'
  /** Hertz. */
  readonly maxPlaybackRate: number
  /** Hertz. */
  readonly spropMaxCaptureRate: number
  /** Bits per second. */
  readonly maxAverageBitrate?: number
  readonly stereo: boolean
  readonly spropStereo: boolean
  readonly cbr: boolean
  readonly useInbandFec: boolean
  readonly useDtx: boolean
  /** Milliseconds; not in the RFC, but what browsers write. */
  readonly minPtime?: number
}

/** RFC 6184 §8.1 */
export interface H264Parameters {
  readonly codec: 'h264'
  /** Undefined: a profile or level that is not known. */
  readonly profileLevel: H264ProfileLevel | undefined
  readonly packetizationMode: number
  readonly levelAsymmetryAllowed: boolean
  readonly spropParameterSets?: string
}

/** AV1 RTP payload format §7.2: level 2.0 is 0, level 3.1 is 5. */
export interface Av1Parameters {
  readonly codec: 'av1'
  readonly profile: number
  readonly levelIdx: number
  readonly tier: number
}

/** RFC 4733 §2.4.1: the first and the last event of a range. */
export type EventRange = readonly [first: number, last: number]

/** RFC 4733 §2.4.1: the DTMF events. */
const defaultEvents: readonly EventRange[] = [[0, 15]]
const maxEvent = 255

/** What the a=fmtp of a codec says. */
export function codecParameters(codec: SdpCodec): SdpCodecParameters {
  const fmtp = codec.fmtp ?? ''
  switch (codec.name.toLowerCase()) {
    case 'opus':
      return opus(formatParameters(fmtp))
    case 'h264':
      return h264(formatParameters(fmtp))
    case 'vp8':
      return vp8(formatParameters(fmtp))
    case 'vp9':
      return { codec: 'vp9', profileId: number(formatParameters(fmtp).get('profile-id')) ?? 0 }
    case 'av1':
      return av1(formatParameters(fmtp))
    case 'rtx':
      return rtx(formatParameters(fmtp))
    case 'red':
      return { codec: 'red', payloadTypes: redundantPayloadTypes(fmtp) }
    case 'telephone-event':
      return { codec: 'telephone-event', events: fmtp === '' ? defaultEvents : eventRanges(fmtp) }
    default:
      return { codec: 'other', parameters: formatParameters(fmtp) }
  }
}

/**
 * The parameters of the usual form, `name=value;name=value`, with their names in lower case. A name without a value has
 * an empty one; of two with the same name the first one counts.
 */
export function formatParameters(fmtp: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>()
  for (const parameter of fmtp.split(';')) {
    const [name, value = ''] = cut(parameter, '=')
    const key = name.trim().toLowerCase()
    if (key !== '' && !parameters.has(key)) parameters.set(key, value.trim())
  }
  return parameters
}

/** The same text with one parameter changed, or added behind. */
export function withFormatParameter(fmtp: string, name: string, value: string): string {
  let found = false
  const parameters = fmtp.split(';').map(parameter => {
    const [key] = cut(parameter, '=')
    if (key.trim().toLowerCase() !== name) return parameter
    found = true
    return `${key}=${value}`
  })
  if (!found) parameters.push(`${name}=${value}`)
  return parameters.filter(parameter => parameter !== '').join(';')
}

function opus(parameters: ReadonlyMap<string, string>): OpusParameters {
  const is = (name: string): boolean => parameters.get(name) === '1'
  const maxAverageBitrate = number(parameters.get('maxaveragebitrate'))
  const minPtime = number(parameters.get('minptime'))
  return {
    codec: 'opus',
    maxPlaybackRate: number(parameters.get('maxplaybackrate')) ?? 48_000,
    spropMaxCaptureRate: number(parameters.get('sprop-maxcapturerate')) ?? 48_000,
    ...(maxAverageBitrate === undefined ? {} : { maxAverageBitrate }),
    stereo: is('stereo'),
    spropStereo: is('sprop-stereo'),
    cbr: is('cbr'),
    useInbandFec: is('useinbandfec'),
    useDtx: is('usedtx'),
    ...(minPtime === undefined ? {} : { minPtime }),
  }
}

function h264(parameters: ReadonlyMap<string, string>): H264Parameters {
  const id = parameters.get('profile-level-id')
  const spropParameterSets = parameters.get('sprop-parameter-sets')
  return {
    codec: 'h264',
    profileLevel: id === undefined ? defaultH264ProfileLevel : parseH264ProfileLevelId(id),
    packetizationMode: number(parameters.get('packetization-mode')) ?? 0,
    levelAsymmetryAllowed: parameters.get('level-asymmetry-allowed') === '1',
    ...(spropParameterSets === undefined ? {} : { spropParameterSets }),
  }
}

/** RFC 7741 §6.1 */
function vp8(parameters: ReadonlyMap<string, string>): SdpCodecParameters {
  const maxFrameRate = number(parameters.get('max-fr'))
  const maxFrameSize = number(parameters.get('max-fs'))
  return {
    codec: 'vp8',
    ...(maxFrameRate === undefined ? {} : { maxFrameRate }),
    ...(maxFrameSize === undefined ? {} : { maxFrameSize }),
  }
}

function av1(parameters: ReadonlyMap<string, string>): Av1Parameters {
  const value = (name: string, usual: number): number => number(parameters.get(name)) ?? usual
  return { codec: 'av1', profile: value('profile', 0), levelIdx: value('level-idx', 5), tier: value('tier', 0) }
}

/** RFC 4588 §8.1 */
function rtx(parameters: ReadonlyMap<string, string>): SdpCodecParameters {
  const rtxTime = number(parameters.get('rtx-time'))
  const apt = number(parameters.get('apt'))
  return { codec: 'rtx', apt, ...(rtxTime === undefined ? {} : { rtxTime }) }
}

/** RFC 2198 §5: payload types between slashes, the primary one first. */
function redundantPayloadTypes(fmtp: string): readonly number[] {
  const payloadTypes = fmtp.split('/').map(number)
  return payloadTypes.every(each => each !== undefined) ? payloadTypes : []
}

/** RFC 4733 §2.4.1: numbers and ranges between commas. */
function eventRanges(fmtp: string): readonly EventRange[] {
  const ranges: EventRange[] = []
  for (const part of fmtp.split(',')) {
    const [from, to = from] = cut(part, '-')
    const [first, last] = [number(from), number(to)]
    if (first !== undefined && last !== undefined && first <= last && last <= maxEvent) ranges.push([first, last])
  }
  return ranges
}

function number(text: string | undefined): number | undefined {
  const digits = text?.trim() ?? ''
  return /^[0-9]{1,10}$/.test(digits) ? Number(digits) : undefined
}
