import { addressKey } from '../base/address.ts'
import {
  createTurnServer,
  type TurnServer,
  type TurnServerOptions,
  type TurnServerStats,
} from '../turn-server/index.ts'
import { ipAddress, noPositionals, port, portRange, readArguments, seconds, wholeNumber } from './arguments.ts'
import { type Command, type Context, exitCode, UsageError } from './command.ts'
import { count, printable, toJson } from './output.ts'
import { checked, readPem, readSecret, readText } from './secrets.ts'

/** Between two lines about what was relayed, where anything was. */
const defaultStatsMs = 60_000

const help = `Runs a STUN and TURN server until it is interrupted.

Usage: icefloe turn-server [OPTIONS]

Where it listens:
  --listen ADDRESS          an address of this host; again for more. All addresses if absent
  --port PORT               for UDP and TCP; 3478 if absent, 0 for any (and then not the same)
  --alternate-port PORT     a second one: with two addresses, clients can find out how NATs behave (RFC 5780)
  --tls-port PORT           for TLS; 5349 if absent and there is a certificate
  --cert FILE, --key FILE   certificate chain and private key for TLS, PEM

Who may use it; without users and secret it answers STUN alone:
  --realm NAME              the name that the passwords are for; icefloe if absent
  --user NAME:PASSWORD      again for more. Other users of this machine can see it while the server runs, so better:
  --user NAME               the password is in the variable ICEFLOE_PASSWORD
  --users-file FILE         a line NAME:PASSWORD for each user
  --secret SECRET           for credentials that a web service hands out for a time; better in the variable
                            ICEFLOE_SECRET or the first line of --secret-file FILE

What is relayed:
  --relay-ports MIN-MAX     49152-65535 if absent
  --relay-on ADDRESS        the address of this host to relay from, one of each family
  --external-ip ADDRESS     what peers see instead, behind a NAT that maps one to one; one of each family
  --allow-loopback-peers, --allow-private-peers, --allow-own-peers
                            clients may reach such addresses; by default only public ones and each other
  --tcp-relay               relays TCP connections too (RFC 6062)

Quotas:
  --max-allocations N            4096 if absent
  --max-allocations-per-user N   100 if absent
  --max-bytes-per-second N       what a user may relay, both ways together; unlimited if absent
  --max-connections N            clients on TCP and TLS; 4096 if absent
  --max-lifetime S               of an allocation, in seconds; 3600 if absent

  --stats-interval S        how often traffic is told, in seconds; 60 if absent
  --json                    prints each line as JSON

Exit codes: 0 it was interrupted, 1 it could not start, 2 the command was not understood.`

const optionTypes = {
  listen: { type: 'string', multiple: true },
  port: { type: 'string' },
  'alternate-port': { type: 'string' },
  'tls-port': { type: 'string' },
  cert: { type: 'string' },
  key: { type: 'string' },
  realm: { type: 'string', default: 'icefloe' },
  user: { type: 'string', multiple: true },
  'users-file': { type: 'string' },
  secret: { type: 'string' },
  'secret-file': { type: 'string' },
  'relay-ports': { type: 'string' },
  'relay-on': { type: 'string', multiple: true },
  'external-ip': { type: 'string', multiple: true },
  'allow-loopback-peers': { type: 'boolean', default: false },
  'allow-private-peers': { type: 'boolean', default: false },
  'allow-own-peers': { type: 'boolean', default: false },
  'tcp-relay': { type: 'boolean', default: false },
  'max-allocations': { type: 'string' },
  'max-allocations-per-user': { type: 'string' },
  'max-bytes-per-second': { type: 'string' },
  'max-connections': { type: 'string' },
  'max-lifetime': { type: 'string' },
  'stats-interval': { type: 'string' },
  json: { type: 'boolean', default: false },
} as const

type Values = ReturnType<typeof readArguments<typeof optionTypes>>['values']

/** `icefloe turn-server`: the server of `icefloe/turn-server`, as a program. */
export const turnServerCommand: Command = {
  name: 'turn-server',
  help,
  run: async (args, context) => {
    const { values, positionals } = readArguments(args, optionTypes)
    noPositionals(positionals)
    const options = toServerOptions(values, context)
    const statsMs = seconds('stats-interval', values['stats-interval'], 86_400) ?? defaultStatsMs
    const log = logger(values.json, context)
    const server = await start(options, context)
    if (server === undefined) return exitCode.failed
    for (const { transport, ...address } of server.addresses) {
      log(`listening on ${addressKey(address)} ${transport}`, {
        event: 'listening',
        transport,
        address: addressKey(address),
      })
    }
    log(whoMayUseIt(options), { event: 'ready', realm: options.realm, users: Object.keys(options.users ?? {}).length })
    await untilInterrupted(server, statsMs, log, context)
    const stats = server.stats()
    server.close()
    log(`ends: ${describeStats(stats)}`, { event: 'end', ...stats })
    return exitCode.ok
  },
}

/** Writes a line: the text, or the fact as JSON with the time. */
type Log = (text: string, fact: object) => void

function logger(json: boolean, { print, environment }: Context): Log {
  return (text, fact) => {
    const time = new Date(environment.clock.wallTime()).toISOString()
    print(json ? toJson({ time, ...fact }) : `${time} ${text}`)
  }
}

/** What the arguments mean for the server. */
export function toServerOptions(values: Values, { environment, variables }: Context): TurnServerOptions {
  const users = readUsers(values, variables.ICEFLOE_PASSWORD)
  const secret = readSecret('secret', values.secret, values['secret-file'], variables.ICEFLOE_SECRET || undefined)
  if (secret === '') throw new UsageError('the secret must not be empty')
  const limit = (option: keyof Values & string, max: number): number | undefined =>
    wholeNumber(option, values[option] as string | undefined, { min: 1, max })
  if (values.realm === '') throw new UsageError('--realm must not be empty')
  const optional = present({
    users,
    secret,
    relayPorts: portRange('relay-ports', values['relay-ports']),
    relayOn: values['relay-on']?.map(text => ipAddress('relay-on', text)),
    relayAddress: values['external-ip']?.map(text => ipAddress('external-ip', text)),
    maxAllocations: limit('max-allocations', 16_384),
    maxAllocationsPerUser: limit('max-allocations-per-user', 16_384),
    maxBytesPerSecondPerUser: limit('max-bytes-per-second', 1e12),
    maxConnections: limit('max-connections', 1_000_000),
    maxLifetimeSeconds: limit('max-lifetime', 86_400),
  })
  return {
    ...optional,
    listen: readListen(values),
    realm: values.realm,
    allowLoopbackPeers: values['allow-loopback-peers'],
    allowPrivatePeers: values['allow-private-peers'],
    allowOwnPeers: values['allow-own-peers'],
    tcpRelay: values['tcp-relay'],
    software: 'icefloe',
    environment,
  }
}

/** Without the members that have no value: an option that is absent is not one that is undefined. */
function present<T extends object>(values: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  const known = Object.entries(values).filter(([, value]) => value !== undefined)
  return Object.fromEntries(known) as { [Key in keyof T]?: Exclude<T[Key], undefined> }
}

function readListen(values: Values): TurnServerOptions['listen'] {
  const addresses = (values.listen ?? ['0.0.0.0', '::']).map(text => ipAddress('listen', text))
  const main = port('port', values.port, 0) ?? 3478
  const alternate = port('alternate-port', values['alternate-port'])
  const ports = alternate === undefined ? [main] : [main, alternate]
  const plain = addresses.flatMap(address =>
    ports.flatMap(each => (['udp', 'tcp'] as const).map(transport => ({ address, port: each, transport }))),
  )
  if (values.cert === undefined && values.key === undefined) {
    if (values['tls-port'] !== undefined) throw new UsageError('TLS needs --cert and --key')
    return plain
  }
  if (values.cert === undefined || values.key === undefined) throw new UsageError('--cert and --key go together')
  const identity = {
    certificate: readPem('cert', values.cert, 'CERTIFICATE'),
    key: readPem('key', values.key, 'PRIVATE KEY'),
  }
  const tls = { port: port('tls-port', values['tls-port'], 0) ?? 5349, transport: 'tls', ...identity } as const
  return [...plain, ...addresses.map(address => ({ address, ...tls }))]
}

function readUsers(values: Values, variable: string | undefined): Record<string, string> | undefined {
  const lines = values['users-file'] === undefined ? [] : readText('users-file', values['users-file']).split(/\r?\n/)
  const users = new Map<string, string>()
  for (const line of lines.filter(each => each !== '' && !each.startsWith('#'))) {
    if (!line.includes(':')) throw new UsageError('--users-file: a line is NAME:PASSWORD')
    addUser(users, line, undefined)
  }
  if (values['users-file'] !== undefined && users.size === 0) throw new UsageError('--users-file has no users')
  for (const text of values.user ?? []) addUser(users, text, variable)
  return users.size === 0 ? undefined : Object.fromEntries(users)
}

/** The name ends at the first colon: a password may have some. */
function addUser(users: Map<string, string>, text: string, variable: string | undefined): void {
  const colon = text.indexOf(':')
  const password = colon < 0 ? variable : text.slice(colon + 1)
  if (password === undefined)
    throw new UsageError('--user is NAME:PASSWORD, or NAME with the variable ICEFLOE_PASSWORD')
  const { username } = checked({ username: colon < 0 ? text : text.slice(0, colon), password })
  users.set(username, password)
}

async function start(options: TurnServerOptions, { complain }: Context): Promise<TurnServer | undefined> {
  try {
    return await createTurnServer(options)
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    const reason = code.startsWith('ERR_OSSL') ? `the certificate or its key is of no use (${code})` : failures[code]
    complain(`icefloe turn-server: cannot start: ${reason ?? printable(message, 300)}`)
    return undefined
  }
}

const failures: { readonly [code: string]: string } = {
  EADDRINUSE: 'an address is in use: another server may run on this port',
  EADDRNOTAVAIL: 'an address is not of this host',
  EACCES: 'the port may not be taken: those below 1024 are for administrators',
}

function whoMayUseIt({ users, secret, realm }: TurnServerOptions): string {
  if (users === undefined && secret === undefined) return 'ready: STUN alone, as there are neither users nor a secret'
  const known = users === undefined ? [] : [count(Object.keys(users).length, 'user')]
  const handedOut = secret === undefined ? [] : ['credentials for a time']
  return `ready: STUN and TURN for ${[...known, ...handedOut].join(' and ')}, realm ${realm}`
}

function untilInterrupted(server: TurnServer, statsMs: number, log: Log, { signal }: Context): Promise<void> {
  let told = ''
  const timer = setInterval(() => {
    const stats = server.stats()
    const line = describeStats(stats)
    // An idle server says nothing.
    if (line === told) return
    told = line
    log(line, { event: 'stats', ...stats })
  }, statsMs)
  return new Promise(resolve => {
    const end = (): void => {
      clearInterval(timer)
      resolve()
    }
    if (signal.aborted) end()
    else signal.addEventListener('abort', end, { once: true })
  })
}

/** What the server has done so far. */
export function describeStats(stats: TurnServerStats): string {
  const { openAllocations, allocations, bindings, connections, toPeers, toClients, refusals, drops } = stats
  const refused = Object.entries(refusals).map(([errorCode, times]) => `${errorCode}: ${times}`)
  const dropped = Object.entries(drops).flatMap(([why, times]) => (times === 0 ? [] : [`${why}: ${times}`]))
  return [
    `${count(openAllocations, 'allocation')} open of ${allocations} made`,
    count(connections, 'connection'),
    count(bindings, 'binding'),
    `${describeTraffic(toPeers)} to peers`,
    `${describeTraffic(toClients)} to clients`,
    ...(refused.length === 0 ? [] : [`refused ${refused.join(', ')}`]),
    ...(dropped.length === 0 ? [] : [`dropped ${dropped.join(', ')}`]),
  ].join('; ')
}

function describeTraffic({ packets, bytes }: { readonly packets: number; readonly bytes: number }): string {
  return `${count(packets, 'packet')} (${count(bytes, 'byte')})`
}
