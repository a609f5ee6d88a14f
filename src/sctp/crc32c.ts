/**
 * CRC32c, the checksum of SCTP packets (RFC 9260 §6.8 and appendix A).
 *
 * Sixteen bytes at a time, by sixteen tables: table n holds the remainders of a byte that is followed by n zero bytes,
 * so that the sixteen look-ups of a block do not wait for one another. It runs once for every packet sent and received,
 * and would be the dearest part of both if it went byte by byte.
 */

/** The Castagnoli polynomial 0x1EDC6F41 with its bits in reverse, as the register shifts to the right. */
const polynomial = 0x82f63b78

const [T0, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13, T14, T15] = buildTables()

/** The CRC32c of `bytes`, as an unsigned number. */
export function crc32c(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return ~update(-1, view, 0, bytes.length) >>> 0
}

/**
 * The checksum of an SCTP packet of at least 12 bytes, taken as though its checksum field held zero.
 * In the packet it is written little-endian: see RFC 9260 appendix A.
 */
export function packetChecksum(packet: DataView): number {
  const ports = packet.getInt32(0, true)
  const tag = packet.getInt32(4, true)
  return ~update(word(word(word(-1, ports), tag), 0), packet, 12, packet.byteLength) >>> 0
}

function update(crc: number, view: DataView, start: number, end: number): number {
  let at = start
  for (; at + 16 <= end; at += 16) {
    const a = view.getInt32(at, true) ^ crc
    const b = view.getInt32(at + 4, true)
    const c = view.getInt32(at + 8, true)
    const d = view.getInt32(at + 12, true)
    crc = (T15[a & 0xff] as number) ^ (T14[(a >>> 8) & 0xff] as number)
    crc ^= (T13[(a >>> 16) & 0xff] as number) ^ (T12[a >>> 24] as number)
    crc ^= (T11[b & 0xff] as number) ^ (T10[(b >>> 8) & 0xff] as number)
    crc ^= (T9[(b >>> 16) & 0xff] as number) ^ (T8[b >>> 24] as number)
    crc ^= (T7[c & 0xff] as number) ^ (T6[(c >>> 8) & 0xff] as number)
    crc ^= (T5[(c >>> 16) & 0xff] as number) ^ (T4[c >>> 24] as number)
    crc ^= (T3[d & 0xff] as number) ^ (T2[(d >>> 8) & 0xff] as number)
    crc ^= (T1[(d >>> 16) & 0xff] as number) ^ (T0[d >>> 24] as number)
  }
  for (; at + 4 <= end; at += 4) crc = word(crc, view.getInt32(at, true))
  for (; at < end; at++) crc = (crc >>> 8) ^ (T0[(crc ^ view.getUint8(at)) & 0xff] as number)
  return crc
}

/** Four bytes, the first of them in the low bits. */
function word(crc: number, value: number): number {
  const a = crc ^ value
  return (
    (T3[a & 0xff] as number) ^
    (T2[(a >>> 8) & 0xff] as number) ^
    (T1[(a >>> 16) & 0xff] as number) ^
    (T0[a >>> 24] as number)
  )
}

type Table = Int32Array
type Tables = [Table, Table, Table, Table, Table, Table, Table, Table, ...Rest]
type Rest = [Table, Table, Table, Table, Table, Table, Table, Table]

function buildTables(): Tables {
  const tables = Array.from({ length: 16 }, () => new Int32Array(256))
  const first = tables[0] as Table
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1
    first[byte] = crc
  }
  for (let n = 1; n < 16; n++) {
    const shorter = tables[n - 1] as Table
    const table = tables[n] as Table
    for (let byte = 0; byte < 256; byte++) {
      const crc = shorter[byte] as number
      table[byte] = (crc >>> 8) ^ (first[crc & 0xff] as number)
    }
  }
  return tables as Tables
}
