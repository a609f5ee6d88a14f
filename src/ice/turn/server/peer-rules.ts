import { formatIpv6, parseIpv4, parseIpv6 } from '../../../base/ip.ts'

/** What an IP address is for, as far as a relay has to know. */
export type PeerKind =
  | 'public'
  | 'loopback'
  /** RFC 1918, unique local, shared (carrier grade NAT), benchmarking and site-local addresses. */
  | 'private'
  | 'link-local'
  | 'multicast'
  | 'unspecified'
  /** 6to4, Teredo and ISATAP: an address that is a tunnel. */
  | 'tunnel'
  /** Broadcast, discard, and what nobody was given. */
  | 'reserved'

export interface PeerRulesOptions {
  /** Addresses of the server's own host; loopback addresses count as `loopback` alone. */
  readonly own: readonly string[]
  /** Those of them that relayed transport addresses are on. */
  readonly relayed: readonly string[]
  readonly allowLoopbackPeers: boolean
  readonly allowPrivatePeers: boolean
  readonly allowOwnPeers: boolean
  /** Decides before the defaults do; undefined leaves it to them. Tunnels are refused all the same. */
  readonly allowPeer?: ((address: string, kind: PeerKind) => boolean | undefined) | undefined
}

/**
 * How far a client may reach a peer's address: anywhere on it, or only those of its ports that are relayed transport
 * addresses of this server. `guarded`: anywhere except where the server itself listens.
 */
export type PeerReach = 'open' | 'guarded' | 'relays' | 'forbidden'

/**
 * Says which peers a client may talk to through the relay.
 *
 * RFC 8656 §21.1.4: a server often stands where it can reach what its clients can't: itself, and the hosts behind its
 * firewall. All of that is refused unless it was allowed. Two clients of one server may always meet, though: a relayed
 * transport address is no way into the host.
 */
export class PeerRules {
  readonly #options: PeerRulesOptions
  readonly #relayed: ReadonlySet<string>
  #own: ReadonlySet<string>

  constructor(options: PeerRulesOptions) {
    this.#options = options
    this.#own = new Set(options.own)
    this.#relayed = new Set(options.relayed)
  }

  /** The addresses of the host have changed. */
  setOwn(own: readonly string[]): void {
    this.#own = new Set(own)
  }

  /** @param address in canonical form */
  judge(address: string): PeerReach {
    const kind = peerKind(address)
    // RFC 8656 §21.4: Teredo and 6to4 addresses must not be accepted
    if (kind === 'tunnel') return 'forbidden'
    const isOwn = kind === 'loopback' || this.#own.has(address)
    const isAllowed = this.#options.allowPeer?.(address, kind) ?? this.#isAllowed(kind, isOwn)
    if (isAllowed) return isOwn || this.#relayed.has(address) ? 'guarded' : 'open'
    return this.#relayed.has(address) ? 'relays' : 'forbidden'
  }

  #isAllowed(kind: PeerKind, isOwn: boolean): boolean {
    if (kind === 'loopback') return this.#options.allowLoopbackPeers
    if (isOwn && !this.#options.allowOwnPeers) return false
    return kind === 'public' || (kind === 'private' && this.#options.allowPrivatePeers)
  }
}

/** Classifies an address in canonical form. One that embeds an IPv4 address for a translator is what that one is. */
export function peerKind(address: string): PeerKind {
  const ipv4 = parseIpv4(address)
  if (ipv4 !== undefined) return ipv4Kind(ipv4[0], ipv4[1], ipv4[2])
  const groups = parseIpv6(address)
  return groups === undefined ? 'reserved' : ipv6Kind(groups)
}

/** RFC 6890 §2.2.2, the special-purpose registry; addresses for documentation are nowhere, and need no rule. */
function ipv4Kind(a: number, b: number, c: number): PeerKind {
  if (a === 0) return 'unspecified'
  if (a === 127) return 'loopback'
  if (a === 169 && b === 254) return 'link-local'
  if (a === 10 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168)) return 'private'
  // RFC 6598 §7: shared by the customers of a carrier grade NAT
  if (a === 100 && b >= 64 && b < 128) return 'private'
  // RFC 2544: networks under test
  if (a === 198 && (b === 18 || b === 19)) return 'private'
  if (a === 192 && b === 0 && c === 0) return 'reserved'
  // RFC 7526 §4: the anycast address of 6to4 relays
  if (a === 192 && b === 88 && c === 99) return 'tunnel'
  if (a >= 224 && a < 240) return 'multicast'
  return a >= 240 ? 'reserved' : 'public'
}

function ipv6Kind(groups: readonly number[]): PeerKind {
  const [g0 = 0, g1 = 0, g2 = 0] = groups
  if (g0 >= 0xff00) return 'multicast'
  if ((g0 & 0xffc0) === 0xfe80) return 'link-local'
  if ((g0 & 0xfe00) === 0xfc00 || (g0 & 0xffc0) === 0xfec0) return 'private'
  // RFC 8656 §21.4, RFC 5214 §6.1: 6to4, Teredo, ISATAP
  if (g0 === 0x2002 || (g0 === 0x2001 && g1 === 0) || isIsatap(groups)) return 'tunnel'
  // RFC 8215 §4: translators within a network, to whatever it holds
  if (g0 === 0x64 && g1 === 0xff9b && g2 === 1) return 'private'
  if (g0 === 0x0100 && g1 === 0) return 'reserved'
  if (g0 === 0 || (g0 === 0x64 && g1 === 0xff9b)) return embeddedKind(groups)
  // RFC 4291 §2.4: what is not global unicast (2000::/3) is nobody's yet
  return g0 >= 0x2000 && g0 < 0x4000 ? 'public' : 'reserved'
}

function isIsatap(groups: readonly number[]): boolean {
  return ((groups[4] ?? 0) & 0xfdff) === 0 && groups[5] === 0x5efe
}

/**
 * RFC 4291 §2.5.5 and RFC 6052 §2.1, RFC 2765 §2.1: `::`, `::1`, and the prefixes whose last 32 bits are an IPv4 address:
 * compatible, mapped, translated, and the well-known one of NAT64.
 */
function embeddedKind(groups: readonly number[]): PeerKind {
  const isNat64 = groups[0] === 0x64 && groups.slice(2, 6).every(group => group === 0)
  const isLow = groups.slice(0, 4).every(group => group === 0)
  const [g4, g5, high = 0, low = 0] = groups.slice(4)
  if (isLow && g4 === 0 && g5 === 0 && high === 0 && low <= 1) return low === 0 ? 'unspecified' : 'loopback'
  const isMapped = isLow && ((g4 === 0 && g5 === 0xffff) || (g4 === 0xffff && g5 === 0))
  const isCompatible = isLow && g4 === 0 && g5 === 0
  if (!isNat64 && !isMapped && !isCompatible) return 'reserved'
  const kind = ipv4Kind(high >> 8, high & 0xff, low >> 8)
  // RFC 4291 §2.5.5.1: IPv4-compatible addresses are deprecated, and no translator takes them
  return isCompatible && kind === 'public' ? 'reserved' : kind
}

/** The part of an address by which strangers are told apart: an IPv4 address, or a /64 of IPv6. */
export function networkOf(address: string): string {
  const groups = address.includes(':') ? parseIpv6(address) : undefined
  return groups === undefined ? address : formatIpv6([...groups.slice(0, 4), 0, 0, 0, 0]).address
}
