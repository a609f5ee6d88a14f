import { equalBytes } from '../../../base/bytes.ts'
import type { PasswordAlgorithm } from '../../stun/attribute-codecs.ts'
import type { IntegrityAlgorithm } from '../../stun/integrity.ts'
import { isAuthentic, type ReceivedStunMessage } from '../../stun/message.ts'
import type { Nonces } from './nonces.ts'
import type { ClientPath } from './sockets.ts'
import type { Account, Users } from './users.ts'

/** What makes a response authentic: the key that the request was made with. */
export interface ResponseKey {
  readonly key: Uint8Array
  readonly integrity: IntegrityAlgorithm
}

export type AuthenticationVerdict =
  | { readonly kind: 'authentic'; readonly account: Account; readonly responseKey: ResponseKey }
  /** To be refused; with `challenge`, the response says how to do better. */
  | { readonly kind: 'refused'; readonly code: 400 | 401 | 438; readonly challenge: boolean }

/** RFC 8489 §18.5.1: in order of preference. */
export const offeredAlgorithms: readonly PasswordAlgorithm[] = [
  { id: 2, parameters: new Uint8Array() },
  { id: 1, parameters: new Uint8Array() },
]

const refusals = {
  malformed: { kind: 'refused', code: 400, challenge: false },
  unauthenticated: { kind: 'refused', code: 401, challenge: true },
  stale: { kind: 'refused', code: 438, challenge: true },
} as const

/** The server's side of the long-term credential mechanism. */
export class Authenticator {
  readonly #users: Users
  readonly #nonces: Nonces
  readonly #realm: string

  constructor(users: Users, nonces: Nonces, realm: string) {
    this.#users = users
    this.#nonces = nonces
    this.#realm = realm
  }

  /**
   * Judges a request; changes nothing.
   *
   * RFC 8489 §9.2.4, check by check in its order.
   *
   * @param known the account of the client's allocation: credentials that expire do not end what they began
   */
  judge(
    request: ReceivedStunMessage,
    { transport, remote }: ClientPath,
    known: Account | undefined,
    now: number,
  ): AuthenticationVerdict {
    const { username, userhash, realm, nonce } = request.attributes
    const { sha1, sha256 } = request.integrityAt
    if (sha1 === undefined && sha256 === undefined) return refusals.unauthenticated
    if ((username === undefined && userhash === undefined) || realm === undefined || nonce === undefined) {
      return refusals.malformed
    }
    const algorithm = requestedAlgorithm(request)
    if (algorithm === undefined) return refusals.malformed
    const found = username !== undefined && username === known?.username ? known : this.#users.find(username, userhash)
    const account = realm === this.#realm ? found : undefined
    const key = (account ?? this.#users.nobody).keys[algorithm.name]
    if (!isAuthentic(request, key) || account === undefined) return refusals.unauthenticated
    if (!this.#nonces.isValid(nonce, remote, transport !== 'udp', now)) return refusals.stale
    // RFC 8489 §9.2.4: SHA-256 in all responses, unless the request knew nothing of algorithms
    return { kind: 'authentic', account, responseKey: { key, integrity: algorithm.named ? 'sha256' : 'sha1' } }
  }
}

/** Which key a request is made with, and whether it says so; undefined if it contradicts itself or us. */
function requestedAlgorithm({
  attributes,
}: ReceivedStunMessage): { readonly name: 'md5' | 'sha256'; readonly named: boolean } | undefined {
  const { passwordAlgorithm, passwordAlgorithms } = attributes
  // RFC 8489 §9.2.4: neither of the two means MD5
  if (passwordAlgorithm === undefined && passwordAlgorithms === undefined) return { name: 'md5', named: false }
  // RFC 8489 §9.2.4: one without the other, or not what was offered: somebody has tampered with the offer
  if (passwordAlgorithm === undefined || passwordAlgorithms?.length !== offeredAlgorithms.length) return undefined
  if (!offeredAlgorithms.every((offered, index) => isSame(offered, passwordAlgorithms[index]))) return undefined
  const chosen = offeredAlgorithms.find(offered => isSame(offered, passwordAlgorithm))
  return chosen && { name: chosen.id === 2 ? 'sha256' : 'md5', named: true }
}

function isSame(a: PasswordAlgorithm, b: PasswordAlgorithm | undefined): boolean {
  return b !== undefined && a.id === b.id && equalBytes(a.parameters, b.parameters)
}
