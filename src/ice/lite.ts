import type { CandidatePair } from './candidate-pair.ts'
import type { IceSession } from './ice-session.ts'
import type { IceParameters, IceRole } from './parameters.ts'

/** The role that one of a full and a lite agent has to take: RFC 8445 §6.1.1. Undefined if signalling decides. */
export function givenRole(local: IceParameters, remote: IceParameters | undefined): IceRole | undefined {
  if (remote === undefined || (local.lite === true) === (remote.lite === true)) return undefined
  return local.lite ? 'controlled' : 'controlling'
}

/**
 * The pair that two lite agents use, which check nothing: the one with the highest priority, that both compute alike
 * from the candidates that they have exchanged. Undefined while more may come.
 *
 * RFC 8445 §8.2.
 */
export function pairOfLiteAgents(session: IceSession, role: IceRole): CandidatePair | undefined {
  const { local, remote, localEnded, remoteEnded } = session
  if (!local.lite || !remote?.lite || !localEnded || !remoteEnded || session.nominated !== undefined) return undefined
  return session.bestUnchecked(role)
}
