import type { StunCredentials } from '../ice/index.ts'
import type { IceServerTarget } from '../pc/gathering/server-list.ts'
import { noPositionals, readArguments, seconds } from './arguments.ts'
import { type Command, type Context, exitCode, UsageError } from './command.ts'
import { describeFinding, type Finding, findingData } from './doctor/finding.ts'
import { candidatesFinding, gather, interfacesFinding } from './doctor/local-candidates.ts'
import { examineLoopback } from './doctor/loopback.ts'
import { examineMdns } from './doctor/mdns.ts'
import { natFinding } from './doctor/nat.ts'
import { discoverNats } from './doctor/nat-discovery.ts'
import { examineRelay } from './doctor/relays.ts'
import { examineStunServer } from './doctor/stun-server.ts'
import { toJson } from './output.ts'
import { type ReachableUrl, readServerUrl } from './reach.ts'
import { credentialHelp, credentialOptions, readCredentials, readPem } from './secrets.ts'
import { version } from './version.ts'

const help = `Examines what this host has for WebRTC: interfaces, candidates, multicast DNS, a connection with itself, and with the
help of servers that you name the NATs on the way, and relays.

Usage: icefloe doctor [OPTIONS]

Nothing outside of this host's network is contacted unless it is named: without --server there are questions that stay open.

  --server URL          stun:HOST, stuns:HOST, turn:HOST or turns:HOST, each with :PORT; again for more
${credentialHelp}
                        (for all TURN servers)
  --ca FILE             trusts the certificates (PEM) in FILE, instead of those that Node trusts
  --timeout S           how long an answer is waited for, in seconds; 5 if absent. Gathering candidates has its own limit
  --json                prints one line of JSON

Exit codes: 0 nothing is broken, 1 something is, 2 the command was not understood.`

interface Options {
  readonly servers: readonly ReachableUrl[]
  readonly credentials: StunCredentials | undefined
  readonly ca: string | undefined
  readonly timeoutMs: number
}

/** `icefloe doctor`: one examination after another, each told as soon as it is done. */
export const doctorCommand: Command = {
  name: 'doctor',
  help,
  run: async (args, context) => {
    const { values, positionals } = readArguments(args, {
      ...credentialOptions,
      server: { type: 'string', multiple: true, default: [] },
      ca: { type: 'string' },
      timeout: { type: 'string' },
      json: { type: 'boolean', default: false },
    })
    noPositionals(positionals)
    const options: Options = {
      servers: values.server.map(text => readServerUrl(text, 'stun', ['stun', 'stuns', 'turn', 'turns'])),
      credentials: readCredentials(values, context),
      ca: values.ca === undefined ? undefined : readPem('ca', values.ca, 'CERTIFICATE'),
      timeoutMs: seconds('timeout', values.timeout) ?? 5_000,
    }
    if (options.servers.some(isTurn) && options.credentials === undefined) {
      throw new UsageError('a TURN server needs --user')
    }
    const findings: Finding[] = []
    if (!values.json)
      context.print(`icefloe ${version()}, Node.js ${process.version}, ${process.platform} ${process.arch}`)
    for await (const finding of examine(options, context)) {
      findings.push(finding)
      if (!values.json) for (const line of describeFinding(finding, context.colour)) context.print(line)
    }
    const ok = findings.every(({ status }) => status !== 'fail')
    if (values.json) context.print(toJson(toData(ok, findings)))
    else context.print(conclusion(findings))
    return ok ? exitCode.ok : exitCode.failed
  },
}

async function* examine(options: Options, context: Context): AsyncGenerator<Finding> {
  const { environment, signal } = context
  const { servers, credentials, ca, timeoutMs } = options
  const gathered = await gather(
    environment,
    servers.map(url => toTarget(url, credentials)),
    ca,
  )
  yield interfacesFinding(gathered, environment)
  yield candidatesFinding(gathered)
  if (!signal.aborted) yield await examineMdns(environment)
  if (!signal.aborted) yield await examineLoopback(environment, gathered.candidates.length > 0)
  if (servers.length === 0) {
    const title = 'NAT and relays: not looked at, as no server was named (--server)'
    yield { topic: 'servers', status: 'skip', title, lines: [], data: {} }
    return
  }
  for (const server of servers.filter(url => !isTurn(url))) {
    if (!signal.aborted) yield await examineStunServer({ server, ca, timeoutMs }, context)
  }
  if (!signal.aborted && servers.some(({ transport }) => transport === 'udp')) {
    yield natFinding(await discoverNats(servers, context, timeoutMs))
  }
  for (const url of servers.filter(isTurn)) {
    if (credentials !== undefined && !signal.aborted)
      yield await examineRelay({ url, credentials, ca, timeoutMs }, context)
  }
}

function isTurn({ scheme }: ReachableUrl): boolean {
  return scheme === 'turn' || scheme === 'turns'
}

function toTarget(server: ReachableUrl, credentials: StunCredentials | undefined): IceServerTarget {
  return { server, credentials: isTurn(server) ? credentials : undefined }
}

/** In one line. */
export function conclusion(findings: readonly Finding[]): string {
  const [failed, warned] = (['fail', 'warn'] as const).map(status => findings.filter(each => each.status === status))
  const names = (which: readonly Finding[] = []): string => which.map(({ title }) => title.split(':')[0]).join(', ')
  if (failed !== undefined && failed.length > 0) return `Something is broken: ${names(failed)}.`
  if (warned !== undefined && warned.length > 0) return `Nothing is broken; worth a look: ${names(warned)}.`
  return 'Nothing is broken.'
}

/** For programs. Of servers there may be more than one. */
function toData(ok: boolean, findings: readonly Finding[]): object {
  const single = findings.filter(({ topic }) => topic !== 'stun' && topic !== 'turn')
  const of = (topic: string): object[] => findings.filter(each => each.topic === topic).map(findingData)
  return {
    ...{ ok, version: version(), node: process.version, platform: process.platform, arch: process.arch },
    ...Object.fromEntries(single.map(each => [each.topic, findingData(each)])),
    ...{ stun: of('stun'), turn: of('turn') },
  }
}
