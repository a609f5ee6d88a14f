import { type Command, type Context, type ExitCode, exitCode, UsageError } from './command.ts'
import { printable, table } from './output.ts'
import { version } from './version.ts'

/** A command is loaded when it is asked for: one of them needs all of icefloe. */
const commands: {
  readonly [Name in string]?: { readonly summary: string; readonly load: () => Promise<Command> }
} = {
  stun: {
    summary: 'asks a STUN server how it sees this host',
    load: async () => (await import('./stun.ts')).stunCommand,
  },
  turn: {
    summary: 'asks a TURN server for a relayed address, and finds out whether it relays',
    load: async () => (await import('./turn.ts')).turnCommand,
  },
  doctor: {
    summary: 'examines this host: interfaces, NAT, multicast DNS, relays, a connection with itself',
    load: async () => (await import('./doctor.ts')).doctorCommand,
  },
  'turn-server': {
    summary: 'runs a STUN and TURN server',
    load: async () => (await import('./turn-server.ts')).turnServerCommand,
  },
}

/** Does what the arguments say. Never rejects. */
export async function run(args: readonly string[], context: Context): Promise<ExitCode> {
  const [name = '--help', ...rest] = args
  let command: Command | undefined
  try {
    command = await load(name)
    if (command !== undefined) return await runCommand(command, rest, context)
    if (name === '--version' || name === '-V') {
      context.print(version())
      return exitCode.ok
    }
    if (name === 'help' || name === '--help' || name === '-h') return await help(args, context)
    throw new UsageError(
      name.startsWith('-') ? 'the first argument is the name of a command' : 'there is no such command',
    )
  } catch (error) {
    const of = command === undefined ? 'icefloe' : `icefloe ${command.name}`
    // By name: loaders that transform TypeScript may have two of a module that is imported both ways.
    if (error instanceof Error && error.name === 'UsageError') {
      context.complain(`${of}: ${error.message} (see ${of} --help)`)
      return exitCode.usage
    }
    const message = error instanceof Error ? error.message : 'unknown'
    context.complain(`${of}: this should not have happened: ${printable(message)}`)
    return exitCode.failed
  }
}

async function load(name: string): Promise<Command | undefined> {
  return Object.hasOwn(commands, name) ? await commands[name]?.load() : undefined
}

async function runCommand(command: Command, args: readonly string[], context: Context): Promise<ExitCode> {
  const end = args.indexOf('--')
  const before = end < 0 ? args : args.slice(0, end)
  if (before.includes('--help') || before.includes('-h')) {
    context.print(command.help)
    return exitCode.ok
  }
  return await command.run(args, context)
}

async function help(args: readonly string[], context: Context): Promise<ExitCode> {
  const about = args[0] === 'help' ? args[1] : undefined
  if (about !== undefined) {
    const command = await load(about)
    if (command === undefined) throw new UsageError('there is no such command')
    context.print(command.help)
    return exitCode.ok
  }
  const rows = Object.entries(commands).map(([name, command]) => [name, command?.summary ?? ''])
  context.print(`icefloe ${version()}: finds out why WebRTC connects, or does not

Usage: icefloe COMMAND [OPTIONS]

${table(rows).join('\n')}

icefloe COMMAND --help tells the options of a command, icefloe --version the version.
Exit codes: 0 it works, 1 it does not, 2 the command was not understood.`)
  return exitCode.ok
}
