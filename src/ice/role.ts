import type { RandomSource } from '../base/environment.ts'
import type { Queue } from '../base/queue.ts'
import type { Checklist } from './checklist.ts'
import type { IceEvent } from './events.ts'
import type { IceRole } from './parameters.ts'

/** Role conflicts that are not settled after this many switches are no accident: the check fails instead. */
export const maxRoleSwitches = 8

/** Our role, and the number that decides when the peer claims the same one. RFC 8445 §7.3.1.1, §16.1. */
export class RoleKeeper {
  readonly #random: RandomSource
  readonly #events: Queue<IceEvent>
  #role: IceRole
  #tieBreaker: bigint
  #switches = 0

  constructor(role: IceRole, random: RandomSource, events: Queue<IceEvent>) {
    this.#random = random
    this.#events = events
    this.#role = role
    this.#tieBreaker = randomTieBreaker(random)
  }

  get role(): IceRole {
    return this.#role
  }

  get tieBreaker(): bigint {
    return this.#tieBreaker
  }

  /** Takes the role that signalling gives. */
  set(role: IceRole, checklist: Checklist): void {
    if (role === this.#role) return
    this.#role = role
    // RFC 8445 §7.3.1.1: pair priorities depend on the role
    checklist.setRole(role)
  }

  /** Takes another role because the peer, or the kind of peer, asks for it, and tells so. */
  switchTo(role: IceRole, checklist: Checklist): void {
    if (role === this.#role) return
    this.set(role, checklist)
    this.#events.push({ type: 'role', role })
  }

  /**
   * The peer insists on our role.
   *
   * @returns the role to take, or undefined if this has gone on for too long
   */
  yield(): IceRole | undefined {
    if (this.#switches >= maxRoleSwitches) return undefined
    this.#switches++
    // RFC 8445 §7.2.5.1: with the role, the tie-breaker changes
    this.#tieBreaker = randomTieBreaker(this.#random)
    return this.#role === 'controlling' ? 'controlled' : 'controlling'
  }

  /** A new session begins: conflicts are counted anew. */
  forgive(): void {
    this.#switches = 0
  }
}

/** RFC 8445 §16.1: a random 64-bit number. */
function randomTieBreaker(random: RandomSource): bigint {
  const bytes = random(8)
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0)
}
