/**
 * Why an association failed.
 *
 * - `timeout`: the peer did not answer, while connecting or later
 * - `aborted`: the peer aborted; `cause` is its first error cause (RFC 9260 §3.3.10), 12 being its user's wish
 * - `protocol-violation`: the peer broke a rule that leaves nothing to go on with
 * - `message-too-large`: the peer sent a message beyond `maxReceiveMessageSize`
 */
export type SctpErrorCode = 'timeout' | 'aborted' | 'protocol-violation' | 'message-too-large'

export class SctpError extends Error {
  override readonly name = 'SctpError'
  readonly code: SctpErrorCode
  /** The error cause code that was received or sent in the ABORT, if any. */
  readonly causeCode: number | undefined

  constructor(code: SctpErrorCode, message: string, causeCode?: number) {
    super(message)
    this.code = code
    this.causeCode = causeCode
  }
}

/** Why a packet, or the last refused chunk of it, was not taken. */
export type SctpDropReason = keyof typeof dropped

/** What became of a packet. */
export type SctpReceived = { readonly handled: true } | { readonly drop: SctpDropReason }

export const handled: SctpReceived = { handled: true }

/** The results of refusing: the same objects every time, as rubbish may come fast. */
export const dropped = {
  malformed: { drop: 'malformed' },
  'wrong-port': { drop: 'wrong-port' },
  'bad-checksum': { drop: 'bad-checksum' },
  'bad-tag': { drop: 'bad-tag' },
  'bad-cookie': { drop: 'bad-cookie' },
  'stale-cookie': { drop: 'stale-cookie' },
  'out-of-the-blue': { drop: 'out-of-the-blue' },
  'unexpected-chunk': { drop: 'unexpected-chunk' },
  'unrecognized-chunk': { drop: 'unrecognized-chunk' },
  'old-sack': { drop: 'old-sack' },
  'bad-sack': { drop: 'bad-sack' },
  'invalid-stream': { drop: 'invalid-stream' },
  'out-of-window': { drop: 'out-of-window' },
  'no-buffer': { drop: 'no-buffer' },
} as const
