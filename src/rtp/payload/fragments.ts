import { type PacketizedPayload, PayloadError } from './frame.ts'

/**
 * Cuts data into pieces of about the same length, each behind a header, none longer than the limit with it. The last one has
 * the marker.
 *
 * @param firstHeader what goes before the first piece
 * @param header what goes before each of the others; not longer than that
 */
export function cutEvenly(
  data: Uint8Array,
  limit: number,
  firstHeader: Uint8Array,
  header: Uint8Array,
): PacketizedPayload[] {
  if (firstHeader.length >= limit) throw new PayloadError('too-long', `a descriptor of ${firstHeader.length} bytes`)
  // A short last packet would cost as much as a long one, and a packet that is a little shorter is lost no more often.
  const count = Math.ceil(data.length / (limit - firstHeader.length))
  const payloads: PacketizedPayload[] = []
  let at = 0
  for (let left = count; left > 0; left--) {
    const front = at === 0 ? firstHeader : header
    const length = Math.ceil((data.length - at) / left)
    const payload = new Uint8Array(front.length + length)
    payload.set(front)
    payload.set(data.subarray(at, at + length), front.length)
    at += length
    payloads.push({ payload, marker: left === 1, timestampOffset: 0 })
  }
  return payloads
}
