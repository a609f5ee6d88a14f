import type { TransportAddress } from '../../base/address.ts'
import type { StunError } from '../../ice/index.ts'

/** webrtc-pc §4.8.3: the code of a server that could not be reached, outside the range of STUN's own. */
export const serverNotReachable = 701

/** Why a server was of no use, as `icecandidateerror` tells it. */
export interface ServerFailure {
  /** A STUN error code, or {@link serverNotReachable}. */
  readonly errorCode: number
  readonly errorText: string
  /** Where we asked from, if that is known. */
  readonly local: TransportAddress | undefined
}

export function unreachable(errorText: string, local?: TransportAddress): ServerFailure {
  return { errorCode: serverNotReachable, errorText, local }
}

export function toServerFailure(error: StunError, local: TransportAddress | undefined): ServerFailure {
  const { errorCode, reason, message } = error
  return errorCode === undefined ? unreachable(message, local) : { errorCode, errorText: reason ?? '', local }
}
