import { createHmac } from 'node:crypto'
import type { RandomSource } from '../../../base/environment.ts'
import { longTermKey, userHash } from '../../stun/integrity.ts'

/** A user, with the keys that stand for the password. RFC 8656 §6: the password itself is not stored. */
export interface Account {
  readonly username: string
  /** Whom quotas are counted for: of a user name that expires, what it says besides. */
  readonly owner: string
  readonly keys: { readonly md5: Uint8Array; readonly sha256: Uint8Array }
}

/** Finds the account of a request, by name or by hash. */
export class Users {
  readonly #realm: string
  readonly #secret: string | undefined
  readonly #wallTime: () => number
  readonly #byName = new Map<string, Account>()
  readonly #byHash = new Map<string, Account>()
  /** Stands for whoever is unknown, so that the time of an answer does not tell which names exist. */
  readonly nobody: Account

  constructor(options: {
    readonly realm: string
    readonly users?: Readonly<Record<string, string>> | undefined
    readonly secret?: string | undefined
    readonly wallTime: () => number
    readonly random: RandomSource
  }) {
    const { realm } = options
    this.#realm = realm
    this.#secret = options.secret
    this.#wallTime = options.wallTime
    for (const [username, password] of Object.entries(options.users ?? {})) {
      const account = createAccount(username, username, realm, password)
      this.#byName.set(username, account)
      this.#byHash.set(Buffer.from(userHash(username, realm)).toString('hex'), account)
    }
    this.nobody = { username: '', owner: '', keys: { md5: options.random(16), sha256: options.random(32) } }
  }

  /** Whether every user can be found by hash: names that are made up as time goes by can't. */
  get anonymity(): boolean {
    return this.#secret === undefined
  }

  find(username: string | undefined, hash: Uint8Array | undefined): Account | undefined {
    if (username === undefined) return this.#byHash.get(Buffer.from(hash ?? []).toString('hex'))
    return this.#byName.get(username) ?? this.#temporary(username)
  }

  /**
   * Credentials that a web service hands out, which knows the same secret: the user name is the time at which they
   * expire, in seconds since 1970, and after a colon perhaps who uses them; the password is the base64 of its HMAC-SHA1.
   *
   * draft-uberti-behave-turn-rest-00, section 2.2.
   */
  #temporary(username: string): Account | undefined {
    if (this.#secret === undefined) return undefined
    const match = /^(\d{1,15})(?::(.*))?$/s.exec(username)
    if (match === null || Number(match[1]) * 1000 <= this.#wallTime()) return undefined
    const password = createHmac('sha1', this.#secret).update(username).digest('base64')
    return createAccount(username, match[2] ?? username, this.#realm, password)
  }
}

function createAccount(username: string, owner: string, realm: string, password: string): Account {
  return {
    username,
    owner,
    keys: {
      md5: longTermKey(username, realm, password, 'md5'),
      sha256: longTermKey(username, realm, password, 'sha256'),
    },
  }
}
