import { cipherSuites12 } from './cipher-suites.ts'
import { verifiedSchemes } from './crypto/signature-schemes.ts'
import { DtlsError } from './errors.ts'
import {
  type Extensions,
  ExtensionType,
  emptyRenegotiationInfo,
  encodeCodePoints,
  encodeUseSrtp,
  uncompressedPointsOnly,
} from './extensions.ts'
import { namedGroups } from './groups.ts'
import type { Handshake, HandshakeConfig, HandshakeState } from './handshake.ts'
import {
  type ClientHello,
  decodeHelloVerifyRequest,
  decodeServerHello,
  encodeClientHello,
  randomLength,
  Version,
} from './hello.ts'
import { type HandshakeMessage, HandshakeType } from './messages.ts'
import { acceptServerHello12 } from './v12/client-states.ts'

/** A server asks for another cookie only if it forgot its secret: no more often than this. */
export const maxCookieExchanges = 4

/** RFC 5246 §7.4.1.2: the first flight. What answers it decides on the version. */
export function sendClientHello(handshake: Handshake): HandshakeState {
  const { config } = handshake
  return offer(handshake, {
    version: Version.dtls12,
    random: config.random(randomLength),
    sessionId: new Uint8Array(),
    cookie: new Uint8Array(),
    cipherSuites: cipherSuites12.map(suite => suite.id),
    compressionMethods: Uint8Array.of(0),
    extensions: clientExtensions(config),
  })
}

function clientExtensions(config: HandshakeConfig): Extensions {
  const extensions = new Map<number, Uint8Array>([
    // RFC 5746 §3.4: either this or the signalling cipher suite value.
    [ExtensionType.renegotiationInfo, emptyRenegotiationInfo],
    [ExtensionType.extendedMasterSecret, new Uint8Array()],
    [ExtensionType.supportedGroups, encodeCodePoints(namedGroups.map(group => group.id))],
    [ExtensionType.ecPointFormats, uncompressedPointsOnly],
    [ExtensionType.signatureAlgorithms, encodeCodePoints(verifiedSchemes.map(scheme => scheme.id))],
  ])
  if (config.srtpProfiles.length > 0) extensions.set(ExtensionType.useSrtp, encodeUseSrtp(config.srtpProfiles))
  return extensions
}

function offer(handshake: Handshake, hello: ClientHello, exchanges = 0): HandshakeState {
  handshake.write(HandshakeType.clientHello, encodeClientHello(hello))
  handshake.sendFlight()
  return new ExpectServerHello(hello, exchanges)
}

class ExpectServerHello implements HandshakeState {
  readonly name = 'ServerHello'
  readonly epoch = 0
  readonly #hello: ClientHello
  readonly #exchanges: number

  constructor(hello: ClientHello, exchanges: number) {
    this.#hello = hello
    this.#exchanges = exchanges
  }

  handle(message: HandshakeMessage, handshake: Handshake): HandshakeState {
    switch (message.type) {
      case HandshakeType.helloVerifyRequest:
        return this.#offerAgain(message, handshake)
      case HandshakeType.serverHello: {
        const hello = decodeServerHello(message.body)
        // RFC 8446 §4.2.1: a server that negotiates a version before 1.3 sets ServerHello.version alone.
        if (hello.version !== Version.dtls12) {
          throw new DtlsError('unsupported-version', `the server chose version ${hello.version.toString(16)}`)
        }
        handshake.transcript.add(message)
        return acceptServerHello12(this.#hello, hello, handshake)
      }
      default:
        throw new DtlsError('unexpected-message', `message ${message.type} instead of ${this.name}`)
    }
  }

  /** RFC 6347 §4.2.1: the same ClientHello again, with the cookie. Its version says nothing about what will be negotiated. */
  #offerAgain(message: HandshakeMessage, handshake: Handshake): HandshakeState {
    if (this.#exchanges === maxCookieExchanges) {
      throw new DtlsError('unexpected-message', 'the server asks for one cookie after the other')
    }
    const { cookie } = decodeHelloVerifyRequest(message.body)
    // RFC 6347 §4.2.1: the initial ClientHello and HelloVerifyRequest are not included in the handshake hashes.
    handshake.transcript.clear()
    return offer(handshake, { ...this.#hello, cookie: new Uint8Array(cookie) }, this.#exchanges + 1)
  }
}
