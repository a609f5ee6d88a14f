import { ByteWriter } from '../../../src/base/bytes.ts'

/** LINKTYPE_RAW: packets begin with their IP header. */
const linkType = 101

export interface CapturedDatagram {
  readonly port: number
  readonly data: Uint8Array
}

/** A capture file of UDP datagrams between two hosts, as tshark and Wireshark read it. */
export function pcap(datagrams: readonly CapturedDatagram[]): Uint8Array {
  const writer = new ByteWriter(65_536)
  writer.uint32(0xa1b2_c3d4).uint16(2).uint16(4).uint32(0).uint32(0).uint32(65_535).uint32(linkType)
  for (const [i, { port, data }] of datagrams.entries()) {
    const length = 28 + data.length
    writer.uint32(1_700_000_000).uint32(i).uint32(length).uint32(length)
    // IPv4 without options, protocol 17; the checksums are left out, which tshark does not mind.
    writer.uint16(0x4500).uint16(length).uint32(0).uint8(64).uint8(17).uint16(0)
    writer.uint32(0x0a00_0001).uint32(0x0a00_0002)
    writer
      .uint16(port)
      .uint16(port)
      .uint16(8 + data.length)
      .uint16(0)
    writer.bytes(data)
  }
  return writer.finish()
}
