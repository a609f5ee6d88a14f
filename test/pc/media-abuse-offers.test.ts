import assert from 'node:assert/strict'
import { explainConnection } from '../../src/pc/connection-report.ts'
import { maxTransports } from '../../src/pc/negotiation/bundle-plan.ts'
import type { RTCPeerConnection } from '../../src/pc/rtc-peer-connection.ts'
import { maxEarlySrtpPackets } from '../../src/pc/srtp-port.ts'
import { serializeRtp } from '../../src/rtp/packet.ts'
import { maxMediaSections } from '../../src/sdp/parse.ts'
import { negotiate } from '../sim/peers.ts'
import { rtpFields } from './fake-rtp-session.ts'
import { dropsOf, more } from './media-abuse-call.ts'
import { createMediaPair, type MediaPair, settled } from './negotiation/media-pair.ts'

/** An offer of audio and video, in which something is replaced; and one who is to answer. */
async function withOffer(
  seed: number,
  alter: (sdp: string) => string,
  use: (bob: RTCPeerConnection, sdp: string, pair: MediaPair) => Promise<void>,
): Promise<void> {
  const pair = createMediaPair({ seed, sections: ['audio', 'video'], bob: { bundlePolicy: 'max-compat' } })
  try {
    const { sdp = '' } = await settled(pair.sim, pair.alice.createOffer())
    await use(pair.bob, alter(sdp), pair)
  } finally {
    pair.alice.close()
    pair.bob.close()
    await pair.sim.runFor(1_000)
    assert.deepEqual([pair.sockets.alice.open.size, pair.sockets.bob.open.size], [0, 0], `seed ${seed}: sockets`)
  }
}

/** Of RTP without keys, as SIP has it. */
const withoutKeys = (section: string): string =>
  section.replace('UDP/TLS/RTP/SAVPF', 'RTP/AVP').replace(/^a=(fingerprint|setup).*\r\n/gm, '')

function sections(sdp: string): [head: string, ...sections: string[]] {
  const [head = '', ...rest] = sdp.split(/^(?=m=)/m)
  return [head, ...rest]
}

describe('Offers without keys', () => {
  it('are refused, and the reason names the section', async () => {
    const all = (sdp: string): string => sections(sdp).map(withoutKeys).join('')
    await withOffer(1, all, async (bob, sdp, { sim }) => {
      await assert.rejects(settled(sim, bob.setRemoteDescription({ type: 'offer', sdp })), {
        name: 'InvalidAccessError',
        message: /m= section 0 /,
      })
      assert.equal(bob.signalingState, 'stable')
    })
    const second = (sdp: string): string => {
      const [head, audio = '', video = ''] = sections(sdp)
      return [head.replace(/^a=group.*\r\n/m, ''), audio, withoutKeys(video)].join('')
    }
    await withOffer(2, second, async (bob, sdp, { sim }) => {
      await assert.rejects(settled(sim, bob.setRemoteDescription({ type: 'offer', sdp })), {
        name: 'InvalidAccessError',
        message: /m= section 1 /,
      })
    })
  })

  it('may be called RTP/AVP if they have a fingerprint: the answer says the same (RFC 8829 §5.1.2)', async () => {
    await withOffer(
      3,
      sdp => sdp.replaceAll('UDP/TLS/RTP/SAVPF', 'RTP/AVP'),
      async (bob, sdp, { sim }) => {
        await settled(sim, bob.setRemoteDescription({ type: 'offer', sdp }))
        const { sdp: answer = '' } = await settled(sim, bob.createAnswer())
        assert.deepEqual(answer.match(/^m=\w+ \d+ \S+/gm), ['m=audio 9 RTP/AVP', 'm=video 9 RTP/AVP'])
      },
    )
  })
})

describe('Offers of many sections', () => {
  const many =
    (count: number, bundled: boolean) =>
    (sdp: string): string => {
      const [head, audio = ''] = sections(sdp)
      const lines = audio.split('\r\n').filter(line => !/^a=(rtpmap|fmtp|rtcp-fb|extmap|ssrc|msid)/.test(line))
      const section = lines.join('\r\n').replace(/^(m=audio \d+ \S+).*/, '$1 0')
      const all = Array.from({ length: count }, (_, mid) => section.replace(/^a=mid:.*$/m, `a=mid:${mid}`))
      const group = bundled ? `a=group:BUNDLE ${all.map((_, mid) => mid).join(' ')}` : 'a=tool:test'
      return [head.replace(/^a=group.*$/m, group), ...all].join('')
    }
  const accepted = (answer: string): number => answer.match(/^m=audio [1-9]/gm)?.length ?? 0

  it('are answered on one transport if they are bundled', async () => {
    await withOffer(4, many(1_000, true), async (bob, sdp, { sim, sockets }) => {
      await settled(sim, bob.setRemoteDescription({ type: 'offer', sdp }))
      await settled(sim, bob.setLocalDescription())
      assert.equal(accepted(bob.localDescription?.sdp ?? ''), 1_000)
      assert.equal(explainConnection(bob).transports.length, 1)
      await sim.runFor(100)
      assert.equal(sockets.bob.open.size, 1)
    })
  })

  it(`get no more than ${maxTransports} transports if they are not, and the others are rejected`, async () => {
    await withOffer(5, many(1_000, false), async (bob, sdp, { sim, sockets }) => {
      await settled(sim, bob.setRemoteDescription({ type: 'offer', sdp }))
      await settled(sim, bob.setLocalDescription())
      assert.equal(accepted(bob.localDescription?.sdp ?? ''), maxTransports)
      await sim.runFor(100)
      assert.equal(sockets.bob.open.size, maxTransports)
    })
  })

  it(`are refused beyond ${maxMediaSections}`, async () => {
    await withOffer(6, many(maxMediaSections + 1, true), async (bob, sdp, { sim }) => {
      await assert.rejects(
        settled(sim, bob.setRemoteDescription({ type: 'offer', sdp })),
        /at most 1024 media sections/,
      )
    })
  })
})

describe('Media before there are keys', () => {
  it(`is kept up to ${maxEarlySrtpPackets} packets; all of what turns out to be forged is counted`, async () => {
    const { sim, alice, bob } = createMediaPair({ seed: 7, sections: ['video'] })
    try {
      // The handshake gets nowhere: ICE alone gets through.
      const isDtls = (data: Uint8Array): boolean => (data[0] ?? 0) >= 20 && (data[0] ?? 0) < 64
      const release = sim.network.tap(({ data }) => (isDtls(data) ? 'drop' : undefined))
      for (const [from, to] of [[alice, bob] as const, [bob, alice] as const]) {
        from.onicecandidate = ({ candidate }) => {
          if (candidate !== null && to.remoteDescription !== null) void to.addIceCandidate(candidate)
        }
      }
      const negotiated = negotiate(alice, bob)
      const isPaired = (): boolean => bob.iceConnectionState === 'connected'
      assert.ok(await sim.run(isPaired, 5_000))
      await negotiated
      assert.equal(bob.connectionState, 'connecting')
      const pair = explainConnection(bob).pairs.find(({ selected }) => selected)
      assert.ok(pair)
      const before = await dropsOf(sim, bob)
      for (let number = 0; number < 10_000; number++) {
        sim.network.inject(serializeRtp(rtpFields(number & 0xffff, number)), pair.remote.address, pair.local.address)
      }
      await sim.runFor(50)
      const overflow = { 'srtp-early-overflow': 10_000 - maxEarlySrtpPackets }
      assert.deepEqual(more(await dropsOf(sim, bob), before), overflow)
      release()
      assert.ok(await sim.run(() => bob.connectionState === 'connected', 30_000))
      await sim.runFor(100)
      const all = more(await dropsOf(sim, bob), before)
      assert.deepEqual(all, { ...overflow, 'srtp-bad-tag': maxEarlySrtpPackets })
    } finally {
      alice.close()
      bob.close()
      await sim.runFor(1_000)
    }
  })
})
