import assert from 'node:assert/strict'

import { type DcepOpen, encodeDcepAck, encodeDcepOpen, parseDcep } from '../../src/sctp/dcep.ts'
import { prng } from '../support/prng.ts'

const reliable: DcepOpen = { type: 'open', ordered: true, priority: 256, label: 'chat', protocol: '' }

describe('DCEP', () => {
  it('encodes DATA_CHANNEL_OPEN as RFC 8832 §5.1 draws it', () => {
    const open = encodeDcepOpen({ ordered: false, maxRetransmits: 3, priority: 512, label: 'ab', protocol: 'xyz' })
    assert.equal(Buffer.from(open).toString('hex'), '0381020000000003000200036162' + '78797a')
  })

  it('encodes DATA_CHANNEL_ACK as one byte', () => {
    assert.deepEqual(encodeDcepAck(), Uint8Array.of(2))
    assert.deepEqual(parseDcep(encodeDcepAck()), { type: 'ack' })
  })

  const channels: readonly [number, Partial<DcepOpen>][] = [
    [0x00, { ordered: true }],
    [0x80, { ordered: false }],
    [0x01, { ordered: true, maxRetransmits: 7 }],
    [0x81, { ordered: false, maxRetransmits: 0 }],
    [0x02, { ordered: true, maxPacketLifeTime: 4_000_000_000 }],
    [0x82, { ordered: false, maxPacketLifeTime: 1 }],
  ]
  for (const [channelType, options] of channels) {
    it(`carries channel type 0x${channelType.toString(16).padStart(2, '0')} both ways`, () => {
      const open: DcepOpen = { ...reliable, ...options }
      const bytes = encodeDcepOpen(open)
      assert.equal(bytes[1], channelType)
      assert.deepEqual(parseDcep(bytes), open)
    })
  }

  it('ignores the reliability parameter of a reliable channel', () => {
    const bytes = encodeDcepOpen(reliable)
    bytes[7] = 9
    assert.deepEqual(parseDcep(bytes), reliable)
  })

  it('carries texts of 65535 bytes, and any Unicode text', () => {
    const open = { ...reliable, label: 'é'.repeat(32_767) + 'x', protocol: '\u{feff}雪\u{1f9ca}' }
    assert.deepEqual(parseDcep(encodeDcepOpen(open)), open)
    assert.throws(() => encodeDcepOpen({ ...reliable, label: 'x'.repeat(65_536) }), RangeError)
  })

  const malformed: readonly [string, number[]][] = [
    ['an empty message', []],
    ['an unknown message type', [1]],
    ['an open message that is cut off', [3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ['an unknown channel type', [3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ['a reserved channel type', [3, 0x7f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ['a label beyond the end', [3, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0x61]],
    ['bytes after the protocol', [3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x61]],
    ['a label that is not UTF-8', [3, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0xff]],
  ]
  for (const [name, bytes] of malformed) {
    it(`calls ${name} malformed`, () => {
      assert.equal(parseDcep(Uint8Array.from(bytes)).type, 'malformed')
    })
  }

  it('never throws, whatever comes', () => {
    const random = prng(3)
    const valid = encodeDcepOpen({ ...reliable, protocol: 'p' })
    for (let i = 0; i < 20_000; i++) {
      const bytes = valid.slice(0, random.next() % (valid.length + 1))
      for (let flips = random.next() % 4; flips > 0 && bytes.length > 0; flips--) {
        bytes[random.next() % bytes.length] = random.next() & 0xff
      }
      assert.ok(['open', 'ack', 'malformed'].includes(parseDcep(bytes).type))
    }
  })
})
