import { concatBytes, constantTimeEqual } from '../../base/bytes.ts'
import { chosenProtocol } from '../application-protocol.ts'
import { type SelectedIdentity, selectIdentity } from '../certificate-selection.ts'
import { authenticationBy, cipherSuite12 } from '../cipher-suites.ts'
import { negotiateConnectionIds } from '../connection-id.ts'
import { DtlsError } from '../errors.ts'
import { decodePointFormats, type Extensions, ExtensionType } from '../extensions.ts'
import { type NamedGroup, namedGroup } from '../groups.ts'
import type { Completed, Handshake, HandshakeState } from '../handshake.ts'
import type { HandshakeConfig } from '../handshake-config.ts'
import type { ClientHello, ServerHello } from '../hello.ts'
import { type HandshakeMessage, HandshakeType } from '../messages.ts'
import type { Certificates } from '../session.ts'
import { chosenSrtpProfile } from '../srtp-profile.ts'
import { acceptCertificate, type PeerCertificate, requireSuiteKey, verifySigned } from './authentication.ts'
import { requireMessage } from './expectation.ts'
import { MasterSecret, type Parameters12 } from './key-schedule.ts'
import {
  type CertificateRequest,
  ClientCertificateType,
  decodeCertificateRequest,
  decodeServerKeyExchange,
  encodeCertificate,
  encodeCertificateVerify,
  encodeClientKeyExchange,
  namedCurve,
} from './messages.ts'
import { Established12 } from './session.ts'

/**
 * The client of DTLS 1.2, from the ServerHello on:
 *
 *     ServerHello -> Certificate -> ServerKeyExchange -> CertificateRequest -> ServerHelloDone -> Finished
 *
 * RFC 6347 §4.2.4: in figure 1, that is flight 4 of the server, our flight 5, and flight 6.
 *
 * @throws {DtlsError} if the server chose what was not offered
 */
export function acceptServerHello12(offer: ClientHello, hello: ServerHello, handshake: Handshake): HandshakeState {
  const suite = offer.cipherSuites.includes(hello.cipherSuite) ? cipherSuite12(hello.cipherSuite) : undefined
  if (suite === undefined || hello.compressionMethod !== 0) {
    throw new DtlsError('illegal-parameter', 'the server chose a cipher suite or compression that was not offered')
  }
  checkExtensions(offer.extensions, hello.extensions)
  handshake.connectionIds = negotiateConnectionIds(hello.extensions, handshake.config)
  handshake.applicationProtocol = chosenProtocol(hello.extensions, handshake.config.protocols)
  return new ExpectCertificate({
    suite,
    clientRandom: offer.random,
    serverRandom: hello.random,
    srtpProfile: chosenSrtpProfile(hello.extensions, handshake.config),
  })
}

function checkExtensions(offered: Extensions, answered: Extensions): void {
  for (const type of answered.keys()) {
    // RFC 5246 §7.4.1.4: an extension that was not requested. So is supported_versions: 1.3 was not offered.
    if (!offered.has(type)) throw new DtlsError('unsolicited-extension', `the server sent extension ${type} unasked`)
  }
  // RFC 7627 §5.2: without it the client should abort the handshake.
  if (!answered.has(ExtensionType.extendedMasterSecret)) {
    throw new DtlsError('no-extended-master-secret', 'the server does not use the extended master secret')
  }
  const renegotiation = answered.get(ExtensionType.renegotiationInfo)
  // RFC 5746 §3.4: in the first handshake, renegotiated_connection must be empty.
  if (renegotiation !== undefined && (renegotiation.length !== 1 || renegotiation[0] !== 0)) {
    throw new DtlsError('renegotiation-mismatch', 'the server takes this for a renegotiation')
  }
  const formats = answered.get(ExtensionType.ecPointFormats)
  // RFC 8422 §5.2: the list, when there is one, must contain the uncompressed format.
  if (formats !== undefined && !decodePointFormats(formats).includes(0)) {
    throw new DtlsError('illegal-parameter', 'the server does not take uncompressed points')
  }
}

class ExpectCertificate implements HandshakeState {
  readonly name = 'Certificate'
  readonly epoch = 0
  readonly #parameters: Parameters12

  constructor(parameters: Parameters12) {
    this.#parameters = parameters
  }

  handle(message: HandshakeMessage, handshake: Handshake): HandshakeState {
    requireMessage(message, HandshakeType.certificate, this)
    const peer = acceptCertificate(message.body, handshake.config)
    requireSuiteKey(this.#parameters.suite, peer.publicKey)
    handshake.transcript.add(message)
    return new ExpectServerKeyExchange(this.#parameters, peer)
  }
}

class ExpectServerKeyExchange implements HandshakeState {
  readonly name = 'ServerKeyExchange'
  readonly epoch = 0
  readonly #parameters: Parameters12
  readonly #peer: PeerCertificate

  constructor(parameters: Parameters12, peer: PeerCertificate) {
    this.#parameters = parameters
    this.#peer = peer
  }

  handle(message: HandshakeMessage, handshake: Handshake): HandshakeState {
    requireMessage(message, HandshakeType.serverKeyExchange, this)
    const exchange = decodeServerKeyExchange(message.body)
    const group = exchange.curveType === namedCurve ? namedGroup(exchange.group, handshake.config.groups) : undefined
    if (group === undefined) throw new DtlsError('illegal-parameter', 'the server chose a group that was not offered')
    const { clientRandom, serverRandom } = this.#parameters
    // RFC 8422 §5.4: the signature covers both randoms and the parameters.
    const signedData = concatBytes(clientRandom, serverRandom, exchange.parameters)
    verifySigned(exchange, this.#peer.publicKey, signedData, handshake.config.crypto)
    handshake.transcript.add(message)
    return new ExpectCertificateRequest({
      parameters: this.#parameters,
      peer: this.#peer,
      group,
      serverPublicKey: exchange.publicKey,
    })
  }
}

/** What is known once the server's key is. */
interface Agreement {
  readonly parameters: Parameters12
  readonly peer: PeerCertificate
  readonly group: NamedGroup
  readonly serverPublicKey: Uint8Array
}

class ExpectCertificateRequest implements HandshakeState {
  readonly name = 'CertificateRequest'
  readonly epoch = 0
  readonly #agreement: Agreement

  constructor(agreement: Agreement) {
    this.#agreement = agreement
  }

  handle(message: HandshakeMessage, handshake: Handshake): HandshakeState {
    // RFC 5246 §7.4.4: a server can leave it out. That is for the server to regret: it does not learn who we are.
    if (message.type === HandshakeType.serverHelloDone) {
      return new ExpectServerHelloDone(this.#agreement, undefined).handle(message, handshake)
    }
    requireMessage(message, HandshakeType.certificateRequest, this)
    handshake.transcript.add(message)
    return new ExpectServerHelloDone(this.#agreement, decodeCertificateRequest(message.body))
  }
}

class ExpectServerHelloDone implements HandshakeState {
  readonly name = 'ServerHelloDone'
  readonly epoch = 0
  readonly #agreement: Agreement
  readonly #request: CertificateRequest | undefined

  constructor(agreement: Agreement, request: CertificateRequest | undefined) {
    this.#agreement = agreement
    this.#request = request
  }

  handle(message: HandshakeMessage, handshake: Handshake): HandshakeState {
    requireMessage(message, HandshakeType.serverHelloDone, this)
    if (message.body.length > 0) throw new DtlsError('decode-error', 'ServerHelloDone has a body')
    handshake.transcript.add(message)
    return sendClientFlight(this.#agreement, this.#request, handshake)
  }
}

/** RFC 6347 §4.2.4: flight 5 is Certificate, ClientKeyExchange, CertificateVerify, ChangeCipherSpec, Finished. */
function sendClientFlight(
  agreement: Agreement,
  request: CertificateRequest | undefined,
  handshake: Handshake,
): HandshakeState {
  const { crypto, identities, random, keyLog } = handshake.config
  const { parameters, group, peer } = agreement
  const own = request === undefined ? undefined : selectIdentity(identitiesFor(request, identities), request.schemes)
  if (request !== undefined) {
    // RFC 5246 §7.4.6: without a suitable certificate, a message without certificates.
    handshake.write(HandshakeType.certificate, encodeCertificate(own?.identity.chain ?? []))
  }
  const share = crypto.generateKeyShare(group.name, random)
  const preMasterSecret = share.deriveSecret(agreement.serverPublicKey)
  handshake.write(HandshakeType.clientKeyExchange, encodeClientKeyExchange(share.publicKey))
  const masterSecret = new MasterSecret(crypto, parameters, preMasterSecret, handshake.transcript)
  masterSecret.logTo(keyLog)
  if (own !== undefined) handshake.write(HandshakeType.certificateVerify, certificateVerify(own, handshake))
  handshake.protect(masterSecret.deriveEpoch('client', handshake.connectionIds))
  handshake.changeCipherSpec()
  handshake.write(HandshakeType.finished, masterSecret.verifyData('client', handshake.transcript))
  handshake.sendFlight()
  const certificates = { local: own?.identity.chain ?? [], remote: peer.chain }
  return new ExpectFinished({ parameters, group, certificates, masterSecret })
}

/** RFC 5246 §7.4.4: the key must be of a type that is asked for. RFC 8422 §5.5: EdDSA goes as ecdsa_sign. */
function identitiesFor(request: CertificateRequest, identities: HandshakeConfig['identities']) {
  const { ecdsaSign, rsaSign } = ClientCertificateType
  return identities.filter(({ key }) =>
    request.certificateTypes.includes(authenticationBy(key.kind) === 'ecdsa' ? ecdsaSign : rsaSign),
  )
}

/** RFC 5246 §7.4.8: a signature over all handshake messages up to here. */
function certificateVerify({ identity, scheme }: SelectedIdentity, handshake: Handshake): Uint8Array {
  const signature = identity.key.sign(scheme, handshake.transcript.dtls12())
  return encodeCertificateVerify({ scheme: scheme.id, signature })
}

/** What is left of the key exchange: the ephemeral key is gone. */
interface Secrets {
  readonly parameters: Parameters12
  readonly group: NamedGroup
  readonly certificates: Certificates
  readonly masterSecret: MasterSecret
}

class ExpectFinished implements HandshakeState {
  readonly name = 'Finished'
  readonly epoch = 1
  readonly #secrets: Secrets

  constructor(secrets: Secrets) {
    this.#secrets = secrets
  }

  handle(message: HandshakeMessage, handshake: Handshake): Completed {
    requireMessage(message, HandshakeType.finished, this)
    const { parameters, group, certificates, masterSecret } = this.#secrets
    if (!constantTimeEqual(message.body, masterSecret.verifyData('server', handshake.transcript))) {
      throw new DtlsError('bad-finished', 'the server saw another handshake')
    }
    return { established: new Established12(parameters, group.name, masterSecret, certificates, message.sequence) }
  }

  wipe(): void {
    this.#secrets.masterSecret.wipe()
  }
}
