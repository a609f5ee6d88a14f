import assert from 'node:assert/strict'
import { maxStreams } from '../../src/srtp/index.ts'
import { type Prng, prng } from '../support/prng.ts'
import { copyOf, type Extras, hex, pair, profiles, rtcp, rtp, taken, text } from './support.ts'

const mutations = 100_000
const variants: readonly Extras[] = [
  {},
  { mki: hex('0102') },
  { encryptedExtensions: [1, 2, 200] },
  { cryptex: true, encryptedExtensions: [1] },
]

function mutate(packet: Uint8Array, random: Prng): Uint8Array {
  const mutated = copyOf(packet)
  const kind = random.next() % 6
  if (kind === 0) return mutated.subarray(0, random.next() % mutated.length)
  if (kind === 1) return random.bytes(random.next() % 80)
  for (let i = 0; i <= kind; i++) {
    // More often in the header, which is where lengths are.
    const at = random.next() % (kind < 4 ? Math.min(20, mutated.length) : mutated.length)
    mutated[at] = kind % 2 === 0 ? random.next() : (mutated[at] ?? 0) ^ (1 << (random.next() & 7))
  }
  return mutated
}

describe('SRTP under mutated packets', function () {
  this.timeout(60_000)

  for (const profile of profiles) {
    const share = mutations / profiles.length
    it(`drops ${share} of them with ${profile.name}, and goes on`, () => {
      for (const [number, extras] of variants.entries()) {
        const seed = profile.id * 100 + number
        const random = prng(seed)
        const [a, b] = pair(profile, extras)
        const fields = [
          {},
          { extension: { profile: 0xbede, data: hex('10aa2122') }, csrcs: [1, 2] },
          { extension: { profile: 0x1000, data: hex('01020304c8010200') } },
          { csrcs: [4], payload: new Uint8Array(0) },
        ]
        const sealed = fields.map((each, i) => taken(a.protect(rtp(i + 1, each))))
        const reports = [0, 24].map(length => taken(a.protectRtcp(rtcp(7, new Uint8Array(length)))))
        const originals = new Set([...sealed, ...reports].map(text))
        const count = share / variants.length
        for (let i = 0; i < count; i++) {
          const isRtcp = i % 3 === 0
          const source = isRtcp ? reports[i % reports.length] : sealed[i % sealed.length]
          const packet = mutate(source ?? hex(''), random)
          const before = text(packet)
          // A mutation may have changed nothing, or the MKI into itself.
          if (originals.has(before)) continue
          const result = isRtcp ? b.unprotectRtcp(packet) : b.unprotect(packet)
          assert.ok('drop' in result, `seed ${seed}, mutation ${i}: taken: ${before}`)
          assert.equal(text(packet), before, `seed ${seed}, mutation ${i}: changed`)
        }
        assert.deepEqual(b.streamCounts, { sent: 0, received: 0 })
        for (const each of sealed) taken(b.unprotect(each), `seed ${seed}`)
        for (const each of reports) taken(b.unprotectRtcp(each), `seed ${seed}`)
      }
    })
  }

  it('protects whatever bytes it is given, or drops them', () => {
    for (const profile of profiles) {
      const random = prng(profile.id)
      const [a, b] = pair(profile, { cryptex: true, encryptedExtensions: [1, 2, 3] })
      for (let i = 0; i < 2_000; i++) {
        const packet = random.bytes(random.next() % 100)
        if (packet.length > 0) packet[0] = 0x80 | (random.next() & 0x3f)
        const before = text(packet)
        const sealed = i % 2 === 0 ? a.protect(packet) : a.protectRtcp(packet)
        assert.equal(text(packet), before)
        if ('drop' in sealed) continue
        taken(i % 2 === 0 ? b.unprotect(sealed) : b.unprotectRtcp(sealed), `packet ${i}: ${before}`)
      }
      assert.ok(a.streamCounts.sent > 1_000 && a.streamCounts.sent <= maxStreams)
    }
  })
})
