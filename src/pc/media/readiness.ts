import type { CancelTimer, Timers } from '../../base/environment.ts'

/** After so long it is tried again whether more is taken, if nobody says so before. */
export const retryMs = 50

interface Wait {
  readonly promise: Promise<void>
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
}

/** Whether it is worth writing: what a `ready` promise is made of. */
export class Readiness {
  readonly #timers: Timers
  #wait: Wait | undefined
  #cancel: CancelTimer | undefined
  #failed: Promise<never> | undefined

  constructor(timers: Timers) {
    this.#timers = timers
  }

  /** Resolved if more can be written; rejected if nothing can any more. */
  get promise(): Promise<void> {
    return this.#failed ?? this.#wait?.promise ?? Promise.resolve()
  }

  /** Nobody takes anything: until {@link ready}. */
  pause(): void {
    this.#wait ??= newWait()
  }

  /** Too much waits to be sent: until {@link ready}, or for a while. */
  hold(): void {
    this.pause()
    this.#cancel ??= this.#timers.set(retryMs, () => this.ready())
  }

  ready(): void {
    this.#stopTimer()
    this.#wait?.resolve()
    this.#wait = undefined
  }

  fail(reason: unknown): void {
    this.#stopTimer()
    this.#failed = unbothering(Promise.reject(reason))
    this.#wait?.reject(reason)
    this.#wait = undefined
  }

  #stopTimer(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }
}

function newWait(): Wait {
  let resolve: Wait['resolve'] = () => undefined
  let reject: Wait['reject'] = () => undefined
  const promise = new Promise<void>((onReady, onFailure) => {
    resolve = onReady
    reject = onFailure
  })
  return { promise: unbothering(promise), resolve, reject }
}

/** Nobody has to wait for it: its rejection is not reported as unhandled. */
function unbothering<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined)
  return promise
}
