import { equalBytes } from '../../../base/bytes.ts'
import type { StunAttributes } from '../../stun/attributes.ts'
import { type ParsedStunMessage, stunMethod } from '../../stun/message.ts'
import { type AllocatePlan, lifetimeOf, planAllocation } from './allocate-request.ts'
import type { Allocation } from './allocation.ts'
import type { AllocationOutcome, Allocator } from './allocator.ts'
import type { Authenticator, ResponseKey } from './authentication.ts'
import type { ServerCounters } from './counters.ts'
import type { Connection } from './endpoints.ts'
import { maxRefusals, type ServerLimits } from './limits.ts'
import type { PeerConnections } from './peer-connections.ts'
import { peerKind } from './peer-rules.ts'
import type { Permissions } from './permissions.ts'
import { type Answerable, keep, type Responder, reasonOf } from './responses.ts'
import type { ClientPath } from './sockets.ts'
import type { Account } from './users.ts'

export interface RequestHandlerOptions {
  readonly authenticator: Authenticator
  readonly permissions: Permissions
  readonly allocator: Allocator
  readonly peers: PeerConnections
  readonly responder: Responder
  readonly counters: ServerCounters
  readonly limits: ServerLimits
  readonly tcpRelay: boolean
  /** Makes an allocation that of a client. */
  readonly attach: (path: ClientPath, allocation: Allocation) => void
  /** Ends one. */
  readonly release: (allocation: Allocation) => void
  /** Closes a connection once what was sent has left. */
  readonly disconnect: (connection: Connection) => void
}

/** A request, with where it came from and what is there already. */
export interface ClientRequest {
  readonly message: ParsedStunMessage
  readonly path: ClientPath
  readonly allocation: Allocation | undefined
  readonly connection: Connection | undefined
}

/** A request of a known user. */
interface AuthenticRequest extends ClientRequest {
  readonly account: Account
  readonly responseKey: ResponseKey
}

/** What a request is refused with; nothing if it was answered, or will be. */
type ErrorCode = number | undefined

/** The methods that a TURN server knows, all of them for known users only. */
const methods: ReadonlySet<number> = new Set([
  stunMethod.allocate,
  stunMethod.refresh,
  stunMethod.createPermission,
  stunMethod.channelBind,
  stunMethod.connect,
  stunMethod.connectionBind,
])

/** Answers the requests of TURN. RFC 8656 §5. */
export class RequestHandler {
  readonly #options: RequestHandlerOptions

  constructor(options: RequestHandlerOptions) {
    this.#options = options
  }

  handle(request: ClientRequest, now: number): void {
    const { authenticator, responder, counters } = this.#options
    const { message, path, allocation, connection } = request
    if (!methods.has(message.method)) {
      counters.drops.unsupported++
      return
    }
    const verdict = authenticator.judge(message, path, allocation?.account, now)
    if (verdict.kind === 'refused') {
      responder.refuse(message, path, verdict, now)
      if (connection !== undefined && ++connection.refusals >= maxRefusals) this.#options.disconnect(connection)
      return
    }
    counters.requests++
    if (connection !== undefined) connection.refusals = 0
    const { account, responseKey } = verdict
    // RFC 8489 §6.3.1: what must be understood and isn't
    if (message.unknownRequired.length > 0) {
      responder.error(message, path, 420, responseKey, { unknownAttributes: message.unknownRequired })
      return
    }
    // RFC 8656 §7.2 step 3, §10.2: 400 for attributes that are malformed or invalid
    const code = message.isWellFormed ? this.#dispatch({ ...request, account, responseKey }, now) : 400
    if (code !== undefined) responder.error(message, path, code, responseKey)
  }

  #dispatch(request: AuthenticRequest, now: number): ErrorCode {
    const { message, allocation, account } = request
    if (message.method === stunMethod.allocate) return this.#allocate(request, now)
    if (message.method === stunMethod.connectionBind) return this.#connectionBind(request)
    // RFC 8656 §5: 437 without an allocation, 441 for that of another user
    if (allocation === undefined || allocation.state !== 'open' || isExpired(allocation, now)) return 437
    if (allocation.account.username !== account.username) return 441
    if (message.method === stunMethod.refresh) return this.#refresh(request, allocation, now)
    const { channelNumber, xorPeerAddress } = message.attributes
    const { permissions, peers } = this.#options
    if (message.method === stunMethod.connect) {
      return peers.connect(allocation, message, xorPeerAddress, request.responseKey, now)
    }
    const isChannel = message.method === stunMethod.channelBind
    // RFC 6062 §3: TCP has connections, and no channels
    if (isChannel && allocation.transport === 'tcp') return 400
    const code = isChannel
      ? permissions.bind(allocation, channelNumber, xorPeerAddress, now)
      : permissions.create(allocation, xorPeerAddress, now)
    return code ?? this.#succeed(request, {})
  }

  /** RFC 8656 §7.2. */
  #allocate(request: AuthenticRequest, now: number): ErrorCode {
    const { allocator, responder, limits, tcpRelay, attach } = this.#options
    const { message, path, allocation, account, responseKey } = request
    // RFC 8656 §21.4: none for a client behind a tunnel, and so no channel either
    if (peerKind(path.remote.address) === 'tunnel') return 403
    if (allocation !== undefined && isExpired(allocation, now)) this.#options.release(allocation)
    else if (allocation !== undefined) return this.#allocateAgain(request, allocation, now)
    const plan = planAllocation(message.attributes, path.transport, { families: allocator.families, tcpRelay })
    if ('code' in plan) {
      responder.error(message, path, plan.code, responseKey, plan.attributes)
      return undefined
    }
    const refusal = allocator.refusal(account, plan)
    if (refusal !== undefined) return refusal
    const lifetimeMs = 1000 * lifetimeOf(message.attributes.lifetime, limits.maxLifetimeSeconds)
    const { transactionId } = message
    const pending = keep(message)
    const begun = allocator.begin({ client: path, account, transactionId, plan, lifetimeMs }, now, outcome => {
      this.#finish(outcome, pending, allocated(outcome, plan, lifetimeMs), responseKey)
    })
    // RFC 8656 §7.2, step 5: a token that is not valid
    if (begun === undefined) return 508
    if (begun.state !== 'closed') attach(path, begun)
    return undefined
  }

  /** The sockets are open, or can't be opened. */
  #finish(outcome: AllocationOutcome, request: Answerable, attributes: StunAttributes, responseKey: ResponseKey): void {
    const { allocation } = outcome
    const { responder, counters, release } = this.#options
    if (allocation.relays.length > 0) {
      counters.allocations++
      responder.success(request, allocation.client, attributes, responseKey)
    } else {
      responder.error(request, allocation.client, 508, responseKey)
      release(allocation)
    }
  }

  /** RFC 8656 §7.2, step 2; but the same request, sent again, gets the same answer. */
  #allocateAgain(request: AuthenticRequest, allocation: Allocation, now: number): ErrorCode {
    const { message, account } = request
    const isSame =
      equalBytes(allocation.transactionId, message.transactionId) && allocation.account.username === account.username
    if (!isSame) return 437
    if (allocation.state !== 'open') return undefined
    return this.#succeed(request, { ...relayedAddresses(allocation), lifetime: secondsLeft(allocation, now) })
  }

  /** RFC 8656 §8.2. */
  #refresh(request: AuthenticRequest, allocation: Allocation, now: number): ErrorCode {
    const { allocator, limits, release } = this.#options
    const { requestedAddressFamily: family, lifetime } = request.message.attributes
    const relays = allocation.relays.filter(({ address }) => family === undefined || address.family === family)
    if (relays.length === 0) return 443
    if (lifetime !== 0) {
      const seconds = lifetimeOf(lifetime, limits.maxLifetimeSeconds)
      for (const relay of relays) relay.expiresAt = now + 1000 * seconds
      return this.#succeed(request, { lifetime: seconds })
    }
    for (const relay of relays) allocator.removeRelay(relay)
    if (allocation.relays.length === 0) release(allocation)
    return this.#succeed(request, { lifetime: 0 })
  }

  #connectionBind({ message, connection, account, responseKey }: AuthenticRequest): ErrorCode {
    // RFC 6062 §5.4: over TCP or TLS only
    if (connection === undefined) return 400
    return this.#options.peers.bind(connection, message.attributes.connectionId, account, message, responseKey)
  }

  #succeed({ message, path, responseKey }: AuthenticRequest, attributes: StunAttributes): undefined {
    this.#options.responder.success(message, path, attributes, responseKey)
  }
}

function allocated({ allocation, missing }: AllocationOutcome, plan: AllocatePlan, lifetimeMs: number): StunAttributes {
  // RFC 8656 §7.2, step 9: why there is only one of two addresses
  const [failed] = missing
  const code = plan.unsupportedFamily === undefined ? 508 : 440
  const family = plan.unsupportedFamily ?? failed
  return {
    ...relayedAddresses(allocation),
    lifetime: lifetimeMs / 1000,
    ...(family === undefined ? {} : { addressErrorCode: { family, code, reason: reasonOf(code) } }),
  }
}

function relayedAddresses({ relays, client, reservationToken }: Allocation): StunAttributes {
  return {
    xorRelayedAddress: relays.map(({ address }) => address),
    xorMappedAddress: client.remote,
    ...(reservationToken === undefined ? {} : { reservationToken }),
  }
}

function isExpired(allocation: Allocation, now: number): boolean {
  return allocation.state === 'open' && allocation.relays.every(({ expiresAt }) => expiresAt <= now)
}

function secondsLeft(allocation: Allocation, now: number): number {
  const until = Math.min(...allocation.relays.map(({ expiresAt }) => expiresAt))
  return Math.max(0, Math.ceil((until - now) / 1000))
}
