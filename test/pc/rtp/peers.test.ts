import assert from 'node:assert/strict'
import { sourceOf } from '../../../src/pc/media/media-stream-track.ts'
import type { RTCPeerConnection } from '../../../src/pc/rtc-peer-connection.ts'
import { createPair, negotiate } from '../../sim/peers.ts'
import type { Simulation } from '../../sim/virtual-environment.ts'
import { Collector, context, type FakeSource, localTrack, packet } from './fakes.ts'

/** Offers from one to the other, and waits until all is quiet. */
async function settle(sim: Simulation, offerer: RTCPeerConnection, answerer: RTCPeerConnection): Promise<void> {
  const negotiated = negotiate(offerer, answerer)
  await sim.runFor(2_000)
  await negotiated
}

/** Alice, who sends a track, and bob, who collects what comes. */
async function call(kind: 'audio' | 'video', seed: number) {
  const { sim, alice, bob } = createPair({ seed })
  await sim.runFor(2_000)
  const { source, track } = localTrack(kind)
  const collector = new Collector()
  bob.ontrack = event => void sourceOf(event.track).subscribe(collector)
  const sender = alice.addTrack(track)
  await settle(sim, alice, bob)
  const transceiver = bob.getTransceivers()[0]
  assert.ok(transceiver !== undefined)
  let sequenceNumber = 0
  /** Packets at 50 a second. */
  const talk = async (count: number, from: FakeSource = source): Promise<void> => {
    for (let i = 0; i < count; i++, sequenceNumber++) {
      const fields = { sequenceNumber, timestamp: sequenceNumber * 960, payload: Uint8Array.of(sequenceNumber & 0xff) }
      from.fanout.deliver(packet(fields), of, undefined)
      await sim.runFor(20)
    }
  }
  const of = context()
  const payloads = (): (number | undefined)[] => collector.packets.map(each => each.packet.payload[0])
  const close = async (): Promise<void> => {
    alice.close()
    bob.close()
    await sim.runFor(1_000)
  }
  return { sim, alice, bob, source, track, sender, transceiver, collector, talk, payloads, close }
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

describe('tracks between two connections', () => {
  it('arrive, from the first packet on, and unmute the track there', async () => {
    const { transceiver, talk, payloads, sender, alice, close } = await call('video', 1)
    const { receiver } = transceiver
    assert.equal(receiver.track.muted, true)
    await talk(20)
    assert.deepEqual(payloads(), range(0, 20))
    assert.equal(receiver.track.muted, false)
    const [source] = receiver.getSynchronizationSources()
    assert.equal(source?.source, Number(/a=ssrc:(\d+)/.exec(alice.localDescription?.sdp ?? '')?.[1]))
    const mimeTypes = sender.getParameters().codecs.map(({ mimeType }) => mimeType)
    assert.deepEqual(mimeTypes.slice(0, 2), ['video/VP8', 'video/rtx'])
    assert.equal(sender.transport, alice.getSenders()[0]?.transport)
    assert.equal(sender.transport?.state, 'connected')
    await close()
    assert.equal(receiver.track.readyState, 'ended')
  })

  it('bring keyframe requests back to their source', async () => {
    const { sim, source, transceiver, talk, close } = await call('video', 2)
    await talk(5)
    source.keyframeRequests.length = 0
    sourceOf(transceiver.receiver.track).requestKeyframe()
    await sim.runFor(1_000)
    assert.deepEqual(source.keyframeRequests, [undefined])
    await close()
  })

  it('are replaced without negotiation, and the numbers go on', async () => {
    const { sim, alice, sender, collector, talk, payloads, close } = await call('audio', 3)
    await talk(5)
    const next = localTrack('audio')
    const replaced = sender.replaceTrack(next.track)
    await sim.runFor(10)
    await replaced
    await talk(5)
    await talk(5, next.source)
    assert.deepEqual(payloads(), [...range(0, 5), ...range(10, 15)])
    const numbers = collector.packets.map(each => each.packet.sequenceNumber)
    assert.ok(
      numbers.every((each, i) => i === 0 || each === (((numbers[i - 1] as number) + 1) & 0xffff)),
      `${numbers}`,
    )
    assert.equal(alice.signalingState, 'stable')
    await close()
  })

  it('rest while their encoding is not active', async () => {
    const { sim, sender, talk, payloads, close } = await call('audio', 4)
    for (const active of [false, true]) {
      const parameters = sender.getParameters()
      for (const encoding of parameters.encodings) encoding.active = active
      const done = sender.setParameters(parameters)
      await sim.runFor(10)
      await done
      await talk(5)
    }
    assert.deepEqual(payloads(), range(5, 10))
    await close()
  })

  it('carry DTMF tones', async () => {
    const { sim, sender, collector, talk, close } = await call('audio', 5)
    await talk(5)
    const tones: string[] = []
    const { dtmf } = sender
    assert.ok(dtmf !== null)
    dtmf.ontonechange = ({ tone }) => tones.push(tone)
    dtmf.insertDTMF('12')
    await sim.runFor(1_000)
    assert.deepEqual(tones, ['1', '2', ''])
    const events = collector.packets.filter(each => each.context.codec?.mimeType === 'audio/telephone-event')
    assert.deepEqual([...new Set(events.map(each => each.packet.payload[0]))], [1, 2])
    dtmf.insertDTMF('345')
    await sim.runFor(10)
    await close()
    assert.deepEqual(tones, ['1', '2', '', '3'])
    assert.throws(() => dtmf.insertDTMF('1'), { name: 'InvalidStateError' })
  })

  it('end where their transceiver is stopped, on both sides', async () => {
    const { sim, alice, bob, track, transceiver, talk, payloads, close } = await call('audio', 6)
    await talk(5)
    alice.getTransceivers()[0]?.stop()
    await talk(5)
    assert.deepEqual(payloads(), range(0, 5))
    await settle(sim, alice, bob)
    assert.deepEqual(
      [transceiver.currentDirection, transceiver.receiver.track.readyState, track.readyState],
      ['stopped', 'ended', 'live'],
    )
    await close()
  })
})
