import { constantTimeEqual } from '../../base/bytes.ts'
import { encodeProtocols } from '../application-protocol.ts'
import type { SelectedIdentity } from '../certificate-selection.ts'
import type { ConnectionIds } from '../connection-id.ts'
import { DtlsError } from '../errors.ts'
import { ExtensionType, encodeCodePoints, encodeUseSrtp } from '../extensions.ts'
import type { Completed, Handshake, HandshakeState } from '../handshake.ts'
import { encodeServerHello, randomLength, Version } from '../hello.ts'
import { type HandshakeMessage, HandshakeType } from '../messages.ts'
import { requireMessage } from '../v12/expectation.ts'
import {
  acceptCertificate13,
  type PeerCertificate,
  signTranscript,
  verifiedSchemes13,
  verifyTranscript,
} from './authentication.ts'
import type { CipherSuite13 } from './cipher-suites.ts'
import { encodeNumber, encodeServerShare } from './extensions.ts'
import { type HandshakeSecrets, Handshaking } from './handshaking.ts'
import type { KeyAnswer, KeyExchangeGroup } from './key-exchange.ts'
import { KeySchedule, secretLog, type TrafficSecrets } from './key-schedule.ts'
import { encodeCertificate, encodeCertificateRequest, encodeEncryptedExtensions } from './messages.ts'
import { ExpectPostHandshake, firstApplicationEpoch, handshakeEpoch } from './post-handshake.ts'
import { Opener13, Sealer13 } from './record-protection.ts'
import { Established13, type Negotiated13 } from './session.ts'

/** What the server answers to a ClientHello. */
export interface Answer13 extends SelectedIdentity {
  readonly clientRandom: Uint8Array
  readonly suite: CipherSuite13
  readonly group: KeyExchangeGroup
  /** The client's share of that group; undefined if it sent none. */
  readonly clientShare: Uint8Array | undefined
  readonly srtpProfile: number | undefined
  readonly applicationProtocol: string | undefined
  readonly connectionIds: ConnectionIds | undefined
}

const nothing = new Uint8Array()

/**
 * The server of DTLS 1.3, from its flight on:
 *
 *     Certificate -> CertificateVerify -> Finished
 *
 * RFC 9147 §5.7: the flight is ServerHello, EncryptedExtensions, CertificateRequest, Certificate, CertificateVerify,
 * Finished.
 */
export function sendServerFlight13(
  answer: Answer13,
  { share, secret }: KeyAnswer,
  handshake: Handshake,
): HandshakeState {
  const { crypto, random, keyLog } = handshake.config
  const { suite, group, srtpProfile, connectionIds } = answer
  handshake.connectionIds = connectionIds
  handshake.applicationProtocol = answer.applicationProtocol
  handshake.write(HandshakeType.serverHello, serverHello(answer, random(randomLength), share))
  const schedule = new KeySchedule(crypto, suite, secret, secretLog(keyLog, answer.clientRandom))
  const hash = (): Uint8Array => schedule.hash(handshake.transcript.tls13())
  const traffic = schedule.handshakeTraffic(hash())
  handshake.open({ epoch: handshakeEpoch, opener: new Opener13(schedule.trafficKeys(traffic.client)) })
  handshake.sealWith(new Sealer13(handshakeEpoch, schedule.trafficKeys(traffic.server), connectionIds))
  handshake.write(HandshakeType.encryptedExtensions, encryptedExtensions(answer))
  // RFC 8122 §6.2: the server must request a certificate.
  handshake.write(HandshakeType.certificateRequest, certificateRequest())
  handshake.write(HandshakeType.certificate, encodeCertificate({ context: nothing, chain: answer.identity.chain }))
  handshake.write(HandshakeType.certificateVerify, signTranscript(answer, 'server', hash()))
  handshake.write(HandshakeType.finished, schedule.verifyData(traffic.server, hash()))
  const finishedHash = hash()
  const application = schedule.applicationTraffic(finishedHash)
  // RFC 9147 §7: what is acknowledged from now on is so in the highest epoch.
  handshake.sealWith(new Sealer13(firstApplicationEpoch, schedule.trafficKeys(application.server), connectionIds))
  handshake.acknowledgeRecords()
  handshake.sendFlight()
  const exporterSecret = schedule.exporterSecret(finishedHash)
  return new ExpectCertificate({
    schedule,
    traffic,
    application,
    exporterSecret,
    negotiated: { group: group.name, srtpProfile },
    localCertificates: answer.identity.chain,
  })
}

function serverHello({ suite, group, connectionIds }: Answer13, random: Uint8Array, key: Uint8Array): Uint8Array {
  const extensions = new Map<number, Uint8Array>([
    [ExtensionType.supportedVersions, encodeNumber(Version.dtls13)],
    [ExtensionType.keyShare, encodeServerShare({ group: group.id, key })],
  ])
  if (connectionIds !== undefined) extensions.set(ExtensionType.connectionId, connectionIds.extension)
  return encodeServerHello({
    // RFC 9147 §5.4: legacy_version is that of DTLS 1.2.
    version: Version.dtls12,
    random,
    // RFC 9147 §5: DTLS servers must not echo legacy_session_id.
    sessionId: nothing,
    cipherSuite: suite.id,
    compressionMethod: 0,
    extensions,
  })
}

/** RFC 8446 §4.3.1: what the client need not see in the clear. */
function encryptedExtensions({ srtpProfile, applicationProtocol: protocol }: Answer13): Uint8Array {
  const extensions = new Map<number, Uint8Array>()
  if (srtpProfile !== undefined) extensions.set(ExtensionType.useSrtp, encodeUseSrtp([srtpProfile]))
  if (protocol !== undefined) {
    extensions.set(ExtensionType.applicationLayerProtocolNegotiation, encodeProtocols([protocol]))
  }
  return encodeEncryptedExtensions(extensions)
}

function certificateRequest(): Uint8Array {
  const schemes = encodeCodePoints(verifiedSchemes13.map(({ id }) => id))
  return encodeCertificateRequest({
    context: nothing,
    extensions: new Map([[ExtensionType.signatureAlgorithms, schemes]]),
  })
}

/** What the server knows once its flight is sent. */
interface Sent extends HandshakeSecrets {
  readonly application: TrafficSecrets
  readonly exporterSecret: Uint8Array
  readonly negotiated: Negotiated13
  readonly localCertificates: readonly Uint8Array[]
}

abstract class ServerState<Known extends Sent> extends Handshaking<Known> {
  override wipe(): void {
    this.wipeHandshake()
    const { application, exporterSecret } = this.known
    application.client.fill(0)
    application.server.fill(0)
    exporterSecret.fill(0)
  }
}

class ExpectCertificate extends ServerState<Sent> {
  readonly name = 'Certificate'

  handle(message: HandshakeMessage, handshake: Handshake): HandshakeState {
    requireMessage(message, HandshakeType.certificate, this)
    const peer = acceptCertificate13(message.body, handshake.config)
    handshake.transcript.add(message)
    return new ExpectCertificateVerify({ ...this.known, peer })
  }
}

interface Identified extends Sent {
  readonly peer: PeerCertificate
}

class ExpectCertificateVerify extends ServerState<Identified> {
  readonly name = 'CertificateVerify'

  handle(message: HandshakeMessage, handshake: Handshake): HandshakeState {
    requireMessage(message, HandshakeType.certificateVerify, this)
    const { schedule, peer } = this.known
    const hash = schedule.hash(handshake.transcript.tls13())
    verifyTranscript(message.body, peer.publicKey, 'client', hash, handshake.config)
    handshake.transcript.add(message)
    return new ExpectFinished(this.known)
  }
}

class ExpectFinished extends ServerState<Identified> {
  readonly name = 'Finished'

  handle(message: HandshakeMessage, handshake: Handshake): Completed {
    requireMessage(message, HandshakeType.finished, this)
    const { schedule, traffic, application, exporterSecret, negotiated, localCertificates, peer } = this.known
    const hash = schedule.hash(handshake.transcript.tls13())
    if (!constantTimeEqual(message.body, schedule.verifyData(traffic.client, hash))) {
      throw new DtlsError('bad-finished', 'the client saw another handshake')
    }
    const opener = new Opener13(schedule.trafficKeys(application.client))
    handshake.open({ epoch: firstApplicationEpoch, opener })
    this.wipeHandshake()
    const certificates = { local: localCertificates, remote: peer.chain }
    return {
      established: new Established13(schedule, exporterSecret, negotiated, certificates),
      next: ExpectPostHandshake.first(schedule, application.server, application.client),
    }
  }
}
