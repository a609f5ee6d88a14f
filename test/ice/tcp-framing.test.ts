import assert from 'node:assert/strict'
import { FramedStream, frame, maxFrameSize } from '../../src/ice/tcp-framing.ts'
import { prng } from '../support/prng.ts'

const seed = 0x4571
const mutations = 100_000

/** Pushes the pieces one after the other and takes out all that there is after each. */
function framesOf(pieces: readonly Uint8Array[]): Uint8Array[] {
  const stream = new FramedStream()
  const found: Uint8Array[] = []
  for (const piece of pieces) {
    stream.push(piece)
    for (let datagram = stream.next(); datagram !== undefined; datagram = stream.next()) {
      found.push(Uint8Array.from(datagram))
    }
  }
  return found
}

/** What RFC 4571 says, the slow and obvious way. */
function expected(bytes: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = []
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let at = 0
  while (at + 2 <= bytes.length) {
    const length = view.getUint16(at)
    if (at + 2 + length > bytes.length) break
    if (length > 0) found.push(bytes.slice(at + 2, at + 2 + length))
    at += 2 + length
  }
  return found
}

describe('the framing of datagrams on TCP', () => {
  it('puts the length in front, in network byte order', () => {
    assert.deepEqual(Uint8Array.from(frame(Uint8Array.of(1, 2, 3))), Uint8Array.of(0, 3, 1, 2, 3))
    assert.deepEqual(frame(new Uint8Array(0x1234)).subarray(0, 2), Buffer.from([0x12, 0x34]))
    assert.equal(frame(new Uint8Array(maxFrameSize)).length, maxFrameSize + 2)
    assert.throws(() => frame(new Uint8Array(maxFrameSize + 1)), RangeError)
  })

  it('finds several datagrams in one piece, as views of it', () => {
    const piece = Buffer.concat([frame(Uint8Array.of(1)), frame(Uint8Array.of(2, 3))])
    const stream = new FramedStream()
    stream.push(piece)
    const first = stream.next()
    assert.equal(first?.buffer, piece.buffer)
    assert.deepEqual([...(first ?? [])], [1])
    assert.deepEqual([...(stream.next() ?? [])], [2, 3])
    assert.equal(stream.next(), undefined)
    assert.equal(stream.next(), undefined)
  })

  it('passes over null packets, whole and in pieces', () => {
    const nulls = new Uint8Array(10)
    const datagram = frame(Uint8Array.of(7))
    assert.deepEqual(framesOf([Buffer.concat([nulls, datagram, nulls, datagram])]), [
      Uint8Array.of(7),
      Uint8Array.of(7),
    ])
    const bytes = [...nulls, ...datagram, ...nulls, ...datagram]
    assert.deepEqual(framesOf(bytes.map(byte => Uint8Array.of(byte))), [Uint8Array.of(7), Uint8Array.of(7)])
  })

  it('puts the longest datagram together from single bytes, in time that grows with its length only', () => {
    const datagram = prng(seed).bytes(maxFrameSize)
    const start = performance.now()
    const found = framesOf(Array.from(frame(datagram), byte => Uint8Array.of(byte)))
    assert.ok(performance.now() - start < 1_000)
    assert.equal(found.length, 1)
    assert.deepEqual(found[0], datagram)
  })

  it('keeps no more of half a frame than the frame', () => {
    const stream = new FramedStream()
    const sizes: number[] = []
    for (let i = 0; i < 1_000; i++) {
      // Almost all of a frame, then the rest of it and almost all of the next one.
      stream.push(
        i === 0
          ? frame(new Uint8Array(maxFrameSize)).subarray(0, -1)
          : Buffer.concat([Uint8Array.of(0), frame(new Uint8Array(maxFrameSize)).subarray(0, -1)]),
      )
      for (let datagram = stream.next(); datagram !== undefined; datagram = stream.next()) sizes.push(datagram.length)
    }
    assert.deepEqual(sizes, new Array(999).fill(maxFrameSize))
  })

  it('takes further pieces before all of the last one was asked for', () => {
    const stream = new FramedStream()
    for (let i = 0; i < 5; i++) stream.push(frame(Uint8Array.of(i, i)))
    for (let i = 0; i < 5; i++) assert.deepEqual([...(stream.next() ?? [])], [i, i])
    assert.equal(stream.next(), undefined)
  })

  it(`finds the same datagrams in ${mutations} streams, however they are cut`, function () {
    this.timeout(20_000)
    const random = prng(seed)
    for (let run = 0; run < mutations; run++) {
      const bytes = random.bytes(random.next() % 60)
      // Lengths that occur in so short a stream, and some that do not.
      for (let at = 0; at < bytes.length; at += 2 + (random.next() % 8)) bytes[at] = random.next() % 50 === 0 ? 1 : 0
      const pieces: Uint8Array[] = []
      for (let at = 0; at < bytes.length; ) {
        const end = at + (random.next() % 2 === 0 ? 1 : random.next() % 20)
        pieces.push(bytes.subarray(at, end))
        at = end
      }
      assert.deepEqual(framesOf(pieces), expected(bytes), `seed ${seed}, run ${run}`)
    }
  })
})
