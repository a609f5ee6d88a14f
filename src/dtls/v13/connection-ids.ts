import { ByteReader, ByteWriter } from '../../base/bytes.ts'
import { MalformedError } from '../../base/errors.ts'
import { DtlsError } from '../errors.ts'

/** RFC 9147 §9: `immediate`: one of the new ones is used for all future records; `spare`: the peer may go on as before. */
export type ConnectionIdUsage = 'immediate' | 'spare'

/** What we want to tell the peer of connection IDs, in a message of its own. */
export type ConnectionIdUpdate =
  /** It is asked for spare ones of its own, for later. */
  | { readonly kind: 'request'; readonly count: number }
  /** It is given new ones of ours. */
  | { readonly kind: 'issue'; readonly count: number; readonly usage: ConnectionIdUsage }

/** RFC 9147 §9: NewConnectionId. */
export interface NewConnectionId {
  readonly ids: readonly Uint8Array[]
  readonly usage: ConnectionIdUsage
}

const usages: readonly ConnectionIdUsage[] = ['immediate', 'spare']

/**
 * The IDs are copies.
 *
 * @throws {MalformedError}
 * @throws {DtlsError} `illegal-parameter` for what could not be put to use
 */
export function decodeNewConnectionId(body: Uint8Array): NewConnectionId {
  const reader = new ByteReader(body)
  const list = new ByteReader(reader.vector16('cids'))
  const usage = usages[reader.uint8('usage')]
  reader.expectEnd('NewConnectionId')
  if (usage === undefined) throw new DtlsError('illegal-parameter', 'a usage of connection IDs that there is not')
  const ids: Uint8Array[] = []
  while (list.remaining > 0) ids.push(new Uint8Array(list.vector8('cid')))
  // RFC 9147 §9: what was negotiated is not taken back, so that none is empty; and one MUST be used at once.
  if (ids.some(({ length }) => length === 0) || (usage === 'immediate' && ids.length === 0)) {
    throw new DtlsError('illegal-parameter', 'the peer gives a connection ID of no bytes, or none to be used at once')
  }
  return { ids, usage }
}

export function encodeNewConnectionId({ ids, usage }: NewConnectionId): Uint8Array {
  return new ByteWriter(128)
    .vector(2, list => {
      for (const id of ids) list.vector(1, data => data.bytes(id))
    })
    .uint8(usages.indexOf(usage))
    .finish()
}

/** RFC 9147 §9: RequestConnectionId. @returns num_cids @throws {MalformedError} */
export function decodeRequestConnectionId(body: Uint8Array): number {
  const [count] = body
  if (count === undefined || body.length !== 1) throw new MalformedError('RequestConnectionId: not one byte')
  return count
}

export function encodeRequestConnectionId(count: number): Uint8Array {
  return Uint8Array.of(Math.min(count, 0xff))
}

/** What is still to be told: one update of a kind at most, in the order they are sent. */
export type PendingUpdates = readonly ConnectionIdUpdate[]

/** With one more update. One message does for two of a kind: what was to be used at once still is. */
export function withUpdate(pending: PendingUpdates, update: ConnectionIdUpdate): PendingUpdates {
  const before = pending.find(({ kind }) => kind === update.kind)
  if (before === undefined) return [...pending, update]
  const merged = before.kind === 'issue' && update.kind === 'issue' ? bothIssues(before, update) : update
  return pending.map(each => (each === before ? merged : each))
}

type Issue = ConnectionIdUpdate & { readonly kind: 'issue' }

function bothIssues(one: Issue, other: Issue): Issue {
  const isUrgent = one.usage === 'immediate' || other.usage === 'immediate'
  return { kind: 'issue', count: one.count + other.count, usage: isUrgent ? 'immediate' : 'spare' }
}
