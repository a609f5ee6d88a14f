import type { TransportAddress } from '../../base/address.ts'
import type { MdnsRegistration, NetworkInterface } from '../../base/environment.ts'
import { parseIp } from '../../base/ip.ts'
import {
  type HostCandidateOptions,
  type LocalCandidate,
  mappedHostCandidate,
  serverReflexiveCandidate,
} from '../../ice/index.ts'
import type { GatheredCandidate } from './candidate-socket.ts'
import type { DerivedFrom } from './host-base.ts'
import type { HostOptions, NatMapping } from './host-options.ts'

/** What is told of a local address: itself, its name in its place, or what a NAT makes of it. */
export function toldCandidates(
  own: readonly DerivedFrom[],
  local: NetworkInterface,
  preference: HostCandidateOptions,
  options: HostOptions,
  registration: MdnsRegistration | undefined,
): GatheredCandidate[] {
  const mappings = options.natMappings.filter(mapping => isFor(mapping, local))
  const mapped = own.flatMap(({ candidate, socket }) =>
    mappings.map(mapping => ({ candidate: mappedCandidate(candidate, mapping, preference), socket })),
  )
  const isReplaced = mappings.some(({ as = 'host' }) => as === 'host')
  // Where a name is wanted and cannot be had, the address is not told.
  const isTold = !isReplaced && (registration !== undefined || !options.hideHostAddresses)
  const name = registration === undefined ? {} : { shownAddress: registration.name }
  return [...(isTold ? own.map(entry => ({ ...entry, ...name })) : []), ...mapped]
}

function isFor({ internal, external }: NatMapping, local: NetworkInterface): boolean {
  if (internal !== undefined) return parseIp(internal)?.address === local.address
  return parseIp(external)?.family === local.family && !local.internal
}

/** The candidate at the address that a NAT maps one to one to the local one. */
function mappedCandidate(
  own: LocalCandidate,
  { external, as }: NatMapping,
  preference: HostCandidateOptions,
): LocalCandidate {
  const { base } = own
  const address: TransportAddress = {
    address: parseIp(external)?.address ?? external,
    port: base.port,
    family: base.family,
  }
  if (as === 'srflx') {
    const { url: _, ...candidate } = serverReflexiveCandidate({ base: own, address, serverAddress: address, url: '' })
    return candidate
  }
  return own.protocol === 'udp' ? mappedHostCandidate(base, address, preference) : { ...own, address }
}
