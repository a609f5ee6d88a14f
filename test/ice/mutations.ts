import type { Prng } from '../support/prng.ts'

/** One to three things done to a copy of a STUN message. */
export function mutateMessage(random: Prng, data: Uint8Array): Uint8Array {
  let bytes = Uint8Array.from(data)
  const changes = 1 + (random.next() % 3)
  for (let i = 0; i < changes; i++) bytes = change(random, bytes)
  return bytes
}

function change(random: Prng, bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const at = random.next() % Math.max(1, bytes.length)
  switch (random.next() % 6) {
    case 0:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (random.next() % 8))
      return bytes
    case 1:
      bytes[at] = random.next()
      return bytes
    case 2:
      return bytes.slice(0, at)
    case 3:
      return Uint8Array.from([...bytes.subarray(0, at), ...random.bytes(random.next() % 40), ...bytes.subarray(at)])
    case 4:
      return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + (random.next() % 9))])
    default:
      // The length of an attribute, most likely.
      if (bytes.length > 24) bytes[23 + 4 * (random.next() % ((bytes.length - 20) >> 2))] = random.next() % 40
      return bytes
  }
}
