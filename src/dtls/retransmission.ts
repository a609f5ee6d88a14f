import { encodeFragment, type HandshakeMessage, handshakeHeaderLength } from './messages.ts'
import { ContentType, recordHeaderLength } from './record.ts'
import type { RecordSealer } from './record-protection.ts'
import { type RecordNumber, SentFragments } from './sent-fragments.ts'

/** One thing of a flight, and what seals it. */
export type FlightItem =
  | { readonly kind: 'message'; readonly message: HandshakeMessage; readonly sealer: RecordSealer }
  | { readonly kind: 'change-cipher-spec'; readonly sealer: RecordSealer }

/** RFC 6347 §4.2.4: messages that are sent, and sent again, together. */
export type Flight = readonly FlightItem[]

/** The timer is never set below this: the peer needs time for its signatures, too. */
export const minimumRtoMs = 50
/**
 * The timer is not doubled above this, or twice its first value: a path may be slower than its first round trip was.
 *
 * RFC 6347 §4.2.4.1 leaves timer values to the implementation and speaks of 60 s; but there are six flights at most, of
 * two kilobytes at most, to a peer that ICE has just heard from, and a user waits.
 */
export const maximumRtoMs = 1_000
/** RFC 6347 §4.1.1.1: after so many retransmissions without response, messages are sent in smaller pieces. */
export const attemptsBeforeSmallerFragments = 3
/** IPv4 hosts take at least 576 bytes, which leaves this much after an IP header with options and UDP. */
export const smallDatagramSize = 508

/**
 * The flight that is waiting for its answer, and the timer that goes with it.
 *
 * RFC 6347 §4.2.4: the states SENDING and WAITING of the retransmission state machine.
 */
export class Retransmission {
  readonly #mtu: number
  readonly #firstRto: number
  readonly #maximumRto: number
  #rto: number
  #flight: Flight = []
  #sent = new SentFragments()
  #attempts = 0
  #sentAt = Number.NEGATIVE_INFINITY

  constructor(initialRtoMs: number, mtu: number) {
    this.#firstRto = Math.max(minimumRtoMs, initialRtoMs)
    this.#maximumRto = Math.max(maximumRtoMs, 2 * this.#firstRto)
    this.#rto = this.#firstRto
    this.#mtu = mtu
  }

  /** When to send again if no answer has come. */
  get deadline(): number {
    return this.#sentAt + this.#rto
  }

  /** Whether there is anything that the peer may not have. */
  get pending(): boolean {
    return this.#flight.length > 0
  }

  /** The timer as it is now, in milliseconds. */
  get rto(): number {
    return this.#rto
  }

  /** Begins to wait for the answer to a new flight. Returns its datagrams. */
  send(flight: Flight, now: number): Uint8Array[] {
    // RFC 6347 §4.2.4.1: the timer is kept until a transmission without loss occurs, and may then be reset.
    if (this.#attempts === 0) this.#rto = this.#firstRto
    this.#flight = flight
    this.#sent = new SentFragments()
    this.#attempts = 0
    return this.#transmit(now)
  }

  /** The timer has expired: doubles it, and returns the datagrams. */
  repeat(now: number): Uint8Array[] {
    this.#attempts++
    this.#rto = Math.min(2 * this.#rto, this.#maximumRto)
    return this.#transmit(now)
  }

  /**
   * The peer repeats the flight that this one answers: ours was lost, or is on its way.
   *
   * Not sent again if it just was: the peer may have sent before ours arrived, or in many fragments; and whoever forges
   * such a message gets no more than a flight every half timer.
   */
  answerRepetition(now: number): Uint8Array[] {
    if (now < this.#sentAt + this.#rto / 2) return []
    return this.#transmit(now)
  }

  /**
   * Takes what an ACK says: `complete` if the peer has everything, which is not sent again; `partial` if it has more than
   * was known.
   */
  acknowledge(numbers: readonly RecordNumber[]): 'complete' | 'partial' | 'nothing' {
    if (!this.#sent.acknowledge(numbers)) return 'nothing'
    const complete = this.#flight.every(
      item => item.kind === 'message' && this.#sent.missing(item.message).length === 0,
    )
    if (complete) this.finish()
    return complete ? 'complete' : 'partial'
  }

  /** RFC 9147 §7.2: a partial ACK is answered with what is missing. Returns its datagrams. */
  sendMissing(now: number): Uint8Array[] {
    return this.#transmit(now)
  }

  /** The peer has the flight: it is not sent again. */
  finish(): void {
    this.#flight = []
    this.#sent = new SentFragments()
  }

  #transmit(now: number): Uint8Array[] {
    this.#sentAt = now
    const small = this.#attempts >= attemptsBeforeSmallerFragments
    return packFlight(this.#flight, small ? Math.min(this.#mtu, smallDatagramSize) : this.#mtu, this.#sent)
  }
}

/** A piece of a message this small is not worth a record: the message then begins in the next datagram. */
const smallestPiece = 32

/**
 * Records for a flight, in as few datagrams of up to `mtu` bytes as that takes.
 *
 * RFC 6347 §4.2.2: what is sent again has the same message_seq, in new records.
 */
export function packFlight(flight: Flight, mtu: number, sent: SentFragments = new SentFragments()): Uint8Array[] {
  const packer = new DatagramPacker(mtu)
  for (const item of flight) {
    if (item.kind === 'message') packMessage(packer, item.message, item.sealer, sent)
    // RFC 5246 §7.1: the message is a single byte of value 1.
    else packer.add(recordHeaderLength + 1, () => item.sealer.seal(ContentType.changeCipherSpec, Uint8Array.of(1)))
  }
  return packer.finish()
}

function packMessage(
  packer: DatagramPacker,
  message: HandshakeMessage,
  sealer: RecordSealer,
  sent: SentFragments,
): void {
  const overhead = sealer.overhead + handshakeHeaderLength
  for (const range of sent.missing(message)) {
    let offset = range.from
    do {
      const rest = range.end - offset
      if (packer.room < overhead + Math.min(rest, smallestPiece)) packer.flush()
      const end = offset + Math.min(rest, packer.room - overhead)
      const from = offset
      packer.add(overhead + end - from, () => {
        sent.note(sealer.epoch, sealer.sequence, message, { from, end })
        return sealer.seal(ContentType.handshake, encodeFragment(message, from, end))
      })
      offset = end
    } while (offset < range.end)
  }
}

class DatagramPacker {
  readonly #mtu: number
  readonly #datagrams: Uint8Array[] = []
  #records: Uint8Array[] = []
  #length = 0

  constructor(mtu: number) {
    this.#mtu = mtu
  }

  get room(): number {
    return this.#mtu - this.#length
  }

  add(length: number, seal: () => Uint8Array): void {
    if (length > this.room) this.flush()
    this.#records.push(seal())
    this.#length += length
  }

  flush(): void {
    if (this.#records.length > 0) this.#datagrams.push(Buffer.concat(this.#records))
    this.#records = []
    this.#length = 0
  }

  finish(): Uint8Array[] {
    this.flush()
    return this.#datagrams
  }
}
