import { DtlsError } from '../errors.ts'
import type { HandshakeState } from '../handshake.ts'
import type { HandshakeMessage } from '../messages.ts'

/** @throws {DtlsError} `unexpected-message` if it is of another type */
export function requireMessage(message: HandshakeMessage, type: number, state: HandshakeState): void {
  if (message.type !== type) {
    throw new DtlsError('unexpected-message', `message ${message.type} instead of ${state.name}`)
  }
}
