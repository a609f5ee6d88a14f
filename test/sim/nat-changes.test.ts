import assert from 'node:assert/strict'
import type { RTCIceServer } from '../../src/pc/configuration.ts'
import { exchange, isOpen, selectedTypes, situation } from './calls.ts'
import type { Nat, NatBehavior } from './nat.ts'
import { createNatWorld, type NatTopology, type NatWorld, otherServerAddress, serverAddress } from './nat-world.ts'
import { connectPair, negotiate, type SimulatedPair } from './peers.ts'
import { type SimulatedTurnServer, startStunServer, startTurnServer } from './servers.ts'

const seeds = Number(process.env.ICEFLOE_NAT_SEEDS ?? 500) / 50

/** Consent is given up after 30 s (RFC 7675 §5.1), and a restart of the checks takes a while. */
const recoveryMs = 90_000

interface Call {
  readonly world: NatWorld
  readonly pair: SimulatedPair
  readonly servers: readonly SimulatedTurnServer[]
}

interface CallOptions {
  readonly seed: number
  readonly topology: NatTopology
  /** STUN alone if none; `each`: two, of which each peer has one. */
  readonly turnServers?: 1 | 2 | 'each'
  /** The second server does not answer while candidates are gathered. */
  readonly isSecondDown?: boolean
  readonly nats?: Partial<NatBehavior>
  readonly prepare?: (world: NatWorld) => void
}

/** A call that is up and settled, with data gone both ways. */
async function call(options: CallOptions): Promise<Call> {
  const { seed, topology } = options
  const world = createNatWorld(seed, topology, options.nats)
  const { sim } = world
  options.prepare?.(world)
  const { turnServers } = options
  const servers: SimulatedTurnServer[] = []
  if (turnServers === undefined) await startStunServer(sim, 'server', serverAddress)
  else servers.push(await startTurnServer(sim, 'server', serverAddress))
  if (turnServers === 2 || turnServers === 'each') {
    servers.push(await startTurnServer(sim, 'server 2', otherServerAddress))
    sim.network.setDown('server 2', options.isSecondDown === true)
  }
  const turn = servers.flatMap(server => server.iceServers)
  const iceServers: RTCIceServer[] = turnServers === undefined ? [{ urls: `stun:${serverAddress}` }] : turn
  const pair = connectPair(sim, {
    environments: world.environments,
    configurationOf: index => ({
      iceServers: turnServers === 'each' ? iceServers.slice(index, index + 1) : iceServers,
    }),
  })
  await sim.run(() => isOpen(pair), 60_000)
  assert.ok(isOpen(pair), `it connects: ${situation(pair)}`)
  await sim.runFor(10_000)
  await exchange(pair, seed)
  return { world, pair, servers }
}

/** Runs a scenario for a few seeds, and says which failed. */
function forSeeds(title: string, scenario: (seed: number) => Promise<Call>): void {
  it(title, async function () {
    this.timeout(60_000 + 2_000 * seeds)
    for (let seed = 1; seed <= seeds; seed++) {
      try {
        const { pair } = await scenario(seed)
        pair.alice.close()
        pair.bob.close()
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error })
      }
    }
  })
}

/** Data goes on after a change, without anybody's help. */
async function goesOn({ pair }: Call, seed: number): Promise<void> {
  await exchange(pair, seed, recoveryMs).catch((error: Error) => {
    throw new Error(`${situation(pair)}\n${error.message}`, { cause: error })
  })
  const connected = (): boolean => [pair.alice, pair.bob].every(peer => peer.connectionState === 'connected')
  // One end may have moved before the other has noticed.
  await pair.sim.run(connected, recoveryMs)
  assert.ok(connected(), situation(pair))
}

/** Without a restart it ends; with one it goes on. */
async function failsThenRestarts({ pair, world }: Call, repair: () => void = () => {}): Promise<void> {
  const { alice, bob } = pair
  const failed = (): boolean => [alice, bob].every(peer => peer.iceConnectionState === 'failed')
  await world.sim.run(failed, recoveryMs)
  assert.ok(failed(), `both fail: ${situation(pair)}`)
  repair()
  alice.restartIce()
  void negotiate(alice, bob)
}

/** The address of the relay that alice's packets go by, or bob's. */
function relayInUse({ pair }: Call): string {
  const chosen = [pair.alice, pair.bob].map(({ sctp }) => sctp?.transport.iceTransport.getSelectedCandidatePair())
  const relay = chosen.flatMap(each => [each?.local, each?.remote]).find(candidate => candidate?.type === 'relay')
  assert.ok(relay, situation(pair))
  return String(relay.address)
}

function firstNat({ aliceNats }: NatWorld): Nat {
  const [nat] = aliceNats
  assert.ok(nat)
  return nat
}

describe('a call', () => {
  describe('whose NAT gives it another port', () => {
    for (const bob of ['', 'F', 'R'] as const) {
      forSeeds(`goes on where the other end lets it in: P - ${bob || 'no NAT'}`, async seed => {
        const up = await call({ seed, topology: { alice: 'P', bob } })
        firstNat(up.world).rebind()
        await goesOn(up, seed)
        return up
      })
    }

    forSeeds('goes on where the other end is the one that controls', async seed => {
      const up = await call({ seed, topology: { alice: '', bob: 'P' } })
      for (const nat of up.world.bobNats) nat.rebind()
      await goesOn(up, seed)
      return up
    })

    forSeeds('goes on by the relay where the other end does not let it in', async seed => {
      const up = await call({ seed, topology: { alice: 'P', bob: 'P' }, turnServers: 1 })
      assert.ok(!selectedTypes(up.pair.alice).includes('relay'), situation(up.pair))
      firstNat(up.world).rebind()
      await goesOn(up, seed)
      return up
    })

    forSeeds('goes on after a restart where there is no other way', async seed => {
      const up = await call({ seed, topology: { alice: 'P', bob: 'P' } })
      firstNat(up.world).rebind()
      await failsThenRestarts(up)
      await goesOn(up, seed)
      return up
    })
  })

  for (const alice of ['P', 'S'] as const) {
    forSeeds(`goes on after a restart as soon as it is disconnected, with another port: ${alice} - P`, async seed => {
      const turnServers = alice === 'S' ? { turnServers: 1 as const } : {}
      const up = await call({ seed, topology: { alice, bob: 'P' }, ...turnServers })
      const { pair, world } = up
      for (const nat of [...world.aliceNats, ...world.bobNats]) nat.rebind()
      await world.sim.run(() => pair.alice.iceConnectionState === 'disconnected', recoveryMs)
      pair.alice.restartIce()
      void negotiate(pair.alice, pair.bob)
      await goesOn(up, seed)
      return up
    })
  }

  describe('whose NAT gives it another address', () => {
    for (const bob of ['', 'F'] as const) {
      forSeeds(`goes on where the other end lets it in: P - ${bob || 'no NAT'}`, async seed => {
        const up = await call({ seed, topology: { alice: 'P', bob } })
        firstNat(up.world).readdress(['203.0.113.77'])
        await goesOn(up, seed)
        return up
      })
    }

    forSeeds('goes on by a new allocation when it is relayed', async seed => {
      const up = await call({ seed, topology: { alice: 'S', bob: 'S' }, turnServers: 1 })
      firstNat(up.world).readdress(['203.0.113.77'])
      await goesOn(up, seed)
      return up
    })
  })

  forSeeds('outlives mappings that are forgotten after half a minute of silence', async seed => {
    const up = await call({ seed, topology: { alice: 'P', bob: 'P' }, nats: { mappingTimeoutMs: 30_000 } })
    await up.world.sim.runFor(600_000)
    await goesOn(up, seed)
    return up
  })

  describe('whose relay dies', () => {
    forSeeds('does not notice if it goes directly', async seed => {
      const up = await call({ seed, topology: { alice: 'P', bob: 'P' }, turnServers: 1 })
      up.world.sim.network.setDown('server')
      await up.world.sim.runFor(700_000)
      await goesOn(up, seed)
      return up
    })

    forSeeds('goes on by the relay of the other end', async seed => {
      const up = await call({ seed, topology: { alice: 'S', bob: 'S' }, turnServers: 'each' })
      up.world.sim.network.setDown(relayInUse(up) === serverAddress ? 'server' : 'server 2')
      await goesOn(up, seed)
      return up
    })

    forSeeds('goes on after a restart by another server', async seed => {
      const up = await call({ seed, topology: { alice: 'S', bob: 'S' }, turnServers: 2, isSecondDown: true })
      const { network } = up.world.sim
      network.setDown('server')
      network.setDown('server 2', false)
      await failsThenRestarts(up)
      await goesOn(up, seed)
      return up
    })

    forSeeds('goes on after a restart by the same server, which has forgotten everything', async seed => {
      const up = await call({ seed, topology: { alice: 'S', bob: 'S' }, turnServers: 1 })
      await up.servers[0]?.reboot()
      await failsThenRestarts(up)
      await goesOn(up, seed)
      return up
    })

    forSeeds('fails in time if there is no other way, and comes back with the server after a restart', async seed => {
      const up = await call({ seed, topology: { alice: 'S', bob: 'S' }, turnServers: 1 })
      const { network } = up.world.sim
      network.setDown('server')
      await failsThenRestarts(up, () => network.setDown('server', false))
      await goesOn(up, seed)
      return up
    })
  })

  describe('that gets through in one direction alone', () => {
    forSeeds('goes on by the relay', async seed => {
      const up = await call({ seed, topology: { alice: 'P', bob: 'P' }, turnServers: 1 })
      up.world.sim.network.setLink(seed % 2 === 0 ? 'alice' : 'bob', seed % 2 === 0 ? 'bob' : 'alice', { loss: 1 })
      await goesOn(up, seed)
      return up
    })

    forSeeds('ends in failure where there is none', async seed => {
      const up = await call({ seed, topology: { alice: 'P', bob: 'P' } })
      const { pair, world } = up
      world.sim.network.setLink('alice', 'bob', { loss: 1 })
      const failed = (): boolean => [pair.alice, pair.bob].every(peer => peer.iceConnectionState === 'failed')
      await world.sim.run(failed, recoveryMs)
      assert.ok(failed(), situation(pair))
      return up
    })
  })

  describe('on a host whose interfaces change', () => {
    const mobile = '192.0.2.44'

    /** One interface vanishes and another appears, that much later or (negative) earlier. */
    async function change({ world: { sim } }: Call, gapMs: number): Promise<void> {
      const vanish = (): void => sim.network.removeInterface('alice', '192.168.1.2')
      const appear = (): void => sim.network.addInterface('alice', mobile)
      const [first, second] = gapMs < 0 ? [appear, vanish] : [vanish, appear]
      first()
      await sim.runFor(Math.abs(gapMs))
      second()
    }

    forSeeds('moves to another interface when its own vanishes', async seed => {
      const prepare = ({ sim }: NatWorld): void => sim.network.addInterface('alice', mobile)
      const up = await call({ seed, topology: { alice: 'P', bob: 'F' }, prepare })
      const { network } = up.world.sim
      const pairNow = up.pair.alice.sctp?.transport.iceTransport.getSelectedCandidatePair()
      const isMobile = pairNow?.local.address === mobile
      network.removeInterface('alice', isMobile ? mobile : '192.168.1.2')
      await goesOn(up, seed)
      return up
    })

    for (const bob of ['', 'F'] as const) {
      forSeeds(`moves to one that appears after its own has vanished: P - ${bob || 'no NAT'}`, async seed => {
        const up = await call({ seed, topology: { alice: 'P', bob } })
        await change(up, 3_000)
        await goesOn(up, seed)
        return up
      })
    }

    // RFC 8838 §14: after the end of candidates no more are taken, and these NATs wait for a packet from within.
    for (const bob of ['R', 'P'] as const) {
      forSeeds(`moves to one that appears after its own has vanished, after a restart: P - ${bob}`, async seed => {
        const up = await call({ seed, topology: { alice: 'P', bob } })
        await change(up, 3_000)
        await failsThenRestarts(up)
        await goesOn(up, seed)
        return up
      })
    }

    for (const bob of ['P', 'S'] as const) {
      forSeeds(`moves to one that appears after its own has vanished, by the relay: P - ${bob}`, async seed => {
        const up = await call({ seed, topology: { alice: 'P', bob }, turnServers: 1 })
        await change(up, 3_000)
        await goesOn(up, seed)
        return up
      })
    }

    forSeeds('moves to one that appears before its own vanishes, by the relay where need be', async seed => {
      const up = await call({ seed, topology: { alice: 'P', bob: 'S' }, turnServers: 1 })
      await change(up, -5_000)
      await goesOn(up, seed)
      return up
    })
  })
})
