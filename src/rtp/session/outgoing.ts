import type { RtpTransmit } from './transmit.ts'

/**
 * - `media`: what the source gave, or was inserted between
 * - `padding`: padding alone, in the media stream
 * - `rtx`: in the retransmission stream
 * - `repeat`: the same bytes once more
 */
export type OutgoingRole = 'media' | 'padding' | 'rtx' | 'repeat'

/** Who is told that a packet leaves. */
export interface OutgoingOwner {
  /** What is queued of it still leaves. */
  readonly isActive: boolean
  left(outgoing: Outgoing, now: number): void
}

/** A serialized packet on its way out, with the places of what is written into it when it leaves; -1: nowhere. */
export class Outgoing {
  readonly owner: OutgoingOwner
  readonly role: OutgoingRole
  readonly data: Uint8Array
  readonly length: number
  readonly headerBytes: number
  readonly protection: RtpTransmit['protection']
  /** Of the media stream. */
  readonly sequenceNumber: number
  readonly queuedAt: number
  /** Hz. */
  readonly clockRate: number
  /** The peer may ask for it again. */
  isRepeatable = false
  absSendTimeAt = -1
  transmissionOffsetAt = -1
  transportSequenceAt = -1

  constructor(
    owner: OutgoingOwner,
    role: OutgoingRole,
    data: Uint8Array,
    length: number,
    headerBytes: number,
    protection: RtpTransmit['protection'],
    sequenceNumber: number,
    queuedAt: number,
    clockRate: number,
  ) {
    this.owner = owner
    this.role = role
    this.data = data
    this.length = length
    this.headerBytes = headerBytes
    this.protection = protection
    this.sequenceNumber = sequenceNumber
    this.queuedAt = queuedAt
    this.clockRate = clockRate
  }
}
