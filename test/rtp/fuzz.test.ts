import assert from 'node:assert/strict'

import { ArrivalLog } from '../../src/rtp/arrival-log.ts'
import * as values from '../../src/rtp/extension-values.ts'
import { FeedbackTimeline } from '../../src/rtp/feedback-timeline.ts'
import { extensionElements, locateExtension, renameExtension } from '../../src/rtp/header-extensions.ts'
import { maxMissingPackets, NackTracker } from '../../src/rtp/nack.ts'
import { isRtcp, parseRtp, rtpHeaderLength, serializeRtp } from '../../src/rtp/packet.ts'
import { ReceptionStatistics } from '../../src/rtp/reception.ts'
import { maxLearnedSsrcs, RtpRouter } from '../../src/rtp/router.ts'
import { parseRtcp, serializeRtcp } from '../../src/rtp/rtcp/compound.ts'
import { maxFeedbackPackets } from '../../src/rtp/rtcp/transport-feedback.ts'
import type { RtcpPacket } from '../../src/rtp/rtcp/types.ts'
import { RtcpSchedule } from '../../src/rtp/rtcp-schedule.ts'
import { RtxSender, unwrapRtx } from '../../src/rtp/rtx.ts'
import { type Prng, prng } from '../support/prng.ts'
import { ascii, hex, withElements } from './support/packets.ts'

const readers: readonly ((data: Uint8Array) => unknown)[] = [
  values.readMid,
  values.readRtpStreamId,
  values.readAbsSendTime,
  values.readTransportSequence,
  values.readAudioLevel,
  values.readMixerAudioLevels,
  values.readAbsCaptureTime,
  values.readPlayoutDelay,
  values.readVideoOrientation,
  values.readTransmissionOffset,
]

/** A valid RTP packet: with CSRCs, either form of extensions, and padding, or without. */
function anyRtp(random: Prng): Uint8Array {
  const elements = Array.from({ length: random.next() % 4 }, (_, i) => ({
    id: i === 0 ? 1 : 1 + (random.next() % (random.next() % 2 ? 14 : 255)),
    data: i === 0 ? ascii(random.next() % 2 ? 'a' : 'v') : random.bytes(1 + (random.next() % 20)),
  }))
  return serializeRtp(
    withElements(elements, {
      payloadType: 96 + (random.next() % 4),
      sequenceNumber: random.next() & 0xffff,
      timestamp: random.next(),
      ssrc: random.next() % 1_000,
      csrcs: Array.from({ length: random.next() % 4 }, () => random.next()),
      payload: random.bytes(random.next() % 40),
      paddingLength: random.next() % 3 === 0 ? random.next() % 20 : 0,
    }),
  )
}

/** A valid RTCP packet of any kind. */
function anyRtcp(random: Prng): RtcpPacket {
  const small = (): number => random.next() % 5
  const ssrc = random.next() % 1_000
  const head = { senderSsrc: ssrc, mediaSsrc: random.next() % 1_000 }
  const reports = Array.from({ length: small() }, () => ({
    ssrc: random.next() % 1_000,
    fractionLost: random.next() & 0xff,
    cumulativeLost: (random.next() | 0) >> 8,
    extendedHighestSequence: random.next(),
    jitter: random.next(),
    lastSenderReport: random.next(),
    delaySinceLastSenderReport: random.next(),
  }))
  const entries = Array.from({ length: 1 + small() }, () => ({ ssrc: random.next(), bitrate: 1_000, overhead: 40 }))
  const makers: readonly (() => RtcpPacket)[] = [
    () => ({ type: 'sender-report', ssrc, ntpTime: 1n, rtpTimestamp: 1, packetCount: 1, octetCount: 1, reports }),
    () => ({ type: 'receiver-report', ssrc, reports }),
    () => ({
      type: 'source-description',
      chunks: Array.from({ length: small() }, () => ({
        ssrc: random.next() % 1_000,
        items: [{ type: random.next() % 2 ? 15 : 1, text: 'avav'.slice(small()) }],
      })),
    }),
    () => ({ type: 'bye', ssrcs: [ssrc], reason: random.next() % 2 ? 'x'.repeat(small()) : undefined }),
    () => ({ type: 'application-defined', subtype: 1, ssrc, name: 'test', data: random.bytes(4 * small()) }),
    () => ({
      type: 'nack',
      ...head,
      sequenceNumbers: Array.from({ length: 1 + small() }, () => random.next() & 0xffff),
    }),
    () => ({ type: 'tmmbr', ...head, entries }),
    () => ({ type: 'tmmbn', ...head, entries }),
    () => ({
      type: 'transport-feedback',
      ...head,
      feedbackCount: random.next() & 0xff,
      packets: Array.from({ length: 1 + (random.next() % 30) }, (_, i) => {
        const received = random.next() % 2 === 0
        return { sequenceNumber: i, received, receivedAt: received ? (random.next() % 4_000) / 4 : undefined }
      }),
    }),
    () => ({
      type: 'congestion-feedback',
      senderSsrc: ssrc,
      streams: [
        {
          ssrc,
          beginSequence: 65_535,
          packets: Array.from({ length: small() }, (_, i) => {
            const received = random.next() % 2 === 0
            const beforeReportMs =
              received && random.next() % 4 > 0 ? ((random.next() % 8_190) * 1_000) / 1_024 : undefined
            return { sequenceNumber: (65_535 + i) & 0xffff, received, ecn: 0, beforeReportMs }
          }),
        },
      ],
      reportTime: random.next(),
    }),
    () => ({ type: 'pli', ...head }),
    () => ({ type: 'sli', ...head, slices: [{ first: 1, count: 2, pictureId: 3 }] }),
    () => ({ type: 'fir', ...head, requests: [{ ssrc, sequenceNumber: 1 }] }),
    () => ({ type: 'remb', ...head, bitrate: random.next(), ssrcs: entries.map(entry => entry.ssrc) }),
    () => ({
      type: 'extended-report',
      ssrc,
      blocks: [
        { type: 'receiver-reference-time', ntpTime: 1n },
        { type: 'delay-since-last-reference-time', entries: [{ ssrc, lastReferenceTime: 1, delay: 1 }] },
      ],
    }),
  ]
  return makers[random.next() % makers.length]?.() ?? { type: 'pli', ...head }
}

/** Flips bits, overwrites bytes with telling values, cuts and extends. */
function mutate(random: Prng, data: Uint8Array): Uint8Array {
  let mutated = data.slice()
  const telling = [0, 1, 3, 4, 0x0f, 0x1f, 0x7f, 0x80, 0xfe, 0xff]
  for (let count = 1 + (random.next() % 3); count > 0; count--) {
    const at = random.next() % Math.max(mutated.length, 1)
    switch (random.next() % 6) {
      case 0:
        mutated = mutated.slice(0, at)
        break
      case 1:
        mutated = Uint8Array.of(...mutated, ...random.bytes(random.next() % 12))
        break
      case 2:
        if (at < mutated.length) mutated[at] = telling[random.next() % telling.length] ?? 0
        break
      default:
        if (at < mutated.length) mutated[at] = (mutated[at] ?? 0) ^ (1 << (random.next() & 7))
    }
  }
  return mutated
}

function router(): RtpRouter {
  const made = new RtpRouter({ extensionIds: { mid: 1, rtpStreamId: 2, repairedRtpStreamId: 3 } })
  made.configure(
    [
      { mid: 'a', payloadTypes: [96, 97], sendSsrcs: [1, 2, 3] },
      { mid: 'v', payloadTypes: [97, 98], sendSsrcs: [4, 5, 6] },
    ],
    0,
  )
  return made
}

describe('fifty thousand mutated RTP packets', () => {
  it('cause no exception and no growth in what takes them', () => {
    for (let seed = 0; seed < 50; seed++) {
      const random = prng(seed)
      const routes = router()
      const reception = new ReceptionStatistics({ ssrc: 1, clockRate: 90_000 })
      const nack = new NackTracker()
      const arrivals = new ArrivalLog({ senderSsrc: 1 })
      const rtx = new RtxSender({
        ssrc: 1,
        payloadTypes: new Map([[96, 97]]),
        firstSequenceNumber: 0,
        streamIds: { rtpStreamId: 2, repairedRtpStreamId: 3 },
      })
      try {
        for (let now = 0; now < 1_000; now++) {
          const data = mutate(random, anyRtp(random))
          const packet = parseRtp(data)
          const headerBytes = rtpHeaderLength(data)
          rtx.wrap(data)
          locateExtension(data, 5, 3)
          renameExtension(data.slice(), 1, 2)
          isRtcp(data)
          if ('drop' in packet) continue
          assert.ok(headerBytes >= 12 && headerBytes + packet.payload.length + packet.paddingLength === data.length)
          for (const element of extensionElements(packet.extension)) for (const read of readers) read(element.data)
          routes.route(packet, now)
          assert.ok(routes.size <= maxLearnedSsrcs)
          reception.receive(packet.sequenceNumber, packet.timestamp, now)
          reception.report(now)
          nack.receive(packet.sequenceNumber, now)
          assert.ok(nack.missing <= maxMissingPackets)
          if (now % 20 === 0) nack.due(now)
          unwrapRtx(packet, 1, 96)
          arrivals.receive(packet.sequenceNumber, now)
          assert.ok(arrivals.pending <= maxFeedbackPackets)
          if (now % 50 === 0) serializeRtcp(arrivals.take(2))
        }
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error })
      }
    }
  })

  it('that are read are written as they were, but for the fill of their padding', () => {
    const random = prng(99)
    let read = 0
    for (let i = 0; i < 5_000; i++) {
      const data = mutate(random, anyRtp(random))
      const packet = parseRtp(data)
      if ('drop' in packet) continue
      read++
      const { paddingLength } = packet
      if (paddingLength > 0) data.fill(0, data.length - paddingLength, data.length - 1)
      assert.equal(hex(serializeRtp(packet)), hex(data))
    }
    assert.ok(read > 1_000)
  })
})

describe('fifty thousand mutated RTCP compounds', () => {
  it('cause no exception and no growth in what takes them, and what is read can be written', () => {
    let packetsRead = 0
    for (let seed = 0; seed < 50; seed++) {
      const random = prng(seed)
      const routes = router()
      const timeline = new FeedbackTimeline()
      const schedule = new RtcpSchedule({ random: length => random.bytes(length), bandwidth: 50_000 }, 0)
      try {
        for (let now = 0; now < 1_000; now++) {
          const compound = Array.from({ length: 1 + (random.next() % 3) }, () => anyRtcp(random))
          const data = mutate(random, serializeRtcp(compound))
          const parsed = parseRtcp(data)
          schedule.counted(data.length)
          if ('drop' in parsed) continue
          for (const packet of parsed.packets) {
            packetsRead++
            routes.routeRtcp(packet, now)
            assert.ok(routes.size <= maxLearnedSsrcs)
            if (packet.type === 'transport-feedback') {
              assert.ok(packet.packets.length <= maxFeedbackPackets)
              timeline.receive(packet)
            }
            if ('ssrc' in packet) schedule.heard(packet.ssrc, false, now)
          }
          schedule.poll(now)
        }
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error })
      }
    }
    assert.ok(packetsRead > 20_000, `${packetsRead}`)
  })

  it('whose packets are read say the same when they are written and read again', () => {
    const random = prng(4)
    let same = 0
    for (let i = 0; i < 5_000; i++) {
      const parsed = parseRtcp(mutate(random, serializeRtcp([anyRtcp(random)])))
      if ('drop' in parsed || parsed.packets.length === 0) continue
      // Texts that are not UTF-8 cannot come back, and neither can NACKs in no order.
      const packets = parsed.packets.filter(({ type }) => !/description|bye|defined|nack/.test(type))
      if (packets.length === 0) continue
      const again = parseRtcp(serializeRtcp(packets))
      assert.ok('packets' in again && again.malformed === 0)
      assert.deepEqual(again.packets, packets, `packet ${i}`)
      same++
    }
    assert.ok(same > 1_000, `${same}`)
  })
})
