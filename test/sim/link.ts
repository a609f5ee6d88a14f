import type { Station } from './realm.ts'

/** What happens to the packets of one direction between two hosts. Probabilities are from 0 to 1. */
export interface LinkConditions {
  /** TCP sends again what is lost. */
  readonly loss: number
  /** Delivered twice. */
  readonly duplicate: number
  /** Held back by `reorderMs`, so that later ones overtake. */
  readonly reorder: number
  readonly reorderMs: number
  /** Delivered with one bit flipped. */
  readonly corrupt: number
  readonly delayMs: number
  /** Added to the delay, evenly spread from 0 to this. */
  readonly jitterMs: number
  /** Datagrams with more bytes than this vanish. */
  readonly mtu: number
  /** Bytes a millisecond that pass; what comes faster waits in a queue. */
  readonly bytesPerMs: number
  /** Bytes that may wait; what comes on top is lost. */
  readonly queueBytes: number
}

/** A short wire: 1 ms, nothing lost. */
export const quietLink: LinkConditions = {
  loss: 0,
  duplicate: 0,
  reorder: 0,
  reorderMs: 5,
  corrupt: 0,
  delayMs: 1,
  jitterMs: 0,
  mtu: 65_507,
  bytesPerMs: Number.POSITIVE_INFINITY,
  queueBytes: Number.POSITIVE_INFINITY,
}

/** The conditions of every link; a link begins at the first packet on it. */
export class Links {
  readonly #links = new Map<Station, Map<Station, Link>>()
  readonly #special = new Map<string, Partial<LinkConditions>>()
  #everywhere: Partial<LinkConditions> = {}

  setEverywhere(conditions: Partial<LinkConditions>): void {
    this.#everywhere = conditions
    this.#refresh()
  }

  set(from: string, to: string, conditions: Partial<LinkConditions>): void {
    this.#special.set(linkKey(from, to), conditions)
    this.#refresh()
  }

  between(from: Station, to: Station): Link {
    const fromHere = this.#links.get(from) ?? new Map<Station, Link>()
    const known = fromHere.get(to)
    if (known !== undefined) return known
    const link = new Link()
    link.conditions = this.#conditions(from, to)
    fromHere.set(to, link)
    this.#links.set(from, fromHere)
    return link
  }

  #refresh(): void {
    for (const [from, links] of this.#links) {
      for (const [to, link] of links) link.conditions = this.#conditions(from, to)
    }
  }

  #conditions(from: Station, to: Station): LinkConditions {
    return { ...quietLink, ...(this.#special.get(linkKey(from.name, to.name)) ?? this.#everywhere) }
  }
}

/** One direction between two hosts: when the bytes in its queue will have left. */
export class Link {
  conditions: LinkConditions = quietLink
  #busyUntil = 0

  /** How long the packet takes to leave; undefined if there is no room for it. */
  enqueue(bytes: number, now: number): number | undefined {
    const { bytesPerMs, queueBytes } = this.conditions
    const waitMs = Math.max(0, this.#busyUntil - now)
    if (waitMs > 0 && waitMs * bytesPerMs + bytes > queueBytes) return undefined
    const leavesIn = waitMs + bytes / bytesPerMs
    this.#busyUntil = now + leavesIn
    return leavesIn
  }
}

function linkKey(from: string, to: string): string {
  return `${from} > ${to}`
}
