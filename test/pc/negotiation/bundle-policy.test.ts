import assert from 'node:assert/strict'
import type { RTCBundlePolicy } from '../../../src/pc/configuration.ts'
import { connectionOf } from '../../../src/pc/rtc-peer-connection.ts'
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
} from './media-pair.ts'

const sections = ['audio', 'audio', 'video', 'data'] as const

interface Expected {
  /** Sockets, ICE agents: before the answer. */
  readonly before: number
  readonly offer: readonly string[]
  /** And DTLS associations: with a peer that bundles. */
  readonly bundled: number
  /** With one that does not, and which sections it then has. */
  readonly legacy: number
  readonly legacyAnswer: readonly string[]
}

const expected: Readonly<Record<RTCBundlePolicy, Expected>> = {
  balanced: {
    before: 3,
    offer: ['audio ice-ufrag', 'audio 0 ice-ufrag bundle-only', 'video ice-ufrag', 'application ice-ufrag'],
    bundled: 1,
    legacy: 3,
    legacyAnswer: ['audio ice-ufrag', 'audio 0', 'video ice-ufrag', 'application ice-ufrag'],
  },
  'max-compat': {
    before: 4,
    offer: ['audio ice-ufrag', 'audio ice-ufrag', 'video ice-ufrag', 'application ice-ufrag'],
    bundled: 1,
    legacy: 4,
    legacyAnswer: ['audio ice-ufrag', 'audio ice-ufrag', 'video ice-ufrag', 'application ice-ufrag'],
  },
  'max-bundle': {
    before: 1,
    offer: [
      'audio ice-ufrag',
      'audio 0 ice-ufrag bundle-only',
      'video 0 ice-ufrag bundle-only',
      'application 0 ice-ufrag bundle-only',
    ],
    bundled: 1,
    legacy: 1,
    legacyAnswer: ['audio ice-ufrag', 'audio 0', 'video 0', 'application 0'],
  },
}

describe('bundlePolicy', () => {
  for (const [policy, { before, offer, bundled, legacy, legacyAnswer }] of Object.entries(expected)) {
    const bundlePolicy = policy as RTCBundlePolicy

    it(`${policy}: ${before} transports before the answer, ${bundled} with a peer that bundles`, async () => {
      const pair = createMediaPair({ seed: 1, alice: { bundlePolicy }, sections })
      const { sim, alice, bob, sockets } = pair
      const described = await describeLocally(sim, alice)
      assert.deepEqual(outline(described, ['ice-ufrag', 'bundle-only']), offer)
      assert.match(described, /^a=group:BUNDLE 0 1 2 3\r$/m)
      assert.equal(sockets.alice.open.size, before)
      assert.equal(components(alice).length, before)
      // Pion and GStreamer refuse sections with different ones
      const credentials = [...described.matchAll(/a=ice-(?:ufrag|pwd):(\S+)/g)].map(([, text]) => text)
      assert.equal(new Set(credentials).size, 2)
      const released = components(alice).slice(1)
      await settled(sim, bob.setRemoteDescription({ type: 'offer', sdp: described }))
      const answer = await describeLocally(sim, bob)
      assert.deepEqual(outline(answer, ['ice-ufrag', 'candidate', 'bundle-only']), [
        'audio ice-ufrag candidate',
        'audio ice-ufrag',
        'video ice-ufrag',
        'application ice-ufrag',
      ])
      await settled(sim, alice.setRemoteDescription({ type: 'answer', sdp: answer }))
      assert.ok(await connected(pair))
      for (const seen of [sockets.alice, sockets.bob]) assert.equal(seen.open.size, bundled)
      for (const peer of [alice, bob]) {
        assert.equal(components(peer).length, bundled)
        assert.equal(associations(peer), bundled)
      }
      for (const { ice, dtls } of released) assert.deepEqual([ice.state, dtls.state], ['closed', 'closed'])
      close(pair)
      assert.equal(sockets.alice.open.size + sockets.bob.open.size, 0)
    })

    it(`${policy}: ${legacy} transports with a peer that does not bundle`, async () => {
      const bobs = { bundlePolicy: 'max-compat' } as const
      const pair = createMediaPair({ seed: 2, alice: { bundlePolicy }, bob: bobs, sections })
      const { alice, bob, sockets } = pair
      await agree(pair, alice, bob, withoutBundle)
      assert.deepEqual(outline(bob.localDescription?.sdp, ['ice-ufrag']), legacyAnswer)
      assert.ok(await connected(pair))
      for (const seen of [sockets.alice, sockets.bob]) assert.equal(seen.open.size, legacy)
      for (const peer of [alice, bob]) {
        assert.equal(components(peer).length, legacy)
        assert.equal(associations(peer), legacy)
      }
      close(pair)
    })
  }

  it('moves sctp.transport to the tagged section, and fires nothing at what it releases', async () => {
    const pair = createMediaPair({ seed: 3, sections: ['audio', 'data'] })
    const { sim, alice, bob } = pair
    const offer = await describeLocally(sim, alice)
    const [audio, data] = components(alice)
    assert.ok(audio && data)
    assert.equal(alice.sctp?.transport, data.dtls)
    const events: string[] = []
    for (const target of [data.dtls, data.ice]) {
      target.addEventListener('statechange', () => events.push('statechange'))
    }
    await settled(sim, bob.setRemoteDescription({ type: 'offer', sdp: offer }))
    await settled(sim, alice.setRemoteDescription({ type: 'answer', sdp: await describeLocally(sim, bob) }))
    assert.equal(alice.sctp?.transport, audio.dtls)
    assert.ok(await sim.run(() => alice.sctp?.state === 'connected'))
    const [transceiver] = connectionOf(alice).transceivers.all
    assert.equal(transceiver?.sender.transport?.dtls, audio.dtls)
    assert.deepEqual([data.ice.state, data.dtls.state, events], ['closed', 'closed', []])
    close(pair)
  })

  it('balanced: as answerer rejects all but the first of each type where nothing is bundled (RFC 8829 §5.3.1)', async () => {
    const alices = { bundlePolicy: 'max-compat' } as const
    const pair = createMediaPair({ seed: 4, alice: alices, sections })
    const { alice, bob, sockets } = pair
    await agree(pair, alice, bob, withoutBundle)
    assert.deepEqual(outline(bob.localDescription?.sdp, []), ['audio', 'audio 0', 'video', 'application'])
    assert.ok(await connected(pair))
    assert.equal(sockets.alice.open.size, 3)
    assert.equal(sockets.bob.open.size, 3)
    close(pair)
  })

  it('max-bundle: as answerer rejects all but the first where nothing is bundled', async () => {
    const pair = createMediaPair({
      seed: 5,
      alice: { bundlePolicy: 'max-compat' },
      bob: { bundlePolicy: 'max-bundle' },
      sections,
    })
    const { alice, bob, sockets } = pair
    await agree(pair, alice, bob, withoutBundle)
    assert.deepEqual(outline(bob.localDescription?.sdp, []), ['audio', 'audio 0', 'video 0', 'application 0'])
    assert.ok(await connected(pair))
    assert.equal(sockets.alice.open.size, 1)
    assert.equal(sockets.bob.open.size, 1)
    close(pair)
  })

  it('follows the group of the offer: what is left out of it gets a transport of its own', async () => {
    const pair = createMediaPair({
      seed: 6,
      alice: { bundlePolicy: 'max-compat' },
      sections: ['audio', 'video', 'data'],
    })
    const { alice, bob, sockets } = pair
    await agree(pair, alice, bob, sdp => sdp.replace('a=group:BUNDLE 0 1 2', 'a=group:BUNDLE 0 1'))
    assert.ok(await connected(pair))
    assert.match(bob.localDescription?.sdp ?? '', /^a=group:BUNDLE 0 1\r$/m)
    for (const seen of [sockets.alice, sockets.bob]) assert.equal(seen.open.size, 2)
    assert.ok(await pair.sim.run(() => alice.sctp?.state === 'connected'))
    close(pair)
  })

  it('takes the first section that is not rejected for the tag (RFC 9143 §7.3.1)', async () => {
    const pair = createMediaPair({ seed: 7, sections: ['audio', 'video', 'data'] })
    const { sim, alice, bob, sockets } = pair
    // A codec that nobody has: the audio section is rejected.
    const offer = (await describeLocally(sim, alice)).replace(
      /^a=rtpmap:(\d+) [^\r]*(\/48000\/2|\/8000|\/48000)\r/gm,
      'a=rtpmap:$1 unheard-of/1\r',
    )
    await settled(sim, bob.setRemoteDescription({ type: 'offer', sdp: offer }))
    const answer = await describeLocally(sim, bob)
    assert.deepEqual(outline(answer, ['candidate']), ['audio 0', 'video candidate', 'application'])
    assert.match(answer, /^a=group:BUNDLE 1 2\r$/m)
    await settled(sim, alice.setRemoteDescription({ type: 'answer', sdp: answer }))
    assert.ok(await connected(pair))
    for (const seen of [sockets.alice, sockets.bob]) assert.equal(seen.open.size, 1)
    close(pair)
  })

  it('keeps a section that is of no use where others are bundled onto it alone (RFC 9143 §7.3.3)', async () => {
    const pair = createMediaPair({ seed: 8, alice: { bundlePolicy: 'max-bundle' }, sections: ['audio', 'data'] })
    const { sim, alice, bob } = pair
    const offer = (await describeLocally(sim, alice)).replace(/^a=rtpmap:(\d+) .*\r/gm, 'a=rtpmap:$1 unheard-of/1\r')
    await settled(sim, bob.setRemoteDescription({ type: 'offer', sdp: offer }))
    const answer = await describeLocally(sim, bob)
    assert.deepEqual(outline(answer, ['candidate', 'inactive']), ['audio candidate inactive', 'application'])
    assert.match(answer, /^a=group:BUNDLE 0 1\r$/m)
    close(pair)
  })

  it('names the ports of the group in all its sections (RFC 9143 §7.3)', async () => {
    const pair = createMediaPair({ seed: 9, sections: ['audio', 'data'] })
    const { alice, bob } = pair
    await agree(pair, alice, bob)
    const ports = [...(bob.localDescription?.sdp ?? '').matchAll(/^m=\w+ (\d+)/gm)].map(([, port]) => port)
    assert.equal(new Set(ports).size, 1)
    assert.notEqual(ports[0], '9')
    close(pair)
  })
})
