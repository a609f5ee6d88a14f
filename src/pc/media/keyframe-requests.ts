import type { CancelTimer } from '../../base/environment.ts'
import type { MediaEnvironment } from './media-environment.ts'

/** Between two requests for the same encoding: the one before is being answered. */
export const keyframeIntervalMs = 200
/** Encodings that are told apart; requests for others count for all. */
const maxEncodings = 64

interface Request {
  firedAt: number
  cancel: CancelTimer | undefined
}

/** Passes requests for keyframes on, at a bearable rate and never in the middle of something: none is lost, many are one. */
export class KeyframeRequests {
  readonly #environment: MediaEnvironment
  readonly #fire: (rid: string | undefined) => void
  readonly #requests = new Map<string | undefined, Request>()
  #closed = false

  constructor(environment: MediaEnvironment, fire: (rid: string | undefined) => void) {
    this.#environment = environment
    this.#fire = fire
  }

  request(rid: string | undefined): void {
    if (this.#closed) return
    const encoding = this.#requests.size < maxEncodings || this.#requests.has(rid) ? rid : undefined
    const request = this.#requestOf(encoding)
    if (request.cancel !== undefined) return
    const waitMs = Math.max(0, request.firedAt + keyframeIntervalMs - this.#environment.clock.now())
    const fire = (): void => this.#due(encoding, request)
    request.cancel = waitMs === 0 ? soon(fire) : this.#environment.timers.set(waitMs, fire)
  }

  /** Requests that were not passed on yet will not be. */
  close(): void {
    this.#closed = true
    for (const request of this.#requests.values()) request.cancel?.()
    this.#requests.clear()
  }

  #requestOf(rid: string | undefined): Request {
    const known = this.#requests.get(rid)
    if (known !== undefined) return known
    const request: Request = { firedAt: Number.NEGATIVE_INFINITY, cancel: undefined }
    this.#requests.set(rid, request)
    return request
  }

  #due(rid: string | undefined, request: Request): void {
    request.cancel = undefined
    request.firedAt = this.#environment.clock.now()
    this.#fire(rid)
  }
}

/** In a microtask: who asks is in the middle of a packet. */
export function soon(callback: () => void): CancelTimer {
  let cancelled = false
  queueMicrotask(() => {
    if (!cancelled) callback()
  })
  return () => {
    cancelled = true
  }
}
