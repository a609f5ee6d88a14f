/**
 * A session description, or a part of one, that is not what the standards say it is.
 *
 * The message names the line and the fault but never repeats the value, because that may be a password.
 */
export class SdpError extends Error {
  override readonly name = 'SdpError'
  /** The line at fault, counted from 1; undefined where there are no lines: a candidate on its own, a value to be written. */
  readonly line: number | undefined

  constructor(message: string, line?: number) {
    super(message)
    this.line = line
  }

  /** The same fault, located: `field` is what the line is, such as `a=mid`. */
  at(line: number, field: string): SdpError {
    return new SdpError(`line ${line} (${field}): ${this.message}`, line)
  }
}
