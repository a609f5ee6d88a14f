import type { MediaEnvironment } from '../../../src/pc/media/media-environment.ts'
import type { RtpPacket } from '../../../src/rtp/packet.ts'
import { VirtualTime } from '../../sim/virtual-time.ts'
import { prng } from '../../support/prng.ts'

/** Media on a clock that moves only when told to. */
export interface VirtualMedia {
  readonly environment: MediaEnvironment
  readonly time: VirtualTime
  /** Lets time pass; between two events, promises have their turn. */
  run(ms: number): Promise<void>
}

export function virtualMedia(seed: number): VirtualMedia {
  const time = new VirtualTime()
  const { bytes } = prng(seed)
  const run = async (ms: number): Promise<void> => {
    const end = time.now() + ms
    await turn()
    for (let next = time.next(); next !== undefined && next <= end; next = time.next()) {
      time.step()
      await turn()
    }
    time.advanceTo(end)
  }
  return { environment: { clock: time, timers: time, random: bytes }, time, run }
}

/** Until all microtasks have run. */
export function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

export function packet(sequenceNumber: number, overrides: Partial<RtpPacket> = {}): RtpPacket {
  return {
    payloadType: 96,
    sequenceNumber: sequenceNumber & 0xffff,
    timestamp: (sequenceNumber * 3_000) >>> 0,
    ssrc: 0x1234_5678,
    marker: false,
    csrcs: [],
    extension: undefined,
    payload: Uint8Array.of(1, 2, 3),
    paddingLength: 0,
    ...overrides,
  }
}
