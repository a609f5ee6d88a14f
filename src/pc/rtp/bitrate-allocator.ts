import type { MediaKind } from '../media/track-signal.ts'
import type { MediaTransport } from './slots.ts'

/** Somebody who wants a part of a bit rate. */
export interface BitrateDemand {
  /** In proportion to which it is divided. */
  readonly weight: number
  /** Bits per second that are of use at most. */
  readonly max: number
}

/** What a sender wants for its encodings; those that are not active are not among them. */
export interface SenderDemand {
  readonly kind: MediaKind
  /** Of the sender among all others of its kind. */
  readonly weight: number
  /** Bits per second, of all its encodings. */
  readonly max: number
  /** Bits per second that the peer takes of all senders together. */
  readonly maxTotal: number
  readonly encodings: readonly BitrateDemand[]
}

/** A sender whose track is sent on a transport. */
export interface BitrateUser {
  demand(): SenderDemand
  /** Bits per second for each of the encodings that were asked for. */
  allocated(bitrates: readonly number[]): void
}

/**
 * Divides in proportion to the weights; what is of no use to one goes to the others.
 *
 * @param total bits per second
 * @returns bits per second, not rounded
 */
export function share(total: number, demands: readonly BitrateDemand[]): readonly number[] {
  const shares: number[] = demands.map(() => 0)
  let rest = total
  let open = demands.map((demand, index) => ({ ...demand, index }))
  while (open.length > 0) {
    const unit = rest / open.reduce((sum, { weight }) => sum + weight, 0)
    const full = open.filter(({ weight, max }) => max <= unit * weight)
    const settled = full.length > 0 ? full : open
    for (const { index, weight, max } of settled) shares[index] = Math.min(max, unit * weight)
    rest -= settled.reduce((sum, { index }) => sum + (shares[index] ?? 0), 0)
    open = open.filter(each => !settled.includes(each))
  }
  return shares
}

/**
 * Divides the bit rate of a transport among those who send on it: webrtc-pc §5.2.5 leaves it to us how.
 *
 * Audio comes first: it is little, and missed most. What is left is for video. Among senders of a kind their priorities decide.
 */
export class BitrateAllocator {
  readonly #transport: MediaTransport
  readonly #users = new Set<BitrateUser>()

  constructor(transport: MediaTransport) {
    this.#transport = transport
  }

  add(user: BitrateUser): void {
    this.#users.add(user)
  }

  remove(user: BitrateUser): void {
    this.#users.delete(user)
  }

  /** The target of the transport is another one, or what somebody wants. */
  settle(): void {
    if (this.#users.size === 0) return
    const users = [...this.#users].map(user => ({ user, demand: user.demand() }))
    let rest = Math.min(this.#transport.session.targetBitrate, ...users.map(({ demand }) => demand.maxTotal))
    for (const kind of ['audio', 'video'] as const) {
      const own = users.filter(({ demand }) => demand.kind === kind)
      const senders = own.map(({ demand }) => ({ weight: demand.weight, max: usefulBitrate(demand) }))
      const shares = share(rest, senders)
      own.forEach(({ user, demand }, index) => {
        const bitrates = share(shares[index] ?? 0, demand.encodings).map(Math.floor)
        user.allocated(bitrates)
      })
      rest = Math.max(0, rest - shares.reduce((sum, each) => sum + each, 0))
    }
  }
}

/** The one of each transport. */
const allocators = new WeakMap<MediaTransport, BitrateAllocator>()

export function allocatorOf(transport: MediaTransport): BitrateAllocator {
  let allocator = allocators.get(transport)
  if (allocator === undefined) {
    allocator = new BitrateAllocator(transport)
    allocators.set(transport, allocator)
  }
  return allocator
}

function usefulBitrate({ max, encodings }: SenderDemand): number {
  return Math.min(
    max,
    encodings.reduce((sum, encoding) => sum + encoding.max, 0),
  )
}
