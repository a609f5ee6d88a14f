import type { TransportAddress } from '../base/address.ts'
import type { Environment } from '../base/environment.ts'
import { type StunCredentials, type StunError, TurnClient, type TurnEvent, type TurnReceived } from '../ice/index.ts'
import { ServerSession } from '../pc/gathering/server-session.ts'
import { type Observed, observe, type Way } from './reach.ts'

/** How long the server may take to confirm that an allocation is given back. */
const closeTimeoutMs = 1_500

export interface AllocationOptions {
  readonly environment: Environment
  readonly way: Way
  readonly credentials: StunCredentials
  readonly timeoutMs: number
  readonly lifetimeSeconds?: number
}

/** Why there is no allocation. `errorCode` is the server's own, if it has answered. */
export interface AllocationFailure {
  readonly reason: string
  readonly errorCode?: number
}

/** Takes what a peer has sent to a relayed address. */
export type RelayReceiver = (data: Uint8Array, peer: TransportAddress) => void

/** An allocation on a TURN server. */
export class Allocation {
  /** Told what peers send. */
  onData: RelayReceiver = () => {}
  /** Told that the server does not relay to a peer. */
  onRefused: (peer: TransportAddress, error: StunError) => void = () => {}
  readonly #environment: Environment
  readonly #client: TurnClient
  readonly #session: ServerSession<TurnEvent, TurnReceived>
  readonly #observed: Observed
  readonly #way: Way
  readonly #settle: (failure: AllocationFailure | undefined) => void
  #allocated: Extract<TurnEvent, { type: 'allocated' }> | undefined
  #ended: () => void = () => {}
  #isOver = false

  /** Asks for an allocation; rejects never. */
  static request(options: AllocationOptions): Promise<Allocation | AllocationFailure> {
    return new Promise(resolve => {
      const allocation = new Allocation(options, failure => resolve(failure ?? allocation))
    })
  }

  private constructor(options: AllocationOptions, settle: (failure: AllocationFailure | undefined) => void) {
    const { environment, way, credentials, timeoutMs, lifetimeSeconds } = options
    const { open, observed } = observe(way.open, environment)
    this.#environment = environment
    this.#way = way
    this.#settle = settle
    this.#observed = observed
    this.#client = new TurnClient({
      random: environment.random,
      reliable: way.host === undefined,
      credentials,
      // RFC 8656 §7.1: an IPv6 address as well, where the server has one
      additionalFamily: true,
      timing: { rtoMs: Math.min(500, timeoutMs), timeoutMs, closeTimeoutMs },
      ...(lifetimeSeconds === undefined ? {} : { lifetimeSeconds }),
    })
    this.#session = new ServerSession({
      environment,
      open,
      core: this.#client,
      onEvent: event => this.#handle(event),
      onReceived: received => this.#take(received),
      onLinkClosed: reason => this.#fail({ reason }),
    })
    environment.timers.set(timeoutMs, () => {
      if (this.#client.state === 'new') this.#fail({ reason: 'the server does not take the connection in time' })
    })
  }

  /** The addresses that peers send to, IPv4 first. */
  get relayed(): readonly TransportAddress[] {
    return this.#allocated?.relayed ?? []
  }

  /** Our address as the server sees it. */
  get mapped(): TransportAddress | undefined {
    return this.#allocated?.mapped
  }

  get local(): TransportAddress | undefined {
    return this.#way.host?.local ?? this.#session.local
  }

  get lifetimeSeconds(): number {
    return this.#allocated?.lifetimeSeconds ?? 0
  }

  /** Of the latest request to the server. */
  get observed(): Observed {
    return this.#observed
  }

  send(data: Uint8Array, peer: TransportAddress): void {
    this.#client.send(data, peer, this.#environment.clock.now())
    this.#session.pump()
  }

  /** Lets a peer send to us before we send to it. */
  permit(peer: TransportAddress): void {
    this.#client.permit(peer, this.#environment.clock.now())
    this.#session.pump()
  }

  /** Gives the allocation back; fulfilled when the server knows, or does not answer. */
  close(): Promise<void> {
    if (this.#isOver) return Promise.resolve()
    return new Promise(resolve => {
      this.#ended = resolve
      this.#client.close(this.#environment.clock.now())
      this.#session.pump()
    })
  }

  #handle(event: TurnEvent): void {
    if (event.type === 'allocated') {
      this.#allocated = event
      this.#settle(undefined)
    } else if (event.type === 'failed' || event.type === 'lost') {
      const { message: reason, errorCode } = event.error
      this.#fail(errorCode === undefined ? { reason } : { reason, errorCode })
    } else if (event.type === 'redirected') {
      const { address, port } = event.server
      this.#fail({ reason: `the server wants another one to be asked: ${address} port ${port}`, errorCode: 300 })
    } else if (event.type === 'peer-refused') this.onRefused(event.peer, event.error)
    else if (event.type === 'closed') this.#end()
  }

  #take(received: TurnReceived): boolean {
    if ('drop' in received) return false
    if ('peer' in received) this.onData(received.data, received.peer)
    return true
  }

  #fail(failure: AllocationFailure): void {
    this.#settle(failure)
    this.#end()
  }

  #end(): void {
    this.#isOver = true
    this.#session.close()
    this.#ended()
  }
}
