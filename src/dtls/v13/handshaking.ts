import type { Completed, Handshake, HandshakeState } from '../handshake.ts'
import type { HandshakeMessage } from '../messages.ts'
import type { KeySchedule, TrafficSecrets } from './key-schedule.ts'
import { handshakeEpoch } from './post-handshake.ts'

/** What both ends know once the keys of the handshake are there. */
export interface HandshakeSecrets {
  readonly schedule: KeySchedule
  readonly traffic: TrafficSecrets
}

/** A state that waits for a message in the epoch of the handshake, and holds its secrets. */
export abstract class Handshaking<Known extends HandshakeSecrets> implements HandshakeState {
  abstract readonly name: string
  readonly epoch: number = handshakeEpoch
  protected readonly known: Known

  constructor(known: Known) {
    this.known = known
  }

  abstract handle(message: HandshakeMessage, handshake: Handshake): HandshakeState | Completed

  wipe(): void {
    this.wipeHandshake()
  }

  /** Overwrites what is of no use after the handshake. */
  protected wipeHandshake(): void {
    const { schedule, traffic } = this.known
    schedule.wipe()
    traffic.client.fill(0)
    traffic.server.fill(0)
  }
}
