import { sameAddress, type TransportAddress } from '../base/address.ts'
import type { CandidatePair } from './candidate-pair.ts'
import { errorCode } from './check-messages.ts'
import type { IceSession } from './ice-session.ts'
import type { CheckFailure } from './pair-view.ts'
import type { IceRole } from './parameters.ts'
import { isAuthentic, type ReceivedStunMessage } from './stun/message.ts'
import type { Retransmission } from './stun/transaction.ts'

/**
 * `ordinary` and `nomination`, which carries USE-CANDIDATE, make pairs valid. `consent`, which is sent once, and `probe`,
 * which is sent until it is answered, keep a selected pair in use.
 */
export type CheckKind = 'ordinary' | 'nomination' | 'consent' | 'probe'

/** Whether the outcome of a check is about consent, and not about the state of a pair. */
export function concernsConsent({ kind }: { readonly kind: CheckKind }): boolean {
  return kind === 'consent' || kind === 'probe'
}

/** A check on its way. */
export interface Check {
  readonly kind: CheckKind
  readonly session: IceSession
  readonly pair: CandidatePair
  /** Our role when it was sent. */
  readonly role: IceRole
  /** The number of the nomination in it; 0 if it has none. */
  readonly nomination: number
  readonly transaction: string
  readonly bytes: Uint8Array
  readonly retransmission: Retransmission
  /** No longer sent again, and its silence is no failure; an answer still counts. */
  cancelled: boolean
}

/** What the answer to a check means. */
export type ResponseVerdict =
  | { readonly kind: 'dropped'; readonly reason: 'bad-integrity' | 'unexpected-source' }
  | { readonly kind: 'failed'; readonly reason: CheckFailure; readonly code?: number }
  | { readonly kind: 'role-conflict' }
  | { readonly kind: 'succeeded'; readonly mapped: TransportAddress }

/**
 * Judges the response to a check. Changes nothing.
 *
 * RFC 8445 §7.2.5 on top of RFC 8489 §9.1.4, §6.3.3 and §6.3.4.
 */
export function judgeResponse(
  response: ReceivedStunMessage,
  check: Check,
  local: TransportAddress,
  remote: TransportAddress,
): ResponseVerdict {
  // RFC 8489 §9.1.4: the algorithm is that of the request, which has no MESSAGE-INTEGRITY-SHA256
  if (response.integrityAt.sha256 !== undefined || !isAuthentic(response, check.session.remoteKey)) {
    return { kind: 'dropped', reason: 'bad-integrity' }
  }
  if (!sameAddress(check.pair.remote.address, remote) || !sameAddress(check.pair.local.base, local)) {
    // RFC 8445 §7.2.5.2.1: fails the pair; but one that is valid, or whose check was given up, stays as it is
    return check.kind === 'ordinary' && !check.cancelled && !check.pair.valid
      ? { kind: 'failed', reason: 'asymmetric-response' }
      : { kind: 'dropped', reason: 'unexpected-source' }
  }
  const { errorCode: error, xorMappedAddress: mapped } = response.attributes
  // RFC 8489 §6.3.3, §6.3.4: attributes that we had to understand, or one that is missing, end the transaction
  const missing = response.class === 'error' ? error === undefined : mapped === undefined
  if (missing || response.unknownRequired.length > 0) return { kind: 'failed', reason: 'unusable-response' }
  if (response.class === 'success' && mapped !== undefined) return { kind: 'succeeded', mapped }
  const code = error?.code ?? 0
  if (code === errorCode.roleConflict) return { kind: 'role-conflict' }
  return { kind: 'failed', reason: `error-${code}`, code }
}
