import type { TransportAddress } from '../../base/address.ts'
import type { Environment, TlsClientOptions } from '../../base/environment.ts'
import { type Attempt, race } from './race.ts'
import { type ServerFailure, unreachable } from './server-failure.ts'
import { type IceServerTarget, serverAddresses } from './server-list.ts'
import { ServerReports } from './server-reports.ts'
import { serverStaggerMs } from './server-timing.ts'

/** A way to a server that may be tried. One that never is, since another was quicker, is skipped. */
export interface Way<Result> {
  readonly attempt: Attempt<Result>
  skip(): void
}

/** Runs races between servers: looks up their names, tries their addresses, and sees to it that failures are reported. */
export class ServerRaces {
  readonly #environment: Environment
  readonly #tlsCa: string | undefined
  readonly #reports: ServerReports
  readonly #addresses = new Map<string, Promise<TransportAddress[]>>()
  readonly #running = new Set<() => void>()

  constructor(
    environment: Environment,
    tlsCa: string | undefined,
    serverFailed: (url: string, failure: ServerFailure) => void,
  ) {
    this.#environment = environment
    this.#tlsCa = tlsCa
    this.#reports = new ServerReports(serverFailed)
  }

  /** Runs a race to its end, or until it is stopped. */
  run<Result>(
    ways: readonly Way<Result>[],
    onEnd: (result: Result | undefined) => void,
    stops: Set<() => void> = new Set(),
  ): Promise<void> {
    return new Promise(resolve => {
      const finish = (): void => {
        this.#running.delete(stop)
        stops.delete(stop)
        for (const way of ways) way.skip()
        resolve()
      }
      let cancel: (() => void) | undefined
      const stop = (): void => {
        cancel?.()
        finish()
      }
      this.#running.add(stop)
      stops.add(stop)
      const attempts = ways.map(({ attempt }) => attempt)
      cancel = race(this.#environment.timers, serverStaggerMs, attempts, result => {
        onEnd(result)
        finish()
      })
    })
  }

  /** All addresses of a server, one after another; what went wrong with them is reported at the end. */
  through<Result>(
    target: IceServerTarget,
    attemptsAt: (
      addresses: readonly TransportAddress[],
      onFailure: (failure: ServerFailure) => void,
    ) => Attempt<Result>[],
  ): Way<Result> {
    const { url, host } = target.server
    let started = false
    const attempt: Attempt<Result> = done => {
      started = true
      let cancel: (() => void) | undefined
      let ended = false
      let failure: ServerFailure | undefined
      const end = (result: Result | undefined): void => {
        ended = true
        if (result !== undefined) this.#reports.worked(url)
        else this.#reports.failed(url, failure ?? unreachable(`no address of this host can reach ${host}`))
        done(result)
      }
      void this.#resolve(target).then(addresses => {
        if (ended) return
        if (addresses.length === 0) failure = unreachable(`${host} could not be resolved`)
        const attempts = attemptsAt(addresses, reason => {
          failure = reason
        })
        cancel = race(this.#environment.timers, serverStaggerMs, attempts, end)
      })
      return () => {
        if (ended) return
        ended = true
        cancel?.()
        this.#reports.spared(url)
      }
    }
    this.#reports.begin(url)
    const skip = (): void => {
      if (!started) this.#reports.spared(url)
      started = true
    }
    return { attempt, skip }
  }

  /** How the certificate of a server is verified. */
  tls(serverName: string): TlsClientOptions {
    return this.#tlsCa === undefined ? { serverName } : { serverName, ca: this.#tlsCa }
  }

  /** Names may lead elsewhere by now. */
  forgetNames(): void {
    this.#addresses.clear()
  }

  /** Ends all races. */
  close(): void {
    for (const stop of [...this.#running]) stop()
  }

  /** Each name is looked up once, but for those that were not found. */
  async #resolve({ server }: IceServerTarget): Promise<TransportAddress[]> {
    const asked = this.#addresses.get(server.url) ?? serverAddresses(server, this.#environment.resolver)
    this.#addresses.set(server.url, asked)
    const addresses = await asked
    if (addresses.length === 0) this.#addresses.delete(server.url)
    return addresses
  }
}
