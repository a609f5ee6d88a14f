import assert from 'node:assert/strict'

import { RtpError } from '../../../src/rtp/errors.ts'
import { parseRtcp, serializeRtcp } from '../../../src/rtp/rtcp/compound.ts'
import type { ReportBlock, RtcpPacket } from '../../../src/rtp/rtcp/types.ts'
import { ascii, bytes, hex } from '../support/packets.ts'

const block: ReportBlock = {
  ssrc: 0x0a0b_0c0d,
  fractionLost: 0x40,
  cumulativeLost: -2,
  extendedHighestSequence: 0x0001_0203,
  jitter: 7,
  lastSenderReport: 0x1122_3344,
  delaySinceLastSenderReport: 0x8000,
}
const blockHex = '0a0b0c0d 40fffffe 00010203 00000007 11223344 00008000'
const head = { senderSsrc: 1, mediaSsrc: 2 }
const noTarget = { senderSsrc: 1, mediaSsrc: 0 }

/** Each packet with its bytes, worked out by hand from the figures of the standards. */
const examples: readonly (readonly [string, RtcpPacket, string])[] = [
  [
    'a sender report (RFC 3550 §6.4.1)',
    {
      type: 'sender-report',
      ssrc: 1,
      ntpTime: 0x0102_0304_0506_0708n,
      rtpTimestamp: 9,
      packetCount: 10,
      octetCount: 11,
      reports: [block],
    },
    `81c8000c 00000001 0102030405060708 00000009 0000000a 0000000b ${blockHex}`,
  ],
  [
    'a receiver report (§6.4.2)',
    { type: 'receiver-report', ssrc: 1, reports: [block] },
    `81c90007 00000001 ${blockHex}`,
  ],
  [
    'a source description whose text ends just before a word does (§6.5)',
    { type: 'source-description', chunks: [{ ssrc: 1, items: [{ type: 1, text: 'abcde' }] }] },
    '81ca0003 00000001 01056162636465 00',
  ],
  [
    'a source description whose text fills its words, so that four nulls follow',
    {
      type: 'source-description',
      chunks: [
        { ssrc: 1, items: [{ type: 1, text: 'ab' }] },
        { ssrc: 2, items: [] },
      ],
    },
    '82ca0005 00000001 01026162 00000000 00000002 00000000',
  ],
  [
    'a goodbye with a reason (§6.6)',
    { type: 'bye', ssrcs: [1, 2], reason: 'bye!' },
    '82cb0004 00000001 00000002 0462796521 000000',
  ],
  ['a goodbye without one', { type: 'bye', ssrcs: [1], reason: undefined }, '81cb0001 00000001'],
  [
    'an application-defined packet (§6.7)',
    { type: 'application-defined', subtype: 5, ssrc: 1, name: 'abCD', data: bytes('01020304') },
    '85cc0003 00000001 61624344 01020304',
  ],
  [
    'a NACK whose entries take 17 packets each, over the wrap (RFC 4585 §6.2.1)',
    { type: 'nack', ...head, sequenceNumbers: [65_534, 65_535, 0, 14, 15, 40] },
    '81cd0005 00000001 00000002 fffe8003 000f0000 00280000',
  ],
  [
    'a TMMBR (RFC 5104 §4.2.1)',
    { type: 'tmmbr', ...noTarget, entries: [{ ssrc: 3, bitrate: 0x1_ffff * 4, overhead: 0x1ff }] },
    '83cd0004 00000001 00000000 00000003 0bffffff',
  ],
  ['a TMMBN of no entries (§4.2.2)', { type: 'tmmbn', ...noTarget, entries: [] }, '84cd0002 00000001 00000000'],
  ['a PLI (RFC 4585 §6.3.1)', { type: 'pli', ...head }, '81ce0002 00000001 00000002'],
  [
    'an SLI (§6.3.2)',
    { type: 'sli', ...head, slices: [{ first: 1, count: 2, pictureId: 63 }] },
    '82ce0003 00000001 00000002 000800bf',
  ],
  [
    'an FIR (RFC 5104 §4.3.1)',
    { type: 'fir', ...noTarget, requests: [{ ssrc: 3, sequenceNumber: 255 }] },
    '84ce0004 00000001 00000000 00000003 ff000000',
  ],
  [
    'a REMB (draft-alvestrand-rmcat-remb-03 §2.2)',
    { type: 'remb', ...noTarget, bitrate: 0x3_ffff * 2, ssrcs: [3, 4] },
    '8fce0006 00000001 00000000 52454d42 0207ffff 00000003 00000004',
  ],
  [
    'a congestion control feedback (RFC 8888 §3.1)',
    {
      type: 'congestion-feedback',
      senderSsrc: 1,
      streams: [
        {
          ssrc: 2,
          beginSequence: 65_535,
          packets: [
            { sequenceNumber: 65_535, received: true, ecn: 3, beforeReportMs: 500 },
            { sequenceNumber: 0, received: false, ecn: 0, beforeReportMs: undefined },
            { sequenceNumber: 1, received: true, ecn: 0, beforeReportMs: Number.POSITIVE_INFINITY },
          ],
        },
        { ssrc: 3, beginSequence: 7, packets: [] },
        {
          ssrc: 4,
          beginSequence: 9,
          packets: [{ sequenceNumber: 9, received: true, ecn: 1, beforeReportMs: undefined }],
        },
      ],
      reportTime: 0x1122_3344,
    },
    '8bcd000b 00000001 00000002 ffff0003 e2000000 9ffe0000 00000003 00070000 00000004 00090001 bfff0000 11223344',
  ],
  [
    'an extended report (RFC 3611 §4.4, §4.5)',
    {
      type: 'extended-report',
      ssrc: 1,
      blocks: [
        { type: 'receiver-reference-time', ntpTime: 0x0102_0304_0506_0708n },
        { type: 'delay-since-last-reference-time', entries: [{ ssrc: 2, lastReferenceTime: 3, delay: 4 }] },
        { type: 'unknown-block', blockType: 9, typeSpecific: 8, data: bytes('0a0b0c0d') },
      ],
    },
    '80cf000a 00000001 04000002 0102030405060708 05000003 00000002 00000003 00000004 09080001 0a0b0c0d',
  ],
  [
    'a packet of an unknown type',
    { type: 'unknown', packetType: 210, count: 3, data: bytes('01020304') },
    '83d20001 01020304',
  ],
  [
    'feedback of an unknown format',
    { type: 'unknown', packetType: 206, count: 30, data: bytes('0000000100000002') },
    '9ece0002 00000001 00000002',
  ],
  [
    'application layer feedback that is no REMB',
    { type: 'unknown', packetType: 206, count: 15, data: bytes('000000010000000201020304') },
    '8fce0003 00000001 00000002 01020304',
  ],
]

function parsed(data: string | Uint8Array): readonly RtcpPacket[] {
  const compound = parseRtcp(typeof data === 'string' ? bytes(data) : data)
  assert.ok(!('drop' in compound))
  assert.equal(compound.malformed, 0)
  return compound.packets
}

describe('RTCP packets', () => {
  for (const [what, packet, wire] of examples) {
    it(`${what} is read and written`, () => {
      assert.equal(hex(serializeRtcp([packet])), wire.replaceAll(' ', ''))
      assert.deepEqual(parsed(wire), [packet])
    })
  }

  it('are read one after the other from a compound', () => {
    const all = examples.map(([, packet]) => packet)
    assert.deepEqual(parsed(serializeRtcp(all)), all)
  })

  it('round bit rates down to what their mantissa holds', () => {
    const bitrates = [0, 1, 131_071, 131_073, 262_145, 2_500_001, 1e12]
    for (const bitrate of bitrates) {
      const [tmmbr, remb] = parsed(
        serializeRtcp([
          { type: 'tmmbr', ...noTarget, entries: [{ ssrc: 1, bitrate, overhead: 40 }] },
          { type: 'remb', ...noTarget, bitrate, ssrcs: [] },
        ]),
      )
      assert.ok(tmmbr?.type === 'tmmbr' && remb?.type === 'remb')
      for (const [read, bits] of [
        [tmmbr.entries[0]?.bitrate ?? -1, 17],
        [remb.bitrate, 18],
      ] as const) {
        assert.ok(read <= bitrate && read >= bitrate * (1 - 2 ** (1 - bits)), `${bitrate} became ${read}`)
      }
    }
  })

  it('clamp the cumulative loss to 24 bits', () => {
    for (const [lost, written] of [
      [0x100_0000, 0x7f_ffff],
      [-0x100_0000, -0x80_0000],
    ] as const) {
      const [report] = parsed(
        serializeRtcp([{ type: 'receiver-report', ssrc: 1, reports: [{ ...block, cumulativeLost: lost }] }]),
      )
      assert.ok(report?.type === 'receiver-report')
      assert.equal(report.reports[0]?.cumulativeLost, written)
    }
  })

  it('take profile-specific extensions after the report blocks', () => {
    assert.deepEqual(parsed('80c90002 00000001 deadbeef'), [{ type: 'receiver-report', ssrc: 1, reports: [] }])
  })

  it('may end in padding, which is no part of the last one', () => {
    assert.deepEqual(parsed('80c90001 00000001 a1cb0002 00000001 00000004'), [
      { type: 'receiver-report', ssrc: 1, reports: [] },
      { type: 'bye', ssrcs: [1], reason: undefined },
    ])
  })

  it('may hold transport-wide feedback that is filled up with padding of less than a word, as libwebrtc sends it', () => {
    const [feedback, bye] = parsed('afcd0005 00000001 00000002 00050001 000001 00 2001 04 01 81cb0001 00000001')
    assert.equal(feedback?.type, 'transport-feedback')
    assert.deepEqual(bye, { type: 'bye', ssrcs: [1], reason: undefined })
  })
})

describe('a compound that does not add up', () => {
  for (const [what, drop, data] of [
    ['nothing', 'truncated', ''],
    ['three bytes', 'truncated', '80c900'],
    ['version 1', 'bad-version', '40c90001 00000001'],
    ['a length beyond the end', 'bad-length', '80c90002 00000001'],
    ['a length of 65535 words', 'bad-length', '80c9ffff 00000001'],
    ['a second packet beyond the end', 'bad-length', '80c90001 00000001 81cb0002 00000001'],
    ['bytes left over', 'bad-length', '80c90001 00000001 0000'],
    ['version 0 in the second packet', 'bad-version', '80c90001 00000001 00000000'],
    ['padding of no bytes', 'bad-padding', 'a0c90001 00000000'],
    ['padding beyond the packet', 'bad-padding', 'a0c90001 00000008'],
    ['padding that takes the head too', 'bad-padding', 'a0c90000'],
  ] as const) {
    it(`is dropped with ${what}`, () => assert.deepEqual(parseRtcp(bytes(data)), { drop }))
  }

  it('is dropped without a report before it, unless reduced size is in use (RFC 5506)', () => {
    const pli = serializeRtcp([{ type: 'pli', ...head }])
    assert.deepEqual(parseRtcp(pli, { reducedSize: false }), { drop: 'not-compound' })
    assert.ok('packets' in parseRtcp(pli, { reducedSize: true }))
    const whole = serializeRtcp([
      { type: 'receiver-report', ssrc: 1, reports: [] },
      { type: 'pli', ...head },
    ])
    assert.ok('packets' in parseRtcp(whole, { reducedSize: false }))
  })
})

describe('a packet that contradicts itself', () => {
  for (const [what, data] of [
    ['a sender report with a block less than it counts', `82c8000c 00000001 ${'00'.repeat(20)} ${blockHex}`],
    ['a sender report without sender information', '80c80001 00000001'],
    ['a receiver report with 31 blocks that are not there', '9fc90001 00000001'],
    ['a source description with a chunk less than it counts', '82ca0002 00000001 00000000'],
    ['a description item beyond the packet', '81ca0002 00000001 01ff6162'],
    ['a description without an end of its items', '81ca0002 00000001 01026162'],
    ['a goodbye with fewer sources than it counts', '82cb0001 00000001'],
    ['a goodbye with a reason beyond the packet', '81cb0002 00000001 ff616263'],
    ['an APP packet without a name', '80cc0001 00000001'],
    ['a NACK of no packets', '81cd0002 00000001 00000002'],
    ['feedback without a media source', '81ce0001 00000001'],
    ['a TMMBR without entry', '83cd0002 00000001 00000000'],
    ['a TMMBN with half an entry', '84cd0003 00000001 00000000 00000003'],
    ['an SLI without slice', '82ce0002 00000001 00000000'],
    ['an FIR with half an entry', '84ce0003 00000001 00000000 00000003'],
    ['a REMB with fewer sources than it counts', '8fce0005 00000001 00000000 52454d42 0207ffff 00000003'],
    ['a congestion control feedback with a stream beyond the packet', '8bcd0004 00000001 00000002 00000003 00000000'],
    ['a congestion control feedback without the time of the report', '8bcd0001 00000001'],
    ['an extended report with a block beyond the packet', '80cf0002 00000001 04000002'],
    ['an extended report without a source', '80cf0000'],
  ] as const) {
    it(`is left out and counted, and those around it are not: ${what}`, () => {
      const compound = parseRtcp(bytes(`80c90001 00000001 ${data} 81cb0001 00000007`))
      assert.deepEqual(compound, {
        packets: [
          { type: 'receiver-report', ssrc: 1, reports: [] },
          { type: 'bye', ssrcs: [7], reason: undefined },
        ],
        malformed: 1,
      })
    })
  }

  it('is a congestion control feedback about more than a quarter of the sequence numbers', () => {
    for (const [count, malformed] of [
      [16_384, 0],
      [16_386, 1],
    ] as const) {
      const data = new Uint8Array(20 + 2 * count)
      const view = new DataView(data.buffer)
      view.setUint32(0, 0x8bcd_0000 | (data.length / 4 - 1))
      view.setUint16(14, count)
      const compound = parseRtcp(data)
      assert.ok(!('drop' in compound))
      assert.equal(compound.malformed, malformed, `${count} packets`)
    }
  })

  it('is kept as an unknown block where only the length of an extended report block is wrong', () => {
    assert.deepEqual(parsed('80cf0003 00000001 04000001 00000002'), [
      {
        type: 'extended-report',
        ssrc: 1,
        blocks: [{ type: 'unknown-block', blockType: 4, typeSpecific: 0, data: bytes('00000002') }],
      },
    ])
  })
})

describe('the writer of RTCP', () => {
  const many = <T>(count: number, value: T): T[] => new Array<T>(count).fill(value)
  const item = (type: number, text: string): RtcpPacket => ({
    type: 'source-description',
    chunks: [{ ssrc: 1, items: [{ type, text }] }],
  })
  for (const [what, code, packet] of [
    ['32 report blocks', 'too-long', { type: 'receiver-report', ssrc: 1, reports: many(32, block) }],
    ['32 sources in a goodbye', 'too-long', { type: 'bye', ssrcs: many(32, 1), reason: undefined }],
    ['a text of 256 bytes', 'too-long', item(1, 'ä'.repeat(128))],
    ['an item of type 0', 'bad-value', item(0, 'x')],
    ['256 sources in a REMB', 'too-long', { type: 'remb', ...noTarget, bitrate: 1, ssrcs: many(256, 1) }],
    ['a negative bit rate', 'bad-value', { type: 'remb', ...noTarget, bitrate: -1, ssrcs: [] }],
    ['a NACK of nothing', 'bad-value', { type: 'nack', ...head, sequenceNumbers: [] }],
    ['a TMMBR of nothing', 'bad-value', { type: 'tmmbr', ...noTarget, entries: [] }],
    ['an FIR of nothing', 'bad-value', { type: 'fir', ...noTarget, requests: [] }],
    ['an SLI of nothing', 'bad-value', { type: 'sli', ...head, slices: [] }],
    [
      'an overhead of 512 bytes',
      'bad-value',
      { type: 'tmmbr', ...noTarget, entries: [{ ssrc: 1, bitrate: 1, overhead: 512 }] },
    ],
    [
      'a name of three characters',
      'bad-value',
      { type: 'application-defined', subtype: 0, ssrc: 1, name: 'abc', data: ascii('') },
    ],
    [
      'half a word of data',
      'bad-value',
      { type: 'application-defined', subtype: 0, ssrc: 1, name: 'abcd', data: ascii('ab') },
    ],
    [
      'half a word of an unknown packet',
      'bad-value',
      { type: 'unknown', packetType: 210, count: 0, data: ascii('ab') },
    ],
  ] as const satisfies readonly (readonly [string, string, RtcpPacket])[]) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => serializeRtcp([packet]),
        (error: unknown) => error instanceof RtpError && error.code === code,
      )
    })
  }
})
