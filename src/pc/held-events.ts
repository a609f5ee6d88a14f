/** What a peer does on a stream, as the association tells it. */
export type StreamEvent = StreamMessage | { readonly type: 'incoming-reset'; readonly streamId: number }

export interface StreamMessage {
  readonly type: 'message'
  readonly streamId: number
  readonly ppid: number
  readonly data: Uint8Array
}

/** What is held at most, in bytes, each event counting for {@link heldEventOverhead} more than its data. */
export const maxHeldBytes: number = 256 * 1024
export const heldEventOverhead: number = 256

/**
 * What happens on streams that no channel can take yet.
 *
 * An application may create a negotiated channel a moment later than its peer, and the answer to a reset may be
 * overtaken by what the peer does next. Both wait here, within bounds.
 */
export class HeldEvents {
  readonly #byStream = new Map<number, StreamEvent[]>()
  #bytes = 0

  /** False if there is no room: then what the stream had is gone, too. */
  hold(event: StreamEvent): boolean {
    if (this.#bytes + cost(event) > maxHeldBytes) {
      this.take(event.streamId)
      return false
    }
    this.#bytes += cost(event)
    const events = this.#byStream.get(event.streamId)
    if (events === undefined) this.#byStream.set(event.streamId, [event])
    else events.push(event)
    return true
  }

  /** Gives back what was held of a stream, in order. */
  take(streamId: number): readonly StreamEvent[] {
    const events = this.#byStream.get(streamId) ?? []
    this.#byStream.delete(streamId)
    for (const event of events) this.#bytes -= cost(event)
    return events
  }

  clear(): void {
    this.#byStream.clear()
    this.#bytes = 0
  }
}

function cost(event: StreamEvent): number {
  return heldEventOverhead + (event.type === 'message' ? event.data.length : 0)
}
