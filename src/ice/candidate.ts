import { createHash } from 'node:crypto'
import type { TransportAddress } from '../base/address.ts'
import {
  asPeerReflexive,
  candidatePriority,
  maxLocalPreference,
  type RelayProtocol,
  relayPriority,
  tcpLocalPreference,
  turnedTcpPreference,
} from './candidate-priority.ts'

export type CandidateType = 'host' | 'srflx' | 'prflx' | 'relay'
export type CandidateComponent = 1 | 2
/** Who opens the connection: RFC 6544 §4. */
export type TcpType = 'active' | 'passive' | 'so'

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
  /** Present where `protocol` is `tcp`. */
  readonly tcpType?: TcpType
}

/** A candidate of our own: `base` is where its datagrams leave from. */
export interface LocalCandidate extends IceCandidate {
  readonly base: TransportAddress
  /** The URL of the server that told or gave the address. */
  readonly url?: string
  /** Of a relayed candidate: how its datagrams travel to the server. */
  readonly relayProtocol?: RelayProtocol
}

export interface HostCandidateOptions {
  /** 1 if absent. */
  readonly component?: CandidateComponent
  /** {@link maxLocalPreference} if absent. */
  readonly localPreference?: number
  /** A secret to mix into the foundation where the address is not to be told: addresses are few enough to try them all. */
  readonly foundationSalt?: string
}

/** RFC 6544 §4.5: the port of an active candidate, which is opened anew for each connection. */
export const activeTcpPort = 9

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
 * The host candidate of a host whose public address is known beforehand: a NAT maps it one to one, as those of clouds
 * do. `external` is told to the peer, and datagrams leave from `base`.
 */
export function mappedHostCandidate(
  base: TransportAddress,
  external: TransportAddress,
  options: HostCandidateOptions = {},
): LocalCandidate {
  return { ...hostCandidate(base, options), address: external }
}

/**
 * A TCP host candidate: RFC 6544 §5.1. `base` stands for all connections that it opens or accepts; that of an active one
 * has the port {@link activeTcpPort}.
 */
export function tcpHostCandidate(
  base: TransportAddress,
  tcpType: TcpType,
  options: HostCandidateOptions = {},
): LocalCandidate {
  const component = options.component ?? 1
  const localPreference = tcpLocalPreference('host', tcpType, options.localPreference ?? maxLocalPreference)
  return {
    foundation: foundationOf('host', 'tcp', `${options.foundationSalt ?? ''}${base.address}`),
    component,
    protocol: 'tcp',
    priority: candidatePriority('host', localPreference, component, 'tcp'),
    address: base,
    type: 'host',
    tcpType,
    base,
  }
}

/**
 * The address of a host candidate as a STUN or TURN server sees it.
 *
 * @param options.base the host candidate whose socket asked
 * @param options.address XOR-MAPPED-ADDRESS of the answer
 * @param options.serverAddress where the question was sent
 */
export function serverReflexiveCandidate(options: {
  readonly base: LocalCandidate
  readonly address: TransportAddress
  readonly serverAddress: TransportAddress
  readonly url: string
}): LocalCandidate {
  const { base, address, serverAddress, url } = options
  // RFC 8445 §5.1.2.1: the middle bits of the host's priority are its local preference
  const ownPreference = (base.priority >> 8) & 0xffff
  const localPreference =
    base.tcpType === undefined ? ownPreference : turnedTcpPreference('srflx', base.tcpType, ownPreference)
  return {
    // RFC 8445 §5.1.1.3: type, base address, server address and transport protocol. The foundation of the host stands for
    // its address: it is salted where that is not to be told.
    foundation: foundationOf('srflx', base.protocol, `${base.foundation} ${serverAddress.address}`),
    component: base.component,
    protocol: base.protocol,
    priority: candidatePriority('srflx', localPreference, base.component, base.protocol),
    address,
    type: 'srflx',
    relatedAddress: base.base.address,
    relatedPort: base.base.port,
    ...(base.tcpType === undefined ? {} : { tcpType: base.tcpType }),
    base: base.base,
    url,
  }
}

/**
 * An address that a TURN server relays for us: its own base, as RFC 8445 §5.1.1.2 has it.
 *
 * @param options.relayed XOR-RELAYED-ADDRESS, kept as the very object that it is
 * @param options.mapped XOR-MAPPED-ADDRESS of the same answer, told as related address (RFC 8839 §5.1)
 * @param options.localPreference 0 to 65535, unique among relayed candidates that reach their servers the same way
 */
export function relayCandidate(options: {
  readonly relayed: TransportAddress
  readonly mapped: TransportAddress
  readonly serverAddress: TransportAddress
  readonly serverTransport: RelayProtocol
  readonly url: string
  readonly localPreference: number
  readonly component?: CandidateComponent
}): LocalCandidate {
  const { relayed, mapped, serverAddress, serverTransport, url, localPreference } = options
  const component = options.component ?? 1
  return {
    // RFC 8445 §5.1.1.3: type, base address, server address, and the transport protocol to the server
    foundation: foundationOf('relay', serverTransport, `${relayed.address} ${serverAddress.address}`),
    component,
    protocol: 'udp',
    priority: relayPriority(serverTransport, localPreference, component),
    address: relayed,
    type: 'relay',
    relatedAddress: mapped.address,
    relatedPort: mapped.port,
    base: relayed,
    url,
    relayProtocol: serverTransport,
  }
}

/**
 * The same candidate for a component: what was gathered before anyone knew for which.
 *
 * RFC 8445 §5.1.2.1: the last eight bits of the priority are those of the component; §5.1.1.3: the foundation knows
 * nothing of it. `base` and `address` are kept as the very objects that they are.
 */
export function forComponent(candidate: LocalCandidate, component: CandidateComponent): LocalCandidate {
  if (candidate.component === component) return candidate
  return { ...candidate, component, priority: candidate.priority + candidate.component - component }
}

/**
 * The priority that a peer-reflexive candidate found by checks from `candidate` would have.
 *
 * RFC 8445 §7.1.1: as the candidate's own, with the type preference exchanged.
 */
export function peerReflexivePriority(candidate: LocalCandidate): number {
  return asPeerReflexive(candidate.priority, candidate.protocol)
}

/** RFC 8445 §7.2.5.3.1: our own address as the peer sees it, where no candidate has it yet. */
export function localPeerReflexive(checkedFrom: LocalCandidate, mapped: TransportAddress): LocalCandidate {
  const { base, component, protocol, tcpType, url, relayProtocol } = checkedFrom
  return {
    foundation: foundationOf('prflx', protocol, base.address),
    component,
    protocol,
    priority: peerReflexivePriority(checkedFrom),
    address: mapped,
    type: 'prflx',
    relatedAddress: base.address,
    relatedPort: base.port,
    ...(tcpType === undefined ? {} : { tcpType }),
    base,
    ...(relayProtocol === undefined ? {} : { relayProtocol, ...(url === undefined ? {} : { url }) }),
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
  const { protocol, component, tcpType } = options.receivedOn
  return {
    foundation: `prflx${options.ordinal}`,
    component,
    protocol,
    priority: options.priority,
    address: options.address,
    type: 'prflx',
    // RFC 6544 §7.2: what connects to a passive candidate is an active one
    ...(tcpType === undefined ? {} : { tcpType: oppositeTcpType[tcpType] }),
  }
}

/** RFC 6544 §6.2: who can connect with whom. */
export const oppositeTcpType: { readonly [Type in TcpType]: TcpType } = {
  active: 'passive',
  passive: 'active',
  so: 'so',
}

function foundationOf(type: CandidateType, protocol: string, base: string): string {
  const hash = createHash('sha256').update(`${type} ${protocol} ${base}`).digest('base64')
  return hash.slice(0, 8)
}
