import assert from 'node:assert/strict'
import {
  addSection,
  agree,
  close,
  connected,
  createMediaPair,
  type MediaPair,
  settled,
} from '../negotiation/media-pair.ts'
import { logEvents } from './outcomes.ts'

const negotiating = ['negotiationneeded', 'signalingstatechange', 'track', 'icegatheringstatechange']

describe('The events of a connection', () => {
  let pair: MediaPair
  beforeEach(() => {
    pair = createMediaPair({ seed: 63 })
  })
  afterEach(() => close(pair))

  it('come in the order of the text, with offer and answer of two transceivers and data', async () => {
    const { sim, alice, bob } = pair
    const logs = [logEvents(alice, negotiating), logEvents(bob, negotiating)] as const
    const step = async (side: 0 | 1, name: string, promise: Promise<unknown>): Promise<void> => {
      await settled(
        sim,
        promise.then(() => logs[side].push(name)),
      )
      await sim.runFor(500)
    }
    const sdpOf = (peer: typeof alice): string => peer.localDescription?.sdp ?? ''
    for (const kind of ['audio', 'video', 'data'] as const) addSection(alice, kind)
    addSection(bob, 'data')
    await sim.runFor(10)
    await step(0, 'offer set', alice.setLocalDescription())
    await step(1, 'offer taken', bob.setRemoteDescription({ type: 'offer', sdp: sdpOf(alice) }))
    for (const transceiver of bob.getTransceivers()) transceiver.direction = 'sendrecv'
    await step(1, 'answer set', bob.setLocalDescription())
    await step(0, 'answer taken', alice.setRemoteDescription({ type: 'answer', sdp: sdpOf(bob) }))
    assert.deepEqual(logs, [
      [
        'negotiationneeded',
        'signalingstatechange have-local-offer',
        'offer set',
        'icegatheringstatechange gathering',
        'icegatheringstatechange complete',
        // §4.4.1.4, steps 4.6.15, 4.6.20 and 4.6.21
        'signalingstatechange stable',
        'track',
        'track',
        'answer taken',
      ],
      [
        'negotiationneeded',
        'signalingstatechange have-remote-offer',
        'track',
        'track',
        'offer taken',
        'signalingstatechange stable',
        'answer set',
        'icegatheringstatechange gathering',
        'icegatheringstatechange complete',
      ],
    ])
  })

  it('about ICE and DTLS come in tasks after the signaling state has changed (§4.4.1.3, §5.6)', async () => {
    const { alice, bob } = pair
    addSection(alice, 'data')
    const log = logEvents(alice, ['signalingstatechange', 'iceconnectionstatechange', 'connectionstatechange'])
    await agree(pair, alice, bob)
    assert.ok(await connected(pair))
    assert.deepEqual(log.slice(0, 3), [
      'signalingstatechange have-local-offer',
      'signalingstatechange stable',
      'iceconnectionstatechange checking',
    ])
    assert.equal(log.at(-1), 'connectionstatechange connected')
  })

  describe('named negotiationneeded (§4.7.3)', () => {
    it('come once for many changes, and see the chain empty', async () => {
      const { sim, alice } = pair
      const log = logEvents(alice, negotiating)
      for (const kind of ['audio', 'video', 'data'] as const) addSection(alice, kind)
      alice.restartIce()
      assert.deepEqual(log, [], 'not in the same task')
      await sim.runFor(10)
      assert.deepEqual(log, ['negotiationneeded'])
      // Step 2.5: "If connection.[[NegotiationNeeded]] is already true, abort these steps."
      addSection(alice, 'audio')
      await sim.runFor(10)
      assert.deepEqual(log, ['negotiationneeded'])
    })

    it('wait for the operations that go on, and for stable (steps 2.2 and 2.3)', async () => {
      const { sim, alice, bob } = pair
      addSection(alice, 'audio')
      await agree(pair, alice, bob)
      await sim.runFor(10)
      const log = logEvents(alice, ['negotiationneeded', 'signalingstatechange'])
      const offer = alice.createOffer().then(() => log.push('created'))
      addSection(alice, 'video')
      await settled(sim, offer)
      await sim.runFor(10)
      assert.deepEqual(log, ['created', 'negotiationneeded'])
      log.length = 0
      const description = await settled(sim, alice.createOffer())
      await settled(sim, alice.setLocalDescription(description))
      addSection(alice, 'data')
      await sim.runFor(10)
      assert.deepEqual(log, ['signalingstatechange have-local-offer'])
      await settled(sim, bob.setRemoteDescription(description))
      await settled(sim, bob.setLocalDescription())
      const { sdp = '' } = bob.localDescription ?? {}
      await settled(sim, alice.setRemoteDescription({ type: 'answer', sdp }))
      await sim.runFor(10)
      assert.deepEqual(log.slice(1), ['signalingstatechange stable', 'negotiationneeded'])
    })

    it('come again after each rollback, as long as there is a need (§4.4.1.4, step 4.6.14.3)', async () => {
      const { sim, alice } = pair
      addSection(alice, 'audio')
      await sim.runFor(10)
      const log = logEvents(alice, ['negotiationneeded', 'signalingstatechange'])
      await settled(sim, alice.setLocalDescription())
      await settled(sim, alice.setLocalDescription({ type: 'rollback' }))
      await sim.runFor(10)
      assert.deepEqual(log, [
        'signalingstatechange have-local-offer',
        'signalingstatechange stable',
        'negotiationneeded',
      ])
    })

    it('do not come for what was undone before anyone looked', async () => {
      const { sim, alice, bob } = pair
      addSection(alice, 'audio')
      await agree(pair, alice, bob)
      await sim.runFor(10)
      const log = logEvents(alice, ['negotiationneeded'])
      const [transceiver] = alice.getTransceivers()
      assert.ok(transceiver)
      transceiver.direction = 'inactive'
      transceiver.direction = 'sendrecv'
      await sim.runFor(10)
      assert.deepEqual(log, [])
      transceiver.direction = 'inactive'
      await sim.runFor(10)
      assert.deepEqual(log, ['negotiationneeded'])
    })

    it('come for a restart of ICE until credentials have changed, through a rollback too (restartIce, step 2)', async () => {
      const { sim, alice, bob } = pair
      addSection(alice, 'audio')
      await agree(pair, alice, bob)
      await sim.runFor(10)
      const log = logEvents(alice, ['negotiationneeded'])
      alice.restartIce()
      await sim.runFor(10)
      assert.equal(log.length, 1)
      await settled(sim, alice.setLocalDescription())
      await settled(sim, alice.setLocalDescription({ type: 'rollback' }))
      await sim.runFor(10)
      assert.equal(log.length, 2)
      const before = alice.currentLocalDescription?.sdp.match(/a=ice-ufrag:\S+/)?.[0]
      await agree(pair, alice, bob)
      await sim.runFor(10)
      assert.equal(log.length, 2)
      assert.notEqual(alice.currentLocalDescription?.sdp.match(/a=ice-ufrag:\S+/)?.[0], before)
    })
  })
})
