/** Why a datagram had no effect. */
export type IceDrop =
  | 'closed'
  | 'malformed'
  | 'no-fingerprint'
  | 'unsupported-method'
  | 'unknown-local'
  | 'unauthenticated'
  | 'refused'
  | 'consent-lost'
  | 'unknown-transaction'
  | 'bad-integrity'
  | 'unexpected-source'
  | 'removed-pair'

/** What became of a datagram. The objects are constants: nothing is allocated for rubbish. */
export type IceReceived = { readonly handled: true } | { readonly drop: IceDrop }

export const handled: IceReceived = { handled: true }

export const dropped: { readonly [Reason in IceDrop]: IceReceived } = {
  closed: { drop: 'closed' },
  malformed: { drop: 'malformed' },
  'no-fingerprint': { drop: 'no-fingerprint' },
  'unsupported-method': { drop: 'unsupported-method' },
  'unknown-local': { drop: 'unknown-local' },
  unauthenticated: { drop: 'unauthenticated' },
  refused: { drop: 'refused' },
  'consent-lost': { drop: 'consent-lost' },
  'unknown-transaction': { drop: 'unknown-transaction' },
  'bad-integrity': { drop: 'bad-integrity' },
  'unexpected-source': { drop: 'unexpected-source' },
  'removed-pair': { drop: 'removed-pair' },
}
