import { attributeType, type StunAttributes } from '../../stun/attributes.ts'
import { defaultLifetimeSeconds } from './limits.ts'
import type { ClientTransport } from './sockets.ts'

/** What an Allocate request asks for, after all that makes it invalid was looked at. */
export interface AllocatePlan {
  readonly transport: 'udp' | 'tcp'
  /** One, or IPv4 and IPv6. */
  readonly families: readonly (4 | 6)[]
  /** RFC 8656 §7.2, step 9: asked for besides, but not to be had. */
  readonly unsupportedFamily: 4 | 6 | undefined
  readonly ports: 'any' | 'even' | 'pair'
  readonly reservationToken: Uint8Array | undefined
}

export interface AllocateRefusal {
  readonly code: number
  readonly attributes?: StunAttributes
}

export interface AllocateCapabilities {
  readonly families: readonly (4 | 6)[]
  readonly tcpRelay: boolean
}

/** RFC 791: protocol numbers of IP. */
const udp = 17
const tcp = 6

/**
 * Checks what can be checked without looking at the state of the server.
 *
 * RFC 8656 §7.2, steps 3 to 9, in their order; RFC 6062 §5.1 for TCP.
 */
export function planAllocation(
  attributes: StunAttributes,
  clientTransport: ClientTransport,
  capabilities: AllocateCapabilities,
): AllocatePlan | AllocateRefusal {
  const { requestedTransport, dontFragment, reservationToken, evenPort } = attributes
  const { requestedAddressFamily: requested, additionalAddressFamily: additional } = attributes
  // RFC 8656 §7.2, step 3
  if (requestedTransport === undefined) return { code: 400 }
  if (requestedTransport !== udp && !(requestedTransport === tcp && capabilities.tcpRelay)) return { code: 442 }
  if (requestedTransport === tcp) {
    // RFC 6062 §5.1: over TCP or TLS only, and without what belongs to UDP
    if (clientTransport === 'udp') return { code: 400 }
    if (dontFragment !== undefined || evenPort !== undefined || reservationToken !== undefined) return { code: 400 }
  }
  // RFC 8656 §7.2, step 4: the sockets of Node.js cannot set the DF bit
  if (dontFragment !== undefined) {
    return { code: 420, attributes: { unknownAttributes: [attributeType('dontFragment')] } }
  }
  // RFC 8656 §7.2, steps 5, 6, 8 and 9
  const excluded = evenPort !== undefined || requested !== undefined || additional !== undefined
  if (reservationToken !== undefined && excluded) return { code: 400 }
  if (requested !== undefined && additional !== undefined) return { code: 400 }
  if (additional !== undefined && (additional === 4 || evenPort?.reserveNext === true)) return { code: 400 }
  const families = chooseFamilies(requested, additional, capabilities.families)
  if (families === undefined) return { code: 440 }
  return {
    ...families,
    transport: requestedTransport === tcp ? 'tcp' : 'udp',
    ports: evenPort === undefined ? 'any' : evenPort.reserveNext ? 'pair' : 'even',
    reservationToken,
  }
}

/** RFC 8656 §7.2, steps 7 and 9; undefined if not even one of those asked for is supported. */
function chooseFamilies(
  requested: 4 | 6 | undefined,
  additional: 4 | 6 | undefined,
  supported: readonly (4 | 6)[],
): Pick<AllocatePlan, 'families' | 'unsupportedFamily'> | undefined {
  if (additional === undefined) {
    const family = requested ?? 4
    return supported.includes(family) ? { families: [family], unsupportedFamily: undefined } : undefined
  }
  const both: readonly (4 | 6)[] = [4, 6]
  const families = both.filter(family => supported.includes(family))
  return { families, unsupportedFamily: both.find(family => !supported.includes(family)) }
}

/** RFC 8656 §7.2, §8.2: what the client wishes, between the default and the maximum. */
export function lifetimeOf(requested: number | undefined, maxSeconds: number): number {
  return Math.max(defaultLifetimeSeconds, Math.min(requested ?? 0, maxSeconds))
}
