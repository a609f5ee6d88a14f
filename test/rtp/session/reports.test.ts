import assert from 'node:assert/strict'
import { parseRtp, type RtpPacket } from '../../../src/rtp/packet.ts'
import { parseRtcp } from '../../../src/rtp/rtcp/compound.ts'
import type { RtcpPacket } from '../../../src/rtp/rtcp/types.ts'
import { type Peer, SessionPair } from './support/pair.ts'
import { audioSsrc, packetOf, receivingAudio, sendingAudio } from './support/sections.ts'

const wallTimeAtZero = 1_700_000_000_000

/** Five seconds of audio in packets of 20 ms, over a link with loss; the payload type is that of Opus. */
function audioRun(seed: number, loss: number): SessionPair {
  const pair = new SessionPair({ seed, aToB: { loss, reorder: loss }, wallTimeAtZero })
  pair.a.session.configure([sendingAudio()], 0)
  pair.b.session.configure([receivingAudio()], 0)
  pair.ready()
  const stream = pair.a.session.sendStream(audioSsrc)
  const source = {}
  let sent = 0
  pair.run(5_000, 20, now => {
    stream?.send(packetOf(65_500 + sent, 0xffff_0000 + sent * 960, { payloadType: 111 }), source, now)
    sent++
  })
  return pair
}

interface Timed<Type extends RtcpPacket['type']> {
  readonly at: number
  readonly packet: Extract<RtcpPacket, { type: Type }>
}

function rtcpOf<Type extends RtcpPacket['type']>(peer: Peer, type: Type): Timed<Type>[] {
  const found: Timed<Type>[] = []
  for (const { data, at } of peer.sentRtcp) {
    const compound = parseRtcp(data, { reducedSize: false })
    assert.ok('packets' in compound, 'every datagram is compound or of reduced size by choice')
    for (const packet of compound.packets) if (packet.type === type) found.push({ at, packet: packet as never })
  }
  return found
}

function rtpOf(peer: Peer): { at: number; packet: RtpPacket }[] {
  return peer.sent.flatMap(({ data, at }) => {
    const packet = parseRtp(data)
    return 'drop' in packet ? [] : [{ at, packet }]
  })
}

/** RFC 3550 §6.4.1, in real numbers. */
function jitterOf(pair: SessionPair, until: number): number {
  let jitter = 0
  let before: number | undefined
  for (const [i, { packet }] of pair.b.received.entries()) {
    const at = pair.b.receivedAt[i] as number
    if (at > until) break
    const transit = at * 48 - ((packet.timestamp - (pair.b.received[0]?.packet.timestamp ?? 0)) | 0)
    if (before !== undefined) jitter += (Math.abs(transit - before) - jitter) / 16
    before = transit
  }
  return jitter
}

describe('Sender reports', () => {
  it('count what has left, and relate its timestamps to the wall clock', () => {
    const pair = audioRun(31, 0)
    const reports = rtcpOf(pair.a, 'sender-report')
    const packets = rtpOf(pair.a)
    assert.ok(reports.length >= 3)
    for (const { at, packet } of reports) {
      const before = packets.filter(sent => sent.at <= at)
      assert.ok(packet.packetCount >= before.length - 1 && packet.packetCount <= before.length)
      assert.equal(packet.octetCount, packet.packetCount * 200)
      // Seconds since 1900 in the upper half, binary fractions in the lower.
      const ntpMs =
        (Number(packet.ntpTime >> 32n) - 2_208_988_800) * 1_000 +
        (Number(packet.ntpTime & 0xffff_ffffn) / 2 ** 32) * 1_000
      assert.ok(Math.abs(ntpMs - (wallTimeAtZero + at)) < 0.01)
      const last = before.at(-1)
      assert.ok(last)
      const ahead = (packet.rtpTimestamp - last.packet.timestamp) | 0
      assert.ok(Math.abs(ahead - (at - last.at) * 48) <= 960, `${ahead} units after ${at - last.at} ms`)
    }
  })

  it('are not made for streams that have never sent', () => {
    const pair = new SessionPair({ seed: 32 })
    pair.a.session.configure([sendingAudio()], 0)
    pair.b.session.configure([receivingAudio()], 0)
    pair.ready()
    pair.run(3_000)
    assert.equal(rtcpOf(pair.a, 'sender-report').length, 0)
    assert.ok(rtcpOf(pair.a, 'receiver-report').length > 1)
  })

  it('end two reports after the last packet', () => {
    const pair = audioRun(33, 0)
    const count = rtcpOf(pair.a, 'sender-report').length
    pair.run(10_000)
    const after = rtcpOf(pair.a, 'sender-report').length - count
    assert.ok(after >= 1 && after <= 2, `${after} more`)
  })

  it('come with the canonical name, and with the MID until the stream is known', () => {
    const pair = audioRun(34, 0)
    const chunks = rtcpOf(pair.a, 'source-description').flatMap(({ packet }) => packet.chunks)
    assert.ok(chunks.every(({ items }) => items[0]?.type === 1 && items[0].text === 'a@example'))
    assert.deepEqual(chunks.at(-1)?.items.length, 1)
  })
})

describe('Receiver reports', () => {
  it('tell loss and jitter as computed from the packets that arrived', () => {
    const pair = audioRun(35, 0.1)
    const last = rtcpOf(pair.b, 'receiver-report')
      .filter(({ packet }) => packet.reports.length > 0)
      .at(-1)
    const block = last?.packet.reports[0]
    assert.ok(last && block)
    const arrived = pair.b.received.map(({ packet }) => packet.sequenceNumber)
    const first = rtpOf(pair.a)[0]?.packet.sequenceNumber ?? 0
    const unwrapped = arrived.map(sequence => (sequence - first) & 0xffff)
    // Only packets from before the report count; the link takes at least 20 ms.
    const highest = (block.extendedHighestSequence - (first + 0)) & 0xffff
    const expected = highest - Math.min(...unwrapped) + 1
    const received = unwrapped.filter(place => place <= highest).length
    assert.ok(
      Math.abs(block.cumulativeLost - (expected - received)) <= 2,
      `${block.cumulativeLost}, ${expected - received}`,
    )
    assert.ok(block.cumulativeLost > 10)
    const jitter = jitterOf(pair, last.at)
    assert.ok(jitter > 10 && Math.abs(block.jitter - jitter) < 3, `${block.jitter}, ${jitter}`)
  })

  it('let the sender compute the round trip', () => {
    const pair = audioRun(36, 0)
    const remote = pair.a.session.sendStream(audioSsrc)?.statistics.remote
    assert.ok(remote?.roundTripTime !== undefined)
    assert.ok(Math.abs(remote.roundTripTime - 0.04) < 0.001, `${remote.roundTripTime} s`)
    assert.ok(Math.abs(remote.totalRoundTripTime / remote.roundTripTimeMeasurements - 0.04) < 0.001)
    assert.equal(remote.packetsLost, 0)
  })

  it('come with a reference time, so that who only receives learns the round trip too', () => {
    const pair = audioRun(37, 0)
    const { roundTripTime } = pair.b.session.statistics
    assert.ok(roundTripTime !== undefined && Math.abs(roundTripTime - 0.04) < 0.001)
    const remote = pair.b.session.receiveStreams('a')[0]?.statistics.remote
    assert.ok(remote && remote.roundTripTimeMeasurements > 0)
    assert.ok(remote.packetsSent > 200)
    assert.ok(remote.reportsSent >= 3)
    assert.ok(Math.abs(remote.remoteTimestamp - (wallTimeAtZero + remote.receivedAt - 20)) < 1)
  })
})

describe('The times of RTCP', () => {
  it('give a report about every second, and no more', () => {
    const pair = audioRun(38, 0)
    for (const peer of [pair.a, pair.b]) assert.ok(peer.sentRtcp.length >= 3 && peer.sentRtcp.length <= 12)
    assert.ok(pair.wakeups < 3_000, `${pair.wakeups} wakeups in five seconds`)
  })

  it('are silent without keys or sections', () => {
    const pair = new SessionPair({ seed: 39 })
    assert.equal(pair.a.session.pollTimeout(), undefined)
    pair.a.session.configure([sendingAudio()], 0)
    assert.equal(pair.a.session.pollTimeout(), undefined)
    pair.a.session.ready(16, 20, 0)
    assert.ok(pair.a.session.pollTimeout() !== undefined)
    pair.a.session.configure([], 0)
    assert.equal(pair.a.session.pollTimeout(), undefined)
  })
})
