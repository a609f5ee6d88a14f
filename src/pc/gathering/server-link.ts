import type { TransportAddress } from '../../base/address.ts'
import type { Network, TcpConnectOptions } from '../../base/environment.ts'
import { StunStream } from '../../ice/index.ts'
import type { HostSocket } from './host-socket.ts'

/**
 * What a connection to a server may hold back before messages to it are dropped: what a congested link does with
 * datagrams. SCTP and DTLS above send again what is lost.
 */
export const maxLinkBacklog: number = 1024 * 1024

/** A way to a server, by whole STUN and ChannelData messages. */
export interface ServerLink {
  /** Where we send from; port 0 while a connection is not there yet. */
  readonly local: TransportAddress
  /** Whether messages can be sent from the start; else the handler is told when. */
  readonly isReady: boolean
  send(message: Uint8Array): void
  close(): void
}

/** Who is told what happens on a link. Nothing is told after `close()`, nor after `closed`. */
export interface LinkHandler {
  /** Messages can be sent now. */
  ready(): void
  /** A message of the server; false if it is none of this handler's business. */
  receive(message: Uint8Array): boolean
  /** The link is gone; `reason` is for people. */
  closed(reason: string): void
}

/** How to open a link to one address of a server. */
export type OpenLink = (handler: LinkHandler) => ServerLink

/** Over UDP, on a socket that peers use as well. */
export function udpLink(host: HostSocket, server: TransportAddress): OpenLink {
  return handler => {
    const unshare = host.shareWith(server, message => handler.receive(message))
    return { local: host.local, isReady: true, send: message => host.send(message, server), close: unshare }
  }
}

/** Over TCP, or over TLS on it. RFC 8489 §6.2.2 and §6.2.3. */
export function streamLink(network: Network, server: TransportAddress, options: TcpConnectOptions): OpenLink {
  return handler => {
    const stream = new StunStream()
    const connection = network.connectTcp(
      server,
      {
        connected: () => handler.ready(),
        receive: data => {
          stream.push(data)
          for (let message = stream.next(); message !== undefined; message = stream.next()) handler.receive(message)
          if (!stream.isBroken) return
          connection.close()
          handler.closed('the server sends what is neither STUN nor channel data')
        },
        closed: failure => handler.closed(failure === undefined ? 'the server closed the connection' : failure.message),
      },
      options,
    )
    return {
      get local() {
        return connection.local
      },
      isReady: false,
      send: message => {
        if (connection.bufferedBytes <= maxLinkBacklog) connection.write(message)
      },
      close: () => connection.close(),
    }
  }
}
