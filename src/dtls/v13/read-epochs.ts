import { ReplayWindow } from '../../base/replay-window.ts'
import type { Opener13 } from './record-protection.ts'

/** An epoch of DTLS 1.3 that can be read. */
export interface ReadEpoch13 {
  readonly epoch: number
  readonly opener: Opener13
}

interface Entry extends ReadEpoch13 {
  readonly replay: ReplayWindow
}

const handshakeEpoch = 2

/** The epochs that can be read. RFC 9147 §4.2.2: a record tells only the low-order bits of its epoch. */
export class ReadEpochs13 {
  #epochs: readonly Entry[] = []

  /** Of the latest epochs, one with these low-order bits. */
  find(bits: number): Entry | undefined {
    for (let i = this.#epochs.length - 1; i >= 0; i--) {
      const each = this.#epochs[i]
      if (each !== undefined && each.epoch % 4 === bits) return each
    }
    return undefined
  }

  /**
   * Adds the next epoch.
   *
   * RFC 9147 §8: the one before is kept, since the peer may not know that it can go on. That of the handshake is kept for
   * repetitions of its last flight, until its bits come again.
   */
  add({ epoch, opener }: ReadEpoch13): void {
    const kept = (each: Entry): boolean =>
      each.epoch === epoch - 1 || (each.epoch === handshakeEpoch && epoch < handshakeEpoch + 4)
    for (const each of this.#epochs) if (!kept(each)) each.opener.wipe()
    this.#epochs = [...this.#epochs.filter(kept), { epoch, opener, replay: new ReplayWindow() }]
  }

  wipe(): void {
    for (const { opener } of this.#epochs) opener.wipe()
    this.#epochs = []
  }
}
