import { equalBytes } from '../base/bytes.ts'
import type { DtlsConnection } from '../dtls/index.ts'
import { readConnectionId } from '../dtls/index.ts'

/** Connection IDs that the peer gives in advance: for so many paths to come. */
const spareConnectionIds = 2

/** Whether a record has a connection ID of ours: once connected, every record that DTLS takes has one, if there are any. */
export function hasOwnConnectionId(dtls: DtlsConnection, record: Uint8Array): boolean {
  const own = dtls.connectionIds?.own ?? []
  const id = readConnectionId(record, own[0]?.length ?? 0)
  return id !== undefined && own.some(each => equalBytes(each, id))
}

/** RFC 9147 §9: in time for the next path, which is to have another connection ID. In DTLS 1.2 there are no more. */
export function askForConnectionIds(dtls: DtlsConnection, now: number): void {
  const missing = spareConnectionIds - (dtls.connectionIds?.spare ?? spareConnectionIds)
  if (missing > 0) dtls.updateConnectionIds({ kind: 'request', count: missing }, now)
}
