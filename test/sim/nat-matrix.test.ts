import assert from 'node:assert/strict'
import type { RTCIceServer } from '../../src/pc/configuration.ts'
import { exchange, isOpen, messageBytes, selectedTypes, situation } from './calls.ts'
import {
  type Classic,
  createNatWorld,
  type NatPath,
  type NatTopology,
  serverAddress,
  topologyName,
} from './nat-world.ts'
import { connectPair } from './peers.ts'
import { startStunServer, startTurnServer } from './servers.ts'
import type { Simulation } from './virtual-environment.ts'

/** How many connections this file makes; more by an environment variable. */
const totalSeeds = Number(process.env.ICEFLOE_NAT_SEEDS ?? 500)

type Servers = 'STUN alone' | 'TURN'

/**
 * What RFC 4787 and RFC 5780 say about two peers that know how a STUN server sees them, and check from both ends.
 *
 * A NAT with endpoint-independent mapping (F, R, P) shows the peer the very address that the STUN server has seen, so
 * the peer's packets reach it as soon as its filter lets them in: that of F always, that of R once something was sent to
 * the peer's address, that of P once something was sent to the peer's address and port. Both ends do send there. A
 * symmetric one (S) shows the peer a port that nobody knows beforehand. Whose filter asks for the address alone gets
 * the first packet from it nevertheless, and learns the port; P has sent to another port of that address, and so has
 * S, which filters in the same way: those are the three pairs that never meet.
 */
const meet: { readonly [Alice in '' | Classic]: { readonly [Bob in '' | Classic]: boolean } } = {
  '': { '': true, F: true, R: true, P: true, S: true },
  F: { '': true, F: true, R: true, P: true, S: true },
  R: { '': true, F: true, R: true, P: true, S: true },
  P: { '': true, F: true, R: true, P: true, S: false },
  S: { '': true, F: true, R: true, P: false, S: false },
}

const strictness = ['', 'F', 'R', 'P', 'S'] as const

/** Several NATs in a row behave as the strictest of them: each maps and filters for itself. */
function combined(...paths: readonly NatPath[]): '' | Classic {
  const letters = paths.join('')
  return strictness.findLast(letter => letters.includes(letter)) ?? ''
}

/** Whether there is a way for the two that needs no relay. */
function canMeet({ alice, bob, shared, hairpin }: NatTopology): boolean {
  if (shared === undefined) return meet[combined(alice)][combined(bob)]
  // Who is directly behind the shared NAT can be reached there at its own address.
  if (alice === '' || bob === '') return meet[combined(alice)][combined(bob)]
  // The others know each other by addresses of the shared NAT, which lead back in only if it hairpins.
  return hairpin === true && meet[combined(alice, shared)][combined(bob, shared)]
}

const onePerSide: NatTopology[] = strictness.flatMap(alice => strictness.map(bob => ({ alice, bob })))

const twoLayers: NatTopology[] = [
  { alice: 'PF', bob: 'R' },
  { alice: 'FP', bob: 'PP' },
  { alice: 'RR', bob: 'SF' },
  { alice: 'FS', bob: 'FF' },
  { alice: 'PS', bob: 'P' },
  { alice: 'SP', bob: 'PS' },
]

const sharedNat: NatTopology[] = [
  { alice: '', bob: '', shared: 'F' },
  { alice: '', bob: '', shared: 'S' },
  { alice: '', bob: 'P', shared: 'P' },
  { alice: 'P', bob: 'P', shared: 'F', hairpin: true },
  { alice: 'R', bob: 'F', shared: 'R', hairpin: true },
  { alice: 'S', bob: 'R', shared: 'F', hairpin: true },
  { alice: 'F', bob: 'F', shared: 'S', hairpin: true },
  { alice: 'P', bob: 'P', shared: 'F', hairpin: false },
]

const topologies = [...onePerSide, ...twoLayers, ...sharedNat]
const seedsEach = Math.max(1, Math.ceil(totalSeeds / (2 * topologies.length)))

interface Outcome {
  readonly isOpen: boolean
  readonly isRelayed: boolean
  readonly text: string
}

/** Connects, sends both ways, and tells which way it went in the end. */
async function connect(seed: number, topology: NatTopology, servers: Servers): Promise<Outcome> {
  const world = createNatWorld(seed, topology)
  const { sim, environments } = world
  const pair = connectPair(sim, {
    environments,
    configuration: { iceServers: await startServers(sim, servers) },
    trickleMs: () => 1 + 50 * world.vary(),
  })
  try {
    const peers = [pair.alice, pair.bob]
    const ended = (): boolean => isOpen(pair) || peers.every(peer => peer.connectionState === 'failed')
    await sim.run(ended, 120_000)
    if (!isOpen(pair)) return { isOpen: false, isRelayed: false, text: situation(pair) }
    await exchange(pair, seed)
    // A relay may be first; what is better has to win soon.
    await sim.runFor(5_000)
    const isRelayed = await usesServer(sim, () => exchange(pair, seed + 1))
    const types = peers.flatMap(selectedTypes)
    assert.equal(types.includes('relay'), isRelayed, `what is told of the path is not so: ${situation(pair)}`)
    return { isOpen: true, isRelayed, text: situation(pair) }
  } finally {
    pair.alice.close()
    pair.bob.close()
  }
}

async function startServers(sim: Simulation, servers: Servers): Promise<RTCIceServer[]> {
  if (servers === 'TURN') return (await startTurnServer(sim, 'server', serverAddress)).iceServers
  await startStunServer(sim, 'server', serverAddress)
  return [{ urls: `stun:${serverAddress}` }]
}

/** Whether the messages of some work went through the server. */
async function usesServer(sim: Simulation, work: () => Promise<void>): Promise<boolean> {
  let large = 0
  const stop = sim.network.tap(({ to, data }) => {
    if (to.address === serverAddress && data.length > messageBytes) large++
    return undefined
  })
  await work()
  stop()
  return large > 0
}

async function runSeeds(first: number, topology: NatTopology, servers: Servers): Promise<void> {
  const isDirect = canMeet(topology)
  const wanted = { isOpen: isDirect || servers === 'TURN', isRelayed: !isDirect && servers === 'TURN' }
  const failures: string[] = []
  for (let seed = first; seed < first + seedsEach; seed++) {
    try {
      const { text, ...outcome } = await connect(seed, topology, servers)
      assert.deepEqual(outcome, wanted, text)
    } catch (error) {
      failures.push(`seed ${seed}: ${(error as Error).message}`)
    }
  }
  assert.equal(failures.length, 0, `${failures.length} of ${seedsEach} seeds\n${failures.join('\n')}`)
}

describe('two peers behind NATs', () => {
  for (const [index, topology] of topologies.entries()) {
    const name = topologyName(topology)
    const first = 1 + index * 2 * seedsEach
    const alone = canMeet(topology) ? 'connect directly' : 'do not connect'
    it(`${name}: ${alone} with STUN alone`, async function () {
      this.timeout(30_000 + 1_000 * seedsEach)
      await runSeeds(first, topology, 'STUN alone')
    })
    it(`${name}: connect ${canMeet(topology) ? 'directly' : 'by the relay'} with TURN`, async function () {
      this.timeout(30_000 + 1_000 * seedsEach)
      await runSeeds(first + seedsEach, topology, 'TURN')
    })
  }
})
