import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import type { Timers } from '../../../base/environment.ts'
import { residentMemory } from '../../../net/resident-memory.ts'
import { isRecord, parseJson } from '../assertion.ts'
import { providerTimeoutMs } from '../provider-call.ts'
import { sandboxProgram } from './sandbox-program.ts'

/** Megabytes of JavaScript objects. */
const maxHeapMegabytes = 64
/** Bytes of everything, where the system tells: looked at a few times a second. */
export const maxResidentBytes: number = 256 * 1024 * 1024
const memoryCheckMs = 100
/** Bytes that a process may say in its life. */
export const maxOutputBytes: number = 4 * 1024 * 1024

/** What a script asks its own server for. */
export interface SandboxRequest {
  readonly url: string
  readonly method: string
  readonly headers: readonly (readonly [string, string])[]
  readonly body: string
}

export interface SandboxResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly url: string
}

export interface ProviderProcessOptions {
  readonly script: string
  readonly url: URL
  readonly timers: Timers
  /** @throws {Error} whose message the script is told */
  readonly fetch: (request: SandboxRequest) => Promise<SandboxResponse>
}

/** A provider that was loaded, in a process of its own that has no files, no environment and nothing of Node in reach. */
export class ProviderProcess {
  readonly #options: ProviderProcessOptions
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  #pending: Buffer[] = []
  #received = 0
  #waiting: ((message: Readonly<Record<string, unknown>> | undefined) => void) | undefined
  #cancelCheck: (() => void) | undefined
  #closed = false

  /** @throws {Error} if the system has no room for another process */
  constructor(options: ProviderProcessOptions) {
    this.#options = options
    const child = spawn(process.execPath, [...sandboxFlags(), '--eval', sandboxProgram], {
      // Windows does not start programs without it.
      env: process.platform === 'win32' ? { SystemRoot: process.env.SystemRoot } : {},
      stdio: ['pipe', 'pipe', 'ignore'],
      windowsHide: true,
    })
    this.#child = child
    child.on('error', () => this.close())
    // It has no streams where there was no room for any.
    if (child.pid === undefined) {
      this.#closed = true
      throw new Error('a process cannot be started')
    }
    child.on('exit', () => this.close())
    child.stdin.on('error', () => this.close())
    child.stdout.on('data', (data: Buffer) => this.#read(data))
    running.add(this)
    if (running.size === 1) process.on('exit', endAll)
    this.#watchMemory()
  }

  /** Runs the script. @returns whether it has registered a provider */
  async start(): Promise<boolean> {
    const { href, origin, protocol, host, hostname, port, pathname, search, hash } = this.#options.url
    const location = { href, origin, protocol, host, hostname, port, pathname, search, hash }
    const { script } = this.#options
    const message = await this.#ask({ script, location, lifeMs: providerTimeoutMs }, 'ready')
    return message?.registered === true
  }

  /**
   * Calls a method of the provider; one at a time.
   *
   * @returns what its promise was resolved with; what it was rejected with is thrown, as an object
   */
  async call(type: 'generate' | 'validate', args: readonly unknown[]): Promise<unknown> {
    const message = await this.#ask({ type, id: 1, args }, 'answer')
    if (message === undefined) throw new Error('the script has come to its end')
    if (isRecord(message.error)) throw message.error
    return message.value
  }

  /** Ends the process, whatever it does. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    running.delete(this)
    if (running.size === 0) process.off('exit', endAll)
    this.#cancelCheck?.()
    this.#child.kill('SIGKILL')
    this.#child.stdout.destroy()
    this.#child.stdin.destroy()
    this.#waiting?.(undefined)
  }

  #ask(message: object, awaited: string): Promise<Readonly<Record<string, unknown>> | undefined> {
    return new Promise(resolve => {
      if (this.#closed) resolve(undefined)
      this.#waiting = answer => {
        if (answer !== undefined && answer.type !== awaited) return
        this.#waiting = undefined
        resolve(answer)
      }
      this.#send(message)
    })
  }

  #send(message: object): void {
    if (!this.#closed) this.#child.stdin.write(`${JSON.stringify(message)}\n`)
  }

  #read(data: Buffer): void {
    this.#received += data.length
    if (this.#received > maxOutputBytes) this.close()
    let rest = data
    for (let end = rest.indexOf(10); end !== -1 && !this.#closed; end = rest.indexOf(10)) {
      this.#take(Buffer.concat([...this.#pending, rest.subarray(0, end)]))
      this.#pending = []
      rest = rest.subarray(end + 1)
    }
    if (rest.length > 0) this.#pending.push(rest)
  }

  /** A line of the process, which may say anything. */
  #take(line: Buffer): void {
    const message = parseJson(line)
    if (!isRecord(message)) this.close()
    else if (message.type === 'fetch') void this.#fetch(message)
    else this.#waiting?.(message)
  }

  async #fetch({ id, url, method, headers, body }: Readonly<Record<string, unknown>>): Promise<void> {
    let answer: object
    try {
      const pairs = Array.isArray(headers) ? headers.filter(isPair) : []
      const request = { url: String(url), method: String(method), headers: pairs, body: String(body) }
      answer = await this.#options.fetch(request)
    } catch (error) {
      answer = { error: (error as Error).message }
    }
    this.#send({ type: 'fetched', id: Number(id), answer })
  }

  #watchMemory(): void {
    const { pid } = this.#child
    if (pid === undefined) return
    this.#cancelCheck = this.#options.timers.set(memoryCheckMs, () => {
      void residentMemory(pid).then(bytes => {
        if (this.#closed) return
        if ((bytes ?? 0) > maxResidentBytes) this.close()
        else this.#watchMemory()
      })
    })
  }
}

/** A script that never comes to rest would not notice for a while that this process has gone. */
const running = new Set<ProviderProcess>()

function endAll(): void {
  for (const each of [...running]) each.close()
}

/** Node's permission model keeps the process from files, from other processes and threads, and in new versions from networks. */
function sandboxFlags(): string[] {
  const known = process.allowedNodeEnvironmentFlags
  return [
    known.has('--permission') ? '--permission' : '--experimental-permission',
    // Objects of Node that a script might come by are of no use to it.
    ...(known.has('--frozen-intrinsics') ? ['--frozen-intrinsics'] : []),
    '--disallow-code-generation-from-strings',
    `--max-old-space-size=${maxHeapMegabytes}`,
    '--max-semi-space-size=4',
  ]
}

function isPair(value: unknown): value is readonly [string, string] {
  return Array.isArray(value) && value.length === 2 && value.every(each => typeof each === 'string')
}
