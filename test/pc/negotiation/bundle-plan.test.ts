import assert from 'node:assert/strict'
import {
  acceptable,
  bundledHomes,
  bundleGroups,
  maxTransports,
  planOffer,
} from '../../../src/pc/negotiation/bundle-plan.ts'
import { checkRemoteTransports, isMultiplexed } from '../../../src/pc/negotiation/remote-section.ts'
import { parseSdp, type SdpSession } from '../../../src/sdp/index.ts'

function session(groups: readonly string[], ...media: readonly (readonly string[])[]): SdpSession {
  const head = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', ...groups.map(group => `a=group:${group}`)]
  return parseSdp(`${[...head, ...media.flat()].join('\r\n')}\r\n`)
}

function section(kind: 'audio' | 'video' | 'application', mid: string, ...lines: readonly string[]): string[] {
  const port = lines.includes('a=bundle-only') || lines.includes('off') ? 0 : 9
  const rest = kind === 'application' ? 'UDP/DTLS/SCTP webrtc-datachannel' : 'UDP/TLS/RTP/SAVPF 0'
  const more = kind === 'application' ? ['a=sctp-port:5000'] : []
  return [
    `m=${kind} ${port} ${rest}`,
    'c=IN IP4 0.0.0.0',
    `a=mid:${mid}`,
    ...more,
    ...lines.filter(line => line !== 'off'),
  ]
}

const own = ['a=ice-ufrag:them', 'a=ice-pwd:theirpasswordtheirpassw']
const print = [`a=fingerprint:sha-256 ${Array.from({ length: 32 }, () => 'AB').join(':')}`]

describe('BUNDLE groups', () => {
  it('are lists of sections that are in use; names that nobody has are left out', () => {
    const offer = session(
      ['BUNDLE x a off b', 'LS a b'],
      section('audio', 'a'),
      section('video', 'off', 'off'),
      section('application', 'b'),
    )
    assert.deepEqual(bundleGroups(offer), [[0, 2]])
    assert.deepEqual(bundledHomes(offer), [0, undefined, 0])
  })

  it('have a section in one of them only', () => {
    const offer = session(
      ['BUNDLE a b', 'BUNDLE b c'],
      section('audio', 'a'),
      section('video', 'b'),
      section('application', 'c'),
    )
    assert.deepEqual(bundleGroups(offer), [[0, 1], [2]])
  })

  it('are on the transport of the first that brings one', () => {
    const offer = session(['BUNDLE a b'], section('audio', 'a', 'a=bundle-only'), section('video', 'b'))
    assert.deepEqual(bundledHomes(offer), [1, 1])
    const alone = session(['BUNDLE a'], section('audio', 'a', 'a=bundle-only'))
    assert.deepEqual(bundledHomes(alone), [undefined])
  })
})

describe('What the bundle policy lets an answerer accept', () => {
  const offer = session(
    ['BUNDLE a v'],
    section('audio', 'a'),
    section('video', 'v'),
    section('audio', 'b'),
    section('application', 'd'),
  )

  it('is all with max-compat, the first of each type with balanced, the first with max-bundle', () => {
    assert.deepEqual(acceptable('max-compat', offer), [true, true, true, true])
    assert.deepEqual(acceptable('balanced', offer), [true, true, false, true])
    assert.deepEqual(acceptable('max-bundle', offer), [true, true, false, false])
  })

  it('is no more than a bound of transports', () => {
    const many = Array.from({ length: maxTransports + 5 }, (_, index) => section('audio', String(index)))
    assert.equal(acceptable('max-compat', session([], ...many)).filter(Boolean).length, maxTransports)
    const mids = many.map((_, index) => index).join(' ')
    assert.equal(acceptable('max-compat', session([`BUNDLE ${mids}`], ...many)).filter(Boolean).length, many.length)
  })

  it('is never what no transport of ours carries', () => {
    const text = ['m=text 9 RTP/AVP 100', 'c=IN IP4 0.0.0.0', 'a=mid:t']
    assert.deepEqual(acceptable('max-compat', session(['BUNDLE t a'], text, section('audio', 'a'))), [false, true])
  })
})

describe('What every remote description must say of its transports', () => {
  const invalid = { name: 'InvalidAccessError' }

  it('is credentials, fingerprints and rtcp-mux, for each section in use', () => {
    const check = (...media: readonly (readonly string[])[]): void =>
      checkRemoteTransports(session(['BUNDLE a d'], ...media), 'offer', 'require')
    check(section('audio', 'a', ...own, ...print, 'a=rtcp-mux'), section('application', 'd'))
    check(section('audio', 'a', 'off'), section('application', 'd', ...own, ...print))
    assert.throws(() => check(section('audio', 'a', ...own, 'a=rtcp-mux'), section('application', 'd')), invalid)
    assert.throws(() => check(section('audio', 'a', ...print, 'a=rtcp-mux'), section('application', 'd')), invalid)
    assert.throws(() => check(section('audio', 'a', ...own, ...print), section('application', 'd')), invalid)
    // Half a transport is none, wherever it is.
    assert.throws(
      () => check(section('audio', 'a', ...own, ...print, 'a=rtcp-mux'), section('application', 'd', ...own)),
      invalid,
    )
  })

  it('is rtcp-mux with rtcp-mux-only whatever the policy (RFC 8858 §4.2)', () => {
    const offer = session([], section('audio', 'a', ...own, ...print, 'a=rtcp-mux-only'))
    assert.throws(() => checkRemoteTransports(offer, 'offer', 'negotiate'), invalid)
    checkRemoteTransports(session([], section('audio', 'a', ...own, ...print)), 'offer', 'negotiate')
  })

  it('may be said of rtcp-mux by the tagged section for all (RFC 9143 §7.1.3)', () => {
    const offer = session(
      ['BUNDLE a b'],
      section('audio', 'a', ...own, ...print, 'a=rtcp-mux'),
      section('video', 'b', 'a=bundle-only'),
    )
    assert.equal(isMultiplexed(offer, 1), true)
    checkRemoteTransports(offer, 'offer', 'require')
  })
})

describe('The plan of an offer', () => {
  const negotiated = (mLineIndex: number, isBundled: boolean) => ({ isNegotiated: true, isBundled, mLineIndex })

  it('keeps the groups that were negotiated, and adds what is new to the first', () => {
    const [a, b] = [negotiated(0, true), negotiated(2, true)]
    const plan = planOffer('balanced', [
      { kind: 'audio', transport: a },
      { kind: 'video', transport: a },
      { kind: 'application', transport: b },
      { kind: 'video', transport: undefined },
    ])
    assert.deepEqual(plan.groups, [[0, 1, 3], [2]])
    assert.deepEqual(
      plan.sections.map(({ type }) => type),
      ['own', 'shared', 'own', 'shared'],
    )
  })

  it('puts the section first that brings the transport, wherever it is', () => {
    const a = negotiated(1, true)
    const plan = planOffer('balanced', [
      { kind: 'audio', transport: a },
      { kind: 'video', transport: a },
    ])
    assert.deepEqual(plan.groups, [[1, 0]])
    assert.deepEqual(
      plan.sections.map(({ type }) => type),
      ['shared', 'own'],
    )
  })

  it('bundles what is new onto the first of its type where nothing was bundled', () => {
    const [a, d] = [negotiated(0, false), negotiated(1, false)]
    const plan = planOffer('balanced', [
      { kind: 'audio', transport: a },
      { kind: 'application', transport: d },
      { kind: 'audio', transport: undefined },
      { kind: 'video', transport: undefined },
    ])
    assert.deepEqual(plan.groups, [[0, 2, 3]])
    assert.deepEqual(
      plan.sections.map(({ type }) => type),
      ['own', 'own', 'bundle-only', 'own'],
    )
  })
})
