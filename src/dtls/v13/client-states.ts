import { constantTimeEqual, equalBytes } from '../../base/bytes.ts'
import { chosenProtocol } from '../application-protocol.ts'
import type { SelectedIdentity } from '../certificate-selection.ts'
import { negotiateConnectionIds } from '../connection-id.ts'
import type { KeyShare } from '../crypto/provider.ts'
import { DtlsError } from '../errors.ts'
import { type Extensions, ExtensionType } from '../extensions.ts'
import type { Completed, Handshake, HandshakeState } from '../handshake.ts'
import type { HandshakeConfig } from '../handshake-config.ts'
import type { ClientHello, ServerHello } from '../hello.ts'
import { type HandshakeMessage, HandshakeType } from '../messages.ts'
import { chosenSrtpProfile } from '../srtp-profile.ts'
import { requireMessage } from '../v12/expectation.ts'
import {
  acceptCertificate13,
  type PeerCertificate,
  selectIdentity13,
  signTranscript,
  verifyTranscript,
} from './authentication.ts'
import { type CipherSuite13, cipherSuite13 } from './cipher-suites.ts'
import { decodeServerShare } from './extensions.ts'
import { type HandshakeSecrets, Handshaking } from './handshaking.ts'
import { type KeyExchangeGroup, keyExchangeGroup } from './key-exchange.ts'
import { KeySchedule, secretLog } from './key-schedule.ts'
import { decodeCertificateRequest, decodeEncryptedExtensions, encodeCertificate, helloRetryRandom } from './messages.ts'
import { ExpectPostHandshake, firstApplicationEpoch, handshakeEpoch } from './post-handshake.ts'
import { Opener13, Sealer13 } from './record-protection.ts'
import { Established13, type Negotiated13 } from './session.ts'

/** A ClientHello that offers DTLS 1.3, with the keys to the shares in it. */
export interface Offer13 {
  readonly hello: ClientHello
  readonly shares: ReadonlyMap<number, KeyShare>
  /** RFC 8446 §4.1.4: what a HelloRetryRequest said, which the ServerHello must not gainsay. */
  readonly retry?: { readonly suite: CipherSuite13; readonly group: number | undefined }
}

/** RFC 8446 §4.1.3: whether it is a HelloRetryRequest. */
export function isHelloRetryRequest(hello: ServerHello): boolean {
  return equalBytes(hello.random, helloRetryRandom)
}

/**
 * What a ServerHello and a HelloRetryRequest have in common.
 *
 * @throws {DtlsError} if the server chose what was not offered
 */
export function checkServerHello13(offer: Offer13, hello: ServerHello): CipherSuite13 {
  const suite = offer.hello.cipherSuites.includes(hello.cipherSuite) ? cipherSuite13(hello.cipherSuite) : undefined
  if (suite === undefined || hello.compressionMethod !== 0) {
    throw new DtlsError('illegal-parameter', 'the server chose a cipher suite or compression that was not offered')
  }
  // RFC 9147 §5: DTLS servers must not echo the session ID; ours is empty anyway.
  if (hello.sessionId.length > 0) throw new DtlsError('illegal-parameter', 'the server sent a session ID')
  if (offer.retry !== undefined && offer.retry.suite !== suite) {
    throw new DtlsError('illegal-parameter', 'the server changed the cipher suite after its HelloRetryRequest')
  }
  return suite
}

/**
 * The client of DTLS 1.3, from the ServerHello on:
 *
 *     ServerHello -> EncryptedExtensions -> CertificateRequest -> Certificate -> CertificateVerify -> Finished
 *
 * RFC 9147 §5.7: one flight of the server, which ours follows.
 */
export function acceptServerHello13(
  offer: Offer13,
  hello: ServerHello,
  message: HandshakeMessage,
  handshake: Handshake,
): HandshakeState {
  const { crypto, role, keyLog } = handshake.config
  const suite = checkServerHello13(offer, hello)
  const { extensions: offered } = offer.hello
  const allowed = [ExtensionType.supportedVersions, ExtensionType.keyShare, ExtensionType.connectionId]
  requireOnly(
    hello.extensions,
    allowed.filter(type => offered.has(type)),
  )
  const { group, secret } = agree(offer, hello, handshake.config)
  handshake.transcript.add(message)
  const schedule = new KeySchedule(crypto, suite, secret, secretLog(keyLog, offer.hello.random))
  const traffic = schedule.handshakeTraffic(schedule.hash(handshake.transcript.tls13()))
  // RFC 9147 §9.1, RFC 9146 §10.2: it is in the ServerHello, as protected records come right behind it.
  handshake.connectionIds = negotiateConnectionIds(hello.extensions, handshake.config)
  handshake.open({ epoch: handshakeEpoch, opener: new Opener13(schedule.trafficKeys(traffic.server)) })
  handshake.sealWith(new Sealer13(handshakeEpoch, schedule.trafficKeys(traffic[role]), handshake.connectionIds))
  handshake.acknowledgeRecords()
  return new ExpectEncryptedExtensions({ schedule, traffic, offered, group: group.name })
}

/** RFC 8446 §4.2.8: the server's share is of a group for which we sent one. */
function agree(
  { shares, retry }: Offer13,
  hello: ServerHello,
  config: HandshakeConfig,
): { group: KeyExchangeGroup; secret: Uint8Array } {
  const data = hello.extensions.get(ExtensionType.keyShare)
  if (data === undefined) throw new DtlsError('missing-extension', 'the server sent no key share')
  const { group: id, key } = decodeServerShare(data)
  const share = shares.get(id)
  const group = keyExchangeGroup(id, config)
  if (share === undefined || group === undefined || (retry?.group ?? id) !== id) {
    throw new DtlsError('illegal-parameter', 'the server chose a group for which no share was sent')
  }
  return { group, secret: share.deriveSecret(key) }
}

/** RFC 8446 §4.2: an extension that does not belong into a message, or was not asked for. */
export function requireOnly(extensions: Extensions, allowed: readonly number[]): void {
  for (const type of extensions.keys()) {
    if (!allowed.includes(type)) {
      throw new DtlsError('unsolicited-extension', `the server sent extension ${type} unasked`)
    }
  }
}

/** What is known once the keys of the handshake are. */
interface Agreement extends HandshakeSecrets {
  readonly offered: Extensions
  readonly group: string
}

class ExpectEncryptedExtensions extends Handshaking<Agreement> {
  readonly name = 'EncryptedExtensions'

  handle(message: HandshakeMessage, handshake: Handshake): HandshakeState {
    requireMessage(message, HandshakeType.encryptedExtensions, this)
    const extensions = decodeEncryptedExtensions(message.body)
    const { schedule, traffic, offered, group } = this.known
    // RFC 8446 §4.2: of those asked for, which may stand here; supported_groups is for later connections.
    const { supportedGroups, useSrtp, applicationLayerProtocolNegotiation } = ExtensionType
    const allowed = [supportedGroups, useSrtp, applicationLayerProtocolNegotiation]
    requireOnly(
      extensions,
      allowed.filter(type => offered.has(type)),
    )
    const srtpProfile = chosenSrtpProfile(extensions, handshake.config)
    handshake.applicationProtocol = chosenProtocol(extensions, handshake.config.protocols)
    handshake.transcript.add(message)
    return new ExpectCertificateRequest({ schedule, traffic, negotiated: { group, srtpProfile } })
  }
}

interface Negotiation extends HandshakeSecrets {
  readonly negotiated: Negotiated13
}

class ExpectCertificateRequest extends Handshaking<Negotiation> {
  readonly name = 'CertificateRequest'

  handle(message: HandshakeMessage, handshake: Handshake): HandshakeState {
    // RFC 8446 §4.3.2: a server can leave it out. That is for the server to regret: it does not learn who we are.
    if (message.type === HandshakeType.certificate) {
      return new ExpectCertificate({ ...this.known, request: undefined }).handle(message, handshake)
    }
    requireMessage(message, HandshakeType.certificateRequest, this)
    const { context, extensions } = decodeCertificateRequest(message.body)
    // RFC 8446 §4.3.2: the context is empty, unless it is after the handshake.
    if (context.length > 0) throw new DtlsError('illegal-parameter', 'the certificate request has a context')
    handshake.transcript.add(message)
    const identity = selectIdentity13(extensions, handshake.config)
    return new ExpectCertificate({ ...this.known, request: { identity } })
  }
}

interface Requested extends Negotiation {
  /** What the server wants of us, and what we have for it. */
  readonly request: { readonly identity: SelectedIdentity | undefined } | undefined
}

class ExpectCertificate extends Handshaking<Requested> {
  readonly name = 'Certificate'

  handle(message: HandshakeMessage, handshake: Handshake): HandshakeState {
    requireMessage(message, HandshakeType.certificate, this)
    const peer = acceptCertificate13(message.body, handshake.config)
    handshake.transcript.add(message)
    return new ExpectCertificateVerify({ ...this.known, peer })
  }
}

interface Identified extends Requested {
  readonly peer: PeerCertificate
}

class ExpectCertificateVerify extends Handshaking<Identified> {
  readonly name = 'CertificateVerify'

  handle(message: HandshakeMessage, handshake: Handshake): HandshakeState {
    requireMessage(message, HandshakeType.certificateVerify, this)
    const { schedule, peer } = this.known
    const hash = schedule.hash(handshake.transcript.tls13())
    verifyTranscript(message.body, peer.publicKey, 'server', hash, handshake.config)
    handshake.transcript.add(message)
    return new ExpectFinished(this.known)
  }
}

class ExpectFinished extends Handshaking<Identified> {
  readonly name = 'Finished'

  handle(message: HandshakeMessage, handshake: Handshake): Completed {
    requireMessage(message, HandshakeType.finished, this)
    const { schedule, traffic, negotiated, peer, request } = this.known
    const { transcript } = handshake
    if (!constantTimeEqual(message.body, schedule.verifyData(traffic.server, schedule.hash(transcript.tls13())))) {
      throw new DtlsError('bad-finished', 'the server saw another handshake')
    }
    transcript.add(message)
    const finishedHash = schedule.hash(transcript.tls13())
    const application = schedule.applicationTraffic(finishedHash)
    const exporterSecret = schedule.exporterSecret(finishedHash)
    sendClientFlight(this.known, handshake)
    const epoch = firstApplicationEpoch
    handshake.open({ epoch, opener: new Opener13(schedule.trafficKeys(application.server)) })
    handshake.sealWith(new Sealer13(epoch, schedule.trafficKeys(application.client), handshake.connectionIds))
    this.wipeHandshake()
    const certificates = { local: request?.identity?.identity.chain ?? [], remote: peer.chain }
    return {
      established: new Established13(schedule, exporterSecret, negotiated, certificates),
      next: ExpectPostHandshake.first(schedule, application.client, application.server),
    }
  }
}

/** RFC 9147 §5.7: the last flight is Certificate, CertificateVerify, Finished. */
function sendClientFlight({ schedule, traffic, request }: Identified, handshake: Handshake): void {
  const { transcript } = handshake
  if (request !== undefined) {
    const { identity } = request
    // RFC 8446 §4.4.2: without a suitable certificate, a message without certificates, and no CertificateVerify.
    const chain = identity?.identity.chain ?? []
    handshake.write(HandshakeType.certificate, encodeCertificate({ context: new Uint8Array(), chain }))
    if (identity !== undefined) {
      const signature = signTranscript(identity, 'client', schedule.hash(transcript.tls13()))
      handshake.write(HandshakeType.certificateVerify, signature)
    }
  }
  const verifyData = schedule.verifyData(traffic.client, schedule.hash(transcript.tls13()))
  handshake.write(HandshakeType.finished, verifyData)
  handshake.sendFlight()
}
