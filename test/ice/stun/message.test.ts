import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { concatBytes } from '../../../src/base/bytes.ts'
import type { StunClass } from '../../../src/ice/stun/header.ts'
import { longTermKey, shortTermKey } from '../../../src/ice/stun/integrity.ts'
import {
  decodeMessage,
  encodeMessage,
  isAuthentic,
  maxUnknownAttributes,
  parseMessage,
  type ReceivedStunMessage,
  stunMethod,
} from '../../../src/ice/stun/message.ts'
import { prng } from '../../support/prng.ts'
import { stunVectors } from '../../vectors/stun-rfc5769.ts'
import { cpuTime } from '../cpu-time.ts'
import { attribute, requestOf, transactionId } from './message-bytes.ts'

const key = shortTermKey('VOkJxbRl1RmTxUk/WvJxBt')

describe('STUN messages', () => {
  for (const vector of stunVectors) {
    describe(`RFC 5769 §${vector.section}, ${vector.name}`, () => {
      const bytes = Buffer.from(vector.message, 'hex')
      const vectorKey =
        vector.realm === undefined
          ? shortTermKey(vector.password)
          : longTermKey(vector.attributes.username ?? '', vector.realm, vector.password)

      it('decodes to the attributes that it was made of', () => {
        const message = decoded(bytes)
        assert.deepEqual(message.attributes, vector.attributes)
        assert.equal(message.method, stunMethod.binding)
        assert.equal(message.class, vector.message.startsWith('0001') ? 'request' : 'success')
        assert.equal(message.hasFingerprint, vector.hasFingerprint)
        assert.deepEqual(message.unknownRequired, [])
      })

      it('is authentic with its password and with no other', () => {
        assert.equal(isAuthentic(decoded(bytes), vectorKey), true)
        assert.equal(isAuthentic(decoded(bytes), shortTermKey('VOkJxbRl1RmTxUk/WvJxBu')), false)
      })

      it('is left as it was by being verified', () => {
        isAuthentic(decoded(bytes), vectorKey)
        assert.equal(bytes.toString('hex'), vector.message)
      })

      it('encodes to the same bytes again', () => {
        const { padding, hasFingerprint } = vector
        const again = encodeMessage(decoded(bytes), { key: vectorKey, fingerprint: hasFingerprint, padding })
        assert.equal(Buffer.from(again).toString('hex'), vector.message)
      })

      it('is rejected, or lacks its FINGERPRINT, when a single bit of it is changed', () => {
        for (let bit = 0; bit < bytes.length * 8; bit++) {
          const changed = Uint8Array.from(bytes)
          changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7))
          const message = decodeMessage(changed)
          if (message === undefined) continue
          const intact = isAuthentic(message, vectorKey) && message.hasFingerprint === vector.hasFingerprint
          assert.equal(intact, false, `bit ${bit}`)
        }
      })
    })
  }

  it('carries each class and method in the bits of the type', () => {
    const types: readonly [StunClass, number, number][] = [
      ['request', 0x001, 0x0001],
      ['indication', 0x001, 0x0011],
      ['success', 0x001, 0x0101],
      ['error', 0x001, 0x0111],
      ['request', 0xfff, 0x3eef],
      ['error', 0xfff, 0x3fff],
    ]
    for (const [messageClass, method, type] of types) {
      const bytes = encodeMessage({ class: messageClass, method, transactionId, attributes: {} })
      assert.equal(Buffer.from(bytes).readUint16BE(0), type)
      assert.equal(decoded(bytes).class, messageClass)
      assert.equal(decoded(bytes).method, method)
    }
  })

  it('writes IPv6 addresses in canonical form and IPv4-mapped ones as IPv4', () => {
    const seen = (groups: string) => decoded(withAttribute(0x0001, `0002 1234 ${groups}`)).attributes.mappedAddress
    assert.deepEqual(seen('2001 0DB8 0000 0000 0001 0000 0000 0001'), address6('2001:db8::1:0:0:1'))
    assert.deepEqual(seen('0000 0000 0000 0000 0000 0000 0000 0001'), address6('::1'))
    assert.deepEqual(seen('FE80 0000 0000 0000 00AB 0000 0000 0000'), address6('fe80::ab:0:0:0'))
    assert.deepEqual(seen('0000 0000 0000 0000 0000 ffff C000 0201'), { address: '192.0.2.1', port: 0x1234, family: 4 })
  })

  it('takes addresses of exactly 4 and 16 bytes only', () => {
    // GHSA-34rh-wp3j-6cxc: XOR-MAPPED-ADDRESS shorter than its family says
    for (const type of [0x0001, 0x0020]) {
      for (let length = 0; length <= 40; length++) {
        for (const family of [0, 1, 2, 3]) {
          const value = new Uint8Array(length)
          if (length > 1) value[1] = family
          const message = decodeMessage(withAttribute(type, value))
          const fits = (family === 1 && length === 8) || (family === 2 && length === 20)
          assert.equal(message !== undefined, fits, `type ${type}, family ${family}, ${length} bytes`)
        }
      }
    }
  })

  it('takes error codes from 300 to 699 and nothing shorter than four bytes', () => {
    // CVE-2021-37706: ERROR-CODE shorter than its fixed part
    const code = (hex: string) => decodeMessage(withAttribute(0x0009, hex))?.attributes.errorCode
    assert.deepEqual(code('0000 0457'), { code: 487, reason: '' })
    assert.deepEqual(code(`ffff fc14 ${Buffer.from('why').toString('hex')}`), { code: 420, reason: 'why' })
    for (const bad of ['', '00', '0000', '000004', '0000 0201', '0000 0701', '0000 0464']) {
      assert.equal(code(bad), undefined, bad)
    }
    assert.equal(decodeMessage(withAttribute(0x0009, new Uint8Array(768))), undefined)
  })

  it('refuses known attributes of the wrong length', () => {
    const lengths: readonly [number, number][] = [
      [0x0024, 4],
      [0x0025, 0],
      [0x8029, 8],
      [0x802a, 8],
      [0x0008, 20],
      [0x001c, 32],
    ]
    for (const [type, right] of lengths) {
      for (let length = 0; length <= 36; length++) {
        const message = decodeMessage(withAttribute(type, new Uint8Array(length)))
        assert.equal(message !== undefined, length === right, `type ${type} of ${length} bytes`)
      }
    }
    assert.ok(decodeMessage(withAttribute(0x0006, new Uint8Array(763))))
    assert.equal(decodeMessage(withAttribute(0x0006, new Uint8Array(764))), undefined)
    assert.equal(decodeMessage(withAttribute(0x000a, new Uint8Array(3))), undefined)
  })

  it('tells servers of a message with an attribute of the wrong length, and leaves the attribute out', () => {
    const body = concatBytes(attribute(0x0024, '000001'), attribute(0x8022, '78'), attribute(0x0777, ''))
    const {
      isWellFormed,
      attributes,
      unknownRequired,
      class: type,
    } = parseMessage(withFingerprint(body)) ?? assert.fail()
    assert.equal(isWellFormed, false)
    assert.deepEqual([type, attributes, unknownRequired], ['request', { software: 'x' }, [0x0777]])
    assert.equal(parseMessage(withAttribute(0x0024, '00000001'))?.isWellFormed, true)
    // What is wrong with integrity or fingerprint is no matter of a value.
    assert.equal(parseMessage(withAttribute(0x0008, new Uint8Array(19))), undefined)
  })

  it('names unknown attributes that must be understood, up to a bound, and ignores the others', () => {
    assert.deepEqual(decoded(withAttribute(0x0777, '01020304')).unknownRequired, [0x0777])
    // libwebrtc sends GOOG-NETWORK-INFO, 0xC057
    assert.deepEqual(decoded(withAttribute(0xc057, '00010000')).unknownRequired, [])
    const many = Array.from({ length: 500 }, (_, index) => attribute(0x0100 + index, ''))
    assert.equal(decoded(withFingerprint(concatBytes(...many))).unknownRequired.length, maxUnknownAttributes)
  })

  it('lets the first of repeated attributes count', () => {
    const body = concatBytes(attribute(0x0024, '00000001'), attribute(0x0024, '00000002'), attribute(0x0024, ''))
    assert.equal(decoded(withFingerprint(body)).attributes.priority, 1)
  })

  it('ignores attributes behind the integrity, which nothing protects', () => {
    const signed = encodeMessage(
      { class: 'request', method: 1, transactionId, attributes: { priority: 1 } },
      { key, fingerprint: false },
    )
    const tampered = withFingerprint(concatBytes(signed.subarray(20), attribute(0x0025, ''), attribute(0x0777, '')))
    const message = decoded(tampered)
    assert.equal(isAuthentic(message, key), true)
    assert.deepEqual(message.attributes, { priority: 1 })
    assert.deepEqual(message.unknownRequired, [])
  })

  it('verifies and makes MESSAGE-INTEGRITY-SHA256, which counts where both are present', () => {
    const attributes = { username: 'a:b' }
    const bytes = encodeMessage(
      { class: 'request', method: 1, transactionId, attributes },
      { key, integrity: 'sha256' },
    )
    assert.equal(isAuthentic(decoded(bytes), key), true)
    const covered = Buffer.from(bytes.subarray(0, bytes.length - 8 - 36))
    covered.writeUint16BE(covered.length + 36 - 20, 2)
    const expected = createHmac('sha256', key).update(covered).digest()
    assert.deepEqual(Buffer.from(bytes.subarray(covered.length + 4, covered.length + 36)), expected)
    // A right SHA-1 does not make up for a wrong SHA-256.
    const sha1 = encodeMessage({ class: 'request', method: 1, transactionId, attributes }, { key, fingerprint: false })
    const both = withFingerprint(concatBytes(sha1.subarray(20), attribute(0x001c, new Uint8Array(32))))
    assert.equal(isAuthentic(decoded(both), key), false)
  })

  it('ignores MESSAGE-INTEGRITY behind MESSAGE-INTEGRITY-SHA256', () => {
    const attributes = { username: 'a:b' }
    const signed = encodeMessage(
      { class: 'request', method: 1, transactionId, attributes },
      { key, integrity: 'sha256', fingerprint: false },
    )
    const both = decoded(withFingerprint(concatBytes(signed.subarray(20), attribute(0x0008, new Uint8Array(20)))))
    assert.equal(both.integrityAt.sha1, undefined)
    assert.equal(isAuthentic(both, key), true)
  })

  it('refuses messages that are cut, prolonged, or not STUN at all', () => {
    const bytes = encodeMessage(
      { class: 'request', method: 1, transactionId, attributes: { username: 'abc:d' } },
      { key },
    )
    for (let length = 0; length < bytes.length; length++) {
      assert.equal(decodeMessage(bytes.subarray(0, length)), undefined, `${length} bytes`)
    }
    assert.equal(decodeMessage(concatBytes(bytes, new Uint8Array(4))), undefined)
    assert.equal(decodeMessage(new Uint8Array(20)), undefined)
    assert.equal(decodeMessage(concatBytes(Uint8Array.of(0x80 | (bytes[0] ?? 0)), bytes.subarray(1))), undefined)
  })

  it('refuses a wrong FINGERPRINT, and one that is not at the end', () => {
    const bytes = encodeMessage({ class: 'request', method: 1, transactionId, attributes: {} })
    const wrong = Uint8Array.from(bytes)
    wrong[27] = (wrong[27] ?? 0) ^ 1
    assert.equal(decodeMessage(wrong), undefined)
    const inFront = Buffer.from(concatBytes(bytes, attribute(0x8022, '41424344')))
    inFront.writeUint16BE(inFront.length - 20, 2)
    assert.equal(decodeMessage(inFront), undefined)
  })

  it('takes a time that grows with the length and no faster', () => {
    const time = (count: number): number => {
      const bytes = requestOf(
        stunMethod.binding,
        concatBytes(...Array.from({ length: count }, () => attribute(0x8888, ''))),
      )
      let best = Number.POSITIVE_INFINITY
      for (let attempt = 0; attempt < 10; attempt++) {
        const start = cpuTime()
        for (let i = 0; i < 30; i++) assert.ok(decodeMessage(bytes))
        best = Math.min(best, cpuTime() - start)
      }
      return best
    }
    time(2000)
    const ratio = time(8000) / time(2000)
    // Quadratic time would make it 16.
    assert.ok(ratio < 8, `four times the attributes take ${ratio.toFixed(2)} times as long`)
  })

  it('survives a round trip of whatever attributes', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = prng(seed)
      const id = random.bytes(12)
      const attributes = {
        username: Buffer.from(random.bytes(random.next() % 40)).toString('base64'),
        xorMappedAddress:
          random.float() < 0.5
            ? { address: random.bytes(4).join('.'), port: random.next() & 0xffff, family: 4 as const }
            : { address: `2001:db8::${((random.next() & 0xffff) | 1).toString(16)}`, port: 9, family: 6 as const },
        priority: random.next(),
        iceControlling: BigInt(random.next()) << 17n,
        errorCode: { code: 300 + (random.next() % 400), reason: 'x'.repeat(random.next() % 9) },
        unknownAttributes: Array.from({ length: random.next() % 5 }, () => random.next() & 0xffff),
        useCandidate: true as const,
      }
      const bytes = encodeMessage({ class: 'error', method: 1, transactionId: id, attributes }, { key })
      const message = decoded(bytes)
      assert.deepEqual(message.attributes, attributes, `seed ${seed}`)
      assert.deepEqual(message.transactionId, id, `seed ${seed}`)
      assert.equal(isAuthentic(message, key), true, `seed ${seed}`)
    }
  })
})

function decoded(bytes: Uint8Array): ReceivedStunMessage {
  const message = decodeMessage(bytes)
  assert.ok(message, 'not a STUN message')
  return message
}

function address6(text: string): { address: string; port: number; family: 6 } {
  return { address: text, port: 0x1234, family: 6 }
}

/** A request of one attribute, whose value is given as hex or bytes. */
function withAttribute(type: number, value: string | Uint8Array): Uint8Array {
  return requestOf(stunMethod.binding, attribute(type, value))
}

function withFingerprint(body: Uint8Array): Uint8Array {
  const bytes = Buffer.from(requestOf(stunMethod.binding, concatBytes(body, attribute(0x8028, '00000000'))))
  const crc = crc32(bytes.subarray(0, bytes.length - 8))
  bytes.writeUint32BE((crc ^ 0x5354_554e) >>> 0, bytes.length - 4)
  return bytes
}

/** Bit by bit, from the polynomial of RFC 8489 §14.7. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffff_ffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb8_8320 : crc >>> 1
  }
  return ~crc >>> 0
}
