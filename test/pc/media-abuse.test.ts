import assert from 'node:assert/strict'
import { explainConnection } from '../../src/pc/connection-report.ts'
import { keyframeIntervalMs } from '../../src/pc/media/keyframe-requests.ts'
import { serializeRtp } from '../../src/rtp/packet.ts'
import { serializeRtcp } from '../../src/rtp/rtcp/compound.ts'
import { maxReceiveStreams } from '../../src/rtp/session/receiving.ts'
import { maxStreams } from '../../src/srtp/streams.ts'
import { prng } from '../support/prng.ts'
import { receiverReport, rtpFields } from './fake-rtp-session.ts'
import { type AbusedCall, abusedCall, heapUsed, more } from './media-abuse-call.ts'
import { settled } from './negotiation/media-pair.ts'

const megabyte = 1024 * 1024

async function withCall(seed: number, use: (call: AbusedCall) => Promise<void>): Promise<void> {
  const call = await abusedCall(seed)
  try {
    await call.assertAlive()
    await use(call)
    await call.assertAlive()
  } finally {
    await call.close()
  }
}

/** Sends, and gives the drops that it led to. */
async function dropped(call: AbusedCall, act: () => Promise<void>): Promise<Readonly<Record<string, number>>> {
  const before = await call.drops()
  await act()
  return more(await call.drops(), before)
}

const packet = (change: (bytes: Uint8Array) => Uint8Array | undefined, number = 7): Uint8Array => {
  const bytes = serializeRtp(rtpFields(number))
  return change(bytes) ?? bytes
}
describe('packets from nobody, in a call', () => {
  it('are counted whatever is wrong with their headers, and change nothing', async () => {
    await withCall(1, async call => {
      const cases: Readonly<Record<string, Uint8Array>> = {
        'one byte': Uint8Array.of(0x80),
        'a header that ends early': packet(bytes => bytes.subarray(0, 11)),
        'a header and no tag': packet(bytes => bytes.subarray(0, 12)),
        'an extension beyond the packet': packet(bytes => {
          bytes[0] = 0x90
          bytes.set([0xbe, 0xde, 0xff, 0xff], 12)
          return bytes
        }),
        'more CSRCs than bytes': packet(bytes => Uint8Array.from(bytes.subarray(0, 40)).fill(0x8f, 0, 1)),
        'a tag that is none': packet(() => undefined),
        'RTCP of two bytes': Uint8Array.of(0x80, 200),
        'RTCP with a tag that is none': Uint8Array.from({ length: 60 }, (_, index) => receiverReport[index] ?? index),
      }
      for (const [what, data] of Object.entries(cases)) {
        const drops = await dropped(call, () => call.inject([data]))
        const total = Object.values(drops).reduce((sum, count) => sum + count, 0)
        assert.equal(total, 1, `${what}: ${JSON.stringify(drops)}`)
      }
      const { packetsDropped } = explainConnection(call.bob)
      assert.deepEqual(packetsDropped, await call.drops())
    })
  })

  it('are dropped if they repeat, change or lengthen what was sent', async () => {
    await withCall(2, async call => {
      const captured: Uint8Array[] = []
      const release = call.sim.network.tap(({ data, to }) => {
        if ((data[0] ?? 0) >= 128 && to.address === '192.0.2.2') captured.push(Uint8Array.from(data))
        return undefined
      })
      await call.assertAlive()
      release()
      const [sent] = captured
      assert.ok(sent)
      assert.deepEqual(await dropped(call, () => call.inject([sent, sent])), { 'srtp-replayed': 2 })
      // RFC 3711 §3.1: an MKI that was not negotiated is four bytes that the tag is not behind.
      const withMki = Uint8Array.from([...sent.subarray(0, -10), 0, 0, 0, 1, ...sent.subarray(-10)])
      const changed = sent.map((byte, index) => (index === 20 ? byte ^ 1 : byte))
      // The number is new, so that it is not the window that refuses them.
      for (const each of [withMki, changed]) each[3] = (each[3] ?? 0) + 1
      assert.deepEqual(await dropped(call, () => call.inject([withMki, changed])), { 'srtp-bad-tag': 2 })
    })
  })

  it('leave no trace of 20,000 SSRCs', async () => {
    await withCall(3, async call => {
      const before = (await settled(call.sim, call.bob.getStats())).size
      const drops = await dropped(call, async () => {
        for (let batch = 0; batch < 20; batch++) {
          await call.inject(Array.from({ length: 1_000 }, (_, i) => serializeRtp(rtpFields(i, batch * 1_000 + i))))
        }
      })
      assert.deepEqual(drops, { 'srtp-bad-tag': 20_000 })
      assert.equal((await settled(call.sim, call.bob.getStats())).size, before)
    })
  })
})

describe('packets of a peer that was authenticated', () => {
  it('are counted if their extensions or padding lie, and the call goes on', async () => {
    await withCall(4, async call => {
      const padded = (length: number): Uint8Array =>
        packet(bytes => {
          bytes[0] = 0xa0
          bytes[bytes.length - 1] = length
          return bytes
        })
      const extended = (...elements: readonly number[]): Uint8Array =>
        serializeRtp({ ...rtpFields(9), extension: { profile: 0xbede, data: Uint8Array.from(elements) } })
      const drops = await dropped(call, () =>
        call.send(
          'rtp',
          [
            padded(0),
            padded(101),
            padded(255),
            // An element beyond its extension, one with a MID that is no token, and an unknown MID.
            extended(0x4f, 1, 2, 3),
            extended(0x42, 0xff, 0xfe, 0xfd),
            extended(0x42, 0x71, 0x71, 0x71),
          ].map((data, number) => data.map((byte, index) => (index === 3 ? number : byte))),
        ),
      )
      // An element that is none leaves its packet as it is.
      assert.deepEqual(drops, { 'rtp-bad-padding': 3, 'rtp-unknown-mid': 2 })
    })
  })

  it('of 100,000 unknown SSRCs are dropped beyond a bound, and take no memory', async function () {
    this.timeout(60_000)
    await withCall(5, async call => {
      const flood = async (from: number, to: number): Promise<void> => {
        for (let ssrc = from; ssrc < to; ssrc += 1_000) {
          await call.flood(Array.from({ length: 1_000 }, (_, i) => serializeRtp(rtpFields(i, ssrc + i))))
        }
      }
      const heaps: number[] = [heapUsed()]
      const drops = await dropped(call, async () => {
        for (const from of [1, 10_001]) {
          await flood(from, from === 1 ? 10_001 : 100_001)
          heaps.push(heapUsed())
        }
      })
      const told = JSON.stringify(drops)
      // No SSRC of the same keys is forgotten, or its packets could be replayed: those beyond the bound are refused.
      assert.ok((drops['srtp-too-many-streams'] ?? 0) >= 100_000 - maxStreams, told)
      const inbound = [...(await settled(call.sim, call.bob.getStats())).values()].filter(
        ({ type }) => type === 'inbound-rtp',
      )
      assert.ok(inbound.length <= maxReceiveStreams, `${inbound.length} streams; ${told}`)
      const [before = 0, first = 0, last = 0] = heaps
      const grown = `${Math.round((first - before) / megabyte)} MiB, then ${(last - first) / megabyte} MiB more; ${told}`
      assert.ok(first - before < 64 * megabyte, grown)
      assert.ok(last - first < 2 * megabyte, grown)
    })
  })

  it('of RTCP that lies about its lengths and counts are counted, each', async () => {
    await withCall(6, async call => {
      const ssrc = [0x11, 0x22, 0x33, 0x44]
      const word = (...bytes: number[]): number[] => bytes
      const lies: Readonly<Record<string, readonly number[]>> = {
        'a length beyond the packet': [0x80, 201, 0xff, 0xff, ...ssrc],
        'a length that ends too early': [0x81, 201, 0, 1, ...ssrc, 0, 0, 0],
        'thirty-one blocks that are not there': [0x9f, 201, 0, 1, ...ssrc],
        'a sender report without sender information': [0x80, 200, 0, 1, ...ssrc],
        'a description that has no end': [0x80, 201, 0, 1, ...ssrc, 0x81, 202, 0, 2, ...ssrc, 1, 200, 65, 66],
        'a goodbye of thirty-one': [0x80, 201, 0, 1, ...ssrc, 0x9f, 203, 0, 1, ...ssrc],
        'a reason beyond the goodbye': [0x80, 201, 0, 1, ...ssrc, 0x81, 203, 0, 2, ...ssrc, 250, 65, 66, 67],
        'padding of nothing': [0xa0, 201, 0, 2, ...ssrc, 0, 0, 0, 0],
        'padding longer than the packet': [0xa0, 201, 0, 2, ...ssrc, 0, 0, 0, 200],
        'feedback of four bytes': [0x81, 205, 0, 1, ...ssrc],
        'bitrates of SSRCs that are not there': [
          ...[0x8f, 206, 0, 4, ...ssrc, 0, 0, 0, 0],
          ...word(0x52, 0x45, 0x4d, 0x42, 255, 0xff, 0xff, 0xff),
        ],
        'feedback for more packets than it has': [
          ...[0x8f, 205, 0, 4, ...ssrc, ...ssrc],
          ...word(0, 0, 0xff, 0xff, 0, 0, 0, 0),
        ],
      }
      for (const [what, bytes] of Object.entries(lies)) {
        const drops = await dropped(call, () => call.send('rtcp', [Uint8Array.from(bytes)]))
        const reasons = Object.keys(drops)
        assert.equal(reasons.length, 1, `${what}: ${JSON.stringify(drops)}`)
        assert.match(reasons[0] ?? '', /^rtcp-/, what)
      }
    })
  })

  it('of RTCP that was mangled at random leave the call alive', async () => {
    await withCall(7, async call => {
      const random = prng(7)
      const { bobSsrc } = call
      const seeds = [
        serializeRtcp([{ type: 'nack', senderSsrc: 1, mediaSsrc: bobSsrc, sequenceNumbers: [1, 2, 9, 400] }]),
        serializeRtcp([{ type: 'pli', senderSsrc: 1, mediaSsrc: bobSsrc }]),
        serializeRtcp([{ type: 'fir', senderSsrc: 1, mediaSsrc: 0, requests: [{ ssrc: bobSsrc, sequenceNumber: 3 }] }]),
        receiverReport,
      ]
      for (let batch = 0; batch < 20; batch++) {
        const all = Array.from({ length: 500 }, () => {
          const bytes = Uint8Array.from(seeds[random.next() % seeds.length] ?? receiverReport)
          for (let i = 0; i <= random.next() % 4; i++)
            bytes[2 + (random.next() % (bytes.length - 2))] = random.next() & 0xff
          return bytes
        })
        await call.send('rtcp', all)
        call.talk()
      }
    })
  })

  it('that ask for packets and keyframes without end get a bounded number', async () => {
    await withCall(8, async call => {
      for (let i = 0; i < 100; i++) {
        call.talk()
        await call.sim.runFor(20)
      }
      const sent = call.fromBob.rtp.length
      assert.ok(sent >= 100, `${sent} packets of bob`)
      const numbers = call.fromBob.rtp.map(bytes => ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0))
      const bytesSent = call.fromBob.rtp.reduce((sum, { length }) => sum + length, 0)
      const { bobSsrc: mediaSsrc } = call
      const nack = serializeRtcp([{ type: 'nack', senderSsrc: 1, mediaSsrc, sequenceNumbers: numbers.slice(0, 100) }])
      const pli = serializeRtcp([{ type: 'pli', senderSsrc: 1, mediaSsrc }])
      const began = call.sim.now
      const asked = call.keyframeRequests()
      for (let i = 0; i < 50; i++)
        await call.send(
          'rtcp',
          Array.from({ length: 100 }, (_, n) => (n % 2 ? nack : pli)),
        )
      const seconds = (call.sim.now - began) / 1_000
      const again = call.fromBob.rtp.length - sent
      // 2500 requests for 100 packets each: those that were repeated within a round trip are not repeated again.
      assert.ok(
        again > 0 && again < 2_000,
        `${again} packets for 250,000 that were asked for, ${bytesSent} bytes at first`,
      )
      const keyframes = call.keyframeRequests() - asked
      assert.ok(
        keyframes >= 1 && keyframes <= seconds / (keyframeIntervalMs / 1_000) + 1,
        `${keyframes} in ${seconds} s, of 2500`,
      )
    })
  })
})
