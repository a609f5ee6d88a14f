import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { serializeRtp } from '../../src/rtp/packet.ts'
import { serializeRtcp } from '../../src/rtp/rtcp/compound.ts'
import type { PacketArrival, RtcpPacket } from '../../src/rtp/rtcp/types.ts'
import { RtxSender } from '../../src/rtp/rtx.ts'
import { prng } from '../support/prng.ts'
import { ascii, bytes, rtp, withElements } from './support/packets.ts'
import { type CapturedDatagram, pcap } from './support/pcap.ts'

const rtpPort = 5004
const rtcpPort = 5005

/** What tshark says about each datagram, with the layers below RTP and RTCP cut off and the indentation removed. */
function dissect(datagrams: readonly CapturedDatagram[]): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), 'icefloe-rtp-'))
  try {
    const file = join(folder, 'capture.pcap')
    writeFileSync(file, pcap(datagrams))
    const decodeAs = ['-d', `udp.port==${rtpPort},rtp`, '-d', `udp.port==${rtcpPort},rtcp`]
    const { stdout, status, stderr } = spawnSync('tshark', ['-n', '-V', '-r', file, ...decodeAs], {
      encoding: 'utf8',
      maxBuffer: 1 << 26,
      timeout: 60_000,
    })
    assert.equal(status, 0, stderr)
    const frames = stdout.split(/^Frame \d+:.*$/m).slice(1)
    return frames.map(frame => frame.slice(frame.search(/^Real-[Tt]ime/m)).replace(/^ +/gm, ''))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Asserts that lines are there, in this order, and that tshark found nothing wrong. */
function assertLines(frame: string | undefined, expected: readonly string[]): void {
  assert.ok(frame)
  assert.doesNotMatch(frame, /malformed|length check: (?!OK)/i)
  const lines = frame.split('\n').map(line => line.trim())
  let from = 0
  for (const line of expected) {
    const at = lines.indexOf(line, from)
    assert.ok(at >= 0, `no line "${line}" in\n${frame}`)
    from = at + 1
  }
}

const head = { senderSsrc: 0x11, mediaSsrc: 0x22 }
const untargeted = { senderSsrc: 0x11, mediaSsrc: 0 }
const ntpTime = 0xe000_0000_8000_0000n
const report = {
  ssrc: 0x33,
  fractionLost: 64,
  cumulativeLost: -2,
  extendedHighestSequence: 0x1_0203,
  jitter: 7,
  lastSenderReport: 0x1122_3344,
  delaySinceLastSenderReport: 0x8000,
}
const reportLines = [
  'Identifier: 0x00000033 (51)',
  'Fraction lost: 64 / 256',
  'Cumulative number of packets lost: -2',
  'Sequence number cycles count: 1',
  'Highest sequence number received: 515',
  'Interarrival jitter: 7',
  'Last SR timestamp: 287454020 (0x11223344)',
  'Delay since last SR timestamp: 32768 (500 milliseconds)',
]

const rtcpExamples: readonly (readonly [RtcpPacket, readonly string[]])[] = [
  [
    { type: 'sender-report', ssrc: 0x11, ntpTime, rtpTimestamp: 9, packetCount: 10, octetCount: 11, reports: [report] },
    [
      'Sender SSRC: 0x00000011 (17)',
      'Timestamp, MSW: 3758096384 (0xe0000000)',
      'Timestamp, LSW: 2147483648 (0x80000000)',
      'RTP timestamp: 9',
      "Sender's packet count: 10",
      "Sender's octet count: 11",
      ...reportLines,
    ],
  ],
  [{ type: 'receiver-report', ssrc: 0x11, reports: [report] }, ['Sender SSRC: 0x00000011 (17)', ...reportLines]],
  [
    {
      type: 'source-description',
      chunks: [
        { ssrc: 0x11, items: [{ type: 1, text: 'cname@x' }] },
        {
          ssrc: 0x12,
          items: [
            { type: 1, text: 'a' },
            { type: 7, text: 'note' },
          ],
        },
      ],
    },
    [
      'Chunk 1, SSRC/CSRC 0x11',
      'Text: cname@x',
      'Chunk 2, SSRC/CSRC 0x12',
      'Text: a',
      'Type: NOTE (note about source) (7)',
      'Text: note',
      'Type: END (0)',
    ],
  ],
  [
    { type: 'bye', ssrcs: [1, 2], reason: 'bye!' },
    ['Identifier: 0x00000001 (1)', 'Identifier: 0x00000002 (2)', 'Length: 4', 'Text: bye!'],
  ],
  [
    { type: 'application-defined', subtype: 5, ssrc: 1, name: 'abCD', data: bytes('01020304') },
    ['Identifier: 0x00000001 (1)', 'Name (ASCII): abCD', 'Application specific data: 01020304'],
  ],
  [
    { type: 'nack', ...head, sequenceNumbers: [10, 11, 26, 27, 40] },
    [
      'Sender SSRC: 0x00000011 (17)',
      'Media source SSRC: 0x00000022 (34)',
      'RTCP Transport Feedback NACK PID: 10',
      'Frame 11 also lost',
      'Frame 26 also lost',
      'RTCP Transport Feedback NACK PID: 27',
      'Frame 40 also lost',
    ],
  ],
  [
    { type: 'tmmbr', ...untargeted, entries: [{ ssrc: 3, bitrate: 0x1_ffff * 4, overhead: 40 }] },
    ['SSRC: 0x00000003 (3)', 'Maximum total media bit rate: 131071*2^2', '.... ...0 0010 1000 = Measured Overhead: 40'],
  ],
  [
    { type: 'tmmbn', ...untargeted, entries: [{ ssrc: 3, bitrate: 99, overhead: 40 }] },
    ['SSRC: 0x00000003 (3)', 'Maximum total media bit rate: 99*2^0'],
  ],
  [{ type: 'pli', ...head }, ['Sender SSRC: 0x00000011 (17)', 'Media source SSRC: 0x00000022 (34)']],
  [
    { type: 'sli', ...head, slices: [{ first: 1, count: 2, pictureId: 63 }] },
    [
      '0000 0000 0000 1... .... .... .... .... = First MB: 1',
      '.... .... .... .000 0000 0000 10.. .... = Number of MBs: 2',
      '.... .... .... .... .... .... ..11 1111 = Picture ID: 63',
    ],
  ],
  [
    { type: 'fir', ...untargeted, requests: [{ ssrc: 3, sequenceNumber: 200 }] },
    ['SSRC: 0x00000003 (3)', 'Command Sequence Number: 200', 'Reserved: 0'],
  ],
  [
    { type: 'remb', ...untargeted, bitrate: 0x3_ffff * 2, ssrcs: [3, 4] },
    ['Unique Identifier: REMB', 'Maximum bit rate: 524286', 'SSRC: 0x00000003 (3)', 'SSRC: 0x00000004 (4)'],
  ],
  [
    {
      type: 'extended-report',
      ssrc: 1,
      blocks: [
        { type: 'receiver-reference-time', ntpTime },
        { type: 'delay-since-last-reference-time', entries: [{ ssrc: 2, lastReferenceTime: 3, delay: 4 }] },
      ],
    },
    [
      'Type: Receiver Reference Time Report Block (4)',
      'Timestamp: Feb  2, 2019 11:39:44.500000000 UTC',
      'Type: DLRR Report Block (5)',
      'Identifier: 0x00000002 (2)',
      'Last RR timestamp: 3',
      'Delay since last RR timestamp: 4',
    ],
  ],
]

describe('what tshark makes of our packets', function () {
  this.timeout(60_000)

  before(function () {
    if (spawnSync('tshark', ['--version']).status !== 0) this.skip()
  })

  it('is our RTP, with CSRCs, padding and both forms of header extensions', () => {
    const oneByte = withElements(
      [
        { id: 1, data: ascii('a') },
        { id: 2, data: bytes('aabbcc') },
      ],
      { csrcs: [5, 6], marker: true, paddingLength: 4 },
    )
    const twoByte = withElements([
      { id: 20, data: ascii('a') },
      { id: 2, data: bytes('') },
    ])
    const rtx = new RtxSender({ ssrc: 0x99, payloadTypes: new Map([[96, 97]]), firstSequenceNumber: 77 })
    const repeated = rtx.wrap(serializeRtp(rtp({ sequenceNumber: 0x1234 })))
    assert.ok(repeated)
    const frames = dissect(
      [serializeRtp(oneByte), serializeRtp(twoByte), repeated].map(data => ({ port: rtpPort, data })),
    )
    assertLines(frames[0], [
      '1... .... = Marker: True',
      'Payload type: DynamicRTP-Type-96 (96)',
      'Sequence number: 1000',
      'Timestamp: 90000',
      'Synchronization Source identifier: 0x12345678 (305419896)',
      'CSRC item 0: 0x5',
      'CSRC item 1: 0x6',
      'Identifier: 1',
      'Extension Data: 61',
      'Identifier: 2',
      'Extension Data: aabbcc',
      'Payload: 010203',
      'Padding count: 4',
    ])
    assertLines(frames[1], ['Identifier: 20', 'Length: 1', 'Extension Data: 61', 'Identifier: 2', 'Length: 0'])
    assertLines(frames[2], [
      'Payload type: DynamicRTP-Type-97 (97)',
      'Sequence number: 77',
      'Synchronization Source identifier: 0x00000099 (153)',
      'Payload: 1234010203',
    ])
  })

  it('is our RTCP, each packet of its own and all in one compound', () => {
    const packets = rtcpExamples.map(([packet]) => packet)
    const datagrams = [...packets.map(packet => [packet]), packets]
    const frames = dissect(datagrams.map(each => ({ port: rtcpPort, data: serializeRtcp(each) })))
    assert.equal(frames.length, rtcpExamples.length + 1)
    for (const [i, [, lines]] of rtcpExamples.entries()) assertLines(frames[i], lines)
    assertLines(
      frames.at(-1),
      rtcpExamples.flatMap(([, lines]) => lines),
    )
  })

  it('is our transport-wide feedback, whatever arrived when', () => {
    const feedbacks: (readonly PacketArrival[])[] = []
    for (let seed = 0; seed < 100; seed++) {
      const random = prng(seed)
      const loss = random.float()
      let now = (random.next() % 4_000_000) / 4
      feedbacks.push(
        Array.from({ length: 1 + (random.next() % 60) }, (_, i) => {
          const sequenceNumber = (seed * 1_000 + i) & 0xffff
          if (random.float() < loss) return { sequenceNumber, received: false, receivedAt: undefined }
          now += random.next() % 6 === 0 ? (random.next() % 4_000) / 4 - 300 : (random.next() % 100) / 4
          return { sequenceNumber, received: true, receivedAt: now }
        }),
      )
    }
    const frames = dissect(
      feedbacks.map((packets, i) => ({
        port: rtcpPort,
        data: serializeRtcp([{ type: 'transport-feedback', ...head, feedbackCount: i, packets }]),
      })),
    )
    for (const [i, packets] of feedbacks.entries()) {
      const frame = frames[i] ?? ''
      assertLines(frame, [`Packet Status Count: ${packets.length} (0x${packets.length.toString(16).padStart(4, '0')})`])
      const reference = Number(/Reference Time: (\d+)/.exec(frame)?.[1]) * 64
      let at = reference
      const seen = [...frame.matchAll(/\[seq: (\d+)\] (-?[\d.]+) ms/g)].map(([, sequence, delta]) => {
        at += Number(delta)
        return [Number(sequence), at]
      })
      const sent = packets.flatMap(packet => (packet.received ? [[packet.sequenceNumber, packet.receivedAt]] : []))
      assert.deepEqual(seen, sent, `seed ${i}`)
    }
  })
})
