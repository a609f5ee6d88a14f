import { sameAddress } from '../base/address.ts'
import { isLinkLocalIpv6, isLoopback, isUnicast, parseIp } from '../base/ip.ts'
import { type IceCandidate, type LocalCandidate, oppositeTcpType } from './candidate.ts'

/**
 * Whether a datagram of one can reach the other.
 *
 * RFC 8445 §6.1.2.2: same component, same family, and IPv6 link-local addresses among themselves. A loopback address
 * is reached from a loopback address alone. Of TCP candidates one connects and the other accepts, or both do both.
 */
export function canPair(local: LocalCandidate, remote: IceCandidate): boolean {
  const from = local.base
  const to = remote.address
  return (
    local.component === remote.component &&
    local.protocol === remote.protocol &&
    canConnect(local, remote) &&
    from.family === to.family &&
    isLoopback(from.address) === isLoopback(to.address) &&
    isLinkLocalIpv6(from.address) === isLinkLocalIpv6(to.address)
  )
}

/**
 * Whether the two are checked of our own accord.
 *
 * RFC 6544 §6.2: pairs whose local candidate is passive are not. One comes to be when the peer's connection brings a
 * check, and then from where it really came: the port of an active candidate says nothing.
 */
export function isChecked(local: LocalCandidate, remote: IceCandidate): boolean {
  return local.tcpType !== 'passive' && canPair(local, remote)
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
  if ((candidate.protocol === 'tcp') !== (candidate.tcpType !== undefined)) return undefined
  if (ip.address === address && ip.family === candidate.address.family) return candidate
  return { ...candidate, address: { ...ip, port } }
}

/** RFC 8445 §5.1.3: a candidate is redundant if its address and base equal those of another. */
export function isRedundant(a: LocalCandidate, b: LocalCandidate): boolean {
  return (
    a.protocol === b.protocol &&
    a.tcpType === b.tcpType &&
    sameAddress(a.address, b.address) &&
    sameAddress(a.base, b.base)
  )
}

function canConnect({ tcpType }: LocalCandidate, remote: IceCandidate): boolean {
  return tcpType === undefined ? remote.tcpType === undefined : remote.tcpType === oppositeTcpType[tcpType]
}
