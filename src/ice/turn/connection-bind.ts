import type { RandomSource } from '../../base/environment.ts'
import type { SansIo } from '../../base/machine.ts'
import { Queue } from '../../base/queue.ts'
import { StunError } from '../errors.ts'
import type { LongTermCredentials } from '../stun/credentials.ts'
import { headerLength } from '../stun/header.ts'
import { decodeMessage, stunMethod } from '../stun/message.ts'
import { Requests } from './requests.ts'
import type { TurnTiming } from './timing.ts'

/** The longest response that is waited for, in bytes. Longer ones end it: nothing that long is one. */
export const maxBindResponseBytes = 4_096

export type ConnectionBindEvent =
  /** From now on the connection is the peer's: what is written to it goes there. `data` has come from there already. */
  { readonly type: 'bound'; readonly data: Uint8Array } | { readonly type: 'failed'; readonly error: StunError }

export type ConnectionBindState = 'new' | 'binding' | 'bound' | 'failed'

export interface ConnectionBindOptions {
  readonly random: RandomSource
  /**
   * Those of the control connection, with the challenge that it has met. RFC 6062 §4.3: the same method and credentials; and
   * there are servers that take no data connection without.
   */
  readonly credentials: LongTermCredentials
  readonly connectionId: number
  readonly timing: TurnTiming
}

/**
 * Makes a connection to a TURN server the data connection of a peer. RFC 6062 §4.3.
 *
 * Once `bound` was told it has done its work; the connection carries nothing but the peer's bytes then.
 */
export class ConnectionBind implements SansIo<ConnectionBindEvent, Uint8Array> {
  readonly #connectionId: number
  readonly #requests: Requests<'bind'>
  readonly #outgoing = new Queue<Uint8Array>()
  readonly #events = new Queue<ConnectionBindEvent>()
  #state: ConnectionBindState = 'new'
  #received: Uint8Array = new Uint8Array(0)

  constructor({ random, credentials, connectionId, timing }: ConnectionBindOptions) {
    this.#connectionId = connectionId
    this.#requests = new Requests({ random, credentials, reliable: true, timing, outgoing: this.#outgoing })
  }

  get state(): ConnectionBindState {
    return this.#state
  }

  /** The connection can be used. */
  start(now: number): void {
    if (this.#state !== 'new') return
    this.#state = 'binding'
    this.#requests.send('bind', stunMethod.connectionBind, { connectionId: this.#connectionId }, now)
  }

  /** Takes bytes of the stream, until `bound` was told. */
  receive(chunk: Uint8Array, now: number): void {
    if (this.#state !== 'binding') return
    this.#received = Buffer.concat([this.#received, chunk])
    for (let message = this.#next(); message !== undefined; message = this.#next()) {
      if (this.#take(message, now)) return
    }
  }

  /** The connection has gone. */
  connectionLost(): void {
    if (this.#state === 'new' || this.#state === 'binding') this.#fail(new StunError('connection-lost'))
  }

  handleTimeout(now: number): void {
    for (const outcome of this.#requests.poll(now)) if (outcome.kind === 'error') this.#fail(outcome.error)
  }

  pollTransmit(): Uint8Array | undefined {
    return this.#outgoing.shift()
  }

  pollEvent(): ConnectionBindEvent | undefined {
    return this.#events.shift()
  }

  pollTimeout(): number | undefined {
    return this.#requests.deadline
  }

  /** The next whole message of the stream. */
  #next(): Uint8Array | undefined {
    const received = this.#received
    if (this.#state !== 'binding' || received.length < headerLength) return undefined
    const length = headerLength + (((received[2] ?? 0) << 8) | (received[3] ?? 0))
    if (length > maxBindResponseBytes) {
      this.#fail(new StunError('malformed'))
      return undefined
    }
    if (received.length < length) return undefined
    this.#received = received.subarray(length)
    return received.subarray(0, length)
  }

  /** @returns whether it was the last one */
  #take(bytes: Uint8Array, now: number): boolean {
    const message = decodeMessage(bytes)
    if (message === undefined) {
      this.#fail(new StunError('malformed'))
      return true
    }
    if (message.class !== 'success' && message.class !== 'error') return false
    const result = this.#requests.receive(message, now)
    if (typeof result === 'string') return false
    if (result.kind === 'error') this.#fail(result.error)
    else {
      this.#state = 'bound'
      this.#events.push({ type: 'bound', data: this.#received })
      this.#received = noBytes
    }
    return true
  }

  #fail(error: StunError): void {
    this.#state = 'failed'
    this.#received = noBytes
    this.#requests.clear()
    this.#events.push({ type: 'failed', error })
  }
}

const noBytes = new Uint8Array(0)
