import { describeAlert } from './alert-names.ts'
import { DtlsError } from './errors.ts'

/**
 * After an alert that nobody authenticated, the handshake has this long to make progress before the alert is believed.
 *
 * Forged, it changes nothing; from the peer, it spares the user the rest of the timeout.
 */
export const alertGraceMs = 3_000
/** A server waits this long for a better ClientHello before it fails because of one that it cannot answer. */
export const helloGraceMs = 500

/**
 * What speaks against a handshake, but may have been sent by anybody.
 *
 * Progress proves it wrong. Without any, it is why the handshake is given up.
 */
export class Doubts {
  #hello: DtlsError | undefined
  #alert: number | undefined

  /** A ClientHello that cannot be answered; the first one counts. */
  noteHello(error: DtlsError): void {
    this.#hello ??= error
  }

  /** An alert that came in epoch 0; the last one counts. */
  noteAlert(description: number): void {
    this.#alert = description
  }

  /** The handshake goes on: whatever a ClientHello was like, it is not what is being answered. */
  dispelHello(): void {
    this.#hello = undefined
  }

  get hello(): DtlsError | undefined {
    return this.#hello
  }

  get alert(): DtlsError | undefined {
    const receivedAlert = this.#alert
    if (receivedAlert === undefined) return undefined
    return new DtlsError('peer-alert', `the peer gave up with ${describeAlert(receivedAlert)}`, { receivedAlert })
  }
}
