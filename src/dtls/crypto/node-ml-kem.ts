import nodeCrypto, { createPublicKey, type KeyObject, type KeyPairKeyObjectResult } from 'node:crypto'
import { concatBytes } from '../../base/bytes.ts'
import { badEncapsulationKey } from './ml-kem.ts'
import type { KemKeys, MlKem768 } from './provider.ts'

/** What newer versions of `node:crypto` have; whether ML-KEM is among it depends on the OpenSSL they are built with. */
interface KemFunctions {
  readonly generateKeyPairSync: (type: 'ml-kem-768') => KeyPairKeyObjectResult
  readonly encapsulate: (key: KeyObject) => { readonly ciphertext: Uint8Array; readonly sharedKey: Uint8Array }
  readonly decapsulate: (key: KeyObject, ciphertext: Uint8Array) => Uint8Array
}

const encapsulationKeyLength = 1184

/** RFC 5280 §4.1: what precedes the key in a SubjectPublicKeyInfo of id-alg-ml-kem-768, 2.16.840.1.101.3.4.4.2. */
const spkiPrefix: Uint8Array = Buffer.from('308204b2300b0609608648016503040402038204a100', 'hex')

let found: { readonly kem: MlKem768 | undefined } | undefined

/** ML-KEM-768 of `node:crypto`; undefined if it has none. Tried once, when it is first asked for. */
export function nodeMlKem768(): MlKem768 | undefined {
  found ??= { kem: detect(nodeCrypto as unknown as Partial<KemFunctions>) }
  return found.kem
}

function detect({ generateKeyPairSync, encapsulate, decapsulate }: Partial<KemFunctions>): MlKem768 | undefined {
  if (generateKeyPairSync === undefined || encapsulate === undefined || decapsulate === undefined) return undefined
  try {
    generateKeyPairSync('ml-kem-768')
  } catch {
    // The functions are there, the algorithm is not: an OpenSSL before 3.5.
    return undefined
  }
  return {
    generateKeys: () => nodeKemKeys(generateKeyPairSync('ml-kem-768')),
    encapsulate: key => {
      // FIPS 203 §7.2: both the length and the modulus are checked; the latter by OpenSSL as it reads the key.
      if (key.length !== encapsulationKeyLength) throw badEncapsulationKey()
      try {
        const spki = Buffer.from(concatBytes(spkiPrefix, key))
        const { ciphertext, sharedKey } = encapsulate(createPublicKey({ key: spki, format: 'der', type: 'spki' }))
        return { ciphertext, secret: sharedKey }
      } catch {
        throw badEncapsulationKey()
      }
    },
  }
}

/** The keys of a pair of `node:crypto`. */
export function nodeKemKeys({ publicKey, privateKey }: KeyPairKeyObjectResult): KemKeys {
  const { decapsulate } = nodeCrypto as unknown as KemFunctions
  return {
    encapsulationKey: publicKey.export({ format: 'der', type: 'spki' }).subarray(spkiPrefix.length),
    decapsulate: ciphertext => decapsulate(privateKey, ciphertext),
  }
}
