import { ReplayWindow } from '../../base/replay-window.ts'
import type { ProtectedEpoch, RecordOpener } from '../record-protection.ts'

/** An epoch that can be read. */
export interface ReadEpoch12 {
  readonly epoch: number
  readonly opener: RecordOpener
  readonly replay: ReplayWindow
}

/** The epochs that can be read. */
export class ReadEpochs12 {
  #epochs: readonly ReadEpoch12[] = []

  find(epoch: number): ReadEpoch12 | undefined {
    for (const each of this.#epochs) if (each.epoch === epoch) return each
    return undefined
  }

  add({ epoch, opener }: ProtectedEpoch): void {
    this.#epochs = [...this.#epochs, { epoch, opener, replay: new ReplayWindow() }]
  }

  wipe(): void {
    for (const { opener } of this.#epochs) opener.wipe()
    this.#epochs = []
  }
}
