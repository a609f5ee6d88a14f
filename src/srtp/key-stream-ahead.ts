import { addKeyStream, type CounterMode, wordsOf } from './counter-mode.ts'

/** So many packets have their key streams computed at once. */
export const packetsAhead = 8
/** Longer packets have theirs alone: for each stream, this and {@link packetsAhead} bound what is kept. */
export const maxAheadBytes = 2_048

/** Key streams of packets of one stream with successive indices. */
interface Run {
  first: number
  packets: number
  /** Bytes of each. */
  stride: number
  words: Int32Array
  /** The highest index that was asked for. */
  last: number
}

/**
 * Counter mode for streams of packets: computes the key streams of the next ones too.
 *
 * What a packet costs in the cipher is the call, and an array outside of the heap for its result: 2 us for 1200 bytes, of
 * which AES is a tenth. Shared by {@link packetsAhead} packets, it is 0.5. Packets that are lost or late only waste some:
 * a key stream is that of one index, whenever it was computed.
 *
 * There is a run for each SSRC that was applied: who calls bounds them.
 */
export class KeyStreamAhead {
  readonly #cipher: CounterMode
  readonly #runs = new Map<number, Run>()

  constructor(cipher: CounterMode) {
    this.#cipher = cipher
  }

  /** Enciphers or deciphers `data` from `start` to `end`, in place. */
  apply(data: Uint8Array, start: number, end: number, ssrc: number, index: number): void {
    const length = end - start
    if (length <= 0) return
    const run = this.#runOf(ssrc, index)
    const isNext = index > run.last && index <= run.last + packetsAhead
    if (index > run.last) run.last = index
    if (!covers(run, index, length) && isNext && length <= maxAheadBytes) this.#renew(run, length, ssrc, index)
    if (covers(run, index, length)) {
      addKeyStream(data, start, end, run.words, ((index - run.first) * run.stride) >>> 2)
    } else {
      // A packet that is late, or the first one after a jump, says nothing about what comes next.
      this.#cipher.apply(data, start, end, ssrc, index)
    }
  }

  wipe(): void {
    for (const { words } of this.#runs.values()) words.fill(0)
    this.#runs.clear()
    this.#cipher.wipe()
  }

  #runOf(ssrc: number, index: number): Run {
    const known = this.#runs.get(ssrc)
    if (known !== undefined) return known
    const run = { first: index, packets: 0, stride: 0, words: noWords, last: index }
    this.#runs.set(ssrc, run)
    return run
  }

  #renew(run: Run, length: number, ssrc: number, index: number): void {
    // The last packet of a frame is short, and the next one is not.
    run.stride = Math.max(run.stride, (length + 15) & ~15)
    run.first = index
    run.packets = packetsAhead
    run.words = wordsOf(this.#cipher.keyStream(ssrc, index, run.stride, packetsAhead))
  }
}

function covers({ first, packets, stride }: Run, index: number, length: number): boolean {
  return index >= first && index < first + packets && length <= stride
}

const noWords = new Int32Array(0)
