import type { TransportAddress } from '../../base/address.ts'
import type { Environment } from '../../base/environment.ts'
import { assertNever } from '../../base/errors.ts'
import { BindingClient, type BindingEvent, type BindingReceived } from '../../ice/index.ts'
import type { Attempt } from './race.ts'
import { type ServerFailure, toServerFailure, unreachable } from './server-failure.ts'
import type { OpenLink } from './server-link.ts'
import { ServerSession } from './server-session.ts'
import { serverTiming } from './server-timing.ts'

/** How often a server is told to call another one before it is given up. RFC 8489 §10 wants a loop to be noticed. */
export const maxRedirects = 3

/** Our address as a STUN server sees it. It is kept open by asking again from time to time, until it is stopped. */
export interface Reflexive {
  readonly address: TransportAddress
  readonly server: TransportAddress
  readonly roundTripMs: number
  stop(): void
}

export interface ReflexiveOptions {
  readonly environment: Pick<Environment, 'clock' | 'timers' | 'random'>
  readonly server: TransportAddress
  /** TCP or TLS: the transport repeats what is lost, and what was learned of one connection is learned for good. */
  readonly reliable: boolean
  /** How to reach a server from the socket in question; undefined if it cannot be from there. */
  readonly open: (server: TransportAddress) => OpenLink | undefined
  readonly onFailure: (failure: ServerFailure) => void
  /** The NAT gave us another address later. */
  readonly onChanged: (address: TransportAddress) => void
}

/** Asks a server what our address looks like. RFC 8445 §5.1.1.2. */
export function reflexiveAttempt(options: ReflexiveOptions): Attempt<Reflexive> {
  return done => {
    const search = new Search(options, done)
    search.ask(options.server, 0)
    return () => search.stop()
  }
}

class Search {
  readonly #options: ReflexiveOptions
  readonly #done: (found: Reflexive | undefined) => void
  #session: ServerSession<BindingEvent, BindingReceived> | undefined
  #found = false

  constructor(options: ReflexiveOptions, done: (found: Reflexive | undefined) => void) {
    this.#options = options
    this.#done = done
  }

  ask(server: TransportAddress, redirects: number): void {
    const { environment, reliable } = this.#options
    const open = this.#options.open(server)
    if (open === undefined) {
      this.#fail(unreachable('the server sends us to one that cannot be reached from here'))
      return
    }
    const { refreshMs, ...timing } = serverTiming
    this.#session = new ServerSession({
      environment,
      open,
      core: new BindingClient({ random: environment.random, reliable, timing, ...(reliable ? {} : { refreshMs }) }),
      onEvent: event => this.#handle(event, server, redirects),
      onReceived: received => 'handled' in received,
      onLinkClosed: reason => this.#fail(unreachable(reason)),
    })
  }

  stop(): void {
    this.#session?.close()
  }

  #handle(event: BindingEvent, server: TransportAddress, redirects: number): void {
    switch (event.type) {
      case 'mapped':
        this.#onMapped(event.address, event.roundTripMs, server)
        break
      case 'redirected':
        this.#session?.close()
        // There are no credentials to give away: following is safe, going in circles is not.
        if (redirects < maxRedirects) this.ask(event.server, redirects + 1)
        else this.#fail({ errorCode: 300, errorText: 'sent from server to server', local: this.#session?.local })
        break
      case 'failed':
        this.#fail(toServerFailure(event.error, this.#session?.local))
        break
      default:
        assertNever(event)
    }
  }

  #onMapped(address: TransportAddress, roundTripMs: number, server: TransportAddress): void {
    if (this.#found) {
      this.#options.onChanged(address)
      return
    }
    this.#found = true
    if (this.#options.reliable) this.#session?.close()
    this.#done({ address, server, roundTripMs, stop: () => this.stop() })
  }

  #fail(failure: ServerFailure): void {
    this.#session?.close()
    if (this.#found) return
    this.#options.onFailure(failure)
    this.#done(undefined)
  }
}
