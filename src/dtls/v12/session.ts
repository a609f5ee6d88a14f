import { type Fragment, HandshakeType } from '../messages.ts'
import type { Certificates, DtlsSession, EstablishedSession } from '../session.ts'
import type { MasterSecret, Parameters12 } from './key-schedule.ts'

/** What a handshake of DTLS 1.2 leaves behind. */
export class Established12 implements EstablishedSession {
  readonly session: DtlsSession
  readonly localCertificates: readonly Uint8Array[]
  readonly remoteCertificates: readonly Uint8Array[]
  readonly #masterSecret: MasterSecret
  readonly #lastSequence: number

  /** @param lastSequence message_seq of the peer's Finished */
  constructor(
    parameters: Parameters12,
    group: string,
    masterSecret: MasterSecret,
    certificates: Certificates,
    lastSequence: number,
  ) {
    this.session = {
      version: 'FEFD',
      cipherSuite: parameters.suite.name,
      group,
      srtpProfile: parameters.srtpProfile,
    }
    this.localCertificates = certificates.local
    this.remoteCertificates = certificates.remote
    this.#masterSecret = masterSecret
    this.#lastSequence = lastSequence
  }

  exportKeyingMaterial(label: string, length: number, context?: Uint8Array): Uint8Array {
    return this.#masterSecret.export(label, length, context)
  }

  classify(fragment: Fragment): 'renegotiation' | 'repetition' | 'nothing' {
    // RFC 5246 §7.4.1.1: a HelloRequest may be ignored; answered with an alert, it makes some servers give up.
    // RFC 6347 §4.2.2: a rehandshake counts message_seq from 0 again, so only the type tells.
    if (fragment.type === HandshakeType.clientHello) return 'renegotiation'
    if (fragment.type === HandshakeType.finished && fragment.sequence === this.#lastSequence) return 'repetition'
    return 'nothing'
  }

  wipe(): void {
    this.#masterSecret.wipe()
  }
}
