import assert from 'node:assert/strict'
import {
  channelOf,
  channelPayload,
  encodeChannelData,
  isChannelData,
  maxChannelDataBytes,
} from '../../../src/ice/turn/channel-data.ts'

describe('A ChannelData message', () => {
  it('has number, length and data, and no padding in a datagram', () => {
    assert.deepEqual([...encodeChannelData(0x4001, Uint8Array.of(1, 2, 3), false)], [0x40, 1, 0, 3, 1, 2, 3])
  })

  it('is padded with zeros to four bytes in a stream, which its length does not count', () => {
    for (let length = 0; length < 9; length++) {
      const message = encodeChannelData(0x4fff, new Uint8Array(length).fill(0xff), true)
      assert.equal(message.length % 4, 0)
      assert.ok(message.length - 4 - length < 4)
      assert.ok(message.subarray(4 + length).every(byte => byte === 0))
      assert.equal(channelPayload(message)?.length, length)
    }
  })

  it('is read as a view, with and without padding', () => {
    const data = Uint8Array.of(9, 8, 7, 6, 5)
    for (const padded of [true, false]) {
      const message = encodeChannelData(0x4abc, data, padded)
      assert.ok(isChannelData(message))
      assert.equal(channelOf(message), 0x4abc)
      const payload = channelPayload(message) ?? assert.fail()
      assert.deepEqual([...payload], [...data])
      assert.equal(payload.buffer, message.buffer)
    }
  })

  it('carries from nothing to 65,535 bytes', () => {
    for (const length of [0, 1, 65_532, maxChannelDataBytes]) {
      for (const padded of [true, false]) {
        const message = encodeChannelData(0x4000, new Uint8Array(length), padded)
        assert.equal(channelPayload(message)?.length, length)
      }
    }
  })

  it('is none if it is shorter than it says, at whatever byte it ends', () => {
    const message = encodeChannelData(0x4000, new Uint8Array(8), false)
    for (let length = 0; length < message.length; length++) {
      assert.equal(channelPayload(message.subarray(0, length)), undefined)
    }
  })

  it('is none if there is more behind it than padding', () => {
    const message = encodeChannelData(0x4000, new Uint8Array(8), false)
    assert.equal(channelPayload(Buffer.concat([message, new Uint8Array(3)]))?.length, 8)
    assert.equal(channelPayload(Buffer.concat([message, new Uint8Array(4)])), undefined)
  })

  it('begins with 64 to 79, and nothing else does', () => {
    for (let byte = 0; byte < 256; byte++) {
      assert.equal(isChannelData(Uint8Array.of(byte)), byte >= 64 && byte <= 79)
    }
    assert.equal(isChannelData(new Uint8Array(0)), false)
  })
})
