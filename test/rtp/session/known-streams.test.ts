import assert from 'node:assert/strict'
import { isRtcp, serializeRtp } from '../../../src/rtp/packet.ts'
import { serializeRtcp } from '../../../src/rtp/rtcp/compound.ts'
import { RemoteReception } from '../../../src/rtp/session/remote-reception.ts'
import type { SessionSection } from '../../../src/rtp/session/types.ts'
import { SessionPair } from './support/pair.ts'
import { packetOf, receivingVideo, sendingVideo, videoRtxSsrc, videoSsrc, vp8 } from './support/sections.ts'

/** Alice sends a packet each 20 ms. */
function begun(seed: number) {
  const pair = new SessionPair({ seed })
  const source = {}
  let sent = 0
  pair.a.session.configure([sendingVideo()], 0)
  pair.b.session.configure([receivingVideo()], 0)
  pair.ready()
  const talk = (milliseconds: number): void => {
    pair.run(milliseconds, 20, now => {
      pair.a.session.sendStream(videoSsrc)?.send(packetOf(1_000 + sent++, now * 90), source, now)
    })
  }
  const known = () => pair.b.session.knownStreams('v')
  const heard = () => pair.b.session.receiveStreams('v')
  return { pair, talk, known, heard }
}

function rtp(ssrc: number, sequenceNumber: number, payloadType = 96): Uint8Array {
  return serializeRtp({
    payloadType,
    sequenceNumber,
    timestamp: 1,
    ssrc,
    marker: true,
    csrcs: [],
    extension: undefined,
    payload: new Uint8Array(50),
    paddingLength: 0,
  })
}

function bye(ssrc: number): Uint8Array {
  return serializeRtcp([
    { type: 'receiver-report', ssrc, reports: [] },
    { type: 'bye', ssrcs: [ssrc], reason: '' },
  ])
}

describe('Streams that are known', () => {
  it('keep what they have counted while their section is on hold', () => {
    const { pair, talk, known, heard } = begun(1)
    talk(1_000)
    const [stream] = heard()
    const before = stream?.statistics.packetsReceived
    assert.ok(Number(before) > 40)
    pair.b.session.configure([{ ...receivingVideo(), receive: [] }], pair.now)
    assert.deepEqual([known(), heard()], [[stream], []])
    pair.b.session.requestKeyframe(videoSsrc, pair.now)
    pair.b.session.configure([receivingVideo()], pair.now)
    talk(1_000)
    assert.deepEqual([known(), heard()], [[stream], [stream]])
    assert.ok(Number(stream?.statistics.packetsReceived) >= 2 * Number(before) - 1)
  })

  it('are forgotten with their section', () => {
    const { pair, talk, known } = begun(2)
    talk(100)
    pair.b.session.configure([{ ...receivingVideo(), mid: 'w' }], pair.now)
    assert.deepEqual(known(), [])
  })

  it('are the same after another description that names them', () => {
    const described = (): SessionSection => ({
      ...receivingVideo(),
      extensions: [],
      describedStreams: [{ ssrc: videoSsrc, rtxSsrc: videoRtxSsrc }],
    })
    const pair = new SessionPair({ seed: 3 })
    const { session } = pair.b
    session.configure([described()], 0)
    session.receive(rtp(videoSsrc, 1), 0)
    const [stream] = session.knownStreams('v')
    session.configure([described()], 10)
    session.receive(rtp(videoSsrc, 2), 20)
    assert.deepEqual(session.knownStreams('v'), [stream])
    assert.equal(stream?.statistics.packetsReceived, 2)
  })

  it('stay after their BYE, until another stream takes their place', () => {
    const pair = new SessionPair({ seed: 4 })
    const { session } = pair.b
    session.configure([receivingVideo()], 0)
    session.receive(rtp(0x77, 1), 0)
    const [first] = session.knownStreams('v')
    session.receiveRtcp(bye(0x77), 10)
    assert.deepEqual([session.receiveStreams('v'), session.knownStreams('v')], [[], [first]])
    session.receive(rtp(0x78, 1), 20)
    assert.deepEqual(
      session.knownStreams('v').map(({ ssrc }) => ssrc),
      [0x78],
    )
  })

  it('count what comes in the stream of their retransmissions, also what came before it was known, and what repeats nothing', () => {
    const pair = new SessionPair({ seed: 5 })
    const { session } = pair.b
    session.configure([{ ...receivingVideo(), describedStreams: [{ ssrc: videoSsrc, rtxSsrc: videoRtxSsrc }] }], 0)
    const repair = rtp(videoRtxSsrc, 1, 97)
    session.receive(repair, 0)
    assert.deepEqual(session.knownStreams('v'), [])
    const media = rtp(videoSsrc, 1)
    session.receive(media, 10)
    const padding = rtp(videoRtxSsrc, 2, 97).subarray(0, 12)
    session.receive(padding, 20)
    const [stream] = session.knownStreams('v')
    assert.ok(stream)
    const { statistics, rtxSsrc } = stream
    assert.equal(rtxSsrc, videoRtxSsrc)
    assert.equal(statistics.packetsReceived, 3)
    assert.equal(
      statistics.bytesReceived + statistics.headerBytesReceived,
      repair.length + media.length + padding.length,
    )
    assert.deepEqual([statistics.bytesReceived, statistics.retransmittedPacketsReceived], [50, 0])
    assert.equal(statistics.lastPacketReceivedAt, 20)
  })
})

describe('What a stream that is sent has counted', () => {
  function collided(seed: number, ssrc: number) {
    const pair = new SessionPair({ seed })
    pair.a.session.configure([{ ...sendingVideo(), receive: [vp8] }], 0)
    pair.b.session.configure([receivingVideo()], 0)
    pair.ready()
    const stream = pair.a.session.sendStream(videoSsrc)
    assert.ok(stream)
    let dropped = 0
    pair.filter = (from, data) => from !== pair.a || isRtcp(data) || dropped++ !== 10
    const source = {}
    let sent = 0
    pair.run(1_000, 20, now => stream.send(packetOf(1_000 + sent++, now * 90), source, now))
    const before = stream.statistics
    assert.ok(before.retransmittedPacketsSent > 0 && before.nackCount > 0 && before.framesSent > 0)
    pair.a.session.receive(rtp(ssrc, 1), pair.now)
    return { before, after: stream.statistics }
  }

  it('is forgotten if the stream goes on under another SSRC', () => {
    const { remote, ...counts } = collided(91, videoSsrc).after
    assert.equal(remote, undefined)
    for (const [name, count] of Object.entries(counts)) assert.equal(count, 0, name)
  })

  it('stays if only its retransmissions do', () => {
    const { before, after } = collided(92, videoRtxSsrc)
    assert.deepEqual(after, before)
  })
})

describe('What a peer reports of a stream', () => {
  const block = (extendedHighestSequence: number, cumulativeLost: number, delaySinceLastSenderReport = 1) => ({
    ssrc: 1,
    fractionLost: 64,
    cumulativeLost,
    extendedHighestSequence,
    jitter: 900,
    lastSenderReport: 1,
    delaySinceLastSenderReport,
  })

  it('is counted from the first packet that was sent', () => {
    const reception = new RemoteReception()
    assert.equal(reception.statistics(), undefined)
    reception.sent(0x7ff0)
    reception.sent(0x7ff1)
    reception.receive(block(0x1_0010, 5), 90_000, 50, 1_000)
    const { packetsReceived, packetsLost, fractionLost, jitter, receivedAt } = reception.statistics() ?? {}
    assert.equal(packetsReceived, 0x1_0010 - 0x7ff0 + 1 - 5)
    assert.deepEqual([packetsLost, fractionLost, jitter, receivedAt], [5, 0.25, 0.01, 1_000])
  })

  it('is never less than nothing', () => {
    const reception = new RemoteReception()
    reception.sent(500)
    reception.receive(block(10, 100), 90_000, undefined, 0)
    assert.equal(reception.statistics()?.packetsReceived, 0)
  })

  it('has a round trip only if it tells of a delay', () => {
    const reception = new RemoteReception()
    reception.receive(block(10, 0, 0), 90_000, 50, 0)
    assert.deepEqual(
      [reception.statistics()?.roundTripTime, reception.statistics()?.roundTripTimeMeasurements],
      [undefined, 0],
    )
    reception.receive(block(10, 0, 1), 90_000, 50, 0)
    assert.deepEqual(
      [reception.statistics()?.roundTripTime, reception.statistics()?.roundTripTimeMeasurements],
      [0.05, 1],
    )
  })
})
