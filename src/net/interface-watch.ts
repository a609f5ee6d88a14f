import type { CancelWatch, NetworkInterface } from '../base/environment.ts'
import { hostInterfaces } from './host.ts'

/** How often the interfaces are looked at. The operating systems would tell of changes, but Node does not pass that on. */
export const pollIntervalMs = 2_000

/** Notices changes of the interfaces of this host, for any number of watchers with one timer. */
export class InterfaceWatch {
  readonly #read: () => readonly NetworkInterface[]
  readonly #watchers = new Set<{ readonly changed: () => void }>()
  #poll: NodeJS.Timeout | undefined
  #known = ''

  constructor(read: () => readonly NetworkInterface[] = hostInterfaces) {
    this.#read = read
  }

  /** Calls back each time that the interfaces have changed; the result ends it. It does not keep the process alive. */
  watch(changed: () => void): CancelWatch {
    const watcher = { changed }
    if (this.#watchers.size === 0) this.#start()
    this.#watchers.add(watcher)
    return () => {
      this.#watchers.delete(watcher)
      if (this.#watchers.size === 0) clearInterval(this.#poll)
    }
  }

  #start(): void {
    this.#known = JSON.stringify(this.#read())
    clearInterval(this.#poll)
    this.#poll = setInterval(() => this.#look(), pollIntervalMs).unref()
  }

  #look(): void {
    const now = JSON.stringify(this.#read())
    if (now === this.#known) return
    this.#known = now
    for (const watcher of [...this.#watchers]) {
      // One of those before may have ended it.
      if (this.#watchers.has(watcher)) watcher.changed()
    }
  }
}
