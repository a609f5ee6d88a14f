/** What the layer above did wrong; nothing that a peer sends leads to one of these. */
export type IceErrorCode =
  /** A user name fragment or password that RFC 8839 §5.4 does not allow. */
  | 'invalid-parameters'
  /** A restart with the user name fragment or the password of before: RFC 8445 §9 requires both to change. */
  | 'credentials-unchanged'

export class IceError extends Error {
  override readonly name = 'IceError'
  readonly code: IceErrorCode

  constructor(code: IceErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
