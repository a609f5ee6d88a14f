import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'

/** A program that runs beside a test, with all it has written. */
export class Program {
  output = ''
  readonly #child: ChildProcess
  #exited = false

  /** @param environment what is set for it besides the environment of the tests */
  constructor(command: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    const env = { ...process.env, ...environment }
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output += chunk.toString()
      })
    }
    this.#child.on('exit', () => {
      this.#exited = true
    })
    // Writing to a program that is gone is no failure of the test that is about something else.
    this.#child.stdin?.on('error', () => {})
  }

  write(text: string): void {
    this.#child.stdin?.write(text)
  }

  /** The first match in the output, as soon as there is one. */
  async find(pattern: RegExp, timeoutMs = 8_000): Promise<readonly string[]> {
    await eventually(
      () => pattern.test(this.output),
      `${pattern} in the output:\n`,
      timeoutMs,
      () => this.output,
    )
    return this.output.match(pattern) ?? []
  }

  async stop(): Promise<void> {
    if (this.#exited) return
    const exit = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exit
  }
}

/** Resolves once the condition holds. */
export async function eventually(
  condition: () => boolean,
  what: string,
  timeoutMs = 8_000,
  detail: () => string = () => '',
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}${detail()}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

/** Skips, visibly, where a program is not installed. In CI it has to be. */
export function requireProgram(context: Mocha.Context, command: string): void {
  if (spawnSync(command, ['--version'], { stdio: 'ignore' }).error === undefined) return
  skipOrFail(context, `${command} is not installed`)
}

/** Skips, visibly, what cannot be tested here. In CI it fails. */
export function skipOrFail(context: Mocha.Context, reason: string): never {
  if (process.env.CI) throw new Error(reason)
  console.log(`      skipped: ${reason}`)
  return context.skip()
}

/** A UDP port of 127.0.0.1 that nobody used a moment ago. */
export async function freePort(): Promise<number> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address() as AddressInfo
  socket.close()
  await once(socket, 'close')
  return port
}
