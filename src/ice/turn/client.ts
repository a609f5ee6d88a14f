import type { TransportAddress } from '../../base/address.ts'
import type { RandomSource } from '../../base/environment.ts'
import type { SansIo } from '../../base/machine.ts'
import { Queue } from '../../base/queue.ts'
import { StunError } from '../errors.ts'
import { LongTermCredentials, type StunCredentials } from '../stun/credentials.ts'
import { decodeMessage, encodeMessage, type ReceivedStunMessage, stunMethod } from '../stun/message.ts'
import { newTransactionId } from '../stun/transaction.ts'
import {
  type AllocationRequest,
  type AllocationShape,
  allocateAttributes,
  narrowedShape,
  readGrant,
  refreshAttributes,
} from './allocation.ts'
import { isChannelData } from './channel-data.ts'
import { ConnectionBind } from './connection-bind.ts'
import { Connects } from './connects.ts'
import type { TurnEvent } from './events.ts'
import { Lease } from './lease.ts'
import { canonicalAddress } from './peers.ts'
import type { TurnOutcome, TurnRequests } from './purpose.ts'
import { type TurnReceived, turnDropped, turnHandled } from './received.ts'
import { Relay } from './relay.ts'
import { Requests } from './requests.ts'
import { defaultTurnTiming, type TurnTiming } from './timing.ts'

export interface TurnClientOptions {
  readonly random: RandomSource
  /** Whether the transport to the server is a byte stream: TCP or TLS. */
  readonly reliable: boolean
  readonly credentials: StunCredentials
  /** The family of the relayed address. If absent, the one that the server prefers, which is IPv4. */
  readonly family?: 4 | 6
  /** Asks for an IPv6 address beside the IPv4 one, and makes do with one of them. Then `family` means nothing. */
  readonly additionalFamily?: boolean
  /** `udp` if absent. `tcp`, RFC 6062, needs a reliable transport: its data goes over connections of their own. */
  readonly requestedTransport?: 'udp' | 'tcp'
  /** The lifetime to ask for. The server decides; 600 s is usual. */
  readonly lifetimeSeconds?: number
  readonly timing?: Partial<TurnTiming>
  /** How the client introduces itself. */
  readonly software?: string
}

/**
 * `failed` and `redirected` end what never was an allocation; `lost` and `closed` what was one. `closing` comes before each
 * of them if there is something to delete. It lasts until the server has confirmed that, or for
 * {@link TurnTiming.closeTimeoutMs}, and ends with the event `closed`.
 */
export type TurnState = 'new' | 'allocating' | 'allocated' | 'closing' | 'closed' | 'failed' | 'redirected' | 'lost'

/** How it ended. */
type End = Extract<TurnState, 'closed' | 'failed' | 'redirected' | 'lost'>

interface Allocation {
  readonly relayed: readonly TransportAddress[]
  readonly relay: Relay
  readonly lease: Lease
}

type State =
  | { readonly kind: 'new' }
  | { readonly kind: 'allocating' }
  | { readonly kind: 'allocated'; readonly allocation: Allocation }
  | { readonly kind: 'closing'; readonly until: number; readonly as: End }
  | { readonly kind: 'ended'; readonly as: End }

/**
 * A TURN client, RFC 8656: one allocation on one server, over one 5-tuple. And RFC 6062, with `requestedTransport: 'tcp'`.
 *
 * What `pollTransmit` returns goes to the server, each a datagram of its own, or one after the other into the stream; what
 * comes from the server, as whole messages, and from nowhere else, goes to {@link receive}.
 */
export class TurnClient implements SansIo<TurnEvent, Uint8Array> {
  readonly #options: TurnClientOptions
  readonly #timing: TurnTiming
  readonly #request: Omit<AllocationRequest, 'shape'>
  readonly #credentials: LongTermCredentials
  readonly #requests: TurnRequests
  readonly #outgoing = new Queue<Uint8Array>()
  readonly #events = new Queue<TurnEvent>()
  readonly #connects: Connects
  #state: State = { kind: 'new' }
  #sentAt = 0
  /** When to see whether something was sent lately. Not moved for each packet. */
  #keepAliveAt = Number.POSITIVE_INFINITY
  #dropped = 0
  /** The next deadline, and whether it is to be found anew: bulk data does not change it. */
  #deadline: number | undefined
  #deadlineIsStale = false

  /**
   * @throws {IceError} `invalid-credentials`
   * @throws {TypeError} for a TCP allocation over an unreliable transport
   */
  constructor(options: TurnClientOptions) {
    const { random, reliable, requestedTransport: transport = 'udp', lifetimeSeconds, software = 'icefloe' } = options
    // RFC 6062 §4.1
    if (transport === 'tcp' && !reliable) throw new TypeError('a TCP allocation needs a connection over TCP or TLS')
    this.#options = options
    this.#timing = { ...defaultTurnTiming, ...options.timing }
    this.#request = { transport, lifetimeSeconds, software }
    this.#credentials = new LongTermCredentials(options.credentials)
    const shared = { random, credentials: this.#credentials, reliable, timing: this.#timing }
    this.#requests = new Requests({ ...shared, outgoing: this.#outgoing })
    this.#connects = new Connects(this.#requests, this.#events)
  }

  get state(): TurnState {
    return this.#state.kind === 'ended' ? this.#state.as : this.#state.kind
  }

  /** The addresses that peers send to; none without an allocation. IPv4 first. */
  get relayed(): readonly TransportAddress[] {
    return this.#state.kind === 'allocated' ? this.#state.allocation.relayed : []
  }

  /** Packets given to {@link send} that could not be: no allocation, no permission, or too many waiting for one. */
  get dropped(): number {
    return this.#dropped + (this.#state.kind === 'allocated' ? this.#state.allocation.relay.dropped : 0)
  }

  /** Asks for the allocation. */
  start(now: number): void {
    if (this.#state.kind !== 'new') return
    this.#state = { kind: 'allocating' }
    const { family = 'any', additionalFamily = false } = this.#options
    this.#allocate(additionalFamily ? 'dual' : family, now)
  }

  /** Takes one whole message of the server. */
  receive(message: Uint8Array, now: number): TurnReceived {
    if (isChannelData(message)) {
      if (this.#state.kind !== 'allocated') return turnDropped['no-allocation']
      return this.#state.allocation.relay.receiveChannelData(message)
    }
    const stun = decodeMessage(message)
    if (stun === undefined) return turnDropped.malformed
    if (stun.class === 'request') return turnDropped['unsupported-method']
    if (stun.class === 'indication') return this.#receiveIndication(stun)
    this.#deadlineIsStale = true
    const result = this.#requests.receive(stun, now)
    if (result === 'unknown-transaction' || result === 'bad-integrity') return turnDropped[result]
    if (result !== 'handled') this.#settle(result, now)
    return turnHandled
  }

  /**
   * Sends a packet to a peer. What the peer is permitted by first is seen to; until it is, a few packets wait.
   *
   * @param data belongs to the client from then on
   */
  send(data: Uint8Array, peer: TransportAddress, now: number): void {
    if (this.#state.kind !== 'allocated' || this.#request.transport === 'tcp') this.#dropped++
    else if (!this.#state.allocation.relay.send(data, peer, now)) this.#deadlineIsStale = true
  }

  /** Lets a peer send to us, or connect, before anything is sent to it. */
  permit(peer: TransportAddress, now: number): void {
    if (this.#state.kind !== 'allocated') return
    this.#deadlineIsStale = true
    this.#state.allocation.relay.permit(peer, now)
  }

  /** Has the server connect to a peer: `connected` or `connect-failed` tells how it went. RFC 6062 §4.3. */
  connect(peer: TransportAddress, now: number): void {
    const canonical = canonicalAddress(peer)
    if (this.#state.kind !== 'allocated' || this.#request.transport === 'udp' || canonical === undefined) return
    this.#deadlineIsStale = true
    this.#connects.connect(canonical, now)
  }

  /** What makes a new connection to the same server the data connection of a `connected` or `connection-attempt`. */
  connectionBind(connectionId: number): ConnectionBind {
    const { random } = this.#options
    return new ConnectionBind({ random, credentials: this.#credentials, connectionId, timing: this.#timing })
  }

  /** The connection to the server has gone, and with it the allocation. */
  connectionLost(): void {
    if (this.#state.kind === 'closing') this.#end(this.#state.as)
    else if (this.#state.kind === 'allocated') this.#lose(new StunError('connection-lost'))
    else if (this.#state.kind === 'allocating') this.#fail(new StunError('connection-lost'))
  }

  /** Gives the allocation back. The socket is to stay open while the state is `closing`, which `closed` ends. */
  close(now: number): void {
    if (this.#state.kind === 'new') this.#end('closed')
    else if (this.#state.kind === 'allocated') this.#delete('closed', now)
    else if (this.#state.kind === 'allocating') {
      // The server may have made the allocation already: it can be deleted once its answer is here.
      this.#state = { kind: 'closing', until: now + this.#timing.closeTimeoutMs, as: 'closed' }
      this.#deadlineIsStale = true
    }
  }

  /**
   * Finds out at once, by a Refresh, whether the allocation is still there: for when peers have gone silent. The server
   * may have been started anew, or see us at another address; RFC 8656 §8.3 has it say 437 then, and `lost` is told.
   */
  verify(now: number): void {
    if (this.#state.kind !== 'allocated') return
    this.#state.allocation.lease.verify(now)
    this.#deadlineIsStale = true
  }

  handleTimeout(now: number): void {
    this.#deadlineIsStale = true
    for (const outcome of this.#requests.poll(now)) this.#settle(outcome, now)
    if (this.#state.kind === 'closing' && now >= this.#state.until) this.#end(this.#state.as)
    if (this.#state.kind !== 'allocated') return
    const { lease, relay } = this.#state.allocation
    const failure = lease.poll(now)
    if (failure !== undefined) this.#lose(failure)
    else {
      relay.poll(now)
      if (now >= this.#keepAliveAt) this.#keepAlive(now)
    }
  }

  pollTransmit(now: number): Uint8Array | undefined {
    const message = this.#outgoing.shift()
    if (message !== undefined) this.#sentAt = now
    return message
  }

  pollEvent(): TurnEvent | undefined {
    return this.#events.shift()
  }

  pollTimeout(): number | undefined {
    if (this.#deadlineIsStale) {
      this.#deadline = this.#findDeadline()
      this.#deadlineIsStale = false
    }
    return this.#deadline
  }

  #findDeadline(): number | undefined {
    let deadline = this.#requests.deadline ?? Number.POSITIVE_INFINITY
    if (this.#state.kind === 'closing') deadline = Math.min(deadline, this.#state.until)
    if (this.#state.kind === 'allocated') {
      const { lease, relay } = this.#state.allocation
      deadline = Math.min(deadline, lease.deadline, this.#keepAliveAt, relay.deadline ?? Number.POSITIVE_INFINITY)
    }
    return Number.isFinite(deadline) ? deadline : undefined
  }

  #allocate(shape: AllocationShape, now: number): void {
    this.#deadlineIsStale = true
    const attributes = allocateAttributes({ ...this.#request, shape })
    this.#requests.send({ kind: 'allocate', shape }, stunMethod.allocate, attributes, now)
  }

  /** RFC 8656 §8.1: a lifetime of zero. Whatever else was on its way is of no interest any more. */
  #delete(as: End, now: number): void {
    const { closeTimeoutMs } = this.#timing
    this.#dropped = this.dropped
    this.#requests.clear()
    this.#state = { kind: 'closing', until: now + closeTimeoutMs, as }
    const attributes = { ...refreshAttributes(this.#request), lifetime: 0 }
    this.#requests.send({ kind: 'delete' }, stunMethod.refresh, attributes, now, closeTimeoutMs)
    this.#deadlineIsStale = true
  }

  #receiveIndication(indication: ReceivedStunMessage): TurnReceived {
    if (this.#state.kind !== 'allocated') return turnDropped['no-allocation']
    const { relay } = this.#state.allocation
    if (indication.method === stunMethod.data) return relay.receiveData(indication)
    if (indication.method !== stunMethod.connectionAttempt) return turnDropped['unsupported-method']
    if (this.#request.transport === 'udp') return turnDropped['unsupported-method']
    const { connectionId, xorPeerAddress } = indication.attributes
    const address = xorPeerAddress?.[0]
    if (connectionId === undefined || address === undefined || indication.unknownRequired.length > 0) {
      return turnDropped.malformed
    }
    // RFC 6062 §4.4: only peers that a permission was installed for
    if (!relay.permits(address)) return turnDropped['no-permission']
    this.#events.push({ type: 'connection-attempt', connectionId, peer: relay.sender(address) })
    return turnHandled
  }

  /** Takes the end of a request. */
  #settle(outcome: TurnOutcome, now: number): void {
    const { purpose } = outcome
    if (purpose.kind === 'allocate') {
      if (outcome.kind === 'success') this.#allocateGranted(purpose.shape, outcome, now)
      else this.#allocateRefused(purpose.shape, outcome, now)
      return
    }
    if (purpose.kind === 'delete') {
      // RFC 8656 §8.3: after 437 it is gone as well; after anything else the server will find out by itself
      if (this.#state.kind === 'closing') this.#end(this.#state.as)
      return
    }
    if (this.#state.kind !== 'allocated') return
    const { lease, relay } = this.#state.allocation
    const isRefresh = purpose.kind === 'refresh'
    const failure = mismatch(outcome) ?? (isRefresh ? lease.refreshSettled(purpose.attempt, outcome, now) : undefined)
    if (failure !== undefined) this.#lose(failure)
    if (failure !== undefined || isRefresh) return
    if (outcome.kind === 'error') lease.suspect(outcome.error, now)
    if (purpose.kind === 'permission') relay.permissionSettled(purpose.permission, outcome, now)
    else if (purpose.kind === 'connect') this.#connects.settled(purpose.peer, outcome, now)
    else if (relay.channelSettled(purpose.channel, outcome, now) && outcome.kind === 'error') {
      // RFC 8656 §12.3: client and server do not agree any more; a new allocation is the way out
      this.#events.push({ type: 'lost', error: outcome.error })
      this.#delete('lost', now)
    }
  }

  /** RFC 8656 §7.3. */
  #allocateGranted(shape: AllocationShape, outcome: TurnOutcome & { readonly kind: 'success' }, now: number): void {
    if (this.#state.kind === 'closing') {
      this.#delete(this.#state.as, now)
      return
    }
    const grant = readGrant(outcome.response.attributes, shape)
    if (grant === undefined) {
      this.#events.push({ type: 'failed', error: new StunError('malformed') })
      this.#delete('failed', now)
      return
    }
    const { relayed, mapped, lifetimeMs, refused } = grant
    const { random, reliable } = this.#options
    const requests = this.#requests
    const { timeoutMs, keepAliveMs } = this.#timing
    const families = relayed.map(({ family }) => family)
    const relay = new Relay({
      requests,
      outgoing: this.#outgoing,
      events: this.#events,
      random,
      families,
      reliable,
    })
    const attributes = refreshAttributes(this.#request)
    const lease = new Lease({ requests, attributes, timeoutMs }, lifetimeMs, outcome.sentAt)
    this.#state = { kind: 'allocated', allocation: { relayed, relay, lease } }
    if (!reliable) this.#keepAliveAt = now + keepAliveMs
    const lifetimeSeconds = lifetimeMs / 1000
    const half = refused === undefined ? {} : { refused }
    this.#events.push({ type: 'allocated', relayed, mapped, lifetimeSeconds, ...half })
  }

  /** RFC 8656 §7.4. */
  #allocateRefused(shape: AllocationShape, outcome: TurnOutcome & { readonly kind: 'error' }, now: number): void {
    const { error, response } = outcome
    const next = narrowedShape(shape, error)
    const { alternateServer: server, alternateDomain: domain } = response?.attributes ?? {}
    if (this.#state.kind === 'closing') this.#end(this.#state.as)
    else if (next !== undefined) this.#allocate(next, now)
    else if (error.errorCode !== tryAlternate || server === undefined) this.#fail(error)
    else {
      this.#events.push({ type: 'redirected', server, ...(domain === undefined ? {} : { domain }) })
      this.#end('redirected')
    }
  }

  /** RFC 8445 §11: an indication, which nobody answers. */
  #keepAlive(now: number): void {
    const { keepAliveMs } = this.#timing
    const dueAt = this.#sentAt + keepAliveMs
    this.#keepAliveAt = now >= dueAt ? now + keepAliveMs : dueAt
    if (now < dueAt) return
    const transactionId = newTransactionId(this.#options.random)
    this.#outgoing.push(
      encodeMessage({ class: 'indication', method: stunMethod.binding, transactionId, attributes: {} }),
    )
  }

  #fail(error: StunError): void {
    this.#events.push({ type: 'failed', error })
    this.#end('failed')
  }

  #lose(error: StunError): void {
    this.#events.push({ type: 'lost', error })
    this.#end('lost')
  }

  #end(as: End): void {
    this.#dropped = this.dropped
    this.#requests.clear()
    this.#outgoing.clear()
    if (this.#state.kind === 'closing' || as === 'closed') this.#events.push({ type: 'closed' })
    this.#state = { kind: 'ended', as }
    this.#deadlineIsStale = true
  }
}

/** RFC 8656 §5: after 437 to anything but Allocate the allocation no longer exists. */
function mismatch(outcome: TurnOutcome): StunError | undefined {
  return outcome.kind === 'error' && outcome.error.errorCode === 437 ? outcome.error : undefined
}

/** RFC 8489 §10. */
const tryAlternate = 300
