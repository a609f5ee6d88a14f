import type { Environment } from '../../base/environment.ts'
import type { SansIo } from '../../base/machine.ts'
import { OneTimer } from '../one-timer.ts'

/**
 * Runs a core that talks with one other side: what it transmits is sent, its deadline is kept, its events are told.
 *
 * After each call into the core, {@link pump} is to be called.
 */
export class CoreDriver<Event, Output = Uint8Array> {
  readonly #environment: Pick<Environment, 'clock' | 'timers'>
  readonly #core: SansIo<Event, Output>
  readonly #send: (message: Output) => void
  readonly #onEvent: (event: Event) => void
  readonly #timer: OneTimer
  #stopped = false

  constructor(options: {
    readonly environment: Pick<Environment, 'clock' | 'timers'>
    readonly core: SansIo<Event, Output>
    readonly send: (message: Output) => void
    readonly onEvent: (event: Event) => void
  }) {
    this.#environment = options.environment
    this.#core = options.core
    this.#send = options.send
    this.#onEvent = options.onEvent
    this.#timer = new OneTimer(options.environment.timers, () => {
      this.#core.handleTimeout(this.#environment.clock.now())
      this.pump()
    })
  }

  /** Sends what is to be sent, tells what is to be told, and arms the timer. */
  pump(): void {
    if (this.#stopped) return
    const now = this.#environment.clock.now()
    this.flush(now)
    for (let event = this.#core.pollEvent(); event !== undefined; event = this.#core.pollEvent()) {
      this.#onEvent(event)
      if (this.#stopped) return
    }
    // Telling may have led to more.
    this.flush(now)
    this.#timer.arm(this.#core.pollTimeout(), now)
  }

  /** Sends what is to be sent, and nothing else. */
  flush(now: number): void {
    for (let message = this.#core.pollTransmit(now); message !== undefined; message = this.#core.pollTransmit(now)) {
      this.#send(message)
    }
  }

  /** Lets go of the core; nothing is sent or told any more. */
  stop(): void {
    this.#stopped = true
    this.#timer.cancel()
  }
}
