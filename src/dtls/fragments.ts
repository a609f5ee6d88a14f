import type { Fragment, HandshakeMessage } from './messages.ts'

/** The longest handshake message that is taken, in bytes: several times a long chain of RSA certificates. */
export const maxMessageLength: number = 24 * 1024
/** All memory, in bytes, that fragments may hold: nobody has proved anything while they are collected. */
export const maxReassemblyBytes: number = 64 * 1024
/** Unfinished and waiting messages held at a time. */
export const maxAssemblies = 32
/** How far message_seq may run ahead of the next message. The longest flight of TLS has six messages. */
export const maxMessagesAhead = 16

/** `duplicate`: of a message that was taken before. `refused`: no room, or too far ahead. */
export type FragmentOutcome = 'stored' | 'duplicate' | 'refused'

/**
 * Puts handshake messages together from their fragments, and in order.
 *
 * Fragments are one message if they agree in message_seq, type, length and epoch; so a forged fragment that disagrees
 * starts another candidate and leaves the genuine one alone. Work is linear in the bytes that come in.
 */
export class Reassembler {
  #next = 0
  #held = 0
  #assemblies: Assembly[] = []

  /** next_receive_seq: the message_seq of the next message in order. */
  get next(): number {
    return this.#next
  }

  /** Memory held, in bytes: never above {@link maxReassemblyBytes}. */
  get heldBytes(): number {
    return this.#held
  }

  add(fragment: Fragment): FragmentOutcome {
    // RFC 6347 §4.2.2: a message below next_receive_seq was taken before, and is discarded.
    if (fragment.sequence < this.#next) return 'duplicate'
    if (fragment.sequence >= this.#next + maxMessagesAhead || fragment.length > maxMessageLength) return 'refused'
    const assembly = this.#find(fragment) ?? this.#begin(fragment)
    if (assembly === undefined) return 'refused'
    assembly.add(fragment)
    return 'stored'
  }

  /** The next message in order, if it is whole and came in this epoch. */
  take(epoch: number): HandshakeMessage | undefined {
    const assembly = this.#assemblies.find(each => each.sequence === this.#next && each.epoch === epoch && each.whole)
    if (assembly === undefined) return undefined
    this.advance(this.#next + 1)
    return assembly.message()
  }

  /** Whether the next message in order is there, whole, in a later epoch than this. */
  isAhead(epoch: number): boolean {
    return this.#assemblies.some(each => each.sequence === this.#next && each.epoch > epoch && each.whole)
  }

  /** Whether there is anything of a message that is still to come, under keys that were there before those of `epoch`. */
  isBehind(epoch: number): boolean {
    return this.#assemblies.some(each => each.epoch > 0 && each.epoch < epoch)
  }

  /** Any whole message of this type, in whatever order: for a server that has not begun to count. */
  takeAny(type: number, epoch: number): HandshakeMessage | undefined {
    const assembly = this.#assemblies.find(each => each.type === type && each.epoch === epoch && each.whole)
    if (assembly === undefined) return undefined
    this.#drop(assembly)
    return assembly.message()
  }

  /** Goes on with `next`; what is below is dropped. */
  advance(next: number): void {
    this.#next = next
    for (const assembly of this.#assemblies.filter(each => each.sequence < next)) this.#drop(assembly)
  }

  #find(fragment: Fragment): Assembly | undefined {
    return this.#assemblies.find(
      each =>
        each.sequence === fragment.sequence &&
        each.type === fragment.type &&
        each.length === fragment.length &&
        each.epoch === fragment.epoch,
    )
  }

  #begin(fragment: Fragment): Assembly | undefined {
    const cost = assemblyCost(fragment)
    while (this.#assemblies.length >= maxAssemblies || this.#held + cost > maxReassemblyBytes) {
      const victim = this.#leastUseful()
      // What is needed sooner is not given up for what is needed later.
      if (victim === undefined || victim.sequence < fragment.sequence) return undefined
      this.#drop(victim)
    }
    const assembly = new Assembly(fragment, cost)
    this.#assemblies.push(assembly)
    this.#held += cost
    return assembly
  }

  /** That which is farthest ahead; among equals the oldest, so that a retransmission gets past what was forged before. */
  #leastUseful(): Assembly | undefined {
    let victim: Assembly | undefined
    for (const each of this.#assemblies) if (victim === undefined || each.sequence > victim.sequence) victim = each
    return victim
  }

  #drop(assembly: Assembly): void {
    this.#assemblies = this.#assemblies.filter(each => each !== assembly)
    this.#held -= assembly.cost
  }
}

/** The body, and unless the first fragment is the whole message, a mark for each byte that has come. */
function assemblyCost(fragment: Fragment): number {
  return fragment.bytes.length === fragment.length ? fragment.length : 2 * fragment.length
}

class Assembly {
  readonly type: number
  readonly sequence: number
  readonly epoch: number
  readonly length: number
  readonly cost: number
  readonly #body: Uint8Array
  /** One byte for each byte of the body, 1 once it has come. Empty if the message came in one piece. */
  readonly #marks: Uint8Array
  #missing: number

  constructor(first: Fragment, cost: number) {
    this.type = first.type
    this.sequence = first.sequence
    this.epoch = first.epoch
    this.length = first.length
    this.cost = cost
    this.#body = new Uint8Array(first.length)
    this.#marks = new Uint8Array(cost - first.length)
    this.#missing = first.length
  }

  get whole(): boolean {
    return this.#missing === 0
  }

  /** RFC 6347 §4.2.3: fragment ranges may overlap. The last one counts, so that a retransmission repairs. */
  add(fragment: Fragment): void {
    this.#body.set(fragment.bytes, fragment.offset)
    if (fragment.bytes.length === this.length) {
      this.#missing = 0
      // Late fragments may follow the whole: they count for nothing any more.
      this.#marks.fill(1)
      return
    }
    const end = fragment.offset + fragment.bytes.length
    for (let at = fragment.offset; at < end; at++) {
      if (this.#marks[at] === 0) {
        this.#marks[at] = 1
        this.#missing--
      }
    }
  }

  message(): HandshakeMessage {
    return { type: this.type, sequence: this.sequence, epoch: this.epoch, body: this.#body }
  }
}
