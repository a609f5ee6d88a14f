import assert from 'node:assert/strict'
import { DtlsError } from '../../../src/dtls/index.ts'
import { cipherSuites13 } from '../../../src/dtls/v13/cipher-suites.ts'
import {
  createMask,
  Opener13,
  recordOverhead13,
  Sealer13,
  type TrafficKeys,
} from '../../../src/dtls/v13/record-protection.ts'
import { ciphertextEnd, isCiphertext } from '../../../src/dtls/v13/unified-header.ts'

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))

function keysOf(index: number): TrafficKeys {
  const suite = cipherSuites13[index]
  assert.ok(suite)
  const { aead, keyLength } = suite
  const bytes = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value)
  return { aead, key: bytes(keyLength, 1), iv: bytes(12, 2), sequenceKey: bytes(keyLength, 3) }
}

const data = Buffer.from('application data')

describe('Record protection of DTLS 1.3', () => {
  for (const [index, suite] of cipherSuites13.entries()) {
    it(`seals and opens with ${suite.name}`, () => {
      const sealer = new Sealer13(3, keysOf(index))
      const opener = new Opener13(keysOf(index))
      for (let n = 0; n < 1_000; n++) {
        const record = sealer.seal(n % 2 === 0 ? 23 : 22, data)
        const before = Buffer.from(record)
        assert.equal(record.length, data.length + recordOverhead13)
        assert.ok(isCiphertext(record[0] ?? 0))
        assert.deepEqual(Buffer.from(opener.open(record, 0, record.length) ?? []), data)
        assert.equal(opener.type, n % 2 === 0 ? 23 : 22)
        assert.equal(opener.sequence, n)
        assert.deepEqual(Buffer.from(record), before)
      }
    }).timeout(20_000)
  }

  it('hides sequence numbers with the masks of RFC 9001', () => {
    const masked = (aead: TrafficKeys['aead'], sequenceKey: string, sample: string): string => {
      const header = new Uint8Array(2)
      createMask({ aead, key: header, iv: header, sequenceKey: hex(sequenceKey) }).apply(header, 0, 2, hex(sample), 0)
      return Buffer.from(header).toString('hex')
    }
    // RFC 9001 §A.2 and §A.5: header protection of QUIC makes its masks in the same way.
    const aes = masked('aes-128-gcm', '9f50449e04a0e810283a1e9933adedd2', 'd1b1c98dd7689fb8ec11d242b123dc9b')
    assert.equal(aes, '437b')
    const key = '25a282b9e82f06f21f488917a4fc8f1b73573685608597d0efcb076b0ab7a7a4'
    assert.equal(masked('chacha20-poly1305', key, '5e5cd55c41f69080575d7999c25a5bfb'), 'aefe')
  })

  it('finds a number of 16 bits that is far from the last one, in both directions', () => {
    const sealer = new Sealer13(3, keysOf(0))
    const records = Array.from({ length: 70_000 }, () => sealer.seal(23, data))
    const opener = new Opener13(keysOf(0))
    for (const n of [0, 30_000, 60_000, 69_999, 40_000, 65_535, 65_536, 1]) {
      const record = records[n] ?? data
      const opened = opener.open(record, 0, record.length)
      // Two records that far apart look alike.
      if (n === 1) assert.equal(opened, undefined)
      else assert.equal(opener.sequence, n)
    }
  })

  it('opens nothing that was changed, cut off, or sealed with other keys', () => {
    const record = new Sealer13(3, keysOf(0)).seal(23, data)
    for (let at = 0; at < record.length; at++) {
      const changed = new Uint8Array(record)
      // The flags say where the rest is; what they may be is found out before.
      changed[at] = (changed[at] ?? 0) ^ (at === 0 ? 1 : 0x80)
      assert.equal(new Opener13(keysOf(0)).open(changed, 0, changed.length), undefined, `byte ${at}`)
    }
    for (let end = 5; end < record.length; end++) {
      assert.equal(new Opener13(keysOf(0)).open(record, 0, end), undefined)
    }
    assert.equal(new Opener13({ ...keysOf(0), iv: new Uint8Array(12) }).open(record, 0, record.length), undefined)
  })

  it('finds where records end', () => {
    const record = new Sealer13(2, keysOf(0)).seal(23, data)
    const two = Buffer.concat([record, record])
    assert.equal(ciphertextEnd(two, 0), record.length)
    assert.equal(ciphertextEnd(two, record.length), two.length)
    assert.equal(ciphertextEnd(record.subarray(0, 10), 0), -1)
    assert.equal(ciphertextEnd(record.subarray(0, 3), 0), -1)
    // Without a length: all the rest. With a connection ID: none was negotiated.
    assert.equal(ciphertextEnd(Uint8Array.of(0x2b, 0, 0, 1, 2, 3), 0), 6)
    assert.equal(ciphertextEnd(Uint8Array.of(0x3f, 0, 0, 0, 1, 2, 3), 0), -1)
  })

  it('uses every nonce once, and stops at the limit of the key', () => {
    const sealer = new Sealer13(3, keysOf(0), undefined, 3)
    for (let n = 0; n < 3; n++) sealer.seal(23, data)
    assert.throws(() => sealer.seal(23, data), { code: 'sequence-exhausted' })
    assert.equal(sealer.sequence, 3)
  })

  it('stops where too many records were forged', () => {
    const opener = new Opener13(keysOf(0), 2)
    const forged = new Sealer13(3, keysOf(1)).seal(23, data)
    for (let n = 0; n < 2; n++) opener.open(forged, 0, forged.length)
    assert.equal(opener.exhausted, false)
    opener.open(forged, 0, forged.length)
    assert.equal(opener.exhausted, true)
  })

  it('seals nothing after its keys were wiped', () => {
    const sealer = new Sealer13(3, keysOf(0))
    sealer.wipe()
    assert.throws(() => sealer.seal(23, data), DtlsError)
  })
})
