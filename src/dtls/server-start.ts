import { ByteWriter, constantTimeEqual } from '../base/bytes.ts'
import type { RandomSource } from '../base/environment.ts'
import type { CryptoProvider } from './crypto/provider.ts'
import { DtlsError } from './errors.ts'
import { decodeSupportedVersions, ExtensionType } from './extensions.ts'
import type { Handshake, HandshakeState } from './handshake.ts'
import { type ClientHello, decodeClientHello, encodeHelloVerifyRequest, Version } from './hello.ts'
import { type HandshakeMessage, HandshakeType } from './messages.ts'
import { negotiate12, sendServerFlight12 } from './v12/server-states.ts'

/** The first state of a server. It keeps nothing of what it reads until a ClientHello can be answered. */
export class ExpectClientHello implements HandshakeState {
  readonly name = 'ClientHello'
  readonly epoch = 0
  readonly waitsFor: number = HandshakeType.clientHello
  /** Undefined where the peer's address is known to be its own: then no cookie is due. */
  readonly #cookies: CookieJar | undefined

  constructor(cookies?: CookieJar) {
    this.#cookies = cookies
  }

  handle(message: HandshakeMessage, handshake: Handshake): HandshakeState {
    if (this.#cookies !== undefined && !this.#proved(message, handshake, this.#cookies)) return this
    const hello = decodeClientHello(message.body)
    requireVersion12(hello)
    const answer = negotiate12(hello, handshake.config)
    handshake.countFrom(message)
    handshake.transcript.add(message)
    return sendServerFlight12(answer, handshake)
  }

  /**
   * Whether the client can receive at its address. If not, it is sent a cookie that it has to bring back.
   *
   * RFC 6347 §4.2.1: no state is kept, an invalid cookie is treated like none, and nothing is sent that is larger than
   * what came.
   */
  #proved(message: HandshakeMessage, handshake: Handshake, cookies: CookieJar): boolean {
    let hello: ClientHello
    try {
      hello = decodeClientHello(message.body)
    } catch {
      return false
    }
    const cookie = cookies.bake(hello)
    if (constantTimeEqual(hello.cookie, cookie)) return true
    // RFC 6347 §4.2.1: DTLS 1.0, whatever will be negotiated.
    const request = encodeHelloVerifyRequest({ version: Version.dtls10, cookie })
    handshake.sendStateless(HandshakeType.helloVerifyRequest, message.sequence, request)
    return false
  }
}

/**
 * Makes cookies.
 *
 * RFC 6347 §4.2.1: Cookie = HMAC(Secret, Client-IP, Client-Parameters).
 *
 * The client's address is not part of it because the secret is: every connection has its own, and one path.
 */
export class CookieJar {
  readonly #crypto: CryptoProvider
  readonly #secret: Uint8Array

  constructor(crypto: CryptoProvider, random: RandomSource) {
    this.#crypto = crypto
    this.#secret = random(32)
  }

  bake(hello: ClientHello): Uint8Array {
    const parameters = new ByteWriter()
      .uint16(hello.version)
      .bytes(hello.random)
      .vector(1, writer => writer.bytes(hello.sessionId))
      .vector(2, writer => {
        for (const suite of hello.cipherSuites) writer.uint16(suite)
      })
      .vector(1, writer => writer.bytes(hello.compressionMethods))
    return this.#crypto.hmac('sha256', this.#secret, parameters.view())
  }
}

/** @throws {DtlsError} `unsupported-version` if the client does not speak DTLS 1.2 */
function requireVersion12(hello: ClientHello): void {
  const list = hello.extensions.get(ExtensionType.supportedVersions)
  if (list === undefined) {
    // RFC 5246 §E.1: the client's version is the highest it supports; in DTLS, newer versions are smaller numbers.
    if (hello.version > Version.dtls12) {
      throw new DtlsError('unsupported-version', `the client speaks no more than version ${hello.version.toString(16)}`)
    }
    return
  }
  // RFC 8446 §4.2.1: where supported_versions is present, it alone counts, and unknown versions in it are ignored.
  if (!decodeSupportedVersions(list).includes(Version.dtls12)) {
    throw new DtlsError('unsupported-version', 'the client does not offer DTLS 1.2')
  }
}
