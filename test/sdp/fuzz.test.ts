import assert from 'node:assert/strict'
import type { SdpAttribute, SdpCandidate, SdpMedia, SdpSession } from '../../src/sdp/description.ts'
import { SdpError } from '../../src/sdp/errors.ts'
import { effectiveTransport, parseCandidate, parseSdp, serializeCandidate, serializeSdp } from '../../src/sdp/index.ts'
import { type Prng, prng } from '../support/prng.ts'
import { fixtures, sha256 } from './fixtures.ts'
import { countWork } from './work.ts'

const descriptionSeed = 0x5d9_0001
const candidateSeed = 0x5d9_0002
const sessionSeed = 0x5d9_0003

const texts = fixtures.map(({ text }) => text)
const candidates = texts.flatMap(text => text.match(/candidate:.*/g) ?? [])

/** Bits of text that are likelier than random characters to meet a rule. */
const bits = [
  ...[
    '\n',
    '\r',
    '\r\n',
    '\r\n\r\n',
    '\0',
    '\t',
    ' ',
    '  ',
    ':',
    '=',
    '/',
    ',',
    '\u007f',
    '\u0085',
    '\u2028',
    'é',
    '🙂',
    '\ud800',
  ],
  ...['0', '-1', '00', '65535', '65536', '9007199254740993', '99999999999999999999999', '1e5', '0x10', 'NaN'],
  ...['__proto__', 'constructor', 'a=', 'm=', 'a=mid:', 'a=mid:0', 'v=0', 't=0 0', 'o=', 'c=IN IP4 0.0.0.0', 'b=AS:30'],
  ...['a=candidate:', 'a=end-of-candidates', 'a=bundle-only', 'a=ice-lite', 'a=group:BUNDLE 0', 'a=sctpmap:5000 x'],
  ...[
    'a=setup:active',
    'a=sendrecv',
    'm=application 0 UDP/DTLS/SCTP x',
    'm=application 9 DTLS/SCTP 5000',
    'typ',
    'host',
  ],
  ...['raddr', 'rport', 'tcptype', 'ufrag', 'k=prompt', 'r=7d 1h 0', 'z=0 -1h', 'a=sctp-port:', 'a=max-message-size:0'],
]

describe('the SDP parser, fuzzed', () => {
  it('survives 60,000 mutated descriptions, and writes what it takes so that it comes back the same', () => {
    const random = prng(descriptionSeed)
    let taken = 0
    for (let round = 0; round < 60_000; round++) {
      const text = mutate(pick(random, texts), random, texts)
      try {
        if (checkDescription(text)) taken++
        if (round % 100 === 0) checkWork(text)
      } catch (error) {
        throw new Error(`seed ${descriptionSeed}, round ${round}: ${JSON.stringify(text)}`, { cause: error })
      }
    }
    assert.ok(taken > 5_000 && taken < 55_000, `${taken} of 60,000 taken: too few, or too many, to be worth the time`)
  })

  it('survives 20,000 mutated candidates', () => {
    const random = prng(candidateSeed)
    let taken = 0
    for (let round = 0; round < 20_000; round++) {
      const text = mutate(pick(random, candidates), random, candidates)
      try {
        if (checkCandidate(text)) taken++
      } catch (error) {
        throw new Error(`seed ${candidateSeed}, round ${round}: ${JSON.stringify(text)}`, { cause: error })
      }
    }
    assert.ok(taken > 2_000 && taken < 18_000, `${taken} of 20,000 taken`)
  })

  it('lets out only what it would let in, of 20,000 sessions made of odd values', () => {
    const random = prng(sessionSeed)
    let written = 0
    for (let round = 0; round < 20_000; round++) {
      const session = oddSession(random)
      try {
        if (checkSession(session)) written++
      } catch (error) {
        throw new Error(`seed ${sessionSeed}, round ${round}: ${JSON.stringify(session)}`, { cause: error })
      }
    }
    assert.ok(written > 2_000 && written < 18_000, `${written} of 20,000 written`)
  })
})

/** @returns whether the text was taken */
function checkDescription(text: string): boolean {
  const session = unlessSdpError(() => parseSdp(text), text)
  if (session === undefined) return false
  for (const media of session.media) effectiveTransport(session, media)
  const written = serializeSdp(session)
  assert.deepEqual(parseSdp(written), session)
  assert.equal(serializeSdp(parseSdp(written)), written)
  return true
}

function checkCandidate(text: string): boolean {
  const candidate = unlessSdpError(() => parseCandidate(text))
  if (candidate === undefined) return false
  assert.deepEqual(parseCandidate(serializeCandidate(candidate)), candidate)
  return true
}

function checkSession(session: SdpSession): boolean {
  const written = unlessSdpError(() => serializeSdp(session))
  if (written === undefined) return false
  assert.deepEqual(parseSdp(written), session)
  return true
}

function checkWork(text: string): void {
  const work = countWork(() => unlessSdpError(() => parseSdp(text), text))
  assert.ok(work < 1_000 + 50 * text.length, `${work} steps for ${text.length} characters`)
}

function unlessSdpError<Result>(work: () => Result, text?: string): Result | undefined {
  try {
    return work()
  } catch (error) {
    assert.ok(error instanceof SdpError, `${error}`)
    assert.equal(error.message.includes('\n'), false)
    if (text === undefined) assert.equal(error.line, undefined)
    else assert.ok(error.line !== undefined && error.line >= 1 && error.line <= text.split('\n').length)
    return undefined
  }
}

function mutate(text: string, random: Prng, others: readonly string[]): string {
  for (let count = 1 + (random.next() % 3); count > 0; count--) text = mutateOnce(text, random, others)
  return text
}

function mutateOnce(text: string, random: Prng, others: readonly string[]): string {
  const at = random.next() % (text.length + 1)
  const length = random.next() % 12
  switch (random.next() % 10) {
    case 0:
      return text.slice(0, at) + text.slice(at + 1)
    case 1:
      return text.slice(0, at) + String.fromCharCode(32 + (random.next() % 96)) + text.slice(at + 1)
    case 2:
      return text.slice(0, at) + pick(random, bits) + text.slice(at)
    case 3:
      return text.slice(0, at) + pick(random, bits) + text.slice(at + length)
    case 4:
      return text.slice(0, at) + text.slice(at + length)
    case 5:
      return text.slice(0, at) + String.fromCharCode(random.next() & 0xffff) + text.slice(at)
    case 6: {
      const other = pick(random, others)
      return text.slice(0, at) + other.slice(random.next() % other.length)
    }
    case 7:
      return text.slice(0, at)
    default:
      return mutateLines(text, random, others)
  }
}

function mutateLines(text: string, random: Prng, others: readonly string[]): string {
  const lines = text.split('\r\n')
  const at = random.next() % lines.length
  const line = lines[at] ?? ''
  const kind = random.next() % 5
  if (kind === 0) lines.splice(at, 1)
  else if (kind === 1) lines.splice(random.next() % lines.length, 0, line)
  else if (kind === 2) lines.splice(random.next() % lines.length, 0, ...lines.splice(at, 1))
  else if (kind === 3) lines.splice(at, 0, pick(random, pick(random, others).split(/\r?\n/)))
  else lines.splice(at, 0, pick(random, bits))
  return lines.join('\r\n')
}

/** A session that mostly could be written, with up to three values that might not. */
function oddSession(random: Prng): SdpSession {
  let odd = random.next() % 4
  const isOdd = (): boolean => odd > 0 && random.next() % 12 === 0 && odd-- > 0
  const text = (usual: string): string => (isOdd() ? oddText(random, usual) : usual)
  const number = (usual: number): number => (isOdd() ? oddNumber(random) : usual)
  const attributes = (): SdpAttribute[] => [{ name: text('x'), value: text('y') }, { name: text('z') }]
  const transport = {
    iceUfrag: text('abcd'),
    icePwd: text('0123456789012345678901'),
    iceOptions: [text('trickle'), text('ice2')],
    fingerprints: [{ algorithm: text('sha-256').toLowerCase(), value: text(sha256).toUpperCase() }],
    setup: 'active',
    direction: 'sendrecv',
    connection: text('IN IP4 0.0.0.0'),
    bandwidths: [{ type: text('AS'), value: number(30) }],
  } as const
  const candidate: SdpCandidate = {
    foundation: text('1'),
    component: number(1),
    protocol: text('udp').toLowerCase(),
    priority: number(1),
    address: text('192.0.2.1'),
    port: number(9),
    type: text('host').toLowerCase(),
    relatedAddress: text('0.0.0.0'),
    relatedPort: number(0),
    tcpType: text('active').toLowerCase(),
    usernameFragment: text('abcd'),
    extensions: [[text('generation'), text('0')]],
  }
  const media: SdpMedia = {
    ...transport,
    kind: text('application'),
    port: number(9),
    portCount: number(1),
    protocol: text('UDP/DTLS/SCTP'),
    formats: [text('webrtc-datachannel'), text('0')],
    mid: text('0'),
    bundleOnly: false,
    candidates: [candidate],
    endOfCandidates: true,
    rtcpMux: true,
    rtcpMuxOnly: false,
    sctpPort: number(5000),
    maxMessageSize: number(0),
    attributes: attributes(),
  }
  const origin = {
    username: text('-'),
    sessionId: text('1'),
    sessionVersion: text('1'),
    netType: text('IN'),
    addressType: text('IP4'),
    address: text('0.0.0.0'),
  }
  const groups = [{ semantics: text('BUNDLE'), mids: [text('0'), text('1')] }]
  return {
    ...transport,
    origin,
    sessionName: text('-'),
    groups,
    iceLite: false,
    attributes: attributes(),
    media: [media],
  }
}

function oddText(random: Prng, usual: string): string {
  const at = random.next() % (usual.length + 1)
  const insert = random.next() % 2 === 0 ? pick(random, bits) : String.fromCharCode(random.next() % 256)
  return random.next() % 4 === 0 ? insert : usual.slice(0, at) + insert + usual.slice(at)
}

function oddNumber(random: Prng): number {
  const numbers = [-1, 0.5, 0, 1, 255, 256, 257, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 53, 1e21, 1e-7]
  return pick(random, [...numbers, Number.NaN, Number.POSITIVE_INFINITY])
}

function pick<T>(random: Prng, from: readonly T[]): T {
  return from[random.next() % from.length] as T
}
