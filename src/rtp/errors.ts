/** Why something cannot be written as RTP or RTCP: always a mistake of the caller, never of the peer. */
export type RtpErrorCode =
  | 'too-many-csrcs'
  | 'bad-extension'
  | 'bad-padding'
  | 'bad-extension-id'
  | 'bad-extension-value'
  | 'too-long'
  | 'bad-value'

/** Thrown by what builds packets, where the given values do not fit the format. What is received never throws. */
export class RtpError extends Error {
  override readonly name = 'RtpError'
  readonly code: RtpErrorCode

  constructor(code: RtpErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
