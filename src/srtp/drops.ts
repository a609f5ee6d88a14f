/** Why a packet was not protected, or not taken. */
export type SrtpDrop =
  /** no well-formed header, or too short or too long for what a protected packet must hold */
  | 'malformed'
  /** received: it names a master key that is not ours */
  | 'unknown-mki'
  /** received: the tag does not fit, so anybody may have sent it */
  | 'bad-tag'
  /** received: taken before, or so long ago that it cannot be told */
  | 'replayed'
  /** to be sent: another packet may have had this index, and a key stream must never serve twice */
  | 'index-reused'
  /** {@link maxStreams} are known already */
  | 'too-many-streams'
  /** no index is left under these keys */
  | 'key-exhausted'
  /** the keys were wiped */
  | 'closed'

export interface SrtpDropped {
  readonly drop: SrtpDrop
}

/** Packets dropped, by reason. */
export type SrtpDropCounts = Record<SrtpDrop, number>

// Reused: nothing is allocated for a packet that is only counted.
export const dropped: Readonly<Record<SrtpDrop, SrtpDropped>> = Object.freeze({
  malformed: Object.freeze({ drop: 'malformed' }),
  'unknown-mki': Object.freeze({ drop: 'unknown-mki' }),
  'bad-tag': Object.freeze({ drop: 'bad-tag' }),
  replayed: Object.freeze({ drop: 'replayed' }),
  'index-reused': Object.freeze({ drop: 'index-reused' }),
  'too-many-streams': Object.freeze({ drop: 'too-many-streams' }),
  'key-exhausted': Object.freeze({ drop: 'key-exhausted' }),
  closed: Object.freeze({ drop: 'closed' }),
})

export function noDrops(): SrtpDropCounts {
  return {
    malformed: 0,
    'unknown-mki': 0,
    'bad-tag': 0,
    replayed: 0,
    'index-reused': 0,
    'too-many-streams': 0,
    'key-exhausted': 0,
    closed: 0,
  }
}
