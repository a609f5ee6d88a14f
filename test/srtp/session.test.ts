import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { maxPacketLength } from '../../src/srtp/counter-mode.ts'
import { indexWindowSize, SrtpProfileId, SrtpSession, srtpProfile } from '../../src/srtp/index.ts'
import { deriveKey, KeyLabel } from '../../src/srtp/key-derivation.ts'
import { prng } from '../support/prng.ts'
import { copyOf, defaultSsrc, hex, pair, profiles, refused, rtcp, rtp, taken, text } from './support.ts'

for (const profile of profiles) {
  describe(`An SRTP session with ${profile.name}`, () => {
    it('takes what the other end protected, in both directions', () => {
      const [a, b] = pair(profile)
      for (const [from, to] of [
        [a, b],
        [b, a],
      ] as const) {
        for (let i = 0; i < 5; i++) {
          assert.equal(text(taken(to.unprotect(taken(from.protect(rtp(i)))))), text(rtp(i)))
          assert.equal(text(taken(to.unprotectRtcp(taken(from.protectRtcp(rtcp()))))), text(rtcp()))
        }
      }
    })

    it('leaves what it protects as it is, and adds the bytes it says', () => {
      const [a] = pair(profile, { mki: hex('010203') })
      const packet = rtp(7)
      assert.equal(taken(a.protect(packet)).length, packet.length + a.rtpOverhead)
      assert.equal(text(packet), text(rtp(7)))
      assert.equal(a.rtpOverhead, profile.rtpTagLength + 3)
      const report = rtcp()
      assert.equal(taken(a.protectRtcp(report)).length, report.length + a.rtcpOverhead)
      assert.equal(text(report), text(rtcp()))
      assert.equal(a.rtcpOverhead, profile.rtcpTagLength + 3 + 4)
    })

    it('protects in place to the same bytes', () => {
      const [a] = pair(profile)
      const [again] = pair(profile)
      const packet = rtp(7)
      const buffer = new Uint8Array(packet.length + a.rtpOverhead + 10)
      buffer.set(packet)
      const sealed = taken(a.protectInPlace(buffer, packet.length))
      assert.equal(sealed.buffer, buffer.buffer)
      assert.equal(text(sealed), text(taken(again.protect(packet))))
    })

    it('protects the packet of that length in a longer array', () => {
      const [a] = pair(profile)
      const [again] = pair(profile)
      const buffer = new Uint8Array(200).fill(0xee)
      buffer.set(rtp(7))
      assert.equal(text(taken(a.protect(buffer, rtp(7).length))), text(taken(again.protect(rtp(7)))))
      const report = new Uint8Array(200).fill(0xee)
      report.set(rtcp())
      assert.equal(text(taken(a.protectRtcp(report, rtcp().length))), text(taken(again.protectRtcp(rtcp()))))
    })

    it('takes a packet in place', () => {
      const [a, b] = pair(profile)
      const sealed = taken(a.protect(rtp(1)))
      const plain = taken(b.unprotect(sealed))
      assert.equal(plain.buffer, sealed.buffer)
      assert.equal(plain.byteOffset, sealed.byteOffset)
    })

    it('enciphers the payload, and all of a compound packet but its first header', () => {
      const [a] = pair(profile)
      const payload = new Uint8Array(64).fill(0x41)
      assert.equal(text(taken(a.protect(rtp(1, { payload })))).includes('4141414141'), false)
      const sealed = text(taken(a.protectRtcp(rtcp(defaultSsrc, payload))))
      assert.equal(sealed.includes('4141414141'), false)
      assert.equal(sealed.slice(0, 16), text(rtcp()).slice(0, 16))
    })

    it('counts the index of SRTCP from zero, by SSRC, with the flag of encryption', () => {
      const [a] = pair(profile)
      const at = profile.cipher === 'aes-gcm' ? -4 : -4 - profile.rtcpTagLength
      const word = (sealed: Uint8Array): string => text(sealed.subarray(at).subarray(0, 4))
      assert.equal(word(taken(a.protectRtcp(rtcp(1)))), '80000000')
      assert.equal(word(taken(a.protectRtcp(rtcp(1)))), '80000001')
      assert.equal(word(taken(a.protectRtcp(rtcp(2)))), '80000000')
    })

    it('takes packets out of order, each once, as far back as its window', () => {
      const [a, b] = pair(profile)
      const sealed = Array.from({ length: indexWindowSize + 10 }, (_, i) => taken(a.protect(rtp(i + 0xfff0 - 500))))
      const at = (i: number): Uint8Array => copyOf(sealed[i] ?? hex(''))
      const last = sealed.length - 1
      taken(b.unprotect(at(0)))
      taken(b.unprotect(at(last)))
      assert.equal(refused(b.unprotect(at(last))), 'replayed')
      assert.equal(refused(b.unprotect(at(0))), 'replayed')
      assert.equal(refused(b.unprotect(at(last - indexWindowSize))), 'replayed')
      taken(b.unprotect(at(last - indexWindowSize + 1)))
      for (let i = last - 1; i > last - indexWindowSize + 1; i--) taken(b.unprotect(at(i)), String(i))
      assert.equal(b.drops.replayed, 3)
    })

    it('takes SRTCP out of order, each once', () => {
      const [a, b] = pair(profile)
      const sealed = [0, 1, 2].map(() => taken(a.protectRtcp(rtcp())))
      for (const i of [2, 0, 1]) taken(b.unprotectRtcp(copyOf(sealed[i] ?? hex(''))))
      for (const each of sealed) assert.equal(refused(b.unprotectRtcp(each)), 'replayed')
    })

    it('counts the roll-overs of 200,000 packets with loss', () => {
      const [a, b] = pair(profile)
      let received = 0
      for (let index = 0xff00; index < 0xff00 + 200_000; index += 50) {
        const sealed = taken(a.protect(rtp(index % 0x1_0000)))
        if ((index / 50) % 3 === 0) continue
        taken(b.unprotect(sealed), `index ${index}`)
        received++
      }
      assert.ok(received > 2_600)
    })

    it('never uses an index twice, nor one that it may have used', () => {
      const [a] = pair(profile)
      taken(a.protect(rtp(5)))
      assert.equal(refused(a.protect(rtp(5))), 'index-reused')
      assert.equal(refused(a.protect(rtp(5, { payload: hex('ffff') }))), 'index-reused')
      taken(a.protect(rtp(5 + indexWindowSize)))
      assert.equal(refused(a.protect(rtp(4))), 'index-reused')
      taken(a.protect(rtp(6)))
      const before = new Uint8Array([...rtp(6), ...new Uint8Array(a.rtpOverhead)])
      const buffer = copyOf(before)
      assert.equal(refused(a.protectInPlace(buffer, rtp(6).length)), 'index-reused')
      assert.equal(text(buffer), text(before))
      assert.equal(refused(a.protect(rtp(0xffff))), 'index-reused')
    })

    it('has no index before the first one', () => {
      const [a, b] = pair(profile)
      const [other] = pair(profile)
      taken(b.unprotect(taken(a.protect(rtp(3)))))
      assert.equal(refused(a.protect(rtp(0xffff))), 'index-reused')
      assert.equal(refused(b.unprotect(taken(other.protect(rtp(0xffff))))), 'replayed')
    })

    it('refuses any changed bit, and is as before', () => {
      const [a, b] = pair(profile)
      const sealed = taken(a.protect(rtp(1, { extension: { profile: 0xbede, data: hex('10ff0000') } })))
      const report = taken(a.protectRtcp(rtcp()))
      for (let bit = 0; bit < sealed.length * 8; bit++) {
        const changed = copyOf(sealed)
        changed[bit >>> 3] = (changed[bit >>> 3] ?? 0) ^ (1 << (bit & 7))
        const before = text(changed)
        assert.ok(['bad-tag', 'malformed'].includes(refused(b.unprotect(changed))), `bit ${bit}`)
        assert.equal(text(changed), before)
      }
      for (let bit = 0; bit < report.length * 8; bit++) {
        const changed = copyOf(report)
        changed[bit >>> 3] = (changed[bit >>> 3] ?? 0) ^ (1 << (bit & 7))
        const before = text(changed)
        assert.ok(['bad-tag', 'malformed'].includes(refused(b.unprotectRtcp(changed))), `bit ${bit}`)
        assert.equal(text(changed), before)
      }
      assert.deepEqual(b.streamCounts, { sent: 0, received: 0 })
      taken(b.unprotect(sealed))
      taken(b.unprotectRtcp(report))
    })

    it('refuses whatever is too short', () => {
      const [a, b] = pair(profile, { mki: hex('01020304') })
      const sealed = taken(a.protect(rtp(1)))
      const report = taken(a.protectRtcp(rtcp()))
      for (let length = 0; length < sealed.length; length++) refused(b.unprotect(sealed.slice(0, length)))
      for (let length = 0; length < report.length; length++) refused(b.unprotectRtcp(report.slice(0, length)))
      assert.equal(refused(b.unprotect(sealed.slice(0, 12 + profile.rtpTagLength + 3))), 'malformed')
      assert.equal(refused(b.unprotectRtcp(report.slice(0, 8 + profile.rtcpTagLength + 4 + 3))), 'malformed')
      taken(b.unprotect(sealed))
      taken(b.unprotectRtcp(report))
    })

    it('refuses a header that reaches into the tag', () => {
      const [, b] = pair(profile)
      const packet = new Uint8Array(16 + profile.rtpTagLength)
      packet.set(hex('90600001000000000000000abede0001'))
      assert.equal(refused(b.unprotect(packet)), 'malformed')
    })

    it('does not send what is no packet', () => {
      const [a] = pair(profile)
      const extensionBeyond = hex('9060000100000000cafebabebede0009aabbccdd')
      for (const bad of [hex(''), hex('80600001'), hex('40600001000000000000000a'), extensionBeyond]) {
        assert.equal(refused(a.protect(bad)), 'malformed')
      }
      for (const bad of [hex(''), hex('80c80001000000'), hex('40c800010000000a')]) {
        assert.equal(refused(a.protectRtcp(bad)), 'malformed')
      }
      assert.equal(refused(a.protect(rtp(1, { payload: new Uint8Array(maxPacketLength) }))), 'malformed')
      assert.deepEqual(a.streamCounts, { sent: 0, received: 0 })
      taken(a.protect(rtp(1, { payload: new Uint8Array(maxPacketLength - 12) })))
    })

    it('wants the MKI of its keys, and no other', () => {
      const [a, b] = pair(profile, { mki: hex('0102') })
      const [otherA] = pair(profile, { mki: hex('0103') })
      const [noneA, noneB] = pair(profile)
      assert.equal(refused(b.unprotect(taken(otherA.protect(rtp(1))))), 'unknown-mki')
      assert.equal(refused(b.unprotectRtcp(taken(otherA.protectRtcp(rtcp())))), 'unknown-mki')
      assert.equal(refused(b.unprotect(taken(noneA.protect(rtp(1))))), 'unknown-mki')
      assert.equal(refused(noneB.unprotect(taken(a.protect(rtp(1))))), 'bad-tag')
      assert.equal(b.drops['unknown-mki'], 3)
      taken(b.unprotect(taken(a.protect(rtp(2)))))
    })

    it('does not take what was sent with other keys, nor its own', () => {
      const [a, b] = pair(profile)
      const [stranger] = pair(profile, {}, 99)
      assert.equal(refused(b.unprotect(taken(stranger.protect(rtp(1))))), 'bad-tag')
      assert.equal(refused(a.unprotect(taken(a.protect(rtp(1))))), 'bad-tag')
      assert.equal(refused(a.unprotectRtcp(taken(a.protectRtcp(rtcp())))), 'bad-tag')
    })

    it('makes one packet differ for every receiver, from one array', () => {
      const packet = rtp(9)
      const sealed = new Set<string>()
      for (let i = 0; i < 100; i++) {
        const [a, b] = pair(profile, {}, 1000 + i)
        const mine = taken(a.protect(packet))
        sealed.add(text(mine))
        assert.equal(text(taken(b.unprotect(mine))), text(packet))
      }
      assert.equal(sealed.size, 100)
    })

    it('does nothing more once its keys are wiped', () => {
      const [a, b] = pair(profile)
      const sealed = taken(b.protect(rtp(1)))
      const report = taken(b.protectRtcp(rtcp()))
      a.wipe()
      assert.equal(refused(a.protect(rtp(1))), 'closed')
      assert.equal(refused(a.protectInPlace(new Uint8Array(100), 50)), 'closed')
      assert.equal(refused(a.protectRtcp(rtcp())), 'closed')
      assert.equal(refused(a.unprotect(sealed)), 'closed')
      assert.equal(refused(a.unprotectRtcp(report)), 'closed')
      assert.equal(a.drops.closed, 5)
      a.wipe()
      taken(b.protect(rtp(2)))
    })
  })
}

describe('SRTCP that is authenticated but not enciphered', () => {
  for (const id of [SrtpProfileId.aes128CmSha1_80, SrtpProfileId.aes128CmSha1_32]) {
    const profile = srtpProfile(id)
    it(`is taken with ${profile.name}, once`, () => {
      const master = { key: prng(1).bytes(16), salt: prng(2).bytes(14) }
      const session = new SrtpSession({ profile: id, sendKey: master, receiveKey: master })
      const index = hex('00000005')
      const tag = createHmac('sha1', deriveKey(master, KeyLabel.rtcpAuthentication, 20))
        .update(rtcp())
        .update(index)
      const packet = new Uint8Array([...rtcp(), ...index, ...tag.digest().subarray(0, 10)])
      const flagged = copyOf(packet)
      flagged[rtcp().length] = 0x80
      assert.equal(refused(session.unprotectRtcp(flagged)), 'bad-tag')
      assert.equal(text(taken(session.unprotectRtcp(copyOf(packet)))), text(rtcp()))
      assert.equal(refused(session.unprotectRtcp(packet)), 'replayed')
    })
  }
})

describe('The options of an SRTP session', () => {
  const profile = srtpProfile(SrtpProfileId.aeadAes128Gcm)
  const keyingMaterial = prng(4).bytes(56)
  const valid = { profile: profile.id, keyingMaterial, role: 'client' as const }

  it('are checked', () => {
    const refuse = (options: object, code: string): void => {
      assert.throws(() => new SrtpSession({ ...valid, ...options }), { name: 'SrtpError', code })
    }
    refuse({ profile: 0x0005 }, 'unknown-profile')
    refuse({ keyingMaterial: keyingMaterial.subarray(1) }, 'bad-keying-material')
    refuse({ mki: new Uint8Array(0) }, 'bad-mki')
    refuse({ mki: new Uint8Array(256) }, 'bad-mki')
    for (const id of [0, 256, 1.5]) refuse({ encryptedExtensions: [1, id] }, 'bad-extension-id')
    const key = { key: new Uint8Array(16), salt: new Uint8Array(14) }
    assert.throws(() => new SrtpSession({ profile: profile.id, sendKey: key, receiveKey: key }), {
      code: 'bad-keying-material',
    })
  })

  it('may be wiped and changed afterwards', () => {
    const options = { ...valid, keyingMaterial: copyOf(keyingMaterial), mki: hex('aa') }
    const session = new SrtpSession(options)
    options.keyingMaterial.fill(0)
    options.mki.fill(0)
    const expected = new SrtpSession({ ...valid, mki: hex('aa') })
    assert.equal(text(taken(session.protect(rtp(1)))), text(taken(expected.protect(rtp(1)))))
  })

  it('cut keying material as RFC 5764 orders it', () => {
    const part = (from: number, length: number): Uint8Array => keyingMaterial.slice(from, from + length)
    const client = { key: part(0, 16), salt: part(32, 12) }
    const server = { key: part(16, 16), salt: part(44, 12) }
    const explicit = new SrtpSession({ profile: profile.id, sendKey: client, receiveKey: server })
    const derived = new SrtpSession(valid)
    assert.equal(text(taken(derived.protect(rtp(1)))), text(taken(explicit.protect(rtp(1)))))
    const asServer = new SrtpSession({ ...valid, role: 'server' })
    assert.equal(text(taken(explicit.unprotect(taken(asServer.protect(rtp(2)))))), text(rtp(2)))
  })

  it('do not excuse an array without room, or a length that it does not have', () => {
    const session = new SrtpSession(valid)
    assert.throws(() => session.protectInPlace(new Uint8Array(35), 20), { code: 'bad-length' })
    for (const length of [21, -1, Number.NaN]) {
      assert.throws(() => session.protect(new Uint8Array(20), length), { code: 'bad-length' })
      assert.throws(() => session.protectRtcp(new Uint8Array(20), length), { code: 'bad-length' })
    }
  })
})
