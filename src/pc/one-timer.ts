import type { CancelTimer, Timers } from '../base/environment.ts'

/** The one timer of a driver: for the earliest deadline of its cores. */
export class OneTimer {
  readonly #timers: Timers
  readonly #callback: () => void
  #armed: { readonly at: number; readonly cancel: CancelTimer } | undefined

  constructor(timers: Timers, callback: () => void) {
    this.#timers = timers
    this.#callback = callback
  }

  /** @param at when to call back at the latest; undefined: there is no need to */
  arm(at: number | undefined, now: number): void {
    // A timer that fires early is harmless; re-arming one at every packet is not cheap.
    if (at === undefined || (this.#armed !== undefined && this.#armed.at <= at)) return
    this.cancel()
    this.#armed = { at, cancel: this.#timers.set(Math.max(0, at - now), this.#fire) }
  }

  cancel(): void {
    this.#armed?.cancel()
    this.#armed = undefined
  }

  readonly #fire = (): void => {
    this.#armed = undefined
    this.#callback()
  }
}
