import assert from 'node:assert/strict'
import { concatBytes } from '../../../src/base/bytes.ts'
import { encodeMessage } from '../../../src/ice/stun/message.ts'
import { maxStreamMessage, StunStream } from '../../../src/ice/stun/stream.ts'
import { prng } from '../../support/prng.ts'
import { cpuTime } from '../cpu-time.ts'

describe('A stream of STUN and ChannelData', () => {
  it('is cut into its messages, however it arrives', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = prng(seed)
      const messages = Array.from({ length: 1 + (random.next() % 12) }, () =>
        random.float() < 0.5 ? stun(random.bytes(random.next() % 60)) : channel(random.bytes(random.next() % 60)),
      )
      const bytes = concatBytes(...messages.map(padded))
      const largest = [1, 2, 3, 5, 40, 10_000][seed % 6] ?? 1
      const stream = new StunStream()
      const found: Uint8Array[] = []
      for (let at = 0; at < bytes.length; ) {
        const size = 1 + (random.next() % largest)
        stream.push(bytes.slice(at, at + size))
        at += size
        found.push(...drain(stream))
      }
      // Views: none may have been overwritten by what came later.
      assert.deepEqual(found.map(hex), messages.map(hex), `seed ${seed}`)
      assert.equal(stream.bufferedBytes, 0)
      assert.equal(stream.isBroken, false)
    }
  })

  it('gives each message as soon as its last byte is there, padding included', () => {
    for (const message of [
      stun(new Uint8Array(7)),
      channel(new Uint8Array(5)),
      channel(new Uint8Array(0)),
      channel(new Uint8Array(4)),
    ]) {
      const stream = new StunStream()
      const bytes = padded(message)
      for (const [index, byte] of bytes.entries()) {
        stream.push(Uint8Array.of(byte))
        assert.deepEqual(stream.next(), index === bytes.length - 1 ? message : undefined, `byte ${index}`)
      }
    }
  })

  it('takes the longest messages that there are', () => {
    for (const message of [stunOf(0xfffc), channel(new Uint8Array(0xffff)), channel(new Uint8Array(0xfffe))]) {
      const stream = new StunStream()
      const bytes = padded(message)
      assert.ok(bytes.length <= maxStreamMessage)
      stream.push(bytes.subarray(0, 5))
      assert.equal(stream.next(), undefined)
      stream.push(bytes.subarray(5, -1))
      assert.equal(stream.next(), undefined)
      stream.push(bytes.subarray(-1))
      assert.deepEqual(stream.next(), message)
    }
  })

  it('keeps less than one message', () => {
    const stream = new StunStream()
    const bytes = stunOf(0xfffc)
    for (let at = 0; at < bytes.length - 1; at += 1000) {
      stream.push(bytes.subarray(at, Math.min(at + 1000, bytes.length - 1)))
      assert.deepEqual(drain(stream), [])
      assert.ok(stream.bufferedBytes < maxStreamMessage)
    }
  })

  it('breaks on the first byte that neither starts with', () => {
    for (let first = 0; first < 256; first++) {
      const stream = new StunStream()
      stream.push(Uint8Array.of(first))
      assert.equal(stream.next(), undefined)
      assert.equal(stream.isBroken, first > 0x4f, `0x${first.toString(16)}`)
    }
  })

  it('breaks on a STUN header with a wrong cookie or length, without waiting for the message', () => {
    const good = stun(new Uint8Array(0)).subarray(0, 8)
    for (const at of [3, 4, 5, 6, 7]) {
      const bad = Uint8Array.from(good)
      bad[at] = (bad[at] ?? 0) ^ 1
      const stream = new StunStream()
      stream.push(bad.subarray(0, at + 1))
      assert.equal(stream.next(), undefined)
      assert.equal(stream.isBroken, true, `byte ${at}`)
    }
  })

  it('gives the messages in front of what breaks it, and nothing ever after', () => {
    const stream = new StunStream()
    const message = stun(Uint8Array.of(1))
    stream.push(concatBytes(message, Uint8Array.of(0x80), message))
    assert.deepEqual(stream.next(), message)
    assert.equal(stream.isBroken, false)
    assert.equal(stream.next(), undefined)
    assert.equal(stream.isBroken, true)
    stream.push(message)
    assert.equal(stream.next(), undefined)
    assert.equal(stream.bufferedBytes, 0)
  })

  it('never writes to the chunks that it is given', () => {
    const whole = padded(channel(Uint8Array.of(1, 2, 3, 4, 5)))
    const first = Uint8Array.from(concatBytes(whole, whole.subarray(0, 6)))
    const before = hex(first)
    const stream = new StunStream()
    // A view with room behind it, as sockets give them.
    stream.push(first.subarray(0, 15))
    drain(stream)
    stream.push(Uint8Array.of(9, 9))
    drain(stream)
    assert.equal(hex(first), before)
  })

  it('takes a time that grows with the length and no faster, one byte at a time', () => {
    const time = (length: number): number => {
      const bytes = stunOf(length)
      const start = cpuTime()
      const stream = new StunStream()
      for (const byte of bytes) {
        stream.push(Uint8Array.of(byte))
        stream.next()
      }
      return cpuTime() - start
    }
    const best = (length: number) => Math.min(...Array.from({ length: 5 }, () => time(length)))
    best(15_000)
    const ratio = best(60_000) / best(15_000)
    // Quadratic time would make it 16.
    assert.ok(ratio < 9, `four times the bytes take ${ratio.toFixed(2)} times as long`)
  })
})

function drain(stream: StunStream): Uint8Array[] {
  const messages: Uint8Array[] = []
  for (let message = stream.next(); message !== undefined; message = stream.next()) messages.push(message)
  return messages
}

function stun(data: Uint8Array): Uint8Array {
  return encodeMessage({ class: 'indication', method: 6, transactionId: new Uint8Array(12), attributes: { data } })
}

/** A header and `length` bytes of anything. */
function stunOf(length: number): Uint8Array {
  const bytes = Buffer.alloc(20 + length, 7)
  bytes.writeUint16BE(1, 0)
  bytes.writeUint16BE(length, 2)
  bytes.writeUint32BE(0x2112_a442, 4)
  return Uint8Array.from(bytes)
}

function channel(data: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(0x40, 0x01, data.length >> 8, data.length & 0xff), data)
}

function padded(message: Uint8Array): Uint8Array {
  return concatBytes(message, new Uint8Array(-message.length & 3))
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
