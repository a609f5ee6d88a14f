import { sameAddress, type TransportAddress } from '../../base/address.ts'
import { equalBytes } from '../../base/bytes.ts'
import type { RandomSource } from '../../base/environment.ts'
import type { SansIo } from '../../base/machine.ts'
import { Queue } from '../../base/queue.ts'
import { StunError } from '../errors.ts'
import { RoundTrip } from '../round-trip.ts'
import type { StunErrorCode } from './attribute-codecs.ts'
import type { StunAttributes } from './attributes.ts'
import { LongTermCredentials, type StunCredentials } from './credentials.ts'
import { decodeMessage, encodeMessage, type ReceivedStunMessage, type StunMessage, stunMethod } from './message.ts'
import { newTransactionId, Retransmission } from './transaction.ts'

export interface BindingClientOptions {
  readonly random: RandomSource
  /** Over TCP or TLS: nothing is sent again. */
  readonly reliable: boolean
  /** For servers that ask for them, which few do. */
  readonly credentials?: StunCredentials
  readonly timing?: BindingTiming
  /** How long after an answer the server is asked again, in milliseconds, so that NATs keep the mapping. Never, if absent. */
  readonly refreshMs?: number
}

/** In milliseconds. */
export interface BindingTiming {
  /** The first interval between two transmissions. RFC 8489 §6.2.1: 500 or more. */
  readonly rtoMs: number
  /** The greatest one; doubled without end if absent. */
  readonly maxRtoMs?: number
  /** How long an answer is waited for, with all retransmissions. */
  readonly timeoutMs: number
}

/** RFC 8489 §6.2.1 and, with the same patience, §6.2.2. */
export const defaultBindingTiming: BindingTiming = { rtoMs: 500, timeoutMs: 39_500 }

export type BindingEvent =
  /** The server sees us at `address`. Comes again whenever a refresh shows another one. */
  | {
      readonly type: 'mapped'
      readonly address: TransportAddress
      /** From the first transmission of the request to the answer. */
      readonly roundTripMs: number
      /** RFC 5780: the server's other address and port, if it has some. */
      readonly otherAddress?: TransportAddress
      /** RFC 5780: where the server says it answers from. */
      readonly responseOrigin?: TransportAddress
      readonly software?: string
    }
  /** Nothing more will come, unless it is started again. */
  | { readonly type: 'failed'; readonly error: StunError }
  /**
   * Another server is to be asked: it is over with this one. RFC 8489 §10.
   *
   * Whoever follows is to count: redirections can go in circles. What is not `verified` can come from anyone on the way, so that
   * the other server must be given no credentials. `domain` is the name to verify its certificate with, if not the same.
   */
  | {
      readonly type: 'redirected'
      readonly server: TransportAddress
      readonly domain?: string
      readonly verified: boolean
    }

/** Why a datagram was of no use. */
export type BindingDrop = 'malformed' | 'not-a-response' | 'unknown-transaction' | 'bad-integrity'
export type BindingReceived = { readonly handled: true } | { readonly drop: BindingDrop }

/**
 * Asks a STUN server for the address that it sees, and goes on asking if that is wanted: the Binding method of RFC 8489.
 *
 * The driver sends what {@link pollTransmit} gives to one server, from one socket or on one connection, and hands in what
 * comes from there.
 */
export class BindingClient implements SansIo<BindingEvent, Uint8Array> {
  readonly #options: BindingClientOptions
  readonly #timing: BindingTiming
  readonly #credentials: LongTermCredentials | undefined
  readonly #roundTrip = new RoundTrip()
  readonly #output = new Queue<Uint8Array>()
  readonly #events = new Queue<BindingEvent>()
  #request: BindingRequest | undefined
  #refreshAt: number | undefined
  #mapped: TransportAddress | undefined

  /** @throws {IceError} `invalid-credentials` */
  constructor(options: BindingClientOptions) {
    this.#options = options
    this.#timing = options.timing ?? defaultBindingTiming
    this.#credentials = options.credentials === undefined ? undefined : new LongTermCredentials(options.credentials)
  }

  /** Asks now, unless an answer is being waited for. */
  start(now: number): void {
    if (this.#request === undefined) this.#ask(now)
  }

  /** Takes a whole message, or something else, from the server's address. */
  receive(data: Uint8Array, now: number): BindingReceived {
    const response = decodeMessage(data)
    if (response === undefined) return { drop: 'malformed' }
    if ((response.class !== 'success' && response.class !== 'error') || response.method !== stunMethod.binding) {
      return { drop: 'not-a-response' }
    }
    const request = this.#request
    if (request === undefined || !equalBytes(request.transactionId, response.transactionId)) {
      return { drop: 'unknown-transaction' }
    }
    const check = this.#credentials?.check(response) ?? { kind: 'authentic', verified: false }
    switch (check.kind) {
      case 'forged':
        return this.#discard(request, now)
      case 'retry':
        this.#ask(now)
        break
      case 'rejected':
        this.#fail(new StunError('unauthorized', check.error), now)
        break
      case 'authentic':
        this.#answered(response, check.verified, request, now)
    }
    return handled
  }

  /** The connection is gone, and with it the mapping. RFC 8489 §6.2.2. */
  connectionLost(): void {
    if (this.#request === undefined && this.#mapped === undefined) return
    this.close()
    this.#events.push({ type: 'failed', error: new StunError('connection-lost') })
  }

  /** Asks no more. */
  close(): void {
    this.#request = undefined
    this.#refreshAt = undefined
    this.#mapped = undefined
    this.#output.clear()
    this.#events.clear()
  }

  handleTimeout(now: number): void {
    if (this.#refreshAt !== undefined && now >= this.#refreshAt) this.#ask(now)
    const request = this.#request
    switch (request?.retransmission.poll(now)) {
      case 'resend':
        this.#output.push(request?.bytes ?? noBytes)
        break
      case 'expired':
        // RFC 8489 §9.2.5: if all that came was discarded, it is no time-out but an attack, or a server that lacks the password
        this.#fail(new StunError(request?.forged === true ? 'unauthorized' : 'timeout'), now)
    }
  }

  pollTransmit(): Uint8Array | undefined {
    return this.#output.shift()
  }

  pollEvent(): BindingEvent | undefined {
    return this.#events.shift()
  }

  pollTimeout(): number | undefined {
    return this.#request?.retransmission.deadline ?? this.#refreshAt
  }

  #ask(now: number): void {
    const transactionId = newTransactionId(this.#options.random)
    const message: StunMessage = { class: 'request', method: stunMethod.binding, transactionId, attributes: {} }
    const bytes = this.#credentials?.encode(message) ?? encodeMessage(message)
    // RFC 8489 §6.2.1: the next transaction starts with what the last ones have taught; §6.2.2: nothing is sent again over TCP
    const rtoMs = this.#options.reliable
      ? Number.POSITIVE_INFINITY
      : Math.max(this.#timing.rtoMs, this.#roundTrip.rtoMs ?? 0)
    const { timeoutMs, maxRtoMs = Number.POSITIVE_INFINITY } = this.#timing
    const retransmission = new Retransmission({ now, rtoMs, timeoutMs, maxIntervalMs: maxRtoMs })
    this.#request = { transactionId, bytes, retransmission, forged: false }
    this.#refreshAt = undefined
    this.#output.clear()
    this.#output.push(bytes)
  }

  #discard(request: BindingRequest, now: number): BindingReceived {
    request.forged = true
    // RFC 8489 §9.2.5: over a reliable transport nothing better can come
    if (this.#options.reliable) this.#fail(new StunError('unauthorized'), now)
    return { drop: 'bad-integrity' }
  }

  #answered(response: ReceivedStunMessage, verified: boolean, request: BindingRequest, now: number): void {
    const { errorCode: error, xorMappedAddress, mappedAddress } = response.attributes
    // RFC 8489 §6.3.3: servers of RFC 3489 know only MAPPED-ADDRESS, which some NATs rewrite
    const address = xorMappedAddress ?? mappedAddress
    const isUsable = response.class === 'error' ? error !== undefined : address !== undefined && address.port !== 0
    // RFC 8489 §6.3.3, §6.3.4: attributes that we had to understand end the transaction as well
    if (!isUsable || response.unknownRequired.length > 0) this.#fail(new StunError('malformed'), now)
    else if (error !== undefined && response.class === 'error') this.#refused(response.attributes, error, verified, now)
    else if (address !== undefined) this.#succeed(response.attributes, address, request, now)
  }

  #refused(attributes: StunAttributes, error: StunErrorCode, verified: boolean, now: number): void {
    const { alternateServer: server, alternateDomain: domain } = attributes
    if (error.code !== tryAlternate || server === undefined || this.#mapped !== undefined) {
      this.#fail(new StunError(error.code === unauthenticated ? 'unauthorized' : 'error-response', error), now)
      return
    }
    this.#request = undefined
    this.#events.push({ type: 'redirected', server, verified, ...(domain === undefined ? {} : { domain }) })
  }

  #succeed(attributes: StunAttributes, address: TransportAddress, request: BindingRequest, now: number): void {
    this.#roundTrip.measure(request.retransmission, now)
    this.#request = undefined
    this.#scheduleRefresh(now)
    if (this.#mapped !== undefined && sameAddress(this.#mapped, address)) return
    this.#mapped = address
    const { otherAddress, responseOrigin, software } = attributes
    this.#events.push({
      type: 'mapped',
      address,
      roundTripMs: now - request.retransmission.startedAt,
      ...(otherAddress === undefined ? {} : { otherAddress }),
      ...(responseOrigin === undefined ? {} : { responseOrigin }),
      ...(software === undefined ? {} : { software }),
    })
  }

  /** Once there is an address, a refresh that fails is no news: the next one may succeed. */
  #fail(error: StunError, now: number): void {
    this.#request = undefined
    if (this.#mapped === undefined) this.#events.push({ type: 'failed', error })
    else this.#scheduleRefresh(now)
  }

  #scheduleRefresh(now: number): void {
    const { refreshMs } = this.#options
    this.#refreshAt = refreshMs === undefined ? undefined : now + refreshMs
  }
}

/** The one request that is waiting for its answer. */
interface BindingRequest {
  readonly transactionId: Uint8Array
  readonly bytes: Uint8Array
  readonly retransmission: Retransmission
  /** An answer was discarded for its integrity. */
  forged: boolean
}

const tryAlternate = 300
const unauthenticated = 401
const handled: BindingReceived = { handled: true }
const noBytes = new Uint8Array(0)
