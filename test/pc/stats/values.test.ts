import assert from 'node:assert/strict'
import {
  all,
  listen,
  mediaCall,
  one,
  pictureSize,
  settle,
  Talker,
  type Tap,
  talk,
  type WireCount,
  within,
} from './media-call.ts'
import type { StatsEntry } from './stats-entry.ts'

/** What the wire has seen of a stream and of its retransmissions. */
function seen(counts: Tap['sent'], { ssrc, rtxSsrc }: StatsEntry): { packets: number; bytes: number } {
  const [media, repairs] = [ssrc, rtxSsrc].map(each => counts.get(Number(each)))
  return {
    packets: (media?.packets ?? 0) + (repairs?.packets ?? 0),
    bytes: (media?.bytes ?? 0) + (repairs?.bytes ?? 0),
  }
}

/** RFC 3550 §6.4.1: what was expected, less what has come; for numbers that do not wrap. */
function lost({ numbers, packets }: WireCount): number {
  return Math.max(...numbers) - Math.min(...numbers) + 1 - packets
}

/** Audio and video from alice to bob for some seconds, with loss, and what both then tell. */
async function lossyCall(seed: number) {
  const call = await mediaCall(seed, 0.05)
  const { sim, alice, bob } = call
  const talkers = { audio: new Talker('audio'), video: new Talker('video') }
  listen(bob)
  alice.addTrack(talkers.audio.track)
  alice.addTrack(talkers.video.track)
  await settle(sim, alice, bob)
  await talk(sim, 600, talkers.audio, talkers.video)
  // What is asked for arrives, and the reports about it.
  await sim.runFor(3_000)
  return { ...call, talkers, sender: await within(sim, alice.getStats()), receiver: await within(sim, bob.getStats()) }
}

describe('The statistics of a call with loss', () => {
  for (const kind of ['audio', 'video'] as const) {
    it(`count the ${kind} as the wire has seen it`, async () => {
      const { sender, receiver, aliceTap, bobTap, talkers, close } = await lossyCall(11)
      const [outbound, inbound] = [one(sender, 'outbound-rtp', kind), one(receiver, 'inbound-rtp', kind)]
      assert.equal(outbound.ssrc, inbound.ssrc)
      const [sent, received] = [seen(aliceTap.sent, outbound), seen(bobTap.received, outbound)]
      assert.ok(sent.packets > received.packets, 'some were lost')
      assert.equal(outbound.packetsSent, sent.packets)
      assert.equal(Number(outbound.bytesSent) + Number(outbound.headerBytesSent), sent.bytes)
      assert.equal(inbound.packetsReceived, received.packets)
      assert.equal(Number(inbound.bytesReceived) + Number(inbound.headerBytesReceived), received.bytes)
      const media = bobTap.received.get(Number(outbound.ssrc))
      assert.ok(media)
      assert.equal(inbound.packetsLost, lost(media))
      assert.ok(Number(outbound.retransmittedPacketsSent) > 0, 'some were repeated')
      assert.equal(outbound.framesSent, kind === 'video' ? talkers.video.frames : undefined)
      await close()
    })
  }

  it('count retransmissions on both sides, where they have streams of their own', async () => {
    const { sender, receiver, aliceTap, bobTap, close } = await lossyCall(12)
    const [outbound, inbound] = [one(sender, 'outbound-rtp', 'video'), one(receiver, 'inbound-rtp', 'video')]
    assert.equal(outbound.rtxSsrc, inbound.rtxSsrc)
    const rtx = Number(outbound.rtxSsrc)
    assert.equal(outbound.retransmittedPacketsSent, aliceTap.sent.get(rtx)?.packets)
    assert.equal(inbound.retransmittedPacketsReceived, bobTap.received.get(rtx)?.packets)
    assert.ok(Number(inbound.nackCount) >= Number(outbound.nackCount) && Number(outbound.nackCount) > 0)
    // Audio has none.
    assert.equal(one(receiver, 'inbound-rtp', 'audio').retransmittedPacketsReceived, undefined)
    await close()
  })

  it('tell what the peer reports, as of then', async () => {
    const { sim, alice, sender, receiver, close } = await lossyCall(13)
    for (const kind of ['audio', 'video'] as const) {
      const [outbound, inbound] = [one(sender, 'outbound-rtp', kind), one(receiver, 'inbound-rtp', kind)]
      const [theirs, ours] = [one(sender, 'remote-inbound-rtp', kind), one(receiver, 'remote-outbound-rtp', kind)]
      assert.deepEqual([outbound.remoteId, theirs.localId], [theirs.id, outbound.id])
      assert.deepEqual([inbound.remoteId, ours.localId], [ours.id, inbound.id])
      assert.deepEqual([theirs.ssrc, ours.ssrc], [outbound.ssrc, inbound.ssrc])
      // Nothing has been sent for three seconds: the last report is about all of it.
      assert.equal(theirs.packetsLost, inbound.packetsLost)
      const repeated = kind === 'video' ? Number(inbound.retransmittedPacketsReceived) : 0
      const media = Number(inbound.packetsReceived) - repeated
      assert.equal(theirs.packetsReceived, media)
      assert.ok(theirs.timestamp <= outbound.timestamp && theirs.timestamp > outbound.timestamp - 10_000)
      // 20 ms each way.
      for (const entry of [theirs]) {
        assert.ok(Math.abs(Number(entry.roundTripTime) - 0.04) < 0.005, `${entry.roundTripTime}`)
        const mean = Number(entry.totalRoundTripTime) / Number(entry.roundTripTimeMeasurements)
        assert.ok(Math.abs(mean - 0.04) < 0.01, `${mean}`)
      }
      assert.ok(Number(ours.reportsSent) > 3)
      assert.ok(Number(ours.packetsSent) <= Number(outbound.packetsSent))
      assert.ok(Math.abs(Number(ours.remoteTimestamp) + 20 - ours.timestamp) < 5)
    }
    // The time of a report stays what it was.
    const before = one(await within(sim, alice.getStats()), 'remote-inbound-rtp', 'audio')
    await sim.runFor(1)
    const after = one(await within(sim, alice.getStats()), 'remote-inbound-rtp', 'audio')
    assert.equal(after.timestamp, before.timestamp)
    await close()
  })

  it('tell the codec, the source and the track', async () => {
    const { alice, bob, talkers, sender, receiver, close } = await lossyCall(14)
    for (const [kind, mimeType, clockRate, channels] of [
      ['audio', 'audio/opus', 48_000, 2],
      ['video', 'video/VP8', 90_000, undefined],
    ] as const) {
      for (const [report, type] of [
        [sender, 'outbound-rtp'],
        [receiver, 'inbound-rtp'],
      ] as const) {
        const stream = one(report, type, kind)
        const codec = report.get(String(stream.codecId))
        assert.deepEqual([codec?.mimeType, codec?.clockRate, codec?.channels], [mimeType, clockRate, channels])
        assert.equal(codec?.transportId, stream.transportId)
        const transport = report.get(String(stream.transportId))
        assert.deepEqual([transport?.type, transport?.srtpCipher], ['transport', 'SRTP_AES128_CM_HMAC_SHA1_80'])
      }
      const outbound = one(sender, 'outbound-rtp', kind)
      assert.equal(outbound.active, true)
      assert.equal(sender.get(String(outbound.mediaSourceId))?.trackIdentifier, talkers[kind].track.id)
      const transceiver = bob.getTransceivers().find(each => each.receiver.track.kind === kind)
      const inbound = one(receiver, 'inbound-rtp', kind)
      assert.deepEqual([inbound.trackIdentifier, inbound.mid], [transceiver?.receiver.track.id, transceiver?.mid])
      assert.equal(inbound.mid, outbound.mid)
    }
    assert.equal(all(sender, 'codec').length, 2)
    assert.equal(alice.getSenders().length, 2)
    await close()
  })

  it('tell of the pair in use what went over it, and what it is good for', async () => {
    const { sender, receiver, close } = await lossyCall(15)
    for (const report of [sender, receiver]) {
      const transport = one(report, 'transport')
      const pairs = all(report, 'candidate-pair')
      const selected = pairs.find(({ id }) => id === transport.selectedCandidatePairId)
      assert.ok(selected)
      for (const member of ['bytesSent', 'bytesReceived', 'packetsSent', 'packetsReceived']) {
        const sum = pairs.reduce((total, pair) => total + Number(pair[member]), 0)
        // Connectivity checks that were sent again for a role conflict or a NAT are of no pair.
        assert.ok(Math.abs(sum - Number(transport[member])) <= 2, `${member}: ${sum}, ${transport[member]}`)
      }
      assert.equal(selected.bytesSent, transport.bytesSent)
      assert.ok(Math.abs(Number(selected.currentRoundTripTime) - 0.04) < 0.005)
    }
    const [pair] = all(sender, 'candidate-pair').filter(each => each.availableOutgoingBitrate !== undefined)
    assert.ok(Number(pair?.availableOutgoingBitrate) > 10_000)
    assert.equal(pair?.id, one(sender, 'transport').selectedCandidatePairId)
    await close()
  })
})

/** Audio and video for so many packets, without loss, and what both then tell. */
async function cleanCall(seed: number, packets: number) {
  const call = await mediaCall(seed)
  const { sim, alice, bob } = call
  const talkers = { audio: new Talker('audio'), video: new Talker('video') }
  listen(bob)
  const senders = { audio: alice.addTrack(talkers.audio.track), video: alice.addTrack(talkers.video.track) }
  await settle(sim, alice, bob)
  await talk(sim, packets, talkers.audio, talkers.video)
  await sim.runFor(100)
  return {
    ...call,
    talkers,
    senders,
    sender: await within(sim, alice.getStats()),
    receiver: await within(sim, bob.getStats()),
  }
}

describe('The statistics of media', () => {
  it('count the pictures at both ends, with their size and their pace', async () => {
    const { talkers, sender, receiver, close } = await cleanCall(51, 302)
    const { frames, keyframes } = talkers.video
    assert.deepEqual([frames, keyframes], [101, 5])
    const outbound = one(sender, 'outbound-rtp', 'video')
    assert.deepEqual(
      [outbound.framesEncoded, outbound.framesSent, outbound.keyFramesEncoded],
      [frames, frames, keyframes],
    )
    const source = one(sender, 'media-source', 'video')
    assert.equal(source.frames, frames)
    assert.deepEqual([source.width, source.height], [pictureSize.width, pictureSize.height])
    const inbound = one(receiver, 'inbound-rtp', 'video')
    assert.deepEqual([inbound.framesReceived, inbound.framesDecoded, inbound.framesRendered], [frames, frames, frames])
    assert.deepEqual([inbound.keyFramesDecoded, inbound.framesDropped, inbound.packetsDiscarded], [keyframes, 0, 0])
    assert.equal(inbound.framesAssembledFromMultiplePackets, frames)
    assert.equal(inbound.jitterBufferEmittedCount, frames)
    for (const entry of [outbound, inbound]) {
      assert.deepEqual([entry.frameWidth, entry.frameHeight], [pictureSize.width, pictureSize.height])
      // 20 ms a packet, three to a picture
      assert.ok(entry.framesPerSecond >= 15 && entry.framesPerSecond <= 17, `${entry.framesPerSecond}`)
    }
    assert.ok(Math.abs(inbound.totalAssemblyTime / frames - 0.04) < 0.002, `${inbound.totalAssemblyTime}`)
    assert.ok(Math.abs(inbound.totalInterFrameDelay - 0.06 * (frames - 1)) < 0.05, `${inbound.totalInterFrameDelay}`)
    assert.deepEqual([inbound.freezeCount, inbound.pauseCount], [0, 0])
    await close()
  })

  it('tell how long the audio is, and how loud', async () => {
    const { sender, receiver, close } = await cleanCall(52, 250)
    const [source, inbound] = [one(sender, 'media-source', 'audio'), one(receiver, 'inbound-rtp', 'audio')]
    assert.equal(inbound.totalSamplesReceived, 250 * 960)
    for (const entry of [source, inbound]) {
      assert.ok(Math.abs(entry.totalSamplesDuration - 5) < 1e-9)
      assert.deepEqual([entry.audioLevel, entry.totalAudioEnergy], [0, 0])
    }
    await close()
  })

  it('tell the time of what could be played last, by the clock of the sender', async () => {
    const { sim, receiver, close } = await cleanCall(53, 300)
    for (const kind of ['audio', 'video'] as const) {
      const { estimatedPlayoutTimestamp, timestamp } = one(receiver, 'inbound-rtp', kind)
      // Both have one clock here: it is what was sent 20 ms ago, for a picture with what it took to be whole.
      const late = timestamp - (estimatedPlayoutTimestamp - 2_208_988_800_000)
      assert.ok(late > 15 && late < 80, `${kind}: ${late}`)
    }
    assert.ok(sim.now > 0)
    await close()
  })

  it('tell what an encoder is given, and whether that is less than it might have', async () => {
    const { sim, alice, talkers, senders, sender, close } = await cleanCall(54, 100)
    const before = one(sender, 'outbound-rtp', 'video')
    assert.ok(before.targetBitrate > 10_000 && one(sender, 'outbound-rtp', 'audio').targetBitrate > 10_000)
    assert.equal(before.qualityLimitationReason, 'none')
    assert.ok(before.totalEncodedBytesTarget > 0)
    const parameters = senders.video.getParameters()
    const [encoding] = parameters.encodings
    assert.ok(encoding)
    encoding.maxBitrate = 1_000_000_000
    const set = senders.video.setParameters(parameters)
    await sim.runFor(10)
    await set
    await talk(sim, 100, talkers.video)
    const after = one(await within(sim, alice.getStats()), 'outbound-rtp', 'video')
    assert.equal(after.qualityLimitationReason, 'bandwidth')
    const { none, bandwidth, cpu, other } = after.qualityLimitationDurations
    assert.ok(Math.abs(bandwidth - 2) < 0.1 && none > 2, `${none}, ${bandwidth}`)
    assert.deepEqual([cpu, other, after.qualityLimitationResolutionChanges], [0, 0, 0])
    await close()
  })
})
