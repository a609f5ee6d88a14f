import type { Environment } from '../../src/base/environment.ts'
import { prng } from '../support/prng.ts'
import { fullCone, type Nat, type NatBehavior, portRestrictedCone, restrictedCone, symmetric } from './nat.ts'
import type { NatPlace } from './sim-network.ts'
import { Simulation } from './virtual-environment.ts'

/** The four classics by their letters: full, restricted, port-restricted cone, symmetric. */
export type Classic = 'F' | 'R' | 'P' | 'S'

const classics: { readonly [Letter in Classic]: NatBehavior } = {
  F: fullCone,
  R: restrictedCone,
  P: portRestrictedCone,
  S: symmetric,
}

/** What is between a host and the public network, from the host outwards: '' is nothing, 'PS' a carrier's NAT behind one's own. */
export type NatPath = '' | Classic | `${Classic}${Classic}`

/** What is in front of two peers: the NATs of each alone, then one that they share. */
export interface NatTopology {
  readonly alice: NatPath
  readonly bob: NatPath
  readonly shared?: Classic
  readonly hairpin?: boolean
}

export function topologyName({ alice, bob, shared, hairpin }: NatTopology): string {
  const behind = shared === undefined ? '' : ` behind ${shared}${hairpin ? ' that hairpins' : ''}`
  return `${alice === '' ? 'no NAT' : alice} - ${bob === '' ? 'no NAT' : bob}${behind}`
}

export const serverAddress = '198.51.100.1'
export const otherServerAddress = '198.51.100.2'

export interface NatWorld {
  readonly sim: Simulation
  readonly environments: readonly [alice: Environment, bob: Environment]
  /** From the host outwards. */
  readonly aliceNats: readonly Nat[]
  readonly bobNats: readonly Nat[]
  /** A seeded number from 0 to 1 for whatever else varies. */
  readonly vary: () => number
}

/**
 * Two hosts behind their NATs, with links of seeded delay and light loss, and room for a server at
 * {@link serverAddress}, named `server`, and one at {@link otherServerAddress}, named `server 2`. Half of the seeds give both hosts the same private address.
 */
export function createNatWorld(seed: number, topology: NatTopology, overrides: Partial<NatBehavior> = {}): NatWorld {
  const sim = new Simulation(seed)
  const { float } = prng(seed ^ 0x5eed)
  const behaviorOf = (letter: Classic): NatBehavior => {
    const classic = classics[letter]
    return { ...classic, preservesPorts: classic.preservesPorts && float() < 0.5, ...overrides }
  }
  const { shared, hairpin = false } = topology
  const common = shared && sim.nat('shared', { ...behaviorOf(shared), hairpin }, { addresses: ['203.0.113.9'] })
  const bobHost = common !== undefined || float() < 0.5 ? '192.168.1.3' : '192.168.1.2'
  const alice = side(sim, { name: 'alice', path: topology.alice, common, index: 1, behaviorOf, inner: '192.168.1.2' })
  const bob = side(sim, { name: 'bob', path: topology.bob, common, index: 2, behaviorOf, inner: bobHost })
  const hosts = ['alice', 'bob', 'server', 'server 2']
  for (const from of hosts) {
    for (const to of hosts) {
      sim.network.setLink(from, to, {
        delayMs: 2 + 40 * float(),
        jitterMs: 4 * float(),
        loss: float() < 0.5 ? 0 : 0.03,
      })
    }
  }
  return {
    sim,
    environments: [alice.environment, bob.environment],
    aliceNats: alice.nats,
    bobNats: bob.nats,
    vary: float,
  }
}

interface Side {
  readonly name: string
  readonly path: NatPath
  readonly common: Nat | undefined
  readonly index: number
  readonly behaviorOf: (letter: Classic) => NatBehavior
  readonly inner: string
}

function side(sim: Simulation, { name, path, common, index, behaviorOf, inner }: Side) {
  const nats: Nat[] = []
  let behind = common
  // From outside inwards: a NAT must be there before what is behind it.
  for (const [depth, letter] of [...path].reverse().entries()) {
    const isPublic = behind === undefined
    const place: NatPlace = {
      addresses: [isPublic ? `203.0.113.${index}` : `100.64.${depth}.${index}`],
      ...(behind === undefined ? {} : { behind }),
    }
    behind = sim.nat(`${name} nat ${depth}`, behaviorOf(letter as Classic), place)
    nats.unshift(behind)
  }
  const address = behind === undefined ? `192.0.2.${index}` : inner
  return { environment: sim.host(name, [address], behind === undefined ? {} : { behind }), nats }
}
