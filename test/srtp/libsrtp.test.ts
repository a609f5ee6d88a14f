import assert from 'node:assert/strict'
import { type MasterKey, type SrtpProfile, SrtpSession } from '../../src/srtp/index.ts'
import { prng } from '../support/prng.ts'
import { LibSrtp, type LibSrtpOptions, type LibSrtpSession } from './libsrtp.ts'
import { copyOf, defaultSsrc, type Fields, hex, profiles, rtcp, rtp, taken, text } from './support.ts'

/** What libsrtp calls these. */
const authenticationFailed = 'error 7'
const replayed = 'error 9'

const oneByte = { profile: 0xbede, data: hex('17414273a475262748220000c8308e4655996386b395fb00') }
// libsrtp does not count padding between elements as bytes of the key stream, RFC 6904 §3 does: here all of it is at the end.
const twoByte = { profile: 0x1000, data: hex('0104a1a2a3a4020003011104080102030405060708000000') }

const shapes: readonly [string, Fields][] = [
  ['a plain packet', {}],
  ['an empty payload', { payload: new Uint8Array(0) }],
  ['a payload of a datagram', { payload: prng(3).bytes(1188) }],
  ['a payload longer than a datagram', { payload: prng(4).bytes(9000) }],
  ['padding', { paddingLength: 7 }],
  ['CSRCs', { csrcs: [1, 0xffff_ffff, 3] }],
  ['extensions in the one-byte form', { extension: oneByte }],
  ['extensions in the two-byte form, and CSRCs', { extension: twoByte, csrcs: [9] }],
]
/** With encrypted extensions libsrtp takes none of these, though RFC 6904 leaves them alone. */
const otherExtension: Fields = { extension: { profile: 0x1234, data: hex('0102030405060708') } }

describe('SRTP with libsrtp', function () {
  this.timeout(30_000)
  let peer: LibSrtp | undefined

  before(function () {
    this.timeout(60_000)
    peer = LibSrtp.start(this)
  })

  after(() => peer?.stop())

  interface Ends {
    readonly ours: SrtpSession
    readonly sender: LibSrtpSession
    readonly receiver: LibSrtpSession
  }

  async function ends(profile: SrtpProfile, options: LibSrtpOptions = {}): Promise<Ends> {
    assert.ok(peer)
    const random = prng(profile.id)
    const master = (): MasterKey => ({ key: random.bytes(profile.keyLength), salt: random.bytes(profile.saltLength) })
    const [sendKey, receiveKey] = [master(), master()]
    const { ssrc: _, ...extras } = options
    return {
      ours: new SrtpSession({ profile: profile.id, sendKey, receiveKey, ...extras }),
      sender: await peer.create('send', profile, receiveKey, options),
      receiver: await peer.create('receive', profile, sendKey, options),
    }
  }

  /** Either end takes what the other protects, and both protect it to the same bytes. */
  async function exchange({ ours, sender, receiver }: Ends, packet: Uint8Array): Promise<void> {
    assert.equal(await receiver.unprotect(taken(ours.protect(packet))), text(packet))
    const theirs = await sender.protect(packet)
    assert.equal(text(taken(ours.unprotect(hex(theirs)), theirs)), text(packet))
  }

  for (const profile of profiles) {
    describe(profile.name, () => {
      const variants: readonly [string, LibSrtpOptions][] = [
        ['', {}],
        [', with an MKI', { mki: hex('01020304') }],
        [', with an MKI of one byte', { mki: hex('c8') }],
        [', with encrypted header extensions', { encryptedExtensions: [1, 3, 4] }],
      ]
      for (const [variant, options] of variants) {
        it(`exchanges packets of every shape${variant}`, async () => {
          const both = await ends(profile, options)
          for (const [i, [, fields]] of shapes.entries()) await exchange(both, rtp(i + 1, fields))
          if (!options.encryptedExtensions) await exchange(both, rtp(50, otherExtension))
        })

        it(`exchanges RTCP${variant}`, async () => {
          const { ours, sender, receiver } = await ends(profile, options)
          // It looks for the MKI of RTCP where the shorter tag of RTP would leave it; what it sends has it in its place.
          const findsMki = !options.mki || profile.rtpTagLength === profile.rtcpTagLength
          for (const length of [0, 4, 60, 1188]) {
            const packet = rtcp(0x1111_2222, prng(length).bytes(length))
            const mine = taken(ours.protectRtcp(packet))
            if (findsMki) assert.equal(await receiver.unprotectRtcp(mine), text(packet))
            const theirs = await sender.protectRtcp(packet)
            assert.equal(text(taken(ours.unprotectRtcp(hex(theirs)), theirs)), text(packet))
          }
        })
      }

      it('protects to the very same bytes', async () => {
        assert.ok(peer)
        const random = prng(77)
        const key = { key: random.bytes(profile.keyLength), salt: random.bytes(profile.saltLength) }
        const options = { mki: hex('0a0b'), encryptedExtensions: [1, 4] }
        const ours = new SrtpSession({ profile: profile.id, sendKey: key, receiveKey: key, ...options })
        const theirs = await peer.create('send', profile, key, options)
        for (const [i, [title, fields]] of shapes.entries()) {
          const packet = rtp(i + 1, fields)
          const expected = await theirs.protect(packet)
          assert.equal(text(taken(ours.protect(packet))), expected, title)
        }
        // libsrtp sends no index 0.
        ours.resumeSending(1, { rtcpIndex: 1 })
        for (const length of [0, 16]) {
          const packet = rtcp(1, random.bytes(length))
          assert.equal(text(taken(ours.protectRtcp(packet))), await theirs.protectRtcp(packet))
        }
      })

      it('rolls the sequence number over twice, with loss and out of order', async () => {
        const both = await ends(profile)
        const random = prng(21)
        let index = 0xffe0
        for (let i = 0; i < 60; i++) {
          index += i === 20 ? 0x7000 : i === 21 ? 0x7f00 : i === 22 ? 0x1100 : 1 + (random.next() % 3)
          const later = rtp((index + 4) % 0x1_0000)
          const earlier = rtp(index % 0x1_0000)
          await exchange(both, later)
          await exchange(both, earlier)
          index += 4
        }
        assert.ok(index > 0x2_0000 && index < 0x3_0000, String(index))
      })

      it('agrees on high rollover counters', async () => {
        const both = await ends(profile, { ssrc: defaultSsrc })
        const rolloverCounter = 0xfffe_fffe
        both.ours.resumeSending(defaultSsrc, { rolloverCounter })
        both.ours.resumeReceiving(defaultSsrc, { rolloverCounter })
        await both.sender.setRolloverCounter(defaultSsrc, rolloverCounter)
        await both.receiver.setRolloverCounter(defaultSsrc, rolloverCounter)
        for (const sequenceNumber of [0xfffe, 0xffff, 0, 1]) await exchange(both, rtp(sequenceNumber))
      })

      it('keeps streams of many SSRCs apart', async () => {
        const both = await ends(profile)
        for (let i = 0; i < 100; i++) await exchange(both, rtp((i * 777) % 0x1_0000, { ssrc: 0x8000_0000 + (i % 10) }))
      })

      it('refuses each what was changed or repeated on the way', async () => {
        const { ours, sender, receiver } = await ends(profile)
        const packet = rtp(5)
        const mine = taken(ours.protect(packet))
        const changed = copyOf(mine)
        changed[13] = (changed[13] ?? 0) ^ 1
        assert.equal(await receiver.unprotect(changed), authenticationFailed)
        assert.equal(await receiver.unprotect(mine), text(packet))
        assert.equal(await receiver.unprotect(mine), replayed)
        const theirs = hex(await sender.protect(packet))
        assert.deepEqual(ours.unprotect(Uint8Array.from(theirs, (byte, i) => (i === 13 ? byte ^ 1 : byte))), {
          drop: 'bad-tag',
        })
        assert.equal(text(taken(ours.unprotect(copyOf(theirs)))), text(packet))
        assert.deepEqual(ours.unprotect(theirs), { drop: 'replayed' })
      })
    })
  }
})
