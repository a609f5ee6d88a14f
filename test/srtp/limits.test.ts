import assert from 'node:assert/strict'
import { maxStreams } from '../../src/srtp/index.ts'
import { prng } from '../support/prng.ts'
import { copyOf, defaultSsrc, pair, profiles, refused, rtcp, rtp, taken, text } from './support.ts'

for (const profile of profiles) {
  describe(`The limits of an SRTP session with ${profile.name}`, () => {
    const lastTurn = { rolloverCounter: 0xffff_ffff }

    it('end the use of the key after the 2^48th index of SRTP', () => {
      const [a, b] = pair(profile)
      a.resumeSending(defaultSsrc, lastTurn)
      b.resumeReceiving(defaultSsrc, lastTurn)
      assert.equal(text(taken(b.unprotect(taken(a.protect(rtp(0xfffe)))))), text(rtp(0xfffe)))
      const last = taken(a.protect(rtp(0xffff)))
      assert.equal(text(taken(b.unprotect(copyOf(last)))), text(rtp(0xffff)))
      assert.equal(refused(a.protect(rtp(0))), 'key-exhausted')
      assert.equal(refused(a.protect(rtp(1, { ssrc: 7 }))), 'key-exhausted')
      assert.equal(refused(a.protectRtcp(rtcp())), 'key-exhausted')
      assert.equal(a.drops['key-exhausted'], 3)
    })

    it('keep the receiver from starting over, and a forged packet from stopping it', () => {
      const [a, b] = pair(profile)
      const [fresh] = pair(profile)
      a.resumeSending(defaultSsrc, lastTurn)
      b.resumeReceiving(defaultSsrc, lastTurn)
      taken(b.unprotect(taken(a.protect(rtp(0xfff0)))))
      assert.equal(refused(b.unprotect(taken(fresh.protect(rtp(3))))), 'key-exhausted')
      taken(b.unprotect(taken(a.protect(rtp(0xfff1)))))
    })

    it('end the use of the key after the 2^31st index of SRTCP', () => {
      const [a, b] = pair(profile)
      a.resumeSending(5, { rtcpIndex: 2 ** 31 - 2 })
      for (let i = 0; i < 2; i++)
        assert.equal(text(taken(b.unprotectRtcp(taken(a.protectRtcp(rtcp(5)))))), text(rtcp(5)))
      assert.equal(refused(a.protectRtcp(rtcp(5))), 'key-exhausted')
      assert.equal(refused(a.protectRtcp(rtcp(6))), 'key-exhausted')
      assert.equal(refused(a.protect(rtp(1))), 'key-exhausted')
    })

    it('bound the streams that are sent, without forgetting any', () => {
      const [a] = pair(profile)
      for (let ssrc = 0; ssrc < maxStreams; ssrc++) taken(a.protectRtcp(rtcp(ssrc)))
      assert.equal(refused(a.protect(rtp(1, { ssrc: maxStreams }))), 'too-many-streams')
      assert.equal(refused(a.protectRtcp(rtcp(maxStreams))), 'too-many-streams')
      assert.equal(a.streamCounts.sent, maxStreams)
      taken(a.protect(rtp(1, { ssrc: 0 })))
      assert.throws(() => a.resumeSending(maxStreams, {}), { code: 'too-many-streams' })
    })

    it('bound the streams that are received, without forgetting any', () => {
      const [a, b] = pair(profile)
      const [more] = pair(profile)
      const first = taken(a.protect(rtp(1, { ssrc: 0 })))
      for (let ssrc = 0; ssrc < maxStreams; ssrc++) {
        const sealed = ssrc === 0 ? copyOf(first) : taken(a.protect(rtp(1, { ssrc })))
        taken(b.unprotect(sealed))
      }
      assert.equal(refused(b.unprotect(taken(more.protect(rtp(1, { ssrc: maxStreams }))))), 'too-many-streams')
      assert.equal(refused(b.unprotectRtcp(taken(more.protectRtcp(rtcp(maxStreams))))), 'too-many-streams')
      assert.equal(b.streamCounts.received, maxStreams)
      assert.equal(refused(b.unprotect(first)), 'replayed')
      taken(b.unprotect(taken(a.protect(rtp(2, { ssrc: 0 })))))
      taken(b.unprotectRtcp(taken(a.protectRtcp(rtcp(0)))))
    })

    it('leave no trace of 10^5 forged SSRCs', () => {
      const [a, b] = pair(profile)
      const forged = taken(a.protect(rtp(1)))
      const forgedRtcp = taken(a.protectRtcp(rtcp()))
      const [rtpCopy, rtcpCopy] = [copyOf(forged), copyOf(forgedRtcp)]
      const random = prng(8)
      for (let i = 0; i < 50_000; i++) {
        // Never the SSRC that was used: the top bit differs.
        const ssrc = random.next() >>> 1
        new DataView(rtpCopy.buffer).setUint32(8, ssrc)
        assert.equal(refused(b.unprotect(rtpCopy)), 'bad-tag')
        new DataView(rtcpCopy.buffer).setUint32(4, ssrc)
        assert.equal(refused(b.unprotectRtcp(rtcpCopy)), 'bad-tag')
      }
      assert.equal(b.streamCounts.received, 0)
      assert.equal(b.drops['bad-tag'], 100_000)
      taken(b.unprotect(forged))
      taken(b.unprotectRtcp(forgedRtcp))
      assert.equal(b.streamCounts.received, 1)
    })

    it('do not let a forged packet move the roll-over counter or the window', () => {
      const [a, b] = pair(profile)
      taken(b.unprotect(taken(a.protect(rtp(0x7000)))))
      taken(b.unprotectRtcp(taken(a.protectRtcp(rtcp()))))
      for (let sequenceNumber = 0; sequenceNumber < 0x1_0000; sequenceNumber += 13) {
        const forged = rtp(sequenceNumber, { payload: new Uint8Array(40) })
        assert.notEqual(refused(b.unprotect(forged)), 'malformed')
      }
      const forgedRtcp = taken(a.protectRtcp(rtcp()))
      const genuine = copyOf(forgedRtcp)
      const view = new DataView(forgedRtcp.buffer, forgedRtcp.byteOffset)
      const at = forgedRtcp.length - (profile.cipher === 'aes-gcm' ? 4 : 4 + profile.rtcpTagLength)
      view.setUint32(at, 0xffff_ffff)
      assert.equal(refused(b.unprotectRtcp(forgedRtcp)), 'bad-tag')
      for (let i = 1; i < 100; i++) taken(b.unprotect(taken(a.protect(rtp(0x7000 + i)))))
      taken(b.unprotectRtcp(genuine))
    })
  })
}

describe('A stream that goes on from elsewhere', () => {
  const [profile] = profiles
  assert.ok(profile)

  it('needs the rollover counter', () => {
    const [a, b] = pair(profile)
    a.resumeSending(defaultSsrc, { rolloverCounter: 3 })
    const sealed = taken(a.protect(rtp(1)))
    assert.equal(refused(b.unprotect(copyOf(sealed))), 'bad-tag')
    b.resumeReceiving(defaultSsrc, { rolloverCounter: 3 })
    taken(b.unprotect(sealed))
  })

  it('cannot be moved once it is known here', () => {
    const [a, b] = pair(profile)
    taken(b.unprotect(taken(a.protect(rtp(1)))))
    assert.throws(() => a.resumeSending(defaultSsrc, { rolloverCounter: 0 }), { code: 'stream-in-use' })
    assert.throws(() => b.resumeReceiving(defaultSsrc, { rolloverCounter: 0 }), { code: 'stream-in-use' })
  })

  it('has a counter and an index that can be', () => {
    const [a] = pair(profile)
    for (const position of [
      { rolloverCounter: 2 ** 32 },
      { rolloverCounter: -1 },
      { rtcpIndex: 2 ** 31 },
      { rtcpIndex: 0.5 },
    ]) {
      assert.throws(() => a.resumeSending(1, position), { code: 'bad-index' })
    }
    assert.equal(a.streamCounts.sent, 0)
  })
})
