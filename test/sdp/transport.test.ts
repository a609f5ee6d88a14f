import assert from 'node:assert/strict'
import type { SdpMedia, SdpSession } from '../../src/sdp/description.ts'
import {
  answeredDataForm,
  bundleGroup,
  effectiveTransport,
  isDataSection,
  parseSdp,
  taggedSection,
} from '../../src/sdp/index.ts'
import { fixture, sessionWith, sha256 } from './fixtures.ts'

const fingerprint = { algorithm: 'sha-256', value: sha256 }
const other = { algorithm: 'x', value: 'AB' }
const sessionLevel = [
  'a=ice-lite',
  'a=ice-options:trickle ice2',
  'a=ice-ufrag:sess',
  `a=ice-pwd:${'s'.repeat(22)}`,
  `a=fingerprint:sha-256 ${sha256}`,
  'a=setup:actpass',
  `a=tls-id:${'s'.repeat(20)}`,
]

describe('effectiveTransport', () => {
  it('takes everything from the session section if the media section has nothing', () => {
    assert.deepEqual(effectiveOf(sessionWith(...sessionLevel, 'm=audio 9 RTP/AVP 0')), {
      iceLite: true,
      iceUfrag: 'sess',
      icePwd: 's'.repeat(22),
      iceOptions: ['trickle', 'ice2'],
      fingerprints: [fingerprint],
      setup: 'actpass',
      tlsId: 's'.repeat(20),
      endOfCandidates: false,
    })
  })

  // RFC 8839 §5.4: the value in the media section takes precedence.
  it('takes each attribute from the media section that has it', () => {
    const mediaLevel = [
      ['a=ice-options:renomination', { iceOptions: ['renomination'] }],
      ['a=ice-ufrag:medi', { iceUfrag: 'medi' }],
      [`a=ice-pwd:${'m'.repeat(22)}`, { icePwd: 'm'.repeat(22) }],
      ['a=fingerprint:x AB', { fingerprints: [other] }],
      ['a=setup:passive', { setup: 'passive' }],
      [`a=tls-id:${'m'.repeat(20)}`, { tlsId: 'm'.repeat(20) }],
      ['a=end-of-candidates', { endOfCandidates: true }],
    ] as const
    const base = effectiveOf(sessionWith(...sessionLevel, 'm=audio 9 RTP/AVP 0'))
    for (const [line, fields] of mediaLevel) {
      assert.deepEqual(effectiveOf(sessionWith(...sessionLevel, 'm=audio 9 RTP/AVP 0', line)), { ...base, ...fields })
    }
  })

  it('leaves out what nobody says', () => {
    assert.deepEqual(effectiveOf(sessionWith('m=audio 9 RTP/AVP 0')), {
      iceLite: false,
      iceOptions: [],
      fingerprints: [],
      endOfCandidates: false,
    })
  })

  it('does not take an attribute from another media section', () => {
    const session = parseSdp(sessionWith('m=audio 9 RTP/AVP 0', 'a=ice-ufrag:medi', 'm=video 9 RTP/AVP 31'))
    assert.equal(effectiveTransport(session, section(session, 1)).iceUfrag, undefined)
  })

  it('applies an end of candidates of the session section to all', () => {
    assert.equal(effectiveOf(sessionWith('a=end-of-candidates', 'm=audio 9 RTP/AVP 0')).endOfCandidates, true)
  })

  it('finds the fingerprint and the password of each peer of the fixtures', () => {
    for (const from of [
      'Chromium, an offer',
      'Firefox, an offer',
      'Safari',
      'libdatachannel',
      'Pion',
      'aiortc',
      'werift',
    ]) {
      const session = parseSdp(fixture(from))
      const transport = effectiveTransport(session, section(session, session.media.length - 1))
      assert.ok(transport.iceUfrag && transport.icePwd && transport.setup, from)
      assert.ok(transport.fingerprints.length > 0, from)
    }
  })
})

// RFC 9143 §7.2.1
describe('bundleGroup and taggedSection', () => {
  it('lead from a bundled section to the one with the transport', () => {
    const session = parseSdp(fixture('Firefox, an offer of audio'))
    const data = section(session, 2)
    const group = bundleGroup(session, data)
    assert.deepEqual(group, { semantics: 'BUNDLE', mids: ['0', '1', '2'] })
    assert.ok(group)
    assert.equal(taggedSection(session, group), session.media[0])
  })

  it('find nothing for a section without a mid, in no group, or in a group of another kind', () => {
    const session = parseSdp(
      sessionWith('a=group:LS b', 'a=group:BUNDLE c', 'm=audio 9 RTP/AVP 0', 'm=audio 9 RTP/AVP 0', 'a=mid:b'),
    )
    assert.equal(bundleGroup(session, section(session, 0)), undefined)
    assert.equal(bundleGroup(session, section(session, 1)), undefined)
    for (const group of session.groups) {
      assert.equal(taggedSection(session, group), group.semantics === 'LS' ? session.media[1] : undefined)
    }
    assert.equal(taggedSection(session, { semantics: 'BUNDLE', mids: [] }), undefined)
  })

  it('tell several groups apart', () => {
    const session = parseSdp(
      sessionWith(
        'a=group:BUNDLE a',
        'a=group:BUNDLE b',
        'm=audio 9 RTP/AVP 0',
        'a=mid:a',
        'm=audio 9 RTP/AVP 0',
        'a=mid:b',
      ),
    )
    assert.deepEqual(bundleGroup(session, section(session, 1))?.mids, ['b'])
  })
})

// RFC 8841 §4.4.2, RFC 8829 §5.1.2
describe('isDataSection', () => {
  const sections: readonly (readonly [is: boolean, ...lines: string[]])[] = [
    [true, 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel'],
    [true, 'm=application 9 TCP/DTLS/SCTP webrtc-datachannel'],
    [true, 'm=application 9 DTLS/SCTP webrtc-datachannel'],
    [true, 'm=application 0 DTLS/SCTP 5000', 'a=sctpmap:5000 webrtc-datachannel 1024'],
    [false, 'm=application 9 DTLS/SCTP 5000'],
    [false, 'm=application 9 DTLS/SCTP 5000', 'a=sctpmap:5000 t38'],
    [false, 'm=application 9 DTLS/SCTP 5000', 'a=sctpmap'],
    [false, 'm=application 9 UDP/DTLS/SCTP 5000', 'a=sctpmap:5000 webrtc-datachannel 1024'],
    [false, 'm=application 9 UDP/DTLS/SCTP t38'],
    [false, 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel t38'],
    [false, 'm=application 9 SCTP webrtc-datachannel'],
    [false, 'm=application 9 UDP/BFCP *'],
    [false, 'm=audio 9 UDP/DTLS/SCTP webrtc-datachannel'],
    [false, 'm=application 0 UDP/DTLS/SCTP'],
  ]
  for (const [is, ...lines] of sections) {
    it(`is ${is} for ${lines.join(', ')}`, () => {
      assert.equal(isDataSection(section(parseSdp(sessionWith(...lines)), 0)), is)
    })
  }
})

// RFC 8829 §5.3.1: the protocol of an answer is that of the offer.
describe('answeredDataForm', () => {
  it('is that of the offer, with the port of the answerer and a map in the old form', () => {
    const form = (...lines: string[]) => answeredDataForm(section(parseSdp(sessionWith(...lines)), 0), 5001)
    const attributes = [{ name: 'sctpmap', value: '5001 webrtc-datachannel 65535' }]
    assert.deepEqual(form('m=application 9 DTLS/SCTP 5000', 'a=sctpmap:5000 webrtc-datachannel 1024'), {
      protocol: 'DTLS/SCTP',
      formats: ['5001'],
      attributes,
    })
    for (const protocol of ['DTLS/SCTP', 'UDP/DTLS/SCTP', 'TCP/DTLS/SCTP']) {
      const formats = ['webrtc-datachannel']
      assert.deepEqual(form(`m=application 9 ${protocol} webrtc-datachannel`), { protocol, formats, attributes: [] })
    }
  })
})

function effectiveOf(text: string): ReturnType<typeof effectiveTransport> {
  const session = parseSdp(text)
  return effectiveTransport(session, section(session, 0))
}

function section(session: SdpSession, index: number): SdpMedia {
  const media = session.media[index]
  assert.ok(media)
  return media
}
