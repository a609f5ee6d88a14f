import type { HandshakeMessage } from './messages.ts'

/** RFC 9147 §4: what names a record of a connection. */
export interface RecordNumber {
  readonly epoch: number
  readonly sequence: number
}

/** So many records of a flight are remembered, the latest ones: more than eight transmissions of the longest flight. */
export const maxTrackedRecords = 256

interface SentFragment extends RecordNumber {
  readonly message: HandshakeMessage
  readonly from: number
  readonly end: number
}

/** A part of a message: the bytes from `from` up to `end`. */
export interface Range {
  readonly from: number
  readonly end: number
}

/**
 * Which part of a flight went in which record, and what of it the peer has.
 *
 * RFC 9147 §7.2: messages or fragments sent in records that were acknowledged are left out of retransmissions.
 */
export class SentFragments {
  #fragments: SentFragment[] = []
  /** One byte for each byte of a message of which a part was acknowledged: 1 where the peer has it. */
  readonly #acknowledged = new Map<HandshakeMessage, Uint8Array>()

  note(epoch: number, sequence: number, message: HandshakeMessage, { from, end }: Range): void {
    if (this.#fragments.length >= maxTrackedRecords) this.#fragments.shift()
    this.#fragments.push({ epoch, sequence, message, from, end })
  }

  /**
   * Whether that told of anything that the peer was not known to have.
   *
   * The same bytes may have gone in many records: an ACK of each is not answered with what is missing again and again.
   */
  acknowledge(numbers: readonly RecordNumber[]): boolean {
    const known = this.#fragments.filter(sent => numbers.some(each => isSame(each, sent)))
    this.#fragments = this.#fragments.filter(sent => !known.includes(sent))
    let isNew = false
    for (const { message, from, end } of known) {
      const marks = this.#acknowledged.get(message)
      if (marks === undefined || marks.subarray(from, end).includes(0)) isNew = true
      this.#acknowledged.set(message, (marks ?? new Uint8Array(message.body.length)).fill(1, from, end))
    }
    return isNew
  }

  /** What the peer has not acknowledged of a message. */
  missing(message: HandshakeMessage): readonly Range[] {
    const marks = this.#acknowledged.get(message)
    if (marks === undefined) return [{ from: 0, end: message.body.length }]
    const ranges: Range[] = []
    for (let from = marks.indexOf(0); from >= 0; ) {
      const next = marks.indexOf(1, from)
      const end = next < 0 ? marks.length : next
      ranges.push({ from, end })
      from = marks.indexOf(0, end)
    }
    return ranges
  }
}

function isSame(one: RecordNumber, other: RecordNumber): boolean {
  return one.epoch === other.epoch && one.sequence === other.sequence
}
