import { spawn } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Environment } from '../../src/base/environment.ts'
import type { Context, Route } from '../../src/cli/command.ts'
import { run } from '../../src/cli/main.ts'
import { systemRoute } from '../../src/cli/system-route.ts'
import { createSystemEnvironment } from '../../src/net/system-environment.ts'
import { createTurnServer, type TurnServer, type TurnServerOptions } from '../../src/turn-server/index.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What starts the program. */
export const program: readonly string[] = ['--import', 'tsx', 'src/cli/index.ts']

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly variables?: Readonly<Record<string, string>>
  /** Standard input. */
  readonly input?: string
}

/** Runs the program as a shell would, with an output that is no terminal. */
export async function icefloe(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const child = spawn(process.execPath, [...program, ...args], { cwd: root, env: environmentOf(options.variables) })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', chunk => {
    stdout += chunk
  })
  child.stderr.on('data', chunk => {
    stderr += chunk
  })
  child.stdin.on('error', () => {})
  child.stdin.end(options.input)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}

export function environmentOf(variables: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const { FORCE_COLOR: _, ICEFLOE_PASSWORD: __, ICEFLOE_SECRET: ___, ...rest } = process.env
  return { ...rest, ...variables }
}

export interface World {
  readonly variables?: Readonly<Record<string, string>>
  readonly environment?: Environment
  readonly route?: Route
}

/** Runs a command within this process, which is faster. */
export function runHere(args: readonly string[], world: World = {}): Promise<Ended> {
  return runWith(context => run(args, context), world)
}

/** Does something with a context, and keeps what is printed. */
export async function runWith(work: (context: Context) => Promise<number>, world: World): Promise<Ended> {
  const [out, complaints]: [string[], string[]] = [[], []]
  const code = await work({
    environment: world.environment ?? createSystemEnvironment(),
    route: world.route ?? systemRoute,
    variables: world.variables ?? {},
    colour: false,
    signal: new AbortController().signal,
    print: line => out.push(line),
    complain: line => complaints.push(line),
  })
  return { code, stdout: out.join('\n'), stderr: complaints.join('\n') }
}

/** The system's, with time that runs faster: for what is about waiting. */
export function hurried(factor: number): Environment {
  const { clock, timers, ...rest } = createSystemEnvironment()
  return {
    ...rest,
    clock: { now: () => clock.now() * factor, wallTime: () => clock.wallTime() },
    timers: {
      set: (delayMs, callback) => timers.set(delayMs / factor, callback),
      endOfTurn: callback => timers.endOfTurn(callback),
    },
  }
}

export const user = 'alice'
/** Unlike anything else that is printed. */
export const password = 'correct-horse-battery'

/** Our own server on loopback, with one user. */
export function startServer(options: Partial<TurnServerOptions> = {}): Promise<TurnServer> {
  return createTurnServer({
    listen: [
      { address: '127.0.0.1', port: 0, transport: 'udp' },
      { address: '127.0.0.1', port: 0, transport: 'tcp' },
    ],
    realm: 'icefloe.test',
    users: { [user]: password },
    allowLoopbackPeers: true,
    ...options,
  })
}

export function portOf(server: TurnServer, transport: 'udp' | 'tcp' | 'tls'): number {
  const address = server.addresses.find(each => each.transport === transport)
  if (address === undefined) throw new Error(`it does not listen over ${transport}`)
  return address.port
}

/** A socket that takes what is sent to it, and answers if it has something to say. */
export async function udpPeer(
  answer: (request: Buffer) => Uint8Array | undefined,
  address = '127.0.0.1',
): Promise<{ port: number; socket: Socket }> {
  const socket = createSocket('udp4')
  socket.on('message', (request, from) => {
    const response = answer(request)
    if (response !== undefined) socket.send(response, from.port, from.address)
  })
  socket.bind(0, address)
  await once(socket, 'listening')
  return { port: (socket.address() as AddressInfo).port, socket }
}

/** A port at which nobody ever answers. */
export function silence(): Promise<{ port: number; socket: Socket }> {
  return udpPeer(() => undefined)
}
