import { encodeFragment, type HandshakeMessage, handshakeHeaderLength } from './messages.ts'
import { ContentType, recordHeaderLength } from './record.ts'
import type { RecordSealer } from './record-protection.ts'
import { type Range, type RecordNumber, SentFragments } from './sent-fragments.ts'

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
/**
 * Where nobody waits any more, because the connection is established, the timer is doubled up to this.
 *
 * RFC 9147 §5.8.2: the maximum may be no less than 60 seconds.
 */
export const patientRtoMs = 60_000
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
  #rtoLimit: number
  #rto: number
  #flight: Flight = []
  #sent = new SentFragments()
  #attempts = 0
  #sentAt = Number.NEGATIVE_INFINITY

  constructor(initialRtoMs: number, mtu: number) {
    this.#firstRto = Math.max(minimumRtoMs, initialRtoMs)
    this.#maximumRto = Math.max(maximumRtoMs, 2 * this.#firstRto)
    this.#rtoLimit = this.#maximumRto
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

  /**
   * How long the rest of a flight of the peer is waited for before its beginning is acknowledged, in milliseconds.
   *
   * RFC 9147 §7.1: a quarter of the timer.
   */
  get ackDelayMs(): number {
    return this.#rto / 4
  }

  /** Begins to wait for the answer to a new flight. Returns its datagrams. */
  send(flight: Flight, now: number): Uint8Array[] {
    // RFC 6347 §4.2.4.1: the timer is kept until a transmission without loss occurs, and may then be reset.
    this.#rtoLimit = this.#maximumRto
    this.#rto = this.#attempts === 0 ? this.#firstRto : Math.min(this.#rto, this.#rtoLimit)
    this.#flight = flight
    this.#sent = new SentFragments()
    this.#attempts = 0
    return this.#transmit(now)
  }

  /** The timer has expired: doubles it, and returns the datagrams. */
  repeat(now: number): Uint8Array[] {
    this.#attempts++
    this.#rto = Math.min(2 * this.#rto, this.#rtoLimit)
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

  /** The flight goes on being repeated, ever more seldom. */
  slowDown(): void {
    this.#rtoLimit = Math.max(patientRtoMs, this.#maximumRto)
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

/** RFC 9146 §3: a connection ID may have 255 bytes. Where one leaves no room, datagrams are larger than asked for: with so much in each. */
const oversizePiece = 64

/**
 * Records for a flight, in as few datagrams of up to `mtu` bytes as that takes.
 *
 * RFC 6347 §4.2.2: what is sent again has the same message_seq, in new records.
 */
export function packFlight(flight: Flight, mtu: number, sent: SentFragments = new SentFragments()): Uint8Array[] {
  const packer = new DatagramPacker(mtu, sent)
  for (const item of flight) {
    if (item.kind === 'message') packMessage(packer, item.message, item.sealer, sent)
    else packer.addChangeCipherSpec(item.sealer)
  }
  return packer.finish()
}

function packMessage(
  packer: DatagramPacker,
  message: HandshakeMessage,
  sealer: RecordSealer,
  sent: SentFragments,
): void {
  for (const range of sent.missing(message)) {
    let offset = range.from
    do {
      const rest = range.end - offset
      // A datagram is filled to its last byte: a message that begins in it may be the one that needs no other.
      if (packer.roomFor(sealer) < Math.min(rest, 1)) packer.flush()
      const room = packer.roomFor(sealer)
      const end = offset + Math.min(rest, room > 0 ? room : oversizePiece)
      packer.addFragment({ message, from: offset, end }, sealer)
      offset = end
    } while (offset < range.end)
  }
}

interface Piece extends Range {
  readonly message: HandshakeMessage
}

class DatagramPacker {
  readonly #mtu: number
  readonly #sent: SentFragments
  readonly #datagrams: Uint8Array[] = []
  #records: Uint8Array[] = []
  #length = 0
  /** The last record, to which more can be added. */
  #open: { readonly sealer: RecordSealer; readonly pieces: Piece[] } | undefined

  constructor(mtu: number, sent: SentFragments) {
    this.#mtu = mtu
    this.#sent = sent
  }

  /** How much of a message fits into the datagram, behind what it costs; below 0 where not even that does. */
  roomFor(sealer: RecordSealer): number {
    return this.#mtu - this.#length - handshakeHeaderLength - (this.#continues(sealer) ? 0 : sealer.overhead)
  }

  addFragment(piece: Piece, sealer: RecordSealer): void {
    if (!this.#continues(sealer)) {
      this.#seal()
      this.#open = { sealer, pieces: [] }
      this.#length += sealer.overhead
    }
    this.#open?.pieces.push(piece)
    this.#length += handshakeHeaderLength + piece.end - piece.from
  }

  addChangeCipherSpec(sealer: RecordSealer): void {
    this.#seal()
    const length = recordHeaderLength + 1
    if (this.#length + length > this.#mtu) this.flush()
    // RFC 5246 §7.1: the message is a single byte of value 1.
    this.#records.push(sealer.seal(ContentType.changeCipherSpec, Uint8Array.of(1)))
    this.#length += length
  }

  flush(): void {
    this.#seal()
    if (this.#records.length > 0) this.#datagrams.push(Buffer.concat(this.#records))
    this.#records = []
    this.#length = 0
  }

  finish(): Uint8Array[] {
    this.flush()
    return this.#datagrams
  }

  /**
   * RFC 9147 §5.5: messages, and fragments, may share a record, which saves a header and a tag. In the clear each has its
   * own: that saves less, and not everybody who speaks DTLS 1.2 reads on behind the first.
   */
  #continues(sealer: RecordSealer): boolean {
    return this.#open?.sealer === sealer && sealer.epoch > 0
  }

  #seal(): void {
    if (this.#open === undefined) return
    const { sealer, pieces } = this.#open
    this.#open = undefined
    for (const { message, from, end } of pieces) this.#sent.note(sealer.epoch, sealer.sequence, message, { from, end })
    const fragments = pieces.map(({ message, from, end }) => encodeFragment(message, from, end))
    this.#records.push(sealer.seal(ContentType.handshake, Buffer.concat(fragments)))
  }
}
