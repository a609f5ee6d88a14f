import type { Prng } from '../support/prng.ts'

/** One to three things done to a copy of the bytes. */
export function mutate(bytes: Uint8Array, random: Prng): Uint8Array {
  let changed = new Uint8Array(bytes)
  for (let count = 1 + (random.next() % 3); count > 0; count--) changed = mutateOnce(changed, random)
  return changed
}

function mutateOnce(bytes: Uint8Array<ArrayBuffer>, random: Prng): Uint8Array<ArrayBuffer> {
  const at = bytes.length === 0 ? 0 : random.next() % bytes.length
  switch (random.next() % 6) {
    case 0:
      if (bytes.length > 0) bytes[at] = (bytes[at] ?? 0) ^ (1 << (random.next() % 8))
      return bytes
    case 1:
      if (bytes.length > 0) bytes[at] = random.next() & 0xff
      return bytes
    case 2:
      return bytes.subarray(0, at)
    case 3:
      return Uint8Array.from([...bytes.subarray(0, at), ...random.bytes(random.next() % 20), ...bytes.subarray(at)])
    case 4:
      return Uint8Array.from([...bytes, ...bytes.subarray(at)])
    default:
      // The lengths and numbers of the headers.
      if (bytes.length > 25) bytes[random.next() % 25] = [0, 1, 0x7f, 0x80, 0xff][random.next() % 5] ?? 0
      return bytes
  }
}

/** One of the values; undefined if there is none. */
export function pick<T>(values: readonly T[], random: Prng): T | undefined {
  return values[random.next() % values.length]
}
