import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type BrowserEvent, heard, type TestPage } from './browser.ts'

export type LibraryName = '@roamhq/wrtc' | 'node-datachannel' | 'werift'

/** What `library-page-program.ts` is told: an expression of the page. */
export interface ToLibrary {
  readonly id: number
  readonly expression: string
}

/** What it tells: that it is there or cannot be, values of expressions, and events. */
export type FromLibrary =
  | { readonly ready: true }
  | { readonly missing: string }
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: string }
  | { readonly number: number; readonly event: object }

const closeMs = 5_000

/**
 * A WebRTC library of Node.js behind the page that browsers have, in a process of its own, which ends with the page.
 *
 * Where it cannot be loaded, for want of a binary for this platform say, the test is skipped, and says so; in CI it fails.
 */
export async function openLibrary(context: Mocha.Context, library: LibraryName): Promise<TestPage> {
  const program = fileURLToPath(new URL('./library-page-program.ts', import.meta.url))
  const child = fork(program, [library], { execArgv: ['--import=tsx'], serialization: 'advanced' })
  const [first] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as [FromLibrary | number | null]
  if (typeof first !== 'object' || first === null) throw new Error(`${library} ended before it began: ${first}`)
  if ('missing' in first) {
    const reason = `${library} cannot be loaded: ${first.missing}`
    if (process.env.CI) throw new Error(reason)
    console.log(`      skipped: ${reason}`)
    return context.skip()
  }
  return new LibraryPage(child, library)
}

interface Waiting {
  resolve(value: unknown): void
  reject(error: Error): void
}

class LibraryPage implements TestPage {
  readonly #child: ChildProcess
  readonly #waiting: Map<number, Waiting> = new Map()
  #lastId = 0
  /** Why there are no more answers. */
  #ended: Error | undefined

  constructor(child: ChildProcess, library: LibraryName) {
    this.#child = child
    child.on('message', (message: FromLibrary) => this.#receive(message))
    child.once('exit', (code, signal) => {
      this.#ended = new Error(`${library} has ended: ${signal ?? code}`)
      for (const { reject } of this.#waiting.values()) reject(this.#ended)
    })
  }

  evaluate(expression: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(this.#ended)
        return
      }
      const id = ++this.#lastId
      this.#waiting.set(id, { resolve, reject })
      this.#child.send({ id, expression } satisfies ToLibrary)
    })
  }

  async close(): Promise<void> {
    if (this.#ended !== undefined) return
    const exited = once(this.#child, 'exit')
    const killing = setTimeout(() => this.#child.kill('SIGKILL'), closeMs)
    this.#child.disconnect()
    await exited
    clearTimeout(killing)
  }

  #receive(message: FromLibrary): void {
    if ('event' in message) heard(message.number, message.event as BrowserEvent)
    if (!('id' in message)) return
    const waiting = this.#waiting.get(message.id)
    this.#waiting.delete(message.id)
    if ('error' in message) waiting?.reject(new Error(message.error))
    else waiting?.resolve(message.value)
  }
}
