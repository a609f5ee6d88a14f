import assert from 'node:assert/strict'
import { prng } from '../support/prng.ts'
import { copyOf, type Fields, hex, pair, profiles, refused, rtp, taken, text } from './support.ts'

const oneByte = { profile: 0xbede, data: hex('10aa21bbcc00005300112233ff000000') }
const twoByte = { profile: 0x1000, data: hex('0101aa00000202bbcc3300ff00000000') }

/** What of the extension's data is changed by protection: a mask of bytes. */
function changed(plain: Uint8Array, sealed: Uint8Array, at: number, length: number): string {
  let mask = ''
  for (let i = at; i < at + length; i++) mask += plain[i] === sealed[i] ? '0' : '1'
  return mask
}

for (const profile of profiles) {
  describe(`Encrypted header extensions with ${profile.name}`, () => {
    const roundTrip = (encryptedExtensions: readonly number[], fields: Fields): string => {
      const [a, b] = pair(profile, { encryptedExtensions })
      // Some bytes of the key stream are zero: what differs in any of these packets is enciphered.
      let mask = ''
      for (let i = 0; i < 20; i++) {
        const plain = rtp(i, fields)
        const sealed = taken(a.protect(plain))
        const each = changed(plain, sealed, 16 + 4 * (fields.csrcs?.length ?? 0), fields.extension?.data.length ?? 0)
        mask = [...each].map((bit, at) => (bit === '1' || mask[at] === '1' ? '1' : '0')).join('')
        assert.equal(text(taken(b.unprotect(sealed))), text(plain))
      }
      return mask
    }

    it('covers the values of those in the one-byte form, and neither heads nor padding', () => {
      assert.equal(roundTrip([1], { extension: oneByte }), '0100000000000000')
      assert.equal(roundTrip([2, 5], { extension: oneByte }), '0001100011110000')
      assert.equal(roundTrip([2, 5], { extension: oneByte, csrcs: [1, 2] }), '0001100011110000')
      assert.equal(roundTrip([7], { extension: oneByte }), '0000000000000000')
    })

    it('covers the values of those in the two-byte form, and those of no bytes', () => {
      assert.equal(roundTrip([1], { extension: twoByte }), '0010000000000000')
      assert.equal(roundTrip([2, 51, 255], { extension: twoByte }), '0000000110000000')
      assert.equal(
        roundTrip([255], { extension: { profile: 0x1007, data: hex('ff0411223344000000000000') } }),
        '001111000000',
      )
    })

    it('ends at the identifier 15, and at padding with a length', () => {
      assert.equal(roundTrip([1, 15], { extension: { profile: 0xbede, data: hex('10aaf0aa10aa0000') } }), '01000000')
      assert.equal(roundTrip([1], { extension: { profile: 0xbede, data: hex('10aa01aaaa10aa00') } }), '01000000')
    })

    it('stays within an extension whose elements claim more', () => {
      assert.equal(roundTrip([1], { extension: { profile: 0xbede, data: hex('1faaaaaa') } }), '0111')
      assert.equal(roundTrip([1], { extension: { profile: 0x1000, data: hex('01ffaaaa') } }), '0011')
      assert.equal(roundTrip([1], { extension: { profile: 0x1000, data: hex('00000001') } }), '0000')
    })

    it('leaves other extensions, empty ones and packets without one alone', () => {
      assert.equal(roundTrip([1, 2], { extension: { profile: 0x4142, data: oneByte.data } }), '0'.repeat(16))
      assert.equal(roundTrip([1, 2], { extension: { profile: 0xbede, data: hex('') } }), '')
      assert.equal(roundTrip([1, 2], {}), '')
    })

    it('is not taken off before the tag has fitted', () => {
      const [a, b] = pair(profile, { encryptedExtensions: [1, 2, 5] })
      const sealed = taken(a.protect(rtp(1, { extension: oneByte })))
      sealed[40] = (sealed[40] ?? 0) ^ 1
      const before = text(sealed)
      assert.equal(refused(b.unprotect(sealed)), 'bad-tag')
      assert.equal(text(sealed), before)
    })
  })

  describe(`Cryptex with ${profile.name}`, () => {
    const shapes: readonly [string, Fields, string][] = [
      ['the one-byte form', { extension: oneByte }, 'c0de0004'],
      ['the two-byte form', { extension: twoByte }, 'c2de0004'],
      ['CSRCs too', { extension: oneByte, csrcs: [5, 6, 7] }, 'c0de0004'],
      [
        '15 CSRCs and a short extension',
        { extension: { profile: 0xbede, data: hex('10aa0000') }, csrcs: Array(15).fill(9) },
        'c0de0001',
      ],
      ['CSRCs and no payload', { extension: twoByte, csrcs: [5], payload: hex('') }, 'c2de0004'],
    ]
    for (const [title, fields, head] of shapes) {
      it(`enciphers all of ${title} but the head of the extension`, () => {
        const [a, b] = pair(profile, { cryptex: true })
        const plain = rtp(1, fields)
        const csrcs = 4 * (fields.csrcs?.length ?? 0)
        const sealed = taken(a.protect(plain))
        assert.equal(sealed.length, plain.length + profile.rtpTagLength)
        assert.equal(text(sealed.subarray(0, 12)), text(plain.subarray(0, 12)))
        assert.equal(text(sealed.subarray(12 + csrcs, 16 + csrcs)), head)
        if (csrcs > 0) assert.notEqual(text(sealed.subarray(12, 12 + csrcs)), text(plain.subarray(12, 12 + csrcs)))
        assert.notEqual(text(sealed.subarray(16 + csrcs, plain.length)), text(plain.subarray(16 + csrcs)))
        const forged = copyOf(sealed)
        forged[15] = (forged[15] ?? 0) ^ 1
        const before = text(forged)
        assert.ok(['bad-tag', 'malformed'].includes(refused(b.unprotect(forged))))
        assert.equal(text(forged), before)
        assert.equal(text(taken(b.unprotect(sealed))), text(plain))
      })
    }

    it('gives a packet with CSRCs alone an empty extension, in place too', () => {
      const [a, b] = pair(profile, { cryptex: true })
      const plain = rtp(1, { csrcs: [1, 2], payload: hex('414243') })
      assert.equal(a.rtpOverhead, profile.rtpTagLength + 4)
      const sealed = taken(a.protect(plain))
      const [again] = pair(profile, { cryptex: true })
      const buffer = new Uint8Array(plain.length + again.rtpOverhead)
      buffer.set(plain)
      assert.equal(text(taken(again.protectInPlace(buffer, plain.length))), text(sealed))
      assert.equal(
        text(taken(b.unprotect(sealed))),
        text(rtp(1, { csrcs: [1, 2], payload: hex('414243'), extension: { profile: 0xbede, data: hex('') } })),
      )
    })

    it('leaves packets without either, and extensions of another kind, to SRTP as it is', () => {
      const [plainSession] = pair(profile)
      const [a, b] = pair(profile, { cryptex: true })
      const other = [0x1001, 0x4142, 0xc0de].map(kind => ({ profile: kind, data: hex('01020304') }))
      for (const [i, fields] of [{}, { extension: other[0] }, { extension: other[1] }].entries()) {
        const packet = rtp(i, fields as Fields)
        const sealed = taken(a.protect(packet))
        assert.equal(text(sealed), text(taken(plainSession.protect(packet))))
        assert.equal(text(taken(b.unprotect(sealed))), text(packet))
      }
    })

    it('is taken beside packets without it', () => {
      const [a, b] = pair(profile, { cryptex: true, encryptedExtensions: [1] })
      const [withoutCryptex] = pair(profile, { encryptedExtensions: [1] })
      assert.equal(
        text(taken(b.unprotect(taken(a.protect(rtp(1, { extension: oneByte })))))),
        text(rtp(1, { extension: oneByte })),
      )
      const sealed = taken(withoutCryptex.protect(rtp(2, { extension: oneByte })))
      assert.equal(text(taken(b.unprotect(sealed))), text(rtp(2, { extension: oneByte })))
    })

    it('restores whatever the packet was', () => {
      const [a, b] = pair(profile, { cryptex: true, mki: hex('07') })
      const random = prng(profile.id)
      for (let i = 0; i < 300; i++) {
        const data = random.bytes(4 * (random.next() % 6))
        const fields = {
          csrcs: Array.from({ length: random.next() % 16 }, () => random.next()),
          extension: { profile: random.next() % 2 === 0 ? 0xbede : 0x1000, data },
          payload: random.bytes(random.next() % 100),
        }
        assert.equal(text(taken(b.unprotect(taken(a.protect(rtp(i, fields)))))), text(rtp(i, fields)), `packet ${i}`)
      }
    })
  })
}
