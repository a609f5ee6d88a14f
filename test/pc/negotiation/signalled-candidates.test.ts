import assert from 'node:assert/strict'
import { explainConnection } from '../../../src/pc/connection-report.ts'
import { maxRemoteCandidates } from '../../../src/pc/negotiation/section-transport.ts'
import type { RTCIceCandidateInit } from '../../../src/pc/rtc-ice-candidate.ts'
import type { RTCPeerConnection } from '../../../src/pc/rtc-peer-connection.ts'
import {
  agree,
  close,
  components,
  connected,
  createMediaPair,
  describeLocally,
  type MediaPair,
  settled,
  withoutBundle,
} from './media-pair.ts'

const sections = ['audio', 'video', 'data'] as const

function bare(sdp: string | undefined): string {
  return (sdp ?? '').replace(/^a=(candidate|end-of-candidates).*\r\n/gm, '')
}

/** Applies offer and answer without candidates; they are in the result, those of alice and of bob. */
async function agreeWithoutCandidates(
  { sim, alice, bob }: MediaPair,
  munge: (sdp: string) => string = sdp => sdp,
): Promise<[alice: RTCIceCandidateInit[], bob: RTCIceCandidateInit[]]> {
  const held = [alice, bob].map(peer => {
    const candidates: RTCIceCandidateInit[] = []
    peer.onicecandidate = ({ candidate }) => {
      if (candidate !== null) candidates.push(candidate.toJSON())
    }
    return candidates
  })
  const offer = await describeLocally(sim, alice)
  await settled(sim, bob.setRemoteDescription({ type: 'offer', sdp: munge(bare(offer)) }))
  const answer = await describeLocally(sim, bob)
  await settled(sim, alice.setRemoteDescription({ type: 'answer', sdp: munge(bare(answer)) }))
  const [alices = [], bobs = []] = held
  return [alices, bobs]
}

function remoteCandidates(peer: RTCPeerConnection): number[] {
  return components(peer).map(({ ice }) => ice.getRemoteCandidates().length)
}

describe('Candidates of several transports', () => {
  it('go to the transport of their section', async () => {
    const pair = createMediaPair({ seed: 1, bob: { bundlePolicy: 'max-compat' }, sections })
    const { sim, alice, bob } = pair
    const [alices, bobs] = await agreeWithoutCandidates(pair, withoutBundle)
    assert.deepEqual([...new Set(alices.map(({ sdpMid }) => sdpMid))], ['0', '1', '2'])
    for (const candidate of alices) await settled(sim, bob.addIceCandidate(candidate))
    for (const candidate of bobs) await settled(sim, alice.addIceCandidate(candidate))
    assert.ok(await connected(pair))
    for (const peer of [alice, bob]) {
      const counts = remoteCandidates(peer)
      assert.equal(counts.length, 3)
      assert.equal(new Set(counts).size, 1)
    }
    close(pair)
  })

  it('go to the transport of their section where an offer bundles what has one of its own already', async () => {
    const pair = createMediaPair({ seed: 9, bob: { bundlePolicy: 'max-compat' }, sections })
    const { sim, alice, bob } = pair
    await agree(pair, alice, bob, withoutBundle)
    alice.restartIce()
    const bundles = (sdp: string): string => withoutBundle(sdp).replace(/^(t=.*\r\n)/m, '$1a=group:BUNDLE 0 1 2\r\n')
    const offer = bare(await describeLocally(sim, alice))
    await settled(sim, bob.setRemoteDescription({ type: 'offer', sdp: bundles(offer) }))
    await describeLocally(sim, bob)
    assert.deepEqual(remoteCandidates(bob), [0, 0, 0])
    const candidate = 'candidate:1 1 udp 2113937151 192.0.2.1 5000 typ host'
    await settled(sim, bob.addIceCandidate({ candidate, sdpMid: '1' }))
    assert.deepEqual(remoteCandidates(bob), [0, 1, 0])
    close(pair)
  })

  it('go to that of the bundle, if they are of a section that is bundled', async () => {
    const pair = createMediaPair({ seed: 2, sections })
    const { sim, alice, bob } = pair
    const [alices, bobs] = await agreeWithoutCandidates(pair)
    assert.deepEqual([...new Set(bobs.map(({ sdpMid }) => sdpMid))], ['0'])
    for (const candidate of alices) await settled(sim, bob.addIceCandidate(candidate))
    for (const { candidate = '' } of bobs) await settled(sim, alice.addIceCandidate({ candidate, sdpMid: '2' }))
    assert.ok(await connected(pair))
    assert.equal(components(alice).length, 1)
    close(pair)
  })

  it('are not used if they are for a transport that was bundled away', async () => {
    const pair = createMediaPair({ seed: 3, sections })
    const { sim, bob } = pair
    const [alices] = await agreeWithoutCandidates(pair)
    for (const candidate of alices) {
      if (candidate.sdpMid !== '0') await settled(sim, bob.addIceCandidate(candidate))
    }
    await sim.runFor(100)
    assert.deepEqual(remoteCandidates(bob), [0])
    for (const candidate of alices) await settled(sim, bob.addIceCandidate(candidate))
    assert.ok((remoteCandidates(bob)[0] ?? 0) > 0)
    // But they belong to the description, as every other.
    assert.match(bob.remoteDescription?.sdp.split(/^m=/m)[2] ?? '', /a=candidate/)
    close(pair)
  })

  it('that came between a restart and its answer are not lost', async () => {
    const pair = createMediaPair({ seed: 4, sections: ['audio'] })
    const { sim, alice, bob } = pair
    await agree(pair, alice, bob)
    assert.ok(await connected(pair))
    const candidates: RTCIceCandidateInit[] = []
    alice.onicecandidate = ({ candidate }) => {
      if (candidate !== null) candidates.push(candidate.toJSON())
    }
    alice.restartIce()
    const offer = await describeLocally(sim, alice)
    const before = remoteCandidates(bob)
    await settled(sim, bob.setRemoteDescription({ type: 'offer', sdp: bare(offer) }))
    for (const candidate of candidates) await settled(sim, bob.addIceCandidate(candidate))
    assert.deepEqual(remoteCandidates(bob), before)
    await describeLocally(sim, bob)
    assert.equal(remoteCandidates(bob)[0], candidates.filter(({ candidate }) => candidate !== '').length)
    close(pair)
  })

  it('are taken once, and no more of them than a bound', async () => {
    const pair = createMediaPair({ seed: 5, sections: ['audio'] })
    const { sim, alice, bob } = pair
    await agree(pair, alice, bob)
    const [before = 0] = remoteCandidates(bob)
    const candidate = (port: number): RTCIceCandidateInit => ({
      candidate: `candidate:1 1 udp 1 192.0.2.9 ${port} typ host`,
      sdpMid: '0',
    })
    for (let again = 0; again < 2; again++) await settled(sim, bob.addIceCandidate(candidate(1)))
    assert.deepEqual(remoteCandidates(bob), [before + 1])
    for (let port = 2; port < maxRemoteCandidates + 10; port++) void bob.addIceCandidate(candidate(port))
    await sim.runFor(100)
    assert.deepEqual(remoteCandidates(bob), [maxRemoteCandidates])
    close(pair)
  })

  it('end for all sections at once if no section is named', async () => {
    const pair = createMediaPair({ seed: 6, bob: { bundlePolicy: 'max-compat' }, sections })
    const { sim, alice, bob } = pair
    await agreeWithoutCandidates(pair, withoutBundle)
    await settled(sim, bob.addIceCandidate())
    // Nobody has told any candidate, and now there will be none.
    await settled(sim, alice.addIceCandidate({}))
    assert.ok(await sim.run(() => bob.iceConnectionState === 'failed' || bob.iceConnectionState === 'connected'))
    assert.equal(bob.remoteDescription?.sdp.match(/^a=end-of-candidates/gm)?.length, 3)
    close(pair)
  })
})

describe('The states of a connection with several transports', () => {
  it('follow from all of them', async () => {
    const pair = createMediaPair({ seed: 7, bob: { bundlePolicy: 'max-compat' }, sections: ['audio', 'video'] })
    const { sim, alice, bob } = pair
    const [alices, bobs] = await agreeWithoutCandidates(pair, withoutBundle)
    const one = (candidates: readonly RTCIceCandidateInit[], mid: string): RTCIceCandidateInit[] =>
      candidates.filter(({ sdpMid, candidate }) => sdpMid === mid && candidate !== '')
    const states: string[] = []
    alice.onconnectionstatechange = () => states.push(alice.connectionState)
    for (const candidate of one(alices, '0')) await settled(sim, bob.addIceCandidate(candidate))
    for (const candidate of one(bobs, '0')) await settled(sim, alice.addIceCandidate(candidate))
    await sim.run(() => components(alice)[0]?.dtls.state === 'connected')
    assert.equal(alice.connectionState, 'connecting')
    for (const candidate of one(alices, '1')) await settled(sim, bob.addIceCandidate(candidate))
    for (const candidate of one(bobs, '1')) await settled(sim, alice.addIceCandidate(candidate))
    assert.ok(await connected(pair))
    assert.deepEqual([...new Set(states)], ['connecting', 'connected'])
    close(pair)
  })

  it('gathering is complete once it is everywhere, and is told once', async () => {
    const pair = createMediaPair({ seed: 8, sections })
    const { sim, alice } = pair
    const states: string[] = []
    alice.onicegatheringstatechange = () => states.push(alice.iceGatheringState)
    const ends: (string | null)[] = []
    alice.onicecandidate = ({ candidate }) => {
      if (candidate === null || candidate.candidate === '') ends.push(candidate?.sdpMid ?? null)
    }
    await describeLocally(sim, alice)
    assert.deepEqual(states, ['gathering', 'complete'])
    assert.deepEqual(ends, ['0', '1', '2', null])
    close(pair)
  })

  it('gathering is complete at once if what was awaited is released', async () => {
    // The server never answers: what the pool has gathered is complete, what is gathered later takes long.
    const alices = { iceServers: [{ urls: 'stun:203.0.113.9' }], iceCandidatePoolSize: 1 }
    const pair = createMediaPair({ seed: 9, alice: alices, sections: ['audio', 'data'] })
    const { sim, alice, bob } = pair
    await sim.runFor(60_000)
    await settled(sim, alice.setLocalDescription())
    await sim.runFor(5)
    const gathering = components(alice).map(({ ice }) => ice.gatheringState)
    assert.deepEqual(gathering, ['complete', 'gathering'])
    await settled(sim, bob.setRemoteDescription({ type: 'offer', sdp: alice.localDescription?.sdp ?? '' }))
    const answer = await describeLocally(sim, bob)
    assert.equal(alice.iceGatheringState, 'gathering')
    const ends: unknown[] = []
    alice.onicecandidate = ({ candidate }) => ends.push(candidate)
    await settled(sim, alice.setRemoteDescription({ type: 'answer', sdp: answer }))
    await sim.runFor(1)
    assert.equal(alice.iceGatheringState, 'complete')
    assert.deepEqual(ends, [null])
    close(pair)
  })

  it('are told for each of them by getStats and explainConnection', async () => {
    const pair = createMediaPair({ seed: 10, bob: { bundlePolicy: 'max-compat' }, sections })
    const { sim, alice, bob } = pair
    await agree(pair, alice, bob, withoutBundle)
    assert.ok(await connected(pair))
    const report = await settled(sim, alice.getStats())
    const transports = [...report.values()].filter(({ type }) => type === 'transport')
    assert.equal(transports.length, 3)
    const pairs = transports.map(each => report.get(String(each.selectedCandidatePairId)))
    assert.deepEqual(
      pairs.map(each => each?.transportId),
      transports.map(({ id }) => id),
    )
    for (const each of pairs) {
      assert.equal(report.get(String(each?.localCandidateId))?.transportId, each?.transportId)
      assert.equal(report.get(String(each?.remoteCandidateId))?.transportId, each?.transportId)
    }
    const explained = explainConnection(alice)
    assert.deepEqual(
      explained.transports.map(({ mid }) => mid),
      ['0', '1', '2'],
    )
    assert.equal(explained.pairs.filter(({ selected }) => selected).length, 3)
    assert.ok(explained.lines.some(line => line.includes('m= section 2')))
    close(pair)
  })
})

describe('The candidate pool', () => {
  it('serves several transports and both components', async () => {
    const alices = { iceCandidatePoolSize: 3, rtcpMuxPolicy: 'negotiate' } as const
    const pair = createMediaPair({ seed: 11, alice: alices, sections: ['audio', 'data'] })
    const { sim, alice, bob, sockets } = pair
    await sim.runFor(1_000)
    assert.equal(sockets.alice.opened(), 3)
    const offer = await describeLocally(sim, alice)
    // Two components of audio, one of data.
    assert.equal(sockets.alice.opened(), 3)
    assert.match(offer, /^a=candidate:\S+ 2 udp/m)
    await settled(sim, bob.setRemoteDescription({ type: 'offer', sdp: offer }))
    await settled(sim, alice.setRemoteDescription({ type: 'answer', sdp: await describeLocally(sim, bob) }))
    assert.ok(await connected(pair))
    assert.equal(sockets.alice.open.size, 1)
    close(pair)
  })
})
