import { MalformedError } from '../base/errors.ts'

/** Alert descriptions. RFC 8446 §6: the table; RFC 5246 §7.2: those of TLS 1.2 alone. */
export const Alert = {
  closeNotify: 0,
  unexpectedMessage: 10,
  badRecordMac: 20,
  handshakeFailure: 40,
  badCertificate: 42,
  unsupportedCertificate: 43,
  illegalParameter: 47,
  decodeError: 50,
  decryptError: 51,
  /** RFC 9147 §9 */
  tooManyCidsRequested: 52,
  protocolVersion: 70,
  internalError: 80,
  userCanceled: 90,
  noRenegotiation: 100,
  missingExtension: 109,
  unsupportedExtension: 110,
  /** RFC 7301 §3.2 */
  noApplicationProtocol: 120,
} as const

export type AlertDescription = (typeof Alert)[keyof typeof Alert]

export const AlertLevel = { warning: 1, fatal: 2 } as const

export type DtlsErrorCode =
  | 'decode-error'
  | 'unexpected-message'
  | 'unsupported-version'
  | 'no-common-cipher-suite'
  | 'no-common-group'
  | 'no-extended-master-secret'
  | 'renegotiation-mismatch'
  | 'illegal-parameter'
  | 'duplicate-extension'
  | 'unsolicited-extension'
  | 'missing-extension'
  | 'no-application-protocol'
  | 'bad-key-share'
  | 'missing-certificate'
  | 'bad-certificate'
  | 'unsupported-certificate'
  | 'fingerprint-mismatch'
  | 'bad-signature'
  | 'bad-finished'
  | 'too-many-connection-ids'
  | 'sequence-exhausted'
  | 'too-many-forgeries'
  | 'internal-error'
  | 'timeout'
  | 'peer-alert'
  | 'not-connected'
  | 'record-too-long'
  | 'unsupported-key'

/**
 * What can go wrong, and the alert that tells the peer.
 *
 * `undefined`: nothing is sent, because the peer is the one who told us, or is not there, or never was involved.
 */
const alerts: Record<DtlsErrorCode, AlertDescription | undefined> = {
  'decode-error': Alert.decodeError,
  'unexpected-message': Alert.unexpectedMessage,
  'unsupported-version': Alert.protocolVersion,
  'no-common-cipher-suite': Alert.handshakeFailure,
  'no-common-group': Alert.handshakeFailure,
  'no-extended-master-secret': Alert.handshakeFailure,
  'renegotiation-mismatch': Alert.handshakeFailure,
  'illegal-parameter': Alert.illegalParameter,
  'duplicate-extension': Alert.illegalParameter,
  'unsolicited-extension': Alert.unsupportedExtension,
  'missing-extension': Alert.missingExtension,
  'no-application-protocol': Alert.noApplicationProtocol,
  'bad-key-share': Alert.illegalParameter,
  // RFC 8122 §6.2: no certificate, or one that matches no fingerprint, ends the connection with bad_certificate.
  'missing-certificate': Alert.badCertificate,
  'bad-certificate': Alert.badCertificate,
  'unsupported-certificate': Alert.unsupportedCertificate,
  'fingerprint-mismatch': Alert.badCertificate,
  'bad-signature': Alert.decryptError,
  'bad-finished': Alert.decryptError,
  'too-many-connection-ids': Alert.tooManyCidsRequested,
  'internal-error': Alert.internalError,
  // The alert would need a sequence number, too.
  'sequence-exhausted': undefined,
  // Whoever forged them would be told how far it came.
  'too-many-forgeries': undefined,
  timeout: undefined,
  'peer-alert': undefined,
  'not-connected': undefined,
  'record-too-long': undefined,
  'unsupported-key': undefined,
}

/** A failure of a DTLS connection. Its message never holds secrets. */
export class DtlsError extends Error {
  override readonly name = 'DtlsError'
  readonly code: DtlsErrorCode
  /** The alert that was sent because of this error; undefined if none was. */
  readonly alert: AlertDescription | undefined
  /** The alert that the peer sent; set for the code `peer-alert`. */
  readonly receivedAlert: number | undefined

  constructor(code: DtlsErrorCode, message: string, options: { receivedAlert?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.alert = alerts[code]
    this.receivedAlert = options.receivedAlert
  }
}

/** @param doing what could not be done, for the text */
export function toDtlsError(error: unknown, doing: string): DtlsError {
  if (error instanceof DtlsError) return error
  if (error instanceof MalformedError) return new DtlsError('decode-error', `${doing}: ${error.message}`)
  return new DtlsError('internal-error', `${doing} could not be handled`, { cause: error })
}
