import assert from 'node:assert/strict'
import type { Environment } from '../../src/base/environment.ts'
import type { RTCIceServer } from '../../src/pc/configuration.ts'
import { exchange, isOpen, selectedTypes, situation } from './calls.ts'
import { fullCone, portRestrictedCone, symmetric } from './nat.ts'
import { type ConnectOptions, connectPair, type SimulatedPair } from './peers.ts'
import { type ServerTransport, startTurnServer } from './servers.ts'
import type { HostOptions } from './sim-network.ts'
import { Simulation } from './virtual-environment.ts'

const seeds = Number(process.env.ICEFLOE_NAT_SEEDS ?? 500) / 100
const server = '198.51.100.1'

const blocksUdp = { ...portRestrictedCone, blocksUdp: true }
const webAlone = { ...blocksUdp, tcpPorts: [443] }

type Connect = (
  environments: ConnectOptions['environments'],
  options?: Partial<ConnectOptions>,
) => Promise<SimulatedPair>

/** Connects and sends both ways, for a few seeds; `arrange` sets the world up and says how. */
function forSeeds(title: string, arrange: (sim: Simulation, connect: Connect, seed: number) => Promise<void>): void {
  it(title, async function () {
    this.timeout(60_000)
    for (let seed = 1; seed <= seeds; seed++) {
      const sim = new Simulation(seed)
      sim.network.setConditions({ delayMs: 5 + (seed % 40), jitterMs: 5, loss: seed % 2 === 0 ? 0 : 0.03 })
      const pairs: SimulatedPair[] = []
      try {
        const connect: Connect = async (environments, options = {}) => {
          const pair = connectPair(sim, { ...options, environments })
          pairs.push(pair)
          await sim.run(() => isOpen(pair), 60_000)
          assert.ok(isOpen(pair), situation(pair))
          await exchange(pair, seed)
          return pair
        }
        await arrange(sim, connect, seed)
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error })
      } finally {
        for (const { alice, bob } of pairs) {
          alice.close()
          bob.close()
        }
      }
    }
  })
}

function behind(
  sim: Simulation,
  name: string,
  nat: typeof symmetric,
  index: number,
  extra: string[] = [],
): Environment {
  const options: HostOptions = { behind: sim.nat(`${name} nat`, nat, { addresses: [`203.0.113.${index}`] }) }
  return sim.host(name, [`192.168.${index}.2`, ...extra], options)
}

async function turn(sim: Simulation, transports: readonly ServerTransport[]): Promise<RTCIceServer[]> {
  return (await startTurnServer(sim, 'server', server, { transports })).iceServers
}

describe('a hard network', () => {
  for (const transport of ['tcp', 'tls'] as const) {
    forSeeds(`that lets no UDP out is left by TURN over ${transport}, from both ends`, async (sim, connect) => {
      const iceServers = await turn(sim, ['udp', transport])
      const firewall = transport === 'tls' ? webAlone : blocksUdp
      const environments = [behind(sim, 'alice', firewall, 1), behind(sim, 'bob', firewall, 2)] as const
      const pair = await connect(environments, { configuration: { iceServers } })
      assert.ok(selectedTypes(pair.alice).includes('relay'), situation(pair))
    })
  }

  forSeeds('on one side alone is left by TURN over TLS, whatever is on the other', async (sim, connect) => {
    const iceServers = await turn(sim, ['udp', 'tcp', 'tls'])
    await connect([behind(sim, 'alice', webAlone, 1), behind(sim, 'bob', symmetric, 2)], {
      configuration: { iceServers },
    })
  })

  forSeeds('that lets no UDP out leads to a public host by a TCP candidate, without a server', async (sim, connect) => {
    const pair = await connect([behind(sim, 'alice', blocksUdp, 1), sim.host('bob', ['192.0.2.2'])], {
      extensions: { tcpCandidates: ['active', 'passive'] },
    })
    const chosen = pair.alice.sctp?.transport.iceTransport.getSelectedCandidatePair()
    assert.equal(chosen?.local.protocol, 'tcp', situation(pair))
  })

  forSeeds('with IPv6 beside a symmetric NAT needs no relay', async (sim, connect) => {
    const iceServers = await turn(sim, ['udp'])
    const environments = [
      behind(sim, 'alice', symmetric, 1, ['2001:db8:1::2']),
      behind(sim, 'bob', symmetric, 2, ['2001:db8:2::2']),
    ] as const
    const pair = await connect(environments, { configuration: { iceServers } })
    await sim.runFor(5_000)
    assert.deepEqual(new Set(selectedTypes(pair.alice)), new Set(['host']), situation(pair))
  })

  forSeeds('in which one has IPv4 alone and the other IPv6 alone is bridged by relays', async (sim, connect) => {
    const world = await startTurnServer(sim, 'server', server, {
      alsoOn: ['2001:db8::1'],
    })
    const environments = [behind(sim, 'alice', fullCone, 1), sim.host('bob', ['2001:db8:2::2'])] as const
    const pair = await connect(environments, { configuration: { iceServers: world.iceServers } })
    assert.ok(selectedTypes(pair.alice).includes('relay'), situation(pair))
  })

  forSeeds('shared by two hosts that hide their addresses needs no server', async (sim, connect) => {
    const nat = sim.nat('nat', symmetric, { addresses: ['203.0.113.1'] })
    const environments = [
      sim.host('alice', ['192.168.1.2'], { behind: nat }),
      sim.host('bob', ['192.168.1.3'], { behind: nat }),
    ] as const
    await connect(environments, { extensions: { hideHostAddresses: true } })
  })

  forSeeds('on both sides of a NAT between hidden hosts is crossed by reflexive addresses', async (sim, connect) => {
    const iceServers = await turn(sim, ['udp'])
    const environments = [
      behind(sim, 'alice', portRestrictedCone, 1),
      behind(sim, 'bob', portRestrictedCone, 2),
    ] as const
    const pair = await connect(environments, { configuration: { iceServers }, extensions: { hideHostAddresses: true } })
    await sim.runFor(5_000)
    assert.ok(!selectedTypes(pair.alice).includes('relay'), situation(pair))
  })

  forSeeds(
    'with a slow DNS and dead servers in the list does not keep the others waiting',
    async (sim, connect, seed) => {
      sim.dns.set('slow.example', 'silent')
      const iceServers = [
        { urls: ['stun:slow.example', 'turn:none.example', 'turn:198.51.100.66'], username: 'u', credential: 'c' },
        ...(await turn(sim, ['udp'])),
      ]
      const environments = [behind(sim, 'alice', symmetric, 1), behind(sim, 'bob', symmetric, 2)] as const
      await connect(environments, { configuration: { iceServers } })
      // A server is given up after 9.5 s, a name after 5 s.
      const limitMs = seed % 2 === 0 ? 2_000 : 9_000
      assert.ok(sim.now < limitMs, `connected and talked after ${sim.now} ms`)
    },
  )

  forSeeds(
    'with a relay that answers 100 ms before the other end is crossed directly all the same',
    async (sim, connect) => {
      const iceServers = await turn(sim, ['udp'])
      for (const peer of ['alice', 'bob']) {
        sim.network.setLink(peer, 'server', { delayMs: 3 })
        sim.network.setLink('server', peer, { delayMs: 3 })
        sim.network.setLink(peer, peer === 'alice' ? 'bob' : 'alice', { delayMs: 56 })
      }
      const environments = [
        behind(sim, 'alice', portRestrictedCone, 1),
        behind(sim, 'bob', portRestrictedCone, 2),
      ] as const
      const pair = await connect(environments, { configuration: { iceServers } })
      assert.ok(!selectedTypes(pair.alice).includes('relay'), situation(pair))
      assert.ok(!selectedTypes(pair.bob).includes('relay'), situation(pair))
    },
  )

  forSeeds('that drops a tenth of all packets is crossed by the relay all the same', async (sim, connect) => {
    const iceServers = await turn(sim, ['udp'])
    sim.network.setConditions({ delayMs: 20, jitterMs: 20, loss: 0.1, duplicate: 0.05, reorder: 0.1 })
    const environments = [behind(sim, 'alice', symmetric, 1), behind(sim, 'bob', symmetric, 2)] as const
    await connect(environments, { configuration: { iceServers } })
  })
})
