import { addressKey, type TransportAddress } from '../../base/address.ts'
import type { Queue } from '../../base/queue.ts'
import { StunError } from '../errors.ts'
import { stunMethod } from '../stun/message.ts'
import type { TurnEvent } from './events.ts'
import type { TurnOutcome, TurnRequests } from './purpose.ts'
import { connectRetryMs } from './timing.ts'

/** How many connections to peers may be asked for, or refused to be asked for again, at a time. */
export const maxConnects = 64

/** The connections to peers that a TCP allocation was asked for. RFC 6062 §4.3. */
export class Connects {
  readonly #requests: TurnRequests
  readonly #events: Queue<TurnEvent>
  /** By peer: asked for, or when it may be tried again after it has failed. */
  readonly #attempts = new Map<string, 'asked' | { readonly error: StunError; readonly retryAt: number }>()

  constructor(requests: TurnRequests, events: Queue<TurnEvent>) {
    this.#requests = requests
    this.#events = events
  }

  connect(peer: TransportAddress, now: number): void {
    this.#forget(now)
    const attempt = this.#attempts.get(addressKey(peer))
    // RFC 6062 §4.3: not two for the same peer at once
    if (attempt === 'asked') return
    // RFC 6062 §4.3: not again within 10 seconds
    if (attempt !== undefined) this.#fail(peer, attempt.error)
    else if (this.#attempts.size >= maxConnects) this.#fail(peer, new StunError('error-response', tooMany))
    else {
      this.#attempts.set(addressKey(peer), 'asked')
      this.#requests.send({ kind: 'connect', peer }, stunMethod.connect, { xorPeerAddress: [peer] }, now)
    }
  }

  settled(peer: TransportAddress, outcome: TurnOutcome, now: number): void {
    this.#attempts.delete(addressKey(peer))
    if (outcome.kind === 'error') {
      const { error } = outcome
      if (error.errorCode === connectionFailure) {
        this.#attempts.set(addressKey(peer), { error, retryAt: now + connectRetryMs })
      }
      this.#fail(peer, error)
      return
    }
    const { connectionId } = outcome.response.attributes
    if (connectionId === undefined) this.#fail(peer, new StunError('malformed'))
    else this.#events.push({ type: 'connected', connectionId, peer })
  }

  #fail(peer: TransportAddress, error: StunError): void {
    this.#events.push({ type: 'connect-failed', peer, error })
  }

  #forget(now: number): void {
    for (const [key, attempt] of this.#attempts) {
      if (attempt !== 'asked' && attempt.retryAt <= now) this.#attempts.delete(key)
    }
  }
}

/** RFC 6062 §6.3. */
const connectionFailure = 447

/** RFC 8656 §19: what a server would say. */
const tooMany = { code: 508, reason: 'Insufficient Capacity' } as const
