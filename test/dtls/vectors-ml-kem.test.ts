import assert from 'node:assert/strict'
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js'
import { nobleKemKeys, nobleMlKem768 } from '../../src/dtls/crypto/ml-kem.ts'
import { nodeMlKem768 } from '../../src/dtls/crypto/node-ml-kem.ts'
import { Alert } from '../../src/dtls/errors.ts'
import { prng } from '../support/prng.ts'
import { implementations, secretOrRefusal } from './crypto-implementations.ts'
import { forEachVector, requireVectors, type Vector } from './wycheproof.ts'

/** Bytes of a ciphertext. A share of another length is refused before it comes here: see the tests of the key exchange. */
const ciphertextLength = 1088
const seedLength = 64

describe("Project Wycheproof's vectors of ML-KEM-768", function () {
  this.timeout(60_000)
  before(function () {
    requireVectors(this)
  })

  for (const { provider, mlKem } of implementations) {
    const { name } = provider

    it(`hold for the keys that come of a seed, with the ${name} provider`, () => {
      forEachVector('mlkem_768_keygen_seed', { valid: 100 }, vector => {
        const { encapsulationKey } = mlKem(vector.bytes('seed'))
        assert.equal(Buffer.from(encapsulationKey).toString('hex'), vector.hex('ek'), vector.title)
      })
    })

    it(`hold for the encapsulation key check, with the ${name} provider`, () => {
      forEachVector('mlkem_768_encaps', { valid: 133, invalid: 132 }, vector => {
        // FIPS 203 §7.2: of the wrong length, or with coefficients that are not below the modulus.
        const encapsulate = (): Uint8Array =>
          provider.mlKem768().encapsulate(vector.bytes('ek'), () => vector.bytes('m')).secret
        const isRefused = secretOrRefusal(encapsulate) === 'bad-key-share'
        assert.equal(isRefused, vector.result === 'invalid', vector.title)
      })
    })

    it(`hold for decapsulation, rejected ciphertexts included, with the ${name} provider`, () => {
      const refused = { seed: 0, ciphertext: 0 }
      forEachVector('mlkem_768', { valid: 153, invalid: 40 }, vector => {
        if (vector.result === 'valid') {
          const keys = mlKem(vector.bytes('seed'))
          assert.equal(Buffer.from(keys.encapsulationKey).toString('hex'), vector.hex('ek'), vector.title)
          assert.equal(Buffer.from(keys.decapsulate(vector.bytes('c'))).toString('hex'), vector.hex('K'), vector.title)
          return
        }
        if (vector.bytes('seed').length !== seedLength) {
          assert.throws(() => mlKem(vector.bytes('seed')), Error, vector.title)
          refused.seed++
          return
        }
        assert.notEqual(vector.bytes('c').length, ciphertextLength, vector.title)
        assert.throws(() => mlKem(vector.bytes('seed')).decapsulate(vector.bytes('c')), Error, vector.title)
        refused.ciphertext++
      })
      assert.deepEqual(refused, { seed: 20, ciphertext: 20 })
    })
  }

  it('hold for what encapsulation makes of a message: only the JavaScript one can be given it', () => {
    forEachVector('mlkem_768_encaps', { valid: 133, invalid: 132 }, vector => {
      if (vector.result === 'invalid') return
      const { ciphertext, secret } = nobleMlKem768.encapsulate(vector.bytes('ek'), () => vector.bytes('m'))
      assert.equal(Buffer.from(ciphertext).toString('hex'), vector.hex('c'), vector.title)
      assert.equal(Buffer.from(secret).toString('hex'), vector.hex('K'), vector.title)
    })
  })

  it('hold for keys that are stored expanded, which nothing here does, in the library that makes ours', () => {
    const decapsulate = (vector: Vector): Uint8Array => ml_kem768.decapsulate(vector.bytes('c'), vector.bytes('dk'))
    forEachVector('mlkem_768_semi_expanded_decaps', { valid: 3, invalid: 6 }, vector => {
      if (vector.result === 'invalid') assert.throws(() => decapsulate(vector), Error, vector.title)
      else assert.equal(Buffer.from(decapsulate(vector)).toString('hex'), vector.hex('K'), vector.title)
    })
  })
})

describe('ML-KEM-768', () => {
  const generator = prng(11)
  const random = (length: number): Uint8Array => generator.bytes(length)

  for (const { provider } of implementations) {
    for (const { provider: other } of implementations) {
      it(`of the ${provider.name} provider agrees with that of the ${other.name} provider`, () => {
        for (let n = 0; n < 20; n++) {
          const keys = provider.mlKem768().generateKeys(random)
          assert.equal(keys.encapsulationKey.length, 1184)
          const { ciphertext, secret } = other.mlKem768().encapsulate(keys.encapsulationKey, random)
          assert.equal(ciphertext.length, ciphertextLength)
          assert.deepEqual(Buffer.from(keys.decapsulate(ciphertext)), Buffer.from(secret), `round ${n}`)
        }
      })
    }

    it(`of the ${provider.name} provider takes no keys that FIPS 203 §7.2 refuses`, () => {
      const good = provider.mlKem768().generateKeys(random).encapsulationKey
      const modulus = Buffer.from(good)
      // The first coefficient, of 12 bits, becomes q = 3329 = d01.
      modulus[0] = 0x01
      modulus[1] = ((modulus[1] ?? 0) & 0xf0) | 0x0d
      const largest = Buffer.from(modulus)
      // q - 1 is the largest that there is.
      largest[0] = 0x00
      const longer = Buffer.concat([good, Buffer.of(0)])
      const empty = new Uint8Array()
      const outcome = (key: Uint8Array): string =>
        secretOrRefusal(() => provider.mlKem768().encapsulate(key, random).secret)
      for (const key of [modulus, longer, good.subarray(1), empty]) assert.equal(outcome(key), 'bad-key-share')
      for (const key of [good, largest]) assert.match(outcome(key), /^[0-9a-f]{64}$/)
    })
  }

  it('rejects a ciphertext that was changed by answering with another secret', () => {
    for (const { mlKem } of implementations) {
      const seed = random(seedLength)
      const { encapsulationKey } = mlKem(seed)
      const { ciphertext, secret } = nobleMlKem768.encapsulate(encapsulationKey, random)
      ciphertext[7] = (ciphertext[7] ?? 0) ^ 1
      const rejected = mlKem(seed).decapsulate(ciphertext)
      assert.notDeepEqual(Buffer.from(rejected), Buffer.from(secret))
      // FIPS 203 §6.3: and it is the same for everybody who has the key.
      assert.deepEqual(Buffer.from(rejected), Buffer.from(nobleKemKeys(seed).decapsulate(ciphertext)))
    }
  })

  it('is that of node:crypto where it has one, and is asked for once', () => {
    const [node] = implementations
    assert.ok(node)
    assert.equal(node.provider.mlKem768(), nodeMlKem768() ?? nobleMlKem768)
    assert.equal(nodeMlKem768(), nodeMlKem768())
    // Built with OpenSSL 3.5, Node has had it since 24.7.
    const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
    const mustHave = (major > 24 || (major === 24 && minor >= 7)) && /^3\.[5-9]/.test(process.versions.openssl)
    if (mustHave) assert.ok(nodeMlKem768())
  })

  it('of JavaScript overwrites its key once that was used', () => {
    const keys = nobleMlKem768.generateKeys(random)
    const { ciphertext } = nobleMlKem768.encapsulate(keys.encapsulationKey, random)
    keys.decapsulate(ciphertext)
    assert.throws(() => keys.decapsulate(ciphertext))
  })

  it('tells the peer illegal_parameter where its key is none', () => {
    assert.throws(() => nobleMlKem768.encapsulate(new Uint8Array(1184).fill(0xff), random), {
      code: 'bad-key-share',
      alert: Alert.illegalParameter,
    })
  })
})
