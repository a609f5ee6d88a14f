import type { NetworkInterfaceInfo } from 'node:os'
import { networkInterfaces } from 'node:os'
import type { NetworkInterface } from '../base/environment.ts'
import { parseIp } from '../base/ip.ts'

/** What the operating system says about its interfaces: by name, the addresses of each. */
export type InterfaceTable = ReturnType<typeof networkInterfaces>

/** The interfaces of this host; none if the operating system refuses to tell them, as some sandboxes have it do. */
export function interfaceTable(read: () => InterfaceTable = networkInterfaces): InterfaceTable {
  try {
    return read()
  } catch {
    return {}
  }
}

/** The addresses of this host that a peer could be reached from, best first. */
export function hostInterfaces(): NetworkInterface[] {
  return usableInterfaces(interfaceTable())
}

/**
 * Chooses and orders the addresses worth a candidate.
 *
 * Loopback addresses come last and are marked `internal`: the caller decides whether it wants them. The order of the
 * operating system is kept within each group.
 */
export function usableInterfaces(table: InterfaceTable): NetworkInterface[] {
  const usable = new Map<string, NetworkInterface>()
  for (const [name, addresses] of Object.entries(table)) {
    for (const info of addresses ?? []) {
      if (isUsable(info) && !usable.has(info.address)) {
        usable.set(info.address, { name, address: info.address, family: familyOf(info), internal: info.internal })
      }
    }
  }
  const all = [...usable.values()]
  return [...interleaveFamilies(all.filter(entry => !entry.internal)), ...all.filter(entry => entry.internal)]
}

// RFC 8445 §5.1.1.1: no site-local, IPv4-compatible, IPv4-mapped or link-local IPv6 addresses. (Link-local ones would
// tell a peer the hardware address that the others hide, and cannot be used without a zone.)
function isUsable(info: NetworkInterfaceInfo): boolean {
  if (info.family === 'IPv4') return info.address !== '0.0.0.0'
  if (info.address === '::1') return true
  return parseIp(info.address)?.family === 6 && !/^(::|fe[89a-f])/.test(info.address)
}

function familyOf(info: NetworkInterfaceInfo): 4 | 6 {
  return info.family === 'IPv6' ? 6 : 4
}

/**
 * Puts IPv6 first, but never so many of them that IPv4 has to wait for long.
 *
 * RFC 8421 §4: one IPv4 address follows after every (N4 + N6) / N4 IPv6 addresses.
 */
function interleaveFamilies(all: readonly NetworkInterface[]): NetworkInterface[] {
  const ipv4 = all.filter(entry => entry.family === 4)
  // RFC 6724 §2.1: unique local addresses (fc00::/7) rank below the global ones
  const ipv6 = all.filter(entry => entry.family === 6)
  const ranked = [...ipv6.filter(entry => !isUniqueLocal(entry)), ...ipv6.filter(isUniqueLocal)]
  const headStart = ipv4.length === 0 ? ranked.length : Math.floor(all.length / ipv4.length)
  const ordered: NetworkInterface[] = []
  while (ranked.length > 0 || ipv4.length > 0) {
    ordered.push(...ranked.splice(0, headStart))
    ordered.push(...ipv4.splice(0, 1))
  }
  return ordered
}

function isUniqueLocal(entry: NetworkInterface): boolean {
  return /^f[cd]/.test(entry.address)
}
