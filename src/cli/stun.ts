import { addressKey, sameAddress, type TransportAddress } from '../base/address.ts'
import type { Environment } from '../base/environment.ts'
import { onlyPositional, readArguments, seconds, wholeNumber } from './arguments.ts'
import { askBinding, type Binding, type BindingOutcome } from './binding.ts'
import { type Command, type Context, exitCode } from './command.ts'
import { count, facts, milliseconds, printable, rounded, toJson } from './output.ts'
import { addressesOf, describeTransport, type ReachableUrl, reach, readServerUrl } from './reach.ts'
import { readPem } from './secrets.ts'

/** Between two requests of `--count`. */
const intervalMs = 200

const help = `Asks a STUN server how it sees this host.

Usage: icefloe stun URL [OPTIONS]

URL is stun:HOST[:PORT] (UDP) or stuns:HOST[:PORT] (TLS); HOST[:PORT] alone means stun:. TURN servers answer as well:
turn:HOST, turn:HOST?transport=tcp, turns:HOST. Where the host has addresses of both families, both are asked.

  --count N     asks N times and tells how many answers came; each is then asked once, so that losses are seen
  --timeout S   how long an answer is waited for, in seconds; 5 if absent
  --ca FILE     trusts the certificates (PEM) in FILE, instead of those that Node trusts
  --json        prints one line of JSON

Exit codes: 0 the server has answered, 1 it has not, 2 the command was not understood.`

const schemes = ['stun', 'stuns', 'turn', 'turns'] as const

/** `icefloe stun`: a Binding request, RFC 8489. */
export const stunCommand: Command = {
  name: 'stun',
  help,
  run: async (args, context) => {
    const { values, positionals } = readArguments(args, {
      count: { type: 'string' },
      timeout: { type: 'string' },
      ca: { type: 'string' },
      json: { type: 'boolean', default: false },
    })
    const server = readServerUrl(onlyPositional(positionals, 'URL'), 'stun', schemes)
    const times = wholeNumber('count', values.count, { min: 1, max: 10_000 }) ?? 1
    const timeoutMs = seconds('timeout', values.timeout) ?? 5_000
    const ca = values.ca === undefined ? undefined : readPem('ca', values.ca, 'CERTIFICATE')
    const answers = await askServer({ server, times, timeoutMs, ca }, context)
    if (values.json) context.print(toJson({ url: server.url, ...stunData(answers) }))
    else for (const line of describeAnswers(server, answers)) context.print(line)
    return answers.some(hasAnswered) ? exitCode.ok : exitCode.failed
  },
}

export interface StunOptions {
  readonly server: ReachableUrl
  readonly times: number
  readonly timeoutMs: number
  readonly ca: string | undefined
}

/** Asks a server at its addresses, one of each family. */
export async function askServer(options: StunOptions, context: Context): Promise<Answers[]> {
  const addresses = await addressesOf(options.server, context)
  return await Promise.all(addresses.map(address => askAddress(address, options, context)))
}

/** What one address of a server has answered. */
export interface Answers {
  readonly server: TransportAddress
  readonly transport: ReachableUrl['transport']
  readonly asked: number
  readonly bindings: readonly Binding[]
  /** Why an answer is missing, the latest reason. */
  readonly failure?: string
}

export function hasAnswered({ bindings }: Answers): boolean {
  return bindings.length > 0
}

async function askAddress(address: TransportAddress, options: StunOptions, context: Context): Promise<Answers> {
  const { environment, route, signal } = context
  const { transport } = options.server
  const way = await reach(options.server, address, { environment, route, ca: options.ca })
  if ('reason' in way) return { server: address, transport, asked: 0, bindings: [], failure: way.reason }
  const bindings: Binding[] = []
  let asked = 0
  let failure: string | undefined
  // What was sent again could be counted twice, or not be missed.
  const rtoMs = options.times > 1 ? options.timeoutMs : 500
  for (; asked < options.times && !signal.aborted; asked++) {
    if (asked > 0) await pause(intervalMs, environment)
    const outcome = await askBinding(way, environment, { rtoMs, timeoutMs: options.timeoutMs })
    if (outcome.kind === 'answered') bindings.push(outcome.binding)
    else failure = reasonOf(outcome)
  }
  way.close()
  return { server: address, transport, asked, bindings, ...(failure === undefined ? {} : { failure }) }
}

function reasonOf(outcome: Exclude<BindingOutcome, { readonly kind: 'answered' }>): string {
  return outcome.kind === 'failed'
    ? outcome.reason
    : `the server wants another one to be asked: ${addressKey(outcome.server)}`
}

function pause(delayMs: number, { timers }: Environment): Promise<void> {
  return new Promise(resolve => {
    timers.set(delayMs, resolve)
  })
}

/** For people. */
export function describeAnswers(server: ReachableUrl, answers: readonly Answers[]): string[] {
  if (answers.length === 0) return [`${server.host} could not be resolved`]
  return answers.flatMap(each => [
    `${printable(server.url)} at ${addressKey(each.server)} over ${describeTransport(each.transport)}`,
    ...facts(describe(each)),
  ])
}

function describe({ asked, bindings, failure }: Answers): [string, string | undefined][] {
  const [first] = bindings
  if (first === undefined) return [['failed', printable(failure ?? 'no answer', 300)]]
  const { mapped, local, otherAddress, responseOrigin, software } = first
  const others = new Set(bindings.map(binding => addressKey(binding.mapped)))
  return [
    ['mapped address', `${[...others].join(', ')}${isNat(first) === false ? ' (no address translation)' : ''}`],
    ['local address', local === undefined || sameAddress(local, mapped) ? undefined : addressKey(local)],
    ['round trip', describeRoundTrips(asked, bindings)],
    ['answers', asked === 1 ? undefined : `${bindings.length} of ${count(asked, 'request')}`],
    ['software', software === undefined ? undefined : printable(software)],
    ['other address', otherAddress === undefined ? undefined : addressKey(otherAddress)],
    ['answered from', responseOrigin === undefined ? undefined : addressKey(responseOrigin)],
    ['last failure', failure === undefined ? undefined : printable(failure, 300)],
  ]
}

/** Whether the address changes on the way; undefined if the local one is not known. */
function isNat({ local, mapped }: Binding): boolean | undefined {
  return local === undefined ? undefined : !sameAddress(local, mapped)
}

function describeRoundTrips(asked: number, bindings: readonly Binding[]): string {
  const { min, mean, max } = roundTrips(bindings)
  if (asked === 1) return milliseconds(mean)
  return `${milliseconds(min)} least, ${milliseconds(mean)} mean, ${milliseconds(max)} most`
}

function roundTrips(bindings: readonly Binding[]): {
  readonly min: number
  readonly mean: number
  readonly max: number
} {
  const all = bindings.map(({ roundTripMs }) => roundTripMs)
  return { min: Math.min(...all), max: Math.max(...all), mean: all.reduce((sum, each) => sum + each, 0) / all.length }
}

/** For programs. */
export function stunData(answers: readonly Answers[]): object {
  return {
    ok: answers.some(hasAnswered),
    ...(answers.length === 0 ? { error: 'the host could not be resolved' } : {}),
    servers: answers.map(({ server, transport, asked, bindings, failure }) => {
      const [first] = bindings
      const error = failure === undefined ? {} : { error: failure }
      const all = { address: addressKey(server), transport, asked, answered: bindings.length, ...error }
      if (first === undefined) return all
      const { mapped, local, otherAddress, responseOrigin, software } = first
      const { min, mean, max } = roundTrips(bindings)
      return {
        ...all,
        mappedAddress: addressKey(mapped),
        localAddress: local && addressKey(local),
        roundTripMs: { min: rounded(min), mean: rounded(mean), max: rounded(max) },
        software,
        otherAddress: otherAddress && addressKey(otherAddress),
        responseOrigin: responseOrigin && addressKey(responseOrigin),
      }
    }),
  }
}
