import assert from 'node:assert/strict'
import { ByteReader } from '../../src/base/bytes.ts'
import { MalformedError } from '../../src/base/errors.ts'
import {
  maxAssemblies,
  maxMessageLength,
  maxMessagesAhead,
  maxReassemblyBytes,
  Reassembler,
} from '../../src/dtls/fragments.ts'
import { encodeFragment, encodeMessage, type Fragment, readFragment } from '../../src/dtls/messages.ts'
import { prng } from '../support/prng.ts'

const certificate = 11
const body = Uint8Array.from({ length: 1000 }, (_, index) => index % 251)

function fragment(sequence: number, offset: number, end: number, options: Partial<Fragment> = {}): Fragment {
  const bytes = options.bytes ?? body.subarray(offset, end)
  return { type: certificate, sequence, epoch: 0, length: body.length, offset, bytes, ...options }
}

function addAll(reassembler: Reassembler, fragments: readonly Fragment[]): void {
  for (const each of fragments) reassembler.add(each)
}

describe('Fragments of handshake messages', () => {
  it('make a message in any order, overlapping, repeated and empty', () => {
    for (let seed = 1; seed <= 100; seed++) {
      const random = prng(seed)
      const fragments: Fragment[] = []
      for (let offset = 0; offset < body.length; ) {
        const end = Math.min(body.length, offset + 1 + (random.next() % 200))
        const from = Math.max(0, offset - (random.next() % 100))
        fragments.push(fragment(0, from, end), fragment(0, from, from))
        if (random.float() < 0.3) fragments.push(fragment(0, from, end))
        offset = end
      }
      fragments.sort(() => random.float() - 0.5)
      const reassembler = new Reassembler()
      addAll(reassembler, fragments)
      const message = reassembler.take(0)
      assert.deepEqual(message?.body, body, `seed ${seed}`)
      assert.equal(reassembler.next, 1)
      assert.equal(reassembler.heldBytes, 0)
    }
  })

  it('make a message where pieces of it come before the whole and after it, while it waits for its turn', () => {
    const reassembler = new Reassembler()
    addAll(reassembler, [fragment(1, 0, 300), fragment(1, 0, 1000), fragment(1, 300, 700), fragment(1, 700, 1000)])
    assert.equal(reassembler.take(0), undefined)
    reassembler.add(fragment(0, 0, 1000))
    assert.equal(reassembler.take(0)?.sequence, 0)
    assert.deepEqual(reassembler.take(0)?.body, body)
  })

  it('make no message while a byte is missing', () => {
    const reassembler = new Reassembler()
    addAll(reassembler, [fragment(0, 0, 499), fragment(0, 500, 1000)])
    assert.equal(reassembler.take(0), undefined)
    reassembler.add(fragment(0, 499, 500))
    assert.deepEqual(reassembler.take(0)?.body, body)
  })

  it('come out in the order of message_seq, not of arrival', () => {
    const reassembler = new Reassembler()
    for (const sequence of [2, 1, 0]) {
      assert.equal(reassembler.take(0), undefined)
      reassembler.add(fragment(sequence, 0, 1000))
    }
    assert.deepEqual(
      [0, 1, 2].map(() => reassembler.take(0)?.sequence),
      [0, 1, 2],
    )
    assert.equal(reassembler.take(0), undefined)
  })

  it('of messages without a body are messages', () => {
    const reassembler = new Reassembler()
    reassembler.add(fragment(0, 0, 0, { length: 0, bytes: new Uint8Array() }))
    assert.equal(reassembler.take(0)?.body.length, 0)
  })

  it('are joined by message_seq, and not across type, length or epoch', () => {
    const reassembler = new Reassembler()
    reassembler.add(fragment(0, 0, 500))
    reassembler.add(fragment(0, 500, 1000, { type: 12 }))
    reassembler.add(fragment(0, 500, 1000, { length: 1001 }))
    reassembler.add(fragment(0, 500, 1000, { epoch: 1 }))
    reassembler.add(fragment(1, 500, 1000))
    assert.equal(reassembler.take(0), undefined)
    // The genuine message is none the worse for it.
    reassembler.add(fragment(0, 500, 1000))
    assert.deepEqual(reassembler.take(0)?.body, body)
  })

  it('of a message that was taken are told apart', () => {
    const reassembler = new Reassembler()
    assert.equal(reassembler.add(fragment(0, 0, 1000)), 'stored')
    reassembler.take(0)
    assert.equal(reassembler.add(fragment(0, 0, 1000)), 'duplicate')
    assert.equal(reassembler.add(fragment(0, 5, 6, { type: 99, length: 7 })), 'duplicate')
    assert.equal(reassembler.heldBytes, 0)
  })

  it('are refused too far ahead, and beyond the longest message', () => {
    const reassembler = new Reassembler()
    assert.equal(reassembler.add(fragment(maxMessagesAhead, 0, 1)), 'refused')
    assert.equal(reassembler.add(fragment(maxMessagesAhead - 1, 0, 1)), 'stored')
    assert.equal(reassembler.add(fragment(0, 0, 1, { length: maxMessageLength + 1 })), 'refused')
    assert.equal(reassembler.add(fragment(0, 0, 1, { length: maxMessageLength })), 'stored')
  })

  it('never hold more memory than the limit, and the next message always finds room', () => {
    const random = prng(7)
    const reassembler = new Reassembler()
    for (let n = 0; n < 20_000; n++) {
      const length = 1 + (random.next() % maxMessageLength)
      const offset = random.next() % length
      reassembler.add(
        fragment(random.next() % 20, 0, 0, {
          type: random.next() % 25,
          length,
          offset,
          bytes: new Uint8Array(Math.min(length - offset, 100)),
        }),
      )
      assert.ok(reassembler.heldBytes <= maxReassemblyBytes)
    }
    assert.ok(reassembler.heldBytes > maxReassemblyBytes / 2, 'the limit was never near')
    addAll(reassembler, [fragment(0, 0, 600), fragment(0, 400, 1000)])
    assert.deepEqual(reassembler.take(0)?.body, body)
  })

  it('begin no more messages than the limit', () => {
    const reassembler = new Reassembler()
    for (let type = 0; type < 10 * maxAssemblies; type++) reassembler.add(fragment(0, 0, 1, { type, length: 2 }))
    assert.equal(reassembler.heldBytes, maxAssemblies * 4)
  })

  it('cost time in proportion to their bytes', () => {
    const time = (length: number): number => {
      const reassembler = new Reassembler()
      const began = performance.now()
      for (let round = 0; round < 4; round++) {
        for (let offset = 0; offset < length - 1; offset++) {
          reassembler.add(fragment(0, 0, 0, { length, offset, bytes: body.subarray(0, 1) }))
        }
      }
      return performance.now() - began
    }
    time(2_000)
    const single = Math.min(...[1, 2, 3].map(() => time(10_000)))
    const double = Math.min(...[1, 2, 3].map(() => time(20_000)))
    assert.ok(double < 3.5 * single + 5, `${single} ms, then ${double} ms`)
  })

  it('are read as they were written', () => {
    const message = { type: certificate, sequence: 0x1234, epoch: 0, body }
    const pieces = Buffer.concat([encodeFragment(message, 100, 300), encodeMessage(message)])
    const reader = new ByteReader(pieces)
    assert.deepEqual(readFragment(reader, 3), {
      type: certificate,
      sequence: 0x1234,
      epoch: 3,
      length: 1000,
      offset: 100,
      bytes: Buffer.from(body.subarray(100, 300)),
    })
    assert.equal(readFragment(reader, 3).bytes.length, 1000)
    assert.equal(reader.remaining, 0)
  })

  it('that reach beyond their message, or are cut off, are malformed', () => {
    const message = { type: certificate, sequence: 0, epoch: 0, body }
    const beyond = Buffer.from(encodeFragment(message, 900, 1000))
    beyond.writeUIntBE(901, 6, 3)
    assert.throws(() => readFragment(new ByteReader(beyond), 0), MalformedError)
    const whole = encodeFragment(message, 0, 20)
    for (let end = 0; end < whole.length; end++) {
      assert.throws(() => readFragment(new ByteReader(whole.subarray(0, end)), 0), MalformedError)
    }
  })
})
