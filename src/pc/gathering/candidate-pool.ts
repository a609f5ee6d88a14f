import { Gatherer, type GathererOptions } from './gatherer.ts'

/**
 * The ICE candidate pool: gatherers that were started before a transport needs them.
 *
 * RFC 8829 §3.5.4, §4.1.1. Each entry is the component of one future transport.
 */
export class CandidatePool {
  readonly #options: () => GathererOptions
  #ready: Gatherer[] = []
  #frozen = false

  /** @param options asked anew for each gatherer, since the configuration may change in between */
  constructor(options: () => GathererOptions) {
    this.#options = options
  }

  /** Entries that are gathering or gathered and not yet used. */
  get size(): number {
    return this.#ready.length
  }

  /** What was gathered so far, of each entry. */
  get entries(): readonly Pick<Gatherer, 'state' | 'candidates'>[] {
    return this.#ready
  }

  /** Starts or releases gatherers until there are `size`. After {@link freeze} nothing is started any more. */
  resize(size: number): void {
    for (const gatherer of this.#ready.splice(size)) gatherer.close()
    while (!this.#frozen && this.#ready.length < size) {
      const gatherer = this.create()
      this.#ready.push(gatherer)
      gatherer.start()
    }
  }

  /** What was gathered under other rules must not be used: gathers anew. */
  refresh(): void {
    const { size } = this
    this.resize(0)
    this.resize(size)
  }

  /** A gatherer for a component of a new transport: a pooled one if there is one. It learns which when it is asked to gather. */
  take(): Gatherer {
    return this.#ready.shift() ?? this.create()
  }

  /**
   * A gatherer for a new generation of a transport. RFC 8445 §9 lets a restart keep the sockets; but what servers have told
   * of them may be what made the restart necessary.
   */
  create(): Gatherer {
    return new Gatherer(this.#options())
  }

  /** RFC 8829 §4.1.1: once a local description was applied the pool is used up, never filled again. */
  freeze(): void {
    this.#frozen = true
  }

  close(): void {
    this.#frozen = true
    this.resize(0)
  }
}
