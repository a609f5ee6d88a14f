/** Why an {@link SrtpSession} cannot be made or used as asked: always a mistake of the caller, never of the peer. */
export type SrtpErrorCode =
  | 'unknown-profile'
  | 'bad-keying-material'
  | 'bad-mki'
  | 'bad-extension-id'
  | 'bad-length'
  | 'stream-in-use'
  | 'too-many-streams'
  | 'bad-index'

/** Thrown for options and arguments that cannot be. What a packet holds never throws. Its message never holds secrets. */
export class SrtpError extends Error {
  override readonly name = 'SrtpError'
  readonly code: SrtpErrorCode

  constructor(code: SrtpErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
