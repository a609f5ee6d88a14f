import type { SdpDirection } from './description.ts'

/** The same direction, seen from the other side. */
export function reverseDirection(direction: SdpDirection): SdpDirection {
  return directionOf(receives(direction), sends(direction))
}

/** What two directions, seen from the same side, have in common. */
export function commonDirection(a: SdpDirection, b: SdpDirection): SdpDirection {
  return directionOf(sends(a) && sends(b), receives(a) && receives(b))
}

/**
 * The direction of an answer.
 *
 * RFC 8829 §5.3.1, RFC 3264 §6.1: what the offer leaves over, as far as this side wants it.
 *
 * @param offered as the offer has it; its absence means `sendrecv` (RFC 8866 §6.7)
 * @param wanted the direction of this side's transceiver
 */
export function answerDirection(offered: SdpDirection | undefined, wanted: SdpDirection): SdpDirection {
  return commonDirection(reverseDirection(offered ?? 'sendrecv'), wanted)
}

export function sends(direction: SdpDirection): boolean {
  return direction === 'sendrecv' || direction === 'sendonly'
}

export function receives(direction: SdpDirection): boolean {
  return direction === 'sendrecv' || direction === 'recvonly'
}

function directionOf(send: boolean, receive: boolean): SdpDirection {
  if (send) return receive ? 'sendrecv' : 'sendonly'
  return receive ? 'recvonly' : 'inactive'
}
