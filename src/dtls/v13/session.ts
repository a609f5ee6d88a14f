import type { Certificates, DtlsSession, EstablishedSession } from '../session.ts'
import type { KeySchedule } from './key-schedule.ts'

/** What the hellos settled. */
export interface Negotiated13 {
  readonly group: string
  readonly srtpProfile: number | undefined
}

/** What a handshake of DTLS 1.3 leaves behind. */
export class Established13 implements EstablishedSession {
  readonly session: DtlsSession
  readonly localCertificates: readonly Uint8Array[]
  readonly remoteCertificates: readonly Uint8Array[]
  readonly #schedule: KeySchedule
  readonly #exporterSecret: Uint8Array

  constructor(
    schedule: KeySchedule,
    exporterSecret: Uint8Array,
    { group, srtpProfile }: Negotiated13,
    certificates: Certificates,
  ) {
    this.session = { version: 'FEFC', cipherSuite: schedule.suite.name, group, srtpProfile }
    this.localCertificates = certificates.local
    this.remoteCertificates = certificates.remote
    this.#schedule = schedule
    this.#exporterSecret = exporterSecret
  }

  exportKeyingMaterial(label: string, length: number, context?: Uint8Array): Uint8Array {
    return this.#schedule.export(this.#exporterSecret, label, length, context)
  }

  /** Nothing is asked here: the handshake goes on, see `ExpectPostHandshake`. */
  classify(): 'nothing' {
    return 'nothing'
  }

  wipe(): void {
    this.#exporterSecret.fill(0)
  }
}
