import { formatCandidateValue, parseCandidateValue } from './candidate.ts'
import { saysSctpPort } from './data-section.ts'
import type {
  Draft,
  SdpDirection,
  SdpFingerprint,
  SdpGroup,
  SdpMedia,
  SdpSection,
  SdpSession,
  SdpSetup,
} from './description.ts'
import { SdpError } from './errors.ts'
import { decimal, iceChars, integer, maxPort, oneOf, splitWords, token } from './grammar.ts'

/** How one attribute is read into a section and written from it. */
export interface AttributeCodec<Section> {
  readonly name: string
  /** Whether several lines add up. If not, a second line that says something else makes the section ambiguous. */
  readonly repeatable: boolean
  /** @param value what follows the colon; undefined if there is none */
  read(value: string | undefined, section: Draft<Section>): void
  /** One entry for each line: what follows the colon, or undefined for the bare name. */
  write(section: Section): readonly (string | undefined)[]
}

/** The attributes with a field of their own, in the order they are written: before and after all the others. */
export interface AttributeTable<Section> {
  readonly before: readonly AttributeCodec<Section>[]
  readonly after: readonly AttributeCodec<Section>[]
  find(name: string): AttributeCodec<Section> | undefined
}

/** RFC 8839 §5.4: as long as these when received. */
const ufragLength = [4, 256] as const
const passwordLength = [22, 256] as const

/** The length of a hash in bytes. */
const hashLengths: ReadonlyMap<string, number> = new Map([
  ['sha-1', 20],
  ['sha-224', 28],
  ['sha-256', 32],
  ['sha-384', 48],
  ['sha-512', 64],
  ['md5', 16],
  ['md2', 16],
])

/** The largest size that is exact in a double; RFC 8841 §6.2 sets none. */
const maxMaxMessageSize = 2 ** 53

/** RFC 4145 §4: the roles. */
const setups: readonly SdpSetup[] = ['actpass', 'active', 'passive', 'holdconn']

const iceOptions: AttributeCodec<SdpSection> = {
  name: 'ice-options',
  repeatable: true,
  read: (value, section) => {
    // RFC 8839 §5.6 separates options by spaces; a widespread library does it by commas.
    for (const option of splitWords(required(value).replaceAll(',', ' '))) section.iceOptions.push(iceOption(option))
  },
  write: section => (section.iceOptions.length === 0 ? [] : [section.iceOptions.map(iceOption).join(' ')]),
}

const group: AttributeCodec<SdpSession> = {
  name: 'group',
  repeatable: true,
  read: (value, session) => {
    const [semantics = '', ...mids] = splitWords(required(value))
    session.groups.push(checkGroup({ semantics, mids }))
  },
  write: session => session.groups.map(checkGroup).map(({ semantics, mids }) => [semantics, ...mids].join(' ')),
}

const fingerprint: AttributeCodec<SdpSection> = {
  name: 'fingerprint',
  repeatable: true,
  read: (value, section) => {
    section.fingerprints.push(parseFingerprint(required(value)))
  },
  write: section => section.fingerprints.map(formatFingerprint),
}

const candidate: AttributeCodec<SdpMedia> = {
  name: 'candidate',
  repeatable: true,
  // RFC 8829 §5.8: a line that is not well formed rejects the description, malformed candidates (as in Chromium) included.
  read: (value, media) => {
    media.candidates.push(parseCandidateValue(required(value)))
  },
  write: media => media.candidates.map(formatCandidateValue),
}

/** What carries the connection: in every section that is not bundled into another one. */
const transportAttributes: readonly AttributeCodec<SdpSection>[] = [
  single<SdpSection, string>(
    'ice-ufrag',
    same(value => iceChars(value, ...ufragLength, 'a username fragment')),
    section => section.iceUfrag,
    iceUfrag => ({ iceUfrag }),
  ),
  single<SdpSection, string>(
    'ice-pwd',
    same(value => iceChars(value, ...passwordLength, 'a password')),
    section => section.icePwd,
    icePwd => ({ icePwd }),
  ),
  fingerprint,
  single<SdpSection, SdpSetup>(
    'setup',
    same(value => oneOf(value, setups, 'the role')),
    section => section.setup,
    setup => ({ setup }),
  ),
  single<SdpSection, string>(
    'tls-id',
    same(checkTlsId),
    section => section.tlsId,
    tlsId => ({ tlsId }),
  ),
]

const directions: readonly AttributeCodec<SdpSection>[] = [
  direction('sendrecv'),
  direction('sendonly'),
  direction('recvonly'),
  direction('inactive'),
]

/** RFC 8829 §5.2.1: the session section. RFC 8839 §5.3: ice-lite is found nowhere else. */
export const sessionAttributes: AttributeTable<SdpSession> = table<SdpSession>(
  [flag<SdpSession>('ice-lite', session => session.iceLite, { iceLite: true }), iceOptions, group],
  [...transportAttributes, ...directions],
)

/** RFC 8829 §5.2.1: a media section, in the order of the examples in section 7. */
export const mediaAttributes: AttributeTable<SdpMedia> = table<SdpMedia>(
  [
    // RFC 5888 §4
    single<SdpMedia, string>(
      'mid',
      same(value => token(value, 'a mid')),
      media => media.mid,
      mid => ({ mid }),
    ),
    ...directions,
  ],
  [
    single<SdpMedia, number>(
      'sctp-port',
      number(maxPort, 'the SCTP port'),
      media => (saysSctpPort(media) ? undefined : media.sctpPort),
      sctpPort => ({ sctpPort }),
    ),
    single<SdpMedia, number>(
      'max-message-size',
      number(maxMaxMessageSize, 'the message size'),
      media => media.maxMessageSize,
      maxMessageSize => ({ maxMessageSize }),
    ),
    // RFC 9143 §6: accept this section only if it stays in its BUNDLE group.
    flag<SdpMedia>('bundle-only', media => media.bundleOnly, { bundleOnly: true }),
    iceOptions,
    ...transportAttributes,
    // RFC 5761 §5.1.1: RTP and RTCP share a port. RFC 8858 §3: ... or else there is no RTP.
    flag<SdpMedia>('rtcp-mux', media => media.rtcpMux, { rtcpMux: true }),
    flag<SdpMedia>('rtcp-mux-only', media => media.rtcpMuxOnly, { rtcpMuxOnly: true }),
    candidate,
    flag<SdpMedia>('end-of-candidates', media => media.endOfCandidates, { endOfCandidates: true }),
  ],
)

/** How a value looks in text. */
interface ValueCodec<Value> {
  parse(text: string): Value
  format(value: Value): string
}

function single<Section, Value>(
  name: string,
  codec: ValueCodec<Value>,
  get: (section: Section) => Value | undefined,
  put: (value: Value) => Partial<Section>,
): AttributeCodec<Section> {
  return {
    name,
    repeatable: false,
    read: (value, section) => {
      Object.assign(section, put(codec.parse(required(value))))
    },
    write: section => {
      const value = get(section)
      return value === undefined ? [] : [codec.format(value)]
    },
  }
}

function flag<Section>(
  name: string,
  get: (section: Section) => boolean,
  put: Partial<Section>,
): AttributeCodec<Section> {
  return {
    name,
    repeatable: false,
    read: (value, section) => {
      refused(value)
      Object.assign(section, put)
    },
    write: section => (get(section) ? [undefined] : []),
  }
}

/** RFC 8866 §6.7: at most one of the four directions. */
function direction(name: SdpDirection): AttributeCodec<SdpSection> {
  const codec = flag<SdpSection>(name, section => section.direction === name, { direction: name })
  return {
    ...codec,
    read: (value, section) => {
      if (section.direction !== undefined && section.direction !== name) {
        throw new SdpError(`the section is ${section.direction} already`)
      }
      codec.read(value, section)
    },
  }
}

function table<Section>(
  before: readonly AttributeCodec<Section>[],
  after: readonly AttributeCodec<Section>[],
): AttributeTable<Section> {
  // A Map, because names come from outside: "__proto__" and "constructor" are names like any other.
  const codecs = new Map([...before, ...after].map(codec => [codec.name, codec]))
  return { before, after, find: name => codecs.get(name) }
}

function same<Value extends string>(check: (text: string) => Value): ValueCodec<Value> {
  return { parse: check, format: check }
}

function number(max: number, what: string): ValueCodec<number> {
  return { parse: text => integer(text, 0, max, what), format: value => decimal(value, 0, max, what) }
}

/** RFC 5888 §5: semantics and mids are tokens. */
function checkGroup(value: SdpGroup): SdpGroup {
  token(value.semantics, 'the semantics of a group')
  for (const mid of value.mids) token(mid, 'a mid')
  return value
}

/**
 * RFC 8122 §5: <hash function> <hexadecimal bytes>, as many as the hash has. Of an unknown hash, any number: it is for
 * the one who verifies to pass over it. Lower case is let in, because some write it.
 */
function parseFingerprint(text: string): SdpFingerprint {
  const words = splitWords(text)
  if (words.length !== 2) throw new SdpError('a fingerprint must have a hash function and a value')
  const [algorithm = '', value = ''] = words
  return checkFingerprint({ algorithm, value })
}

function formatFingerprint(fingerprint: SdpFingerprint): string {
  const { algorithm, value } = checkFingerprint(fingerprint)
  return `${algorithm} ${value}`
}

function checkFingerprint(fingerprint: SdpFingerprint): SdpFingerprint {
  const algorithm = token(fingerprint.algorithm, 'a hash function').toLowerCase()
  const bytes = fingerprint.value.split(':')
  for (const byte of bytes) {
    // Before the change of case, which turns some other characters into hexadecimal digits.
    if (!/^[0-9A-Fa-f]{2}$/.test(byte)) throw new SdpError('a fingerprint must be hexadecimal bytes between colons')
  }
  const length = hashLengths.get(algorithm)
  if (length !== undefined && bytes.length !== length) {
    throw new SdpError(`a ${algorithm} fingerprint must have ${length} bytes, not ${bytes.length}`)
  }
  return { algorithm, value: fingerprint.value.toUpperCase() }
}

/** RFC 8842 §4: 20 to 255 letters, digits, '+', '/', '-' and '_'. */
function checkTlsId(text: string): string {
  if (!/^[0-9A-Za-z+/\-_]{20,255}$/.test(text)) {
    throw new SdpError("a tls-id must be 20 to 255 letters, digits, '+', '/', '-' and '_'")
  }
  return text
}

/** RFC 8839 §5.6: ice-chars, which "google-ice" of old is not; a token is enough to tell one from the next. */
function iceOption(text: string): string {
  return token(text, 'an ICE option')
}

function required(value: string | undefined): string {
  if (value === undefined) throw new SdpError('a value is missing')
  return value
}

function refused(value: string | undefined): void {
  if (value !== undefined) throw new SdpError('this attribute takes no value')
}
