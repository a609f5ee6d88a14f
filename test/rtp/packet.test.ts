import assert from 'node:assert/strict'

import { RtpError } from '../../src/rtp/errors.ts'
import { isRtcp, parseRtp, rtpHeaderLength, rtpLength, serializeRtp } from '../../src/rtp/packet.ts'
import { bytes, hex, rtp } from './support/packets.ts'

/** V=2, P, X, two CSRCs; M, PT 96; an extension of one word; three bytes of payload; four of padding. */
const everything = bytes('b2e0 03e8 00015f90 12345678 0000000a 0000000b bede0001 10ff0000 010203 00000004')

describe('an RTP packet', () => {
  it('is read from its bytes with CSRCs, extension and padding', () => {
    assert.deepEqual(parseRtp(everything), {
      payloadType: 96,
      sequenceNumber: 1_000,
      timestamp: 90_000,
      ssrc: 0x1234_5678,
      marker: true,
      csrcs: [10, 11],
      extension: { profile: 0xbede, data: bytes('10ff0000') },
      payload: bytes('010203'),
      paddingLength: 4,
    })
  })

  it('is written as it was read', () => {
    const packet = parseRtp(everything)
    assert.ok(!('drop' in packet))
    assert.equal(hex(serializeRtp(packet)), hex(everything))
    assert.equal(rtpLength(packet), everything.length)
  })

  it('holds views of the datagram and no copies', () => {
    const packet = parseRtp(everything)
    assert.ok(!('drop' in packet))
    assert.equal(packet.payload.buffer, everything.buffer)
    assert.equal(packet.extension?.data.buffer, everything.buffer)
  })

  it('leaves the asked-for room behind it', () => {
    const packet = rtp({ paddingLength: 2 })
    const data = serializeRtp(packet, 20)
    assert.equal(data.length, rtpLength(packet) + 20)
    assert.equal(hex(data.subarray(0, -20)), hex(serializeRtp(packet)))
    assert.ok(data.subarray(-20).every(byte => byte === 0))
  })

  it('may be padding alone, as those that probe the path are', () => {
    const packet = parseRtp(serializeRtp(rtp({ payload: new Uint8Array(0), paddingLength: 255 })))
    assert.ok(!('drop' in packet))
    assert.deepEqual([packet.payload.length, packet.paddingLength], [0, 255])
  })

  it('may have an extension of no length', () => {
    const packet = parseRtp(bytes('9060 0001 00000000 00000001 bede0000 ff'))
    assert.ok(!('drop' in packet))
    assert.deepEqual([packet.extension?.data.length, hex(packet.payload)], [0, 'ff'])
  })

  for (const [what, drop, data] of [
    ['nothing', 'truncated', ''],
    ['eleven bytes', 'truncated', '8060000100000000000000'],
    ['version 1', 'bad-version', '4060 0001 00000000 00000001'],
    ['CSRCs beyond the end', 'truncated', '8f60 0001 00000000 00000001 00000001'],
    ['no room for the head of the extension', 'bad-extension', '9060 0001 00000000 00000001 bede00'],
    ['an extension beyond the end', 'bad-extension', '9060 0001 00000000 00000001 bede0002 00000000'],
    ['an extension of 65535 words', 'bad-extension', '9060 0001 00000000 00000001 bedeffff 00000000'],
    ['padding of zero', 'bad-padding', 'a060 0001 00000000 00000001 ff00'],
    ['padding that reaches into the header', 'bad-padding', 'a060 0001 00000000 00000001 ff03'],
    ['a padding bit and no byte after the header', 'bad-padding', 'a060 0001 00000000 00000001'],
  ] as const) {
    it(`is dropped with ${what}`, () => assert.deepEqual(parseRtp(bytes(data)), { drop }))
  }

  it('is refused by the writer where a field does not fit', () => {
    const code = (expected: string) => (error: unknown) => error instanceof RtpError && error.code === expected
    assert.throws(() => serializeRtp(rtp({ csrcs: new Array(16).fill(1) })), code('too-many-csrcs'))
    assert.throws(() => serializeRtp(rtp({ paddingLength: 256 })), code('bad-padding'))
    assert.throws(
      () => serializeRtp(rtp({ extension: { profile: 0xbede, data: new Uint8Array(3) } })),
      code('bad-extension'),
    )
  })
})

describe('the length of an RTP header', () => {
  it('counts CSRCs and extension', () => {
    assert.equal(rtpHeaderLength(everything), 12 + 8 + 8)
    assert.equal(rtpHeaderLength(bytes('8060 0001 00000000 00000001')), 12)
  })

  it('is -1 where there is no whole header', () => {
    for (let length = 0; length < 28; length++) assert.equal(rtpHeaderLength(everything.subarray(0, length)), -1)
    assert.equal(rtpHeaderLength(bytes('4060 0001 00000000 00000001')), -1)
  })

  it('does not depend on padding, which is encrypted where it is asked for', () => {
    assert.equal(rtpHeaderLength(bytes('a060 0001 00000000 00000001 ffff')), 12)
  })
})

describe('telling RTCP from RTP', () => {
  it('goes by the second byte alone (RFC 5761 §4)', () => {
    for (let type = 0; type < 256; type++) {
      assert.equal(isRtcp(Uint8Array.of(0x80, type)), type >= 192 && type <= 223, `second byte ${type}`)
    }
    assert.equal(isRtcp(Uint8Array.of(0x80)), false)
  })
})
