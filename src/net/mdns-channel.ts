import type { RemoteInfo, Socket } from 'node:dgram'
import { createSocket } from 'node:dgram'
import { BlockList } from 'node:net'
import { type InterfaceTable, interfaceTable } from './host.ts'
import { lookupLiteral } from './udp-socket.ts'

/** RFC 6762 §3: the port and the groups of multicast DNS. */
export const mdnsPort = 5353
const mdnsGroups = { 4: '224.0.0.251', 6: 'ff02::fb' } as const

/** Sends to everyone on every link of this host, and hears them. */
export interface MulticastChannel {
  send(message: Uint8Array): void
  close(): void
}

export type OpenMulticastChannel = (receive: (message: Uint8Array) => void) => Promise<MulticastChannel>

/**
 * Opens the multicast DNS port for both address families. Never rejects: what cannot be opened stays silent.
 *
 * Others on this host may have the port too; it is shared with them. If it cannot be, questions go out from another
 * port and answers come by unicast (RFC 6762 §6.7, legacy unicast responses).
 *
 * @param port other than 5353 in tests only
 */
export async function openMdnsChannel(
  receive: (message: Uint8Array) => void,
  port: number = mdnsPort,
): Promise<MulticastChannel> {
  const table = interfaceTable()
  const isOnLink = onLinkCheck(table)
  const onMessage = (message: Uint8Array, from: RemoteInfo): void => {
    // RFC 6762 §6: responses from another source port than 5353 are silently ignored
    if (from.port === mdnsPort && isOnLink(from)) receive(message)
  }
  const links = multicastLinks(table)
  const families = await Promise.all([
    openFamily(4, port, links[4], onMessage),
    openFamily(6, port, links[6], onMessage),
  ])
  const open = families.filter(family => family !== undefined)
  return {
    send: message => {
      for (const family of open) family.send(message)
    },
    close: () => {
      for (const family of open) family.close()
    },
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
  for (const info of Object.values(table).flatMap(addresses => addresses ?? [])) {
    const prefix = Number(info.cidr?.split('/')[1])
    if (prefix > 0) onLink.addSubnet(info.address, prefix, info.family === 'IPv6' ? 'ipv6' : 'ipv4')
  }
  return from => onLink.check(from.address.replace(/%.*/, ''), from.family === 'IPv6' ? 'ipv6' : 'ipv4')
}

async function openFamily(
  family: 4 | 6,
  port: number,
  links: readonly string[],
  onMessage: (message: Uint8Array, from: RemoteInfo) => void,
): Promise<MulticastChannel | undefined> {
  if (links.length === 0) return undefined
  const socket = (await bindShared(family, port)) ?? (await bindShared(family, 0))
  if (socket === undefined) return undefined
  socket.on('message', onMessage)
  socket.on('error', ignore)
  // A question that nobody answers must not keep the process alive.
  socket.unref()
  const joined = links.filter(link => join(socket, mdnsGroups[family], link))
  return multicastChannel(socket, mdnsGroups[family], joined)
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

function multicastChannel(socket: Socket, group: string, links: readonly string[]): MulticastChannel {
  // RFC 6762 §11: the IP TTL is 255
  socket.setMulticastTTL(255)
  return {
    send: message => {
      for (const link of links) sendOn(socket, group, link, message)
    },
    close: () => socket.close(),
  }
}

function sendOn(socket: Socket, group: string, link: string, message: Uint8Array): void {
  try {
    socket.setMulticastInterface(link)
    socket.send(message, mdnsPort, group)
  } catch {
    // The link is gone. Its question may be answered on another one.
  }
}

function ignore(): void {}
