import assert from 'node:assert/strict'
import { createCipheriv } from 'node:crypto'
import { maxPlaintextLength, maxSequence } from '../../src/dtls/record.ts'
import { ChaCha20Poly1305Opener, ChaCha20Poly1305Sealer } from '../../src/dtls/v12/chacha20-poly1305.ts'
import { prng } from '../support/prng.ts'

const keyBytes = prng(1).bytes(32)
const ivBytes = prng(2).bytes(12)
const key = (): Uint8Array => new Uint8Array(keyBytes)
const iv = (): Uint8Array => new Uint8Array(ivBytes)

describe('A record protected with ChaCha20-Poly1305 in DTLS 1.2', () => {
  it('has the nonce and the additional data that RFC 7905 and RFC 5246 say', () => {
    const sequence = 0x0203_0405_0607
    const record = Buffer.from(new ChaCha20Poly1305Sealer(1, key(), iv(), sequence).seal(23, Buffer.from('content')))
    const count = Buffer.from('0001020304050607', 'hex')
    const nonce = Buffer.from(ivBytes)
    for (let i = 0; i < 8; i++) nonce[4 + i] = (nonce[4 + i] ?? 0) ^ (count[i] ?? 0)
    const cipher = createCipheriv('chacha20-poly1305', keyBytes, nonce, { authTagLength: 16 })
    cipher.setAAD(Buffer.concat([count, Buffer.from('17fefd0007', 'hex')]), { plaintextLength: 7 })
    const sealed = Buffer.concat([cipher.update('content'), cipher.final(), cipher.getAuthTag()])
    assert.equal(record.toString('hex'), `17fefd${count.toString('hex')}0017${sealed.toString('hex')}`)
  })

  it('is opened only if nothing in it was changed, however little is left of it', () => {
    const sealer = new ChaCha20Poly1305Sealer(1, key(), iv())
    const opener = new ChaCha20Poly1305Opener(key(), iv())
    const record = Buffer.from(sealer.seal(23, Buffer.from('content')))
    assert.equal(record.length, 7 + sealer.overhead)
    const padded = Buffer.concat([Buffer.alloc(3), record, Buffer.alloc(2)])
    assert.equal(Buffer.from(opener.open(padded, 3, 3 + record.length) ?? []).toString(), 'content')
    for (let at = 0; at < record.length; at++) {
      // The length is checked before, and not part of what is opened.
      if (at === 11 || at === 12) continue
      const changed = Buffer.from(record)
      changed[at] = (changed[at] ?? 0) ^ 0x40
      assert.equal(opener.open(changed, 0, changed.length), undefined, `byte ${at}`)
    }
    for (let length = 13; length < record.length; length++) {
      assert.equal(opener.open(record.subarray(0, length), 0, length), undefined)
    }
    const empty = sealer.seal(23, new Uint8Array())
    assert.equal(opener.open(empty, 0, empty.length)?.length, 0)
  })

  it('never has a nonce twice: it ends with the last sequence number', () => {
    const sealer = new ChaCha20Poly1305Sealer(1, key(), iv(), maxSequence)
    sealer.seal(23, new Uint8Array())
    assert.throws(() => sealer.seal(23, new Uint8Array()), { code: 'sequence-exhausted' })
    const other = new ChaCha20Poly1305Sealer(1, key(), iv())
    assert.throws(() => other.seal(23, new Uint8Array(maxPlaintextLength + 1)), { code: 'record-too-long' })
  })

  it('cannot be made or read once the keys are overwritten', () => {
    const [ownKey, ownIv, peerKey, peerIv] = [key(), iv(), key(), iv()]
    const sealer = new ChaCha20Poly1305Sealer(1, ownKey, ownIv)
    const opener = new ChaCha20Poly1305Opener(peerKey, peerIv)
    const record = sealer.seal(23, Buffer.from('content'))
    sealer.wipe()
    opener.wipe()
    for (const secret of [ownKey, ownIv, peerKey, peerIv]) assert.ok(secret.every(byte => byte === 0))
    assert.throws(() => sealer.seal(23, new Uint8Array()), { code: 'sequence-exhausted' })
    assert.equal(opener.open(record, 0, record.length), undefined)
  })
})
