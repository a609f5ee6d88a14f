import { DtlsError } from '../dtls/errors.ts'
import type { DtlsConnection } from '../dtls/index.ts'
import type { SctpAssociation, SctpEvent } from '../sctp/index.ts'
import { initialDatagramSize } from './wire.ts'

/** What a link needs of its transport. */
export interface SctpCarrier {
  /** Whether there is a way to the peer. */
  isUsable(): boolean
  /** Sends a DTLS record over the selected pair at once. */
  send(record: Uint8Array): void
  /** Something is to be sent or told at the end of this turn. */
  schedule(): void
  /** Counts what was dropped. */
  drop(reason: string): void
}

/** What is told of an SCTP association, at the top of a turn and never from inside an API call. */
export interface SctpEventListener {
  sctpEvent(event: SctpEvent): void
}

/** What a link uses of an SCTP association. */
export type LinkedAssociation = Pick<
  SctpAssociation,
  | 'connect'
  | 'receive'
  | 'setPacketSize'
  | 'pathChanged'
  | 'abort'
  | 'pollTransmit'
  | 'pollEvent'
  | 'pollTimeout'
  | 'handleTimeout'
>

/** A DTLS connection that is up. */
export type SctpTunnel = Pick<DtlsConnection, 'seal' | 'recordOverhead'>

/**
 * Joins an SCTP association with the DTLS connection that it runs on: RFC 8261. Either may come first.
 *
 * In: DTLS -> association -> listener. Out: association -> DTLS -> carrier.
 */
export class SctpLink {
  readonly #carrier: SctpCarrier
  readonly #listener: SctpEventListener
  #association: LinkedAssociation | undefined
  /** While it is up. */
  #dtls: SctpTunnel | undefined
  #recordOverhead = 0

  constructor(carrier: SctpCarrier, listener: SctpEventListener) {
    this.#carrier = carrier
    this.#listener = listener
  }

  attach(association: LinkedAssociation, now: number): void {
    this.#association = association
    if (this.#dtls !== undefined) this.#connect(this.#dtls, now)
  }

  /** DTLS has connected: the association does so as well. */
  connected(dtls: SctpTunnel, now: number): void {
    this.#dtls = dtls
    this.#connect(dtls, now)
  }

  /** DTLS is over: nothing leaves any more. */
  disconnected(): void {
    this.#dtls = undefined
  }

  /** The association is left to itself: another will take its place. */
  detach(): void {
    this.#association = undefined
  }

  /** Takes what came in a record. */
  receive(data: Uint8Array, now: number): void {
    const result = this.#association?.receive(data, now)
    if (result !== undefined && 'drop' in result) this.#carrier.drop(result.drop)
  }

  /** RFC 8261 §6.1: what was learned of the old path does not hold for the new one. */
  pathChanged(now: number): void {
    this.#association?.pathChanged(now)
  }

  /** The association ends; the peer is told by {@link flush}, if it can be. */
  abort(now: number): void {
    this.#association?.abort(now)
  }

  /** Tells what has happened. */
  tell(): void {
    const association = this.#association
    if (association === undefined) return
    for (let event = association.pollEvent(); event !== undefined; event = association.pollEvent()) {
      this.#listener.sctpEvent(event)
    }
  }

  /** Sends what is due. */
  flush(now: number): void {
    const association = this.#association
    const dtls = this.#dtls
    const carrier = this.#carrier
    if (association === undefined || dtls === undefined || !carrier.isUsable()) return
    if (dtls.recordOverhead !== this.#recordOverhead) this.#fitPackets(dtls)
    try {
      for (let packet = association.pollTransmit(now); packet !== undefined; packet = association.pollTransmit(now)) {
        carrier.send(dtls.seal(packet))
      }
    } catch (error) {
      // Sequence numbers have run out: DTLS has ended itself, and tells so by an event.
      if (!(error instanceof DtlsError)) throw error
      carrier.schedule()
    }
  }

  pollTimeout(): number | undefined {
    return this.#association?.pollTimeout()
  }

  handleTimeout(now: number): void {
    this.#association?.handleTimeout(now)
  }

  #connect(dtls: SctpTunnel, now: number): void {
    this.#fitPackets(dtls)
    this.#association?.connect(now)
  }

  /** A connection ID that the peer gives later may be longer than the first. */
  #fitPackets(dtls: SctpTunnel): void {
    this.#recordOverhead = dtls.recordOverhead
    this.#association?.setPacketSize(sctpPacketSize(dtls))
  }
}

/** What fits into one record of one datagram. RFC 9260 §3.2: chunks end on four-byte boundaries. */
function sctpPacketSize({ recordOverhead }: SctpTunnel): number {
  return (initialDatagramSize - recordOverhead) & ~3
}
