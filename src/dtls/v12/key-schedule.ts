import { ByteWriter, concatBytes } from '../../base/bytes.ts'
import type { CipherSuite } from '../cipher-suites.ts'
import type { ConnectionIds } from '../connection-id.ts'
import type { CryptoProvider, HashName } from '../crypto/provider.ts'
import { type KeyLog, keyLogLine } from '../key-log.ts'
import {
  AesGcmOpener,
  AesGcmSealer,
  type ProtectedEpoch,
  type RecordOpener,
  type RecordSealer,
} from '../record-protection.ts'
import type { Transcript } from '../transcript.ts'
import { ChaCha20Poly1305Opener, ChaCha20Poly1305Sealer } from './chacha20-poly1305.ts'
import { ConnectionIdOpener, ConnectionIdSealer, type Keys12 } from './connection-id-records.ts'

/** RFC 5246 §5: PRF(secret, label, seed) = P_hash(secret, label + seed). */
export function prf(
  crypto: CryptoProvider,
  hash: HashName,
  secret: Uint8Array,
  label: string,
  seed: Uint8Array,
  length: number,
): Uint8Array {
  const labelAndSeed = concatBytes(new TextEncoder().encode(label), seed)
  const output = new Uint8Array(length)
  let a = labelAndSeed
  for (let at = 0; at < length; ) {
    a = crypto.hmac(hash, secret, a)
    const block = crypto.hmac(hash, secret, concatBytes(a, labelAndSeed))
    output.set(block.subarray(0, length - at), at)
    at += block.length
  }
  return output
}

const noConnectionId = new Uint8Array()

/** RFC 5246 §8.1: the master secret is always exactly 48 bytes. */
const masterSecretLength = 48
/** RFC 5246 §7.4.9: 12 bytes, unless a cipher suite says otherwise. */
const verifyDataLength = 12

/** RFC 6347 §4.1: the first, and without renegotiation only, epoch with protection. */
const protectedEpoch = 1

/** RFC 9146 §3: with a connection ID of some length, and only then, records have the format that holds it. */
function createSealer(keys: Keys12, id: Uint8Array = noConnectionId): RecordSealer {
  if (id.length > 0) return new ConnectionIdSealer(protectedEpoch, keys, id)
  const Sealer = keys.aead === 'chacha20-poly1305' ? ChaCha20Poly1305Sealer : AesGcmSealer
  return new Sealer(protectedEpoch, keys.key, keys.fixedIv)
}

function createOpener(keys: Keys12, id: Uint8Array = noConnectionId): RecordOpener {
  if (id.length > 0) return new ConnectionIdOpener(keys, id)
  const Opener = keys.aead === 'chacha20-poly1305' ? ChaCha20Poly1305Opener : AesGcmOpener
  return new Opener(keys.key, keys.fixedIv)
}

/** What the hellos settled. */
export interface Parameters12 {
  readonly suite: CipherSuite
  readonly clientRandom: Uint8Array
  readonly serverRandom: Uint8Array
  readonly srtpProfile: number | undefined
}

/** The master secret of a connection, and all that is derived from it. */
export class MasterSecret {
  readonly #crypto: CryptoProvider
  readonly #parameters: Parameters12
  readonly #secret: Uint8Array

  /**
   * RFC 7627 §4: the extended master secret, from the pre-master secret and the hash of the handshake up to and
   * including ClientKeyExchange.
   *
   * @param preMasterSecret overwritten
   */
  constructor(crypto: CryptoProvider, parameters: Parameters12, preMasterSecret: Uint8Array, transcript: Transcript) {
    const { hash } = parameters.suite
    const sessionHash = crypto.hash(hash, transcript.dtls12())
    this.#crypto = crypto
    this.#parameters = parameters
    this.#secret = prf(crypto, hash, preMasterSecret, 'extended master secret', sessionHash, masterSecretLength)
    preMasterSecret.fill(0)
  }

  /** RFC 5246 §6.3: the key block, cut into the keys and fixed nonces of both directions. An AEAD has no MAC keys. */
  deriveEpoch(role: 'client' | 'server', connectionIds: ConnectionIds | undefined = undefined): ProtectedEpoch {
    const { suite, clientRandom, serverRandom } = this.#parameters
    const { keyLength, fixedIvLength } = suite
    const block = this.#prf('key expansion', concatBytes(serverRandom, clientRandom), 2 * (keyLength + fixedIvLength))
    let at = 0
    const take = (length: number): Uint8Array => block.slice(at, (at += length))
    const keys = { client: take(keyLength), server: take(keyLength) }
    const salts = { client: take(fixedIvLength), server: take(fixedIvLength) }
    block.fill(0)
    const peer = role === 'client' ? 'server' : 'client'
    const { aead } = suite
    return {
      epoch: protectedEpoch,
      sealer: createSealer({ aead, key: keys[role], fixedIv: salts[role] }, connectionIds?.peer),
      opener: createOpener({ aead, key: keys[peer], fixedIv: salts[peer] }, connectionIds?.own[0]),
    }
  }

  /** RFC 5246 §7.4.9: the verify_data of the Finished that this side sends now. */
  verifyData(sender: 'client' | 'server', transcript: Transcript): Uint8Array {
    const hash = this.#crypto.hash(this.#parameters.suite.hash, transcript.dtls12())
    return this.#prf(`${sender} finished`, hash, verifyDataLength)
  }

  /** RFC 5705 §4: a context of no bytes is not the same as no context. */
  export(label: string, length: number, context?: Uint8Array): Uint8Array {
    const { clientRandom, serverRandom } = this.#parameters
    const seed = new ByteWriter(128).bytes(clientRandom).bytes(serverRandom)
    if (context !== undefined) seed.vector(2, writer => writer.bytes(context))
    return this.#prf(label, seed.view(), length)
  }

  logTo(keyLog: KeyLog | undefined): void {
    keyLog?.(keyLogLine('CLIENT_RANDOM', this.#parameters.clientRandom, this.#secret))
  }

  wipe(): void {
    this.#secret.fill(0)
  }

  #prf(label: string, seed: Uint8Array, length: number): Uint8Array {
    return prf(this.#crypto, this.#parameters.suite.hash, this.#secret, label, seed, length)
  }
}
