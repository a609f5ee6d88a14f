import { concatBytes } from '../../base/bytes.ts'
import type { RandomSource } from '../../base/environment.ts'
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
    const kem = crypto.mlKem768().generateKeys(random)
    const curve = crypto.generateKeyShare('x25519', random)
    return {
      publicKey: concatBytes(kem.encapsulationKey, curve.publicKey),
      deriveSecret: share => {
        if (share.length !== ciphertextLength + x25519Length) throw badLength()
        const curveSecret = curve.deriveSecret(share.subarray(ciphertextLength))
        return joined(kem.decapsulate(share.subarray(0, ciphertextLength)), curveSecret)
      },
    }
  },
  answer: (clientShare, crypto, random) => {
    if (clientShare.length !== encapsulationKeyLength + x25519Length) throw badLength()
    const curve = crypto.generateKeyShare('x25519', random)
    const curveSecret = curve.deriveSecret(clientShare.subarray(encapsulationKeyLength))
    // draft-ietf-tls-ecdhe-mlkem §3.1.2: the encapsulation key is checked as FIPS 203 §7.2 says.
    const { ciphertext, secret } = crypto
      .mlKem768()
      .encapsulate(clientShare.subarray(0, encapsulationKeyLength), random)
    return { share: concatBytes(ciphertext, curve.publicKey), secret: joined(secret, curveSecret) }
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

function joined(kemSecret: Uint8Array, curveSecret: Uint8Array): Uint8Array {
  const secret = concatBytes(kemSecret, curveSecret)
  kemSecret.fill(0)
  curveSecret.fill(0)
  return secret
}

function badLength(): DtlsError {
  return new DtlsError('bad-key-share', "the peer's key share has the wrong length")
}
