import { type ServerFailure, serverNotReachable } from './server-failure.ts'

/**
 * What is told of servers that were of no use: webrtc-pc §4.8.3 has it told once per URL, and that a server could not be
 * reached only when it could not be from any address of this host. What is tried again later is told again only if it
 * worked in the meantime.
 */
export class ServerReports {
  readonly #report: (url: string, failure: ServerFailure) => void
  readonly #urls = new Map<string, { pending: number; stopped: boolean; failure: ServerFailure | undefined }>()
  /** Servers whose failure was told, and that have not worked since. */
  readonly #told = new Set<string>()

  constructor(report: (url: string, failure: ServerFailure) => void) {
    this.#report = report
  }

  /** A way to the server is about to be tried; each ends with one of the other methods. */
  begin(url: string): void {
    const entry = this.#urls.get(url)
    if (entry === undefined) this.#urls.set(url, { pending: 1, stopped: false, failure: undefined })
    else entry.pending++
  }

  failed(url: string, failure: ServerFailure): void {
    const entry = this.#urls.get(url)
    if (entry === undefined) return
    // What the server itself has said tells more than that it was not reached from elsewhere.
    if (entry.failure === undefined || entry.failure.errorCode === serverNotReachable) entry.failure = failure
    this.#end(url)
  }

  worked(url: string): void {
    this.#told.delete(url)
    this.spared(url)
  }

  /** It was stopped, or never tried, since another server had worked before: nothing to complain about. */
  spared(url: string): void {
    const entry = this.#urls.get(url)
    if (entry === undefined) return
    entry.stopped = true
    this.#end(url)
  }

  #end(url: string): void {
    const entry = this.#urls.get(url)
    if (entry === undefined || --entry.pending > 0) return
    this.#urls.delete(url)
    const { failure, stopped } = entry
    if (failure === undefined || (stopped && failure.errorCode === serverNotReachable) || this.#told.has(url)) return
    this.#told.add(url)
    this.#report(url, failure)
  }
}
