/**
 * Arrays for packets that leave soon. They share buffers: an `ArrayBuffer` for each would cost a tenth of what protecting a packet
 * does. Each is zero at first: a slab is cut up once, and never used again.
 */
export function take(length: number): Uint8Array {
  if (length > largestShared) return new Uint8Array(length)
  if (used + length > slab.length) {
    slab = new Uint8Array(slabLength)
    used = 0
  }
  const taken = slab.subarray(used, used + length)
  used += length
  return taken
}

const slabLength = 32_768
const largestShared = 4_096

let slab: Uint8Array = new Uint8Array(0)
let used = 0
