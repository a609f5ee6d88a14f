import type { TransportAddress } from '../../base/address.ts'
import type { CancelTimer, Environment } from '../../base/environment.ts'
import type { SansIo } from '../../base/machine.ts'
import { CoreDriver } from './core-driver.ts'
import type { OpenLink, ServerLink } from './server-link.ts'

/** How long a connection to a server may take to be there. */
export const connectTimeoutMs = 9_500

/** A core that speaks with a server: a Binding client or a TURN client. */
export interface ServerCore<Event, Received> extends SansIo<Event, Uint8Array> {
  start(now: number): void
  receive(message: Uint8Array, now: number): Received
}

export interface ServerSessionOptions<Event, Received> {
  readonly environment: Pick<Environment, 'clock' | 'timers'>
  readonly open: OpenLink
  readonly core: ServerCore<Event, Received>
  readonly onEvent: (event: Event) => void
  /** What became of a message; false: it was none of this core's business. */
  readonly onReceived: (received: Received) => boolean
  /** The link could not be opened, or is gone. */
  readonly onLinkClosed: (reason: string) => void
}

/** One core, the link it speaks over, and the timer it needs. It starts at once. */
export class ServerSession<Event, Received> {
  readonly #options: ServerSessionOptions<Event, Received>
  readonly #driver: CoreDriver<Event>
  readonly #link: ServerLink
  #cancelConnectTimeout: CancelTimer | undefined
  #closed = false

  constructor(options: ServerSessionOptions<Event, Received>) {
    this.#options = options
    const { environment, core, onEvent } = options
    this.#driver = new CoreDriver({ environment, core, onEvent, send: message => this.#link.send(message) })
    this.#link = options.open({
      ready: () => this.#start(),
      receive: message => this.#receive(message),
      closed: reason => this.#onLinkClosed(reason),
    })
    if (this.#link.isReady) this.#start()
    else {
      const timeUp = (): void => this.#onLinkClosed('the server did not take the connection in time')
      this.#cancelConnectTimeout = environment.timers.set(connectTimeoutMs, timeUp)
    }
  }

  /** Where we send from, once that is known. */
  get local(): TransportAddress | undefined {
    return this.#link.local.port === 0 ? undefined : this.#link.local
  }

  /** To be called after each call into the core. */
  pump(): void {
    this.#driver.pump()
  }

  /** Sends what the core has left to say, then forgets about it. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#cancelConnectTimeout?.()
    this.#driver.flush(this.#options.environment.clock.now())
    this.#driver.stop()
    this.#link.close()
  }

  #start(): void {
    if (this.#closed) return
    this.#cancelConnectTimeout?.()
    this.#options.core.start(this.#options.environment.clock.now())
    this.#driver.pump()
  }

  #receive(message: Uint8Array): boolean {
    if (this.#closed) return false
    const received = this.#options.core.receive(message, this.#options.environment.clock.now())
    const taken = this.#options.onReceived(received)
    this.#driver.pump()
    return taken
  }

  #onLinkClosed(reason: string): void {
    if (this.#closed) return
    this.close()
    this.#options.onLinkClosed(reason)
  }
}
