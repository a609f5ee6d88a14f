import { ByteWriter, concatBytes } from '../../base/bytes.ts'
import type { CryptoProvider, HashName } from '../crypto/provider.ts'

/**
 * What precedes every label.
 *
 * RFC 9147 §5.9: "dtls13", without the space that follows "tls13" in TLS.
 */
export const dtlsLabelPrefix = 'dtls13'

const hashLengths: Readonly<Record<HashName, number>> = { sha1: 20, sha224: 28, sha256: 32, sha384: 48, sha512: 64 }

/** RFC 8446 §7.1: the functions that the key schedule is made of, on one hash. */
export class Hkdf {
  readonly hashLength: number
  readonly #crypto: CryptoProvider
  readonly #hash: HashName
  readonly #prefix: string

  constructor(crypto: CryptoProvider, hash: HashName, prefix: string = dtlsLabelPrefix) {
    this.#crypto = crypto
    this.#hash = hash
    this.#prefix = prefix
    this.hashLength = hashLengths[hash]
  }

  hash(data: Uint8Array): Uint8Array {
    return this.#crypto.hash(this.#hash, data)
  }

  hmac(key: Uint8Array, data: Uint8Array): Uint8Array {
    return this.#crypto.hmac(this.#hash, key, data)
  }

  /** RFC 5869 §2.2: PRK = HMAC-Hash(salt, IKM). */
  extract(salt: Uint8Array, inputKey: Uint8Array): Uint8Array {
    return this.hmac(salt, inputKey)
  }

  /** RFC 8446 §7.1: HKDF-Expand-Label. */
  expandLabel(secret: Uint8Array, label: string, context: Uint8Array, length: number): Uint8Array {
    const info = new ByteWriter(96)
      .uint16(length)
      .vector(1, writer => writer.bytes(new TextEncoder().encode(this.#prefix + label)))
      .vector(1, writer => writer.bytes(context))
      .view()
    return this.expand(secret, info, length)
  }

  /** RFC 8446 §7.1: Derive-Secret, from the hash of the messages. */
  deriveSecret(secret: Uint8Array, label: string, transcriptHash: Uint8Array): Uint8Array {
    return this.expandLabel(secret, label, transcriptHash, this.hashLength)
  }

  /** RFC 5869 §2.3: OKM is T(1) | T(2) | ..., where T(n) = HMAC-Hash(PRK, T(n-1) | info | n). */
  expand(secret: Uint8Array, info: Uint8Array, length: number): Uint8Array {
    const output = new Uint8Array(length)
    let block: Uint8Array = new Uint8Array()
    for (let at = 0, count = 1; at < length; count++) {
      block = this.hmac(secret, concatBytes(block, info, Uint8Array.of(count)))
      output.set(block.subarray(0, length - at), at)
      at += block.length
    }
    return output
  }
}
