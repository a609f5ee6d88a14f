import type { TransportAddress } from '../../../base/address.ts'
import { attributeType, type StunAttributes } from '../../stun/attributes.ts'
import type { ParsedStunMessage } from '../../stun/message.ts'
import type { Alternates } from './behavior.ts'
import type { Responder } from './responses.ts'
import type { ClientPath } from './sockets.ts'

/**
 * Answers a Binding request: no credentials are asked for, as it tells nobody what they don't know.
 *
 * RFC 8489 §6.3.1, and RFC 5780 §6.1 where there are other addresses to answer from.
 *
 * @returns whether it was answered with success
 */
export function answerBinding(
  request: ParsedStunMessage,
  client: ClientPath,
  alternates: Alternates | undefined,
  responder: Responder,
  now: number,
): boolean {
  const { changeRequest, padding, responsePort } = request.attributes
  const refuse = (code: number, attributes?: StunAttributes): false => {
    responder.refuse(request, client, { code, challenge: false }, now, attributes)
    return false
  }
  if (request.unknownRequired.length > 0) return refuse(420, { unknownAttributes: request.unknownRequired })
  if (!request.isWellFormed) return refuse(400)
  // RFC 5780 §6: without a second address CHANGE-REQUEST counts as unknown
  if (changeRequest !== undefined && alternates === undefined) {
    return refuse(420, { unknownAttributes: [attributeType('changeRequest')] })
  }
  // RFC 5780 §7.5: not both
  if (padding !== undefined && responsePort !== undefined) return refuse(400)
  if (responsePort !== undefined && (responsePort === 0 || client.transport !== 'udp')) return refuse(400)
  const origin = chooseOrigin(client, alternates, changeRequest)
  const remote = responsePort === undefined ? client.remote : { ...client.remote, port: responsePort }
  const attributes: StunAttributes = {
    xorMappedAddress: client.remote,
    // RFC 5780 §6.1: MAPPED-ADDRESS as well; it is also what the oldest clients read
    mappedAddress: client.remote,
    responseOrigin: origin.local,
    ...(alternates === undefined ? {} : { otherAddress: alternates.other.local }),
    // RFC 5780 §6.1: as long as that of the request, so that the answer is no larger than the question
    ...(padding === undefined ? {} : { padding }),
  }
  return responder.successToStranger(request, client, attributes, now, { ...client, socket: origin.socket, remote })
}

/** RFC 5780 §6.1, table 1. */
function chooseOrigin(
  client: ClientPath,
  alternates: Alternates | undefined,
  change: { readonly changeIp: boolean; readonly changePort: boolean } | undefined,
): { readonly socket: number; readonly local: TransportAddress } {
  if (alternates === undefined || change === undefined) return client
  if (change.changeIp) return change.changePort ? alternates.other : alternates.otherIp
  return change.changePort ? alternates.otherPort : client
}
