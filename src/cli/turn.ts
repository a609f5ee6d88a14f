import { addressKey, sameAddress, type TransportAddress } from '../base/address.ts'
import type { StunCredentials } from '../ice/index.ts'
import { Allocation } from './allocation.ts'
import { onlyPositional, readArguments, seconds, wholeNumber } from './arguments.ts'
import { type Command, type Context, exitCode, UsageError } from './command.ts'
import { count, facts, milliseconds, printable, rounded, toJson } from './output.ts'
import { addressesOf, describeTransport, type ReachableUrl, reach, readServerUrl, type Way } from './reach.ts'
import { proofPackets, proveRelay, type RelayProof } from './relay-proof.ts'
import { credentialHelp, credentialOptions, readCredentials, readPem } from './secrets.ts'

const help = `Asks a TURN server for a relayed address, and finds out whether it relays.

Usage: icefloe turn URL --user NAME [OPTIONS]

URL is turn:HOST[:PORT] (UDP), turn:HOST[:PORT]?transport=tcp or turns:HOST[:PORT] (TLS); HOST[:PORT] alone means turn:.

${credentialHelp}
  --ca FILE             trusts the certificates (PEM) in FILE, instead of those that Node trusts
  --lifetime S          the lifetime to ask for, in seconds
  --timeout S           how long an answer is waited for, in seconds; 5 if absent
  --no-relay-check      only asks for the address
  --json                prints one line of JSON

The relay is proved by sending ${proofPackets} packets through it and back: between two allocations, or from a socket of this host.
Servers that relay neither to themselves nor to this host cannot be proved from here; that counts as not working.

Exit codes: 0 it works, 1 it does not, 2 the command was not understood.`

/** `icefloe turn`: an allocation, RFC 8656, and what it is worth. */
export const turnCommand: Command = {
  name: 'turn',
  help,
  run: async (args, context) => {
    const { values, positionals } = readArguments(args, {
      ...credentialOptions,
      ca: { type: 'string' },
      lifetime: { type: 'string' },
      timeout: { type: 'string' },
      'no-relay-check': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    })
    const url = readServerUrl(onlyPositional(positionals, 'URL'), 'turn', ['turn', 'turns'])
    const credentials = readCredentials(values, context)
    if (credentials === undefined) throw new UsageError('--user is missing')
    const lifetimeSeconds = wholeNumber('lifetime', values.lifetime, { min: 1, max: 86_400 })
    const options: ExaminationOptions = {
      url,
      credentials,
      ca: values.ca === undefined ? undefined : readPem('ca', values.ca, 'CERTIFICATE'),
      timeoutMs: seconds('timeout', values.timeout) ?? 5_000,
      proves: !values['no-relay-check'],
      ...(lifetimeSeconds === undefined ? {} : { lifetimeSeconds }),
    }
    const examinations = await examineTurn(options, context)
    if (values.json) context.print(toJson({ url: url.url, ...turnData(url, examinations) }))
    else for (const line of describeTurn(url, examinations)) context.print(line)
    return examinations.some(isGood) ? exitCode.ok : exitCode.failed
  },
}

export interface ExaminationOptions {
  readonly url: ReachableUrl
  readonly credentials: StunCredentials
  readonly ca: string | undefined
  readonly timeoutMs: number
  readonly lifetimeSeconds?: number
  /** Whether packets are sent through the relay. */
  readonly proves: boolean
}

/** What one address of a TURN server does. */
export interface Examination {
  readonly server: TransportAddress
  readonly transport: ReachableUrl['transport']
  /** Why there is no allocation. */
  readonly failure?: string
  readonly errorCode?: number
  readonly allocated?: {
    readonly relayed: readonly TransportAddress[]
    readonly mapped: TransportAddress | undefined
    readonly local: TransportAddress | undefined
    readonly lifetimeSeconds: number
    readonly roundTripMs: number | undefined
    readonly software: string | undefined
    /** One for each relayed address; none if that was not asked for. */
    readonly proofs: readonly RelayProof[]
  }
}

/** Whether there is an allocation, and whether it relays if that was asked. */
export function isGood({ allocated }: Examination): boolean {
  return allocated?.proofs.every(({ works }) => works) ?? false
}

/** Examines a server at its addresses, one of each family. */
export async function examineTurn(options: ExaminationOptions, context: Context): Promise<Examination[]> {
  const examinations: Examination[] = []
  for (const server of await addressesOf(options.url, context)) {
    examinations.push(await examineAddress(server, options, context))
  }
  return examinations
}

async function examineAddress(
  server: TransportAddress,
  options: ExaminationOptions,
  { environment, route, signal }: Context,
): Promise<Examination> {
  const { url, ca, credentials, timeoutMs, lifetimeSeconds } = options
  const { transport } = url
  const openWay = (): ReturnType<typeof reach> => reach(url, server, { environment, route, ca })
  const allocate = (way: Way): ReturnType<typeof Allocation.request> =>
    Allocation.request({
      ...{ environment, way, credentials, timeoutMs },
      ...(lifetimeSeconds === undefined ? {} : { lifetimeSeconds }),
    })
  const way = await openWay()
  if ('reason' in way) return { server, transport, failure: way.reason }
  try {
    const allocation = await allocate(way)
    if (!(allocation instanceof Allocation)) {
      const { reason: failure, errorCode } = allocation
      return { server, transport, failure, ...(errorCode === undefined ? {} : { errorCode }) }
    }
    const { relayed, mapped, local, lifetimeSeconds: lifetime, observed } = allocation
    const { roundTripMs, software } = observed
    const proofs: RelayProof[] = []
    // Where there is TLS there is no plain UDP, but mostly at the usual port.
    const overUdp = url.transport === 'tls' ? { ...server, port: 3478 } : server
    for (const address of options.proves && !signal.aborted ? relayed : []) {
      const openUdpWay = (): ReturnType<typeof reach> =>
        reach({ ...url, transport: 'udp' }, overUdp, { environment, route, ca })
      proofs.push(await proveRelay({ environment, allocation, relayed: address, allocate, openWay, openUdpWay }))
    }
    await allocation.close()
    return {
      server,
      transport,
      allocated: { relayed, mapped, local, lifetimeSeconds: lifetime, roundTripMs, software, proofs },
    }
  } finally {
    way.close()
  }
}

/** For people. */
export function describeTurn(url: ReachableUrl, examinations: readonly Examination[]): string[] {
  if (examinations.length === 0) return [`${url.host} could not be resolved`]
  return examinations.flatMap(each => [
    `${printable(url.url)} at ${addressKey(each.server)} over ${describeTransport(each.transport)}`,
    ...facts(describe(each)),
  ])
}

function describe({ allocated, failure = 'no answer', errorCode }: Examination): [string, string | undefined][] {
  if (allocated === undefined)
    return [
      ['failed', printable(failure, 300)],
      ['hint', hintFor(errorCode, failure)],
    ]
  const { relayed, mapped, local, lifetimeSeconds, roundTripMs, software, proofs } = allocated
  const isSame = mapped !== undefined && local !== undefined && sameAddress(mapped, local)
  return [
    ...relayed.map((address): [string, string] => ['relayed address', addressKey(address)]),
    ['mapped address', mapped && `${addressKey(mapped)}${isSame ? ' (no address translation)' : ''}`],
    ['local address', local === undefined || isSame ? undefined : addressKey(local)],
    ['lifetime', count(lifetimeSeconds, 'second')],
    ['round trip', roundTripMs === undefined ? undefined : milliseconds(roundTripMs)],
    ['software', software === undefined ? undefined : printable(software)],
    ...proofs.flatMap((proof, index) => describeProof(proof, proofs.length > 1 ? relayed[index] : undefined)),
  ]
}

/** @param of the relayed address, if there is more than one */
function describeProof(proof: RelayProof, of: TransportAddress | undefined): [string, string][] {
  const name = of === undefined ? 'relaying' : `relaying IPv${of.family}`
  if (!proof.works) {
    return [
      [name, 'not proved'],
      ...proof.reasons.map(({ way, reason }): [string, string] => [
        way === 'own socket' ? '  by own socket' : '  by two allocations',
        printable(reason, 300),
      ]),
    ]
  }
  const { returned, way, roundTripMs } = proof
  const by = way === 'own socket' ? 'sent by a socket of this host' : 'through two allocations'
  return [[name, `works: ${returned} of ${proofPackets} packets came back, ${by}, in ${milliseconds(roundTripMs)}`]]
}

/** What a code of the server, or a certificate that is not trusted, mostly means to whoever runs it. */
export function hintFor(errorCode: number | undefined, failure: string): string | undefined {
  if (errorCode !== undefined) return hints[errorCode]
  const isUntrusted = /self-signed certificate|local issuer certificate|first certificate/.test(failure)
  return isUntrusted ? '--ca FILE trusts a certificate of your own, or that of its authority' : undefined
}

const hints: { readonly [code: number]: string } = {
  400: 'the server does not understand the request: is it a TURN server?',
  401: 'user name, password or realm are not those that the server knows; credentials for a time may have expired',
  403: 'the server is configured not to serve this client',
  437: 'the server still has another allocation of this address: try again',
  441: 'another user holds the allocation',
  442: 'the server does not relay UDP',
  486: 'this user has as many allocations as one may have',
  508: 'the server has no relay port left',
}

/** For programs. */
export function turnData(url: ReachableUrl, examinations: readonly Examination[]): object {
  return {
    ok: examinations.some(isGood),
    ...(examinations.length === 0 ? { error: `${url.host} could not be resolved` } : {}),
    servers: examinations.map(({ server, transport, allocated, failure, errorCode }) => ({
      address: addressKey(server),
      transport,
      allocated: allocated !== undefined,
      ...(failure === undefined ? {} : { error: failure }),
      ...(errorCode === undefined ? {} : { errorCode }),
      ...(allocated === undefined
        ? {}
        : {
            relayedAddresses: allocated.relayed.map(addressKey),
            mappedAddress: allocated.mapped && addressKey(allocated.mapped),
            localAddress: allocated.local && addressKey(allocated.local),
            lifetimeSeconds: allocated.lifetimeSeconds,
            roundTripMs: allocated.roundTripMs === undefined ? undefined : rounded(allocated.roundTripMs),
            software: allocated.software,
            relaying: allocated.proofs.map(proof =>
              proof.works ? { ...proof, sent: proofPackets, roundTripMs: rounded(proof.roundTripMs) } : proof,
            ),
          }),
    })),
  }
}
