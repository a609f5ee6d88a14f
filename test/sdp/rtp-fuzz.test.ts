import assert from 'node:assert/strict'
import {
  agreedHeaderExtensions,
  answerHeaderExtensions,
  answerSimulcast,
  assignPayloadTypes,
  codecParameters,
  conflictingExtensionIds,
  conflictingPayloadTypes,
  isRtpSection,
  negotiateCodecs,
  parseSdp,
  regularRtcpInterval,
  repairedSources,
  rtpMedia,
  SdpError,
  type SdpMedia,
  type SdpRtpMedia,
  type SdpSession,
  simulcastToSend,
  trackStreams,
  undefinedRids,
  unofferedFeedback,
  withRtpMedia,
} from '../../src/sdp/index.ts'
import { type Prng, prng } from '../support/prng.ts'
import { captured, capturedNames, capturedRtp } from './captured.ts'

const sectionSeed = 0x5d9_1001
const textSeed = 0x5d9_1002

/** The lines of the RTP sections of all captured descriptions, and some that nobody writes. */
const lines = [
  ...new Set(
    capturedNames.flatMap(
      name => captured(name).match(/^a=(rtpmap|fmtp|rtcp|extmap|msid|ssrc|rid|sim|ptime).*/gm) ?? [],
    ),
  ),
  ...['a=rid:1 send pt=96,97;max-width=640;depend=h', 'a=rid:h recv pt=98', 'a=rid:m recv max-br', 'a=rid:l send'],
  ...['a=simulcast:recv ~h,m;l send 1', 'a=simulcast:send h;m;l recv 1', 'a=rtcp-fb:* ccm pause', 'a=rtcp-fb:* nack'],
  ...['a=extmap:4096 urn:x', 'a=extmap:4096/recvonly urn:y', 'a=extmap-allow-mixed', 'a=ptime:2.5', 'a=maxptime:60'],
  ...[
    'a=extmap:5/sendonly urn:ietf:params:rtp-hdrext:encrypt urn:ietf:params:rtp-hdrext:toffset',
    'a=ssrc-group:SIM 1 2',
  ],
].map(line => line.trimEnd())

const bits = [
  ...[' ', '  ', ':', ';', ',', '/', '=', '~', '*', '-', '\t', '\0', 'é', '\u2028', '0', '-1', '127', '128', '4096'],
  ...['4294967295', '4294967296', '1e5', '0x10', 'NaN', '__proto__', 'constructor', 'apt=', 'apt=96', 'pt=96', 'send'],
  ...[
    'recv',
    'rtx/90000',
    'red/90000',
    'VP8/90000',
    'H264/90000',
    'profile-level-id=42e01f',
    'cname:',
    'msid:',
    'urn:x',
  ],
]

const local = [
  capturedRtp('chromium-tracks', 1),
  capturedRtp('firefox-tracks', 1),
  capturedRtp('rfc8829-7.2-offer-B2', 0),
]

describe('the RTP layer of SDP, fuzzed', () => {
  it('survives 80,000 sections of mutated lines, and writes what it reads so that it comes back the same', () => {
    const random = prng(sectionSeed)
    let taken = 0
    for (let round = 0; round < 80_000; round++) {
      const section = someSection(random)
      try {
        if (checkSection(section, pick(random, local), round % 4 === 0)) taken++
      } catch (error) {
        throw new Error(`seed ${sectionSeed}, round ${round}: ${JSON.stringify(section)}`, { cause: error })
      }
    }
    assert.ok(taken > 20_000 && taken < 75_000, `${taken} of 80,000 taken: too few, or too many, to be worth the time`)
  })

  it('survives 20,000 mutated descriptions, and reads what withRtpMedia writes of them', () => {
    const random = prng(textSeed)
    const texts = capturedNames.map(captured).filter(text => text.length < 4000)
    let taken = 0
    for (let round = 0; round < 20_000; round++) {
      const text = mutate(mutate(pick(random, texts), random), random)
      try {
        if (checkText(text)) taken++
      } catch (error) {
        throw new Error(`seed ${textSeed}, round ${round}: ${JSON.stringify(text)}`, { cause: error })
      }
    }
    assert.ok(taken > 4_000 && taken < 19_000, `${taken} of 20,000 taken`)
  })
})

/** Everything that takes what a peer has said, on a section that went past parseSdp or not. */
function checkSection(media: SdpMedia, own: SdpRtpMedia, answering: boolean): boolean {
  const session: SdpSession = { ...emptySession, media: [media] }
  const rtp = unlessSdpError(() => rtpMedia(session, media))
  if (rtp === undefined) return false
  const written = withRtpMedia(media, rtp)
  assert.deepEqual(rtpMedia({ ...session, media: [written] }, written), rtp)
  for (const codec of rtp.codecs) codecParameters(codec)
  if (answering) {
    checkAssignment(rtp, own)
    checkAnswer(media, rtp, answerTo(rtp, own))
  }
  regularRtcpInterval(media, rtp)
  repairedSources(rtp)
  trackStreams(rtp)
  undefinedRids(rtp)
  return true
}

function answerTo(rtp: SdpRtpMedia, own: SdpRtpMedia): SdpRtpMedia {
  const negotiated = negotiateCodecs(rtp.codecs, own.codecs, rtp.rtcpRsize ? 'local' : 'remote')
  const { simulcast: _, ...rest } = rtp
  return {
    ...rest,
    codecs: negotiated.map(each => each.answer),
    headerExtensions: answerHeaderExtensions(rtp.headerExtensions, own.headerExtensions, rtp.extmapAllowMixed),
    ...answerSimulcast(rtp, { maxSend: 3, maxReceive: 3, payloadTypes: new Set(rtp.codecs.map(c => c.payloadType)) }),
  }
}

function checkAssignment(rtp: SdpRtpMedia, own: SdpRtpMedia): void {
  const codecs = assignPayloadTypes(own.codecs, rtp.codecs)
  assert.equal(new Set(codecs.map(({ payloadType }) => payloadType)).size, codecs.length)
  assert.deepEqual(conflictingPayloadTypes([{ ...rtp, codecs }, rtp]), [])
}

/** An answer can be written, and says nothing that the offer has not. */
function checkAnswer(media: SdpMedia, offer: SdpRtpMedia, answer: SdpRtpMedia): void {
  const written = withRtpMedia(media, answer)
  const read = rtpMedia({ ...emptySession, media: [written] }, written)
  if (answer.codecs.length > 0) assert.deepEqual(read.codecs, answer.codecs)
  assert.deepEqual(undefinedRids(answer), [])
  assert.deepEqual(unofferedFeedback(offer, answer), [])
  assert.deepEqual(conflictingExtensionIds([answer]), [])
  agreedHeaderExtensions(answer.headerExtensions, offer.headerExtensions)
  const offered = new Set(offer.rids.filter(({ direction }) => direction === 'send').map(({ id }) => id))
  for (const { rid } of simulcastToSend(offer, answer)) assert.ok(offered.has(rid))
}

function checkText(text: string): boolean {
  const session = unlessSdpError(() => parseSdp(text))
  if (session === undefined) return false
  for (const media of session.media.filter(isRtpSection)) checkReturn(session, media)
  return true
}

function checkReturn(session: SdpSession, media: SdpMedia): void {
  const rtp = unlessSdpError(() => rtpMedia(session, media))
  if (rtp !== undefined) assert.deepEqual(rtpMedia({ ...session, attributes: [] }, withRtpMedia(media, rtp)), rtp)
}

const emptySession = parseSdp('v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n')

function someSection(random: Prng): SdpMedia {
  const formats = Array.from({ length: 8 }, () => String(96 + (random.next() % 32)))
  const count = 1 + (random.next() % 16)
  const mutated = random.next() % 3
  const attributes = Array.from({ length: count }, (_, index) => {
    const line = index < mutated ? mutate(pick(random, lines), random) : pick(random, lines)
    const colon = line.indexOf(':')
    return colon < 0 ? { name: line.slice(2) } : { name: line.slice(2, colon), value: line.slice(colon + 1) }
  })
  return {
    kind: 'video',
    port: 9,
    protocol: 'UDP/TLS/RTP/SAVPF',
    formats,
    bundleOnly: false,
    iceOptions: [],
    fingerprints: [],
    candidates: [],
    endOfCandidates: false,
    rtcpMux: true,
    rtcpMuxOnly: false,
    attributes,
  }
}

function mutate(text: string, random: Prng): string {
  const at = random.next() % (text.length + 1)
  const length = random.next() % 8
  switch (random.next() % 5) {
    case 0:
      return text.slice(0, at) + text.slice(at + 1)
    case 1:
      return text.slice(0, at) + String.fromCharCode(32 + (random.next() % 96)) + text.slice(at + 1)
    case 2:
      return text.slice(0, at) + pick(random, bits) + text.slice(at)
    case 3:
      return text.slice(0, at) + pick(random, bits) + text.slice(at + length)
    default:
      return text.slice(0, at) + text.slice(at + length)
  }
}

function unlessSdpError<Result>(work: () => Result): Result | undefined {
  try {
    return work()
  } catch (error) {
    assert.ok(error instanceof SdpError, `${error}`)
    return undefined
  }
}

function pick<T>(random: Prng, from: readonly T[]): T {
  return from[random.next() % from.length] as T
}
