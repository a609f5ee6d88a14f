import type { RandomSource } from '../../base/environment.ts'
import type { Queue } from '../../base/queue.ts'
import { StunError } from '../errors.ts'
import { RoundTrip } from '../round-trip.ts'
import type { StunAttributes } from '../stun/attributes.ts'
import type { LongTermCredentials } from '../stun/credentials.ts'
import type { ReceivedStunMessage } from '../stun/message.ts'
import { earliestDeadline, newTransactionId, Retransmission, transactionKey } from '../stun/transaction.ts'
import type { TurnTiming } from './timing.ts'

/**
 * How often one request is sent anew because the server wants other credentials or another nonce. Challenges in a row are
 * counted by {@link LongTermCredentials}; this is for a server that accepts other requests in between.
 */
export const maxRetries = 4

/** What a request ended with. `sentAt` is when it first left: whatever lives on the server since, lives since then or later. */
export type Outcome<Purpose> =
  | {
      readonly kind: 'success'
      readonly purpose: Purpose
      readonly response: ReceivedStunMessage
      readonly sentAt: number
    }
  | {
      readonly kind: 'error'
      readonly purpose: Purpose
      readonly error: StunError
      /** Absent if nothing came, or nothing that could be trusted. */
      readonly response?: ReceivedStunMessage
    }

/** What became of a response. */
export type ResponseResult<Purpose> = Outcome<Purpose> | 'handled' | 'unknown-transaction' | 'bad-integrity'

export interface RequestsOptions {
  readonly random: RandomSource
  readonly credentials: LongTermCredentials
  /** Whether the transport delivers by itself: nothing is sent twice then. */
  readonly reliable: boolean
  readonly timing: TurnTiming
  readonly outgoing: Queue<Uint8Array>
}

interface Request<Purpose> {
  readonly purpose: Purpose
  readonly method: number
  readonly attributes: StunAttributes
  readonly timeoutMs: number
  readonly bytes: Uint8Array
  readonly retransmission: Retransmission
  /** How often the server wanted it with something else. */
  readonly retries: number
  /** The {@link Requests.#generation} of the credentials that it was made with. */
  readonly generation: number
  /** Whether somebody has answered it who could not prove to be the server. */
  forged: boolean
}

/**
 * The requests of one association with a server that are on their way: retransmission, credentials, and the end of each.
 *
 * `Purpose` is what the caller wants to be reminded of when a request has ended.
 */
export class Requests<Purpose> {
  readonly #options: RequestsOptions
  readonly #requests = new Map<string, Request<Purpose>>()
  readonly #roundTrip = new RoundTrip()
  /** Counts the challenges that changed the credentials. */
  #generation = 0

  constructor(options: RequestsOptions) {
    this.#options = options
  }

  /** The next time that {@link poll} has something to do. */
  get deadline(): number | undefined {
    return earliestDeadline(this.#requests.values())
  }

  /** Forgets all requests; answers that still come belong to nothing. */
  clear(): void {
    this.#requests.clear()
  }

  send(purpose: Purpose, method: number, attributes: StunAttributes, now: number, timeoutMs?: number): void {
    this.#transmit({ purpose, method, attributes, timeoutMs: timeoutMs ?? this.#options.timing.timeoutMs }, 0, now)
  }

  /** Takes a success or error response. RFC 8489 §6.3.3, §6.3.4, §9.2.5. */
  receive(response: ReceivedStunMessage, now: number): ResponseResult<Purpose> {
    const transaction = transactionKey(response.transactionId)
    const request = this.#requests.get(transaction)
    if (request === undefined || request.method !== response.method) return 'unknown-transaction'
    if (isChallenge(response) && request.generation !== this.#generation) {
      // Several requests were on their way when the nonce expired. The first of them to be refused has brought the new one.
      return this.#retry(transaction, request, response, now)
    }
    const check = this.#options.credentials.check(response)
    if (check.kind === 'forged') return this.#distrust(transaction, request)
    this.#roundTrip.measure(request.retransmission, now)
    if (check.kind === 'retry') {
      this.#generation++
      return this.#retry(transaction, request, response, now)
    }
    this.#requests.delete(transaction)
    if (check.kind === 'rejected') return failure(request, new StunError('unauthorized', check.error), response)
    return conclude(request, response)
  }

  /** Sends again what is due, and returns the requests that nobody has answered. */
  poll(now: number): readonly Outcome<Purpose>[] {
    const ended: Outcome<Purpose>[] = []
    for (const [transaction, request] of this.#requests) {
      const due = request.retransmission.poll(now)
      if (due === 'resend') this.#options.outgoing.push(request.bytes)
      if (due !== 'expired') continue
      this.#requests.delete(transaction)
      ended.push(failure(request, new StunError(request.forged ? 'unauthorized' : 'timeout')))
    }
    return ended
  }

  #transmit(
    request: Pick<Request<Purpose>, 'purpose' | 'method' | 'attributes' | 'timeoutMs'>,
    retries: number,
    now: number,
  ): void {
    const { random, credentials, reliable, outgoing, timing } = this.#options
    const transactionId = newTransactionId(random)
    const bytes = credentials.encode({
      class: 'request',
      method: request.method,
      transactionId,
      attributes: request.attributes,
    })
    const retransmission = new Retransmission({
      now,
      rtoMs: this.#rtoMs,
      maxIntervalMs: timing.maxRtoMs,
      timeoutMs: request.timeoutMs,
    })
    // RFC 8489 §6.2.2: over a reliable transport a request is sent once, and waited for as long
    if (reliable) retransmission.cancel()
    const generation = this.#generation
    const { purpose, method, attributes, timeoutMs } = request
    this.#requests.set(transactionKey(transactionId), {
      purpose,
      method,
      attributes,
      timeoutMs,
      bytes,
      retransmission,
      retries,
      generation,
      forged: false,
    })
    outgoing.push(bytes)
  }

  /** RFC 8489 §9.2.5: as a new transaction, with what the challenge has brought. */
  #retry(
    transaction: string,
    request: Request<Purpose>,
    response: ReceivedStunMessage,
    now: number,
  ): ResponseResult<Purpose> {
    this.#requests.delete(transaction)
    if (request.retries >= maxRetries) {
      return failure(request, new StunError('unauthorized', response.attributes.errorCode), response)
    }
    this.#transmit(request, request.retries + 1, now)
    return 'handled'
  }

  #distrust(transaction: string, request: Request<Purpose>): ResponseResult<Purpose> {
    if (!this.#options.reliable) {
      // RFC 8489 §9.2.5: as if it had never been received; but if nothing better comes, that is what is told in the end
      request.forged = true
      return 'bad-integrity'
    }
    // RFC 8489 §9.2.5: over a reliable transport the transaction ends at once
    this.#requests.delete(transaction)
    return failure(request, new StunError('unauthorized'))
  }

  get #rtoMs(): number {
    const { rtoMs, rtoFloorMs, maxRtoMs } = this.#options.timing
    return Math.min(Math.max(this.#roundTrip.rtoMs ?? rtoMs, rtoFloorMs), maxRtoMs)
  }
}

function isChallenge(response: ReceivedStunMessage): boolean {
  const code = response.class === 'error' ? response.attributes.errorCode?.code : undefined
  return code === 401 || code === 438
}

function conclude<Purpose>(request: Request<Purpose>, response: ReceivedStunMessage): Outcome<Purpose> {
  const { errorCode } = response.attributes
  // RFC 8489 §6.3.3, §6.3.4: attributes that we had to understand, or a code that is missing, end the transaction
  if (response.unknownRequired.length > 0 || (response.class === 'error' && errorCode === undefined)) {
    return failure(request, new StunError('malformed'))
  }
  if (errorCode !== undefined && response.class === 'error') {
    return failure(request, new StunError('error-response', errorCode), response)
  }
  return { kind: 'success', purpose: request.purpose, response, sentAt: request.retransmission.startedAt }
}

function failure<Purpose>(
  { purpose }: Request<Purpose>,
  error: StunError,
  response?: ReceivedStunMessage,
): Outcome<Purpose> {
  return response === undefined ? { kind: 'error', purpose, error } : { kind: 'error', purpose, error, response }
}
