import type { JitterBuffer, JitterEvent } from '../../../src/rtp/jitter-buffer.ts'
import {
  type Depacketizer,
  type EncodedFrame,
  isPayloadDropped,
  type PacketizedPayload,
} from '../../../src/rtp/payload/frame.ts'
import type { Prng } from '../../support/prng.ts'

/** A packet as depacketizers see it, with the number of the frame it came from. */
export interface TestPacket {
  readonly sequenceNumber: number
  readonly timestamp: number
  readonly marker: boolean
  readonly payload: Uint8Array
  readonly frame: number
}

/** Numbers the payloads of frames, as a sender would. */
export class TestSender {
  readonly #ticks: number
  #sequenceNumber: number
  #timestamp: number
  #frame = 0

  /** @param ticks from one frame to the next */
  constructor(ticks: number, sequenceNumber = 65_500, timestamp = 0xffff_f000) {
    this.#ticks = ticks
    this.#sequenceNumber = sequenceNumber
    this.#timestamp = timestamp
  }

  send(payloads: readonly PacketizedPayload[]): TestPacket[] {
    const packets = payloads.map(({ payload, marker, timestampOffset }) => {
      const sequenceNumber = this.#sequenceNumber
      this.#sequenceNumber = (sequenceNumber + 1) & 0xffff
      const timestamp = (this.#timestamp + timestampOffset) >>> 0
      // The network gives each packet an array of its own.
      return { sequenceNumber, timestamp, marker, payload: payload.slice(), frame: this.#frame }
    })
    this.#frame++
    this.#timestamp = (this.#timestamp + this.#ticks) >>> 0
    return packets
  }
}

/** All frames that a depacketizer makes of packets in order. */
export function depacketize(depacketizer: Depacketizer, packets: readonly TestPacket[]): EncodedFrame[] {
  return packets.flatMap(packet => {
    const result = depacketizer.push(packet)
    return isPayloadDropped(result) ? [] : result
  })
}

export interface Arrival {
  readonly packet: TestPacket
  readonly at: number
}

/** Each packet after some time on the way, some of them twice, some never; in the order in which they come. */
export function onTheWay(
  packets: readonly { packet: TestPacket; sentAt: number }[],
  random: Prng,
  { loss = 0, duplicates = 0, jitterMs = 0 }: { loss?: number; duplicates?: number; jitterMs?: number } = {},
): Arrival[] {
  const arrivals: Arrival[] = []
  for (const { packet, sentAt } of packets) {
    if (random.float() < loss) continue
    for (let copies = random.float() < duplicates ? 2 : 1; copies > 0; copies--) {
      arrivals.push({ packet, at: sentAt + 30 + random.float() * jitterMs })
    }
  }
  return arrivals.sort((a, b) => a.at - b.at)
}

export interface TimedEvent {
  readonly event: JitterEvent
  readonly at: number
}

/** Lets packets arrive at a jitter buffer, and time pass until long after the last one. */
export function play(buffer: JitterBuffer, arrivals: readonly Arrival[], afterMs = 3_000): TimedEvent[] {
  const events: TimedEvent[] = []
  let now = arrivals[0]?.at ?? 0
  const drain = (): void => {
    for (let event = buffer.poll(now); event; event = buffer.poll(now)) events.push({ event, at: now })
  }
  const passTo = (time: number): void => {
    for (let due = buffer.pollTimeout(); due !== undefined && due <= time; due = buffer.pollTimeout()) {
      now = Math.max(now, due)
      drain()
    }
    now = time
  }
  for (const { packet, at } of arrivals) {
    passTo(at)
    buffer.receive(packet, now)
    drain()
  }
  passTo(now + afterMs)
  return events
}
