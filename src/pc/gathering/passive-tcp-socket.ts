import { AcceptingTcpSocket, candidateAcceptLimits, type TcpAcceptLimits } from './accepting-tcp-socket.ts'
import type { TcpSocketOptions } from './tcp-candidate-socket.ts'
import type { TcpPeer } from './tcp-peer.ts'

/** The socket of a passive candidate: peers connect to it. */
export class PassiveTcpSocket extends AcceptingTcpSocket {
  /**
   * Listens on an address of this host.
   *
   * @param port 0 for any
   * @throws {Error} with the operating system's `code` if the address cannot be bound
   */
  static async listen(
    address: string,
    port: number,
    options: TcpSocketOptions,
    limits: TcpAcceptLimits = candidateAcceptLimits,
  ): Promise<PassiveTcpSocket> {
    const socket = new PassiveTcpSocket(address, options, limits)
    await socket.listen(port)
    return socket
  }

  /** RFC 6544 §11.1: a passive candidate waits until the peer connects. */
  protected override unconnected(): void {}

  /** The peer connects from another port next time: this one is no address of it any more. */
  protected override ended(peer: TcpPeer): void {
    this.remove(peer)
    if (peer.isProven) this.reportUnreachable(peer.remote)
  }
}
