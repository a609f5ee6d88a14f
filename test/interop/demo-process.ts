import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = new URL('../../', import.meta.url)

/** The demo as its user starts it, in a process of its own. It needs the built package. */
export class DemoProcess {
  readonly #child: ChildProcess
  readonly exited: Promise<number | null>
  #output = ''

  constructor(...args: readonly string[]) {
    if (!existsSync(new URL('dist/index.js', root))) throw new Error('The demo needs `npm run build` first')
    const command = ['--import', 'tsx', 'demo/server.ts', ...args]
    this.#child = spawn(process.execPath, command, { cwd: fileURLToPath(root), stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child.stdout?.on('data', data => {
      this.#output += data
    })
    this.#child.stderr?.on('data', data => {
      this.#output += data
    })
    this.exited = new Promise(resolve => this.#child.on('exit', resolve))
  }

  /** Everything that was printed so far. */
  get output(): string {
    return this.#output
  }

  /** Resolves with the address that the demo prints once it serves. */
  async url(): Promise<string> {
    for (;;) {
      const url = /http:\S+/.exec(this.#output)?.[0]
      if (url !== undefined) return url
      const code = await Promise.race([this.exited, after(50)])
      if (code !== undefined) throw new Error(`The demo ended with ${code}:\n${this.#output}`)
    }
  }

  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM')
    return await this.exited
  }
}

function after(ms: number): Promise<undefined> {
  return new Promise(resolve => setTimeout(resolve, ms, undefined))
}
