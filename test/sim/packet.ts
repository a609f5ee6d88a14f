import type { TransportAddress } from '../../src/base/address.ts'
import type { Prng } from '../support/prng.ts'
import type { SimHost } from './sim-host.ts'
import type { VirtualTime } from './virtual-time.ts'

export type Protocol = 'udp' | 'tcp'

/** Something on its way from one host to another. It is told exactly once per copy what became of it. */
export interface Packet {
  readonly protocol: Protocol
  /** Bytes, for the MTU and the rate of links. */
  readonly size: number
  /** Asks for a TCP connection: NATs let it in only where a port is forwarded. */
  readonly opens?: boolean
  /** Overtakes nothing that is due at this time. */
  readonly notBefore?: number
  /** The same with one bit flipped; absent where a checksum would find out. */
  corrupted?(random: Prng): Packet
  /** Is at its destination. `from` is the sender as the receiver sees it, `to` the receiver's own address. */
  arrived(host: SimHost, from: TransportAddress, to: TransportAddress): void
  lost(): void
}

/** What sockets need of the network. */
export interface Router {
  readonly time: VirtualTime
  readonly random: Prng
  /** Sends a datagram: taps see it, and it must not be written to afterwards. */
  sendDatagram(data: Uint8Array, host: SimHost, from: TransportAddress, to: TransportAddress): void
  /** Shows some bytes of a stream to the taps. @returns undefined if they are to be lost */
  passTaps(data: Uint8Array, from: TransportAddress, to: TransportAddress): Uint8Array | undefined
  /** Brings a packet on its way. It arrives later, or is lost, perhaps at once. @returns when it would arrive */
  route(packet: Packet, host: SimHost, from: TransportAddress, to: TransportAddress): number | undefined
}
