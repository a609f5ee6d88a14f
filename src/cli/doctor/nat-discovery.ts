import { addressKey, type TransportAddress } from '../../base/address.ts'
import type { Environment, UdpSocket } from '../../base/environment.ts'
import {
  type BindingTiming,
  type NatBehavior,
  NatBehaviorDiscovery,
  type NatSocket,
  type NatTransmit,
  natBehaviorTiming,
  type ServerUrl,
} from '../../ice/index.ts'
import { CoreDriver } from '../../pc/gathering/core-driver.ts'
import { HostSocket } from '../../pc/gathering/host-socket.ts'
import { udpLink } from '../../pc/gathering/server-link.ts'
import { askBinding } from '../binding.ts'
import type { Context } from '../command.ts'
import { addressesOf } from '../reach.ts'

/** What was found out with one address of a server. */
export interface NatReport {
  readonly url: string
  readonly server: TransportAddress
  readonly behavior: NatBehavior
}

/** How one socket of ours looks to servers at different addresses. */
export interface MappingComparison {
  readonly family: 4 | 6
  readonly local: TransportAddress
  readonly seen: readonly { readonly server: TransportAddress; readonly mapped: TransportAddress }[]
}

export interface NatReports {
  readonly reports: readonly NatReport[]
  readonly comparisons: readonly MappingComparison[]
  /** Servers that could not be asked, and why. */
  readonly failures: readonly { readonly url: string; readonly reason: string }[]
}

/** Asks all servers that are reached over UDP, at once. Few servers know RFC 5780, but two others tell something too. */
export async function discoverNats(
  urls: readonly ServerUrl[],
  { environment, route }: Pick<Context, 'environment' | 'route'>,
  timeoutMs: number,
): Promise<NatReports> {
  const timing = { rtoMs: natBehaviorTiming.rtoMs, timeoutMs: Math.min(timeoutMs, natBehaviorTiming.timeoutMs) }
  const reports: Promise<NatReport>[] = []
  const failures: { url: string; reason: string }[] = []
  const targets: { source: string; server: TransportAddress }[] = []
  for (const target of urls.filter(({ transport }) => transport === 'udp')) {
    const { url, host } = target
    const addresses = await addressesOf(target, { environment })
    if (addresses.length === 0) failures.push({ url, reason: `${host} could not be resolved` })
    for (const server of addresses) {
      const source = await route(server)
      if ('error' in source)
        failures.push({ url, reason: `there is no route to ${addressKey(server)} (${source.error})` })
      else {
        const found = discoverNat(server, source.address, environment, timing)
        reports.push(found.then(behavior => ({ url, server, behavior })))
        targets.push({ source: source.address, server })
      }
    }
  }
  const compared = Promise.all(([4, 6] as const).map(family => compare(targets, family, environment, timing)))
  return { reports: await Promise.all(reports), comparisons: (await compared).flat(), failures }
}

/** Asks servers at different IP addresses from one socket how they see it. */
async function compare(
  targets: readonly { readonly source: string; readonly server: TransportAddress }[],
  family: 4 | 6,
  environment: Environment,
  timing: BindingTiming,
): Promise<MappingComparison[]> {
  const [first, ...others] = targets.filter(({ server }) => server.family === family)
  const hosts = new Map(others.map(({ server }) => [server.address, server]))
  if (first !== undefined) hosts.set(first.server.address, first.server)
  if (first === undefined || hosts.size < 2) return []
  const host = await HostSocket.bind(environment.network, first.source, 0)
  const answers = [...hosts.values()].map(async server => {
    const way = { server, transport: 'udp', host, open: udpLink(host, server), close() {} } as const
    const outcome = await askBinding(way, environment, timing)
    return outcome.kind === 'answered' ? [{ server, mapped: outcome.binding.mapped }] : []
  })
  const seen = (await Promise.all(answers)).flat()
  host.close()
  return seen.length < 2 ? [] : [{ family, local: host.local, seen }]
}

/** Finds out how NATs on the way to a server behave, from three fresh sockets. RFC 5780. */
async function discoverNat(
  server: TransportAddress,
  source: string,
  environment: Environment,
  timing: BindingTiming,
): Promise<NatBehavior> {
  const { clock, network, random } = environment
  const names: readonly NatSocket[] = ['mapping', 'filtering', 'hairpin']
  let receive: (data: Uint8Array, from: TransportAddress, name: NatSocket) => void = () => {}
  const open = async (name: NatSocket): Promise<[NatSocket, UdpSocket]> => {
    const socket = await network.bindUdp(source, 0, (data, from) => receive(data, from, name))
    return [name, socket]
  }
  const sockets = new Map(await Promise.all(names.map(open)))
  const local = sockets.get('mapping')?.local ?? server
  const core = new NatBehaviorDiscovery({ random, server, local, hairpin: true, timing })
  const behavior = await new Promise<NatBehavior>(resolve => {
    const driver = new CoreDriver({
      environment,
      core,
      send: ({ socket, data, to }: NatTransmit) => sockets.get(socket)?.send(data, to),
      onEvent: event => {
        driver.stop()
        resolve(event.behavior)
      },
    })
    receive = (data, from, name) => {
      core.receive(data, from, name, clock.now())
      driver.pump()
    }
    core.start(clock.now())
    driver.pump()
  })
  for (const socket of sockets.values()) socket.close()
  return behavior
}
