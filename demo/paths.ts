import type { RTCConfiguration } from 'icefloe'
import type { DemoRelay } from './relay.ts'

/** The ways between the page and the Node.js end, as the page names them. */
export type Path = (typeof paths)[number]

const paths = ['direct', 'relay-udp', 'relay-tcp', 'pool'] as const

/** @returns undefined for what is no path */
export function toPath(value: unknown): Path | undefined {
  return paths.find(path => path === value)
}

/** What each end is constructed with, so that the data takes this path. */
export interface PathConfigurations {
  readonly page: RTCConfiguration
  readonly icefloe: RTCConfiguration
}

/** @param session whom the TURN server knows the two ends by */
export function configurationsFor(path: Path, relay: DemoRelay, session: string): PathConfigurations {
  const each = (end: 'page' | 'icefloe'): RTCConfiguration => {
    switch (path) {
      case 'direct':
        return {}
      case 'relay-udp':
        return { iceServers: [relay.iceServer(`${end}-${session}`, 'udp')], iceTransportPolicy: 'relay' }
      case 'relay-tcp':
        return { iceServers: [relay.iceServer(`${end}-${session}`, 'tcp')], iceTransportPolicy: 'relay' }
      case 'pool':
        return { iceServers: [relay.iceServer(`${end}-${session}`, 'udp', 'tcp')] }
    }
  }
  const icefloe = each('icefloe')
  return { page: each('page'), icefloe: path === 'pool' ? { ...icefloe, iceCandidatePoolSize: 1 } : icefloe }
}
