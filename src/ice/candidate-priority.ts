import type { CandidateComponent, CandidateType, TcpType } from './candidate.ts'

/** How a relayed candidate's own datagrams travel to its TURN server. */
export type RelayProtocol = 'udp' | 'tcp' | 'tls'

/** RFC 8445 §5.1.2.2: the recommended type preferences; for relays over UDP see {@link relayTypePreference}. */
const udpTypePreference: { readonly [Type in CandidateType]: number } = { host: 126, prflx: 110, srflx: 100, relay: 0 }

/**
 * RFC 6544 §4.2: any direct UDP candidate is preferred to any TCP candidate, as a lost segment stalls all that follow;
 * relayed candidates come last all the same.
 */
const tcpTypePreference: { readonly [Type in CandidateType]: number } = { host: 90, prflx: 80, srflx: 70, relay: 0 }

/** RFC 8445 §5.1.2.2 leaves small differences to us: a relay that is reached by UDP is better than one behind a stream. */
const relayTypePreference: { readonly [Protocol in RelayProtocol]: number } = { udp: 2, tcp: 1, tls: 0 }

/** RFC 8445 §5.1.2.1: what a single address gets. */
export const maxLocalPreference = 65535

/** RFC 6544 §4.2: the part of a TCP candidate's local preference that is left to the address. */
const maxOtherPreference = 8191

/** RFC 8445 §5.1.2.1. `localPreference` is 0 to 65535 and unique for each address of a type. */
export function candidatePriority(
  type: CandidateType,
  localPreference: number,
  component: CandidateComponent,
  protocol: 'udp' | 'tcp' = 'udp',
): number {
  const typePreference = (protocol === 'udp' ? udpTypePreference : tcpTypePreference)[type]
  return combine(typePreference, localPreference, component)
}

/** The priority of a relayed candidate: RFC 8445 §5.1.2.1, in the order of the ways to the server. */
export function relayPriority(protocol: RelayProtocol, localPreference: number, component: CandidateComponent): number {
  return combine(relayTypePreference[protocol], localPreference, component)
}

/** The priority of a candidate whose type is exchanged for peer-reflexive: RFC 8445 §7.1.1. */
export function asPeerReflexive(priority: number, protocol: 'udp' | 'tcp'): number {
  const typePreference = (protocol === 'udp' ? udpTypePreference : tcpTypePreference).prflx
  return typePreference * 2 ** 24 + (priority % 2 ** 24)
}

/**
 * The local preference of a TCP candidate, from that of its address: RFC 6544 §4.2, 2^13 times the preference of the
 * direction plus the rest. The greatest 8192 preferences of addresses stay apart.
 */
export function tcpLocalPreference(type: CandidateType, tcpType: TcpType, localPreference: number): number {
  const reflexive = type === 'srflx' || type === 'prflx'
  const direction = reflexive ? { so: 6, active: 4, passive: 2 } : { active: 6, passive: 4, so: 2 }
  const other = Math.max(0, localPreference - (maxLocalPreference - maxOtherPreference))
  return direction[tcpType] * 2 ** 13 + other
}

/** The local preference of a TCP candidate for one of another type and the same address: the direction counts otherwise. */
export function turnedTcpPreference(type: CandidateType, tcpType: TcpType, preference: number): number {
  return tcpLocalPreference(type, tcpType, (preference & maxOtherPreference) + maxLocalPreference - maxOtherPreference)
}

/**
 * Local preferences for the addresses of a host, given in its own order of preference: both families are tried early.
 *
 * RFC 8421 §4: with N4 and N6 addresses an IPv4 one follows every floor((N4 + N6) / N4) IPv6 ones. Each number is unique.
 */
export function localPreferences(addresses: readonly { readonly family: 4 | 6 }[]): number[] {
  const indices = addresses.map((_, index) => index)
  const [ipv4, ipv6] = [4, 6].map(family => indices.filter(index => addresses[index]?.family === family))
  const [count4, count6] = [ipv4?.length ?? 0, ipv6?.length ?? 0]
  const headStart = count4 === 0 ? count6 : Math.floor((count4 + count6) / count4)
  const preferences = new Array<number>(addresses.length).fill(0)
  let next = maxLocalPreference
  while ((ipv4?.length ?? 0) + (ipv6?.length ?? 0) > 0) {
    for (const index of [...(ipv6?.splice(0, headStart) ?? []), ...(ipv4?.splice(0, 1) ?? [])]) {
      preferences[index] = next--
    }
  }
  return preferences
}

function combine(typePreference: number, localPreference: number, component: CandidateComponent): number {
  return typePreference * 2 ** 24 + localPreference * 2 ** 8 + (256 - component)
}
