import assert from 'node:assert/strict'
import { createSystemEnvironment } from '../../../src/net/system-environment.ts'
import { RTCPeerConnection } from '../../../src/pc/rtc-peer-connection.ts'
import { all, listen, type MediaCall, mediaCall, one, settle, Talker, talk, within } from './media-call.ts'

async function videoCall(seed: number): Promise<MediaCall & { video: Talker }> {
  const call = await mediaCall(seed)
  const video = new Talker('video')
  listen(call.bob)
  call.alice.addTrack(video.track)
  await settle(call.sim, call.alice, call.bob)
  await talk(call.sim, 100, video)
  return { ...call, video }
}

/** What may only grow. */
const counters = ['packetsSent', 'bytesSent', 'packetsReceived', 'bytesReceived', 'framesSent', 'nackCount']

describe('The time of statistics', () => {
  it('goes on evenly when the clock of the host is set', async () => {
    const environment = createSystemEnvironment()
    let wallTime = Date.now()
    const clock = { now: () => environment.clock.now(), wallTime: () => wallTime }
    const peer = new RTCPeerConnection(undefined, { environment: { ...environment, clock } })
    const before = one(await peer.getStats(), 'peer-connection').timestamp
    assert.ok(Math.abs(before - wallTime) < 1_000)
    wallTime -= 3_600_000
    const after = one(await peer.getStats(), 'peer-connection').timestamp
    assert.ok(after >= before && after < before + 60_000)
    peer.close()
  })
})

describe('The lifetime of statistics', () => {
  it('is that of their objects: the ids stay, and counters only grow', async () => {
    const { sim, alice, bob, video, close } = await videoCall(31)
    const before = { alice: await within(sim, alice.getStats()), bob: await within(sim, bob.getStats()) }
    await talk(sim, 50, video)
    const after = { alice: await within(sim, alice.getStats()), bob: await within(sim, bob.getStats()) }
    for (const name of ['alice', 'bob'] as const) {
      for (const entry of before[name].values()) {
        const later = after[name].get(entry.id)
        assert.equal(later?.type, entry.type)
        assert.ok(Number(later?.timestamp) >= entry.timestamp)
        for (const counter of counters) assert.ok(!(Number(later?.[counter]) < Number(entry[counter])), counter)
      }
    }
    const [outbound, earlier] = [one(after.alice, 'outbound-rtp'), one(before.alice, 'outbound-rtp')]
    assert.ok(Number(outbound.packetsSent) > Number(earlier.packetsSent))
    await close()
  })

  it('does not let anyone predict the ids', async () => {
    const [first, second] = [await videoCall(32), await videoCall(33)]
    const ids = new Set<string>((await within(first.sim, first.alice.getStats())).keys())
    for (const id of (await within(second.sim, second.alice.getStats())).keys()) assert.ok(!ids.has(id), id)
    await first.close()
    await second.close()
  })

  it('goes on while a transceiver is on hold, with the counters that there were', async () => {
    const { sim, alice, bob, video, close } = await videoCall(34)
    const [transceiver] = alice.getTransceivers()
    assert.ok(transceiver)
    const before = { alice: await within(sim, alice.getStats()), bob: await within(sim, bob.getStats()) }
    transceiver.direction = 'inactive'
    await settle(sim, alice, bob)
    const held = {
      alice: one(await within(sim, alice.getStats()), 'outbound-rtp'),
      bob: one(await within(sim, bob.getStats()), 'inbound-rtp'),
    }
    assert.equal(held.alice.id, one(before.alice, 'outbound-rtp').id)
    assert.equal(held.alice.active, false)
    assert.equal(held.bob.id, one(before.bob, 'inbound-rtp').id)
    transceiver.direction = 'sendonly'
    await settle(sim, alice, bob)
    await talk(sim, 50, video)
    const after = {
      alice: one(await within(sim, alice.getStats()), 'outbound-rtp'),
      bob: one(await within(sim, bob.getStats()), 'inbound-rtp'),
    }
    assert.deepEqual([after.alice.id, after.bob.id], [held.alice.id, held.bob.id])
    assert.equal(Number(after.alice.packetsSent), Number(held.alice.packetsSent) + 50)
    assert.equal(Number(after.bob.packetsReceived), Number(held.bob.packetsReceived) + 50)
    assert.equal(after.bob.packetsLost, 0)
    await close()
  })

  it('ends with the transceiver', async () => {
    const { sim, alice, bob, close } = await videoCall(35)
    alice.getTransceivers()[0]?.stop()
    // webrtc-stats §8.1: not before the peer agrees
    assert.equal(one(await within(sim, alice.getStats()), 'outbound-rtp').active, false)
    await settle(sim, alice, bob)
    for (const end of [alice, bob]) {
      const report = await within(sim, end.getStats())
      const types = [
        'outbound-rtp',
        'inbound-rtp',
        'remote-inbound-rtp',
        'remote-outbound-rtp',
        'codec',
        'media-source',
      ]
      for (const type of types) assert.deepEqual(all(report, type), [], type)
      assert.equal(all(report, 'transport').length, 1)
    }
    await close()
  })

  it('begins anew for a track that was taken away and came back', async () => {
    const { sim, alice, video, close } = await videoCall(36)
    const [sender] = alice.getSenders()
    assert.ok(sender)
    const before = one(await within(sim, alice.getStats()), 'media-source')
    for (const track of [null, video.track]) {
      const replaced = sender.replaceTrack(track)
      await sim.runFor(10)
      await replaced
      const report = await within(sim, alice.getStats())
      assert.equal(all(report, 'media-source').length, track === null ? 0 : 1)
      assert.equal('mediaSourceId' in one(report, 'outbound-rtp'), track !== null)
    }
    const after = one(await within(sim, alice.getStats()), 'media-source')
    assert.equal(after.trackIdentifier, before.trackIdentifier)
    assert.notEqual(after.id, before.id)
    await close()
  })
})

describe('The statistics of a simulcast', () => {
  it('have a stream for each encoding, with its rid and place, and whether it is active', async () => {
    const { sim, alice, bob, close } = await mediaCall(41)
    const rids = ['h', 'm', 'l']
    const video = new Talker('video', rids)
    listen(bob)
    const sendEncodings = rids.map(rid => ({ rid, active: rid !== 'm' }))
    const { sender } = alice.addTransceiver(video.track, { direction: 'sendonly', sendEncodings })
    await settle(sim, alice, bob)
    await talk(sim, 60, video)
    const streams = all(await within(sim, sender.getStats()), 'outbound-rtp')
    assert.deepEqual(
      streams.map(({ rid, encodingIndex, active, packetsSent }) => [
        rid,
        encodingIndex,
        active,
        Number(packetsSent) > 0,
      ]),
      [
        ['h', 0, true, true],
        ['m', 1, false, false],
        ['l', 2, true, true],
      ],
    )
    assert.equal(new Set(streams.map(({ ssrc }) => ssrc)).size, 3)
    const received = all(await within(sim, bob.getStats()), 'inbound-rtp')
    assert.deepEqual(received.map(({ rid }) => rid).sort(), ['h', 'l'])
    for (const { ssrc, rid } of received) assert.equal(ssrc, streams.find(each => each.rid === rid)?.ssrc)
    await close()
  })
})
