import { Alert, AlertLevel } from './errors.ts'
import type { Handshake } from './handshake.ts'
import type { DtlsDrop } from './received.ts'
import { ContentType } from './record.ts'

/**
 * Takes a record of epoch 0 while the handshake runs: anybody can have sent it. Returns why it is dropped, if it is.
 *
 * @param sequence the record's
 */
export function receivePlaintext(
  handshake: Handshake,
  type: number,
  content: Uint8Array,
  sequence: number,
  now: number,
): DtlsDrop | undefined {
  switch (type) {
    case ContentType.handshake:
      return handshake.receive(content, 0, sequence, now)
    case ContentType.changeCipherSpec:
      // RFC 6347 §4.1: the epoch of a record says what this message says. It carries nothing more, and moves nothing.
      return undefined
    case ContentType.alert:
      return receiveAlert(handshake, content, now)
    case ContentType.ack:
      handshake.receiveUnauthenticatedAck(now)
      return 'unauthenticated'
    case ContentType.applicationData:
      return 'unauthenticated'
    default:
      return 'malformed'
  }
}

/** It is counted, and remembered as the likely reason should the handshake come to nothing. */
function receiveAlert(handshake: Handshake, content: Uint8Array, now: number): DtlsDrop {
  const [level, description] = content
  if (content.length !== 2 || description === undefined) return 'malformed'
  const final = level === AlertLevel.fatal || description === Alert.closeNotify
  handshake.receiveUnauthenticatedAlert(description, final, now)
  return 'unauthenticated'
}
