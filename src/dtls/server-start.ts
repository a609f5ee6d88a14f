import { ByteWriter, constantTimeEqual } from '../base/bytes.ts'
import type { RandomSource } from '../base/environment.ts'
import type { CryptoProvider } from './crypto/provider.ts'
import { DtlsError } from './errors.ts'
import { decodeSupportedVersions, ExtensionType } from './extensions.ts'
import type { Handshake, HandshakeState } from './handshake.ts'
import type { HandshakeConfig } from './handshake-config.ts'
import { type ClientHello, decodeClientHello, encodeHelloVerifyRequest, speaks, Version } from './hello.ts'
import { type HandshakeMessage, HandshakeType } from './messages.ts'
import { negotiate12, sendServerFlight12 } from './v12/server-states.ts'
import { RetryCookies } from './v13/cookies.ts'
import { answerClientHello13 } from './v13/server-start.ts'

/** The first state of a server. It keeps nothing of what it reads until a ClientHello can be answered. */
export class ExpectClientHello implements HandshakeState {
  readonly name = 'ClientHello'
  readonly epoch = 0
  readonly waitsFor: number = HandshakeType.clientHello
  readonly #cookies: CookieJar
  readonly #retryCookies: RetryCookies

  constructor({ crypto, random }: HandshakeConfig) {
    this.#cookies = new CookieJar(crypto, random)
    this.#retryCookies = new RetryCookies(crypto, random)
  }

  handle(message: HandshakeMessage, handshake: Handshake): HandshakeState {
    try {
      return this.#answer(message, handshake)
    } catch (error) {
      // RFC 9147 §4.5.2: what anybody can have sent, from any address, does not end anything.
      if (handshake.config.peerAddressValidated || this.#hasCookie(message)) throw error
      return this
    }
  }

  #answer(message: HandshakeMessage, handshake: Handshake): HandshakeState {
    const { config } = handshake
    const hello = decodeClientHello(message.body)
    if (chooseVersion(hello, config) === Version.dtls13) {
      return answerClientHello13(message, hello, this.#retryCookies, handshake) ?? this
    }
    // RFC 6347 §4.2.1: no cookie is due where the peer's address is known to be its own.
    if (!config.peerAddressValidated && !this.#proved(message, hello, handshake)) return this
    const answer = negotiate12(hello, config)
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
  #proved(message: HandshakeMessage, hello: ClientHello, handshake: Handshake): boolean {
    const cookie = this.#cookies.bake(hello)
    if (constantTimeEqual(hello.cookie, cookie)) return true
    // RFC 6347 §4.2.1: DTLS 1.0, whatever will be negotiated.
    const request = encodeHelloVerifyRequest({ version: Version.dtls10, cookie })
    handshake.sendStateless(HandshakeType.helloVerifyRequest, message.sequence, request)
    return false
  }

  /** Whether a hello, of whatever version, brings back a cookie that was made here. */
  #hasCookie(message: HandshakeMessage): boolean {
    try {
      const hello = decodeClientHello(message.body)
      return constantTimeEqual(hello.cookie, this.#cookies.bake(hello)) || this.#retryCookies.verify(hello)
    } catch {
      return false
    }
  }
}

/**
 * Makes cookies for DTLS 1.2.
 *
 * RFC 6347 §4.2.1: Cookie = HMAC(Secret, Client-IP, Client-Parameters).
 *
 * The client's address is not part of it because the secret is: every connection has its own, and one path.
 */
export class CookieJar {
  readonly #crypto: CryptoProvider
  readonly #random: RandomSource
  #secret: Uint8Array | undefined

  constructor(crypto: CryptoProvider, random: RandomSource) {
    this.#crypto = crypto
    this.#random = random
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
    this.#secret ??= this.#random(32)
    return this.#crypto.hmac('sha256', this.#secret, parameters.view())
  }
}

/**
 * The highest version that both speak.
 *
 * @throws {DtlsError} `unsupported-version`
 */
function chooseVersion(hello: ClientHello, config: HandshakeConfig): number {
  const list = hello.extensions.get(ExtensionType.supportedVersions)
  // RFC 8446 §4.2.1: where supported_versions is present, it alone counts, and unknown versions in it are ignored.
  // RFC 5246 §E.1: else the client's version is the highest it supports; in DTLS, newer versions are smaller numbers.
  const offered = list === undefined ? [Math.max(hello.version, Version.dtls12)] : decodeSupportedVersions(list)
  for (const version of [Version.dtls13, Version.dtls12]) {
    if (offered.includes(version) && speaks(config, version)) return version
  }
  const versions = offered.map(version => version.toString(16)).join(', ')
  throw new DtlsError('unsupported-version', `the client offers the versions ${versions}, of which none is spoken here`)
}
