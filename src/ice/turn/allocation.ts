import type { TransportAddress } from '../../base/address.ts'
import { StunError } from '../errors.ts'
import type { StunAttributes } from '../stun/attributes.ts'
import { defaultLifetimeMs } from './timing.ts'

/** Which relayed addresses are asked for: of the family that the server likes (it is IPv4), of one family, or of both. */
export type AllocationShape = 'any' | 4 | 6 | 'dual'

/** RFC 8656 §18.8, RFC 6062 §4.1: protocol numbers of IP. */
const protocolNumber = { udp: 17, tcp: 6 } as const

export interface AllocationRequest {
  readonly shape: AllocationShape
  readonly transport: 'udp' | 'tcp'
  readonly lifetimeSeconds: number | undefined
  readonly software: string
}

/** What a server has granted. */
export interface Grant {
  /** IPv4 first. */
  readonly relayed: readonly TransportAddress[]
  readonly mapped: TransportAddress
  readonly lifetimeMs: number
  readonly refused?: { readonly family: 4 | 6; readonly error: StunError }
}

/** The attributes of an Allocate request. RFC 8656 §7.1. */
export function allocateAttributes(request: AllocationRequest): StunAttributes {
  return {
    requestedTransport: protocolNumber[request.transport],
    // RFC 8656 §7.2: without the attribute the server allocates IPv4, and an old one that does not know it refuses none
    ...(request.shape === 6 ? { requestedAddressFamily: 6 } : {}),
    // RFC 8656 §7.1: never both attributes in one request
    ...(request.shape === 'dual' ? { additionalAddressFamily: 6 } : {}),
    ...refreshAttributes(request),
  }
}

/** The attributes of a Refresh request. RFC 8656 §8.1: without a family it is for both halves of a dual allocation. */
export function refreshAttributes(
  request: Pick<AllocationRequest, 'lifetimeSeconds' | 'software'>,
): Pick<StunAttributes, 'lifetime' | 'software'> {
  return {
    ...(request.lifetimeSeconds === undefined ? {} : { lifetime: request.lifetimeSeconds }),
    // RFC 8656 §5: in all Allocate and Refresh requests
    software: request.software,
  }
}

/** The lifetime that a response tells, in milliseconds. */
export function grantedLifetimeMs(attributes: StunAttributes): number {
  return attributes.lifetime === undefined ? defaultLifetimeMs : attributes.lifetime * 1000
}

/**
 * Reads an Allocate success response. Undefined if it lacks something, or if nothing in it is of a family that was asked
 * for: RFC 8656 §7.3 has such an allocation deleted.
 */
export function readGrant(attributes: StunAttributes, shape: AllocationShape): Grant | undefined {
  const { xorRelayedAddress = [], xorMappedAddress: mapped, addressErrorCode } = attributes
  const families = shape === 'any' || shape === 'dual' ? ([4, 6] as const) : [shape]
  const relayed = families.flatMap(family => xorRelayedAddress.find(address => address.family === family) ?? [])
  const lifetimeMs = grantedLifetimeMs(attributes)
  if (relayed.length === 0 || mapped === undefined || lifetimeMs === 0) return undefined
  if (shape !== 'dual' || relayed.length === 2) return { relayed, mapped, lifetimeMs }
  const family = relayed[0]?.family === 4 ? 6 : 4
  // RFC 8656 §7.3: 440 or 508. A server that says nothing does not know the attribute, as it may: RFC 8489 §14
  const error = new StunError('error-response', addressErrorCode ?? unknownAttribute)
  return { relayed, mapped, lifetimeMs, refused: { family, error } }
}

/** RFC 8489 §14.8: what a server would say if it had to understand it. */
const unknownAttribute = { code: 420, reason: '' } as const

/**
 * What to ask for next after an error, if anything.
 *
 * A server may refuse the whole of a dual request: with 400 or 420 because it knows of no such thing, with 440 because it
 * has no IPv4 addresses (RFC 8656 §7.2, step 7).
 */
export function narrowedShape(shape: AllocationShape, { errorCode }: StunError): AllocationShape | undefined {
  if (shape !== 'dual') return undefined
  if (errorCode === 400 || errorCode === 420) return 'any'
  return errorCode === 440 ? 6 : undefined
}
