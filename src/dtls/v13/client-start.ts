import type { KeyShare } from '../crypto/provider.ts'
import { DtlsError } from '../errors.ts'
import { type Extensions, ExtensionType } from '../extensions.ts'
import type { Handshake } from '../handshake.ts'
import type { HandshakeConfig } from '../handshake-config.ts'
import type { ServerHello } from '../hello.ts'
import type { HandshakeMessage } from '../messages.ts'
import { checkServerHello13, type Offer13, requireOnly } from './client-states.ts'
import { decodeCookie, decodeNumber, encodeClientShares, encodeCookie } from './extensions.ts'
import { keyExchangeGroup, keyExchangeGroups } from './key-exchange.ts'

/**
 * The shares of the first ClientHello: of our favourite group, and of a curve alone beside a hybrid.
 *
 * RFC 8446 §4.1.4: a server that takes neither costs a round trip more.
 */
export function offerShares(config: HandshakeConfig): ReadonlyMap<number, KeyShare> {
  const groups = keyExchangeGroups(config)
  const shares = new Map<number, KeyShare>()
  for (const group of [groups[0], groups.find(({ isHybrid }) => !isHybrid)]) {
    if (group !== undefined && !shares.has(group.id)) shares.set(group.id, group.offer(config.crypto, config.random))
  }
  return shares
}

export function keyShareExtension(shares: ReadonlyMap<number, KeyShare>): Uint8Array {
  return encodeClientShares([...shares].map(([group, { publicKey }]) => ({ group, key: publicKey })))
}

/**
 * What to offer after a HelloRetryRequest; the transcript then begins with it.
 *
 * @throws {DtlsError} if it asks for what was not offered, or for nothing
 */
export function followRetryRequest(
  offer: Offer13,
  hello: ServerHello,
  message: HandshakeMessage,
  handshake: Handshake,
): Offer13 {
  // RFC 8446 §4.1.4: a second HelloRetryRequest ends the handshake.
  if (offer.retry !== undefined) throw new DtlsError('unexpected-message', 'the server asks to try again, again')
  const { crypto } = handshake.config
  const suite = checkServerHello13(offer, hello)
  requireOnly(hello.extensions, [ExtensionType.supportedVersions, ExtensionType.keyShare, ExtensionType.cookie])
  const extensions = new Map(offer.hello.extensions)
  const cookie = hello.extensions.get(ExtensionType.cookie)
  // RFC 8446 §4.2.2: the cookie is brought back.
  if (cookie !== undefined) extensions.set(ExtensionType.cookie, encodeCookie(decodeCookie(cookie)))
  const group = requestedGroup(offer, hello.extensions, handshake.config)
  // RFC 8446 §4.1.4: a request that would change nothing is refused.
  if (cookie === undefined && group === undefined) {
    throw new DtlsError('illegal-parameter', 'the server asks for the same again')
  }
  const shares = group === undefined ? offer.shares : shareOf(group, handshake.config)
  extensions.set(ExtensionType.keyShare, keyShareExtension(shares))
  const { transcript } = handshake
  transcript.beginWithHash(crypto.hash(suite.hash, transcript.tls13()))
  transcript.add(message)
  return { hello: { ...offer.hello, extensions }, shares, retry: { suite, group } }
}

/** RFC 8446 §4.2.8: a group that we support, and have sent no share of. */
function requestedGroup({ shares }: Offer13, extensions: Extensions, config: HandshakeConfig): number | undefined {
  const data = extensions.get(ExtensionType.keyShare)
  if (data === undefined) return undefined
  const group = decodeNumber(data, 'selected_group')
  if (keyExchangeGroup(group, config) === undefined || shares.has(group)) {
    throw new DtlsError('illegal-parameter', 'the server asks for a group that it has, or that was not offered')
  }
  return group
}

function shareOf(id: number, config: HandshakeConfig): ReadonlyMap<number, KeyShare> {
  const group = keyExchangeGroup(id, config)
  return group === undefined ? new Map() : new Map([[id, group.offer(config.crypto, config.random)]])
}
