import type { SdpAttribute, SdpMedia, SdpSession } from './description.ts'
import { SdpError } from './errors.ts'
import { formatExtmap, isKnownId, maxTwoByteId, parseExtmap } from './extmap.ts'
import { parseRid, parseSimulcast } from './rid.ts'
import type {
  SdpCodec,
  SdpFeedback,
  SdpHeaderExtension,
  SdpRid,
  SdpRtpMedia,
  SdpSimulcast,
  SdpSourceGroup,
  SdpStream,
} from './rtp-description.ts'
import {
  maxFeedback,
  maxGroupSources,
  maxHeaderExtensions,
  maxRids,
  maxSourceAttributes,
  maxSourceGroups,
  maxSources,
  maxStreams,
} from './rtp-limits.ts'
import {
  formatRtpmap,
  parseFeedback,
  parseFmtp,
  parseMilliseconds,
  parsePayloadType,
  parseRtcp,
  parseRtpmap,
  parseSource,
  parseSourceGroup,
  parseStream,
} from './rtp-lines.ts'
import { staticPayloadTypes } from './static-payload-types.ts'

/**
 * Reads what a section says about RTP.
 *
 * Left out, as the standards have it, are: maps of payload types that are not on the m= line, dynamic payload types
 * without a map, header extensions whose identifier means nothing (RFC 8285 §7), rids that are malformed, ambiguous or
 * about nothing (RFC 8851 §6.2.2), and all simulcast lines if there is more than one (RFC 8853 §5.3.2). Header
 * extensions of the session section count for each of its media sections. The time is proportional to the section.
 *
 * @param media a section with an RTP profile (`isRtpSection`) that is not rejected
 * @throws {SdpError} without a line, if a format is no payload type, a line is malformed (never in a section from
 * `parseSdp`), lines contradict each other, or there are more of them than `rtp-limits.ts` allows
 */
export function rtpMedia(session: SdpSession, media: SdpMedia): SdpRtpMedia {
  const reader = new RtpReader()
  for (const attribute of media.attributes) reader.read(attribute)
  reader.readSession(relevantAttributes(session.attributes))
  return reader.finish(media.formats)
}

/**
 * Checks one attribute line of an RTP section by itself.
 *
 * @returns a key if the section may not say anything else under it
 * @throws {SdpError} if it is malformed
 */
export function checkRtpLine({ name, value }: SdpAttribute): string | undefined {
  return checks.get(name)?.(value)
}

/** The attributes that `SdpRtpMedia` has a field for. */
export function isRtpAttribute(name: string): boolean {
  return name === 'rid' || checks.has(name)
}

type LineCheck = (value: string | undefined) => string | undefined

/** RFC 8829 §5.8.2: how each line is to be parsed. A malformed a=rid is not an error but discarded (RFC 8851 §6.2.2). */
const checks: ReadonlyMap<string, LineCheck> = new Map<string, LineCheck>([
  ['rtpmap', value => `rtpmap ${parseRtpmap(required(value)).payloadType}`],
  ['fmtp', unkeyed(parseFmtp)],
  ['rtcp-fb', unkeyed(parseFeedback)],
  ['ptime', keyed('ptime', parseMilliseconds)],
  ['maxptime', keyed('maxptime', parseMilliseconds)],
  // RFC 8285 §7: an identifier of the valid range stands for one extension.
  ['extmap', value => keyOfExtension(parseExtmap(required(value)))],
  ['extmap-allow-mixed', refuse],
  ['msid', unkeyed(parseStream)],
  ['ssrc', unkeyed(parseSource)],
  ['ssrc-group', unkeyed(parseSourceGroup)],
  ['simulcast', unkeyed(parseSimulcast)],
  ['rtcp', keyed('rtcp', parseRtcp)],
  ['rtcp-rsize', refuse],
])

interface SourceDraft {
  readonly ssrc: number
  cname?: string
  readonly streams: SdpStream[]
  readonly attributes: SdpAttribute[]
}

/** A key that no payload type has: every one of them is meant. */
const everyPayloadType = -1
const noIds: ReadonlySet<number> = new Set()

class RtpReader {
  readonly #maps = new Map<number, Omit<SdpCodec, 'feedback'>>()
  readonly #fmtps = new Map<number, string[]>()
  readonly #feedback = new Map<number, SdpFeedback[]>()
  /** By identifier, if that stands for one extension, and by all they say otherwise. */
  readonly #extensions = new Map<string, SdpHeaderExtension>()
  readonly #streams: SdpStream[] = []
  readonly #sources = new Map<number, SourceDraft>()
  readonly #groups: SdpSourceGroup[] = []
  /** By id; undefined for one that was there twice. */
  readonly #rids = new Map<string, SdpRid | undefined>()
  readonly #single = new Map<string, string>()
  #simulcast: SdpSimulcast | 'several' | undefined
  #extensionLines = 0
  #ridLines = 0
  #extmapAllowMixed = false
  #rtcpRsize = false

  read({ name, value }: SdpAttribute): void {
    if (!isRtpAttribute(name)) return
    if (name === 'extmap-allow-mixed') this.#extmapAllowMixed = true
    else if (name === 'rtcp-rsize') this.#rtcpRsize = true
    else this.#readValue(name, required(value))
  }

  /** After the section's own attributes, which take precedence. */
  readSession(attributes: readonly SdpAttribute[]): void {
    const own = new Set([...this.#extensions.values()].map(({ id }) => id))
    for (const { name, value } of attributes) {
      if (name === 'extmap-allow-mixed') this.#extmapAllowMixed = true
      else if (name === 'extmap') this.#addExtension(parseExtmap(required(value)), own)
    }
  }

  finish(formats: readonly string[]): SdpRtpMedia {
    const payloadTypes = new Set(formats.map(parsePayloadType))
    const codecs = [...payloadTypes].flatMap(payloadType => this.#codec(payloadType))
    const single = (name: string): string | undefined => this.#single.get(name)
    const [ptime, maxptime, rtcp] = [single('ptime'), single('maxptime'), single('rtcp')]
    const simulcast = this.#simulcast
    return {
      codecs,
      headerExtensions: [...this.#extensions.values()],
      extmapAllowMixed: this.#extmapAllowMixed,
      streams: this.#streams,
      sources: [...this.#sources.values()],
      sourceGroups: this.#groups,
      rids: this.#usableRids(new Set(codecs.map(({ payloadType }) => payloadType))),
      // RFC 8853 §5.3.2: of several lines, none
      ...(simulcast === undefined || simulcast === 'several' ? {} : { simulcast }),
      ...(ptime === undefined ? {} : { ptime: parseMilliseconds(ptime) }),
      ...(maxptime === undefined ? {} : { maxptime: parseMilliseconds(maxptime) }),
      ...(rtcp === undefined ? {} : { rtcp: parseRtcp(rtcp) }),
      rtcpRsize: this.#rtcpRsize,
    }
  }

  #readValue(name: string, value: string): void {
    switch (name) {
      case 'rtpmap':
        this.#addMap(parseRtpmap(value))
        return
      case 'fmtp':
        this.#addFmtp(parseFmtp(value))
        return
      case 'rtcp-fb':
        this.#addFeedback(parseFeedback(value))
        return
      case 'extmap':
        this.#addExtension(parseExtmap(value))
        return
      case 'msid':
        add(this.#streams, parseStream(value), maxStreams, 'streams')
        return
      case 'ssrc':
        this.#addSource(parseSource(value))
        return
      case 'ssrc-group':
        this.#addGroup(parseSourceGroup(value))
        return
      case 'rid':
        this.#addRid(value)
        return
      case 'simulcast':
        this.#simulcast = this.#simulcast === undefined ? parseSimulcast(value) : 'several'
        return
      default:
        once(this.#single, name, value)
    }
  }

  #addMap(map: Omit<SdpCodec, 'feedback'>): void {
    const said = this.#maps.get(map.payloadType)
    if (said !== undefined && formatRtpmap(said) !== formatRtpmap(map)) {
      throw new SdpError('a payload type has two maps')
    }
    this.#maps.set(map.payloadType, map)
  }

  #addFmtp({ payloadType, fmtp }: ReturnType<typeof parseFmtp>): void {
    if (fmtp === '') return
    const said = this.#fmtps.get(payloadType)
    if (said === undefined) this.#fmtps.set(payloadType, [fmtp])
    else said.push(fmtp)
  }

  #addFeedback({ payloadType = everyPayloadType, feedback }: ReturnType<typeof parseFeedback>): void {
    const said = this.#feedback.get(payloadType) ?? []
    this.#feedback.set(payloadType, said)
    add(said, feedback, maxFeedback, 'kinds of feedback')
  }

  #addExtension(extension: SdpHeaderExtension, overridden: ReadonlySet<number> = noIds): void {
    // All lines count, because those of the session section are read once for each of its sections.
    if (++this.#extensionLines > maxHeaderExtensions) {
      throw new SdpError(`a section must have at most ${maxHeaderExtensions} header extensions`)
    }
    if (!isKnownId(extension.id) || overridden.has(extension.id)) return
    const all = formatExtmap(extension)
    const key = keyOfExtension(extension) ?? all
    const said = this.#extensions.get(key)
    if (said === undefined) this.#extensions.set(key, extension)
    else if (formatExtmap(said) !== all) {
      throw new SdpError('the identifier of a header extension is taken by another one')
    }
  }

  #addSource({ ssrc, attribute }: ReturnType<typeof parseSource>): void {
    const source: SourceDraft = this.#sources.get(ssrc) ?? { ssrc, streams: [], attributes: [] }
    this.#sources.set(ssrc, source)
    if (this.#sources.size > maxSources) throw new SdpError(`a section must have at most ${maxSources} sources`)
    const { name, value } = attribute
    if (name === 'msid') add(source.streams, parseStream(required(value)), maxStreams, 'streams')
    else if (name !== 'cname') add(source.attributes, attribute, maxSourceAttributes, 'attributes of a source')
    else if (source.cname !== undefined && source.cname !== value) throw new SdpError('a source has two names')
    else source.cname = required(value)
  }

  #addGroup(group: SdpSourceGroup): void {
    if (group.ssrcs.length > maxGroupSources) throw new SdpError(`a group must have at most ${maxGroupSources} sources`)
    add(this.#groups, group, maxSourceGroups, 'groups of sources')
  }

  /** RFC 8851 §6.2.2, steps 1 and 2: discarded are malformed lines, and all lines that share an id. */
  #addRid(value: string): void {
    if (++this.#ridLines > maxRids) throw new SdpError(`a section must have at most ${maxRids} rids`)
    const rid = unlessMalformed(() => parseRid(value))
    if (rid !== undefined) this.#rids.set(rid.id, this.#rids.has(rid.id) ? undefined : rid)
  }

  #codec(payloadType: number): readonly SdpCodec[] {
    const encoding = this.#maps.get(payloadType) ?? staticPayloadTypes.get(payloadType)
    if (encoding === undefined) return []
    const fmtp = this.#fmtps.get(payloadType)
    const feedback = [...(this.#feedback.get(payloadType) ?? []), ...(this.#feedback.get(everyPayloadType) ?? [])]
    const distinct = new Map(feedback.map(each => [`${each.type} ${each.parameter ?? ''}`, each]))
    if (distinct.size > maxFeedback) throw new SdpError(`a codec must have at most ${maxFeedback} kinds of feedback`)
    return [
      {
        payloadType,
        ...encoding,
        ...(fmtp === undefined ? {} : { fmtp: fmtp.join(';') }),
        feedback: [...distinct.values()],
      },
    ]
  }

  /** RFC 8851 §6.2.2, steps 3 and 5: discarded are rids that are about no codec of the m= line, or depend on none. */
  #usableRids(payloadTypes: ReadonlySet<number>): SdpRid[] {
    const usable: SdpRid[] = []
    for (const rid of this.#rids.values()) {
      if (rid === undefined) continue
      const listed = rid.payloadTypes?.filter(payloadType => payloadTypes.has(payloadType))
      if (listed?.length === 0) continue
      usable.push(listed === undefined ? rid : { ...rid, payloadTypes: listed })
    }
    const ids = new Set(usable.map(({ id }) => id))
    const known = (value = ''): boolean => value.split(',').every(id => ids.has(id))
    return usable.filter(rid => rid.restrictions.every(({ name, value }) => name !== 'depend' || known(value)))
  }
}

/**
 * The attributes of a session section that count for its media sections.
 *
 * Remembered, because a description may have a thousand sections and the session section a hundred thousand lines.
 */
function relevantAttributes(attributes: readonly SdpAttribute[]): readonly SdpAttribute[] {
  let relevant = rememberedAttributes.get(attributes)
  if (relevant === undefined) {
    const mixed = attributes.find(({ name }) => name === 'extmap-allow-mixed')
    const extensions = attributes.filter(({ name }) => name === 'extmap')
    relevant = mixed === undefined ? extensions : [mixed, ...extensions]
    rememberedAttributes.set(attributes, relevant)
  }
  return relevant
}

const rememberedAttributes = new WeakMap<readonly SdpAttribute[], readonly SdpAttribute[]>()

function keyOfExtension(extension: SdpHeaderExtension): string | undefined {
  return extension.id <= maxTwoByteId ? `extmap ${extension.id}` : undefined
}

function add<Item>(list: Item[], item: Item, max: number, what: string): void {
  if (list.length >= max) throw new SdpError(`there must be at most ${max} ${what}`)
  list.push(item)
}

function once(said: Map<string, string>, name: string, value: string): void {
  const earlier = said.get(name)
  if (earlier !== undefined && earlier !== value) throw new SdpError(`${name} contradicts an earlier line`)
  said.set(name, value)
}

function keyed(key: string, parse: (text: string) => unknown): (value: string | undefined) => string {
  return value => {
    parse(required(value))
    return key
  }
}

function unkeyed(parse: (text: string) => unknown): (value: string | undefined) => undefined {
  return value => {
    parse(required(value))
  }
}

function refuse(value: string | undefined): undefined {
  if (value !== undefined) throw new SdpError('this attribute takes no value')
}

function required(value: string | undefined): string {
  if (value === undefined) throw new SdpError('a value is missing')
  return value
}

function unlessMalformed<Value>(parse: () => Value): Value | undefined {
  try {
    return parse()
  } catch (error) {
    if (error instanceof SdpError) return undefined
    throw error
  }
}
