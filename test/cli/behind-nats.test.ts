import assert from 'node:assert/strict'
import type { Environment } from '../../src/base/environment.ts'
import type { Command, Route } from '../../src/cli/command.ts'
import { natFinding } from '../../src/cli/doctor/nat.ts'
import { discoverNats } from '../../src/cli/doctor/nat-discovery.ts'
import { stunCommand } from '../../src/cli/stun.ts'
import { turnCommand } from '../../src/cli/turn.ts'
import { parseServerUrl } from '../../src/ice/index.ts'
import { type Classic, createNatWorld, type NatWorld, otherServerAddress, serverAddress } from '../sim/nat-world.ts'
import { type SimulatedServerOptions, startTurnServer } from '../sim/servers.ts'
import { type Ended, runWith } from './support.ts'

const asUser = ['--user', 'user', '--password', 'password']

describe('the command line behind simulated NATs', () => {
  for (const [letter, mapping, filtering] of [
    ['', 'no-nat', 'endpoint-independent'],
    ['F', 'endpoint-independent', 'endpoint-independent'],
    ['R', 'endpoint-independent', 'address-dependent'],
    ['P', 'endpoint-independent', 'address-and-port-dependent'],
    ['S', 'address-and-port-dependent', 'address-and-port-dependent'],
  ] as const) {
    it(`finds ${letter === '' ? 'no NAT' : `a NAT of the kind ${letter}`}, and says what it means`, async () => {
      for (let seed = 1; seed <= 5; seed++) {
        const { environment, finish } = await behind(letter, seed, { otherAddress: otherServerAddress })
        const servers = [parseServerUrl(`stun:${serverAddress}`)]
        const reports = await finish(discoverNats(servers, { environment, route: routeIn(environment) }, 7_500))
        const [report] = reports.reports
        assert.equal(report?.behavior.mapping, mapping, `seed ${seed}`)
        assert.equal(report?.behavior.filtering, filtering, `seed ${seed}`)
        const { status, lines } = natFinding(reports)
        assert.equal(status, 'ok')
        assert.ok(lines.some(line => line.includes('That means: ')))
      }
    })

    it(`compares servers behind ${letter === '' ? 'no NAT' : letter} to the same end`, async () => {
      const { environment, finish } = await behind(letter, 1, { otherAddress: otherServerAddress })
      const servers = [parseServerUrl(`stun:${serverAddress}`), parseServerUrl(`stun:${otherServerAddress}`)]
      const reports = await finish(discoverNats(servers, { environment, route: routeIn(environment) }, 7_500))
      const [comparison] = reports.comparisons
      const mapped = new Set(comparison?.seen.map(seen => `${seen.mapped.address} ${seen.mapped.port}`))
      assert.equal(comparison?.seen.length, 2)
      assert.equal(mapped.size, letter === 'S' ? 2 : 1)
    })

    it(`proves a relay from behind ${letter === '' ? 'no NAT' : letter}, in both ways`, async () => {
      for (const [maxAllocationsPerUser, way] of [
        [10, 'through two allocations'],
        [1, 'sent by a socket of this host'],
      ] as const) {
        const { environment, finish } = await behind(letter, 1, { options: { maxAllocationsPerUser } })
        const args = [serverAddress, ...asUser]
        const { code, stdout } = await finish(ask(turnCommand, args, environment))
        assert.equal(code, 0, stdout)
        assert.match(stdout, new RegExp(`works: \\d+ of 10 packets came back, ${way}`))
      }
    })
  }

  it('shows both addresses where there is a NAT', async () => {
    const { environment, finish } = await behind('P', 1, {})
    const { code, stdout } = await finish(ask(stunCommand, [serverAddress], environment))
    assert.equal(code, 0, stdout)
    assert.match(stdout, /^ {2}mapped address {2}203\.0\.113\.1:\d+$/m)
    assert.match(stdout, /^ {2}local address {3}192\.168\.1\.2:\d+$/m)
  })

  it('says that there is no answer where UDP is blocked, and that TCP gets through', async () => {
    const world = createNatWorld(1, { alice: 'P', bob: '' }, { blocksUdp: true })
    const { environment, finish } = await withServer(world, { transports: ['udp', 'tcp'] })
    const udp = await finish(ask(turnCommand, [serverAddress, ...asUser], environment))
    assert.equal(udp.code, 1)
    assert.match(udp.stdout, /failed {2}the server does not answer/)
    const tcp = await finish(ask(turnCommand, [`turn:${serverAddress}?transport=tcp`, ...asUser], environment))
    assert.equal(tcp.code, 0, tcp.stdout)
    assert.match(tcp.stdout, /works: 10 of 10 packets came back, through two allocations/)
  })
})

function behind(letter: Classic | '', seed: number, options: SimulatedServerOptions): ReturnType<typeof withServer> {
  return withServer(createNatWorld(seed, { alice: letter, bob: '' }), options)
}

/** Alice, and what lets time go by until she is done. */
async function withServer({ sim, environments: [environment] }: NatWorld, options: SimulatedServerOptions) {
  await startTurnServer(sim, 'server', serverAddress, options)
  const finish = async <T>(work: Promise<T>): Promise<T> => {
    let isDone = false
    const done = (): void => {
      isDone = true
    }
    work.then(done, done)
    await sim.run(() => isDone, 120_000)
    assert.ok(isDone, 'it is not done after two minutes')
    return work
  }
  return { environment, finish }
}

function ask({ run }: Command, args: readonly string[], environment: Environment): Promise<Ended> {
  return runWith(context => run(args, context), { environment, route: routeIn(environment) })
}

/** A host of the simulation has one address of a family. */
function routeIn({ network }: Environment): Route {
  return async to => network.interfaces().find(({ family }) => family === to.family) ?? { error: 'ENETUNREACH' }
}
