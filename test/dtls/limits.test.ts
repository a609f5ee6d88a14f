import assert from 'node:assert/strict'
import type { AeadName } from '../../src/dtls/aead.ts'
import { nodeCryptoProvider } from '../../src/dtls/index.ts'
import { toConfig } from '../../src/dtls/options.ts'
import { maxSequence } from '../../src/dtls/record.ts'
import { AesGcmSealer, type RecordSealer } from '../../src/dtls/record-protection.ts'
import { ChaCha20Poly1305Sealer } from '../../src/dtls/v12/chacha20-poly1305.ts'
import { maxForgedRecords, maxSealedRecords, Opener13, Sealer13 } from '../../src/dtls/v13/record-protection.ts'
import { connectedPair, type Pair } from './support.ts'

const maxVersion = '1.3'
const data = Buffer.from('application data')

/** A pair of DTLS 1.3 whose keys may seal no more records than this. */
function pairWithLimit(limit: number): Pair {
  const limits = maxSealedRecords as Record<AeadName, number>
  const genuine = { ...limits }
  try {
    for (const aead of Object.keys(genuine) as AeadName[]) limits[aead] = limit
    return connectedPair({ options: { maxVersion } })
  } finally {
    Object.assign(limits, genuine)
  }
}

/** Seals until the key of the client has sealed all it may but `left` records. */
function wearOut({ client }: Pair, limit: number, left = 0): void {
  const genuine = Sealer13.prototype.seal
  let sealer: Sealer13 | undefined
  Sealer13.prototype.seal = function (type, content) {
    sealer = this
    return genuine.call(this, type, content)
  }
  try {
    do client.dtls.seal(data)
    while (sealer !== undefined && sealer.sequence < limit - left)
  } finally {
    Sealer13.prototype.seal = genuine
  }
}

describe('What a key may do', () => {
  it('is what the standards say, for each AEAD', () => {
    // RFC 8446 §5.5: 2^24.5 full-size records with AES-GCM; with ChaCha20-Poly1305, the sequence number ends before.
    assert.deepEqual(maxSealedRecords, {
      'aes-128-gcm': 23_726_566,
      'aes-256-gcm': 23_726_566,
      'chacha20-poly1305': 2 ** 48 - 1,
    })
    // RFC 9147 §4.5.3: the same for all three.
    assert.equal(maxForgedRecords, 68_719_476_736)
    // RFC 6347 §4.1: the sequence number of DTLS 1.2 has 48 bits.
    assert.equal(maxSequence, 2 ** 48 - 1)
  })

  it('is far from being done when the key is replaced unasked', () => {
    const options = {
      role: 'client',
      identities: [],
      fingerprints: [],
      crypto: nodeCryptoProvider,
      random: (length: number) => new Uint8Array(length),
      peerAddressValidated: true,
    } as const
    const { keyUpdateAfter } = toConfig(options, () => {})
    for (const limit of Object.values(maxSealedRecords)) assert.ok(keyUpdateAfter <= limit / 2)
  })

  for (const [aead, keyLength] of [
    ['aes-128-gcm', 16],
    ['aes-256-gcm', 32],
    ['chacha20-poly1305', 32],
  ] as const) {
    const key = (): Uint8Array => new Uint8Array(keyLength).fill(1)
    const iv = (length = 12): Uint8Array => new Uint8Array(length).fill(2)

    it(`ends with the last sequence number of DTLS 1.2, with ${aead}`, () => {
      const sealer: RecordSealer =
        aead === 'chacha20-poly1305'
          ? new ChaCha20Poly1305Sealer(1, key(), iv(), maxSequence - 1)
          : new AesGcmSealer(1, key(), iv(4), maxSequence - 1)
      const [last, lastButOne] = [sealer.seal(23, data), sealer.seal(23, data)]
      assert.notDeepEqual(last, lastButOne)
      for (let n = 0; n < 3; n++) assert.throws(() => sealer.seal(23, data), { code: 'sequence-exhausted' })
    })

    it(`ends with the limit of DTLS 1.3, with ${aead}`, () => {
      const limit = 3
      const keys = { aead, key: key(), iv: iv(), sequenceKey: key() }
      const sealer = new Sealer13(3, keys, undefined, limit)
      for (let n = 0; n < limit; n++) sealer.seal(23, data)
      for (let n = 0; n < 3; n++) assert.throws(() => sealer.seal(23, data), { code: 'sequence-exhausted' })
      assert.equal(sealer.sequence, limit)
    })

    it(`ends with the last forgery that may be met in DTLS 1.3, with ${aead}`, () => {
      const limit = 3
      const opener = new Opener13({ aead, key: key(), iv: iv(), sequenceKey: key() }, limit)
      const forged = new Uint8Array(40).fill(0x2f)
      for (let n = 0; n < limit; n++) assert.equal(opener.open(forged, 0, forged.length), undefined)
      assert.equal(opener.exhausted, false)
      opener.open(forged, 0, forged.length)
      assert.equal(opener.exhausted, true)
    })
  }
})

describe('A connection of DTLS 1.3 whose key is worn out', () => {
  const limit = 20

  it('fails where it should seal once more, and seals nothing ever after', () => {
    const pair = pairWithLimit(limit)
    wearOut(pair, limit)
    const { client } = pair
    assert.throws(() => client.dtls.seal(data), { code: 'sequence-exhausted' })
    client.drainEvents()
    assert.equal(client.failure, 'sequence-exhausted')
    assert.equal(client.dtls.state, 'failed')
    // Not even an alert: that would need a nonce, too.
    assert.deepEqual(client.transmits(), [])
    assert.throws(() => client.dtls.seal(data), { code: 'not-connected' })
  })

  it('fails where it should acknowledge, and nothing is thrown at whoever brings the datagram', () => {
    const pair = pairWithLimit(limit)
    wearOut(pair, limit)
    pair.server.dtls.updateKeys(0)
    for (const datagram of pair.server.transmits()) pair.client.receive(datagram, 0)
    assert.equal(pair.client.failure, 'sequence-exhausted')
  })

  it('fails where it should replace the key, or send that again, and nothing is thrown at the timer', () => {
    const replaced = pairWithLimit(limit)
    wearOut(replaced, limit)
    replaced.client.dtls.updateKeys(0)
    replaced.client.drainEvents()
    assert.equal(replaced.client.failure, 'sequence-exhausted')

    const repeated = pairWithLimit(limit)
    wearOut(repeated, limit, 1)
    repeated.client.dtls.updateKeys(0)
    assert.equal(repeated.client.transmits().length, 1)
    repeated.client.dtls.handleTimeout(repeated.client.dtls.pollTimeout() ?? Number.NaN)
    repeated.client.drainEvents()
    assert.equal(repeated.client.failure, 'sequence-exhausted')
  })

  it('fails where a key met too many forgeries, without a word to the forger', () => {
    const pair = connectedPair({ options: { maxVersion } })
    const genuine = Object.getOwnPropertyDescriptor(Opener13.prototype, 'exhausted')
    assert.ok(genuine)
    const forged = Buffer.from(pair.client.dtls.seal(data))
    forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1
    assert.deepEqual(pair.server.receive(forged), { drop: 'bad-record-mac' })
    assert.equal(pair.server.dtls.state, 'connected')
    Object.defineProperty(Opener13.prototype, 'exhausted', { ...genuine, get: () => true })
    try {
      pair.server.receive(forged)
    } finally {
      Object.defineProperty(Opener13.prototype, 'exhausted', genuine)
    }
    assert.equal(pair.server.failure, 'too-many-forgeries')
    assert.deepEqual(pair.server.transmits(), [])
  })
})
