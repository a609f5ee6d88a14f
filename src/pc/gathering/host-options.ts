import type { PortRange } from './ports.ts'

/** How a public address is told for a private one. */
export interface NatMapping {
  /** The local address it stands for; every one of its family if absent. */
  readonly internal?: string
  /** The address that a NAT translates to it, one to one, ports kept. */
  readonly external: string
  /** `host`: told in place of the local address; `srflx`: told as well. `host` if absent. */
  readonly as?: 'host' | 'srflx'
}

/** RFC 6544 §4: connections that we open, that we take, or that both ends open at once. */
export type TcpCandidateType = 'active' | 'passive' | 'so'

/** Which addresses of this host are gathered, and how they are shown. */
export interface HostOptions {
  /** Loopback addresses too, not only where there are no others. */
  readonly gatherLoopback: boolean
  /** The ports that candidates may have, of UDP and of TCP where it listens; any if absent. */
  readonly portRange: PortRange | undefined
  /** Multicast DNS names are told in place of addresses, and no address of this host in any other way. */
  readonly hideHostAddresses: boolean
  readonly natMappings: readonly NatMapping[]
  readonly tcpCandidates: readonly TcpCandidateType[]
}
