import assert from 'node:assert/strict'
import type { RTCConfiguration } from '../../src/pc/configuration.ts'
import type { RTCPeerConnection } from '../../src/pc/rtc-peer-connection.ts'
import { exchange, isOpen, selectedTypes, situation } from '../sim/calls.ts'
import { connectPair, negotiate, type SimulatedPair } from '../sim/peers.ts'
import { startTurnServer } from '../sim/servers.ts'
import { Simulation } from '../sim/virtual-environment.ts'
import { type Observed, observe } from '../support/observed-environment.ts'
import { settled } from './negotiation/media-pair.ts'

const aliceAddresses = ['192.0.2.1', '2001:db8::1']
const bobAddresses = ['192.0.2.2', '2001:db8::2']
const serverAddress = '203.0.113.1'

/** Everything that a peer tells: to its application, to the other peer and in its statistics. */
interface Told {
  readonly text: () => Promise<string>
  readonly candidates: string[]
}

function listen(sim: Simulation, peer: RTCPeerConnection): Told {
  const candidates: string[] = []
  const errors: string[] = []
  peer.addEventListener('icecandidate', ({ candidate }) => {
    if (candidate !== null && candidate.candidate !== '') candidates.push(candidate.candidate)
  })
  peer.addEventListener('icecandidateerror', ({ address, errorText }) => errors.push(`${address} ${errorText}`))
  return {
    candidates,
    text: async () => {
      const transport = peer.sctp?.transport.iceTransport
      const stats = [...(await settled(sim, peer.getStats())).values()]
      const pair = transport?.getSelectedCandidatePair()
      const shown = [
        peer.localDescription?.sdp,
        peer.currentLocalDescription?.sdp,
        JSON.stringify(transport?.getLocalCandidates()),
        pair?.local.candidate,
        pair?.local.relatedAddress,
        JSON.stringify(stats.filter(({ type }) => type !== 'remote-candidate')),
      ]
      return [...candidates, ...errors, ...shown].join('\n')
    },
  }
}

interface Call extends SimulatedPair {
  readonly seen: readonly [alice: Observed, bob: Observed]
  readonly told: readonly [alice: Told, bob: Told]
}

async function call(sim: Simulation, configuration: RTCConfiguration): Promise<Call> {
  const seen = [observe(sim.host('alice', aliceAddresses)), observe(sim.host('bob', bobAddresses))] as const
  const pair = connectPair(sim, { environments: [seen[0].environment, seen[1].environment], configuration })
  return { ...pair, seen, told: [listen(pair.sim, pair.alice), listen(pair.sim, pair.bob)] }
}

/** Of the two hosts: nothing of this may be told, and nothing may be sent there. */
const privateAddresses = [...aliceAddresses, ...bobAddresses, '.local', 'typ host', 'typ srflx', 'typ prflx']

async function assertPrivate({ seen, told }: Call): Promise<void> {
  for (const { destinations, multicast } of seen) {
    for (const destination of destinations) assert.ok(destination.startsWith(serverAddress), `went to ${destination}`)
    assert.deepEqual(multicast, [])
  }
  for (const each of told) {
    const text = await each.text()
    for (const secret of privateAddresses) assert.ok(!text.includes(secret), `${secret} is told in:\n${text}`)
  }
}

describe('The transport policy relay', () => {
  for (const transport of ['udp', 'tcp', 'tls'] as const) {
    it(`connects over TURN over ${transport}, sends nothing elsewhere, and tells no address of the host`, async () => {
      const sim = new Simulation(1)
      const { iceServers } = await startTurnServer(sim, 'turn', serverAddress, { transports: [transport] })
      // A STUN server is not asked either: only a relay may know where we are.
      const stun = { urls: 'stun:203.0.113.9' }
      const both = await call(sim, { iceServers: [stun, ...iceServers], iceTransportPolicy: 'relay' })
      assert.ok(await sim.run(() => isOpen(both)), situation(both))
      await exchange(both, 1)
      assert.deepEqual(selectedTypes(both.alice), ['relay', 'relay'])
      for (const { candidates } of both.told) assert.ok(candidates.every(text => text.includes(' typ relay raddr ')))
      await assertPrivate(both)
      both.alice.close()
      both.bob.close()
      await sim.runFor(1_000)
      for (const { open, openTcp } of both.seen) assert.deepEqual([open.size, openTcp.size], [0, 0])
    })
  }

  it('opens no socket at all where there is no TURN server', async () => {
    const sim = new Simulation(2)
    const configuration: RTCConfiguration = { iceTransportPolicy: 'relay', iceServers: [{ urls: 'stun:203.0.113.9' }] }
    const both = await call(sim, { ...configuration, iceCandidatePoolSize: 1 })
    await sim.runFor(60_000)
    assert.equal(both.alice.iceGatheringState, 'complete')
    assert.equal(both.alice.iceConnectionState, 'failed')
    for (const { opened, destinations } of both.seen) assert.deepEqual([opened(), destinations.size], [0, 0])
    await assertPrivate(both)
    both.alice.close()
    both.bob.close()
  })

  it('does not look up the names of a peer: that would ask the whole local network', async () => {
    const sim = new Simulation(3)
    const { iceServers } = await startTurnServer(sim, 'turn', serverAddress)
    const both = await call(sim, { iceServers, iceTransportPolicy: 'relay' })
    assert.ok(await sim.run(() => isOpen(both)), situation(both))
    const name = '01234567-89ab-cdef-0123-456789abcdef.local'
    const candidate = `candidate:1 1 udp 2130706431 ${name} 5000 typ host`
    await settled(sim, both.alice.addIceCandidate({ candidate, sdpMid: '0' }))
    await sim.runFor(5_000)
    await assertPrivate(both)
    both.alice.close()
    both.bob.close()
  })

  it('takes effect with an ICE restart in mid-call: the relay takes over, then the sockets of the host are closed', async () => {
    const sim = new Simulation(4)
    const { iceServers } = await startTurnServer(sim, 'turn', serverAddress, { transports: ['tcp'] })
    const both = await call(sim, { iceServers })
    assert.ok(await sim.run(() => isOpen(both)), situation(both))
    assert.deepEqual(selectedTypes(both.alice), ['host', 'host'])
    const [{ open, destinations }] = both.seen
    assert.ok(open.size > 0)
    const { alice, bob } = both
    alice.setConfiguration({ ...alice.getConfiguration(), iceTransportPolicy: 'relay' })
    await sim.runFor(5_000)
    assert.deepEqual(selectedTypes(alice), ['host', 'host'])
    both.told[0].candidates.length = 0
    alice.restartIce()
    void negotiate(alice, bob)
    assert.ok(await sim.run(() => selectedTypes(alice)[0] === 'relay'), situation(both))
    await exchange(both, 4)
    assert.equal(open.size, 0)
    ;(destinations as Set<string>).clear()
    await exchange(both, 5)
    await sim.runFor(30_000)
    for (const destination of destinations) assert.ok(destination.startsWith(serverAddress), `went to ${destination}`)
    assert.ok(both.told[0].candidates.every(text => text.includes(' typ relay ')))
    for (const address of aliceAddresses) assert.ok(!alice.localDescription?.sdp.includes(address))
    alice.close()
    bob.close()
  })

  it('holds for what the pool has gathered under another policy', async () => {
    const sim = new Simulation(5)
    const { iceServers } = await startTurnServer(sim, 'turn', serverAddress)
    const seen = observe(sim.host('alice', aliceAddresses))
    const environments = [seen.environment, sim.host('bob', bobAddresses)] as const
    const pair = connectPair(sim, { environments, configuration: { iceServers, iceCandidatePoolSize: 1 } })
    const { alice } = pair
    const told = listen(sim, alice)
    alice.setConfiguration({ ...alice.getConfiguration(), iceTransportPolicy: 'relay' })
    assert.ok(await sim.run(() => isOpen(pair)), situation(pair))
    const text = await told.text()
    for (const secret of aliceAddresses) assert.ok(!text.includes(secret), text)
    for (const destination of seen.destinations) assert.ok(destination.startsWith(serverAddress), destination)
    alice.close()
    pair.bob.close()
  })
})
