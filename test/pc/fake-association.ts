import type { Delivery } from '../../src/pc/data-channel.ts'
import type { DataChannels, SctpPort, SctpPortEvent } from '../../src/pc/data-channels.ts'

export interface SentMessage {
  readonly streamId: number
  readonly ppid: number
  readonly data: Uint8Array
  readonly delivery: Delivery
}

/**
 * One end of an SCTP association, as much of it as data channels see: messages and resets arrive in order, when `flush`
 * is called. What was sent is kept for a look at it.
 */
export class FakeAssociation implements SctpPort {
  readonly sent: SentMessage[] = []
  readonly resets: number[] = []
  /** By stream. */
  readonly priorities: Map<number, number> = new Map()
  /** What this end answers to a reset of the peer's outgoing stream. */
  permitsResets = true
  #queue: (() => void)[] = []
  #peer: FakeAssociation | undefined
  #owner: DataChannels | undefined
  #connected = false

  static pair(): [FakeAssociation, FakeAssociation] {
    const pair: [FakeAssociation, FakeAssociation] = [new FakeAssociation(), new FakeAssociation()]
    pair[0].#peer = pair[1]
    pair[1].#peer = pair[0]
    return pair
  }

  /** Where the events of this end go. */
  set owner(owner: DataChannels) {
    this.#owner = owner
  }

  tell(event: SctpPortEvent): void {
    this.#owner?.handle(event)
  }

  connect(streams = 65_535): void {
    this.#connected = true
    this.tell({ type: 'connected', inboundStreams: streams, outboundStreams: 65_535 })
  }

  send(streamId: number, ppid: number, data: Uint8Array, delivery: Delivery, now: number): void {
    if (now !== 7) throw new Error('was not told the time')
    const message = { streamId, ppid, data: new Uint8Array(data), delivery }
    this.sent.push(message)
    this.#queue.push(() => {
      this.tell({ type: 'sent', streamId, bytes: data.length })
      this.#peer?.tell({ type: 'message', streamId, ppid, data: message.data })
    })
  }

  setPriority(streamId: number, priority: number): void {
    this.priorities.set(streamId, priority)
  }

  resetStream(streamId: number, now: number): void {
    if (now !== 7) throw new Error('was not told the time')
    this.resets.push(streamId)
    this.#queue.push(() => {
      const ok = this.#peer?.permitsResets ?? false
      if (ok) this.#peer?.tell({ type: 'incoming-reset', streamId })
      this.tell({ type: 'outgoing-reset', streamId, ok })
    })
  }

  /** Lets the peer have what was sent. */
  flush(): number {
    if (!this.#connected) return 0
    const queue = this.#queue
    this.#queue = []
    for (const step of queue) step()
    return queue.length
  }
}

/** Everything that is due, promises and tasks alike, has run when this resolves. */
export function settled(): Promise<void> {
  return new Promise(resolve => {
    setImmediate(resolve)
  })
}
