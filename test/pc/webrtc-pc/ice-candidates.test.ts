import assert from 'node:assert/strict'
import type { RTCIceCandidateInit } from '../../../src/pc/rtc-ice-candidate.ts'
import { agree, close, createMediaPair, type MediaPair, settled } from '../negotiation/media-pair.ts'
import { outcomeAtOnce, outcomeOf } from './outcomes.ts'

const candidate = 'candidate:7 1 udp 2130706431 198.51.100.7 5000 typ host'

describe('addIceCandidate() (webrtc-pc §4.4.2)', () => {
  let pair: MediaPair
  beforeEach(() => {
    pair = createMediaPair({ seed: 66, sections: ['audio', 'video'] })
  })
  afterEach(() => close(pair))

  const add = (given?: RTCIceCandidateInit | null): Promise<string> =>
    settled(pair.sim, outcomeOf(pair.bob.addIceCandidate(given)))

  async function offered(options = {}): Promise<string> {
    const { sim, alice, bob } = pair
    const offer = await settled(sim, alice.createOffer(options))
    await settled(sim, alice.setLocalDescription(offer))
    await settled(sim, bob.setRemoteDescription(offer))
    return offer.sdp ?? ''
  }

  async function answered(): Promise<void> {
    const { sim, alice, bob } = pair
    await settled(sim, bob.setLocalDescription())
    await settled(sim, alice.setRemoteDescription({ type: 'answer', sdp: bob.localDescription?.sdp ?? '' }))
  }

  const fragmentOf = (sdp = ''): string => /a=ice-ufrag:(\S+)/.exec(sdp)?.[1] ?? ''
  const sectionsOf = (sdp = ''): string[] => sdp.split(/^m=/m).slice(1)
  const countOf = (text: string, sdp = ''): number[] => sectionsOf(sdp).map(section => section.split(text).length - 1)

  it('needs a section for a candidate before it needs anything else (step 3)', async () => {
    assert.equal(await outcomeAtOnce(pair.bob.addIceCandidate({ candidate })), 'TypeError')
    assert.equal(await outcomeAtOnce(pair.bob.addIceCandidate({ candidate, usernameFragment: 'x' })), 'TypeError')
    pair.bob.close()
    assert.equal(await outcomeAtOnce(pair.bob.addIceCandidate({ candidate })), 'TypeError')
  })

  it('needs a remote description, for the end of candidates as well (step 4.1)', async () => {
    for (const given of [undefined, null, {}, { candidate: '' }, { candidate, sdpMid: '0' }]) {
      assert.equal(await add(given), 'InvalidStateError')
    }
    await settled(pair.sim, pair.bob.setLocalDescription())
    assert.equal(await add({ candidate, sdpMid: '0' }), 'InvalidStateError')
  })

  it('goes by the mid where there is one, and by the index only where there is none (steps 4.2 and 4.3)', async () => {
    await offered()
    const cases: readonly (readonly [RTCIceCandidateInit, string])[] = [
      [{ candidate, sdpMid: '1' }, 'fulfilled'],
      [{ candidate, sdpMid: '1', sdpMLineIndex: 0 }, 'fulfilled'],
      [{ candidate, sdpMid: '1', sdpMLineIndex: 99 }, 'fulfilled'],
      [{ candidate, sdpMid: '9', sdpMLineIndex: 0 }, 'OperationError'],
      [{ candidate, sdpMid: '' }, 'OperationError'],
      [{ candidate, sdpMLineIndex: 1 }, 'fulfilled'],
      [{ candidate, sdpMid: null, sdpMLineIndex: 2 }, 'OperationError'],
      [{ candidate: '', sdpMid: '9' }, 'OperationError'],
      [{ candidate: '', sdpMLineIndex: 2 }, 'OperationError'],
    ]
    for (const [given, expected] of cases) assert.equal(await add(given), expected, JSON.stringify(given))
    assert.deepEqual(countOf(`a=${candidate}`, pair.bob.remoteDescription?.sdp), [0, 4])
  })

  it('lets candidates of a transceiver that is stopped pass without effect (step 4.4)', async () => {
    const { sim, alice, bob } = pair
    await offered()
    await answered()
    alice.getTransceivers()[1]?.stop()
    const [, video] = bob.getTransceivers()
    await offered()
    assert.equal(video?.direction, 'stopped')
    const before = bob.remoteDescription?.sdp
    // What step 4.5 or 4.7 would refuse
    assert.equal(await add({ candidate, sdpMid: '1', usernameFragment: 'unknown' }), 'fulfilled')
    assert.equal(await add({ candidate: 'rubbish', sdpMLineIndex: 1 }), 'fulfilled')
    assert.equal(await add({ candidate: 'rubbish', sdpMLineIndex: 0 }), 'OperationError')
    assert.equal(bob.remoteDescription?.sdp, before)
    await settled(sim, bob.setLocalDescription())
  })

  it('refuses fragments of no generation, and puts the others where they belong (steps 4.5 and 4.7.2)', async () => {
    const { bob } = pair
    const first = fragmentOf(await offered())
    await answered()
    const second = fragmentOf(await offered({ iceRestart: true }))
    assert.notEqual(first, second)
    assert.equal(await add({ candidate, sdpMid: '0', usernameFragment: 'neither' }), 'OperationError')
    assert.equal(await add({ candidate, sdpMid: '0', usernameFragment: '' }), 'OperationError')
    const counts = (): number[][] =>
      [bob.currentRemoteDescription, bob.pendingRemoteDescription].map(each => countOf(`a=${candidate}`, each?.sdp))
    assert.equal(await add({ candidate, sdpMid: '0', usernameFragment: first }), 'fulfilled')
    assert.deepEqual(counts(), [
      [1, 0],
      [0, 0],
    ])
    assert.equal(await add({ candidate, sdpMid: '0', usernameFragment: second }), 'fulfilled')
    // "if usernameFragment is null, process the candidate for the most recent ICE generation"
    assert.equal(await add({ candidate, sdpMid: '0' }), 'fulfilled')
    assert.deepEqual(counts(), [
      [1, 0],
      [2, 0],
    ])
    // "not equal to any username fragment present in an applied remote description": the old one is gone by now
    await answered()
    assert.equal(await add({ candidate, sdpMid: '0', usernameFragment: first }), 'OperationError')
  })

  it('puts a candidate into both descriptions where both are of its generation (steps 4.7.2.2 and 4.7.2.3)', async () => {
    const { bob } = pair
    await offered()
    await answered()
    await offered()
    assert.equal(await add({ candidate, sdpMLineIndex: 0 }), 'fulfilled')
    assert.deepEqual(countOf(`a=${candidate}`, bob.pendingRemoteDescription?.sdp), [1, 0])
    assert.deepEqual(countOf(`a=${candidate}`, bob.currentRemoteDescription?.sdp), [1, 0])
  })

  const ends: readonly (readonly [string, RTCIceCandidateInit | null | undefined, number[]])[] = [
    ['nothing', undefined, [1, 1]],
    ['null', null, [1, 1]],
    ['{}', {}, [1, 1]],
    ["{ candidate: '' }", { candidate: '' }, [1, 1]],
    ["{ sdpMid: '1' }", { sdpMid: '1' }, [0, 1]],
    ["{ candidate: '', sdpMLineIndex: 0 }", { candidate: '', sdpMLineIndex: 0 }, [1, 0]],
  ]
  for (const [name, given, expected] of ends) {
    it(`takes ${name} for the end of candidates of the sections that it names, or of all (step 4.7)`, async () => {
      await offered()
      assert.equal(await add(given), 'fulfilled')
      assert.deepEqual(countOf('a=end-of-candidates', pair.bob.remoteDescription?.sdp), expected)
    })
  }

  it("takes '' for what WebIDL makes of it: no dictionary", async () => {
    await offered()
    assert.equal(await add('' as never), 'TypeError')
  })

  it('ends the candidates of one generation alone, where one is named', async () => {
    const { bob } = pair
    const first = fragmentOf(await offered())
    await answered()
    await offered({ iceRestart: true })
    assert.equal(await add({ candidate: '', usernameFragment: first }), 'fulfilled')
    const end = 'a=end-of-candidates'
    assert.deepEqual(countOf(end, bob.currentRemoteDescription?.sdp), [1, 1])
    assert.deepEqual(countOf(end, bob.pendingRemoteDescription?.sdp), [0, 0])
  })

  it('knows the fragment of each of a thousand bundled sections as it knows that of one', async () => {
    const { sim, alice, bob } = pair
    const { sdp = '' } = await settled(sim, alice.createOffer())
    const mids = Array.from({ length: 1000 }, (_, index) => `x${index}`)
    const lines = (mid: string): string =>
      `m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=bundle-only\r\na=mid:${mid}\r\n`
    const grouped = sdp.replace(/^a=group:BUNDLE.*$/m, line => [line.trimEnd(), ...mids].join(' '))
    const offer = `${grouped}${mids.map(lines).join('')}`
    await settled(sim, bob.setRemoteDescription({ type: 'offer', sdp: offer }))
    const usernameFragment = fragmentOf(sdp)
    assert.equal(await add({ candidate, sdpMid: 'x999', usernameFragment }), 'fulfilled')
    assert.equal(await add({ candidate: '', usernameFragment }), 'fulfilled')
    const ended = countOf('a=end-of-candidates', bob.remoteDescription?.sdp)
    assert.deepEqual([ended.length, ended.every(count => count === 1)], [1002, true])
  })

  it('does not know whether the peer trickles before it has said so (canTrickleIceCandidates)', async () => {
    const { sim, alice, bob } = pair
    assert.equal(bob.canTrickleIceCandidates, null)
    const { sdp = '' } = await settled(sim, alice.createOffer())
    const taken = bob.setRemoteDescription({ type: 'offer', sdp })
    assert.equal(bob.canTrickleIceCandidates, null, 'prior to the completion of setRemoteDescription')
    await settled(sim, taken)
    assert.equal(bob.canTrickleIceCandidates, true)
    await settled(sim, bob.setRemoteDescription({ type: 'rollback' }))
    assert.equal(bob.canTrickleIceCandidates, null)
    const silent = sdp.replace(/^a=ice-options:.*\r\n/gm, '')
    await settled(sim, bob.setRemoteDescription({ type: 'offer', sdp: silent }))
    assert.equal(bob.canTrickleIceCandidates, false)
  })

  it('connects with candidates that came in any of these forms', async () => {
    const { sim, alice, bob } = pair
    const toAlice: RTCIceCandidateInit[] = []
    bob.addEventListener('icecandidate', ({ candidate: told }) => {
      if (told !== null) toAlice.push({ candidate: told.candidate, sdpMLineIndex: told.sdpMLineIndex })
    })
    await offered()
    await answered()
    assert.ok(await sim.run(() => bob.iceGatheringState === 'complete'))
    for (const each of toAlice) await settled(sim, alice.addIceCandidate(each))
    await settled(sim, alice.addIceCandidate())
    assert.ok(await sim.run(() => alice.connectionState === 'connected'))
    await agree(pair, alice, bob)
  })
})
