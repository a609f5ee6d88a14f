import { readdirSync, readFileSync } from 'node:fs'
import { nobleCryptoProvider } from '../../../src/dtls/noble.ts'
import type { RTCConfiguration } from '../../../src/pc/configuration.ts'
import { RtpTrackSource } from '../../../src/pc/media/rtp-track-source.ts'
import { RTCPeerConnection } from '../../../src/pc/rtc-peer-connection.ts'
import { fixedCertificates } from '../../sim/peers.ts'
import { Simulation } from '../../sim/virtual-environment.ts'
import { prng } from '../../support/prng.ts'
import { settled } from '../negotiation/media-pair.ts'

const directory = new URL('../../fixtures/sdp/', import.meta.url)

/** The names of all recorded descriptions: see `test/fixtures/sdp/README.md`. */
export const recordedNames: readonly string[] = readdirSync(directory)
  .filter(name => name.endsWith('.sdp'))
  .map(name => name.slice(0, -'.sdp'.length))
  .sort()

export const recordedOffers: readonly string[] = recordedNames.filter(name => name.endsWith('-offer'))

/** A recorded description, with the line ends that it had. */
export function recorded(name: string): string {
  return readFileSync(new URL(`${name}.sdp`, directory), 'utf8').replace(/\r?\n/g, '\r\n')
}

/** A connection of ours in a world of its own: nobody else is in there. */
export class LonelyPeer {
  readonly sim: Simulation
  readonly pc: RTCPeerConnection

  constructor(configuration: RTCConfiguration = {}) {
    this.sim = new Simulation(1)
    const [certificate] = fixedCertificates()
    this.pc = new RTCPeerConnection(
      { ...configuration, certificates: [certificate] },
      { environment: this.sim.host('alice', ['192.0.2.1']), crypto: nobleCryptoProvider },
    )
  }

  /** Sends audio and video of no content. */
  addTracks(): void {
    const bytes = prng(7)
    const environment = { clock: this.sim.time, timers: this.sim.time, random: (n: number) => bytes.bytes(n) }
    for (const kind of ['audio', 'video'] as const) this.pc.addTrack(new RtpTrackSource(kind, { environment }).track)
  }

  settled<T>(promise: Promise<T>): Promise<T> {
    return settled(this.sim, promise)
  }

  /** Takes an offer, and what is answered is applied here. */
  async answer(sdp: string): Promise<string> {
    await this.settled(this.pc.setRemoteDescription({ type: 'offer', sdp }))
    const answer = await this.settled(this.pc.createAnswer())
    await this.settled(this.pc.setLocalDescription(answer))
    return answer.sdp ?? ''
  }

  /** Offers what is there, and takes an answer that was given to the same offer before. */
  async replay(answer: string, type: 'answer' | 'pranswer' = 'answer'): Promise<void> {
    await this.settled(this.pc.setLocalDescription())
    await this.settled(this.pc.setRemoteDescription({ type, sdp: answer }))
  }

  async close(): Promise<void> {
    this.pc.close()
    await this.sim.runFor(1_000)
  }
}

/** A peer for the length of a test. */
export async function withPeer(
  use: (peer: LonelyPeer) => Promise<void>,
  configuration?: RTCConfiguration,
): Promise<void> {
  const peer = new LonelyPeer(configuration)
  try {
    await use(peer)
  } finally {
    await peer.close()
  }
}
