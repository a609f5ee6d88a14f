import { Handshake } from '../../src/dtls/handshake.ts'
import type { RecordSealer } from '../../src/dtls/record-protection.ts'
import { connectedPair, type Pair, type PairOptions } from './support.ts'

/** What each end has sealed with, the latest last. */
export interface Sealers {
  readonly client: RecordSealer[]
  readonly server: RecordSealer[]
}

/** Runs while everything that the two ends seal with is noted. */
export function notingSealers<T>(run: (sealers: Sealers) => T): T {
  const sealers: Sealers = { client: [], server: [] }
  const genuine = Handshake.prototype.sealWith
  Handshake.prototype.sealWith = function (next: RecordSealer) {
    sealers[this.config.role].push(next)
    genuine.call(this, next)
  }
  try {
    return run(sealers)
  } finally {
    Handshake.prototype.sealWith = genuine
  }
}

/** A connected pair, and what makes any authentic record in the name of an end. */
export interface TalkingPair {
  readonly pair: Pair
  readonly sealers: Sealers
  seal(from: 'client' | 'server', type: number, content: Uint8Array): Uint8Array
}

export function talkingPair(options: PairOptions): TalkingPair {
  return notingSealers(sealers => ({
    pair: connectedPair(options),
    sealers,
    seal: (from, type, content) => {
      const sealer = sealers[from].at(-1)
      if (sealer === undefined) throw new Error(`the ${from} has sealed nothing`)
      return sealer.seal(type, content)
    },
  }))
}
