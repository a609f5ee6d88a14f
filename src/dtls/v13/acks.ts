import type { RecordNumber } from '../sent-fragments.ts'
import { encodeAck } from './messages.ts'

/** An ACK names so many records at most, the latest ones: with all of them it is about one kilobyte. */
export const maxAcknowledgedRecords = 64

/** RFC 9147 §7: the length of the list. */
const ackHeaderLength = 2
/** RFC 9147 §4: an epoch and a sequence number of 64 bits each. */
const recordNumberLength = 16

/** The records of the flight that is coming in, as far as they were processed or are kept. */
export class ReceivedRecords {
  #numbers: RecordNumber[] = []

  get isEmpty(): boolean {
    return this.#numbers.length === 0
  }

  add(epoch: number, sequence: number): void {
    if (this.#numbers.length >= maxAcknowledgedRecords) this.#numbers.shift()
    this.#numbers.push({ epoch, sequence })
  }

  clear(): void {
    this.#numbers = []
  }

  /**
   * RFC 9147 §7: in numerically increasing order. It must fit one record: of more than that, the latest are named.
   *
   * @param maxLength in bytes
   */
  encode(maxLength: number): Uint8Array {
    const latest = this.#numbers.slice(-Math.floor((maxLength - ackHeaderLength) / recordNumberLength))
    return encodeAck(latest.toSorted((a, b) => a.epoch - b.epoch || a.sequence - b.sequence))
  }
}
