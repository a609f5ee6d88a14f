import assert from 'node:assert/strict'
import { retiredLifetimeMs } from '../../../src/pc/peer-transport.ts'
import { connectionOf } from '../../../src/pc/rtc-peer-connection.ts'
import {
  addSection,
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
} from './media-pair.ts'

const sections = ['audio', 'video', 'data'] as const
const legacyPeer = { bundlePolicy: 'max-compat' } as const

function ufrags(sdp: string | undefined): string[] {
  return [...(sdp ?? '').matchAll(/^a=ice-ufrag:(\S+)\r$/gm)].map(([, ufrag = '']) => ufrag)
}

describe('A later offer', () => {
  it('adds sections to a bundle that is there, without a transport for them (RFC 9143 §7.5.1)', async () => {
    const pair = createMediaPair({ seed: 1, sections: ['data'] })
    const { sim, alice, bob, sockets } = pair
    await agree(pair, alice, bob)
    assert.ok(await connected(pair))
    const [transport] = components(alice)
    assert.ok(transport)
    addSection(alice, 'audio')
    addSection(alice, 'video')
    const offer = await describeLocally(sim, alice)
    assert.deepEqual(outline(offer, ['candidate', 'bundle-only', 'rtcp-mux']), [
      'application candidate',
      'audio rtcp-mux',
      'video rtcp-mux',
    ])
    assert.match(offer, /^a=group:BUNDLE 0 1 2\r$/m)
    assert.equal(sockets.alice.open.size, 1)
    await settled(sim, bob.setRemoteDescription({ type: 'offer', sdp: offer }))
    await settled(sim, alice.setRemoteDescription({ type: 'answer', sdp: await describeLocally(sim, bob) }))
    for (const seen of [sockets.alice, sockets.bob]) assert.equal(seen.open.size, 1)
    const transceivers = connectionOf(alice).transceivers.all
    for (const { sender } of transceivers) assert.equal(sender.transport?.dtls, transport.dtls)
    assert.equal(new Set(transceivers.map(({ sender }) => sender.transport)).size, 1)
    assert.equal(alice.connectionState, 'connected')
    close(pair)
  })

  it('gives what is added a transport of its own where nothing is bundled', async () => {
    const pair = createMediaPair({ seed: 2, bob: legacyPeer, sections: ['audio', 'data'] })
    const { alice, bob, sockets } = pair
    await agree(pair, alice, bob, withoutBundle)
    assert.ok(await connected(pair))
    addSection(alice, 'video')
    addSection(alice, 'audio')
    await agree(pair, alice, bob, withoutBundle)
    // The second one of its type is bundle-only, as in a first offer.
    assert.deepEqual(outline(bob.localDescription?.sdp, []), ['audio', 'application', 'video', 'audio 0'])
    assert.ok(await connected(pair))
    for (const seen of [sockets.alice, sockets.bob]) assert.equal(seen.open.size, 3)
    for (const peer of [alice, bob]) assert.equal(associations(peer), 3)
    close(pair)
  })

  it('releases the transport of a section that is stopped', async () => {
    const pair = createMediaPair({ seed: 3, bob: legacyPeer, sections })
    const { alice, bob, sockets } = pair
    await agree(pair, alice, bob, withoutBundle)
    assert.ok(await connected(pair))
    connectionOf(alice).transceivers.all[1]?.object.stop()
    await agree(pair, alice, bob, withoutBundle)
    assert.deepEqual(outline(bob.localDescription?.sdp, []), ['audio', 'video 0', 'application'])
    for (const seen of [sockets.alice, sockets.bob]) assert.equal(seen.open.size, 2)
    assert.equal(alice.connectionState, 'connected')
    // And its place is used again.
    addSection(alice, 'video')
    await agree(pair, alice, bob, withoutBundle)
    assert.deepEqual(outline(bob.localDescription?.sdp, []), ['audio', 'video', 'application'])
    assert.ok(await connected(pair))
    for (const seen of [sockets.alice, sockets.bob]) assert.equal(seen.open.size, 3)
    close(pair)
  })

  it('keeps the transport of a bundle whose tagged section is stopped, under the next one', async () => {
    const pair = createMediaPair({ seed: 4, sections })
    const { sim, alice, bob, sockets } = pair
    await agree(pair, alice, bob)
    assert.ok(await connected(pair))
    const [transport] = components(alice)
    const [before = ''] = ufrags(alice.localDescription?.sdp)
    connectionOf(alice).transceivers.all[0]?.object.stop()
    await agree(pair, alice, bob)
    assert.match(alice.localDescription?.sdp ?? '', /^a=group:BUNDLE 1 2\r$/m)
    assert.deepEqual(outline(alice.localDescription?.sdp, ['ice-ufrag', 'candidate']), [
      'audio 0',
      'video ice-ufrag candidate',
      'application ice-ufrag',
    ])
    assert.deepEqual(ufrags(alice.localDescription?.sdp), [before, before])
    assert.deepEqual(components(alice), [transport])
    for (const seen of [sockets.alice, sockets.bob]) assert.equal(seen.open.size, 1)
    assert.equal(alice.connectionState, 'connected')
    // Candidates are told for that section from now on.
    const told = new Set<string | null | undefined>()
    alice.onicecandidate = ({ candidate }) => {
      if (candidate !== null) told.add(candidate.sdpMid)
    }
    alice.restartIce()
    await agree(pair, alice, bob)
    await sim.runFor(retiredLifetimeMs + 1_000)
    assert.deepEqual([...told], ['1'])
    assert.equal(sockets.alice.open.size, 1)
    assert.equal(alice.connectionState, 'connected')
    close(pair)
  })

  it('can take a section out of the bundle (RFC 9143 §7.5.2)', async () => {
    const pair = createMediaPair({ seed: 5, sections: ['audio', 'video'] })
    const { sim, alice, bob, sockets } = pair
    await agree(pair, alice, bob)
    assert.ok(await connected(pair))
    const [audio] = components(bob)
    // Alice's offers never do that: this one is made of hers.
    const offer = await describeLocally(sim, alice)
    const [head = '', first = '', second = ''] = offer.split(/^(?=m=)/m)
    const own = second.replace(/^(a=ice-(?:ufrag|pwd):)/gm, '$1Own')
    const moved = `${head.replace('BUNDLE 0 1', 'BUNDLE 0')}${first}${own}`
    await settled(sim, bob.setRemoteDescription({ type: 'offer', sdp: moved }))
    const answer = await describeLocally(sim, bob)
    assert.match(answer, /^a=group:BUNDLE 0\r$/m)
    assert.deepEqual(outline(answer, ['ice-ufrag']), ['audio ice-ufrag', 'video ice-ufrag'])
    assert.equal(components(bob)[0], audio)
    assert.equal(sockets.bob.open.size, 2)
    assert.equal(audio?.dtls.state, 'connected')
    close(pair)
  })

  it('leaves apart in the answer what has transports of its own', async () => {
    const pair = createMediaPair({ seed: 6, bob: legacyPeer, sections: ['audio', 'data'] })
    const { sim, alice, bob, sockets } = pair
    await agree(pair, alice, bob, withoutBundle)
    assert.ok(await connected(pair))
    // Alice's offers never do that, either: what was not bundled stays so.
    const plain = await describeLocally(sim, alice)
    assert.doesNotMatch(plain, /a=group/)
    const offer = plain.replace('t=0 0\r\n', 't=0 0\r\na=group:BUNDLE 0 1\r\n')
    await settled(sim, bob.setRemoteDescription({ type: 'offer', sdp: offer }))
    const answer = await describeLocally(sim, bob)
    assert.match(answer, /^a=group:BUNDLE 0\r$/m)
    assert.equal(sockets.bob.open.size, 2)
    assert.equal(associations(bob), 2)
    close(pair)
  })
})

describe('An answer', () => {
  it('that bundles what was not offered so is refused, and so is one that unbundles what must be bundled', async () => {
    const pair = createMediaPair({ seed: 7, alice: { bundlePolicy: 'max-bundle' }, sections })
    const { sim, alice, bob, sockets } = pair
    const offer = await describeLocally(sim, alice)
    await settled(sim, bob.setRemoteDescription({ type: 'offer', sdp: offer }))
    const answer = await describeLocally(sim, bob)
    const invalid = { name: 'InvalidAccessError' }
    const unbundled = answer.replace(/^a=group.*\r\n/m, '')
    await assert.rejects(settled(sim, alice.setRemoteDescription({ type: 'answer', sdp: unbundled })), invalid)
    assert.equal(alice.signalingState, 'have-local-offer')
    await settled(sim, alice.setRemoteDescription({ type: 'answer', sdp: answer }))
    assert.ok(await connected(pair))
    assert.equal(sockets.alice.open.size, 1)
    close(pair)
    const other = createMediaPair({ seed: 8, alice: legacyPeer, bob: legacyPeer, sections: ['audio', 'video'] })
    const whole = await describeLocally(other.sim, other.alice)
    await settled(other.sim, other.bob.setRemoteDescription({ type: 'offer', sdp: whole }))
    const swapped = (await describeLocally(other.sim, other.bob))
      .replace(/^m=video(?:.*\r\n)*?a=ice-ufrag.*\r\n/m, lines => lines.replace(/^a=ice-ufrag.*\r\n/m, ''))
      .replace('BUNDLE 0 1', 'BUNDLE 0')
    // Its video section has no transport of its own to be on.
    await assert.rejects(
      settled(other.sim, other.alice.setRemoteDescription({ type: 'answer', sdp: swapped })),
      invalid,
    )
    close(other)
  })

  it('takes effect provisionally, and releases nothing before it is final', async () => {
    const pair = createMediaPair({ seed: 9, sections: ['audio', 'data'] })
    const { sim, alice, bob, sockets } = pair
    const offer = await describeLocally(sim, alice)
    const [audio] = components(alice)
    await settled(sim, bob.setRemoteDescription({ type: 'offer', sdp: offer }))
    const answer = await settled(sim, bob.createAnswer())
    await settled(sim, bob.setLocalDescription({ type: 'pranswer', sdp: answer.sdp ?? '' }))
    await sim.runFor(100)
    const provisional = bob.localDescription?.sdp ?? ''
    await settled(sim, alice.setRemoteDescription({ type: 'pranswer', sdp: provisional }))
    assert.ok(await connected(pair))
    assert.equal(alice.sctp?.transport, audio?.dtls)
    assert.equal(sockets.alice.open.size, 2)
    await settled(sim, bob.setLocalDescription({ type: 'answer', sdp: '' }))
    await settled(sim, alice.setRemoteDescription({ type: 'answer', sdp: bob.localDescription?.sdp ?? '' }))
    assert.equal(sockets.alice.open.size, 1)
    assert.equal(alice.connectionState, 'connected')
    close(pair)
  })
})

describe('An ICE restart of several transports', () => {
  it('gives each new credentials and a new path', async () => {
    const pair = createMediaPair({ seed: 10, bob: legacyPeer, sections })
    const { sim, alice, bob, sockets } = pair
    await agree(pair, alice, bob, withoutBundle)
    assert.ok(await connected(pair))
    const before = [alice, bob].flatMap(peer => ufrags(peer.localDescription?.sdp))
    alice.restartIce()
    await agree(pair, alice, bob, withoutBundle)
    const after = [alice, bob].flatMap(peer => ufrags(peer.localDescription?.sdp))
    assert.equal(new Set([...before, ...after]).size, 4)
    await sim.runFor(2_000)
    for (const peer of [alice, bob]) {
      assert.equal(peer.connectionState, 'connected')
      for (const { driver, iceParameters } of components(peer)) {
        assert.ok(after.includes(iceParameters.usernameFragment))
        assert.ok(driver.ice.pairs().some(({ selected }) => selected))
      }
    }
    await sim.runFor(retiredLifetimeMs)
    for (const seen of [sockets.alice, sockets.bob]) assert.equal(seen.open.size, 3)
    close(pair)
  })
})

describe('A rollback with several transports', () => {
  it('of a first offer closes all of them', async () => {
    const pair = createMediaPair({ seed: 11, sections })
    const { sim, alice, sockets } = pair
    await describeLocally(sim, alice)
    assert.equal(sockets.alice.open.size, 3)
    await settled(sim, alice.setLocalDescription({ type: 'rollback' }))
    assert.equal(sockets.alice.open.size, 0)
    assert.equal(alice.sctp, null)
    assert.equal(components(alice).length, 0)
    close(pair)
  })

  it('closes those of the offer, and goes on with the others as they were', async () => {
    const pair = createMediaPair({ seed: 12, bob: legacyPeer, sections: ['audio', 'data'] })
    const { sim, alice, bob, sockets } = pair
    await agree(pair, alice, bob, withoutBundle)
    assert.ok(await connected(pair))
    const stable = components(alice)
    const credentials = ufrags(alice.localDescription?.sdp)
    addSection(alice, 'video')
    alice.restartIce()
    await describeLocally(sim, alice)
    assert.equal(components(alice).length, 3)
    assert.equal(sockets.alice.open.size, 5)
    await settled(sim, alice.setLocalDescription({ type: 'rollback' }))
    assert.equal(sockets.alice.open.size, 2)
    assert.deepEqual(components(alice), stable)
    assert.deepEqual(ufrags(alice.localDescription?.sdp), credentials)
    await sim.runFor(60_000)
    assert.equal(alice.connectionState, 'connected')
    close(pair)
  })

  it('of a remote offer closes what that would have had', async () => {
    const pair = createMediaPair({ seed: 13, sections })
    const { sim, alice, bob, sockets } = pair
    const offer = await describeLocally(sim, alice)
    await settled(sim, bob.setRemoteDescription({ type: 'offer', sdp: offer }))
    const [transport] = components(bob)
    await settled(sim, bob.setRemoteDescription({ type: 'rollback' }))
    assert.equal(components(bob).length, 0)
    assert.equal(transport?.ice.state, 'closed')
    assert.equal(bob.sctp, null)
    assert.equal(sockets.bob.open.size, 0)
    close(pair)
  })

  it('comes by itself when both ends offer at once', async () => {
    const pair = createMediaPair({ seed: 14, sections })
    const { sim, alice, bob, sockets } = pair
    addSection(bob, 'video')
    const [offer] = [await describeLocally(sim, alice), await describeLocally(sim, bob)]
    assert.equal(sockets.bob.open.size, 1)
    await settled(sim, bob.setRemoteDescription({ type: 'offer', sdp: offer }))
    assert.equal(sockets.bob.open.size, 0)
    await settled(sim, alice.setRemoteDescription({ type: 'answer', sdp: await describeLocally(sim, bob) }))
    assert.ok(await connected(pair))
    for (const seen of [sockets.alice, sockets.bob]) assert.equal(seen.open.size, 1)
    close(pair)
  })
})
