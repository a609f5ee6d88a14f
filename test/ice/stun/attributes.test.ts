import assert from 'node:assert/strict'
import type { TransportAddress } from '../../../src/base/address.ts'
import { concatBytes } from '../../../src/base/bytes.ts'
import { maxPasswordAlgorithms } from '../../../src/ice/stun/attribute-codecs.ts'
import { maxRepeated, type StunAttributes } from '../../../src/ice/stun/attributes.ts'
import { decodeMessage, encodeMessage, type ReceivedStunMessage, stunMethod } from '../../../src/ice/stun/message.ts'
import { attribute, requestOf, transactionId } from './message-bytes.ts'

const v4: TransportAddress = { address: '192.0.2.1', port: 32853, family: 4 }
const v6: TransportAddress = { address: '2001:db8::1', port: 9, family: 6 }
const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'))

/** Attributes and their bytes on the wire, drawn by hand from the figures of the RFCs. */
const wire: readonly { readonly attributes: StunAttributes; readonly hex: string; readonly section: string }[] = [
  {
    section: 'RFC 5780 §7.2',
    attributes: { changeRequest: { changeIp: true, changePort: false } },
    hex: '0003 0004 00000004',
  },
  {
    section: 'RFC 5780 §7.2',
    attributes: { changeRequest: { changeIp: false, changePort: true } },
    hex: '0003 0004 00000002',
  },
  { section: 'RFC 8656 §18.1', attributes: { channelNumber: 0x4fff }, hex: '000c 0004 4fff 0000' },
  { section: 'RFC 8656 §18.2', attributes: { lifetime: 600 }, hex: '000d 0004 00000258' },
  { section: 'RFC 8656 §18.3', attributes: { xorPeerAddress: [v4] }, hex: '0012 0008 0001a147e112a643' },
  {
    section: 'RFC 8656 §18.3',
    attributes: { xorPeerAddress: [v4, v6] },
    hex: '0012 0008 0001a147e112a643 0012 0014 0002 211b 0113a9fa 01020304 05060708 090a0b0d',
  },
  { section: 'RFC 8656 §18.4', attributes: { data: bytes('0102030405') }, hex: '0013 0005 01020304 05000000' },
  { section: 'RFC 8656 §18.4', attributes: { data: bytes('') }, hex: '0013 0000' },
  { section: 'RFC 8656 §18.5', attributes: { xorRelayedAddress: [v4] }, hex: '0016 0008 0001a147e112a643' },
  { section: 'RFC 8656 §18.6', attributes: { requestedAddressFamily: 6 }, hex: '0017 0004 02000000' },
  { section: 'RFC 8656 §18.7', attributes: { evenPort: { reserveNext: true } }, hex: '0018 0001 80000000' },
  { section: 'RFC 8656 §18.7', attributes: { evenPort: { reserveNext: false } }, hex: '0018 0001 00000000' },
  { section: 'RFC 8656 §18.8', attributes: { requestedTransport: 17 }, hex: '0019 0004 11000000' },
  { section: 'RFC 8656 §18.9', attributes: { dontFragment: true }, hex: '001a 0000' },
  {
    section: 'RFC 8489 §14.12',
    attributes: { passwordAlgorithm: { id: 2, parameters: bytes('') } },
    hex: '001d 0004 0002 0000',
  },
  {
    section: 'RFC 8489 §14.4',
    attributes: { userhash: new Uint8Array(32).fill(7) },
    hex: `001e 0020 ${'07'.repeat(32)}`,
  },
  {
    section: 'RFC 8656 §18.10',
    attributes: { reservationToken: bytes('0102030405060708') },
    hex: '0022 0008 0102030405060708',
  },
  { section: 'RFC 5780 §7.6', attributes: { padding: 6 }, hex: '0026 0006 000000000000 0000' },
  { section: 'RFC 5780 §7.5', attributes: { responsePort: 4660 }, hex: '0027 0004 1234 0000' },
  { section: 'RFC 6062 §6.2.1', attributes: { connectionId: 0xdeadbeef }, hex: '002a 0004 deadbeef' },
  { section: 'RFC 8656 §18.11', attributes: { additionalAddressFamily: 6 }, hex: '8000 0004 02000000' },
  {
    section: 'RFC 8656 §18.12',
    attributes: { addressErrorCode: { family: 6, code: 440, reason: 'no' } },
    hex: '8001 0006 02 00 04 28 6e6f 0000',
  },
  {
    section: 'RFC 8489 §14.11',
    attributes: {
      passwordAlgorithms: [
        { id: 2, parameters: bytes('') },
        { id: 1, parameters: bytes('') },
        { id: 0x1234, parameters: bytes('aabbcc') },
      ],
    },
    hex: '8002 0010 0002 0000 0001 0000 1234 0003 aabbcc00',
  },
  {
    section: 'RFC 8489 §14.16',
    attributes: { alternateDomain: 'a.example' },
    hex: '8003 0009 612e6578616d706c65 000000',
  },
  {
    section: 'RFC 8656 §18.13',
    attributes: { icmp: { type: 3, code: 4, data: 1400 } },
    hex: '8004 0008 0000 0604 00000578',
  },
  { section: 'RFC 8489 §14.15', attributes: { alternateServer: v4 }, hex: '8023 0008 0001 8055 c0000201' },
  { section: 'RFC 5780 §7.3', attributes: { responseOrigin: v4 }, hex: '802b 0008 0001 8055 c0000201' },
  { section: 'RFC 5780 §7.4', attributes: { otherAddress: v4 }, hex: '802c 0008 0001 8055 c0000201' },
  { section: 'renomination', attributes: { nomination: 7 }, hex: 'c001 0004 00000007' },
]

describe('STUN attributes', () => {
  for (const { section, attributes, hex } of wire) {
    const name = Object.keys(attributes).join()
    it(`write and read ${name} as ${section} draws it`, () => {
      const message = encodeMessage(request(attributes), { fingerprint: false })
      assert.equal(Buffer.from(message.subarray(20)).toString('hex'), Buffer.from(bytes(hex)).toString('hex'))
      assert.deepEqual(decoded(bytes(hex)).attributes, attributes)
      assert.deepEqual(decoded(bytes(hex)).unknownRequired, [])
    })
  }

  it('are refused at every length that they cannot have', () => {
    const right: Readonly<Record<number, readonly number[]>> = {
      3: [4],
      12: [4],
      13: [4],
      23: [],
      24: [1],
      25: [4],
      26: [0],
      30: [32],
      34: [8],
      39: [2, 4],
      42: [4],
      32768: [],
      32772: [8],
      49153: [4],
      // Zero is neither a family nor the class of an error.
      18: [],
      22: [],
      32769: [],
      32803: [],
      32811: [],
      32812: [],
      32771: [],
    }
    for (const [type, lengths] of Object.entries(right)) {
      for (let length = 0; length <= 40; length++) {
        const message = decodeMessage(requestOf(stunMethod.allocate, attribute(Number(type), new Uint8Array(length))))
        assert.equal(message !== undefined, lengths.includes(length), `0x${Number(type).toString(16)}, ${length} bytes`)
      }
    }
  })

  it('ignore the bits that are reserved', () => {
    const read = (type: number, hex: string) =>
      decodeMessage(requestOf(stunMethod.allocate, attribute(type, bytes(hex))))?.attributes
    assert.deepEqual(read(0x0018, '7f'), { evenPort: { reserveNext: false } })
    assert.deepEqual(read(0x0018, 'ff'), { evenPort: { reserveNext: true } })
    assert.deepEqual(read(0x0003, 'fffffff9'), { changeRequest: { changeIp: false, changePort: false } })
    assert.deepEqual(read(0x000c, '4000ffff'), { channelNumber: 0x4000 })
    assert.deepEqual(read(0x0017, '01ffffff'), { requestedAddressFamily: 4 })
    assert.deepEqual(read(0x0019, '06ffffff'), { requestedTransport: 6 })
    assert.deepEqual(read(0x8001, '02fffd08'), { addressErrorCode: { family: 6, code: 508, reason: '' } })
    assert.deepEqual(read(0x8004, 'ffff060400000000'), { icmp: { type: 3, code: 4, data: 0 } })
    assert.deepEqual(read(0x0027, '1234'), { responsePort: 0x1234 })
  })

  it('give reasons without the padding that some servers count as text', () => {
    const read = (hex: string) =>
      decodeMessage(requestOf(stunMethod.allocate, attribute(0x0009, bytes(hex))))?.attributes.errorCode
    assert.deepEqual(read('00000300 4e6f 0000'), { code: 300, reason: 'No' })
    assert.deepEqual(read('00000300 0000'), { code: 300, reason: '' })
    assert.deepEqual(read('00000300 004e'), { code: 300, reason: '\0N' })
  })

  it('know two address families', () => {
    for (let family = 0; family < 256; family++) {
      const known = family === 1 || family === 2
      for (const type of [0x0017, 0x8000]) {
        const message = decodeMessage(requestOf(stunMethod.allocate, attribute(type, Uint8Array.of(family, 1, 2, 3))))
        assert.equal(message !== undefined, known, `${family}`)
      }
    }
  })

  it('read an IPv4-mapped peer as an IPv4 one', () => {
    const mapped = { address: '::ffff:192.0.2.9', port: 1, family: 6 } as const
    const message = encodeMessage(request({ xorPeerAddress: [mapped], xorRelayedAddress: [mapped] }))
    const { xorPeerAddress, xorRelayedAddress } = decodeMessage(message)?.attributes ?? {}
    assert.deepEqual(xorPeerAddress, [{ address: '192.0.2.9', port: 1, family: 4 }])
    assert.deepEqual(xorRelayedAddress, xorPeerAddress)
  })

  it('repeat as often as the bound says, and make the message malformed beyond', () => {
    const peers = (count: number) => Array.from({ length: count }, (_, port) => ({ ...v4, port: port + 1 }))
    const read = (count: number) => decodeMessage(encodeMessage(request({ xorPeerAddress: peers(count) })))
    assert.deepEqual(read(maxRepeated)?.attributes.xorPeerAddress, peers(maxRepeated))
    assert.equal(read(maxRepeated + 1), undefined)
    assert.deepEqual(decodeMessage(encodeMessage(request({ xorPeerAddress: [] })))?.attributes, {})
  })

  it('repeat though others stand in between, and none counts behind the integrity', () => {
    const peer = bytes('0001a147e112a643')
    const between = concatBytes(attribute(0x0012, peer), attribute(0x000d, new Uint8Array(4)), attribute(0x0012, peer))
    assert.equal(decoded(between).attributes.xorPeerAddress?.length, 2)
    const behind = concatBytes(between, attribute(0x0008, new Uint8Array(20)), attribute(0x0012, peer))
    assert.equal(decoded(behind).attributes.xorPeerAddress?.length, 2)
  })

  it('give DATA as a view of the message, and what outlives the message as a copy', () => {
    const message = encodeMessage(
      request({ data: bytes('01020304'), reservationToken: new Uint8Array(8), userhash: new Uint8Array(32) }),
    )
    const { data, reservationToken, userhash } = decodeMessage(message)?.attributes ?? {}
    assert.equal(data?.buffer, message.buffer)
    assert.notEqual(reservationToken?.buffer, message.buffer)
    assert.notEqual(userhash?.buffer, message.buffer)
  })

  it('have at most so many password algorithms, none of them cut', () => {
    const list = (count: number) => attribute(0x8002, new Uint8Array(4 * count))
    assert.equal(decoded(list(maxPasswordAlgorithms)).attributes.passwordAlgorithms?.length, maxPasswordAlgorithms)
    assert.equal(decodeMessage(requestOf(stunMethod.allocate, list(maxPasswordAlgorithms + 1))), undefined)
    for (const hex of ['00', '0001', '000100', '00010001', '0001ffff', '0001000500000000', '00010000 0002']) {
      assert.equal(decodeMessage(requestOf(stunMethod.allocate, attribute(0x8002, bytes(hex)))), undefined, hex)
    }
    assert.deepEqual(decoded(attribute(0x8002, bytes('0009 0001 aa'))).attributes.passwordAlgorithms, [
      { id: 9, parameters: bytes('aa') },
    ])
    // Only one of them is an algorithm to use.
    assert.equal(
      decodeMessage(requestOf(stunMethod.allocate, attribute(0x001d, bytes('0001 0000 0002 0000')))),
      undefined,
    )
    assert.equal(decodeMessage(requestOf(stunMethod.allocate, attribute(0x001d, bytes('')))), undefined)
  })

  it('take a domain for one only if it is made like one', () => {
    const domain = (text: string) =>
      decodeMessage(requestOf(stunMethod.allocate, attribute(0x8003, Buffer.from(text))))?.attributes.alternateDomain
    assert.equal(domain('turn-1.example.org.'), 'turn-1.example.org.')
    assert.equal(domain('a'.repeat(255)), 'a'.repeat(255))
    for (const bad of ['', 'a'.repeat(256), 'a b', 'a/b', 'a@b', '.a', 'a..b', 'ä', 'a\0', '*.a']) {
      assert.equal(domain(bad), undefined, bad)
    }
  })

  it('have the methods of Binding, TURN and TURN over TCP', () => {
    assert.deepEqual(Object.values(stunMethod), [1, 3, 4, 6, 7, 8, 9, 0xa, 0xb, 0xc])
  })
})

function request(attributes: StunAttributes) {
  return { class: 'request', method: 3, transactionId, attributes } as const
}

function decoded(body: Uint8Array): ReceivedStunMessage {
  const message = decodeMessage(requestOf(stunMethod.allocate, body))
  assert.ok(message, 'not a STUN message')
  return message
}
