import type { TransportAddress } from '../base/address.ts'
import type { RandomSource } from '../base/environment.ts'
import { peerReflexivePriority } from './candidate.ts'
import type { CandidatePair } from './candidate-pair.ts'
import type { IceSession } from './ice-session.ts'
import type { IceRole } from './parameters.ts'
import { encodeMessage, type ReceivedStunMessage, stunMethod } from './stun/message.ts'
import { newTransactionId, transactionKey } from './stun/transaction.ts'

/** RFC 8489 §14.8 and RFC 8445 §16.2. Reasons are left empty: the code says it all, and answers stay short. */
export const errorCode = {
  badRequest: 400,
  unauthenticated: 401,
  forbidden: 403,
  unknownAttribute: 420,
  roleConflict: 487,
} as const

/** A connectivity check. RFC 8445 §7.2.4. */
export function encodeCheck(options: {
  readonly session: IceSession
  readonly pair: CandidatePair
  readonly role: IceRole
  readonly tieBreaker: bigint
  /** Given if it nominates: which number this nomination has, or 0 for none. */
  readonly nomination: number | undefined
  readonly random: RandomSource
}): { readonly transaction: string; readonly bytes: Uint8Array } {
  const { session, pair, role, tieBreaker, nomination } = options
  const transactionId = newTransactionId(options.random)
  const bytes = encodeMessage(
    {
      class: 'request',
      method: stunMethod.binding,
      transactionId,
      attributes: {
        // RFC 8445 §7.2.2: the peer's fragment first
        username: `${session.remote?.usernameFragment ?? ''}:${session.local.usernameFragment}`,
        priority: peerReflexivePriority(pair.local),
        // RFC 8445 §7.1.2, §7.1.3
        ...(nomination === undefined ? {} : { useCandidate: true }),
        // draft-thatcher-ice-renomination-01 §4: with numbers the order of arrival does not matter
        ...(nomination !== undefined && nomination > 0 && session.renominates ? { nomination } : {}),
        ...(role === 'controlling' ? { iceControlling: tieBreaker } : { iceControlled: tieBreaker }),
      },
    },
    { key: session.remoteKey },
  )
  return { transaction: transactionKey(transactionId), bytes }
}

/** RFC 8489 §6.3.1.1: the answer to a check, which tells the address that it came from. */
export function encodeSuccess(request: ReceivedStunMessage, source: TransportAddress, key: Uint8Array): Uint8Array {
  return encodeMessage(
    {
      class: 'success',
      method: request.method,
      transactionId: request.transactionId,
      attributes: { xorMappedAddress: source },
    },
    { key, integrity: integrityOf(request) },
  )
}

/** @param key absent where the request was not authenticated: RFC 8489 §9.1.3 */
export function encodeError(request: ReceivedStunMessage, code: number, key: Uint8Array | undefined): Uint8Array {
  return encodeMessage(
    {
      class: 'error',
      method: request.method,
      transactionId: request.transactionId,
      attributes: {
        errorCode: { code, reason: '' },
        // RFC 8489 §6.3.1
        ...(code === errorCode.unknownAttribute ? { unknownAttributes: request.unknownRequired } : {}),
      },
    },
    key === undefined ? {} : { key, integrity: integrityOf(request) },
  )
}

/** RFC 8489 §9.1.3: a response is protected by the algorithm that the request was checked with. */
function integrityOf(request: ReceivedStunMessage): 'sha1' | 'sha256' {
  return request.integrityAt.sha256 === undefined ? 'sha1' : 'sha256'
}
