import assert from 'node:assert/strict'
import type { RTCPeerConnection } from '../../../src/pc/rtc-peer-connection.ts'
import {
  addSection,
  agree,
  associations,
  close,
  connected,
  createMediaPair,
  type MediaPair,
  type MediaPairOptions,
  outline,
  settled,
} from '../negotiation/media-pair.ts'

const always = { alwaysNegotiateDataChannels: true } as const

function kinds(peer: RTCPeerConnection): string[] {
  return outline(peer.localDescription?.sdp, [])
}

async function call(options: Omit<MediaPairOptions, 'seed'>, test: (pair: MediaPair) => Promise<void>): Promise<void> {
  const pair = createMediaPair({ seed: 15, ...options })
  try {
    await test(pair)
  } finally {
    close(pair)
  }
}

function countNegotiationNeeded(peer: RTCPeerConnection): () => number {
  let count = 0
  peer.addEventListener('negotiationneeded', () => count++)
  return () => count
}

describe('alwaysNegotiateDataChannels (webrtc-extensions §15)', () => {
  it('puts a section for data before those for media, and first into the bundle', async () => {
    await call({ alice: always, sections: ['audio', 'video'] }, async ({ sim, alice }) => {
      const offer = await settled(sim, alice.createOffer())
      assert.deepEqual(outline(offer.sdp, []), ['application', 'audio', 'video'])
      assert.match(offer.sdp ?? '', /^a=group:BUNDLE 0 1 2\r$/m)
      assert.equal(alice.sctp, null)
    })
  })

  it('has the data section bring the transport of a connection that bundles everything', async () => {
    const alice = { ...always, bundlePolicy: 'max-bundle' } as const
    await call({ alice, sections: ['audio'] }, async ({ sim, alice }) => {
      const offer = await settled(sim, alice.createOffer())
      assert.deepEqual(outline(offer.sdp, ['bundle-only']), ['application', 'audio 0 bundle-only'])
    })
  })

  it('leaves an offer without it with no data section, or with a last one once there are channels', async () => {
    await call({ sections: ['audio'] }, async ({ sim, alice }) => {
      assert.deepEqual(outline((await settled(sim, alice.createOffer())).sdp, []), ['audio'])
      addSection(alice, 'data')
      assert.deepEqual(outline((await settled(sim, alice.createOffer())).sdp, []), ['audio', 'application'])
    })
  })

  it('connects SCTP without any channel, and carries the first one without another negotiation', async () => {
    await call({ alice: always }, async pair => {
      const { sim, alice, bob } = pair
      await agree(pair, alice, bob)
      assert.equal(await connected(pair), true)
      await sim.run(() => alice.sctp?.state === 'connected' && bob.sctp?.state === 'connected')
      assert.equal(associations(alice), 1)
      const needed = countNegotiationNeeded(alice)
      const heard: unknown[] = []
      bob.ondatachannel = ({ channel }) => {
        channel.onmessage = ({ data }) => heard.push(data)
      }
      const channel = alice.createDataChannel('first')
      channel.onopen = () => channel.send('hello')
      await sim.run(() => heard.length > 0, 5_000)
      assert.deepEqual([heard, needed()], [['hello'], 0])
    })
  })

  it('asks for no negotiation by itself', async () => {
    await call({ alice: always }, async ({ sim, alice }) => {
      const needed = countNegotiationNeeded(alice)
      await sim.runFor(100)
      assert.equal(needed(), 0)
      alice.createDataChannel('one')
      await sim.runFor(100)
      assert.equal(needed(), 1)
    })
  })

  it('keeps the section where it is in later offers', async () => {
    await call({ alice: always, sections: ['audio'] }, async pair => {
      const { alice, bob } = pair
      await agree(pair, alice, bob)
      addSection(alice, 'video')
      await agree(pair, alice, bob)
      assert.deepEqual(kinds(alice), ['application', 'audio', 'video'])
      assert.deepEqual(kinds(bob), ['application', 'audio', 'video'])
    })
  })

  it('adds the section to a later offer of who had answered one without it', async () => {
    await call({ bob: always, sections: ['audio'] }, async pair => {
      const { alice, bob } = pair
      await agree(pair, alice, bob)
      assert.deepEqual(kinds(bob), ['audio'])
      await agree(pair, bob, alice)
      assert.deepEqual(kinds(bob), ['audio', 'application'])
    })
  })

  it('is told by getConfiguration(), and may be changed for the next offer', async () => {
    await call({}, async ({ sim, alice }) => {
      assert.equal(alice.getConfiguration().alwaysNegotiateDataChannels, false)
      alice.setConfiguration({ ...alice.getConfiguration(), ...always })
      assert.equal(alice.getConfiguration().alwaysNegotiateDataChannels, true)
      assert.deepEqual(outline((await settled(sim, alice.createOffer())).sdp, []), ['application'])
    })
  })
})
