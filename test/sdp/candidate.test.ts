import assert from 'node:assert/strict'
import type { SdpCandidate } from '../../src/sdp/description.ts'
import { SdpError } from '../../src/sdp/errors.ts'
import { maxCandidateLength, parseCandidate, parseSdp, serializeCandidate } from '../../src/sdp/index.ts'
import { fixtures, mediaWith } from './fixtures.ts'

const host: SdpCandidate = {
  foundation: '1',
  component: 1,
  protocol: 'udp',
  priority: 2130706431,
  address: '192.0.2.1',
  port: 50000,
  type: 'host',
  extensions: [],
}

const hostText = 'candidate:1 1 udp 2130706431 192.0.2.1 50000 typ host'

describe('parseCandidate', () => {
  it('reads a candidate with and without its prefixes and a line end', () => {
    const value = hostText.slice('candidate:'.length)
    for (const text of [
      hostText,
      `a=${hostText}`,
      value,
      `a=${value}`,
      `${hostText}\r\n`,
      `a=${hostText}\n`,
      `${value} `,
    ]) {
      assert.deepEqual(parseCandidate(text), host, text)
    }
  })

  // webrtc-pc §4.4.2
  it('takes the empty string for the end of candidates', () => {
    assert.equal(parseCandidate(''), undefined)
  })

  // RFC 8839 §5.1, RFC 6544 §4.5
  it('reads related address and port, TCP type, username fragment and the extensions, wherever they are', () => {
    const text = `${hostText.replace('host', 'srflx')} generation 0 tcptype passive raddr 10.0.0.1 ufrag a+b/ rport 4000 network-id 2`
    assert.deepEqual(parseCandidate(text), {
      ...host,
      type: 'srflx',
      relatedAddress: '10.0.0.1',
      relatedPort: 4000,
      tcpType: 'passive',
      usernameFragment: 'a+b/',
      extensions: [
        ['generation', '0'],
        ['network-id', '2'],
      ],
    })
  })

  // RFC 5234 §2.3: literal text in a grammar is case-insensitive.
  it('puts transport, types and the names of fields into lower case', () => {
    const text =
      'candidate:1 1 TCP 1 192.0.2.1 9 TYP Relay RADDR 10.0.0.1 Rport 4000 TCPtype Active UFRAG AbCd Generation X'
    assert.deepEqual(parseCandidate(text), {
      ...host,
      protocol: 'tcp',
      priority: 1,
      port: 9,
      type: 'relay',
      relatedAddress: '10.0.0.1',
      relatedPort: 4000,
      tcpType: 'active',
      usernameFragment: 'AbCd',
      extensions: [['Generation', 'X']],
    })
  })

  // RFC 8839 §5.1: an agent ignores what it does not understand, so it has to get through.
  it('keeps unknown transports, types, TCP types and extensions, names for addresses, and empty extensions', () => {
    const text = 'candidate:x-1_y 256 ssltcp 4294967295 host.example 0 typ teleport tcptype maybe a  b \u00e9'
    assert.deepEqual(parseCandidate(text), {
      foundation: 'x-1_y',
      component: 256,
      protocol: 'ssltcp',
      priority: 0xffff_ffff,
      address: 'host.example',
      port: 0,
      type: 'teleport',
      tcpType: 'maybe',
      extensions: [
        ['a', ''],
        ['b', '\u00e9'],
      ],
    })
  })

  it('takes names such as __proto__ for extensions like any other', () => {
    const candidate = parseCandidate(`${hostText} __proto__ polluted constructor x`)
    assert.deepEqual(candidate?.extensions, [
      ['__proto__', 'polluted'],
      ['constructor', 'x'],
    ])
    assert.equal(Object.getPrototypeOf(candidate), Object.prototype)
  })

  const malformed: readonly (readonly [text: string, fault: RegExp])[] = [
    ['candidate:', /8 fields/],
    [' ', /8 fields/],
    ['rubbish', /8 fields/],
    ['candidate:1 1 udp 1 192.0.2.1 9 typ', /8 fields/],
    ['candidate:1 1 udp 1 192.0.2.1 9 type host', /'typ'/],
    ['candidate: 1 udp 1 192.0.2.1 9 typ host', /foundation/],
    [`candidate:${'1'.repeat(33)} 1 udp 1 192.0.2.1 9 typ host`, /foundation/],
    ['candidate:1 0 udp 1 192.0.2.1 9 typ host', /component/],
    ['candidate:1 257 udp 1 192.0.2.1 9 typ host', /component/],
    ['candidate:1 x udp 1 192.0.2.1 9 typ host', /component/],
    ['candidate:1 1 u(dp 1 192.0.2.1 9 typ host', /transport/],
    ['candidate:1 1 udp -1 192.0.2.1 9 typ host', /priority/],
    ['candidate:1 1 udp 4294967296 192.0.2.1 9 typ host', /priority/],
    ['candidate:1 1 udp 1.5 192.0.2.1 9 typ host', /priority/],
    ['candidate:1 1 udp 1  9 typ host', /address/],
    [`candidate:1 1 udp 1 ${'a'.repeat(256)} 9 typ host`, /address/],
    ['candidate:1 1 udp 1 192.0.2.1 65536 typ host', /port/],
    ['candidate:1 1 udp 1 192.0.2.1 9 typ ho"st', /type/],
    [`${hostText} raddr`, /no value/],
    [`${hostText} raddr 10.0.0.1 rport`, /no value/],
    [`${hostText} raddr `, /address/],
    [`${hostText} rport 65536`, /related port/],
    [`${hostText} rport x`, /related port/],
    [`${hostText} tcptype `, /TCP type/],
    [`${hostText} ufrag a.b`, /ufrag/],
    [`${hostText} ufrag ${'a'.repeat(257)}`, /ufrag/],
    [`${hostText} ufrag abcd ufrag efgh`, /one ufrag/],
    [`${hostText} raddr 10.0.0.1 RADDR 10.0.0.1`, /one raddr/],
    [`${hostText} rport 0 rport 0`, /one rport/],
    [`${hostText} tcptype so tcptype so`, /one tcptype/],
    [`${hostText} na(me value`, /name of an extension/],
    [`${hostText} name va\tlue`, /value of an extension/],
    [`${hostText}\r\na=setup:active`, /type|extension/],
    [`${hostText}\r\n\r\n`, /type/],
    [`a=a=${hostText}`, /'typ'|foundation|component|8 fields/],
  ]
  for (const [text, fault] of malformed) {
    it(`rejects ${JSON.stringify(text.length > 90 ? `${text.slice(0, 90)}…` : text)}`, () => {
      assert.throws(
        () => parseCandidate(text),
        (error: unknown) => error instanceof SdpError && error.line === undefined && fault.test(error.message),
      )
    })
  }

  it('looks at candidates of a bounded length, alone and in a description', () => {
    const longest = `${hostText} x ${'y'.repeat(maxCandidateLength + 'candidate:'.length - hostText.length - 3)}`
    assert.ok(parseCandidate(longest))
    assert.ok(parseSdp(mediaWith(`a=${longest}`)))
    assert.throws(() => parseCandidate(`${longest}y`), /at most 4096/)
    assert.throws(() => parseSdp(mediaWith(`a=${longest}y`)), /at most 4096/)
  })
})

describe('serializeCandidate', () => {
  // RFC 8839 §5.1, RFC 6544 §4.5
  it('writes the fields in the order of the grammar', () => {
    assert.equal(serializeCandidate(host), hostText)
    const full: SdpCandidate = {
      ...host,
      protocol: 'tcp',
      type: 'srflx',
      relatedAddress: '10.0.0.1',
      relatedPort: 4000,
      tcpType: 'so',
      usernameFragment: 'abcd',
      extensions: [
        ['generation', '0'],
        ['empty', ''],
        ['network-id', '1'],
      ],
    }
    const text =
      'candidate:1 1 tcp 2130706431 192.0.2.1 50000 typ srflx raddr 10.0.0.1 rport 4000 tcptype so ufrag abcd generation 0 empty  network-id 1'
    assert.equal(serializeCandidate(full), text)
    assert.deepEqual(parseCandidate(text), full)
  })

  it('gives back every candidate of the fixtures', () => {
    let count = 0
    for (const { text } of fixtures) {
      for (const candidate of parseSdp(text).media.flatMap(media => media.candidates)) {
        assert.deepEqual(parseCandidate(serializeCandidate(candidate)), candidate)
        count++
      }
    }
    assert.ok(count > 10)
  })

  const refused: readonly Partial<SdpCandidate>[] = [
    { foundation: '' },
    { foundation: 'a b' },
    { foundation: '1\r\na=setup:active' },
    { component: 0 },
    { component: 1.5 },
    { component: 257 },
    { protocol: 'u dp' },
    { priority: -1 },
    { priority: 2 ** 32 },
    { priority: Number.NaN },
    { address: '' },
    { address: '192.0.2.1\r\na=x' },
    { address: '192.0.2.1 9 typ host' },
    { address: 'a'.repeat(256) },
    { port: 65536 },
    { type: '' },
    { type: 'host raddr' },
    { relatedAddress: '10.0.0.1 rport' },
    { relatedPort: -1 },
    { tcpType: '' },
    { usernameFragment: 'a b' },
    { usernameFragment: '' },
    { extensions: [['a b', 'c']] },
    { extensions: [['', 'c']] },
    { extensions: [['a', 'b c']] },
    { extensions: [['a', 'b\n']] },
    { extensions: [['a', '\u007f']] },
    { extensions: [['ufrag', 'abcd']] },
    { extensions: [['Raddr', '10.0.0.1']] },
  ]
  for (const fields of refused) {
    it(`refuses ${JSON.stringify(fields).slice(0, 80)}`, () => {
      assert.throws(() => serializeCandidate({ ...host, ...fields }), SdpError)
    })
  }
})
