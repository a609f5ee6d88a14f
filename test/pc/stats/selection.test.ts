import assert from 'node:assert/strict'
import { RTCPeerConnection } from '../../../src/pc/rtc-peer-connection.ts'
import { withReferenced } from '../../../src/pc/stats/selection.ts'
import type { RTCStatsReport } from '../../../src/pc/stats.ts'
import { localTrack } from '../rtp/fakes.ts'
import { all, listen, mediaCall, one, settle, Talker, talk, within } from './media-call.ts'

function kinds(report: RTCStatsReport): string[] {
  return [...new Set([...report.values()].map(({ type }) => type))].sort()
}

async function talking(seed: number) {
  const call = await mediaCall(seed)
  const { sim, alice, bob } = call
  const audio = new Talker('audio')
  const video = new Talker('video')
  listen(bob)
  const senders = [alice.addTrack(audio.track), alice.addTrack(video.track)] as const
  await settle(sim, alice, bob)
  await talk(sim, 150, audio, video)
  await sim.runFor(2_000)
  return { ...call, audio, video, senders }
}

describe('The stats selection algorithm', () => {
  it('gives of a sender its streams, and what they refer to', async () => {
    const { sim, senders, close } = await talking(21)
    const report = await within(sim, senders[1].getStats())
    assert.equal(one(report, 'outbound-rtp').kind, 'video')
    assert.deepEqual(kinds(report), [
      'candidate-pair',
      'certificate',
      'codec',
      'local-candidate',
      'media-source',
      'outbound-rtp',
      'remote-candidate',
      'remote-inbound-rtp',
      'transport',
    ])
    assert.equal(one(report, 'codec').mimeType, 'video/VP8')
    await close()
  })

  it('gives of a receiver its streams, and what they refer to', async () => {
    const { sim, bob, close } = await talking(22)
    const receiver = bob.getReceivers().find(({ track }) => track.kind === 'audio')
    assert.ok(receiver)
    const report = await within(sim, receiver.getStats())
    assert.equal(one(report, 'inbound-rtp').kind, 'audio')
    assert.ok(kinds(report).includes('remote-outbound-rtp'))
    for (const type of ['outbound-rtp', 'media-source', 'peer-connection', 'data-channel']) {
      assert.ok(!kinds(report).includes(type), type)
    }
    await close()
  })

  it('gives of a track what its sender or receiver has, with the ids of the whole', async () => {
    const { sim, alice, bob, audio, senders, close } = await talking(23)
    const ids = (report: RTCStatsReport): string[] => [...report.keys()].sort()
    const [receiver] = bob.getReceivers()
    assert.ok(receiver)
    for (const [peer, track, object] of [
      [alice, audio.track, senders[0]],
      [bob, receiver.track, receiver],
    ] as const) {
      const report = await within(sim, peer.getStats(track))
      assert.deepEqual(ids(report), ids(await within(sim, object.getStats())))
      const whole = await within(sim, peer.getStats(null))
      for (const id of report.keys()) assert.ok(whole.has(id))
      assert.ok(whole.size > report.size)
    }
    await close()
  })

  it('refuses tracks that are not here, or here several times', async () => {
    const { alice, bob, audio, close } = await talking(24)
    const refused = { name: 'InvalidAccessError' }
    await assert.rejects(alice.getStats(localTrack('audio').track), refused)
    await assert.rejects(bob.getStats(audio.track), refused)
    alice.addTransceiver(audio.track)
    await assert.rejects(alice.getStats(audio.track), refused)
    await close()
    await assert.rejects(alice.getStats(audio.track), refused)
  })

  it('refuses what is no track by rejecting its promise', async () => {
    const peer = new RTCPeerConnection()
    for (const selector of ['a track', 1, {}, () => undefined]) {
      const given = peer.getStats(selector as unknown as null)
      await assert.rejects(given, TypeError)
    }
    assert.equal(one(await peer.getStats(undefined), 'peer-connection').dataChannelsOpened, 0)
    assert.equal(RTCPeerConnection.prototype.getStats.length, 0)
    peer.close()
  })

  it('gives nothing of senders and receivers that have no streams', async () => {
    const peer = new RTCPeerConnection()
    const { sender, receiver } = peer.addTransceiver('audio')
    for (const each of [sender, receiver]) assert.equal((await each.getStats()).size, 0)
    peer.close()
    for (const each of [sender, receiver]) assert.equal((await each.getStats()).size, 0)
    assert.deepEqual(all(await peer.getStats(), 'media-source'), [])
  })

  it('follows references in circles once', () => {
    const entries = [
      { id: 'a', type: 'x', otherId: 'b' },
      { id: 'b', type: 'x', backId: 'a', lostId: 'nowhere' },
      { id: 'c', type: 'x', otherId: 'a' },
    ]
    assert.deepEqual(withReferenced(entries.slice(0, 1), entries), entries.slice(0, 2))
  })
})
