import type { RtpPacket } from '../../rtp/packet.ts'
import type { StreamContext, TrackConsumer } from './track-signal.ts'

/** The consumers of a source, to whom each packet is given. */
export class PacketFanout {
  /** Copied when it changes: a consumer may leave, or bring another one, while a packet goes round. */
  #consumers: readonly TrackConsumer[] = []
  readonly #changed: () => void

  /** @param changed called after the first consumer came and after the last one left */
  constructor(changed: () => void = () => undefined) {
    this.#changed = changed
  }

  get size(): number {
    return this.#consumers.length
  }

  /** Whether all of them say what they would have. */
  get saysTargets(): boolean {
    return this.#consumers.every(consumer => consumer.saysTargets === true)
  }

  /** Adds a consumer; the result, called once or more, takes it away. */
  subscribe(consumer: TrackConsumer): () => void {
    this.#consumers = [...this.#consumers, consumer]
    if (this.#consumers.length === 1) this.#changed()
    let subscribed = true
    return () => {
      if (!subscribed) return
      subscribed = false
      const at = this.#consumers.indexOf(consumer)
      this.#consumers = this.#consumers.toSpliced(at, 1)
      if (this.#consumers.length === 0) this.#changed()
    }
  }

  /** Gives a packet to all. @returns false if there are none, or one of them takes no more for a while */
  deliver(packet: RtpPacket, context: StreamContext, raw: Uint8Array | undefined): boolean {
    const consumers = this.#consumers
    let taken = consumers.length > 0
    for (let i = 0; i < consumers.length; i++) {
      if (consumers[i]?.packet(packet, context, raw) === false) taken = false
    }
    return taken
  }
}
