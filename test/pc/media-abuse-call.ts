import assert from 'node:assert/strict'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { DtlsConnection } from '../../src/dtls/connection.ts'
import { RtpTrackSink } from '../../src/pc/media/rtp-track-sink.ts'
import { RtpTrackSource } from '../../src/pc/media/rtp-track-source.ts'
import { connectionOf, type RTCPeerConnection } from '../../src/pc/rtc-peer-connection.ts'
import { serializeRtp } from '../../src/rtp/packet.ts'
import { SrtpProfileId, SrtpSession } from '../../src/srtp/index.ts'
import { maxStreams } from '../../src/srtp/streams.ts'
import { createPair, negotiate } from '../sim/peers.ts'
import type { Simulation } from '../sim/virtual-environment.ts'
import { prng } from '../support/prng.ts'
import { FakeRtpSession, rtpFields } from './fake-rtp-session.ts'
import { settled } from './negotiation/media-pair.ts'

/** Alice sends whatever she is told to, protected as it has to be; bob is a connection like any other, and sends video too. */
export interface AbusedCall {
  readonly sim: Simulation
  readonly bob: RTCPeerConnection
  /** The packets of the video that bob has received. */
  readonly received: () => number
  /** Bob's own video. */
  readonly source: RtpTrackSource
  /** Keyframes that bob's source was asked for. */
  readonly keyframeRequests: () => number
  /** A packet of bob's video. */
  readonly talk: () => void
  /** What has come from bob, without its protection. */
  readonly fromBob: { readonly rtp: readonly Uint8Array[]; readonly rtcp: readonly Uint8Array[] }
  /** The SSRC of bob's video. */
  readonly bobSsrc: number
  /** Packets that the SRTP of alice protects: those that are none do not leave. */
  readonly send: (kind: 'rtp' | 'rtcp', packets: readonly Uint8Array[]) => Promise<void>
  /** Packets that are protected with the keys of alice, of any number of SSRCs: her own SRTP would refuse to send these. */
  readonly flood: (packets: readonly Uint8Array[]) => Promise<void>
  /** Datagrams that come from the address of alice, as they are. */
  readonly inject: (packets: readonly Uint8Array[]) => Promise<void>
  /** Bob's drops, by reason, as his statistics have them. */
  readonly drops: () => Promise<Readonly<Record<string, number>>>
  /** Alice sends a packet of the video that was negotiated; bob has to get it. */
  readonly assertAlive: () => Promise<void>
  readonly close: () => Promise<void>
}

export async function abusedCall(seed: number): Promise<AbusedCall> {
  const keys = new KeyCapture()
  try {
    return await connectedCall(seed, keys)
  } finally {
    keys.release()
  }
}

async function connectedCall(seed: number, keys: KeyCapture): Promise<AbusedCall> {
  const { sim, alice, bob } = createPair({ seed })
  const bytes = prng(seed)
  const environment = { clock: sim.time, timers: sim.time, random: (length: number) => bytes.bytes(length) }
  const [theirs, source] = [new RtpTrackSource('video', { environment }), new RtpTrackSource('video', { environment })]
  const transceiver = alice.addTransceiver(theirs.track)
  let packets = 0
  bob.ontrack = ({ track, transceiver: { sender } }) => {
    new RtpTrackSink(track).onpacket = () => packets++
    void sender.replaceTrack(source.track)
    for (const each of bob.getTransceivers()) each.direction = 'sendrecv'
  }
  await sim.runFor(2_000)
  const negotiated = negotiate(alice, bob)
  await sim.runFor(2_000)
  await negotiated
  assert.equal(transceiver.currentDirection, 'sendrecv', `seed ${seed}`)
  let keyframeRequests = 0
  source.onkeyframerequest = () => keyframeRequests++
  const [place] = connectionOf(alice).negotiator.transports.all
  const driver = place?.components[0]?.driver
  const bobsPlace = connectionOf(bob).negotiator.transports.all[0]?.components[0]
  assert.ok(driver && bobsPlace)
  const hostile = new FakeRtpSession()
  driver.attachRtp(hostile, hostile)
  const send: AbusedCall['send'] = async (kind, all) => {
    for (const data of all) hostile.transmits.push({ kind, data, length: data.length, protection: 'copy' })
    driver.schedule()
    await sim.runFor(20 + all.length / 10)
    assert.equal(hostile.transmits.length, 0, `seed ${seed}: not sent`)
  }
  const { selectedPair } = driver.ice
  assert.ok(selectedPair)
  const [from, to] = [selectedPair.local.address, selectedPair.remote.address]
  const [, ssrc = 0] = (/a=ssrc:(\d+)/.exec(alice.localDescription?.sdp ?? '') ?? []).map(Number)
  const [, bobSsrc = 0] = (/a=ssrc:(\d+)/.exec(bob.localDescription?.sdp ?? '') ?? []).map(Number)
  const inject = async (all: readonly Uint8Array[]): Promise<void> => {
    for (const data of all) sim.network.inject(data, from, to)
    await sim.runFor(20)
  }
  let sequenceNumber = 0
  let ownNumber = 0
  return {
    sim,
    bob,
    source,
    bobSsrc,
    received: () => packets,
    keyframeRequests: () => keyframeRequests,
    talk: () => void source.write(serializeRtp(rtpFields(ownNumber++ & 0xffff))),
    fromBob: { rtp: hostile.packets, rtcp: hostile.rtcp },
    send,
    flood: all => inject(all.map(data => keys.protect(data))),
    inject,
    drops: () => dropsOf(sim, bob),
    assertAlive: async () => {
      const before = packets
      await send('rtp', [serializeRtp(rtpFields(sequenceNumber++ & 0xffff, ssrc))])
      assert.equal(packets, before + 1, `seed ${seed}: not alive`)
      assert.equal(bob.connectionState, 'connected', `seed ${seed}`)
    },
    close: async () => {
      alice.close()
      bob.close()
      theirs.close()
      source.close()
      await sim.runFor(1_000)
    },
  }
}

/** What the statistics of a connection say of packets that were refused. */
export async function dropsOf(sim: Simulation, peer: RTCPeerConnection): Promise<Readonly<Record<string, number>>> {
  const all: Record<string, number> = {}
  for (const { type, packetsDropped } of (await settled(sim, peer.getStats())).values()) {
    if (type !== 'transport') continue
    for (const [reason, count] of Object.entries(packetsDropped as Record<string, number>)) {
      all[reason] = (all[reason] ?? 0) + count
    }
  }
  return all
}

/** Drops since `before`. */
export function more(
  after: Readonly<Record<string, number>>,
  before: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const entries = Object.entries(after).map(([reason, count]) => [reason, count - (before[reason] ?? 0)] as const)
  return Object.fromEntries(entries.filter(([, count]) => count > 0))
}

let collect: (() => void) | undefined

/** Bytes of the heap that are in use, after the garbage was collected. */
export function heapUsed(): number {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc')
    collect = runInNewContext('gc') as () => void
  }
  collect()
  const { heapUsed: onHeap, arrayBuffers } = process.memoryUsage()
  return onHeap + arrayBuffers
}

/** What the DTLS of a call exports for SRTP while this listens. Both ends get the same; alice, who offers, is the server. */
class KeyCapture {
  readonly #export = DtlsConnection.prototype.exportKeyingMaterial
  #keyingMaterial = new Uint8Array(0)
  #session: SrtpSession | undefined
  #protected = 0

  constructor() {
    const [capture, original] = [this, this.#export]
    DtlsConnection.prototype.exportKeyingMaterial = function (...args) {
      const material = original.apply(this, args)
      capture.#keyingMaterial = Uint8Array.from(material)
      return material
    }
  }

  release(): void {
    DtlsConnection.prototype.exportKeyingMaterial = this.#export
  }

  /** With a session that does not know of the SSRCs before, again and again. */
  protect(data: Uint8Array): Uint8Array {
    if (this.#protected++ % (maxStreams / 2) === 0) this.#session = undefined
    this.#session ??= new SrtpSession({
      profile: SrtpProfileId.aes128CmSha1_80,
      keyingMaterial: this.#keyingMaterial,
      role: 'server',
    })
    const packet = this.#session.protect(data)
    if ('drop' in packet) throw new Error(`not protected: ${packet.drop}`)
    return packet
  }
}
