import { networkInterfaces } from 'node:os'
import { addressKey } from '../../base/address.ts'
import type { Environment } from '../../base/environment.ts'
import { isLinkLocalIpv6 } from '../../base/ip.ts'
import type { LocalCandidate } from '../../ice/index.ts'
import { interfaceTable } from '../../net/host.ts'
import { Gatherer, maxLocalAddresses } from '../../pc/gathering/gatherer.ts'
import { type ServerFailure, serverNotReachable } from '../../pc/gathering/server-failure.ts'
import type { IceServerTarget } from '../../pc/gathering/server-list.ts'
import { milliseconds, printable, rounded, table } from '../output.ts'
import type { Finding } from './finding.ts'

/** Gathering ends by itself, when the last server was given up; this is for the case that it does not. */
const gatheringLimitMs = 20_000

/** What a connection on this host would tell a peer. */
export interface Gathered {
  readonly candidates: readonly LocalCandidate[]
  readonly failures: readonly { readonly url: string; readonly failure: ServerFailure }[]
  readonly durationMs: number
}

/** Gathers as a connection does. */
export function gather(
  environment: Environment,
  servers: readonly IceServerTarget[],
  tlsCa: string | undefined,
): Promise<Gathered> {
  const host = {
    ...{ gatherLoopback: false, portRange: undefined, hideHostAddresses: false, natMappings: [] },
    tcpCandidates: ['active'] as const,
  }
  const gatherer = new Gatherer({ environment, policy: 'all', servers, host, tlsCa, icePort: undefined })
  const candidates: LocalCandidate[] = []
  const failures: { url: string; failure: ServerFailure }[] = []
  const begun = environment.clock.now()
  return new Promise(resolve => {
    const end = (): void => {
      cancel()
      gatherer.close()
      resolve({ candidates, failures, durationMs: environment.clock.now() - begun })
    }
    const cancel = environment.timers.set(gatheringLimitMs, end)
    gatherer.gather({
      receive() {},
      usernameFragment: '',
      candidate: ({ candidate }) => candidates.push(candidate),
      removed() {},
      unreachable() {},
      serverFailed: (url, failure) => failures.push({ url, failure }),
      gatheringChanged: state => {
        if (state === 'complete') end()
      },
    })
  })
}

/** The addresses of this host, and which of them ICE uses. */
export function interfacesFinding({ candidates }: Gathered, environment: Environment): Finding {
  const used = new Set(candidates.filter(({ type }) => type === 'host').map(({ base }) => base.address))
  const usable = environment.network.interfaces()
  const rows = Object.entries(interfaceTable(networkInterfaces)).flatMap(([name, addresses = []]) =>
    addresses.map(({ address, internal }) => {
      const known = usable.find(entry => entry.address === address)
      const use = used.has(address) ? 'used' : `not used: ${whyNot(address, internal, known !== undefined)}`
      return { name, address, use, isUsed: used.has(address), internal }
    }),
  )
  const isOnlyLoopback = !rows.some(({ isUsed, internal }) => isUsed && !internal)
  return {
    topic: 'interfaces',
    status: used.size === 0 ? 'fail' : isOnlyLoopback ? 'warn' : 'ok',
    title: `Interfaces: ${used.size} of ${rows.length} addresses used`,
    lines: [
      ...table(
        rows.map(({ name, address, use }) => [printable(name), address, use]),
        0,
      ),
      ...(used.size === 0 ? ['There is no address that a peer could reach: no connection is possible.'] : []),
      ...(used.size > 0 && isOnlyLoopback ? ['Only loopback: peers on other hosts cannot be reached directly.'] : []),
    ],
    data: {
      addresses: rows.map(({ name, address, isUsed, use }) => ({ interface: name, address, used: isUsed, use })),
    },
  }
}

function whyNot(address: string, internal: boolean, isUsable: boolean): string {
  if (internal) return 'loopback counts only where there is nothing else'
  if (isLinkLocalIpv6(address)) return 'link-local addresses mean nothing to peers'
  if (!isUsable) return 'no address that a peer could reach'
  return `cannot be bound, or there are more than ${maxLocalAddresses}`
}

/** The candidates that a connection here has, and the servers that were of no use. */
export function candidatesFinding({ candidates, failures, durationMs }: Gathered): Finding {
  const rows = candidates.map(({ type, protocol, tcpType, address, url, relatedAddress, relatedPort }) => [
    type,
    tcpType === undefined ? protocol : `${protocol} ${tcpType}`,
    addressKey(address),
    ...(url === undefined ? [] : [`by ${printable(url)}, from ${relatedAddress} port ${relatedPort}`]),
  ])
  return {
    topic: 'candidates',
    status: candidates.length === 0 ? 'fail' : failures.length > 0 ? 'warn' : 'ok',
    title: `Candidates: ${candidates.length}, gathered in ${milliseconds(durationMs)}`,
    lines: [
      ...table(rows, 0),
      ...failures.map(({ url, failure }) => `${printable(url)} was of no use: ${describeFailure(failure)}`),
    ],
    data: {
      durationMs: rounded(durationMs),
      candidates: candidates.map(({ type, protocol, tcpType, address, priority, url, relayProtocol }) => ({
        ...{ type, protocol, tcpType, address: addressKey(address), priority, url, relayProtocol },
      })),
      failures: failures.map(({ url, failure: { errorCode, errorText } }) => ({ url, errorCode, errorText })),
    },
  }
}

function describeFailure({ errorCode, errorText }: ServerFailure): string {
  return printable(errorCode === serverNotReachable ? errorText : `${errorCode} ${errorText}`, 300)
}
