import { createHash } from 'node:crypto'
import { sameAddress, type TransportAddress } from '../base/address.ts'
import { parseIp, parseIpv4 } from '../base/ip.ts'

export type CandidateType = 'host' | 'srflx' | 'prflx' | 'relay'
export type CandidateComponent = 1 | 2

/** A transport address through which an agent can perhaps be reached. RFC 8445 §5.1, RFC 8839 §5.1. */
export interface IceCandidate {
  /** Equal for candidates whose checks are likely to have the same outcome. RFC 8445 §5.1.1.3. */
  readonly foundation: string
  /** 1 for RTP or everything together, 2 for a separate RTCP. */
  readonly component: CandidateComponent
  readonly protocol: 'udp' | 'tcp'
  /** 1 to 2^31 - 1, greater is better. */
  readonly priority: number
  readonly address: TransportAddress
  readonly type: CandidateType
  readonly relatedAddress?: string
  readonly relatedPort?: number
  readonly tcpType?: 'active' | 'passive' | 'so'
}

/** A candidate of our own: `base` is where its datagrams leave from. */
export interface LocalCandidate extends IceCandidate {
  readonly base: TransportAddress
}

/** RFC 8445 §5.1.2.2: the recommended type preferences. */
const typePreference: { readonly [Type in CandidateType]: number } = { host: 126, prflx: 110, srflx: 100, relay: 0 }

/** RFC 8445 §5.1.2.1: what a single address gets. */
export const maxLocalPreference = 65535

/** RFC 8445 §5.1.2.1. `localPreference` is 0 to 65535 and unique for each address of a type. */
export function candidatePriority(type: CandidateType, localPreference: number, component: CandidateComponent): number {
  return typePreference[type] * 2 ** 24 + localPreference * 2 ** 8 + (256 - component)
}

export interface HostCandidateOptions {
  /** 1 if absent. */
  readonly component?: CandidateComponent
  /** {@link maxLocalPreference} if absent. */
  readonly localPreference?: number
  /** A secret to mix into the foundation where the address is not to be told: addresses are few enough to try them all. */
  readonly foundationSalt?: string
}

/**
 * The host candidate of a bound UDP socket; `base` is kept as the very object that it is.
 *
 * Its foundation depends on the IP address alone, as RFC 8445 §5.1.1.3 asks, and is a short hash.
 */
export function hostCandidate(base: TransportAddress, options: HostCandidateOptions = {}): LocalCandidate {
  const component = options.component ?? 1
  return {
    foundation: foundationOf('host', 'udp', `${options.foundationSalt ?? ''}${base.address}`),
    component,
    protocol: 'udp',
    priority: candidatePriority('host', options.localPreference ?? maxLocalPreference, component),
    address: base,
    type: 'host',
    base,
  }
}

/**
 * The priority that a peer-reflexive candidate found by checks from `candidate` would have.
 *
 * RFC 8445 §7.1.1: as the candidate's own, with the type preference exchanged.
 */
export function peerReflexivePriority(candidate: LocalCandidate): number {
  return typePreference.prflx * 2 ** 24 + (candidate.priority % 2 ** 24)
}

/** RFC 8445 §7.2.5.3.1: our own address as the peer sees it, where no candidate has it yet. */
export function localPeerReflexive(checkedFrom: LocalCandidate, mapped: TransportAddress): LocalCandidate {
  return {
    foundation: foundationOf('prflx', checkedFrom.protocol, checkedFrom.base.address),
    component: checkedFrom.component,
    protocol: checkedFrom.protocol,
    priority: peerReflexivePriority(checkedFrom),
    address: mapped,
    type: 'prflx',
    relatedAddress: checkedFrom.base.address,
    relatedPort: checkedFrom.base.port,
    base: checkedFrom.base,
  }
}

/** RFC 8445 §7.3.1.3: the peer's address as we see it, where it has not signalled it (yet). */
export function remotePeerReflexive(options: {
  readonly address: TransportAddress
  readonly receivedOn: LocalCandidate
  readonly priority: number
  /** Tells it from the other candidates that were found this way. */
  readonly ordinal: number
}): IceCandidate {
  return {
    foundation: `prflx${options.ordinal}`,
    component: options.receivedOn.component,
    protocol: options.receivedOn.protocol,
    priority: options.priority,
    address: options.address,
    type: 'prflx',
  }
}

/**
 * Whether checks between the two make sense.
 *
 * RFC 8445 §6.1.2.2: same component, same family, and IPv6 link-local addresses among themselves. A loopback address
 * is reached from a loopback address alone. Pairs of TCP candidates are not formed.
 */
export function canPair(local: LocalCandidate, remote: IceCandidate): boolean {
  const from = local.base
  const to = remote.address
  return (
    local.component === remote.component &&
    local.protocol === 'udp' &&
    remote.protocol === 'udp' &&
    from.family === to.family &&
    isLoopback(from) === isLoopback(to) &&
    isIpv6LinkLocal(from) === isIpv6LinkLocal(to)
  )
}

/**
 * A remote candidate with its address in canonical form, or undefined if nothing could ever be sent there: no IP
 * literal, no port, or an address that stands for nobody or for many.
 */
export function usableRemoteCandidate(candidate: IceCandidate): IceCandidate | undefined {
  const { address, port } = candidate.address
  const ip = parseIp(address)
  if (ip === undefined || !isUnicast(ip.address)) return undefined
  if (!Number.isInteger(port) || port < 1 || port > 65535) return undefined
  // RFC 8839 §5.1: the priority is a positive 32-bit number
  if (!(candidate.priority >= 0 && candidate.priority <= 0xffff_ffff)) return undefined
  if (ip.address === address && ip.family === candidate.address.family) return candidate
  return { ...candidate, address: { ...ip, port } }
}

/** RFC 8445 §5.1.3: a candidate is redundant if its address and base equal those of another. */
export function isRedundant(a: LocalCandidate, b: LocalCandidate): boolean {
  return a.protocol === b.protocol && sameAddress(a.address, b.address) && sameAddress(a.base, b.base)
}

function foundationOf(type: CandidateType, protocol: string, baseAddress: string): string {
  const hash = createHash('sha256').update(`${type} ${protocol} ${baseAddress}`).digest('base64')
  return hash.slice(0, 8)
}

function isLoopback(address: TransportAddress): boolean {
  return address.family === 4 ? address.address.startsWith('127.') : address.address === '::1'
}

/** RFC 4291 §2.5.6: fe80::/10. */
function isIpv6LinkLocal(address: TransportAddress): boolean {
  return address.family === 6 && /^fe[89ab]/.test(address.address)
}

function isUnicast(address: string): boolean {
  const first = parseIpv4(address)?.[0]
  if (first !== undefined) return first !== 0 && first < 224
  return address !== '::' && !address.startsWith('ff')
}
