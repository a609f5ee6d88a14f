import assert from 'node:assert/strict'
import type { Environment, UdpSocket } from '../../../src/base/environment.ts'
import { type MediaStreamTrack, sourceOf } from '../../../src/pc/media/media-stream-track.ts'
import type { MediaKind, StreamContext } from '../../../src/pc/media/track-signal.ts'
import type { RTCPeerConnection } from '../../../src/pc/rtc-peer-connection.ts'
import type { RTCStatsReport } from '../../../src/pc/stats.ts'
import { opusSilencePacket } from '../../../src/testing/opus-silence.ts'
import { connectPair, negotiate } from '../../sim/peers.ts'
import { Simulation } from '../../sim/virtual-environment.ts'
import { lossy } from '../../support/lossy-environment.ts'
import { Collector, context, type FakeSource, localTrack, packet } from '../rtp/fakes.ts'
import type { StatsEntry } from './stats-entry.ts'

/** What was seen of an SSRC on the wire: RTP packets, and their bytes without the tag of SRTP. */
export interface WireCount {
  packets: number
  bytes: number
  readonly numbers: number[]
}

export interface Tap {
  readonly environment: Environment
  readonly sent: Map<number, WireCount>
  readonly received: Map<number, WireCount>
}

/** RFC 3711 §5.2: of the profile that both ends prefer. */
const tagBytes = 10

/** Reads the headers of SRTP, which are in the clear, at the sockets of a peer. */
export function tap(environment: Environment): Tap {
  const { network } = environment
  const sent = new Map<number, WireCount>()
  const received = new Map<number, WireCount>()
  const bindUdp: Environment['network']['bindUdp'] = async (address, port, receive) => {
    const socket: UdpSocket = await network.bindUdp(address, port, (data, from, at) => {
      note(received, data, true)
      receive(data, from, at)
    })
    const { send } = socket
    socket.send = (data, to) => {
      note(sent, data)
      send.call(socket, data, to)
    }
    return socket
  }
  return { sent, received, environment: { ...environment, network: { ...network, bindUdp } } }
}

/** @param once RFC 3711 §3.3.2: the same packet counts once, as SRTP does not let it in again */
function note(counts: Map<number, WireCount>, data: Uint8Array, once = false): void {
  const [first = 0, second = 0] = data
  // RFC 7983, RFC 5761 §4
  if (first < 128 || first > 191 || (second >= 192 && second <= 223)) return
  const view = new DataView(data.buffer, data.byteOffset, data.length)
  const ssrc = view.getUint32(8)
  const count = counts.get(ssrc) ?? { packets: 0, bytes: 0, numbers: [] }
  counts.set(ssrc, count)
  if (once && count.numbers.includes(view.getUint16(2))) return
  count.packets++
  count.bytes += data.length - tagBytes
  count.numbers.push(view.getUint16(2))
}

export interface MediaCall {
  readonly sim: Simulation
  readonly alice: RTCPeerConnection
  readonly bob: RTCPeerConnection
  readonly aliceTap: Tap
  readonly bobTap: Tap
  close(): Promise<void>
}

/** Two peers that are connected, with media packets lost in both directions. */
export async function mediaCall(seed: number, loss = 0): Promise<MediaCall> {
  const sim = new Simulation(seed)
  sim.network.setConditions({ delayMs: 20 })
  const host = (name: string, address: string, own: number) =>
    tap(lossy(sim.host(name, [address]), { fraction: loss, seed: own }).environment)
  const aliceTap = host('alice', '192.0.2.1', seed)
  const bobTap = host('bob', '192.0.2.2', 0)
  const { alice, bob } = connectPair(sim, { environments: [aliceTap.environment, bobTap.environment] })
  await sim.runFor(2_000)
  const close = async (): Promise<void> => {
    alice.close()
    bob.close()
    await sim.runFor(1_000)
  }
  return { sim, alice, bob, aliceTap, bobTap, close }
}

export async function settle(sim: Simulation, offerer: RTCPeerConnection, answerer: RTCPeerConnection): Promise<void> {
  const negotiated = negotiate(offerer, answerer)
  await sim.runFor(2_000)
  await negotiated
}

const firstSequence = 1_000

/** A track whose packets a test gives, 50 a second; of video, three to a frame. */
export class Talker {
  readonly track: MediaStreamTrack
  readonly #source: FakeSource
  readonly #kind: MediaKind
  readonly #rids: readonly (string | undefined)[]
  readonly #contexts: readonly StreamContext[]
  #sequenceNumber = firstSequence
  frames = 0

  constructor(kind: MediaKind, rids: readonly (string | undefined)[] = [undefined]) {
    const { source, track } = localTrack(kind)
    this.track = track
    this.#source = source
    this.#kind = kind
    this.#rids = rids
    this.#contexts = rids.map(rid => context({ rid }))
  }

  /** Of the keyframes among them. */
  get keyframes(): number {
    return Math.ceil(this.frames / keyframeInterval)
  }

  say(): void {
    const sequenceNumber = this.#sequenceNumber++
    const isVideo = this.#kind === 'video'
    const marker = isVideo && sequenceNumber % 3 === 2
    if (marker) this.frames++
    const timestamp = isVideo ? Math.floor((sequenceNumber - firstSequence + 1) / 3) * 5_400 : sequenceNumber * 960
    for (const index of this.#rids.keys()) {
      const payload = new Uint8Array(100 + ((sequenceNumber * 7) % 300)).fill(sequenceNumber & 0xff)
      payload.set(isVideo ? this.#pictureHeader(sequenceNumber) : opusSilencePacket())
      const of = this.#contexts[index]
      assert.ok(of)
      this.#source.fanout.deliver(packet({ sequenceNumber, timestamp, marker, payload }), of, undefined)
    }
  }

  #pictureHeader(sequenceNumber: number): readonly number[] {
    const starts = sequenceNumber % 3 === 0 || sequenceNumber === firstSequence
    const frame = Math.floor((sequenceNumber - firstSequence + 1) / 3)
    return vp8Header(starts, frame % keyframeInterval === 0)
  }
}

/** Frames of video between keyframes. */
export const keyframeInterval = 25
export const pictureSize = { width: 320, height: 180 } as const

/** RFC 7741 §4.2: S on the first packet of a frame alone; RFC 6386 §9.1: a keyframe has a start code and its size. */
function vp8Header(starts: boolean, keyframe: boolean): readonly number[] {
  if (!starts) return [0x00]
  const { width, height } = pictureSize
  const size = [width & 0xff, width >> 8, height & 0xff, height >> 8]
  return keyframe ? [0x10, 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, ...size] : [0x10, 0x11, 0x02, 0x00]
}

export async function talk(sim: Simulation, count: number, ...talkers: readonly Talker[]): Promise<void> {
  for (let i = 0; i < count; i++) {
    for (const talker of talkers) talker.say()
    await sim.runFor(20)
  }
}

/** What is asked for comes in a task: this lets it, in no time. */
export async function within<T>(sim: Simulation, asked: Promise<T>): Promise<T> {
  await sim.runFor(0)
  return asked
}

/** Somebody listens to whatever comes: what nobody wants need not be asked for again. */
export function listen(peer: RTCPeerConnection): Collector {
  const collector = new Collector()
  peer.addEventListener('track', ({ track }) => void sourceOf(track).subscribe(collector))
  return collector
}

export function all(report: RTCStatsReport, type: string, kind?: MediaKind): StatsEntry[] {
  return [...report.values()].filter(entry => entry.type === type && (kind === undefined || entry.kind === kind))
}

export function one(report: RTCStatsReport, type: string, kind?: MediaKind): StatsEntry {
  const [entry, ...others] = all(report, type, kind)
  assert.ok(entry, `${type} ${kind ?? ''}`)
  assert.deepEqual(others, [])
  return entry
}
