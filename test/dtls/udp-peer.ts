import { randomBytes } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { DtlsConnection, type DtlsError, type DtlsOptions, nodeCryptoProvider } from '../../src/dtls/index.ts'
import type { TestCertificate } from '../support/test-certificate.ts'

const now = (): number => performance.now()

/** A DtlsConnection on a UDP socket of 127.0.0.1, for talking to other programs. */
export class UdpPeer {
  readonly dtls: DtlsConnection
  readonly received: string[] = []
  error: DtlsError | undefined
  closedByPeer = false
  readonly #socket: Socket
  #remote: { readonly address: string; readonly port: number } | undefined
  #timer: NodeJS.Timeout | undefined

  static async open(
    role: 'client' | 'server',
    own: TestCertificate,
    peer: TestCertificate,
    options: Partial<DtlsOptions> = {},
  ): Promise<UdpPeer> {
    const socket = createSocket('udp4')
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    const dtls = new DtlsConnection({
      role,
      identities: [{ chain: [own.certificate], key: nodeCryptoProvider.importSigningKey(own.pkcs8) }],
      fingerprints: [peer.fingerprint()],
      crypto: nodeCryptoProvider,
      random: length => randomBytes(length),
      srtpProfiles: [1],
      peerAddressValidated: true,
      ...options,
    })
    return new UdpPeer(dtls, socket)
  }

  private constructor(dtls: DtlsConnection, socket: Socket) {
    this.dtls = dtls
    this.#socket = socket
    socket.on('message', (datagram, from) => {
      this.#remote ??= { address: from.address, port: from.port }
      this.dtls.receive(datagram, now())
      this.#drain()
    })
  }

  get port(): number {
    return (this.#socket.address() as AddressInfo).port
  }

  /** @param port of the server, for a client */
  start(port?: number): void {
    if (port !== undefined) this.#remote = { address: '127.0.0.1', port }
    this.dtls.start(now())
    this.#drain()
  }

  send(text: string): void {
    this.#send(this.dtls.seal(Buffer.from(text)))
  }

  close(): void {
    this.dtls.close(now())
    this.#drain()
    clearTimeout(this.#timer)
    this.#socket.close()
  }

  #drain(): void {
    for (let data = this.dtls.pollTransmit(); data !== undefined; data = this.dtls.pollTransmit()) this.#send(data)
    for (let event = this.dtls.pollEvent(); event !== undefined; event = this.dtls.pollEvent()) {
      if (event.type === 'data') this.received.push(Buffer.from(event.data).toString())
      if (event.type === 'failed') this.error = event.error
      if (event.type === 'closed') this.closedByPeer = true
    }
    clearTimeout(this.#timer)
    const deadline = this.dtls.pollTimeout()
    if (deadline === undefined) return
    this.#timer = setTimeout(
      () => {
        this.dtls.handleTimeout(now())
        this.#drain()
      },
      Math.max(1, deadline - now()),
    )
  }

  #send(data: Uint8Array): void {
    if (this.#remote !== undefined) this.#socket.send(data, this.#remote.port, this.#remote.address)
  }
}
