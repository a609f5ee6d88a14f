import { equalBytes } from '../../../src/base/bytes.ts'
import type { PasswordAlgorithm } from '../../../src/ice/stun/attribute-codecs.ts'
import type { StunAttributes } from '../../../src/ice/stun/attributes.ts'
import { longTermKey, userHash } from '../../../src/ice/stun/integrity.ts'
import { decodeMessage, encodeMessage, isAuthentic, type ReceivedStunMessage } from '../../../src/ice/stun/message.ts'

export const user = { username: 'alice', password: 'wonderland' }

/** What a server of RFC 8489 §9.2.4 may be like. */
export interface ServerKind {
  realm: string
  /** The three bytes of features in the nonce; no cookie if absent, as in servers of RFC 5389. */
  features?: readonly [number, number, number]
  algorithms?: readonly PasswordAlgorithm[]
}

const none = new Uint8Array(0)
export const md5: PasswordAlgorithm = { id: 1, parameters: none }
export const sha256: PasswordAlgorithm = { id: 2, parameters: none }

/** A server of RFC 5389. */
export const oldServer: ServerKind = { realm: 'example.org' }
/** A server that offers all that RFC 8489 has. */
export const newServer: ServerKind = { realm: 'example.org', features: [0xc0, 0, 0], algorithms: [sha256, md5] }

/** A server side of the long-term credential mechanism, straight from RFC 8489 §9.2.4, to test clients with. */
export class ModelServer {
  kind: ServerKind
  password: string = user.password
  /** The number of the nonce that is valid. */
  nonce = 1
  /** Each request, as it came. */
  readonly requests: ReceivedStunMessage[] = []

  constructor(kind: ServerKind) {
    this.kind = kind
  }

  /** The response to a request; `said` is what it says, signed, if the user is who they claim to be. */
  answer(request: Uint8Array, said: StunAttributes = {}): Uint8Array {
    const message = decodeMessage(request)
    if (message === undefined) throw new Error('not a STUN message')
    this.requests.push(message)
    const { attributes, integrityAt } = message
    if (integrityAt.sha1 === undefined && integrityAt.sha256 === undefined) return this.challenge(message, 401)
    if (attributes.realm === undefined || attributes.nonce === undefined) return this.error(message, 400)
    if (!this.#namesUser(attributes)) return this.challenge(message, 401)
    const { passwordAlgorithm: chosen, passwordAlgorithms: offered } = attributes
    if ((chosen === undefined) !== (offered === undefined)) return this.error(message, 400)
    if (offered !== undefined && !sameAlgorithms(offered, this.kind.algorithms)) return this.error(message, 400)
    const key = longTermKey(user.username, this.kind.realm, this.password, chosen?.id === 2 ? 'sha256' : 'md5')
    if (!isAuthentic(message, key)) return this.challenge(message, 401)
    if (attributes.nonce !== this.nonceText()) return this.challenge(message, 438)
    const integrity = chosen === undefined ? 'sha1' : 'sha256'
    const kind = said.errorCode === undefined ? 'success' : 'error'
    return encodeMessage({ ...message, class: kind, attributes: said }, { key, integrity })
  }

  challenge(request: ReceivedStunMessage, code: number): Uint8Array {
    return encodeMessage({ ...request, class: 'error', attributes: this.challengeAttributes(code) })
  }

  challengeAttributes(code: number): StunAttributes {
    const { realm, algorithms } = this.kind
    return {
      errorCode: { code, reason: code === 438 ? 'Stale Nonce' : 'Unauthenticated' },
      realm,
      nonce: this.nonceText(),
      ...(algorithms === undefined ? {} : { passwordAlgorithms: algorithms }),
    }
  }

  nonceText(): string {
    const { features } = this.kind
    const cookie = features === undefined ? '' : `obMatJos2${Buffer.from(features).toString('base64')}`
    return `${cookie}nonce-${this.nonce}`
  }

  error(request: ReceivedStunMessage, code: number): Uint8Array {
    return encodeMessage({ ...request, class: 'error', attributes: { errorCode: { code, reason: '' } } })
  }

  #namesUser({ username, userhash }: StunAttributes): boolean {
    if (username !== undefined) return username === user.username
    return userhash !== undefined && equalBytes(userhash, userHash(user.username, this.kind.realm))
  }
}

function sameAlgorithms(a: readonly PasswordAlgorithm[], b: readonly PasswordAlgorithm[] = []): boolean {
  return a.length === b.length && a.every(({ id }, index) => id === b[index]?.id)
}
