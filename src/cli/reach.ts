import type { TransportAddress } from '../base/address.ts'
import type { Environment } from '../base/environment.ts'
import { decodeMessage, parseServerUrl, type ServerScheme, type ServerUrl } from '../ice/index.ts'
import { headerLength, isStun, transactionIdOf } from '../ice/stun/header.ts'
import { transactionKey } from '../ice/stun/transaction.ts'
import { HostSocket } from '../pc/gathering/host-socket.ts'
import { type OpenLink, streamLink, udpLink } from '../pc/gathering/server-link.ts'
import { serverAddresses } from '../pc/gathering/server-list.ts'
import { type Context, UsageError } from './command.ts'

/** The URL of a server that can be spoken with: not over DTLS. */
export interface ReachableUrl extends ServerUrl {
  readonly transport: Exclude<ServerUrl['transport'], 'dtls'>
}

/**
 * Reads the URL of a server; `example.org:3478` without a scheme is taken too.
 *
 * @throws {UsageError} which does not repeat what is before an `@`: people put passwords there
 */
export function readServerUrl(text: string, scheme: 'stun' | 'turn', allowed: readonly ServerScheme[]): ReachableUrl {
  if (text.includes('@')) throw new UsageError('a URL holds no user name or password: see --user and --password')
  const url = /^(stuns?|turns?):/i.test(text) || text.includes('://') ? text : `${scheme}:${text}`
  const server = parse(url)
  if (!allowed.includes(server.scheme)) throw new UsageError(`the URL must begin with ${allowed.join(': or ')}:`)
  const { transport } = server
  if (transport === 'dtls') throw new UsageError('DTLS to a server is not spoken: leave ?transport=udp out, for TLS')
  return { ...server, transport }
}

function parse(url: string): ServerUrl {
  try {
    return parseServerUrl(url)
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

/** A way to one address of a server. */
export interface Way {
  readonly server: TransportAddress
  readonly transport: ReachableUrl['transport']
  /** What may be used more than once; with TCP and TLS each time is a connection. */
  readonly open: OpenLink
  /** Over UDP, the socket that leads to the server. */
  readonly host: HostSocket | undefined
  close(): void
}

/** Why there is no way. */
export interface NoWay {
  readonly server: TransportAddress
  readonly reason: string
}

export interface ReachOptions extends Pick<Context, 'environment' | 'route'> {
  /** Certificates (PEM) to trust instead of those that Node trusts. */
  readonly ca: string | undefined
}

/** The first address of each family that a server has; empty if its name is not known. */
export async function addressesOf(
  server: ServerUrl,
  { environment }: Pick<ReachOptions, 'environment'>,
): Promise<TransportAddress[]> {
  const all = await serverAddresses(server, environment.resolver)
  return ([4, 6] as const).flatMap(family => all.find(address => address.family === family) ?? [])
}

/** Opens a way to an address of a server, from the address of this host that the operating system would choose. */
export async function reach(url: ReachableUrl, server: TransportAddress, options: ReachOptions): Promise<Way | NoWay> {
  const { network } = options.environment
  const { transport } = url
  if (transport !== 'udp') {
    const tls = transport === 'tls' ? { tls: { serverName: url.host, ...pem(options.ca) } } : {}
    return { server, transport, host: undefined, open: streamLink(network, server, tls), close() {} }
  }
  const source = await options.route(server)
  if ('error' in source) return { server, reason: `there is no route to it from here (${source.error})` }
  const host = await HostSocket.open(network, source.address, undefined, options.environment.random)
  if (host === undefined) return { server, reason: 'no socket can be bound here' }
  return { server, transport, host, open: udpLink(host, server), close: () => host.close() }
}

function pem(ca: string | undefined): { ca?: string } {
  return ca === undefined ? {} : { ca }
}

/** What is learned about a server by watching the messages. */
export interface Observed {
  /** From the latest request to its response. */
  roundTripMs?: number
  software?: string
}

/** More requests than this are not remembered: those that were never answered. */
const maxRemembered = 64

/** A link whose round trips are measured: of requests that were not sent twice, as Karn's algorithm wants. */
export function observe(open: OpenLink, { clock }: Pick<Environment, 'clock'>): { open: OpenLink; observed: Observed } {
  const observed: Observed = {}
  const sent = new Map<string, number>()
  return {
    observed,
    open: handler => {
      const link = open({
        ready: () => handler.ready(),
        closed: reason => handler.closed(reason),
        receive: message => {
          learn(message, sent, clock.now(), observed)
          return handler.receive(message)
        },
      })
      return {
        get local() {
          return link.local
        },
        isReady: link.isReady,
        send: message => {
          remember(message, sent, clock.now())
          link.send(message)
        },
        close: () => link.close(),
      }
    },
  }
}

function remember(message: Uint8Array, sent: Map<string, number>, now: number): void {
  const key = transactionOf(message)
  if (key === undefined || sent.size >= maxRemembered) return
  sent.set(key, sent.has(key) ? Number.NaN : now)
}

function learn(message: Uint8Array, sent: Map<string, number>, now: number, observed: Observed): void {
  const key = transactionOf(message)
  const at = key === undefined ? undefined : sent.get(key)
  if (key === undefined || at === undefined) return
  sent.delete(key)
  if (!Number.isNaN(at)) observed.roundTripMs = now - at
  const software = decodeMessage(message)?.attributes.software
  if (software !== undefined) observed.software = software
}

/** The transaction ID of a STUN message; ChannelData has none. */
function transactionOf(message: Uint8Array): string | undefined {
  return message.length >= headerLength && isStun(message) ? transactionKey(transactionIdOf(message)) : undefined
}

export function describeTransport(transport: ReachableUrl['transport']): string {
  return transport.toUpperCase()
}
