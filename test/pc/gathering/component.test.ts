import assert from 'node:assert/strict'
import type { Environment } from '../../../src/base/environment.ts'
import { candidatePriority, type LocalCandidate } from '../../../src/ice/index.ts'
import { Gatherer, type GathererOptions } from '../../../src/pc/gathering/gatherer.ts'
import { serverTargets } from '../../../src/pc/gathering/server-list.ts'
import { fullCone } from '../../sim/nat.ts'
import { startStunServer, startTurnServer } from '../../sim/servers.ts'
import { Simulation } from '../../sim/virtual-environment.ts'
import { gathererOn } from '../transport-pair.ts'

/** Every kind of candidate there is. */
async function everything(
  seed: number,
): Promise<{ sim: Simulation; environment: Environment; options: GathererOptions }> {
  const sim = new Simulation(seed)
  const nat = sim.nat('nat', fullCone, { addresses: ['203.0.113.9'] })
  await startStunServer(sim, 'stun', '203.0.113.1')
  const { iceServers } = await startTurnServer(sim, 'turn', '203.0.113.2')
  const environment = sim.host('alice', ['10.0.0.1'], { behind: nat })
  const servers = serverTargets([
    { urls: ['stun:203.0.113.1'] },
    ...iceServers.map(server => ({ ...server, urls: [server.urls].flat() })),
  ])
  const host = {
    ...gathererOn(environment).options.host,
    natMappings: [{ external: '203.0.113.77', as: 'srflx' as const }],
    tcpCandidates: ['active', 'passive', 'so'] as const,
  }
  const options: GathererOptions = { ...gathererOn(environment).options, servers, host }
  return { sim, environment, options }
}

function told(gatherer: Gatherer, component?: 1 | 2): LocalCandidate[] {
  const candidates: LocalCandidate[] = []
  gatherer.gather({
    receive: () => {},
    usernameFragment: 'user',
    candidate: ({ candidate }) => candidates.push(candidate),
    removed: () => {},
    unreachable: () => {},
    serverFailed: () => {},
    gatheringChanged: () => {},
    ...(component === undefined ? {} : { component }),
  })
  return candidates
}

const kind = ({ type, protocol, tcpType, priority }: LocalCandidate, shift = 0): string =>
  `${type} ${protocol} ${tcpType ?? ''} ${priority - shift}`

describe('The candidates of a component', () => {
  for (const pooled of [true, false]) {
    it(`carry it and its priority, of every kind, ${pooled ? 'gathered before it was known' : 'gathered for it'}`, async () => {
      const { sim, options } = await everything(1)
      const gatherers = [new Gatherer(options), new Gatherer(options)] as const
      if (pooled) {
        for (const gatherer of gatherers) gatherer.start()
        await sim.runFor(2_000)
      }
      const [rtp, rtcp] = [told(gatherers[0]), told(gatherers[1], 2)]
      await sim.runFor(2_000)
      const kinds = new Set(rtp.map(({ type, protocol }) => `${type} ${protocol}`))
      assert.deepEqual([...kinds].sort(), ['host tcp', 'host udp', 'relay udp', 'srflx tcp', 'srflx udp'])
      assert.deepEqual(rtcp.map(each => kind(each)).sort(), rtp.map(each => kind(each, 1)).sort())
      assert.ok(rtp.every(({ component }) => component === 1))
      assert.ok(rtcp.every(({ component }) => component === 2))
      assert.deepEqual(
        gatherers[1].candidates.map(({ candidate }) => candidate),
        rtcp,
      )
      assert.equal(
        rtcp.find(({ type, protocol }) => type === 'host' && protocol === 'udp')?.priority,
        candidatePriority('host', 65535, 2),
      )
      for (const gatherer of gatherers) gatherer.close()
    })
  }
})
