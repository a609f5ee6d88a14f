import { equalBytes } from '../base/bytes.ts'
import { encodeProtocols } from './application-protocol.ts'
import { cipherSuites12 } from './cipher-suites.ts'
import { encodeConnectionId } from './connection-id.ts'
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
import type { Handshake, HandshakeState } from './handshake.ts'
import type { HandshakeConfig } from './handshake-config.ts'
import {
  decodeHelloVerifyRequest,
  decodeServerHello,
  downgradeSentinel12,
  encodeClientHello,
  randomLength,
  type ServerHello,
  speaks,
  Version,
} from './hello.ts'
import { type HandshakeMessage, HandshakeType } from './messages.ts'
import { acceptServerHello12 } from './v12/client-states.ts'
import { cipherSuites13 } from './v13/cipher-suites.ts'
import { followRetryRequest, keyShareExtension, offerShares } from './v13/client-start.ts'
import { acceptServerHello13, isHelloRetryRequest, type Offer13 } from './v13/client-states.ts'
import { decodeNumber, encodeSupportedVersions } from './v13/extensions.ts'
import { keyExchangeGroups } from './v13/key-exchange.ts'

/** A server asks for another cookie only if it forgot its secret: no more often than this. */
export const maxCookieExchanges = 4

/** RFC 5246 §7.4.1.2: the first flight. What answers it decides on the version. */
export function sendClientHello(handshake: Handshake): HandshakeState {
  const { config } = handshake
  const suites = [
    ...(speaks(config, Version.dtls13) ? cipherSuites13 : []),
    ...(speaks(config, Version.dtls12) ? cipherSuites12 : []),
  ]
  const shares: Offer13['shares'] = speaks(config, Version.dtls13) ? offerShares(config) : new Map()
  const hello = {
    // RFC 9147 §5.3: legacy_version, whatever is offered in supported_versions.
    version: Version.dtls12,
    random: config.random(randomLength),
    sessionId: new Uint8Array(),
    // RFC 9147 §5.3: legacy_cookie must be empty.
    cookie: new Uint8Array(),
    cipherSuites: suites.map(suite => suite.id),
    compressionMethods: Uint8Array.of(0),
    extensions: clientExtensions(config, shares),
  }
  return offer(handshake, { hello, shares })
}

/** The long one comes last, so that the first fragment of the message tells all the others. */
function clientExtensions(config: HandshakeConfig, shares: Offer13['shares']): Extensions {
  const speaks13 = speaks(config, Version.dtls13)
  const groups = speaks13 ? keyExchangeGroups(config) : namedGroups(config.groups)
  const extensions = new Map<number, Uint8Array>()
  if (speaks13) {
    const versions = [Version.dtls13, Version.dtls12].filter(version => speaks(config, version))
    extensions.set(ExtensionType.supportedVersions, encodeSupportedVersions(versions))
  }
  if (speaks(config, Version.dtls12)) {
    // RFC 5746 §3.4: either this or the signalling cipher suite value.
    extensions.set(ExtensionType.renegotiationInfo, emptyRenegotiationInfo)
    extensions.set(ExtensionType.extendedMasterSecret, new Uint8Array())
    extensions.set(ExtensionType.ecPointFormats, uncompressedPointsOnly)
  }
  extensions.set(ExtensionType.supportedGroups, encodeCodePoints(groups.map(group => group.id)))
  extensions.set(ExtensionType.signatureAlgorithms, encodeCodePoints(verifiedSchemes.map(scheme => scheme.id)))
  if (config.srtpProfiles.length > 0) extensions.set(ExtensionType.useSrtp, encodeUseSrtp(config.srtpProfiles))
  const { names } = config.protocols
  if (names.length > 0) extensions.set(ExtensionType.applicationLayerProtocolNegotiation, encodeProtocols(names))
  if (config.connectionId !== undefined) {
    extensions.set(ExtensionType.connectionId, encodeConnectionId(config.connectionId))
  }
  if (speaks13) extensions.set(ExtensionType.keyShare, keyShareExtension(shares))
  return extensions
}

function offer(handshake: Handshake, offered: Offer13, exchanges = 0): HandshakeState {
  handshake.write(HandshakeType.clientHello, encodeClientHello(offered.hello))
  handshake.sendFlight()
  return new ExpectServerHello(offered, exchanges)
}

class ExpectServerHello implements HandshakeState {
  readonly name = 'ServerHello'
  readonly epoch = 0
  readonly #offer: Offer13
  readonly #exchanges: number

  constructor(offered: Offer13, exchanges: number) {
    this.#offer = offered
    this.#exchanges = exchanges
  }

  handle(message: HandshakeMessage, handshake: Handshake): HandshakeState {
    switch (message.type) {
      case HandshakeType.helloVerifyRequest:
        return this.#offerAgain(message, handshake)
      case HandshakeType.serverHello: {
        const hello = decodeServerHello(message.body)
        return this.#chosenVersion(hello, handshake.config) === Version.dtls13
          ? this.#follow13(hello, message, handshake)
          : this.#follow12(hello, message, handshake)
      }
      default:
        throw new DtlsError('unexpected-message', `message ${message.type} instead of ${this.name}`)
    }
  }

  #chosenVersion(hello: ServerHello, config: HandshakeConfig): number {
    // Where it was not offered, it is an extension like any other that nobody asked for.
    const offered = speaks(config, Version.dtls13)
    const data = offered ? hello.extensions.get(ExtensionType.supportedVersions) : undefined
    // RFC 8446 §4.2.1: a server that negotiates a version before 1.3 sets ServerHello.version alone.
    const version = data === undefined ? hello.version : decodeNumber(data, 'selected_version')
    if (!speaks(config, version)) {
      throw new DtlsError('unsupported-version', `the server chose version ${version.toString(16)}`)
    }
    if (data === undefined) {
      // RFC 8446 §4.2.1: version 1.3 is chosen with the extension alone.
      if (version !== Version.dtls12) throw new DtlsError('unsupported-version', 'the server chose no version')
      return version
    }
    // RFC 8446 §4.2.1: neither an extension for an earlier version, nor another legacy_version.
    if (version !== Version.dtls13 || hello.version !== Version.dtls12) {
      throw new DtlsError('illegal-parameter', 'the server chose its version in the wrong place')
    }
    return version
  }

  #follow13(hello: ServerHello, message: HandshakeMessage, handshake: Handshake): HandshakeState {
    // RFC 9147 §5.2: with DTLS 1.3 there is no HelloVerifyRequest; and legacy_cookie, which it filled, must be empty.
    if (this.#exchanges > 0) {
      throw new DtlsError('illegal-parameter', 'the server chose DTLS 1.3 after a HelloVerifyRequest')
    }
    if (!isHelloRetryRequest(hello)) return acceptServerHello13(this.#offer, hello, message, handshake)
    return offer(handshake, followRetryRequest(this.#offer, hello, message, handshake))
  }

  #follow12(hello: ServerHello, message: HandshakeMessage, handshake: Handshake): HandshakeState {
    if (this.#offer.retry !== undefined) {
      throw new DtlsError('illegal-parameter', 'the server changed the version after its HelloRetryRequest')
    }
    // RFC 8446 §4.1.3, RFC 9147 §5.3: a server that could have had 1.3 says so, where nobody can take it out.
    if (speaks(handshake.config, Version.dtls13) && equalBytes(hello.random.subarray(-8), downgradeSentinel12)) {
      throw new DtlsError('illegal-parameter', 'somebody made the server believe that DTLS 1.3 was not offered')
    }
    handshake.transcript.add(message)
    return acceptServerHello12(this.#offer.hello, hello, handshake)
  }

  /** RFC 6347 §4.2.1: the same ClientHello again, with the cookie. Its version says nothing about what will be negotiated. */
  #offerAgain(message: HandshakeMessage, handshake: Handshake): HandshakeState {
    if (this.#exchanges === maxCookieExchanges || this.#offer.retry !== undefined) {
      throw new DtlsError('unexpected-message', 'the server asks for one cookie after the other')
    }
    const { cookie } = decodeHelloVerifyRequest(message.body)
    // RFC 6347 §4.2.1: the initial ClientHello and HelloVerifyRequest are not included in the handshake hashes.
    handshake.transcript.clear()
    const hello = { ...this.#offer.hello, cookie: new Uint8Array(cookie) }
    return offer(handshake, { ...this.#offer, hello }, this.#exchanges + 1)
  }
}
