import assert from 'node:assert/strict'

import type { RtpPacket } from '../../src/rtp/packet.ts'
import { maxDescribedSsrcs, maxLearnedSsrcs, type RoutedSection, RtpRouter } from '../../src/rtp/router.ts'
import { type RtcpPacket, SdesItem } from '../../src/rtp/rtcp/types.ts'
import { ascii, rtp, withElements } from './support/packets.ts'

const extensionIds = { mid: 1, rtpStreamId: 2, repairedRtpStreamId: 3 }
const audio: RoutedSection = { mid: 'a', payloadTypes: [111], sendSsrcs: [1_001] }
const video: RoutedSection = { mid: 'v', payloadTypes: [96, 97], receiveSsrcs: [50], sendSsrcs: [1_002, 1_003] }

function router(...sections: readonly RoutedSection[]): RtpRouter {
  const made = new RtpRouter({ extensionIds })
  made.configure(sections.length > 0 ? sections : [audio, video], 0)
  return made
}

interface Ids {
  readonly mid?: string
  readonly rid?: string
  readonly repaired?: string
}

function packet(ssrc: number, payloadType: number, ids: Ids = {}, sequenceNumber = 1): RtpPacket {
  const elements = [
    [1, ids.mid],
    [2, ids.rid],
    [3, ids.repaired],
  ] as const
  const present = elements.flatMap(([id, text]) => (text === undefined ? [] : [{ id, data: ascii(text) }]))
  return withElements(present, { ssrc, payloadType, sequenceNumber })
}

/** Where a packet goes, as text. */
function where(of: RtpRouter, data: RtpPacket, now = 0): string {
  const route = of.route(data, now)
  return 'drop' in route ? route.drop : route.mid
}

describe('routing RTP to media sections', () => {
  it('goes by MID, and remembers it for packets without one', () => {
    const to = router({ ...audio, payloadTypes: [96] }, video)
    assert.equal(where(to, packet(7, 96)), 'unknown-stream', 'both sections take this payload type')
    assert.equal(where(to, packet(7, 96, { mid: 'a' })), 'a')
    assert.equal(where(to, packet(7, 96)), 'a')
    assert.equal(where(to, packet(8, 96, { mid: 'v' })), 'v')
  })

  it('drops what names a section that there is not, and keeps nothing of it', () => {
    const to = router()
    assert.equal(where(to, packet(7, 96, { mid: 'x' })), 'unknown-mid')
    assert.equal(where(to, packet(7, 96, { mid: 'not a token' })), 'unknown-mid')
    assert.equal(to.size, 1, 'the one that the description names')
  })

  it('goes by an SSRC that the description names', () => {
    const to = router({ ...audio, payloadTypes: [96] }, video)
    assert.equal(where(to, packet(50, 96)), 'v')
  })

  it('drops a payload type that the section does not take', () => {
    const to = router()
    assert.equal(where(to, packet(50, 111)), 'unknown-payload-type')
    assert.equal(where(to, packet(7, 111, { mid: 'v' })), 'unknown-payload-type')
  })

  it('goes by a payload type of one section only, and the stream stays there', () => {
    const to = router()
    assert.equal(where(to, packet(7, 96)), 'v')
    assert.equal(where(to, packet(7, 111)), 'unknown-payload-type', 'an SSRC does not move with its payload type')
    assert.equal(where(to, packet(8, 100)), 'unknown-stream')
  })

  it('lets a newer packet change the MID, and not an older one', () => {
    const to = router({ ...audio, payloadTypes: [96] }, video)
    assert.equal(where(to, packet(7, 96, { mid: 'a' }, 65_535)), 'a')
    assert.equal(where(to, packet(7, 96, { mid: 'v' }, 2)), 'v')
    assert.equal(where(to, packet(7, 96, { mid: 'a' }, 1)), 'v')
    assert.equal(where(to, packet(7, 96, {}, 3)), 'v')
  })

  it('keeps the stream ids of RFC 8852 with the stream', () => {
    const to = router()
    const ids = (data: RtpPacket): unknown => {
      const route = to.route(data, 0)
      return 'drop' in route ? route : [route.rtpStreamId, route.repairedRtpStreamId]
    }
    assert.deepEqual(ids(packet(7, 96, { mid: 'v', rid: 'hi' })), ['hi', undefined])
    assert.deepEqual(ids(packet(7, 96)), ['hi', undefined])
    assert.deepEqual(ids(packet(8, 97, { mid: 'v', repaired: 'hi' })), [undefined, 'hi'])
    assert.deepEqual(ids(packet(7, 96, { rid: 'n.o' })), ['hi', undefined], 'an id of characters it cannot have')
  })

  it('returns the same object for every packet of a stream', () => {
    const to = router()
    assert.equal(to.route(packet(7, 96, { rid: 'hi' }), 0), to.route(packet(7, 96), 1))
  })

  it('follows a changed description', () => {
    const to = router()
    assert.equal(where(to, packet(7, 96, { mid: 'v' })), 'v')
    to.configure([audio], 0)
    assert.equal(where(to, packet(7, 96)), 'unknown-mid')
    assert.equal(where(to, packet(50, 96)), 'unknown-stream', 'only the description knew it')
    to.configure([audio, video], 0)
    assert.equal(where(to, packet(7, 96)), 'v')
    assert.equal(where(to, packet(50, 96)), 'v')
  })

  it('learns a bounded number of streams, and keeps those that are in use or described', () => {
    const to = router()
    where(to, packet(6, 96), 0)
    for (let ssrc = 1_000; ssrc < 1_000 + 20 * maxLearnedSsrcs; ssrc++) {
      assert.equal(where(to, packet(ssrc, 96), ssrc), 'v')
      if (ssrc % 100 === 0) where(to, packet(6, 96), ssrc + 0.5)
      assert.ok(to.size <= maxLearnedSsrcs + 1)
    }
    assert.ok(to.routeRtcp({ type: 'bye', ssrcs: [6], reason: undefined }, 0).has('v'))
    assert.ok(to.routeRtcp({ type: 'bye', ssrcs: [50], reason: undefined }, 0).has('v'))
    assert.equal(to.routeRtcp({ type: 'bye', ssrcs: [1_000], reason: undefined }, 0).size, 0)
  })

  it('learns no more because a description names a stream twice', () => {
    const to = router({ ...video, receiveSsrcs: new Array(500).fill(50) })
    for (let ssrc = 100; ssrc < 100 + 2 * maxLearnedSsrcs; ssrc++) where(to, packet(ssrc, 96), ssrc)
    assert.equal(to.size, maxLearnedSsrcs + 1)
  })

  it('takes a bounded number of streams from a description', () => {
    const ssrcs = Array.from({ length: 3 * maxDescribedSsrcs }, (_, i) => 10_000 + i)
    const to = router({ ...video, receiveSsrcs: ssrcs })
    assert.equal(to.size, maxDescribedSsrcs)
    for (let ssrc = 0; ssrc < 2 * maxLearnedSsrcs; ssrc++) where(to, packet(ssrc, 96), ssrc)
    assert.equal(to.size, maxDescribedSsrcs + maxLearnedSsrcs)
  })
})

describe('routing RTCP to media sections', () => {
  const report = {
    ssrc: 1_001,
    fractionLost: 0,
    cumulativeLost: 0,
    extendedHighestSequence: 0,
    jitter: 0,
    lastSenderReport: 0,
    delaySinceLastSenderReport: 0,
  }
  const senderInfo = { ntpTime: 0n, rtpTimestamp: 0, packetCount: 0, octetCount: 0 }
  const head = { senderSsrc: 50, mediaSsrc: 1_002 }
  const untargeted = { senderSsrc: 50, mediaSsrc: 0 }
  for (const [what, packet, expected] of [
    [
      'a sender report, by its sender and by those it reports about',
      { type: 'sender-report', ssrc: 50, ...senderInfo, reports: [report] },
      'a v',
    ],
    ['a receiver report, by those it reports about', { type: 'receiver-report', ssrc: 50, reports: [report] }, 'a'],
    [
      'an extended report',
      {
        type: 'extended-report',
        ssrc: 9,
        blocks: [
          { type: 'delay-since-last-reference-time', entries: [{ ssrc: 1_001, lastReferenceTime: 0, delay: 0 }] },
        ],
      },
      'a',
    ],
    ['a NACK', { type: 'nack', ...head, sequenceNumbers: [1] }, 'v'],
    ['a PLI', { type: 'pli', ...head }, 'v'],
    ['an SLI', { type: 'sli', ...head, slices: [] }, 'v'],
    ['an FIR, by its targets', { type: 'fir', ...untargeted, requests: [{ ssrc: 1_001, sequenceNumber: 0 }] }, 'a'],
    [
      'a TMMBR, by its targets',
      { type: 'tmmbr', ...untargeted, entries: [{ ssrc: 1_003, bitrate: 0, overhead: 0 }] },
      'v',
    ],
    ['a TMMBN, by the stream it is about', { type: 'tmmbn', ...untargeted, entries: [] }, 'v'],
    ['a REMB, by its sources', { type: 'remb', ...untargeted, bitrate: 0, ssrcs: [1_001, 1_002] }, 'a v'],
    ['a feedback about the transport', { type: 'transport-feedback', ...head, feedbackCount: 0, packets: [] }, ''],
    ['what is not known', { type: 'unknown', packetType: 210, count: 0, data: ascii('') }, ''],
  ] as const satisfies readonly (readonly [string, RtcpPacket, string])[]) {
    it(`delivers ${what}`, () => {
      assert.equal([...router().routeRtcp(packet, 0)].sort().join(' '), expected)
    })
  }

  it('learns the MID of a stream from a source description', () => {
    const to = router({ ...audio, payloadTypes: [96] }, video)
    const description: RtcpPacket = {
      type: 'source-description',
      chunks: [{ ssrc: 7, items: [{ type: SdesItem.mid, text: 'a' }] }],
    }
    assert.deepEqual([...to.routeRtcp(description, 0)], ['a'])
    assert.equal(where(to, packet(7, 96)), 'a')
  })

  it('does not let a source description overrule what packets have said of themselves', () => {
    const to = router({ ...audio, payloadTypes: [96] }, video)
    where(to, packet(7, 96, { mid: 'v' }))
    to.routeRtcp({ type: 'source-description', chunks: [{ ssrc: 7, items: [{ type: SdesItem.mid, text: 'a' }] }] }, 0)
    assert.equal(where(to, packet(7, 96)), 'v')
  })

  it('forgets a stream some time after its goodbye, for the packets that are still on their way', () => {
    const to = router({ ...audio, payloadTypes: [96] }, video)
    where(to, packet(7, 96, { mid: 'a' }))
    assert.deepEqual([...to.routeRtcp({ type: 'bye', ssrcs: [7, 8], reason: undefined }, 1_000)], ['a'])
    assert.equal(where(to, packet(7, 96), 2_999), 'a')
    assert.equal(where(to, packet(7, 96), 3_000), 'unknown-stream')
  })
})

describe('a stream without header extensions', () => {
  it('is routed where none are in use', () => {
    const to = new RtpRouter({ extensionIds: {} })
    to.configure([audio, video], 0)
    assert.equal(where(to, packet(7, 96, { mid: 'a', rid: 'x' })), 'v')
    assert.equal(where(to, rtp({ payloadType: 111 })), 'a')
  })
})
