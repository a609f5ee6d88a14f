import assert from 'node:assert/strict'
import { createCipheriv, createHmac } from 'node:crypto'
import { CounterMode, maxPacketLength } from '../../src/srtp/counter-mode.ts'
import { HmacSha1 } from '../../src/srtp/hmac-sha1.ts'
import { take } from '../../src/srtp/slab.ts'
import { prng } from '../support/prng.ts'
import { copyOf, text } from './support.ts'

describe('What SRTP makes of the primitives of node:crypto', () => {
  it('is its counter mode, for every length, place and index', () => {
    for (const keyLength of [16, 32]) {
      const random = prng(keyLength)
      const key = random.bytes(keyLength)
      const salt = random.bytes(14)
      const mode = new CounterMode(copyOf(key), copyOf(salt))
      const lengths = [...Array(70).keys(), 1200, 1536, 1537, 9000, maxPacketLength]
      for (const length of lengths) {
        const start = random.next() % 7
        const data = random.bytes(start + length + 5)
        const ssrc = random.next()
        const index = random.next() * 0x1_0000 + (random.next() & 0xffff)
        const counter = new Uint8Array(16)
        const view = new DataView(counter.buffer)
        view.setUint32(4, ssrc)
        view.setBigUint64(8, BigInt(index) << 16n)
        for (const [i, byte] of salt.entries()) counter[i] = (counter[i] ?? 0) ^ byte
        const cipher = createCipheriv(keyLength === 32 ? 'aes-256-ctr' : 'aes-128-ctr', key, counter)
        const expected = copyOf(data)
        expected.set(cipher.update(data.subarray(start, start + length)), start)
        mode.apply(data, start, start + length, ssrc, index)
        assert.equal(text(data), text(expected), `${length} bytes at ${start}, index ${index}`)
      }
    }
  })

  it('is its HMAC, for every length', () => {
    const random = prng(2)
    for (const keyLength of [0, 20, 64]) {
      const key = random.bytes(keyLength)
      const mac = new HmacSha1(copyOf(key))
      for (const length of [...Array(130).keys(), 1500, 1536, 1537, maxPacketLength, 5]) {
        const data = random.bytes(length + 3)
        const suffix = random.bytes(4)
        const expected = createHmac('sha1', key).update(data.subarray(0, length)).digest('binary')
        const suffixed = createHmac('sha1', key).update(data.subarray(0, length)).update(suffix).digest('binary')
        assert.equal(mac.digest(data, length), expected, `${length} bytes`)
        assert.equal(mac.digest(data, length, suffix), suffixed, `${length} bytes and 4`)
      }
    }
  })

  it('fills the keys it is given with zeros', () => {
    const keys = [prng(1).bytes(16), prng(2).bytes(20)] as const
    new CounterMode(keys[0], new Uint8Array(14))
    new HmacSha1(keys[1])
    for (const key of keys)
      assert.equal(
        key.every(byte => byte === 0),
        true,
      )
  })
})

describe('The slab of outgoing packets', () => {
  it('gives no byte twice', () => {
    const random = prng(5)
    const taken: Uint8Array[] = []
    for (let i = 0; i < 2_000; i++) taken.push(take(random.next() % 5_000).fill(i & 0xff))
    for (const [i, each] of taken.entries())
      assert.equal(
        each.every(byte => byte === (i & 0xff)),
        true,
        `array ${i}`,
      )
  })
})
