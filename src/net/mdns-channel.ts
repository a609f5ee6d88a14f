import type { RemoteInfo, Socket } from 'node:dgram'
import { createSocket } from 'node:dgram'
import { BlockList } from 'node:net'
import type { NetworkInterfaceInfo } from 'node:os'
import { type InterfaceTable, interfaceTable } from './host.ts'
import { isResponse } from './mdns-message.ts'
import { lookupLiteral } from './udp-socket.ts'

/** RFC 6762 §3: the port and the groups of multicast DNS. */
export const mdnsPort = 5353
const mdnsGroups = { 4: '224.0.0.251', 6: 'ff02::fb' } as const

/** Who sent a message. */
export interface MessageSource {
  /** With a zone where it needs one. */
  readonly address: string
  readonly port: number
  readonly family: 4 | 6
  /** Whether it is an address of this host. */
  readonly isOwn: boolean
}

/** Where a message goes; everywhere if it is left out. */
export interface MulticastScope {
  readonly family?: 4 | 6
  /** Only the links of the interface that has this address; all if none of the links does. */
  readonly address?: string
}

export type ReceiveMessage = (message: Uint8Array, from: MessageSource) => void

/** Sends to everyone on the links of this host, and hears them. */
export interface MulticastChannel {
  send(message: Uint8Array, scope?: MulticastScope): void
  close(): void
}

/** Answers those it hears as well. */
export interface RespondingChannel extends MulticastChannel {
  reply(message: Uint8Array, to: MessageSource): void
}

export type OpenMulticastChannel = (receive: ReceiveMessage) => Promise<MulticastChannel>
export type OpenRespondingChannel = (receive: ReceiveMessage) => Promise<RespondingChannel>

/**
 * Opens the multicast DNS port for both address families. Never rejects: what cannot be opened stays silent.
 *
 * Others on this host may have the port too; it is shared with them. If it cannot be, questions go out from another
 * port and answers come by unicast (RFC 6762 §6.7, legacy unicast responses).
 *
 * @param port other than 5353 in tests only
 */
export async function openMdnsChannel(receive: ReceiveMessage, port: number = mdnsPort): Promise<RespondingChannel> {
  const table = interfaceTable()
  const isOnLink = onLinkCheck(table)
  const own = new Set(addressesOf(table).map(info => info.address))
  const onMessage = (message: Uint8Array, from: RemoteInfo): void => {
    // RFC 6762 §6: responses from another source port than 5353 are silently ignored
    if (isResponse(message) && from.port !== mdnsPort) return
    // RFC 6762 §5.5: nor are queries of other links to be answered
    if (!isOnLink(from)) return
    const { address, port } = from
    receive(message, { address, port, family: familyOf(from), isOwn: own.has(address.replace(/%.*/, '')) })
  }
  const links = multicastLinks(table)
  const families = await Promise.all([
    openFamily(4, port, links[4], onMessage),
    openFamily(6, port, links[6], onMessage),
  ])
  return new LinksChannel(families.filter(family => family !== undefined))
}

/** The sockets of both families as one. */
class LinksChannel implements RespondingChannel {
  readonly #families: readonly FamilyChannel[]

  constructor(families: readonly FamilyChannel[]) {
    this.#families = families
  }

  send(message: Uint8Array, { family, address }: MulticastScope = {}): void {
    const chosen = this.#families.filter(one => family === undefined || family === one.family)
    // Looked up each time: an address may have come after the channel was opened.
    const links = address === undefined ? undefined : linksOfAddress(interfaceTable(), address)
    const isLinkKnown = links !== undefined && this.#families.some(one => one.hasAny(links[one.family]))
    for (const one of chosen) one.send(message, isLinkKnown ? links[one.family] : undefined)
  }

  reply(message: Uint8Array, to: MessageSource): void {
    for (const one of this.#families) {
      if (one.family === to.family) one.reply(message, to)
    }
  }

  close(): void {
    for (const one of this.#families) one.close()
  }
}

/**
 * The links to use, as `setMulticastInterface` wants them: for IPv4 an address, for IPv6 a zone.
 *
 * The loopback link serves a host that has no other one. Elsewhere it would only show our questions twice to the
 * responders of this host.
 */
export function multicastLinks(table: InterfaceTable): {
  readonly 4: readonly string[]
  readonly 6: readonly string[]
} {
  const external = linksOf(table, false)
  return external[4].length + external[6].length > 0 ? external : linksOf(table, true)
}

function linksOf(
  table: InterfaceTable,
  internal: boolean,
): { readonly 4: readonly string[]; readonly 6: readonly string[] } {
  const ipv4: string[] = []
  const ipv6: string[] = []
  for (const [name, addresses] of Object.entries(table)) {
    const own = (addresses ?? []).filter(info => info.internal === internal)
    const first4 = own.find(info => info.family === 'IPv4')
    const first6 = own.find(info => info.family === 'IPv6')
    if (first4 !== undefined) ipv4.push(first4.address)
    if (first6 !== undefined) ipv6.push(`::%${process.platform === 'win32' ? first6.scopeid : name}`)
  }
  return { 4: ipv4, 6: ipv6 }
}

/**
 * RFC 6762 §11: only responses that originate from the local link are accepted.
 *
 * A response to the group may come from any address, one by unicast must come from an on-link prefix. Node does not tell
 * them apart, so the prefix is asked of both.
 */
export function onLinkCheck(table: InterfaceTable): (from: Pick<RemoteInfo, 'address' | 'family'>) => boolean {
  const onLink = new BlockList()
  onLink.addSubnet('fe80::', 10, 'ipv6')
  for (const info of addressesOf(table)) {
    const prefix = Number(info.cidr?.split('/')[1])
    if (prefix > 0) onLink.addSubnet(info.address, prefix, info.family === 'IPv6' ? 'ipv6' : 'ipv4')
  }
  return from => onLink.check(from.address.replace(/%.*/, ''), from.family === 'IPv6' ? 'ipv6' : 'ipv4')
}

/** The links of the interface that has an address. */
function linksOfAddress(table: InterfaceTable, address: string): ReturnType<typeof multicastLinks> | undefined {
  for (const [name, infos] of Object.entries(table)) {
    if (infos?.some(info => info.address === address)) return multicastLinks({ [name]: infos })
  }
  return undefined
}

function addressesOf(table: InterfaceTable): NetworkInterfaceInfo[] {
  return Object.values(table).flatMap(infos => infos ?? [])
}

function familyOf(info: Pick<RemoteInfo, 'family'>): 4 | 6 {
  return info.family === 'IPv6' ? 6 : 4
}

async function openFamily(
  family: 4 | 6,
  port: number,
  links: readonly string[],
  onMessage: (message: Uint8Array, from: RemoteInfo) => void,
): Promise<FamilyChannel | undefined> {
  if (links.length === 0) return undefined
  const socket = (await bindShared(family, port)) ?? (await bindShared(family, 0))
  if (socket === undefined) return undefined
  socket.on('message', onMessage)
  socket.on('error', ignore)
  // A question that nobody answers must not keep the process alive.
  socket.unref()
  const joined = links.filter(link => join(socket, mdnsGroups[family], link))
  return new FamilyChannel(socket, family, joined)
}

/** Binds all addresses of a family, without keeping others on this host from doing the same. */
function bindShared(family: 4 | 6, port: number): Promise<Socket | undefined> {
  const isIpv6 = family === 6
  const socket = createSocket({
    type: isIpv6 ? 'udp6' : 'udp4',
    reuseAddr: true,
    ipv6Only: isIpv6,
    lookup: lookupLiteral,
  })
  return new Promise(resolve => {
    socket.once('error', () => {
      socket.close()
      resolve(undefined)
    })
    socket.bind({ port, exclusive: true }, () => {
      socket.removeAllListeners('error')
      resolve(socket)
    })
  })
}

/** Links come and go: one that cannot be joined is left out. */
function join(socket: Socket, group: string, link: string): boolean {
  try {
    socket.addMembership(group, link)
    return true
  } catch {
    return false
  }
}

/** The socket of one family. */
class FamilyChannel {
  readonly family: 4 | 6
  readonly #socket: Socket
  readonly #links: readonly string[]

  constructor(socket: Socket, family: 4 | 6, links: readonly string[]) {
    this.#socket = socket
    this.family = family
    this.#links = links
    // RFC 6762 §11: the IP TTL is 255
    socket.setMulticastTTL(255)
    setUnicastTtl(socket)
  }

  hasAny(links: readonly string[]): boolean {
    return links.some(link => this.#links.includes(link))
  }

  send(message: Uint8Array, links: readonly string[] = this.#links): void {
    if (!this.#maySend(message)) return
    for (const link of this.#links) {
      if (links.includes(link)) this.#sendOn(link, message)
    }
  }

  reply(message: Uint8Array, to: MessageSource): void {
    if (!this.#maySend(message)) return
    try {
      this.#socket.send(message, to.port, to.address, ignore)
    } catch {
      // A source port of zero is the one that Node refuses; nobody waits there.
    }
  }

  close(): void {
    this.#socket.close()
  }

  /** RFC 6762 §6: responses come from port 5353 only. */
  #maySend(message: Uint8Array): boolean {
    return !isResponse(message) || this.#socket.address().port === mdnsPort
  }

  #sendOn(link: string, message: Uint8Array): void {
    try {
      this.#socket.setMulticastInterface(link)
      this.#socket.send(message, mdnsPort, mdnsGroups[this.family], ignore)
    } catch {
      // The link is gone. Its question may be answered on another one.
    }
  }
}

/** RFC 6762 §11: unicast responses too; not every system lets it be set for IPv6. */
function setUnicastTtl(socket: Socket): void {
  try {
    socket.setTTL(255)
  } catch {
    // A response with another TTL is taken by all but the oldest queriers.
  }
}

function ignore(): void {}
