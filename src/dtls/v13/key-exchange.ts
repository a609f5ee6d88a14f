import { concatBytes } from '../../base/bytes.ts'
import type { RandomSource } from '../../base/environment.ts'
import { mlKem768 } from '../crypto/ml-kem.ts'
import type { CryptoProvider, GroupName, KeyExchangeName, KeyShare } from '../crypto/provider.ts'
import { DtlsError } from '../errors.ts'
import type { HandshakeConfig } from '../handshake-config.ts'

/** A key exchange of DTLS 1.3, which the server answers rather than mirrors: ML-KEM has different shares for the two. */
export interface KeyExchangeGroup {
  readonly id: number
  readonly name: KeyExchangeName
  /** Of a curve and ML-KEM together. */
  readonly isHybrid: boolean
  /** The client's share; its `deriveSecret` takes the server's. */
  offer(crypto: CryptoProvider, random: RandomSource): KeyShare
  /** @throws {DtlsError} `bad-key-share` */
  answer(clientShare: Uint8Array, crypto: CryptoProvider, random: RandomSource): KeyAnswer
}

export interface KeyAnswer {
  /** The server's share. */
  readonly share: Uint8Array
  readonly secret: Uint8Array
}

const encapsulationKeyLength = 1184
const ciphertextLength = 1088
const x25519Length = 32

/** draft-ietf-tls-ecdhe-mlkem §3: ML-KEM-768 and X25519, in this order. */
const x25519MlKem768: KeyExchangeGroup = {
  id: 0x11ec,
  name: 'x25519mlkem768',
  isHybrid: true,
  offer: (crypto, random) => {
    const kem = mlKem768().keygen(random(64))
    const curve = crypto.generateKeyShare('x25519', random)
    return {
      publicKey: concatBytes(kem.publicKey, curve.publicKey),
      deriveSecret: share => {
        if (share.length !== ciphertextLength + x25519Length) throw badLength()
        const curveSecret = curve.deriveSecret(share.subarray(ciphertextLength))
        const kemSecret = mlKem768().decapsulate(share.subarray(0, ciphertextLength), kem.secretKey)
        kem.secretKey.fill(0)
        return joined(kemSecret, curveSecret)
      },
    }
  },
  answer: (clientShare, crypto, random) => {
    if (clientShare.length !== encapsulationKeyLength + x25519Length) throw badLength()
    const curve = crypto.generateKeyShare('x25519', random)
    const curveSecret = curve.deriveSecret(clientShare.subarray(encapsulationKeyLength))
    const { cipherText, sharedSecret } = encapsulate(clientShare.subarray(0, encapsulationKeyLength), random)
    return { share: concatBytes(cipherText, curve.publicKey), secret: joined(sharedSecret, curveSecret) }
  },
}

/** RFC 8446 §4.2.7: the code points of the curves are those of TLS 1.2. */
const groups: readonly KeyExchangeGroup[] = [
  x25519MlKem768,
  curve(29, 'x25519'),
  curve(23, 'secp256r1'),
  curve(24, 'secp384r1'),
]

/** The groups of DTLS 1.3 that are offered and accepted, most preferred first. */
export function keyExchangeGroups(config: HandshakeConfig): readonly KeyExchangeGroup[] {
  return config.groups.flatMap(name => groups.filter(group => group.name === name))
}

export function keyExchangeGroup(id: number, config: HandshakeConfig): KeyExchangeGroup | undefined {
  return keyExchangeGroups(config).find(group => group.id === id)
}

function curve(id: number, name: GroupName): KeyExchangeGroup {
  return {
    id,
    name,
    isHybrid: false,
    offer: (crypto, random) => crypto.generateKeyShare(name, random),
    answer: (clientShare, crypto, random) => {
      const own = crypto.generateKeyShare(name, random)
      return { share: own.publicKey, secret: own.deriveSecret(clientShare) }
    },
  }
}

function encapsulate(key: Uint8Array, random: RandomSource): { cipherText: Uint8Array; sharedSecret: Uint8Array } {
  try {
    return mlKem768().encapsulate(key, random(32))
  } catch {
    // draft-ietf-tls-ecdhe-mlkem §3.1.2: the encapsulation key check of FIPS 203 §7.2.
    throw new DtlsError('bad-key-share', "the client's ML-KEM key is not one")
  }
}

function joined(kemSecret: Uint8Array, curveSecret: Uint8Array): Uint8Array {
  const secret = concatBytes(kemSecret, curveSecret)
  kemSecret.fill(0)
  curveSecret.fill(0)
  return secret
}

function badLength(): DtlsError {
  return new DtlsError('bad-key-share', "the peer's key share has the wrong length")
}
