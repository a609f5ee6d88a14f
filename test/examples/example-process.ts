import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = new URL('../../', import.meta.url)

/** An example as its user starts it, in a process of its own, on a port of its own. It needs the built package. */
export class ExampleProcess {
  readonly #child: ChildProcess
  readonly exited: Promise<number | null>
  #output = ''
  #seen = 0

  constructor(name: string, args: readonly string[] = [], environment: Readonly<Record<string, string>> = {}) {
    if (!existsSync(new URL('dist/index.js', root))) throw new Error('The examples need `npm run build` first')
    this.#child = spawn(process.execPath, ['--import', 'tsx', `examples/${name}.ts`, ...args], {
      cwd: fileURLToPath(root),
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PORT: '0', ...environment },
    })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', data => {
        this.#output += data
      })
    }
    this.exited = new Promise(resolve => this.#child.on('exit', resolve))
  }

  /** Everything that was printed so far. */
  get output(): string {
    return this.#output
  }

  /** The address that it prints first. */
  async url(): Promise<string> {
    const [url = ''] = await this.printed(/http:\S+/)
    return url
  }

  /** What was printed by now is of no more interest to {@link printed}. */
  forget(): void {
    this.#seen = this.#output.length
  }

  /** Resolves with the match, once it has printed something like it; rejects if it ends before. */
  async printed(pattern: RegExp, timeoutMs = 20_000): Promise<RegExpExecArray> {
    const deadline = performance.now() + timeoutMs
    for (;;) {
      const match = pattern.exec(this.#output.slice(this.#seen))
      if (match !== null) return match
      const code = await Promise.race([this.exited, after(50)])
      if (code !== undefined) throw new Error(`It ended with ${code}:\n${this.#output}`)
      if (performance.now() > deadline) throw new Error(`It has not printed ${pattern}:\n${this.#output}`)
    }
  }

  /** Interrupts it. @returns its exit code */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGINT')
    return await this.exited
  }
}

function after(ms: number): Promise<undefined> {
  return new Promise(resolve => setTimeout(resolve, ms, undefined))
}
