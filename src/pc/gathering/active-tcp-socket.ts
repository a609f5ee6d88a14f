import type { TransportAddress } from '../../base/address.ts'
import { activeTcpPort } from '../../ice/index.ts'
import { TcpCandidateSocket, type TcpSocketOptions } from './tcp-candidate-socket.ts'
import type { TcpPeer } from './tcp-peer.ts'

/**
 * The socket of an active candidate: connects to a peer when there is something to send to it.
 *
 * RFC 6544 §11.1: also again, when a connection that was of use has been lost.
 */
export class ActiveTcpSocket extends TcpCandidateSocket {
  readonly local: TransportAddress

  /** @param address of this host, to connect from */
  constructor(address: string, options: TcpSocketOptions) {
    super(options)
    this.local = { address, port: activeTcpPort, family: address.includes(':') ? 6 : 4 }
  }

  protected override unconnected(data: Uint8Array, to: TransportAddress): void {
    const peer = this.newPeer(data, to)
    if (peer === undefined) return
    // RFC 6544 §7.1: from the address of the candidate, and any port
    peer.connection = this.options.network.connectTcp(to, this.handlerFor(peer), { localAddress: this.local.address })
  }

  /** It stays in the table for a while, so that it is not opened again at once. */
  protected override ended(peer: TcpPeer): void {
    // Nobody there, or somebody who does not talk: sending more is of no use.
    if (!peer.hasReceived) this.reportUnreachable(peer.remote)
  }
}
