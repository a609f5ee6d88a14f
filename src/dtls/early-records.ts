/** Records that came before their keys are kept up to these limits: nobody has authenticated them. */
export const maxEarlyRecords = 64
export const maxEarlyBytes: number = 48 * 1024

/**
 * Records of an epoch that cannot be read yet, in the order they came.
 *
 * RFC 6347 §4.1: they may be discarded, but should be kept where what runs above expects few losses.
 */
export class EarlyRecords {
  #records: Uint8Array[] = []
  #bytes = 0

  /** Memory held, in bytes: never above {@link maxEarlyBytes}. */
  get heldBytes(): number {
    return this.#bytes
  }

  /** Keeps a copy. False if there is no room. */
  add(record: Uint8Array): boolean {
    if (this.#records.length >= maxEarlyRecords || this.#bytes + record.length > maxEarlyBytes) return false
    // Not slice(): of a Buffer that is a view.
    this.#records.push(new Uint8Array(record))
    this.#bytes += record.length
    return true
  }

  takeAll(): readonly Uint8Array[] {
    const records = this.#records
    this.#records = []
    this.#bytes = 0
    return records
  }
}
