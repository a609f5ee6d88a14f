import { errorCode } from './check-messages.ts'
import type { IceSession } from './ice-session.ts'
import type { IceRole } from './parameters.ts'
import { isAuthentic, type ReceivedStunMessage } from './stun/message.ts'

/** What is to be done with a Binding request: refuse it, or answer it and go on. */
export type RequestVerdict =
  | { readonly kind: 'unauthenticated'; readonly code: number }
  | { readonly kind: 'refused'; readonly code: number; readonly session: IceSession }
  | {
      readonly kind: 'accepted'
      readonly session: IceSession
      /** The role to take from here on, if it changes. */
      readonly role: IceRole
      readonly remoteFragment: string
      readonly priority: number
      /** Given if it nominates: the number of the nomination, or 0 if it has none. */
      readonly nomination: number | undefined
    }

/** What a request is judged against. */
export interface ServerContext {
  /** The current session first, then one that a restart has replaced, whose pair may still carry data. */
  readonly sessions: readonly IceSession[]
  readonly role: IceRole
  readonly tieBreaker: bigint
}

/**
 * Judges a Binding request. Changes nothing.
 *
 * RFC 8445 §7.3 on top of RFC 8489 §9.1.3 and §6.3.1.
 */
export function judgeRequest(request: ReceivedStunMessage, context: ServerContext): RequestVerdict {
  const { username, priority } = request.attributes
  const { sha1, sha256 } = request.integrityAt
  if (username === undefined || (sha1 === undefined && sha256 === undefined)) {
    return { kind: 'unauthenticated', code: errorCode.badRequest }
  }
  // RFC 8445 §7.3: two values separated by a colon, of which the first is our own fragment
  const colon = username.indexOf(':')
  const session = context.sessions.find(({ local }) => colon > 0 && local.usernameFragment === username.slice(0, colon))
  if (session === undefined || !isAuthentic(request, session.localKey)) {
    return { kind: 'unauthenticated', code: errorCode.unauthenticated }
  }
  if (request.unknownRequired.length > 0) return { kind: 'refused', code: errorCode.unknownAttribute, session }
  // RFC 8445 §7.1.1: PRIORITY must be there
  if (priority === undefined) return { kind: 'refused', code: errorCode.badRequest, session }
  const role = session === context.sessions[0] ? resolveRole(request, session, context) : context.role
  if (role === 'conflict') return { kind: 'refused', code: errorCode.roleConflict, session }
  return {
    kind: 'accepted',
    session,
    role,
    remoteFragment: username.slice(colon + 1),
    priority,
    nomination: nominationOf(request, session),
  }
}

/** RFC 8445 §7.3.1.5, and draft-thatcher-ice-renomination-01 §4 if we have said that we know of it. */
function nominationOf({ attributes }: ReceivedStunMessage, session: IceSession): number | undefined {
  const { useCandidate, nomination } = attributes
  if (session.local.renomination && nomination !== undefined && nomination > 0) return nomination
  return useCandidate ? 0 : undefined
}

/** RFC 8445 §7.3.1.1: the role after the request, or `conflict` if the peer has to change its own. */
function resolveRole(
  request: ReceivedStunMessage,
  session: IceSession,
  { role, tieBreaker }: ServerContext,
): IceRole | 'conflict' {
  const { iceControlling, iceControlled } = request.attributes
  // RFC 8445 §6.1.1: a lite agent is controlled by a full one, and only full ones send requests
  if (session.isLite) return iceControlled === undefined ? 'controlled' : 'conflict'
  if (role === 'controlling' && iceControlling !== undefined) {
    // RFC 8445 §6.1.1: a lite peer is controlled, whatever it claims
    return session.remote?.lite || tieBreaker >= iceControlling ? 'conflict' : 'controlled'
  }
  if (role === 'controlled' && iceControlled !== undefined) {
    return tieBreaker >= iceControlled ? 'controlling' : 'conflict'
  }
  return role
}

/** Requests that are not authentic get this many answers in a second, so that forged sources make no reflector of us. */
export const maxUnauthenticatedAnswersPerSecond = 10
