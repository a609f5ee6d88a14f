import type { TcpConnection, TcpFailure, TcpHandler, TlsClientOptions } from '../../src/base/environment.ts'

/**
 * TLS as the simulation has it: the client says which server it wants, the server shows a certificate that says which
 * it is, and then bytes pass as they are. That is all that those above can see of it.
 */

const handshakeType = 22
const headerBytes = 5

export interface SimCertificateOptions {
  /** Host names and IP addresses that it is for. */
  readonly names: readonly string[]
  /** Nobody trusts it who was not given it. */
  readonly isSelfSigned?: boolean
  readonly isExpired?: boolean
}

/** A certificate of the simulation, to give to `listenTcp` as PEM (any key goes with it) and to clients as `ca`. */
export function simCertificate(options: SimCertificateOptions): string {
  return `-----BEGIN CERTIFICATE-----\n${JSON.stringify(options)}\n-----END CERTIFICATE-----\n`
}

/** @param connect opens the connection below */
export function tlsClient(
  options: TlsClientOptions,
  handler: TcpHandler,
  connect: (handler: TcpHandler) => TcpConnection,
): TcpConnection {
  return new TlsConnection(handler, tls => {
    const below = connect(tls.asHandler(certificate => verify(certificate, options)))
    return { below, hello: message(options.serverName) }
  })
}

/** What a listener does with connections that begin with a TLS handshake. Others are closed. */
export function tlsServer(
  certificate: string,
  accept: (connection: TcpConnection) => TcpHandler,
): (connection: TcpConnection) => TcpHandler {
  return below => {
    let handler: TcpHandler | undefined
    let pending = new Uint8Array()
    return {
      receive: data => {
        if (handler !== undefined) return handler.receive(data)
        pending = Uint8Array.from([...pending, ...data])
        const hello = readMessage(pending)
        if (hello === 'incomplete') return
        if (hello === 'not-tls') return below.close()
        below.write(message(certificate))
        handler = accept(below)
        if (hello.rest.length > 0) handler.receive(hello.rest)
      },
      closed: failure => handler?.closed(failure),
    }
  }
}

/** The client's end: the connection below, with its handshake before the handler is told. */
class TlsConnection implements TcpConnection {
  readonly #below: TcpConnection
  readonly #hello: Uint8Array
  #handler: TcpHandler | undefined
  #pending: Uint8Array = new Uint8Array()
  #early: Uint8Array[] = []
  #isReady = false

  constructor(handler: TcpHandler, connect: (tls: TlsConnection) => { below: TcpConnection; hello: Uint8Array }) {
    this.#handler = handler
    const { below, hello } = connect(this)
    this.#below = below
    this.#hello = hello
  }

  get local(): TcpConnection['local'] {
    return this.#below.local
  }

  get remote(): TcpConnection['remote'] {
    return this.#below.remote
  }

  get bufferedBytes(): number {
    return this.#below.bufferedBytes + this.#early.reduce((sum, data) => sum + data.length, 0)
  }

  write(data: Uint8Array): void {
    if (this.#isReady) this.#below.write(data)
    else if (this.#handler !== undefined) this.#early.push(Uint8Array.from(data))
  }

  close(): void {
    this.#handler = undefined
    this.#early = []
    this.#below.close()
  }

  asHandler(verifyCertificate: (certificate: string) => TcpFailure | undefined): TcpHandler {
    return {
      connected: () => this.#below.write(this.#hello),
      receive: data => {
        if (this.#isReady) this.#handler?.receive(data)
        else this.#receiveHandshake(data, verifyCertificate)
      },
      closed: failure => {
        const early = { code: 'ECONNRESET', message: 'the connection was closed before TLS was established' }
        this.#tellClosed(failure ?? (this.#isReady ? undefined : early))
      },
    }
  }

  #receiveHandshake(data: Uint8Array, verifyCertificate: (certificate: string) => TcpFailure | undefined): void {
    this.#pending = Uint8Array.from([...this.#pending, ...data])
    const answer = readMessage(this.#pending)
    if (answer === 'incomplete') return
    const failure =
      answer === 'not-tls'
        ? { code: 'ERR_SSL_WRONG_VERSION_NUMBER', message: 'wrong version number' }
        : verifyCertificate(answer.text)
    if (failure !== undefined || answer === 'not-tls') {
      this.#below.close()
      this.#tellClosed(failure)
      return
    }
    this.#isReady = true
    for (const early of this.#early) this.#below.write(early)
    this.#early = []
    this.#handler?.connected?.()
    if (answer.rest.length > 0) this.#handler?.receive(answer.rest)
  }

  #tellClosed(failure: TcpFailure | undefined): void {
    const handler = this.#handler
    this.#handler = undefined
    handler?.closed(failure)
  }
}

/** A real certificate, which the simulation cannot read, is for everybody. */
function verify(certificate: string, { serverName, ca }: TlsClientOptions): TcpFailure | undefined {
  const json = /\{.*\}/.exec(certificate)?.[0]
  if (json === undefined) return undefined
  const { names, isSelfSigned, isExpired } = JSON.parse(json) as SimCertificateOptions
  const isTrusted = ca === undefined ? isSelfSigned !== true : ca === certificate
  if (!isTrusted) return { code: 'DEPTH_ZERO_SELF_SIGNED_CERT', message: 'self-signed certificate' }
  if (isExpired) return { code: 'CERT_HAS_EXPIRED', message: 'certificate has expired' }
  if (names.includes(serverName)) return undefined
  return { code: 'ERR_TLS_CERT_ALTNAME_INVALID', message: `the certificate is not for ${serverName}` }
}

function message(text: string): Uint8Array {
  const body = Buffer.from(text)
  return Buffer.concat([Uint8Array.of(handshakeType, 3, 3, body.length >> 8, body.length & 0xff), body])
}

function readMessage(bytes: Uint8Array): { text: string; rest: Uint8Array } | 'incomplete' | 'not-tls' {
  if (bytes.length > 0 && bytes[0] !== handshakeType) return 'not-tls'
  if (bytes.length < headerBytes) return 'incomplete'
  const end = headerBytes + (((bytes[3] ?? 0) << 8) | (bytes[4] ?? 0))
  if (bytes.length < end) return 'incomplete'
  return { text: Buffer.from(bytes.subarray(headerBytes, end)).toString(), rest: bytes.subarray(end) }
}
