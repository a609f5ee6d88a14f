import assert from 'node:assert/strict'
import {
  answerDirection,
  bundleGroup,
  effectiveTransport,
  isDataSection,
  isRtpSection,
  parseSdp,
  rtpMedia,
  type SdpCodec,
  type SdpMedia,
  type SdpRtpMedia,
  type SdpSession,
} from '../../../src/sdp/index.ts'

/** RFC 8829 §5.3: what must hold of any answer to any offer, section by section. */
export function checkAnswer(offerText: string, answerText: string): void {
  const [offer, answer] = [parseSdp(offerText), parseSdp(answerText)]
  assert.equal(answer.media.length, offer.media.length)
  offer.media.forEach((offered, index) => {
    const answered = answer.media[index]
    assert.ok(answered)
    checkSection(offer, offered, answer, answered)
  })
  checkBundles(offer, answer)
}

function checkSection(offer: SdpSession, offered: SdpMedia, answer: SdpSession, answered: SdpMedia): void {
  assert.equal(answered.kind, offered.kind)
  assert.equal(answered.protocol, offered.protocol)
  assert.equal(answered.mid, offered.mid)
  if (isRejected(offered)) assert.equal(answered.port, 0)
  if (answered.port === 0) return
  checkTransport(offer, offered, answer, answered)
  if (isRtpSection(offered)) {
    const possible = answerDirection(offered.direction ?? offer.direction, 'sendrecv')
    assert.ok(possible === 'sendrecv' || answered.direction === possible || answered.direction === 'inactive')
    assert.equal(answered.rtcpMux, true)
    checkRtp(rtpMedia(offer, offered), rtpMedia(answer, answered))
  } else {
    assert.ok(isDataSection(answered))
    assert.equal(answered.sctpPort, 5000)
  }
}

function checkTransport(offer: SdpSession, offered: SdpMedia, answer: SdpSession, answered: SdpMedia): void {
  const { iceUfrag, icePwd, fingerprints, setup } = effectiveTransport(answer, answered)
  assert.ok(iceUfrag !== undefined && icePwd !== undefined)
  assert.deepEqual(
    fingerprints.map(({ algorithm }) => algorithm),
    ['sha-256'],
  )
  // RFC 8842 §5.3: the answerer chooses, and active is better; unless the offer has chosen.
  const theirs = effectiveTransport(offer, offered).setup ?? 'actpass'
  assert.equal(setup, theirs === 'active' ? 'passive' : 'active')
}

function checkRtp(offered: SdpRtpMedia, answered: SdpRtpMedia): void {
  assert.ok(answered.codecs.length > 0)
  for (const codec of answered.codecs) checkCodec(offered, answered, codec)
  // RFC 8285 §8: no extension that was not offered, under the identifier that it was offered with
  for (const { id, uri } of answered.headerExtensions) {
    assert.ok(
      offered.headerExtensions.some(each => each.id === id && each.uri === uri),
      `extmap ${id} ${uri}`,
    )
  }
  assert.ok(offered.extmapAllowMixed || !answered.extmapAllowMixed)
  assert.ok(offered.rtcpRsize || !answered.rtcpRsize)
  checkSimulcast(offered, answered)
}

function checkCodec(offered: SdpRtpMedia, answered: SdpRtpMedia, codec: SdpCodec): void {
  const theirs = offered.codecs.find(({ payloadType }) => payloadType === codec.payloadType)
  assert.ok(theirs, `payload type ${codec.payloadType} was offered`)
  assert.equal(codec.name.toLowerCase(), theirs.name.toLowerCase())
  assert.deepEqual([codec.clockRate, codec.channels ?? 1], [theirs.clockRate, theirs.channels ?? 1])
  // RFC 4585 §4.2: an answer takes feedback away, and adds none
  for (const { type, parameter } of codec.feedback) {
    assert.ok(
      theirs.feedback.some(each => each.type === type && each.parameter === parameter),
      `${type} ${parameter}`,
    )
  }
  if (codec.name.toLowerCase() !== 'rtx') return
  const apt = Number(/apt=(\d+)/.exec(codec.fmtp ?? '')?.[1])
  assert.ok(
    answered.codecs.some(({ payloadType }) => payloadType === apt),
    `rtx of ${apt}`,
  )
}

/** RFC 8853 §5.3.2: of the streams that were offered some, with their directions reversed. */
function checkSimulcast(offered: SdpRtpMedia, answered: SdpRtpMedia): void {
  for (const [ours, theirs] of [
    ['recv', 'send'],
    ['send', 'recv'],
  ] as const) {
    const possible = new Set((offered.simulcast?.[theirs] ?? []).flat().map(({ rid }) => rid))
    for (const { rid } of (answered.simulcast?.[ours] ?? []).flat()) {
      assert.ok(possible.has(rid), `simulcast:${ours} ${rid}`)
      assert.ok(
        answered.rids.some(each => each.id === rid && each.direction === ours),
        `rid:${rid} ${ours}`,
      )
    }
  }
}

/** RFC 9143 §7.3: what is accepted of a group stays in it, on one transport. */
function checkBundles(offer: SdpSession, answer: SdpSession): void {
  answer.media.forEach((answered, index) => {
    const offered = offer.media[index]
    if (answered.port === 0 || offered === undefined) return
    const wanted = bundleGroup(offer, offered)?.mids ?? []
    const group = bundleGroup(answer, answered)?.mids ?? []
    const live = new Set(answer.media.filter(({ port }) => port !== 0).map(({ mid }) => mid))
    assert.deepEqual(
      group,
      wanted.filter(mid => live.has(mid)),
    )
    const credentials = answer.media.filter(({ mid = '' }) => group.includes(mid)).map(({ iceUfrag }) => iceUfrag)
    assert.ok(new Set(credentials).size <= 1)
  })
}

function isRejected({ port, bundleOnly }: SdpMedia): boolean {
  return port === 0 && !bundleOnly
}

/** The sections of a description in one line each: what is accepted of the codecs, direction, simulcast. */
export function outline(text: string): readonly string[] {
  const session = parseSdp(text)
  return session.media.map(media => {
    if (media.port === 0) return `${media.kind} rejected`
    if (!isRtpSection(media)) return `${media.kind} ${media.sctpPort}`
    const { codecs, simulcast } = rtpMedia(session, media)
    const names = codecs.map(({ name, payloadType }) => `${name}/${payloadType}`)
    const rids = (simulcast?.recv ?? simulcast?.send ?? []).flat().map(({ rid }) => rid)
    const streams =
      rids.length === 0 ? [] : [`simulcast:${simulcast?.recv === undefined ? 'send' : 'recv'} ${rids.join(';')}`]
    return [media.kind, media.direction, ...names, ...streams].join(' ')
  })
}
