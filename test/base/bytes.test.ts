import assert from 'node:assert/strict'
import { ByteReader, ByteWriter, concatBytes, constantTimeEqual, equalBytes } from '../../src/base/bytes.ts'
import { MalformedError } from '../../src/base/errors.ts'
import { type Prng, prng } from '../support/prng.ts'

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

describe('ByteReader', () => {
  const one = bytes(0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef)

  it('reads unsigned big-endian integers of every width', () => {
    assert.equal(new ByteReader(one).uint8('x'), 0x01)
    assert.equal(new ByteReader(one).uint16('x'), 0x0123)
    assert.equal(new ByteReader(one).uint24('x'), 0x012345)
    assert.equal(new ByteReader(one).uint32('x'), 0x01234567)
    assert.equal(new ByteReader(one).uint48('x'), 0x0123456789ab)
    assert.equal(new ByteReader(one).uint64('x'), 0x0123456789abcdefn)
  })

  it('reads the greatest integers of every width as positive', () => {
    const all = new Uint8Array(8).fill(0xff)
    assert.equal(new ByteReader(all).uint8('x'), 0xff)
    assert.equal(new ByteReader(all).uint16('x'), 0xffff)
    assert.equal(new ByteReader(all).uint24('x'), 0xff_ffff)
    assert.equal(new ByteReader(all).uint32('x'), 0xffff_ffff)
    assert.equal(new ByteReader(all).uint48('x'), 2 ** 48 - 1)
    assert.equal(new ByteReader(all).uint64('x'), 2n ** 64n - 1n)
  })

  it('counts what it has read and what is left', () => {
    const reader = new ByteReader(one)
    assert.deepEqual([reader.offset, reader.remaining], [0, 8])
    reader.uint24('x')
    assert.deepEqual([reader.offset, reader.remaining], [3, 5])
    reader.skip(4, 'x')
    assert.deepEqual([reader.offset, reader.remaining], [7, 1])
    assert.deepEqual(reader.rest(), bytes(0xef))
    assert.deepEqual([reader.offset, reader.remaining], [8, 0])
    assert.deepEqual(reader.rest(), bytes())
  })

  it('reads from the middle of a buffer, and gives out views of it', () => {
    const whole = bytes(9, 9, 2, 0xaa, 0xbb, 0, 1, 0xcc, 0, 0, 2, 0xdd, 0xee, 9)
    const reader = new ByteReader(whole.subarray(2, 13))
    const vectors = [reader.vector8('a'), reader.vector16('b'), reader.vector24('c')]
    assert.deepEqual(vectors, [bytes(0xaa, 0xbb), bytes(0xcc), bytes(0xdd, 0xee)])
    assert.equal(reader.remaining, 0)
    whole[3] = 0x11
    assert.equal(vectors[0]?.[0], 0x11)
  })

  it('takes a tail only if told to', () => {
    const reader = new ByteReader(bytes(1, 2, 3))
    reader.uint8('x')
    assert.throws(() => reader.expectEnd('a message'), {
      name: 'MalformedError',
      message: 'a message: 2 bytes too many',
    })
    reader.uint16('x')
    reader.expectEnd('a message')
  })

  const reads: Readonly<Record<string, readonly [needs: number, read: (reader: ByteReader) => unknown]>> = {
    uint8: [1, reader => reader.uint8('field')],
    uint16: [2, reader => reader.uint16('field')],
    uint24: [3, reader => reader.uint24('field')],
    uint32: [4, reader => reader.uint32('field')],
    uint48: [6, reader => reader.uint48('field')],
    uint64: [8, reader => reader.uint64('field')],
    bytes: [5, reader => reader.bytes(5, 'field')],
    skip: [5, reader => reader.skip(5, 'field')],
    vector8: [4, reader => reader.vector8('field')],
    vector16: [5, reader => reader.vector16('field')],
    vector24: [6, reader => reader.vector24('field')],
  }
  // Vectors of three bytes, whatever the width of their prefix.
  const inputs: Readonly<Record<string, Uint8Array>> = {
    vector8: bytes(3, 1, 2, 3),
    vector16: bytes(0, 3, 1, 2, 3),
    vector24: bytes(0, 0, 3, 1, 2, 3),
  }
  for (const [name, [needs, read]] of Object.entries(reads)) {
    it(`names the field that ${name} finds cut short, and does not read beyond`, () => {
      const input = inputs[name] ?? new Uint8Array(needs)
      // A view into a longer buffer, where reading on would find bytes.
      const longer = concatBytes(input, new Uint8Array(16))
      for (let length = 0; length < needs; length++) {
        assert.throws(
          () => read(new ByteReader(longer.subarray(0, length))),
          (error: unknown) => error instanceof MalformedError && error.message.startsWith('field: needs '),
          `${length} bytes`,
        )
      }
      const reader = new ByteReader(longer.subarray(0, needs))
      read(reader)
      assert.equal(reader.remaining, 0)
    })
  }

  it('stays where it was if the input ends first', () => {
    const reader = new ByteReader(bytes(1, 2, 3))
    assert.throws(() => reader.uint32('x'), MalformedError)
    assert.equal(reader.offset, 0)
    assert.equal(reader.uint24('x'), 0x010203)
  })

  it('refuses lengths below zero, which would turn it back', () => {
    const reader = new ByteReader(one)
    reader.skip(4, 'x')
    assert.throws(() => reader.bytes(-1, 'reason phrase'), /^MalformedError: reason phrase: needs -1 bytes, 4 left$/)
    assert.throws(() => reader.skip(-4, 'x'), MalformedError)
    assert.equal(reader.offset, 4)
  })
})

describe('ByteWriter', () => {
  it('writes unsigned big-endian integers of every width', () => {
    const writer = new ByteWriter()
      .uint8(0x01)
      .uint16(0x0203)
      .uint24(0x040506)
      .uint32(0x0708090a)
      .uint48(0x0b0c0d0e0f10)
      .uint64(0x1112131415161718n)
    assert.equal(writer.length, 24)
    assert.deepEqual(
      writer.finish(),
      Uint8Array.from({ length: 24 }, (_, i) => i + 1),
    )
  })

  it('writes the greatest integers of every width', () => {
    const writer = new ByteWriter(0)
    writer
      .uint8(0xff)
      .uint16(0xffff)
      .uint24(0xff_ffff)
      .uint32(0xffff_ffff)
      .uint48(2 ** 48 - 1)
      .uint64(2n ** 64n - 1n)
    assert.deepEqual(writer.finish(), new Uint8Array(24).fill(0xff))
  })

  it('writes vectors with the length in front, one in another', () => {
    const written = new ByteWriter(1)
      .vector(2, outer =>
        outer
          .uint8(7)
          .vector(1, () => {})
          .vector(3, inner => inner.bytes(bytes(1, 2, 3))),
      )
      .finish()
    assert.deepEqual(written, bytes(0, 8, 7, 0, 0, 0, 3, 1, 2, 3))
  })

  it('writes the longest vectors that their prefixes can tell, and refuses longer ones', () => {
    for (const prefix of [1, 2] as const) {
      const longest = 2 ** (8 * prefix) - 1
      const written = new ByteWriter().vector(prefix, writer => writer.zeros(longest)).view()
      assert.equal(written.length, prefix + longest)
      assert.deepEqual(written.subarray(0, prefix), new Uint8Array(prefix).fill(0xff))
      assert.throws(() => new ByteWriter().vector(prefix, writer => writer.zeros(longest + 1)), MalformedError)
    }
    const long = new ByteWriter().vector(3, writer => writer.zeros(0x01_2345)).view()
    assert.deepEqual(long.subarray(0, 3), bytes(0x01, 0x23, 0x45))
  })

  it('overwrites what it is told to', () => {
    const writer = new ByteWriter().uint32(0).uint32(0xffff_ffff)
    assert.deepEqual(writer.patchUint16(2, 0x0102).finish(), bytes(0, 0, 1, 2, 255, 255, 255, 255))
  })

  it('gives out a view of what it wrote, or a copy', () => {
    const writer = new ByteWriter(16).uint16(0x0102)
    const [view, copy] = [writer.view(), writer.finish()]
    writer.patchUint16(0, 0x0304)
    assert.deepEqual([view, copy], [bytes(3, 4), bytes(1, 2)])
    assert.equal(copy.buffer.byteLength, 2)
  })

  it('grows from any capacity without losing anything', () => {
    for (const capacity of [0, 1, 2, 3, 255, 256]) {
      const writer = new ByteWriter(capacity)
      for (let i = 0; i < 1_000; i++) writer.uint8(i & 0xff)
      writer.zeros(1_000).bytes(bytes(1, 2))
      const expected = new Uint8Array(2_002)
      for (let i = 0; i < 1_000; i++) expected[i] = i & 0xff
      expected.set([1, 2], 2_000)
      assert.deepEqual(writer.finish(), expected)
    }
  })

  it('moves to a new buffer a few times only, however much is written', () => {
    const writer = new ByteWriter(1)
    const buffers = new Set<ArrayBufferLike>()
    for (let i = 0; i < 10_000; i++) buffers.add(writer.uint8(i & 0xff).view().buffer)
    assert.ok(buffers.size <= 15, `${buffers.size} buffers`)
  })

  it('writes what ByteReader reads, in 1,000 random sequences', () => {
    const seed = 0xb17e5
    const random = prng(seed)
    for (let round = 0; round < 1_000; round++) {
      const writer = new ByteWriter(random.next() % 8)
      const checks = Array.from({ length: 1 + (random.next() % 12) }, () => writeRandom(writer, random))
      const reader = new ByteReader(writer.finish())
      for (const check of checks) check(reader)
      reader.expectEnd(`seed ${seed}, round ${round}`)
    }
  })
})

/** Writes one random field, and returns what reads it and compares. */
function writeRandom(writer: ByteWriter, random: Prng): (reader: ByteReader) => void {
  const [high, low] = [random.next(), random.next()]
  const some = random.bytes(low % 300)
  switch (high % 8) {
    case 0:
      writer.uint8(low & 0xff)
      return reader => assert.equal(reader.uint8('x'), low & 0xff)
    case 1:
      writer.uint16(low & 0xffff)
      return reader => assert.equal(reader.uint16('x'), low & 0xffff)
    case 2:
      writer.uint24(low & 0xff_ffff)
      return reader => assert.equal(reader.uint24('x'), low & 0xff_ffff)
    case 3:
      writer.uint32(low)
      return reader => assert.equal(reader.uint32('x'), low)
    case 4: {
      const value = (high >>> 16) * 2 ** 32 + low
      writer.uint48(value)
      return reader => assert.equal(reader.uint48('x'), value)
    }
    case 5: {
      const value = (BigInt(high) << 32n) | BigInt(low)
      writer.uint64(value)
      return reader => assert.equal(reader.uint64('x'), value)
    }
    case 6:
      writer.bytes(some)
      return reader => assert.deepEqual(reader.bytes(some.length, 'x'), some)
    default:
      writer.vector(2, inner => inner.bytes(some))
      return reader => assert.deepEqual(reader.vector16('x'), some)
  }
}

describe('concatBytes', () => {
  it('joins any number of arrays into a new one', () => {
    const part = bytes(1, 2)
    assert.deepEqual(concatBytes(), bytes())
    assert.deepEqual(concatBytes(part, bytes(), bytes(3).subarray(0), part), bytes(1, 2, 3, 1, 2))
    const joined = concatBytes(part)
    part[0] = 9
    assert.deepEqual(joined, bytes(1, 2))
  })
})

for (const equal of [equalBytes, constantTimeEqual]) {
  describe(equal.name, () => {
    it('compares length and every byte, and nothing around them', () => {
      const a = bytes(1, 2, 3, 4)
      assert.equal(equal(a, bytes(1, 2, 3, 4)), true)
      assert.equal(equal(a.subarray(1, 3), bytes(9, 2, 3, 9).subarray(1, 3)), true)
      assert.equal(equal(bytes(), bytes()), true)
      assert.equal(equal(a, bytes(1, 2, 3)), false)
      assert.equal(equal(bytes(), bytes(0)), false)
      assert.equal(equal(a, bytes(1, 2, 3, 4, 0)), false)
    })

    it('sees every bit', () => {
      const a = prng(7).bytes(33)
      for (let bit = 0; bit < 8 * a.length; bit++) {
        const b = a.slice()
        b[bit >> 3] = (b[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        assert.equal(equal(a, b), false, `bit ${bit}`)
      }
    })

    it('is not misled by differences that cancel out', () => {
      assert.equal(equal(bytes(1, 0), bytes(0, 1)), false)
      assert.equal(equal(bytes(0xff, 0xff), bytes(0, 0)), false)
    })
  })
}

describe('constantTimeEqual', () => {
  it('reads every byte, however early two arrays differ', () => {
    for (const at of [0, 10, 63]) {
      const b = new Uint8Array(64)
      b[at] = 1
      let reads = 0
      const counting = new Proxy(new Uint8Array(64), {
        get(target, key) {
          if (typeof key === 'string' && /^\d+$/.test(key)) reads++
          return Reflect.get(target, key, target)
        },
      })
      assert.equal(constantTimeEqual(counting, b), false)
      assert.equal(reads, 64)
    }
  })
})
