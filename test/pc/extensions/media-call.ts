import type { RTCConfiguration } from '../../../src/pc/configuration.ts'
import { sourceOf } from '../../../src/pc/media/media-stream-track.ts'
import type { RTCRtpSender } from '../../../src/pc/rtp/rtc-rtp-sender.ts'
import { agree, connected, createMediaPair, type MediaPair, type Munge } from '../negotiation/media-pair.ts'
import { Collector, context, localTrack, packet } from '../rtp/fakes.ts'

/** Alice sends a track of video to bob, who collects its packets; and what went over the wire. */
export interface MediaCall extends MediaPair {
  readonly sender: RTCRtpSender
  readonly collector: Collector
  /** The RTP packets of alice as they were on the wire. */
  readonly wire: readonly Uint8Array[]
  /** Sends so many packets, 20 ms apart. */
  talk(count: number, csrcs?: readonly number[]): Promise<void>
}

export interface MediaCallOptions {
  readonly seed: number
  readonly alice?: RTCConfiguration
  readonly bob?: RTCConfiguration
  readonly munge?: Munge
}

export async function createMediaCall({ munge, ...options }: MediaCallOptions): Promise<MediaCall> {
  const pair = createMediaPair(options)
  const { sim, alice, bob } = pair
  const { source, track } = localTrack('video')
  const collector = new Collector()
  bob.ontrack = event => void sourceOf(event.track).subscribe(collector)
  const sender = alice.addTrack(track)
  const wire: Uint8Array[] = []
  sim.network.tap(({ data, from }) => {
    if (from.address === '192.0.2.1' && isRtp(data)) wire.push(Uint8Array.from(data))
    return undefined
  })
  await agree(pair, alice, bob, munge)
  await connected(pair)
  await sim.runFor(500)
  let sequenceNumber = 0
  const of = context()
  const talk = async (count: number, csrcs: readonly number[] = []): Promise<void> => {
    for (const last = sequenceNumber + count; sequenceNumber < last; sequenceNumber++) {
      source.fanout.deliver(packet({ sequenceNumber, timestamp: sequenceNumber * 1_800, csrcs }), of, undefined)
      await sim.runFor(20)
    }
  }
  return { ...pair, sender, collector, wire, talk }
}

/** RFC 7983 §7 and RFC 5761 §4. */
function isRtp(data: Uint8Array): boolean {
  const [first = 0, second = 0] = data
  const type = second & 0x7f
  return first >= 128 && first <= 191 && !(type >= 64 && type <= 95)
}

/** What an RTP packet on the wire names the format of its header extensions; undefined if it has none. */
export function extensionProfile(data: Uint8Array): number | undefined {
  const [first = 0] = data
  if ((first & 0x10) === 0) return undefined
  return new DataView(data.buffer, data.byteOffset).getUint16(12 + 4 * (first & 0x0f))
}
