import type { TransportAddress } from '../../../base/address.ts'
import type { Listener } from './endpoints.ts'
import { peerKind } from './peer-rules.ts'
import type { SocketId } from './sockets.ts'

/**
 * Where else a server can answer from: RFC 5780 §6 needs two addresses with the same two ports on each.
 */
export interface Alternates {
  /** Ca:Dp of RFC 5780 §6.1. */
  readonly otherIp: Origin
  /** Da:Cp */
  readonly otherPort: Origin
  /** Ca:Cp */
  readonly other: Origin
}

export interface Origin {
  readonly socket: SocketId
  readonly local: TransportAddress
}

/** Finds the three other corners of the square that a listener is part of, if there is one. */
export function findAlternates(from: Listener, listeners: readonly Listener[]): Alternates | undefined {
  const { local } = from
  const at = (address: string, port: number): Listener | undefined =>
    listeners.find(each => each.local.address === address && each.local.port === port)
  for (const other of listeners) {
    if (other.local.family !== local.family) continue
    if (other.local.address === local.address || other.local.port === local.port) continue
    // A client that reaches the one may have no way to a loopback or private address, and would take that for a NAT's doing.
    if (peerKind(other.local.address) !== peerKind(local.address)) continue
    const otherIp = at(other.local.address, local.port)
    const otherPort = at(local.address, other.local.port)
    if (otherIp !== undefined && otherPort !== undefined) return { otherIp, otherPort, other }
  }
  return undefined
}
