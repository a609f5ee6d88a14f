import assert from 'node:assert/strict'
import { maxLocalAddresses } from '../../src/pc/gathering/gatherer.ts'
import { RTCPeerConnection } from '../../src/pc/rtc-peer-connection.ts'
import { exchange, isOpen, selectedTypes, situation } from '../sim/calls.ts'
import { connectPair, fixedCertificates } from '../sim/peers.ts'
import { startTurnServer } from '../sim/servers.ts'
import { Simulation } from '../sim/virtual-environment.ts'
import { observe } from '../support/observed-environment.ts'
import { settled } from './negotiation/media-pair.ts'

const serverAddress = '203.0.113.1'
const rttMs = 40

/** A world with a TURN server, and a peer whose sockets are watched. */
async function world(seed: number) {
  const sim = new Simulation(seed)
  sim.network.setConditions({ delayMs: rttMs / 2 })
  const { server, iceServers } = await startTurnServer(sim, 'turn', serverAddress)
  const seen = observe(sim.host('alice', ['192.0.2.1']))
  const create = (iceCandidatePoolSize: number, policy: 'all' | 'relay' = 'all'): RTCPeerConnection => {
    const [certificate] = fixedCertificates()
    const configuration = { iceServers, iceCandidatePoolSize, iceTransportPolicy: policy, certificates: [certificate] }
    return new RTCPeerConnection(configuration, { environment: seen.environment })
  }
  return { sim, server, seen, create }
}

async function pooled(sim: Simulation, peer: RTCPeerConnection): Promise<Record<string, unknown>[]> {
  return [...(await settled(sim, peer.getStats())).values()].filter(({ type }) => type === 'icefloe-pooled-component')
}

/** Virtual milliseconds from setLocalDescription to the first relayed candidate. */
async function relayCandidateAfter(sim: Simulation, peer: RTCPeerConnection): Promise<number> {
  const startedAt = sim.now
  let foundAt: number | undefined
  peer.onicecandidate = ({ candidate }) => {
    if (candidate?.type === 'relay') foundAt ??= sim.now
  }
  peer.createDataChannel('x')
  void peer.setLocalDescription()
  await sim.run(() => foundAt !== undefined, 10_000)
  return (foundAt ?? Number.POSITIVE_INFINITY) - startedAt
}

describe('iceCandidatePoolSize', () => {
  it('has a relayed candidate at once with a pool of 1, and after two round trips with a pool of 0', async () => {
    const { sim, create } = await world(1)
    const [without, withOne] = [create(0), create(1)]
    await sim.runFor(1_000)
    // Allocate is refused for want of credentials, then granted: RFC 8489 §9.2.
    assert.equal(await relayCandidateAfter(sim, without), 2 * rttMs)
    assert.equal(await relayCandidateAfter(sim, withOne), 0)
    without.close()
    withOne.close()
  })

  it('allocates so many times at construction, follows a resize, and gives back what is not used', async () => {
    const { sim, server, seen, create } = await world(2)
    const peer = create(2)
    await sim.runFor(1_000)
    assert.deepEqual([seen.open.size, server.stats().openAllocations], [2, 2])
    peer.setConfiguration({ ...peer.getConfiguration(), iceCandidatePoolSize: 3 })
    await sim.runFor(1_000)
    assert.deepEqual([seen.open.size, server.stats().openAllocations], [3, 3])
    peer.setConfiguration({ ...peer.getConfiguration(), iceCandidatePoolSize: 1 })
    await sim.runFor(1_000)
    assert.deepEqual([seen.open.size, server.stats().openAllocations], [1, 1])
    peer.setConfiguration({ ...peer.getConfiguration(), iceCandidatePoolSize: 2 })
    await sim.runFor(1_000)
    await relayCandidateAfter(sim, peer)
    await sim.runFor(1_000)
    assert.deepEqual([seen.open.size, server.stats().openAllocations], [1, 1])
    peer.close()
    await sim.runFor(1_000)
    assert.deepEqual([seen.open.size, server.stats().openAllocations], [0, 0])
  })

  it('shows its state in the statistics', async () => {
    const { sim, create } = await world(3)
    const peer = create(2)
    const [first] = await pooled(sim, peer)
    assert.equal(first?.state, 'gathering')
    await sim.runFor(1_000)
    const components = await pooled(sim, peer)
    assert.equal(components.length, 2)
    for (const { state, hostCandidates, srflxCandidates, relayCandidates } of components) {
      assert.deepEqual([state, hostCandidates, srflxCandidates, relayCandidates], ['complete', 2, 0, 1])
    }
    await relayCandidateAfter(sim, peer)
    assert.deepEqual(await pooled(sim, peer), [])
    peer.close()
  })

  it('keeps its allocations for hours, and they work then', async () => {
    const { sim, server, seen } = await world(4)
    const { iceServers } = await startTurnServer(sim, 'turn2', '203.0.113.2')
    const environments = [seen.environment, sim.host('bob', ['192.0.2.2'])] as const
    const waiting = new RTCPeerConnection(
      { iceServers, iceCandidatePoolSize: 1, iceTransportPolicy: 'relay' },
      { environment: environments[0] },
    )
    await sim.runFor(6 * 3600_000)
    const [component] = await pooled(sim, waiting)
    assert.equal(component?.relayCandidates, 1)
    assert.equal(server.stats().openAllocations, 0)
    const candidates: string[] = []
    waiting.onicecandidate = ({ candidate }) => candidates.push(candidate?.candidate ?? '')
    waiting.createDataChannel('x')
    void waiting.setLocalDescription()
    await sim.runFor(1)
    assert.match(candidates[0] ?? '', / typ relay /)
    waiting.close()
  })

  it('throws away what other servers have given, and gathers from the new ones', async () => {
    const { sim, server, create } = await world(5)
    const other = await startTurnServer(sim, 'other', '203.0.113.2')
    const peer = create(1)
    await sim.runFor(1_000)
    assert.equal(server.stats().openAllocations, 1)
    peer.setConfiguration({ ...peer.getConfiguration(), iceServers: other.iceServers })
    await sim.runFor(1_000)
    assert.deepEqual([server.stats().openAllocations, other.server.stats().openAllocations], [0, 1])
    peer.close()
  })

  it('is replaced when its server has died and another one is there', async () => {
    const sim = new Simulation(6)
    const servers = [
      await startTurnServer(sim, 'first', '203.0.113.1'),
      await startTurnServer(sim, 'second', '203.0.113.2'),
    ] as const
    const pair = connectPair(sim, {
      environments: [sim.host('alice', ['192.0.2.1']), sim.host('bob', ['192.0.2.2'])],
      configuration: {
        iceServers: servers.flatMap(({ iceServers }) => iceServers),
        iceTransportPolicy: 'relay',
        iceCandidatePoolSize: 1,
      },
    })
    pair.alice.close()
    pair.bob.close()
    const peer = new RTCPeerConnection(pair.alice.getConfiguration(), { environment: sim.host('carol', ['192.0.2.3']) })
    await sim.runFor(1_000)
    assert.equal(servers[0].server.stats().openAllocations, 1)
    servers[0].server.close()
    await sim.runFor(1_200_000)
    assert.equal(servers[1].server.stats().openAllocations, 1)
    const [component] = await pooled(sim, peer)
    assert.equal(component?.relayCandidates, 1)
    peer.close()
  })

  it('asks a server again that was silent when the pool was filled, and tells each gathering state once', async () => {
    const { sim, create } = await world(9)
    sim.network.setDown('turn')
    const peer = create(1)
    await sim.runFor(120_000)
    assert.equal((await pooled(sim, peer))[0]?.relayCandidates, 0)
    sim.network.setDown('turn', false)
    const states: string[] = []
    peer.onicegatheringstatechange = () => states.push(peer.iceGatheringState)
    assert.ok((await relayCandidateAfter(sim, peer)) <= 4 * rttMs)
    await sim.runFor(1_000)
    assert.deepEqual(states, ['gathering', 'complete'])
    peer.close()
  })

  it('connects with what was pooled', async () => {
    const { sim, seen, server } = await world(7)
    const { iceServers } = await startTurnServer(sim, 'relay', '203.0.113.3')
    const pair = connectPair(sim, {
      environments: [seen.environment, sim.host('bob', ['192.0.2.2'])],
      configuration: { iceServers, iceTransportPolicy: 'relay', iceCandidatePoolSize: 1 },
    })
    assert.ok(await sim.run(() => isOpen(pair)), situation(pair))
    await exchange(pair, 7)
    assert.deepEqual(selectedTypes(pair.alice), ['relay', 'relay'])
    assert.equal(server.stats().openAllocations, 0)
    pair.alice.close()
    pair.bob.close()
  })

  it('opens no more than a bounded number of sockets for each component, however many addresses there are', async () => {
    const sim = new Simulation(8)
    const addresses = Array.from({ length: 3 * maxLocalAddresses }, (_, index) => `192.0.2.${index + 1}`)
    const { environment, open } = observe(sim.host('many', addresses))
    const peer = new RTCPeerConnection({ iceCandidatePoolSize: 2 }, { environment })
    await sim.runFor(100)
    assert.equal(open.size, 2 * maxLocalAddresses)
    peer.close()
    assert.equal(open.size, 0)
  })
})
