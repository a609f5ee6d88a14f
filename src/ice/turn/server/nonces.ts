import { createHmac } from 'node:crypto'
import type { TransportAddress } from '../../../base/address.ts'
import { constantTimeEqual } from '../../../base/bytes.ts'
import type { RandomSource } from '../../../base/environment.ts'
import { randomUint32 } from '../../../base/random.ts'
import { nonceCookie } from '../../stun/nonce-cookie.ts'

/** Seconds in four bytes, and the client's port in two. */
const headLength = 6
const macLength = 10

/**
 * Nonces that need no table: the time at which each was made, under a MAC with a key of this server.
 *
 * RFC 8489 §9.2.4: no two clients get the same one, so the MAC covers the client's address and port; and as it covers the cookie
 * with the security features, nobody on the path can take those away unnoticed.
 */
export class Nonces {
  readonly #key: Uint8Array
  readonly #lifetimeMs: number
  readonly #cookie: string
  /** So that a nonce doesn't tell how long the host has been up. */
  readonly #epoch: number

  constructor(options: { random: RandomSource; lifetimeMs: number; usernameAnonymity: boolean }) {
    this.#key = options.random(32)
    this.#lifetimeMs = options.lifetimeMs
    this.#epoch = randomUint32(options.random)
    this.#cookie = nonceCookie({ passwordAlgorithms: true, usernameAnonymity: options.usernameAnonymity })
  }

  create(client: TransportAddress, now: number): string {
    const head = Buffer.alloc(headLength)
    head.writeUInt32BE((Math.floor(now / 1000) + this.#epoch) >>> 0)
    head.writeUInt16BE(client.port, 4)
    return this.#cookie + Buffer.concat([head, this.#mac(head, client)]).toString('base64url')
  }

  /**
   * Whether a nonce was made here, for this client, and has not expired.
   *
   * @param anyPort RFC 6062 §4.3: the data connections of a client use what it has learned on the control connection
   */
  isValid(nonce: string, client: TransportAddress, anyPort: boolean, now: number): boolean {
    if (!nonce.startsWith(this.#cookie)) return false
    const value = Buffer.from(nonce.slice(this.#cookie.length), 'base64url')
    if (value.length !== headLength + macLength) return false
    const head = value.subarray(0, headLength)
    if (!constantTimeEqual(value.subarray(headLength), this.#mac(head, client))) return false
    const ageSeconds = (Math.floor(now / 1000) + this.#epoch - head.readUInt32BE(0)) >>> 0
    return ageSeconds * 1000 < this.#lifetimeMs && (anyPort || head.readUInt16BE(4) === client.port)
  }

  #mac(head: Uint8Array, client: TransportAddress): Uint8Array {
    return createHmac('sha256', this.#key)
      .update(this.#cookie)
      .update(head)
      .update(client.address)
      .digest()
      .subarray(0, macLength)
  }
}
