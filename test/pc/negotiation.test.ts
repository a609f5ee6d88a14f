import assert from 'node:assert/strict'
import {
  answererSetup,
  checkAnswerFits,
  checkOfferContinues,
  isToleratedMunging,
} from '../../src/pc/apply-description.ts'
import { answerGroups, createAnswer, createOffer } from '../../src/pc/create-description.ts'
import { bundledHomes, planOffer } from '../../src/pc/negotiation/bundle-plan.ts'
import type { OfferedSection } from '../../src/pc/negotiation/media-negotiation.ts'
import { findDataSection, readRemoteData, readRemoteTransport } from '../../src/pc/negotiation/remote-section.ts'
import type { LocalTransportDescription } from '../../src/pc/negotiation/write-transport.ts'
import { parseSdp, type SdpOrigin, type SdpSession, serializeSdp } from '../../src/sdp/index.ts'

const origin: SdpOrigin = {
  username: '-',
  sessionId: '1',
  sessionVersion: '0',
  netType: 'IN',
  addressType: 'IP4',
  address: '0.0.0.0',
}
const fingerprint = { algorithm: 'sha-256', value: Array.from({ length: 32 }, () => 'AB').join(':') }
const transport = {
  ice: { usernameFragment: 'ourufrag', password: 'ourpasswordourpassword12' },
  iceRenomination: false,
  fingerprints: [fingerprint],
  candidates: [],
  endOfCandidates: false,
  hasRtcp: false,
}
const rtcp = { mux: true, muxOnly: false }
const data = { sctpPort: 5000, maxMessageSize: 262144 }

const theirs = ['a=ice-ufrag:them', 'a=ice-pwd:theirpasswordtheirpassw', `a=fingerprint:sha-256 ${fingerprint.value}`]
const head = ['v=0', 'o=- 5 2 IN IP4 127.0.0.1', 's=-', 't=0 0']
const dataLines = ['m=application 9 UDP/DTLS/SCTP webrtc-datachannel', 'c=IN IP4 0.0.0.0', 'a=sctp-port:5000']
const audioLines = [
  'm=audio 9 UDP/TLS/RTP/SAVPF 111 0',
  'c=IN IP4 0.0.0.0',
  'a=rtcp-mux',
  'a=rtpmap:111 opus/48000/2',
  'a=fmtp:111 useinbandfec=1',
  'a=sendrecv',
]

function sdp(...lines: readonly (string | readonly string[])[]): SdpSession {
  return parseSdp(`${lines.flat().join('\r\n')}\r\n`)
}

function offer(
  previous: SdpSession | undefined,
  wantsData: boolean,
  described: LocalTransportDescription = transport,
): SdpSession {
  const before = (previous?.media ?? []).map((section): OfferedSection => ({ type: 'rejected', section }))
  const sections = wantsData ? [...before, { type: 'data', mid: String(before.length) } as const] : before
  const places = sections.map(({ type }) => ({
    kind: type === 'data' ? 'application' : undefined,
    transport: undefined,
  }))
  const plan = planOffer('balanced', places)
  const lines = plan.sections.map(({ type }) =>
    type === 'own' ? { type, transport: described, rtcp } : ({ type: 'rejected' } as const),
  )
  return createOffer({ origin, iceLite: false, sections, lines, groups: plan.groups, data })
}

/** As a connection answers that takes data alone. */
function answer(offered: SdpSession): SdpSession {
  const dataIndex = findDataSection(offered)
  const homes = bundledHomes(offered)
  const shared = { isBundled: false }
  const transports = new Map(homes.map(home => [home, { ...shared }]))
  const groups = answerGroups(
    offered,
    index => index === dataIndex,
    index => transports.get(homes[index]),
  )
  const kept = new Set(groups.flat())
  const accepted = offered.media.map((_, index) => {
    if (index !== dataIndex && !kept.has(index)) return undefined
    return { media: undefined, transport, setup: 'active' as const, rtcp }
  })
  const input = { origin, iceLite: false, offer: offered, accepted, dataIndex, groups, data }
  return parseSdp(serializeSdp(createAnswer(input)))
}

describe('creating descriptions', () => {
  it('offers nothing where nothing is wanted', () => {
    const empty = offer(undefined, false)
    assert.equal(empty.media.length, 0)
    assert.deepEqual(empty.groups, [])
  })

  it('offers one bundled data section with all that a peer needs', () => {
    const made = parseSdp(serializeSdp(offer(undefined, true)))
    assert.deepEqual(made.groups, [{ semantics: 'BUNDLE', mids: ['0'] }])
    const [section] = made.media
    assert.equal(section?.protocol, 'UDP/DTLS/SCTP')
    assert.equal(section?.setup, 'actpass')
    assert.equal(section?.sctpPort, 5000)
    assert.equal(section?.maxMessageSize, 262144)
    assert.equal(section?.iceUfrag, 'ourufrag')
    assert.deepEqual(section?.fingerprints, [fingerprint])
    assert.deepEqual(section?.iceOptions, ['trickle'])
  })

  it('rejects audio and video and answers data', () => {
    const offered = sdp(head, 'a=group:BUNDLE a d', audioLines, 'a=mid:a', theirs, dataLines, 'a=mid:d', theirs)
    const [audio, section] = answer(offered).media
    assert.equal(audio?.port, 0)
    assert.equal(audio?.mid, 'a')
    assert.deepEqual(audio?.formats, ['111', '0'])
    assert.equal(section?.port, 9)
    assert.equal(section?.setup, 'active')
    assert.deepEqual(answer(offered).groups, [{ semantics: 'BUNDLE', mids: ['d'] }])
  })

  it('keeps an audio section that data is bundled onto, inactive (RFC 9143 §7.3.3)', () => {
    const bundleOnly = ['m=application 0 UDP/DTLS/SCTP webrtc-datachannel', 'c=IN IP4 0.0.0.0', 'a=sctp-port:5000']
    const offered = sdp(
      head,
      'a=group:BUNDLE a d',
      audioLines,
      'a=mid:a',
      theirs,
      bundleOnly,
      'a=bundle-only',
      'a=mid:d',
    )
    const [audio, section] = answer(offered).media
    assert.equal(audio?.port, 9)
    assert.equal(audio?.direction, 'inactive')
    assert.equal(audio?.rtcpMux, true)
    assert.equal(audio?.iceUfrag, 'ourufrag')
    assert.notEqual(section?.port, 0)
    assert.deepEqual(answer(offered).groups, [{ semantics: 'BUNDLE', mids: ['a', 'd'] }])
    const remote = readRemoteData(offered)
    assert.equal(remote?.index, 1)
    assert.equal(readRemoteTransport(offered, 1, 'offer').ice.usernameFragment, 'them')
  })

  it('answers the old form of a data section in the form it was offered', () => {
    const old = [
      'm=application 9 DTLS/SCTP 5000',
      'c=IN IP4 0.0.0.0',
      'a=sctpmap:5000 webrtc-datachannel 1024',
      'a=mid:d',
    ]
    const [section] = answer(sdp(head, old, theirs)).media
    assert.equal(section?.protocol, 'DTLS/SCTP')
    assert.deepEqual(section?.formats, ['5000'])
  })

  it('repeats what the group has for transport where a section is there only if bundled', () => {
    const [audio] = sdp(head, audioLines, 'a=mid:a').media
    assert.ok(audio)
    const sections = [{ type: 'data', mid: 'd' } as const, { type: 'media', section: audio } as const]
    const lines = [{ type: 'own', transport, rtcp } as const, { type: 'bundle-only', transport, rtcp } as const]
    const bundled = createOffer({ origin, iceLite: false, sections, lines, groups: [[0, 1]], data })
    const [, second] = bundled.media
    assert.deepEqual([second?.port, second?.bundleOnly, second?.setup], [0, true, 'actpass'])
    assert.deepEqual(
      [second?.iceUfrag, second?.icePwd, second?.fingerprints],
      [transport.ice.usernameFragment, transport.ice.password, [fingerprint]],
    )
  })

  it('keeps sections in their places in a later offer, and adds one for data', () => {
    const before = sdp(head, audioLines, 'a=mid:0', theirs)
    const next = offer(before, true)
    assert.deepEqual(
      next.media.map(({ kind, port, mid }) => [kind, port, mid]),
      [
        ['audio', 0, '0'],
        ['application', 9, '1'],
      ],
    )
  })

  it('names an IPv4 candidate as the default destination', () => {
    const candidate = (address: string, port: number) => ({
      foundation: 'f',
      component: 1,
      protocol: 'udp',
      priority: 1,
      address,
      port,
      type: 'host',
      extensions: [],
    })
    const candidates = [candidate('2001:db8::1', 1000), candidate('192.0.2.1', 2000)]
    const gathered = { ...transport, candidates, endOfCandidates: true }
    const [section] = offer(undefined, true, gathered).media
    assert.equal(section?.port, 2000)
    assert.equal(section?.connection, 'IN IP4 192.0.2.1')
    assert.equal(section?.endOfCandidates, true)
  })
})

describe('reading remote descriptions', () => {
  const invalidAccess = { name: 'InvalidAccessError' }

  it('takes limits that are not named from RFC 8841', () => {
    const answered = sdp(head, dataLines, theirs, 'a=setup:active')
    assert.equal(readRemoteData(answered)?.maxMessageSize, 65536)
    assert.equal(readRemoteTransport(answered, 0, 'answer').setup, 'active')
    const unlimited = sdp(head, dataLines, theirs, 'a=max-message-size:0')
    assert.equal(readRemoteData(unlimited)?.maxMessageSize, Number.POSITIVE_INFINITY)
    assert.equal(readRemoteTransport(unlimited, 0, 'offer').setup, 'actpass')
  })

  it('takes transport attributes from the session level', () => {
    const remote = readRemoteTransport(sdp(head, theirs, 'a=setup:passive', dataLines), 0, 'answer')
    assert.equal(remote.ice.usernameFragment, 'them')
    assert.equal(remote.setup, 'passive')
    assert.equal(remote.fingerprints.length, 1)
  })

  it('refuses a data section without fingerprint, credentials or role', () => {
    const [ufrag = '', pwd = '', print = ''] = theirs
    assert.throws(() => readRemoteTransport(sdp(head, dataLines, ufrag, pwd), 0, 'offer'), invalidAccess)
    assert.throws(() => readRemoteTransport(sdp(head, dataLines, print), 0, 'offer'), invalidAccess)
    assert.throws(() => readRemoteTransport(sdp(head, dataLines, theirs), 0, 'answer'), invalidAccess)
    assert.throws(
      () => readRemoteTransport(sdp(head, dataLines, theirs, 'a=setup:actpass'), 0, 'answer'),
      invalidAccess,
    )
    assert.throws(
      () => readRemoteTransport(sdp(head, dataLines, theirs, 'a=setup:holdconn'), 0, 'offer'),
      invalidAccess,
    )
  })

  it('sees no data in a rejected section', () => {
    const rejected = ['m=application 0 UDP/DTLS/SCTP webrtc-datachannel', 'c=IN IP4 0.0.0.0']
    assert.equal(findDataSection(sdp(head, rejected)), -1)
    assert.equal(readRemoteData(sdp(head, rejected)), undefined)
  })

  it('refuses an answer with other sections than its offer', () => {
    const offered = sdp(head, dataLines, 'a=mid:d', theirs)
    assert.throws(() => checkAnswerFits(offered, sdp(head)), invalidAccess)
    assert.throws(() => checkAnswerFits(offered, sdp(head, audioLines, 'a=mid:d')), invalidAccess)
    assert.throws(() => checkAnswerFits(offered, sdp(head, dataLines, 'a=mid:e')), invalidAccess)
    checkAnswerFits(offered, sdp(head, dataLines, 'a=mid:d'))
    checkAnswerFits(offered, sdp(head, dataLines))
  })

  it('refuses an offer that drops or changes a section', () => {
    const before = sdp(head, dataLines, 'a=mid:d', theirs)
    assert.throws(() => checkOfferContinues(before, sdp(head)), invalidAccess)
    assert.throws(() => checkOfferContinues(before, sdp(head, audioLines, 'a=mid:d')), invalidAccess)
    checkOfferContinues(before, sdp(head, dataLines, 'a=mid:d', audioLines, 'a=mid:a'))
  })

  it('chooses the DTLS role of an answer (RFC 8842 §5.3)', () => {
    assert.equal(answererSetup('actpass', undefined), 'active')
    assert.equal(answererSetup('actpass', 'server'), 'passive')
    assert.equal(answererSetup('actpass', 'client'), 'active')
    assert.equal(answererSetup('active', undefined), 'passive')
    assert.equal(answererSetup('passive', undefined), 'active')
  })
})

describe('munging of local descriptions', () => {
  const generated = offer(undefined, true)
  const text = serializeSdp(generated)

  it('lets pass what does not change the transport', () => {
    assert.equal(isToleratedMunging(generated, parseSdp(text.replace(/a=ice-options:trickle\r\n/, ''))), true)
    assert.equal(isToleratedMunging(generated, parseSdp(text.replace('s=-', 's=munged'))), true)
  })

  it('does not let pass what does', () => {
    const changes: readonly (readonly [string | RegExp, string])[] = [
      ['ourufrag', 'myufrag1'],
      ['ourpasswordourpassword12', 'mypasswordmypassword1234'],
      ['sha-256 AB', 'sha-256 AC'],
      ['a=setup:actpass', 'a=setup:active'],
      ['a=mid:0', 'a=mid:1'],
      ['a=sctp-port:5000', 'a=sctp-port:5001'],
      ['m=application 9', 'm=application 0'],
    ]
    for (const [from, to] of changes) {
      const munged = text.replaceAll(from, to).replace('BUNDLE 0', to === 'a=mid:1' ? 'BUNDLE 1' : 'BUNDLE 0')
      assert.notEqual(munged, text)
      assert.equal(isToleratedMunging(generated, parseSdp(munged)), false, `${from} -> ${to}`)
    }
  })
})
