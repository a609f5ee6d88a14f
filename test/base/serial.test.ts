import assert from 'node:assert/strict'
import { add16, add32, distance32, greater16, greater32, greaterOrEqual32 } from '../../src/base/serial.ts'
import { prng } from '../support/prng.ts'

const half32 = 2 ** 31
const max32 = 2 ** 32 - 1

// RFC 1982 §3.2
describe('serial numbers of 32 bits', () => {
  it('are compared across the wrap', () => {
    assert.equal(greater32(0, max32), true)
    assert.equal(greater32(max32, 0), false)
    assert.equal(greater32(5, max32 - 5), true)
    assert.equal(greater32(max32 - 5, 5), false)
    assert.equal(greaterOrEqual32(0, max32), true)
    assert.equal(greaterOrEqual32(max32, 0), false)
  })

  it('are equal, and not greater, to themselves', () => {
    for (const a of [0, 1, half32 - 1, half32, max32]) {
      assert.equal(greater32(a, a), false)
      assert.equal(greaterOrEqual32(a, a), true)
    }
  })

  it('are greater up to the half of the circle, and neither way exactly opposite', () => {
    for (const a of [0, 1, 1000, half32 - 1, half32, half32 + 1, max32]) {
      const [near, opposite, beyond] = [add32(a, half32 - 1), add32(a, half32), add32(a, half32 + 1)]
      assert.deepEqual([greater32(near, a), greater32(a, near)], [true, false])
      assert.deepEqual([greater32(opposite, a), greater32(a, opposite)], [false, false])
      assert.deepEqual([greaterOrEqual32(opposite, a), greaterOrEqual32(a, opposite)], [false, false])
      assert.deepEqual([greater32(beyond, a), greater32(a, beyond)], [false, true])
    }
  })

  it('wrap when added to, and tell their distance ahead', () => {
    assert.equal(add32(max32, 1), 0)
    assert.equal(add32(max32, max32), max32 - 1)
    assert.equal(add32(0, -1), max32)
    assert.equal(distance32(0, max32), 1)
    assert.equal(distance32(max32, 0), max32)
    assert.equal(distance32(7, 7), 0)
  })

  it('agree with arithmetic on integers of any size, for 20,000 random pairs', () => {
    const random = prng(1982)
    for (let round = 0; round < 20_000; round++) {
      const a = random.next()
      // Half of the pairs are near each other, or nearly opposite, where mistakes would be.
      const b =
        round % 2 === 0 ? random.next() : add32(a, ((random.next() % 9) - 4) * (round % 4 === 1 ? 1 : half32 - 1))
      const ahead = BigInt.asUintN(32, BigInt(a) - BigInt(b))
      assert.equal(distance32(a, b), Number(ahead))
      assert.equal(greater32(a, b), ahead > 0n && ahead < 2n ** 31n, `${a} > ${b}`)
      assert.equal(greaterOrEqual32(a, b), ahead < 2n ** 31n, `${a} >= ${b}`)
      assert.equal(add32(a, b), Number(BigInt.asUintN(32, BigInt(a) + BigInt(b))))
    }
  })
})

describe('serial numbers of 16 bits', () => {
  it('agree with arithmetic on integers of any size, for every distance', () => {
    for (const b of [0, 1, 0x7fff, 0x8000, 0x8001, 0xffff]) {
      for (let ahead = 0; ahead <= 0xffff; ahead++) {
        const a = (b + ahead) % 0x1_0000
        if (add16(b, ahead) !== a) assert.fail(`${b} + ${ahead}`)
        if (greater16(a, b) !== (ahead > 0 && ahead < 0x8000)) assert.fail(`${a} > ${b}`)
      }
    }
    assert.equal(add16(0, -1), 0xffff)
  })
})
