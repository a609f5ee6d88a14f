import { concatBytes, constantTimeEqual } from '../../base/bytes.ts'
import { encodeProtocols, selectProtocol } from '../application-protocol.ts'
import { type SelectedIdentity, selectSuite12 } from '../certificate-selection.ts'
import type { CipherSuite } from '../cipher-suites.ts'
import { type ConnectionIds, negotiateConnectionIds } from '../connection-id.ts'
import type { KeyShare } from '../crypto/provider.ts'
import { verifiedSchemes } from '../crypto/signature-schemes.ts'
import { DtlsError } from '../errors.ts'
import {
  decodeCodePoints,
  decodePointFormats,
  type Extensions,
  ExtensionType,
  emptyRenegotiationInfo,
  encodeUseSrtp,
  uncompressedPointsOnly,
} from '../extensions.ts'
import { type NamedGroup, namedGroup, namedGroups } from '../groups.ts'
import type { Completed, Handshake, HandshakeState } from '../handshake.ts'
import type { HandshakeConfig } from '../handshake-config.ts'
import { type ClientHello, downgradeSentinel12, encodeServerHello, randomLength, speaks, Version } from '../hello.ts'
import { type HandshakeMessage, HandshakeType } from '../messages.ts'
import { selectSrtpProfile } from '../srtp-profile.ts'
import { acceptCertificate, type PeerCertificate, verifySigned } from './authentication.ts'
import { requireMessage } from './expectation.ts'
import { MasterSecret, type Parameters12 } from './key-schedule.ts'
import {
  ClientCertificateType,
  decodeCertificateVerify,
  decodeClientKeyExchange,
  encodeCertificate,
  encodeCertificateRequest,
  encodeParameters,
  encodeServerKeyExchange,
} from './messages.ts'
import { Established12 } from './session.ts'

/** RFC 5746 §3.3: TLS_EMPTY_RENEGOTIATION_INFO_SCSV, which stands for an empty renegotiation_info. */
const emptyRenegotiationInfoScsv = 0x00ff

/** What the server answers to a ClientHello. */
export interface Answer12 extends SelectedIdentity {
  readonly hello: ClientHello
  readonly suite: CipherSuite
  readonly group: NamedGroup
  readonly srtpProfile: number | undefined
  readonly connectionIds: ConnectionIds | undefined
  readonly applicationProtocol: string | undefined
}

/**
 * Chooses suite, group, certificate and SRTP profile.
 *
 * @throws {DtlsError} if there is nothing in common, or the client breaks the rules
 */
export function negotiate12(hello: ClientHello, config: HandshakeConfig): Answer12 {
  const { extensions } = hello
  if (!hello.compressionMethods.includes(0)) {
    // RFC 5246 §7.4.1.2: the list must contain the null method.
    throw new DtlsError('illegal-parameter', 'the client cannot do without compression')
  }
  // RFC 7627 §5.2: a server that does not want legacy clients aborts the handshake without it.
  if (!extensions.has(ExtensionType.extendedMasterSecret)) {
    throw new DtlsError('no-extended-master-secret', 'the client does not offer the extended master secret')
  }
  checkRenegotiationInfo(extensions)
  const group = selectGroup(extensions, config)
  const selected = selectSuite12(config.identities, {
    suites: hello.cipherSuites,
    // RFC 5246 §7.4.1.4.1: without the extension, SHA-1 is meant, with which nothing is signed here.
    schemes: codePoints(extensions, ExtensionType.signatureAlgorithms, 'signature_algorithms') ?? [],
    certificateSchemes: codePoints(extensions, ExtensionType.signatureAlgorithmsCert, 'signature_algorithms_cert'),
    groups: codePoints(extensions, ExtensionType.supportedGroups, 'supported_groups'),
  })
  if (selected === undefined) {
    throw new DtlsError('no-common-cipher-suite', 'no cipher suite and certificate that both sides can use')
  }
  return {
    ...selected,
    hello,
    group,
    srtpProfile: selectSrtpProfile(extensions, config),
    connectionIds: negotiateConnectionIds(extensions, config),
    applicationProtocol: selectProtocol(extensions, config.protocols),
  }
}

function checkRenegotiationInfo(extensions: Extensions): void {
  const info = extensions.get(ExtensionType.renegotiationInfo)
  // RFC 5746 §3.6: in the first handshake, renegotiated_connection must be empty.
  if (info !== undefined && (info.length !== 1 || info[0] !== 0)) {
    throw new DtlsError('renegotiation-mismatch', 'the client takes this for a renegotiation')
  }
}

function selectGroup(extensions: Extensions, config: HandshakeConfig): NamedGroup {
  const formats = extensions.get(ExtensionType.ecPointFormats)
  // RFC 8422 §5.1.2: a list without the uncompressed format ends the handshake.
  if (formats !== undefined && !decodePointFormats(formats).includes(0)) {
    throw new DtlsError('illegal-parameter', 'the client does not take uncompressed points')
  }
  // RFC 8422 §4: a client that does not say which curves it supports leaves the choice to the server.
  const offered =
    codePoints(extensions, ExtensionType.supportedGroups, 'supported_groups') ??
    namedGroups(config.groups).map(({ id }) => id)
  // RFC 8422 §5.1.1: the client's favourite comes first; what is unknown here is skipped.
  for (const id of offered) {
    const group = namedGroup(id, config.groups)
    if (group !== undefined) return group
  }
  throw new DtlsError('no-common-group', 'no key exchange group that both sides can use')
}

/** The list in an extension; undefined without the extension. */
function codePoints(extensions: Extensions, type: number, field: string): readonly number[] | undefined {
  const data = extensions.get(type)
  return data === undefined ? undefined : decodeCodePoints(data, field)
}

/** RFC 6347 §4.2.4: flight 4 is ServerHello, Certificate, ServerKeyExchange, CertificateRequest, ServerHelloDone. */
export function sendServerFlight12(answer: Answer12, handshake: Handshake): HandshakeState {
  const { crypto, random } = handshake.config
  const { hello, suite, group, srtpProfile, identity, scheme } = answer
  const serverRandom = random(randomLength)
  // RFC 8446 §4.1.3, RFC 9147 §5.3: says under the signature that 1.3 was possible, and not asked for.
  if (speaks(handshake.config, Version.dtls13))
    serverRandom.set(downgradeSentinel12, randomLength - downgradeSentinel12.length)
  const parameters: Parameters12 = { suite, clientRandom: hello.random, serverRandom, srtpProfile }
  handshake.connectionIds = answer.connectionIds
  handshake.applicationProtocol = answer.applicationProtocol
  handshake.write(HandshakeType.serverHello, serverHello(answer, serverRandom))
  handshake.write(HandshakeType.certificate, encodeCertificate(identity.chain))
  const share = crypto.generateKeyShare(group.name, random)
  const keyParameters = encodeParameters(group.id, share.publicKey)
  // RFC 8422 §5.4: the signature covers both randoms and the parameters.
  const signature = identity.key.sign(scheme, concatBytes(hello.random, serverRandom, keyParameters))
  handshake.write(
    HandshakeType.serverKeyExchange,
    encodeServerKeyExchange(keyParameters, { scheme: scheme.id, signature }),
  )
  // RFC 8122 §6.2: the server must request a certificate.
  handshake.write(HandshakeType.certificateRequest, certificateRequest())
  handshake.write(HandshakeType.serverHelloDone, new Uint8Array())
  handshake.sendFlight()
  return new ExpectCertificate({ parameters, group, share, localCertificates: identity.chain })
}

function serverHello(
  { hello, suite, srtpProfile, connectionIds, applicationProtocol: protocol }: Answer12,
  random: Uint8Array,
): Uint8Array {
  const extensions = new Map<number, Uint8Array>()
  // RFC 5246 §7.4.1.4: only what the client asked for.
  if (
    hello.extensions.has(ExtensionType.renegotiationInfo) ||
    hello.cipherSuites.includes(emptyRenegotiationInfoScsv)
  ) {
    extensions.set(ExtensionType.renegotiationInfo, emptyRenegotiationInfo)
  }
  extensions.set(ExtensionType.extendedMasterSecret, new Uint8Array())
  if (hello.extensions.has(ExtensionType.ecPointFormats)) {
    extensions.set(ExtensionType.ecPointFormats, uncompressedPointsOnly)
  }
  if (srtpProfile !== undefined) extensions.set(ExtensionType.useSrtp, encodeUseSrtp([srtpProfile]))
  if (protocol !== undefined) {
    extensions.set(ExtensionType.applicationLayerProtocolNegotiation, encodeProtocols([protocol]))
  }
  if (connectionIds !== undefined) extensions.set(ExtensionType.connectionId, connectionIds.extension)
  return encodeServerHello({
    // RFC 8446 §4.2.1: a version before 1.3 is chosen with this field, and without supported_versions.
    version: Version.dtls12,
    random,
    // RFC 5246 §7.4.1.3: an empty session_id says that the session cannot be resumed.
    sessionId: new Uint8Array(),
    cipherSuite: suite.id,
    compressionMethod: 0,
    extensions,
  })
}

function certificateRequest(): Uint8Array {
  return encodeCertificateRequest({
    certificateTypes: Uint8Array.of(ClientCertificateType.ecdsaSign, ClientCertificateType.rsaSign),
    schemes: verifiedSchemes.map(({ id }) => id),
  })
}

/** What the server knows once its flight is sent. */
interface Agreement {
  readonly parameters: Parameters12
  readonly group: NamedGroup
  readonly share: KeyShare
  readonly localCertificates: readonly Uint8Array[]
}

class ExpectCertificate implements HandshakeState {
  readonly name = 'Certificate'
  readonly epoch = 0
  readonly #agreement: Agreement

  constructor(agreement: Agreement) {
    this.#agreement = agreement
  }

  handle(message: HandshakeMessage, handshake: Handshake): HandshakeState {
    requireMessage(message, HandshakeType.certificate, this)
    const peer = acceptCertificate(message.body, handshake.config)
    handshake.transcript.add(message)
    return new ExpectClientKeyExchange(this.#agreement, peer)
  }
}

class ExpectClientKeyExchange implements HandshakeState {
  readonly name = 'ClientKeyExchange'
  readonly epoch = 0
  readonly #agreement: Agreement
  readonly #peer: PeerCertificate

  constructor(agreement: Agreement, peer: PeerCertificate) {
    this.#agreement = agreement
    this.#peer = peer
  }

  handle(message: HandshakeMessage, handshake: Handshake): HandshakeState {
    requireMessage(message, HandshakeType.clientKeyExchange, this)
    const { parameters, group, share, localCertificates } = this.#agreement
    const preMasterSecret = share.deriveSecret(decodeClientKeyExchange(message.body))
    handshake.transcript.add(message)
    const { crypto, keyLog } = handshake.config
    const masterSecret = new MasterSecret(crypto, parameters, preMasterSecret, handshake.transcript)
    masterSecret.logTo(keyLog)
    // From here on the client's Finished can be opened. It is read only after its CertificateVerify.
    handshake.protect(masterSecret.deriveEpoch('server', handshake.connectionIds))
    return new ExpectCertificateVerify({ parameters, group, localCertificates, peer: this.#peer, masterSecret })
  }
}

/** What is left of the key exchange: the ephemeral key is gone. */
interface Secrets {
  readonly parameters: Parameters12
  readonly group: NamedGroup
  readonly localCertificates: readonly Uint8Array[]
  readonly peer: PeerCertificate
  readonly masterSecret: MasterSecret
}

class ExpectCertificateVerify implements HandshakeState {
  readonly name = 'CertificateVerify'
  readonly epoch = 0
  readonly #secrets: Secrets

  constructor(secrets: Secrets) {
    this.#secrets = secrets
  }

  handle(message: HandshakeMessage, handshake: Handshake): HandshakeState {
    requireMessage(message, HandshakeType.certificateVerify, this)
    const signed = decodeCertificateVerify(message.body)
    const { publicKey } = this.#secrets.peer
    // RFC 5246 §7.4.8: all handshake messages up to, but not including, this one.
    verifySigned(signed, publicKey, handshake.transcript.dtls12(), handshake.config.crypto)
    handshake.transcript.add(message)
    return new ExpectFinished(this.#secrets)
  }

  wipe(): void {
    this.#secrets.masterSecret.wipe()
  }
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
    const { parameters, group, localCertificates, peer, masterSecret } = this.#secrets
    if (!constantTimeEqual(message.body, masterSecret.verifyData('client', handshake.transcript))) {
      throw new DtlsError('bad-finished', 'the client saw another handshake')
    }
    handshake.transcript.add(message)
    // RFC 6347 §4.2.4: flight 6 is the last, and answers the client's Finished.
    handshake.changeCipherSpec()
    handshake.write(HandshakeType.finished, masterSecret.verifyData('server', handshake.transcript))
    handshake.sendFinalFlight()
    const certificates = { local: localCertificates, remote: peer.chain }
    return { established: new Established12(parameters, group.name, masterSecret, certificates, message.sequence) }
  }

  wipe(): void {
    this.#secrets.masterSecret.wipe()
  }
}
