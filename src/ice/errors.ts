/** What the layer above did wrong; nothing that a peer sends leads to one of these. */
export type IceErrorCode =
  /** A user name fragment or password that RFC 8839 §5.4 does not allow. */
  | 'invalid-parameters'
  /** A restart with the user name fragment or the password of before: RFC 8445 §9 requires both to change. */
  | 'credentials-unchanged'
  /** Text that is no URL of a STUN or TURN server: RFC 7064 §3.1, RFC 7065 §3.1. */
  | 'invalid-url'
  /** A user name or password for a server that RFC 8489 §14.3 or RFC 8265 §4.1 does not allow. */
  | 'invalid-credentials'

export class IceError extends Error {
  override readonly name = 'IceError'
  readonly code: IceErrorCode

  constructor(code: IceErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

/** Why a STUN or TURN server could not be used. */
export type StunErrorKind =
  /** It has not answered. */
  | 'timeout'
  /** It has refused: `errorCode` says why. */
  | 'error-response'
  /** It has answered with something that makes no sense. */
  | 'malformed'
  /** It does not take the credentials, or answers as someone who does not know them. */
  | 'unauthorized'
  /** The connection to it has gone. */
  | 'connection-lost'

/** What went wrong with a STUN or TURN server. There is nothing secret in it. */
export class StunError extends Error {
  override readonly name = 'StunError'
  readonly code: StunErrorKind
  /** Of an error response, 300 to 699. */
  readonly errorCode?: number
  /** What the server gives as reason: text from outside. */
  readonly reason?: string

  constructor(code: StunErrorKind, response?: { readonly code: number; readonly reason: string }) {
    super(response === undefined ? describe[code] : `${describe[code]}: ${response.code} ${response.reason}`.trim())
    this.code = code
    if (response === undefined) return
    this.errorCode = response.code
    this.reason = response.reason
  }
}

const describe: Readonly<Record<StunErrorKind, string>> = {
  timeout: 'the server does not answer',
  'error-response': 'the server refuses',
  malformed: 'the server answers with something that makes no sense',
  unauthorized: 'the credentials are not accepted',
  'connection-lost': 'the connection to the server is lost',
}
