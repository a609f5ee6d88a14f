/** Why a record was not used. */
export type DtlsDrop =
  /** not a record, or its content is not what its type says */
  | 'malformed'
  /** before `start`, or after the end */
  | 'not-open'
  /** of an epoch without keys */
  | 'unknown-epoch'
  | 'replayed'
  | 'bad-record-mac'
  /** without the connection ID that was negotiated, with one that is not ours, or with one where there should be none */
  | 'wrong-connection-id'
  /** an alert, application data or a late handshake message in epoch 0, which anybody could have sent */
  | 'unauthenticated'
  /** a handshake message that was taken before */
  | 'duplicate'
  /** a handshake message that belongs to nothing */
  | 'unexpected'
  /** a bound on what is kept was reached */
  | 'buffer-full'

/** What became of a datagram: handled if any of its records was, else why its first one was dropped. */
export type DtlsReceived = { readonly handled: true } | { readonly drop: DtlsDrop }

// Reused: nothing is allocated for a datagram that is only counted.
export const handled: DtlsReceived = { handled: true }
export const dropped: Readonly<Record<DtlsDrop, DtlsReceived>> = {
  malformed: { drop: 'malformed' },
  'not-open': { drop: 'not-open' },
  'unknown-epoch': { drop: 'unknown-epoch' },
  replayed: { drop: 'replayed' },
  'bad-record-mac': { drop: 'bad-record-mac' },
  'wrong-connection-id': { drop: 'wrong-connection-id' },
  unauthenticated: { drop: 'unauthenticated' },
  duplicate: { drop: 'duplicate' },
  unexpected: { drop: 'unexpected' },
  'buffer-full': { drop: 'buffer-full' },
}

/** Records dropped, by reason. */
export type DropCounts = Record<DtlsDrop, number>

export function noDrops(): DropCounts {
  return {
    malformed: 0,
    'not-open': 0,
    'unknown-epoch': 0,
    replayed: 0,
    'bad-record-mac': 0,
    'wrong-connection-id': 0,
    unauthenticated: 0,
    duplicate: 0,
    unexpected: 0,
    'buffer-full': 0,
  }
}
