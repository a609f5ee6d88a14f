import { ByteReader, ByteWriter, concatBytes, constantTimeEqual } from '../../base/bytes.ts'
import type { RandomSource } from '../../base/environment.ts'
import type { CryptoProvider } from '../crypto/provider.ts'
import { DtlsError } from '../errors.ts'
import { ExtensionType } from '../extensions.ts'
import type { ClientHello } from '../hello.ts'
import { decodeCookie } from './extensions.ts'

/** What a server has to know again of the ClientHello that it answered with a HelloRetryRequest. */
export interface Retry {
  /** The hash of that ClientHello. */
  readonly helloHash: Uint8Array
  readonly suite: number
  /** The group that was asked for; 0 if none was. */
  readonly group: number
}

const tagLength = 32

/**
 * Makes cookies that hold the state of a server that has none.
 *
 * RFC 9147 §5.1: a cookie holds the hash of the first ClientHello, and is authenticated. The client's address is not part
 * of it because the secret is: every connection has its own, and one path.
 */
export class RetryCookies {
  readonly #crypto: CryptoProvider
  readonly #random: RandomSource
  #secret: Uint8Array | undefined

  constructor(crypto: CryptoProvider, random: RandomSource) {
    this.#crypto = crypto
    this.#random = random
  }

  bake(retry: Retry, hello: ClientHello): Uint8Array {
    const content = new ByteWriter(64).bytes(retry.helloHash).uint16(retry.suite).uint16(retry.group).finish()
    return concatBytes(content, this.#tag(content, hello))
  }

  /**
   * @param hello that brought the cookie back
   * @throws {DtlsError} `illegal-parameter`
   */
  open(cookie: Uint8Array, hello: ClientHello): Retry {
    const end = Math.max(0, cookie.length - tagLength)
    const content = cookie.subarray(0, end)
    // RFC 9147 §5.1: an invalid cookie ends the handshake with illegal_parameter.
    if (!constantTimeEqual(cookie.subarray(end), this.#tag(content, hello))) {
      throw new DtlsError('illegal-parameter', 'the client brought back another cookie')
    }
    const reader = new ByteReader(content)
    const helloHash = new Uint8Array(reader.bytes(Math.max(0, end - 4), 'hash'))
    return { helloHash, suite: reader.uint16('suite'), group: reader.uint16('group') }
  }

  /** Whether a hello brings back a cookie that was made here. @throws {DtlsError} if it is another one */
  verify(hello: ClientHello): boolean {
    const data = hello.extensions.get(ExtensionType.cookie)
    if (data === undefined) return false
    this.open(decodeCookie(data), hello)
    return true
  }

  /** RFC 8446 §4.1.2: the random of the second ClientHello is that of the first. */
  #tag(content: Uint8Array, hello: ClientHello): Uint8Array {
    this.#secret ??= this.#random(32)
    return this.#crypto.hmac('sha256', this.#secret, concatBytes(hello.random, content))
  }
}
