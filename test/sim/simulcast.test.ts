import assert from 'node:assert/strict'
import { RtpTrackSink } from '../../src/pc/media/rtp-track-sink.ts'
import { RtpTrackSource } from '../../src/pc/media/rtp-track-source.ts'
import { serializeRtp } from '../../src/rtp/packet.ts'
import { rtpFields } from '../pc/fake-rtp-session.ts'
import { settled } from '../pc/negotiation/media-pair.ts'
import { prng } from '../support/prng.ts'
import { createPair, negotiate } from './peers.ts'

const rids = ['q', 'h', 'f'] as const
type Rid = (typeof rids)[number]

/** Alice, who sends a simulcast, and bob, who counts what comes of each encoding. */
async function simulcast(seed: number, loss: number) {
  const { sim, alice, bob } = createPair({ seed })
  const bytes = prng(seed)
  const environment = { clock: sim.time, timers: sim.time, random: (length: number) => bytes.bytes(length) }
  const source = new RtpTrackSource('video', { environment })
  const asked: (string | null)[] = []
  source.onkeyframerequest = ({ rid }) => asked.push(rid)
  const { sender } = alice.addTransceiver(source.track, {
    direction: 'sendonly',
    sendEncodings: rids.map(rid => ({ rid })),
  })
  /** The first byte of each payload says which packet it is. */
  const got: Record<string, number[]> = { q: [], h: [], f: [] }
  let sink: RtpTrackSink | undefined
  bob.ontrack = ({ track }) => {
    sink = new RtpTrackSink(track)
    sink.onpacket = ({ rid, packet, isPadding }) => {
      if (!isPadding) got[rid ?? 'none']?.push(packet.payload[0] ?? -1)
    }
  }
  await sim.runFor(2_000)
  const negotiated = negotiate(alice, bob)
  await sim.runFor(2_000)
  await negotiated
  assert.match(bob.localDescription?.sdp ?? '', /a=simulcast:recv q;h;f/)
  assert.ok(sink)
  if (loss > 0) sim.network.setConditions({ loss })
  let number = 0
  /** Packets at 50 a second, one of each encoding, of sources of their own. */
  const talk = async (count: number): Promise<void> => {
    for (const end = number + count; number < end; number++) {
      for (const [index, rid] of rids.entries()) {
        const payload = Uint8Array.of(number & 0xff, index)
        source.write(serializeRtp({ ...rtpFields(number, index + 1), payload }), { rid })
      }
      await sim.runFor(20)
    }
  }
  const close = async (): Promise<void> => {
    for (const each of [alice, bob, source]) each.close()
    await sim.runFor(1_000)
  }
  return { sim, bob, sender, sink, asked, got: (rid: Rid) => got[rid] ?? [], talk, close }
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

describe('A simulcast between two connections', () => {
  it('arrives by RID, each encoding whole and apart from the others', async () => {
    const { sim, bob, got, talk, close } = await simulcast(31, 0)
    await talk(50)
    for (const rid of rids) assert.deepEqual(got(rid), range(0, 50), rid)
    const inbound = [...(await settled(sim, bob.getStats())).values()].filter(({ type }) => type === 'inbound-rtp')
    assert.deepEqual(new Set(inbound.map(({ rid }) => rid)), new Set(rids))
    await close()
  })

  it('rests where an encoding is not active, and goes on from there', async () => {
    const { sim, sender, got, talk, close } = await simulcast(32, 0)
    await talk(10)
    const activate = async (active: boolean): Promise<void> => {
      const parameters = sender.getParameters()
      for (const encoding of parameters.encodings) if (encoding.rid === 'h') encoding.active = active
      const done = sender.setParameters(parameters)
      await sim.runFor(10)
      await done
    }
    await activate(false)
    await talk(10)
    await activate(true)
    await talk(10)
    assert.deepEqual(got('h'), [...range(0, 10), ...range(20, 30)])
    for (const rid of ['q', 'f'] as const) assert.deepEqual(got(rid), range(0, 30), rid)
    await close()
  })

  it('brings the keyframe requests of each encoding to that one alone', async () => {
    const { sim, sink, asked, talk, close } = await simulcast(33, 0)
    await talk(10)
    asked.length = 0
    for (const rid of rids) {
      sink.requestKeyframe(rid)
      await sim.runFor(1_000)
    }
    assert.deepEqual(asked, [...rids])
    await close()
  })

  it('is repaired where packets are lost, each encoding by its own retransmissions', async () => {
    const seed = 34
    const { sim, bob, got, talk, close } = await simulcast(seed, 0.1)
    await talk(200)
    sim.network.setConditions({ loss: 0 })
    await talk(20)
    await sim.runFor(1_000)
    for (const rid of rids)
      assert.deepEqual(
        [...got(rid)].sort((a, b) => a - b),
        range(0, 220),
        `seed ${seed}: ${rid}`,
      )
    const inbound = [...(await settled(sim, bob.getStats())).values()].filter(({ type }) => type === 'inbound-rtp')
    for (const { rid, retransmittedPacketsReceived } of inbound) {
      assert.ok(Number(retransmittedPacketsReceived) > 5, `seed ${seed}: ${rid}: ${retransmittedPacketsReceived}`)
    }
    await close()
  })
})
