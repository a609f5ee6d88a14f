import type { Converter } from './webidl.ts'

/** webrtc-pc §4.4.3.1 */
export type RTCPeerConnectionErrorCallback = (error: DOMException) => void

/** What the legacy forms of promised methods tell their outcome to. */
export interface LegacyCallbacks {
  readonly success: (value: unknown) => unknown
  readonly failure: (reason: unknown) => unknown
}

type Callback = (value: unknown) => unknown

/** WebIDL §3.2.19: a callback function type. */
const callback: Converter<Callback> = (value, context) => {
  if (typeof value !== 'function') throw new TypeError(`${context} is not a function`)
  return value as Callback
}

/**
 * The two callbacks among the arguments of a method.
 *
 * @param at the index of the first
 * @throws {TypeError} where they are no functions
 */
export function toLegacyCallbacks(given: readonly unknown[], at: number, context: string): LegacyCallbacks {
  return {
    success: callback(given[at], `${context}: argument ${at + 1}`),
    failure: callback(given[at + 1], `${context}: argument ${at + 2}`),
  }
}

/** webrtc-pc §4.4.3.1: what a legacy method does with the promise of the method that it stands for. */
export function tellCallbacks(promise: Promise<unknown>, { success, failure }: LegacyCallbacks): undefined {
  promise.then(
    value => invoke(success, value),
    (reason: unknown) => invoke(failure, reason),
  )
}

/** WebIDL §3.12: what a callback throws is reported, and is no concern of any promise. */
function invoke(called: Callback, value: unknown): void {
  try {
    Reflect.apply(called, undefined, [value])
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}
