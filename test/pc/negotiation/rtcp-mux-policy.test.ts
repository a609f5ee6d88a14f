import assert from 'node:assert/strict'
import { explainConnection } from '../../../src/pc/connection-report.ts'
import { IcePort } from '../../../src/pc/gathering/ice-port.ts'
import { RtpTrackSource } from '../../../src/pc/media/rtp-track-source.ts'
import type { RTCIceCandidateInit } from '../../../src/pc/rtc-ice-candidate.ts'
import { connectionOf, RTCPeerConnection } from '../../../src/pc/rtc-peer-connection.ts'
import { serializeRtp } from '../../../src/rtp/packet.ts'
import { parseSdp, rtpMedia } from '../../../src/sdp/index.ts'
import {
  agree,
  associations,
  close,
  components,
  connected,
  createMediaPair,
  describeLocally,
  outline,
  settled,
  withoutBundle,
  withoutMux,
} from './media-pair.ts'

const negotiate = { rtcpMuxPolicy: 'negotiate' } as const
const sections = ['audio', 'video', 'data'] as const

const voice = {
  payloadType: 96,
  ssrc: 1,
  marker: false,
  csrcs: [],
  extension: undefined,
  payload: new Uint8Array(80).fill(1),
  paddingLength: 0,
}

describe("rtcpMuxPolicy 'negotiate'", () => {
  it('gathers for RTP and RTCP, and releases the latter where it is multiplexed', async () => {
    const pair = createMediaPair({ seed: 1, alice: negotiate, sections })
    const { sim, alice, bob, sockets } = pair
    const offer = await describeLocally(sim, alice)
    // Two components of audio and of video, one of data.
    assert.equal(sockets.alice.open.size, 5)
    assert.equal(components(alice).length, 5)
    assert.deepEqual(outline(offer, ['rtcp-mux', 'rtcp-mux-only', 'rtcp', 'end-of-candidates']), [
      'audio rtcp-mux rtcp end-of-candidates',
      'video rtcp-mux rtcp end-of-candidates',
      'application end-of-candidates',
    ])
    const session = parseSdp(offer)
    const [audio] = session.media
    assert.ok(audio)
    const rtcp = audio.candidates.find(({ component, protocol }) => component === 2 && protocol === 'udp')
    const rtp = audio.candidates.find(({ component, protocol }) => component === 1 && protocol === 'udp')
    assert.ok(rtcp && rtp)
    assert.equal(audio.port, rtp.port)
    // RFC 3605 §2.1
    assert.equal(rtpMedia(session, audio).rtcp?.port, rtcp.port)
    // RFC 8445 §5.1.2.1
    assert.equal(rtp.priority - rtcp.priority, 1)
    const released = components(alice).find(({ ice }) => ice.component === 'rtcp')
    assert.ok(released)
    await settled(sim, bob.setRemoteDescription({ type: 'offer', sdp: offer }))
    const answer = await describeLocally(sim, bob)
    await settled(sim, alice.setRemoteDescription({ type: 'answer', sdp: answer }))
    assert.ok(await connected(pair))
    for (const seen of [sockets.alice, sockets.bob]) assert.equal(seen.open.size, 1)
    assert.deepEqual([released.ice.state, released.dtls.state], ['closed', 'closed'])
    close(pair)
  })

  it('multiplexes on each transport where nothing is bundled', async () => {
    const pair = createMediaPair({ seed: 2, alice: negotiate, sections })
    const { alice, bob, sockets } = pair
    await agree(pair, alice, bob, withoutBundle)
    assert.ok(await connected(pair))
    for (const seen of [sockets.alice, sockets.bob]) assert.equal(seen.open.size, 3)
    for (const peer of [alice, bob]) assert.equal(associations(peer), 3)
    close(pair)
  })

  it('runs RTP and RTCP on separate transports with a peer that cannot multiplex, a DTLS association each', async () => {
    const pair = createMediaPair({ seed: 3, alice: negotiate, bob: negotiate, sections })
    const { alice, bob, sockets } = pair
    await agree(pair, alice, bob, sdp => withoutMux(withoutBundle(sdp)))
    assert.ok(await connected(pair))
    for (const seen of [sockets.alice, sockets.bob]) assert.equal(seen.open.size, 5)
    for (const peer of [alice, bob]) {
      assert.equal(components(peer).length, 5)
      assert.equal(associations(peer), 5)
      const rtcp = components(peer).filter(({ ice }) => ice.component === 'rtcp')
      assert.equal(rtcp.length, 2)
      for (const { driver } of rtcp) assert.equal(driver.ice.selectedPair?.local.component, 2)
    }
    assert.deepEqual(outline(bob.localDescription?.sdp, ['rtcp-mux', 'rtcp']), [
      'audio rtcp',
      'video rtcp',
      'application',
    ])
    const [first] = components(alice)
    const [, second] = components(alice)
    // RFC 8839 §5.4: one pair of credentials for both components
    assert.deepEqual(first?.iceParameters, second?.iceParameters)
    close(pair)
  })

  for (const separate of [true, false]) {
    it(`sends RTCP ${separate ? 'on its own transport' : 'with RTP'}, as was negotiated`, async () => {
      const pair = createMediaPair({ seed: 16, alice: negotiate, bob: negotiate })
      const { sim, alice, bob } = pair
      const source = new RtpTrackSource('audio')
      connectionOf(alice).transceivers.addTransceiver(source.track, { direction: 'sendonly' })
      await agree(pair, alice, bob, sdp => (separate ? withoutMux(withoutBundle(sdp)) : sdp))
      assert.ok(await connected(pair))
      for (let index = 0; index < 300; index++) {
        const packet = { ...voice, sequenceNumber: index, timestamp: index * 960 }
        source.write(serializeRtp(packet))
        await sim.runFor(20)
      }
      const received = components(bob).map(({ driver }) => driver.counters.received)
      assert.equal(received.length, separate ? 2 : 1)
      const [rtp, rtcp] = received
      assert.equal(rtp?.rtp, 300)
      assert.equal((rtp?.rtcp ?? 0) > 0, !separate)
      assert.equal((rtcp?.rtcp ?? 0) > 0, separate)
      assert.equal(rtcp?.rtp ?? 0, 0)
      // And the receiver reports come back the same way.
      const [back, backRtcp] = components(alice).map(({ driver }) => driver.counters.received)
      assert.equal((back?.rtcp ?? 0) > 0, !separate)
      assert.equal((backRtcp?.rtcp ?? 0) > 0, separate)
      close(pair)
    })
  }

  it('lists both transports in the statistics and in the report', async () => {
    const pair = createMediaPair({ seed: 4, alice: negotiate, bob: negotiate, sections: ['audio'] })
    const { alice, bob } = pair
    await agree(pair, alice, bob, sdp => withoutMux(withoutBundle(sdp)))
    assert.ok(await connected(pair))
    const report = await settled(pair.sim, alice.getStats())
    const transports = [...report.values()].filter(({ type }) => type === 'transport')
    assert.equal(transports.length, 2)
    const [rtp, rtcp] = transports
    assert.equal(rtp?.rtcpTransportStatsId, rtcp?.id)
    assert.equal(rtcp?.dtlsState, 'connected')
    for (const each of transports) assert.ok(report.has(String(each.selectedCandidatePairId)))
    const explained = explainConnection(alice)
    assert.deepEqual(
      explained.transports.map(({ mid, component, dtlsState }) => [mid, component, dtlsState]),
      [
        ['0', 'rtp', 'connected'],
        ['0', 'rtcp', 'connected'],
      ],
    )
    close(pair)
  })

  it('keeps RTCP where it is in later descriptions (RFC 8829 §5.2.2)', async () => {
    const pair = createMediaPair({ seed: 5, alice: negotiate, bob: negotiate, sections: ['audio'] })
    const { sim, alice, bob, sockets } = pair
    await agree(pair, alice, bob, sdp => withoutMux(withoutBundle(sdp)))
    assert.ok(await connected(pair))
    const again = await describeLocally(sim, bob)
    assert.deepEqual(outline(again, ['rtcp-mux', 'rtcp']), ['audio rtcp'])
    await settled(sim, bob.setLocalDescription({ type: 'rollback' }))
    // An offer to multiplex after all is answered as before.
    const offer = await describeLocally(sim, alice)
    const muxed = offer.replace('a=mid:0\r\n', 'a=mid:0\r\na=rtcp-mux\r\n')
    assert.notEqual(muxed, offer)
    await settled(sim, bob.setRemoteDescription({ type: 'offer', sdp: muxed }))
    const answer = await describeLocally(sim, bob)
    assert.deepEqual(outline(answer, ['rtcp-mux', 'rtcp']), ['audio rtcp'])
    await settled(sim, alice.setRemoteDescription({ type: 'answer', sdp: answer }))
    for (const seen of [sockets.alice, sockets.bob]) assert.equal(seen.open.size, 2)
    close(pair)
  })

  it('refuses a peer that stops multiplexing, or starts without having been asked', async () => {
    const pair = createMediaPair({ seed: 6, alice: negotiate, bob: negotiate, sections: ['audio'] })
    const { sim, alice, bob } = pair
    const offer = await describeLocally(sim, alice)
    await settled(sim, bob.setRemoteDescription({ type: 'offer', sdp: offer }))
    const answer = await describeLocally(sim, bob)
    await settled(sim, alice.setRemoteDescription({ type: 'answer', sdp: answer }))
    const invalid = { name: 'InvalidAccessError' }
    const next = withoutMux(await describeLocally(sim, bob))
    await assert.rejects(settled(sim, alice.setRemoteDescription({ type: 'offer', sdp: next })), invalid)
    assert.equal(alice.signalingState, 'stable')
    close(pair)
    const separate = createMediaPair({ seed: 7, alice: negotiate, bob: negotiate, sections: ['audio'] })
    await agree(separate, separate.alice, separate.bob, sdp => withoutMux(withoutBundle(sdp)))
    const unasked = await describeLocally(separate.sim, separate.alice)
    await settled(separate.sim, separate.bob.setRemoteDescription({ type: 'offer', sdp: unasked }))
    const unwanted = (await describeLocally(separate.sim, separate.bob)).replace('a=mid:0', 'a=rtcp-mux\r\na=mid:0')
    const applied = separate.alice.setRemoteDescription({ type: 'answer', sdp: unwanted })
    await assert.rejects(settled(separate.sim, applied), invalid)
    close(separate)
  })

  it('tells the end of candidates once both components are through', async () => {
    const pair = createMediaPair({ seed: 8, alice: negotiate, sections: ['audio'] })
    const { sim, alice } = pair
    const told: string[] = []
    alice.onicecandidate = ({ candidate }) => {
      told.push(candidate === null ? 'null' : candidate.candidate === '' ? 'end' : String(candidate.component))
    }
    await describeLocally(sim, alice)
    await sim.runFor(10)
    assert.deepEqual(told.slice(-2), ['end', 'null'])
    assert.equal(told.filter(each => each === 'end').length, 1)
    assert.ok(told.includes('rtp') && told.includes('rtcp'))
    close(pair)
  })

  it('takes candidates of either component one by one', async () => {
    const pair = createMediaPair({ seed: 9, alice: negotiate, bob: negotiate, sections: ['audio'] })
    const { sim, alice, bob } = pair
    const trickle = (from: RTCPeerConnection, to: RTCPeerConnection): void => {
      from.onicecandidate = ({ candidate }) => {
        if (candidate !== null) void to.addIceCandidate(candidate)
      }
    }
    const bare = (sdp = ''): string => withoutMux(withoutBundle(sdp)).replace(/^a=(candidate|end-of).*\r\n/gm, '')
    const held: RTCIceCandidateInit[] = []
    alice.onicecandidate = ({ candidate }) => {
      if (candidate !== null) held.push(candidate.toJSON())
    }
    trickle(bob, alice)
    await settled(sim, alice.setLocalDescription())
    await settled(sim, bob.setRemoteDescription({ type: 'offer', sdp: bare(alice.localDescription?.sdp) }))
    await settled(sim, bob.setLocalDescription())
    await settled(sim, alice.setRemoteDescription({ type: 'answer', sdp: bare(bob.localDescription?.sdp) }))
    trickle(alice, bob)
    for (const candidate of held) await settled(sim, bob.addIceCandidate(candidate))
    assert.ok(await connected(pair))
    for (const peer of [alice, bob]) assert.equal(associations(peer), 2)
    close(pair)
  })

  it('restarts both components', async () => {
    const pair = createMediaPair({ seed: 10, alice: negotiate, bob: negotiate, sections: ['audio'] })
    const { sim, alice, bob } = pair
    const legacy = (sdp: string): string => withoutMux(withoutBundle(sdp))
    await agree(pair, alice, bob, legacy)
    assert.ok(await connected(pair))
    const before = components(alice).map(({ driver }) => driver.ice.selectedPair?.local.address.port)
    alice.restartIce()
    await agree(pair, alice, bob, legacy)
    await sim.runFor(2_000)
    assert.equal(alice.connectionState, 'connected')
    const after = components(alice).map(({ driver }) => driver.ice.selectedPair?.local.address.port)
    assert.equal(new Set([...before, ...after]).size, 4)
    close(pair)
  })

  it('cannot be had together with a shared port', async () => {
    const { sim, alice, bob, sockets } = createMediaPair({ seed: 11 })
    const icePort = await settled(sim, IcePort.listen({ environment: sockets.alice.environment, port: 5000 }))
    assert.throws(
      () => new RTCPeerConnection(negotiate, { environment: sockets.alice.environment, icePort }),
      TypeError,
    )
    await icePort.close()
    alice.close()
    bob.close()
  })
})

describe("rtcpMuxPolicy 'require'", () => {
  it('offers rtcp-mux-only in new sections, and no second component', async () => {
    const pair = createMediaPair({ seed: 12, sections: ['audio'] })
    const { sim, alice, bob, sockets } = pair
    const offer = await describeLocally(sim, alice)
    assert.deepEqual(outline(offer, ['rtcp-mux', 'rtcp-mux-only', 'rtcp']), ['audio rtcp-mux rtcp-mux-only'])
    assert.equal(sockets.alice.open.size, 1)
    await settled(sim, bob.setRemoteDescription({ type: 'offer', sdp: offer }))
    const answer = await describeLocally(sim, bob)
    // RFC 8858 §4.3: not in an answer
    assert.deepEqual(outline(answer, ['rtcp-mux', 'rtcp-mux-only', 'rtcp']), ['audio rtcp-mux'])
    await settled(sim, alice.setRemoteDescription({ type: 'answer', sdp: answer }))
    const again = await describeLocally(sim, alice)
    assert.deepEqual(outline(again, ['rtcp-mux', 'rtcp-mux-only']), ['audio rtcp-mux'])
    close(pair)
  })

  it('refuses an offer and an answer of a peer that cannot multiplex (webrtc-pc §4.4.1.4, step 4.5.4)', async () => {
    const invalid = { name: 'InvalidAccessError' }
    const pair = createMediaPair({ seed: 13, alice: negotiate, sections: ['audio'] })
    const offer = await describeLocally(pair.sim, pair.alice)
    const applied = pair.bob.setRemoteDescription({ type: 'offer', sdp: withoutMux(offer) })
    await assert.rejects(settled(pair.sim, applied), invalid)
    assert.equal(pair.bob.signalingState, 'stable')
    close(pair)
    const other = createMediaPair({ seed: 14, bob: negotiate, sections: ['audio'] })
    const requiring = await describeLocally(other.sim, other.alice)
    await settled(other.sim, other.bob.setRemoteDescription({ type: 'offer', sdp: requiring }))
    const answer = withoutMux(await describeLocally(other.sim, other.bob))
    await assert.rejects(settled(other.sim, other.alice.setRemoteDescription({ type: 'answer', sdp: answer })), invalid)
    assert.equal(other.alice.signalingState, 'have-local-offer')
    close(other)
  })

  it('does not ask a section that is not used to multiplex', async () => {
    const pair = createMediaPair({ seed: 15, sections: ['audio', 'data'] })
    const { alice, bob } = pair
    await agree(pair, alice, bob, sdp =>
      sdp
        .replace(/^m=audio \d+/m, 'm=audio 0')
        .replace('BUNDLE 0 1', 'BUNDLE 1')
        .replace(/^a=rtcp-mux(-only)?\r\n/m, ''),
    )
    assert.ok(await connected(pair))
    close(pair)
  })
})
