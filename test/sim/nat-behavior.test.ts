import assert from 'node:assert/strict'
import type { TransportAddress } from '../../src/base/address.ts'
import type { UdpSocket } from '../../src/base/environment.ts'
import { type NatBehavior, NatBehaviorDiscovery, type NatSocket } from '../../src/ice/index.ts'
import {
  fullCone,
  type NatDependence,
  type NatBehavior as NatRules,
  portRestrictedCone,
  restrictedCone,
  symmetric,
} from './nat.ts'
import { startTurnServer, stunPort } from './servers.ts'
import { Simulation } from './virtual-environment.ts'

const server: TransportAddress = { address: '198.51.100.1', port: stunPort, family: 4 }

/** Lets our own client find out about a NAT of the simulation, from our own server. */
async function discover(seed: number, rules: NatRules | undefined): Promise<NatBehavior> {
  const sim = new Simulation(seed)
  await startTurnServer(sim, 'server', server.address, { otherAddress: '198.51.100.2' })
  const nat = rules && sim.nat('nat', rules, { addresses: ['203.0.113.1'] })
  const address = nat === undefined ? '192.0.2.1' : '192.168.1.2'
  const { network, random } = sim.host('client', [address], nat === undefined ? {} : { behind: nat })
  const sockets = new Map<NatSocket, UdpSocket>()
  const receive = (socket: NatSocket) => (data: Uint8Array, from: TransportAddress) => {
    discovery.receive(data, from, socket, sim.now)
    drain()
  }
  for (const socket of ['mapping', 'filtering', 'hairpin'] as const) {
    sockets.set(socket, await network.bindUdp(address, 0, receive(socket)))
  }
  const local = sockets.get('mapping')?.local
  assert.ok(local)
  const discovery = new NatBehaviorDiscovery({ random, server, local, hairpin: true })
  const drain = (): void => {
    for (let next = discovery.pollTransmit(); next !== undefined; next = discovery.pollTransmit()) {
      sockets.get(next.socket)?.send(next.data, next.to)
    }
  }
  discovery.start(sim.now)
  drain()
  for (let event = discovery.pollEvent(); sim.now < 120_000; event = discovery.pollEvent()) {
    if (event !== undefined) return event.behavior
    const at = discovery.pollTimeout()
    assert.ok(at !== undefined, 'it waits for something')
    await sim.run(Math.min(at, sim.now + 20))
    discovery.handleTimeout(sim.now)
    drain()
  }
  throw new Error('no result')
}

const kinds: readonly NatDependence[] = ['endpoint-independent', 'address-dependent', 'address-and-port-dependent']

describe('our discovery of NAT behaviour, with our server', () => {
  for (const mapping of kinds) {
    for (const filtering of kinds) {
      it(`sees what the NAT does: ${mapping} mapping, ${filtering} filtering`, async () => {
        for (const hairpin of [true, false]) {
          const found = await discover(1, { ...fullCone, mapping, filtering, hairpin })
          assert.equal(found.mapping, mapping)
          assert.equal(found.filtering, filtering)
          assert.equal(found.mapped?.address, '203.0.113.1')
        }
      })
    }
  }

  const classics = { fullCone, restrictedCone, portRestrictedCone, symmetric }
  for (const [name, rules] of Object.entries(classics)) {
    it(`knows a ${name} when it sees one`, async () => {
      const found = await discover(2, rules)
      assert.deepEqual([found.mapping, found.filtering], [rules.mapping, rules.filtering])
    })
  }

  it('sees whether a NAT hairpins', async () => {
    for (const hairpin of [true, false]) {
      assert.equal((await discover(3, { ...fullCone, hairpin })).hairpinning, hairpin)
    }
  })

  it('sees that there is none', async () => {
    const found = await discover(4, undefined)
    assert.deepEqual([found.mapping, found.filtering], ['no-nat', 'endpoint-independent'])
  })

  it('sees that nothing comes back', async () => {
    const found = await discover(5, { ...fullCone, blocksUdp: true })
    assert.deepEqual([found.mapping, found.obstacle], ['unknown', 'no-answer'])
  })
})
