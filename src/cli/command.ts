import type { TransportAddress } from '../base/address.ts'
import type { Environment } from '../base/environment.ts'

/** How a command ended, for the shell. */
export const exitCode = {
  ok: 0,
  /** What was asked about does not work. */
  failed: 1,
  /** The question was not understood. */
  usage: 2,
} as const

export type ExitCode = (typeof exitCode)[keyof typeof exitCode]

/** The local address from which something would be sent to `to`, or what the operating system calls the lack of one. */
export type Route = (to: TransportAddress) => Promise<{ readonly address: string } | { readonly error: string }>

/** What a command has of the world. */
export interface Context {
  readonly environment: Environment
  readonly route: Route
  /** Of the process: `ICEFLOE_PASSWORD` and the like. */
  readonly variables: Readonly<Record<string, string | undefined>>
  /** Whether what is printed may have colours. */
  readonly colour: boolean
  /** Aborted when the user, or the system, wants it to end. */
  readonly signal: AbortSignal
  /** Prints a line of the answer. */
  print(line: string): void
  /** Prints a line that is not part of the answer. */
  complain(line: string): void
}

export interface Command {
  readonly name: string
  readonly help: string
  /** @throws {UsageError} */
  run(args: readonly string[], context: Context): Promise<ExitCode>
}

/** What the user has asked for cannot be meant: one line says why. It never repeats what could be a secret. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
