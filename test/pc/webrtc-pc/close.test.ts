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

describe('close() (webrtc-pc §4.4.2)', () => {
  let pair: MediaPair
  beforeEach(async () => {
    pair = createMediaPair({ seed: 64, sections: ['audio', 'video', 'data'] })
    await agree(pair, pair.alice, pair.bob)
    assert.ok(await connected(pair))
  })
  afterEach(() => close(pair))

  it('sets every state to closed, and fires at nothing but the tracks that end', async () => {
    const { sim, alice } = pair
    const channel = alice.createDataChannel('more')
    assert.ok(await sim.run(() => channel.readyState === 'open'))
    const { sctp } = alice
    assert.ok(sctp)
    const tracks = alice.getReceivers().map(({ track }) => track)
    const transceivers = alice.getTransceivers()
    const log = logEvents(alice)
    const silent = [channel, sctp, sctp.transport, sctp.transport.iceTransport]
    for (const target of silent) {
      for (const type of ['statechange', 'close', 'closing', 'error', 'gatheringstatechange']) {
        target.addEventListener(type, () => log.push(type))
      }
    }
    const ended: string[] = []
    for (const track of tracks) {
      // Step 3 comes before step 4, and step 11 is the last
      track.addEventListener('ended', () =>
        ended.push(`${track.kind} ${alice.signalingState} ${alice.connectionState}`),
      )
    }
    alice.close()
    assert.deepEqual(ended, ['audio closed connected', 'video closed connected'])
    const states = [alice.signalingState, alice.iceConnectionState, alice.connectionState, channel.readyState]
    const below = [sctp.state, sctp.transport.state, sctp.transport.iceTransport.state]
    assert.deepEqual(new Set([...states, ...below]), new Set(['closed']))
    assert.equal(alice.sctp, sctp)
    assert.deepEqual(
      transceivers.map(({ direction, currentDirection }) => [direction, currentDirection]),
      [
        ['stopped', 'stopped'],
        ['stopped', 'stopped'],
      ],
    )
    assert.deepEqual(alice.getTransceivers(), transceivers)
    assert.deepEqual([alice.getSenders(), alice.getReceivers()], [[], []])
    assert.ok(tracks.every(({ readyState }) => readyState === 'ended'))
    // Step 1
    alice.close()
    await sim.runFor(60_000)
    assert.deepEqual(log, [])
    assert.equal(ended.length, 2)
  })

  it('leaves the descriptions and what they say', () => {
    const { alice } = pair
    const { localDescription, remoteDescription } = alice
    alice.close()
    assert.equal(alice.localDescription, localDescription)
    assert.equal(alice.remoteDescription, remoteDescription)
    assert.equal(alice.canTrickleIceCandidates, true)
    alice.restartIce()
  })

  it('makes every method that changes something fail', () => {
    const { alice } = pair
    const [sender] = alice.getSenders()
    assert.ok(sender)
    alice.close()
    const invalidState = { name: 'InvalidStateError' }
    assert.throws(() => alice.setConfiguration({}), invalidState)
    assert.throws(() => alice.createDataChannel('x'), invalidState)
    assert.throws(() => alice.addTransceiver('audio'), invalidState)
    assert.throws(() => alice.removeTrack(sender), invalidState)
    // WebIDL converts first
    assert.throws(() => alice.setConfiguration({ iceServers: 1 } as never), TypeError)
    assert.throws(() => alice.createDataChannel('x', { maxRetransmits: -1 }), TypeError)
  })

  it('from inside a listener ends what was about to be fired (§4.4.4: "no such event handler can be triggered")', async () => {
    const { sim, bob } = pair
    const other = createMediaPair({ seed: 65 })
    for (const kind of ['audio', 'video'] as const) addSection(other.alice, kind)
    const offer = await settled(other.sim, other.alice.createOffer())
    const log = logEvents(other.bob)
    other.bob.addEventListener('track', () => other.bob.close())
    void other.bob.setRemoteDescription(offer).then(() => log.push('resolved'))
    await other.sim.runFor(100)
    assert.deepEqual(log, ['signalingstatechange have-remote-offer', 'track'])
    close(other)
    const states = logEvents(bob)
    bob.addEventListener('iceconnectionstatechange', () => bob.close())
    pair.sim.network.setConditions({ loss: 1 })
    await sim.runFor(60_000)
    assert.deepEqual(states, ['iceconnectionstatechange disconnected'])
  })
})
