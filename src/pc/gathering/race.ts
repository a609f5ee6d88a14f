import type { CancelTimer, Timers } from '../../base/environment.ts'

/**
 * One of several ways to the same end.
 *
 * @param done to be called once: with the result, or with undefined if it did not work. It may be called at once.
 * @returns what stops it; not called any more after `done`
 */
export type Attempt<Result> = (done: (result: Result | undefined) => void) => () => void

/**
 * Starts attempts one after another, `staggerMs` apart or as soon as the one before has failed, and lets them run in
 * parallel. The first that works is kept and the others are stopped.
 *
 * @param done called once: with the first result, or with undefined when all have failed
 * @returns what stops all of them; `done` is not called any more
 */
export function race<Result>(
  timers: Timers,
  staggerMs: number,
  attempts: readonly Attempt<Result>[],
  done: (result: Result | undefined) => void,
): () => void {
  const running = new Set<() => void>()
  let next = 0
  let failed = 0
  let ended = false
  let cancelStagger: CancelTimer | undefined

  const stop = (): void => {
    ended = true
    cancelStagger?.()
    for (const cancel of running) cancel()
    running.clear()
  }

  const end = (result: Result | undefined): void => {
    stop()
    done(result)
  }

  const startNext = (): void => {
    cancelStagger?.()
    const attempt = attempts[next++]
    if (ended || attempt === undefined) return
    let settled = false
    let cancel: (() => void) | undefined
    const started = attempt(result => {
      settled = true
      if (cancel !== undefined) running.delete(cancel)
      if (ended) return
      if (result !== undefined) end(result)
      else if (++failed === attempts.length) end(undefined)
      else startNext()
    })
    if (settled || ended) return
    cancel = started
    running.add(cancel)
    if (next < attempts.length) cancelStagger = timers.set(staggerMs, startNext)
  }

  if (attempts.length === 0) done(undefined)
  else startNext()
  return stop
}

/** The same attempt, with something made of its result. */
export function mapped<A, B>(attempt: Attempt<A>, map: (result: A) => B): Attempt<B> {
  return done => attempt(result => done(result === undefined ? undefined : map(result)))
}
