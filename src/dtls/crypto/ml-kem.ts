import { createRequire } from 'node:module'
import { DtlsError } from '../errors.ts'
import type { KemKeys, MlKem768 } from './provider.ts'

type Library = typeof import('@noble/post-quantum/ml-kem.js').ml_kem768

const load = createRequire(import.meta.url)
let loaded: Library | undefined

/** In JavaScript: it takes long to load, and is not needed before the first handshake: a core does not wait. */
function library(): Library {
  loaded ??= (load('@noble/post-quantum/ml-kem.js') as { readonly ml_kem768: Library }).ml_kem768
  return loaded
}

/** ML-KEM-768 in JavaScript; all randomness is from the given source. */
export const nobleMlKem768: MlKem768 = {
  generateKeys: random => nobleKemKeys(random(64)),
  encapsulate: (key, random) => {
    const message = random(32)
    try {
      const { cipherText, sharedSecret } = library().encapsulate(key, message)
      return { ciphertext: cipherText, secret: sharedSecret }
    } catch {
      throw badEncapsulationKey()
    }
  },
}

/** FIPS 203 §6.1: the keys that come of the 64 bytes d || z. */
export function nobleKemKeys(seed: Uint8Array): KemKeys {
  const { publicKey, secretKey } = library().keygen(seed)
  return {
    encapsulationKey: publicKey,
    decapsulate: ciphertext => {
      const secret = library().decapsulate(ciphertext, secretKey)
      secretKey.fill(0)
      return secret
    },
  }
}

/** FIPS 203 §7.2: the encapsulation key has the wrong length, or coefficients that are not below the modulus. */
export function badEncapsulationKey(): DtlsError {
  return new DtlsError('bad-key-share', "the peer's ML-KEM key is not one")
}
