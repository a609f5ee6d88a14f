import { setBounded } from '../../base/bounded-map.ts'
import { equalBytes } from '../../base/bytes.ts'
import { IceError } from '../errors.ts'
import type { PasswordAlgorithm, StunErrorCode } from './attribute-codecs.ts'
import type { StunAttributes } from './attributes.ts'
import { longTermKey, type PasswordHash, userHash } from './integrity.ts'
import { encodeMessage, isAuthentic, type ReceivedStunMessage, type StunMessage } from './message.ts'
import { readNonceCookie } from './nonce-cookie.ts'
import { opaqueString } from './opaque-string.ts'
import { transactionKey } from './transaction.ts'

/** A user name and password of a STUN or TURN server. */
export interface StunCredentials {
  readonly username: string
  readonly password: string
}

/**
 * What a response means for authentication.
 *
 * - `authentic`: it may be acted on. `verified` tells whether an integrity attribute proves it; if not, the request had none
 *   either, as the server had not asked for credentials.
 * - `retry`: encode the request again, under a new transaction ID.
 * - `rejected`: the credentials, or the server, are not good enough. It is over.
 * - `forged`: to be treated as if it had not come. Over a reliable transport the request has failed.
 */
export type CredentialCheck =
  | { readonly kind: 'authentic'; readonly verified: boolean }
  | { readonly kind: 'retry' }
  | { readonly kind: 'rejected'; readonly error: StunErrorCode }
  | { readonly kind: 'forged' }

/** How many challenges in a row are answered: one for the first request, the others for nonces that do not last. */
export const maxChallenges = 4

/** How many requests may be waiting for their response; of older ones it is forgotten how they were signed. */
export const maxRememberedRequests = 64

/**
 * The client side of the long-term credential mechanism, RFC 8489 §9.2: one object for each server.
 *
 * Requests may overlap: each response is judged by the challenge that its own request answered.
 *
 * @throws {IceError} `invalid-credentials` for a user name or password that RFC 8265 §4.1 does not allow
 */
export class LongTermCredentials {
  readonly #username: string
  readonly #password: string
  /** Undefined while the server has not asked for credentials. */
  #challenge: Challenge | undefined
  #challenges = 0
  /** By transaction; a request that was sent without credentials has no challenge. */
  readonly #requests = new Map<string, Challenge | undefined>()

  constructor(credentials: StunCredentials) {
    const username = opaqueString(credentials.username)
    const password = opaqueString(credentials.password)
    if (username === undefined || new TextEncoder().encode(username).length > maxUsernameBytes) {
      throw new IceError('invalid-credentials', 'not a user name that RFC 8489 §14.3 allows')
    }
    if (password === undefined) throw new IceError('invalid-credentials', 'not a password that RFC 8265 §4.1 allows')
    this.#username = username
    this.#password = password
  }

  /**
   * Encodes a request: signed once the server has sent a challenge, and with nothing but FINGERPRINT before.
   *
   * RFC 8489 §9.2.3.1, §9.2.3.2.
   */
  encode(request: StunMessage): Uint8Array {
    const challenge = this.#challenge
    setBounded(this.#requests, transactionKey(request.transactionId), challenge, maxRememberedRequests)
    if (challenge === undefined) return encodeMessage(request)
    const attributes = { ...request.attributes, ...this.#answer(challenge) }
    const integrity = challenge.algorithms === undefined ? 'sha1' : 'sha256'
    return encodeMessage({ ...request, attributes }, { key: challenge.key, integrity })
  }

  /** Judges the response to a request that {@link encode} made; that it is one, its transaction ID has told. RFC 8489 §9.2.5. */
  check(response: ReceivedStunMessage): CredentialCheck {
    const transaction = transactionKey(response.transactionId)
    const asked = this.#requests.has(transaction) ? this.#requests.get(transaction) : this.#challenge
    const check = this.#judge(response, asked)
    if (check.kind !== 'forged') this.#requests.delete(transaction)
    return check
  }

  #judge(response: ReceivedStunMessage, asked: Challenge | undefined): CredentialCheck {
    const { errorCode, nonce, passwordAlgorithms } = response.attributes
    const error = response.class === 'error' ? errorCode : undefined
    if (error?.code === unauthenticated || error?.code === staleNonce) {
      return this.#meet(error, response.attributes, asked)
    }
    // RFC 8489 §9.2.5: a list of algorithms that the nonce promises and that is missing was taken out
    if (isListMissing(nonce, passwordAlgorithms)) return { kind: 'forged' }
    // RFC 8489 §14.8: a 300 ought to be verified, but servers send it before they ask for credentials. It is for the layer above
    // to bound what may follow from it.
    if (asked === undefined) return { kind: 'authentic', verified: false }
    // RFC 8489 §9.2.4: who was asked with SHA-256 answers with it, so that nothing weaker counts
    const weaker = asked.algorithms !== undefined && response.integrityAt.sha256 === undefined
    // RFC 8489 §9.2.5: without integrity, or with a wrong one, it is as if it had not come; a 400 is no exception
    if (weaker || !isAuthentic(response, asked.key)) return { kind: 'forged' }
    this.#challenges = 0
    return { kind: 'authentic', verified: true }
  }

  /** A 401 or 438: the next request is to answer the challenge in it, if it is one that can be answered. */
  #meet(error: StunErrorCode, attributes: StunAttributes, asked: Challenge | undefined): CredentialCheck {
    // A request that had left before the challenge of today was known tells nothing new.
    if (asked !== this.#challenge && !(error.code === unauthenticated && asked !== undefined)) return { kind: 'retry' }
    const next = this.#read(attributes, asked)
    if (next === undefined || this.#challenges >= maxChallenges) return { kind: 'rejected', error }
    // RFC 8489 §9.2.5: no retry after a 401 if neither the form of the user name nor the realm changes
    const same = asked !== undefined && asked.realm === next.realm && asked.anonymous === next.anonymous
    if (error.code === unauthenticated && same) return { kind: 'rejected', error }
    if (asked !== undefined && isWeaker(next, asked)) return { kind: 'rejected', error }
    this.#challenges++
    this.#challenge = next
    return { kind: 'retry' }
  }

  /** Undefined if it is no challenge, or one with signs of an attack. */
  #read(attributes: StunAttributes, asked: Challenge | undefined): Challenge | undefined {
    const { nonce, passwordAlgorithms: algorithms } = attributes
    const realm = attributes.realm ?? asked?.realm
    if (realm === undefined || nonce === undefined) return undefined
    // RFC 8489 §9.2.5: the client must not go on without the list that the nonce promises
    if (isListMissing(nonce, algorithms)) return undefined
    // RFC 8489 §9.2.5: the first algorithm on the list that is supported, or none at all
    const algorithm = algorithms?.find(isSupported)
    if (algorithms !== undefined && algorithm === undefined) return undefined
    const hash: PasswordHash = algorithm?.id === sha256Algorithm ? 'sha256' : 'md5'
    return {
      realm,
      nonce,
      hash,
      anonymous: readNonceCookie(nonce)?.usernameAnonymity === true,
      key: this.#key(realm, hash, asked),
      ...(algorithms === undefined || algorithm === undefined
        ? {}
        : { algorithms: { offered: algorithms, algorithm } }),
    }
  }

  #key(realm: string, hash: PasswordHash, asked: Challenge | undefined): Uint8Array {
    if (asked?.realm === realm && asked.hash === hash) return asked.key
    return longTermKey(this.#username, realm, this.#password, hash)
  }

  /** The attributes that answer a challenge. */
  #answer(challenge: Challenge): StunAttributes {
    const { realm, nonce, algorithms } = challenge
    return {
      // RFC 8489 §9.2.5: USERHASH if the nonce says that the server knows users by it, and else USERNAME
      ...(challenge.anonymous ? { userhash: userHash(this.#username, realm) } : { username: this.#username }),
      nonce,
      realm,
      ...(algorithms === undefined
        ? {}
        : { passwordAlgorithms: algorithms.offered, passwordAlgorithm: algorithms.algorithm }),
    }
  }
}

/** What a server has asked for, and the key to answer with. */
interface Challenge {
  readonly realm: string
  readonly nonce: string
  readonly hash: PasswordHash
  /** The user is named by USERHASH. */
  readonly anonymous: boolean
  readonly key: Uint8Array
  /** What the server offered, to be sent back as it came, and what was taken of it. */
  readonly algorithms?: { readonly offered: readonly PasswordAlgorithm[]; readonly algorithm: PasswordAlgorithm }
}

const unauthenticated = 401
const staleNonce = 438

/** RFC 8489 §14.3: fewer than 509. */
const maxUsernameBytes = 508

// RFC 8489 §18.5
const md5Algorithm = 1
const sha256Algorithm = 2
const noParameters = new Uint8Array(0)

/** RFC 8489 §18.5.1: neither of the two has parameters. */
function isSupported({ id, parameters }: PasswordAlgorithm): boolean {
  return (id === md5Algorithm || id === sha256Algorithm) && equalBytes(parameters, noParameters)
}

function isListMissing(nonce: string | undefined, algorithms: readonly PasswordAlgorithm[] | undefined): boolean {
  return nonce !== undefined && algorithms === undefined && readNonceCookie(nonce)?.passwordAlgorithms === true
}

/** RFC 8489 §9.2.1, §9.2.5: what a server once could do it still can; a challenge that says otherwise is not its own. */
function isWeaker(next: Challenge, before: Challenge): boolean {
  if (before.algorithms !== undefined && next.algorithms === undefined) return true
  if (before.hash === 'sha256' && next.hash === 'md5') return true
  return before.anonymous && !next.anonymous
}
