import type { TransportAddress } from '../../base/address.ts'
import type { Resolver } from '../../base/environment.ts'
import { parseIp } from '../../base/ip.ts'
import { parseServerUrl, type ServerUrl, type StunCredentials } from '../../ice/index.ts'
import type { CompleteIceServer } from '../configuration.ts'

/** One URL of the configuration, with the credentials that go with it. */
export interface IceServerTarget {
  readonly server: ServerUrl
  /** For TURN; STUN servers of WebRTC are asked without. */
  readonly credentials: StunCredentials | undefined
}

/** webrtc-pc §4.2.2: every URL of every server, in their order, each once. */
export function serverTargets(servers: readonly CompleteIceServer[]): IceServerTarget[] {
  const targets = new Map<string, IceServerTarget>()
  for (const { urls, username = '', credential = '' } of servers) {
    for (const url of urls) {
      const server = parseServerUrl(url)
      const isTurn = server.scheme === 'turn' || server.scheme === 'turns'
      const key = JSON.stringify([url, username, credential])
      targets.set(key, { server, credentials: isTurn ? { username, password: credential } : undefined })
    }
  }
  return [...targets.values()]
}

/** The addresses that a server's host stands for, best first; none if the name is not known, or not in time. */
export async function serverAddresses(server: ServerUrl, resolver: Resolver): Promise<TransportAddress[]> {
  const literal = parseIp(server.host)
  const hosts = literal === undefined ? await resolver.resolveHost(server.host) : [server.host]
  return hosts.flatMap(host => {
    const ip = parseIp(host)
    return ip === undefined ? [] : { ...ip, port: server.port }
  })
}
