import { type AttributeTable, mediaAttributes, sessionAttributes } from './attributes.ts'
import { impliedSctpPort } from './data-section.ts'
import type { Draft, SdpAttribute, SdpMedia, SdpSection, SdpSession } from './description.ts'
import { SdpError } from './errors.ts'
import { isToken, plainText } from './grammar.ts'
import { attributeRank, type LineRule, mediaLines, mediaRank, parseMediaLine, sessionLines } from './lines.ts'
import { isRtpSection } from './profile.ts'
import { checkRtpLine } from './rtp-media.ts'

/** The longest description that is looked at, in characters; everything in it is bounded by this. */
export const maxTextLength = 1_048_576

/** The most m= lines; a peer connection with many transceivers has some hundred. */
export const maxMediaSections = 1_024

const maxNameInMessage = 32

/**
 * Reads a session description.
 *
 * Strict where meaning depends on it (RFC 8829 §5.8: a line that cannot be read rejects the description, even if it
 * would have been ignored), forgiving where browsers are:
 * lines may end with LF alone, the last one with nothing; attributes that have no field are kept, whatever they are;
 * i=, c=, b= and k= may come anywhere in a media section; media sections of any kind and protocol are read, so that
 * they can be rejected one by one. A malformed `a=candidate` is not forgiven; an unknown transport or type in one is.
 *
 * The time is proportional to the length of the text.
 *
 * @throws {SdpError} with the number of the line that is at fault
 */
export function parseSdp(text: string): SdpSession {
  if (text.length > maxTextLength) throw new SdpError(`a description must have at most ${maxTextLength} characters`)
  const reader = new DescriptionReader()
  let number = 0
  let current: string | undefined
  try {
    for (const line of linesOf(text)) {
      number++
      current = line
      reader.read(line)
    }
    current = undefined
    return reader.finish()
  } catch (error) {
    throw error instanceof SdpError ? error.at(Math.max(number, 1), fieldOf(current)) : error
  }
}

/** Takes one line after the other. */
class DescriptionReader {
  readonly #session: Draft<SdpSession> = {
    origin: {
      username: '-',
      sessionId: '0',
      sessionVersion: '0',
      netType: 'IN',
      addressType: 'IP4',
      address: '0.0.0.0',
    },
    sessionName: '-',
    groups: [],
    iceLite: false,
    iceOptions: [],
    fingerprints: [],
    attributes: [],
    media: [],
  }
  /** The section at hand; undefined: the session section. */
  #media: Draft<SdpMedia> | undefined
  /** What the section at hand has said of the lines and attributes that it may not say twice. */
  readonly #said = new Map<string, string>()
  readonly #mids = new Set<string>()
  /** The type and the rank of the latest line of the session section. */
  #type = ''
  #rank = -1

  read(line: string): void {
    if (line.charAt(1) !== '=') throw new SdpError('a line must be of the form <type>=<value>')
    const type = line.charAt(0)
    const value = plainText(line.slice(2), 'the value')
    if (type === 'm') this.#beginMedia(value)
    else if (type === 'a') this.#readAttribute(value)
    else if (this.#media === undefined) this.#readSessionLine(type, value)
    else this.#readMediaLine(type, value, this.#media)
  }

  finish(): SdpSession {
    this.#advance(mediaRank)
    this.#endSection()
    discardStrayBundleOnly(this.#session)
    return this.#session
  }

  #beginMedia(value: string): void {
    this.#advance(mediaRank)
    this.#endSection()
    if (this.#session.media.length === maxMediaSections) {
      throw new SdpError(`a description must have at most ${maxMediaSections} media sections`)
    }
    this.#media = parseMediaLine(value)
    this.#session.media.push(this.#media)
  }

  #endSection(): void {
    this.#said.clear()
    if (this.#media === undefined || this.#media.sctpPort !== undefined) return
    const port = impliedSctpPort(this.#media)
    if (port !== undefined) this.#media.sctpPort = port
  }

  #readSessionLine(type: string, value: string): void {
    const rule = ruleFor(sessionLines, type)
    if (rule.rank === this.#rank && rule.repeatable !== true) throw new SdpError('this line may come once only')
    this.#advance(rule.rank)
    if (rule.after?.includes(this.#type) === false) {
      throw new SdpError(`this line must follow a line of one of the types "${rule.after}"`)
    }
    this.#type = type
    rule.read(value, this.#session)
  }

  #readMediaLine(type: string, value: string, media: Draft<SdpMedia>): void {
    const rule = ruleFor(mediaLines, type)
    if (rule.repeatable !== true) this.#sayOnce(`${type}=`, value)
    rule.read(value, media)
  }

  /** RFC 8866 §5: the lines of the session section come in a fixed order, and some must not be missing. */
  #advance(rank: number): void {
    if (rank < this.#rank) throw new SdpError('this line comes too late')
    for (const rule of sessionLines) {
      if (rule.required && rule.rank > this.#rank && rule.rank < rank) {
        throw new SdpError(`a line ${rule.type}= is missing before`)
      }
    }
    this.#rank = rank
  }

  #readAttribute(text: string): void {
    const colon = text.indexOf(':')
    const name = colon < 0 ? text : text.slice(0, colon)
    const value = colon < 0 ? undefined : text.slice(colon + 1)
    if (name === '') throw new SdpError('an attribute must have a name')
    if (this.#media === undefined) {
      this.#advance(attributeRank)
      if (name === 'extmap') this.#checkRtp(name, value)
      this.#decode(sessionAttributes, name, value, this.#session)
    } else {
      if (isRtpSection(this.#media)) this.#checkRtp(name, value)
      this.#decode(mediaAttributes, name, value, this.#media)
      if (name === 'mid') this.#claimMid(value ?? '')
    }
  }

  /** RFC 8829 §5.8.1, §5.8.2: what is said about RTP is parsed, too. It stays among the attributes: see `rtpMedia`. */
  #checkRtp(name: string, value: string | undefined): void {
    const key = checkRtpLine(value === undefined ? { name } : { name, value })
    if (key !== undefined) this.#sayOnce(key, value ?? '')
  }

  #decode<Section extends SdpSection>(
    table: AttributeTable<Section>,
    name: string,
    value: string | undefined,
    section: Draft<Section> & { readonly attributes: SdpAttribute[] },
  ): void {
    const codec = table.find(name)
    if (codec === undefined) {
      // RFC 8866 §5.13: an attribute that is not understood is ignored; here it is kept.
      section.attributes.push(value === undefined ? { name } : { name, value })
      return
    }
    if (!codec.repeatable) this.#sayOnce(name, value ?? '')
    codec.read(value, section)
  }

  /**
   * RFC 8829 §5.8.1 knows "a single" line of many attributes. Two that say the same do no harm; two that don't would
   * leave it to chance which one counts.
   */
  #sayOnce(key: string, value: string): void {
    const said = this.#said.get(key)
    if (said !== undefined && said !== value) throw new SdpError('this line contradicts an earlier one of the section')
    this.#said.set(key, value)
  }

  /** RFC 5888 §4: a mid is unique within the description. */
  #claimMid(mid: string): void {
    if (this.#mids.has(mid)) throw new SdpError('this mid is taken by another line')
    this.#mids.add(mid)
  }
}

/** RFC 9143 §6: bundle-only is discarded in a section that is in no BUNDLE group. */
function discardStrayBundleOnly(session: Draft<SdpSession>): void {
  const bundled = new Set<string>()
  for (const group of session.groups) if (group.semantics === 'BUNDLE') for (const mid of group.mids) bundled.add(mid)
  session.media = session.media.map(media =>
    media.bundleOnly && !bundled.has(media.mid ?? '') ? { ...media, bundleOnly: false } : media,
  )
}

function ruleFor<Section>(rules: readonly LineRule<Section>[], type: string): LineRule<Section> {
  const rule = rules.find(each => each.type === type)
  // RFC 8866 §5: a description with a type letter that is not known is to be rejected.
  if (rule === undefined) throw new SdpError('a line of this type has no place here')
  return rule
}

/**
 * The lines of a text, without their ends.
 *
 * RFC 8866 §5: a line ends with CRLF, and LF alone is accepted. Empty lines behind the last one are, too.
 */
function* linesOf(text: string): Generator<string> {
  let end = text.length
  while (end > 0 && (text[end - 1] === '\n' || text[end - 1] === '\r')) end--
  for (let start = 0; start < end; ) {
    const found = text.indexOf('\n', start)
    const stop = found < 0 || found > end ? end : found
    yield text.slice(start, stop > start && text[stop - 1] === '\r' ? stop - 1 : stop)
    start = stop + 1
  }
}

/** What to call a line in a message: its type and, if it is an attribute, its name, but nothing of its value. */
function fieldOf(line: string | undefined): string {
  if (line === undefined) return 'the end'
  if (!/^[a-z]=/.test(line)) return 'not a field'
  const name = line.slice(2, 2 + maxNameInMessage).split(':', 1)[0] ?? ''
  return line.startsWith('a=') && isToken(name) ? `a=${name}` : line.slice(0, 2)
}
