import assert from 'node:assert/strict'
import { addressKey, type TransportAddress } from '../../src/base/address.ts'
import type { Environment, UdpSocket } from '../../src/base/environment.ts'
import { fullCone, type Nat, type NatBehavior, portRestrictedCone, restrictedCone, symmetric } from './nat.ts'
import { Simulation } from './virtual-environment.ts'

const outer = '203.0.113.1'
const hello = (): Uint8Array => Uint8Array.of(1)

interface Endpoint {
  readonly socket: UdpSocket
  readonly from: TransportAddress[]
}

async function endpoint(environment: Environment, address: string, port = 0): Promise<Endpoint> {
  const from: TransportAddress[] = []
  const socket = await environment.network.bindUdp(address, port, (_data, sender) => from.push(sender))
  return { socket, from }
}

interface World {
  readonly sim: Simulation
  readonly nat: Nat
  readonly inner: Endpoint
  /** Two ports of one outer host, and one of another. */
  readonly a: Endpoint
  readonly a2: Endpoint
  readonly b: Endpoint
}

async function world(behavior: NatBehavior, seed = 1): Promise<World> {
  const sim = new Simulation(seed)
  const nat = sim.nat('nat', behavior, { addresses: [outer] })
  const host = sim.host('inner', ['192.168.1.2'], { behind: nat })
  const hostA = sim.host('a', ['192.0.2.1'])
  return {
    sim,
    nat,
    inner: await endpoint(host, '192.168.1.2', 5000),
    a: await endpoint(hostA, '192.0.2.1', 1001),
    a2: await endpoint(hostA, '192.0.2.1', 1002),
    b: await endpoint(sim.host('b', ['192.0.2.2']), '192.0.2.2', 1001),
  }
}

/** Sends and tells what the receiver saw as the sender; undefined if nothing came. */
async function send(sim: Simulation, from: Endpoint, to: TransportAddress, at: Endpoint): Promise<string | undefined> {
  const before = at.from.length
  from.socket.send(hello(), to)
  await sim.runFor(5)
  const seen = at.from[before]
  return seen === undefined ? undefined : addressKey(seen)
}

describe('a NAT', () => {
  const mappings = [
    { mapping: 'endpoint-independent', samePort: true, sameHost: true },
    { mapping: 'address-dependent', samePort: true, sameHost: false },
    { mapping: 'address-and-port-dependent', samePort: false, sameHost: false },
  ] as const
  for (const { mapping, samePort, sameHost } of mappings) {
    it(`shows an inner endpoint to others as its mapping says: ${mapping}`, async () => {
      const { sim, inner, a, a2, b } = await world({ ...fullCone, mapping, preservesPorts: false })
      const toA = await send(sim, inner, a.socket.local, a)
      assert.match(toA ?? '', /^203\.0\.113\.1:\d+$/)
      assert.equal(await send(sim, inner, a.socket.local, a), toA)
      assert.equal((await send(sim, inner, a2.socket.local, a2)) === toA, samePort)
      assert.equal((await send(sim, inner, b.socket.local, b)) === toA, sameHost)
    })
  }

  const filters = [
    { name: 'full cone', behavior: fullCone, otherPort: true, otherHost: true },
    { name: 'restricted cone', behavior: restrictedCone, otherPort: true, otherHost: false },
    { name: 'port-restricted cone', behavior: portRestrictedCone, otherPort: false, otherHost: false },
    { name: 'symmetric', behavior: symmetric, otherPort: false, otherHost: false },
  ]
  for (const { name, behavior, otherPort, otherHost } of filters) {
    it(`lets in what its filtering lets in: ${name}`, async () => {
      const { sim, inner, a, a2, b } = await world(behavior)
      await send(sim, inner, a.socket.local, a)
      const [mapped] = a.from
      assert.ok(mapped)
      assert.equal(await send(sim, a, mapped, inner), addressKey(a.socket.local))
      assert.equal((await send(sim, a2, mapped, inner)) !== undefined, otherPort)
      assert.equal((await send(sim, b, mapped, inner)) !== undefined, otherHost)
    })
  }

  it('gives the same address object for the same mapping', async () => {
    const { sim, inner, a } = await world(symmetric)
    await send(sim, inner, a.socket.local, a)
    await send(sim, inner, a.socket.local, a)
    assert.equal(a.from[0], a.from[1])
  })

  it('keeps the inner port where it is free, if it preserves ports', async () => {
    const sim = new Simulation(1)
    const nat = sim.nat('nat', fullCone, { addresses: [outer] })
    const a = await endpoint(sim.host('a', ['192.0.2.1']), '192.0.2.1')
    for (const address of ['192.168.1.2', '192.168.1.3']) {
      const inner = await endpoint(sim.host(address, [address], { behind: nat }), address, 5000)
      await send(sim, inner, a.socket.local, a)
    }
    assert.equal(a.from[0]?.port, 5000)
    assert.ok(a.from[1] !== undefined && a.from[1].port !== 5000)
  })

  it('forgets a mapping that nothing was sent from for too long; what comes in does not keep it', async () => {
    const { sim, inner, a, nat } = await world({ ...fullCone, preservesPorts: false, mappingTimeoutMs: 30_000 })
    const before = await send(sim, inner, a.socket.local, a)
    const [mapped] = a.from
    assert.ok(mapped)
    await sim.runFor(20_000)
    assert.ok(await send(sim, a, mapped, inner))
    await sim.runFor(11_000)
    assert.equal(await send(sim, a, mapped, inner), undefined)
    assert.equal(nat.mappingCount, 0)
    assert.notEqual(await send(sim, inner, a.socket.local, a), before)
  })

  it('lets what goes out keep a mapping, and what comes in as well where it is so', async () => {
    for (const refreshesInbound of [false, true]) {
      const behavior = { ...fullCone, preservesPorts: false, mappingTimeoutMs: 30_000, refreshesInbound }
      const { sim, inner, a } = await world(behavior)
      const before = await send(sim, inner, a.socket.local, a)
      await sim.runFor(25_000)
      const [mapped] = a.from
      assert.ok(mapped)
      if (refreshesInbound) await send(sim, a, mapped, inner)
      else await send(sim, inner, a.socket.local, a)
      await sim.runFor(25_000)
      assert.equal(await send(sim, inner, a.socket.local, a), before)
    }
  })

  it('gives new ports after a reboot, and lets nothing in to the old ones', async () => {
    const { sim, inner, a, nat } = await world(fullCone)
    const before = await send(sim, inner, a.socket.local, a)
    const [mapped] = a.from
    assert.ok(mapped)
    nat.rebind()
    assert.equal(await send(sim, a, mapped, inner), undefined)
    const after = await send(sim, inner, a.socket.local, a)
    assert.ok(after !== undefined && after !== before)
  })

  it('forgets who was sent to, one by one', async () => {
    const { sim, inner, a, b } = await world({ ...restrictedCone, mappingTimeoutMs: 30_000 })
    await send(sim, inner, a.socket.local, a)
    const [mapped] = a.from
    assert.ok(mapped)
    for (let seconds = 0; seconds < 40; seconds += 10) {
      await send(sim, inner, b.socket.local, b)
      await sim.runFor(10_000)
    }
    assert.equal(await send(sim, a, mapped, inner), undefined)
    assert.ok(await send(sim, b, mapped, inner))
  })

  it('leaves a port to its new owner when the old one comes back after its mapping has expired', async () => {
    const sim = new Simulation(1)
    const nat = sim.nat('nat', { ...fullCone, mappingTimeoutMs: 30_000 }, { addresses: [outer] })
    const a = await endpoint(sim.host('a', ['192.0.2.1']), '192.0.2.1')
    const one = await endpoint(sim.host('one', ['192.168.1.2'], { behind: nat }), '192.168.1.2', 5000)
    const two = await endpoint(sim.host('two', ['192.168.1.3'], { behind: nat }), '192.168.1.3', 5000)
    await send(sim, one, a.socket.local, a)
    await sim.runFor(31_000)
    await send(sim, two, a.socket.local, a)
    await send(sim, one, a.socket.local, a)
    const [first, second, third] = a.from
    assert.ok(first && second && third)
    assert.deepEqual([first.port, second.port, third.port === 5000], [5000, 5000, false])
    assert.ok(await send(sim, a, second, two))
  })

  it('moves to another address', async () => {
    const { sim, inner, a, nat } = await world(fullCone)
    await send(sim, inner, a.socket.local, a)
    nat.readdress(['203.0.113.77'])
    assert.match((await send(sim, inner, a.socket.local, a)) ?? '', /^203\.0\.113\.77:/)
    const [old] = a.from
    assert.ok(old)
    assert.equal(await send(sim, a, old, inner), undefined)
  })

  it('leads inner hosts to each other by their outer addresses if it hairpins, with the outer source address', async () => {
    for (const hairpin of [true, false]) {
      const sim = new Simulation(3)
      const nat = sim.nat('nat', { ...fullCone, hairpin }, { addresses: [outer] })
      const a = await endpoint(sim.host('a', ['192.0.2.1']), '192.0.2.1')
      const [one, two] = await Promise.all(
        ['192.168.1.2', '192.168.1.3'].map(address => endpoint(sim.host(address, [address], { behind: nat }), address)),
      )
      assert.ok(one && two)
      await send(sim, two, a.socket.local, a)
      const [mapped] = a.from
      assert.ok(mapped)
      const seen = await send(sim, one, mapped, two)
      assert.equal(seen?.replace(/:\d+$/, ''), hairpin ? outer : undefined)
      // On their own network they reach each other without it.
      assert.equal(await send(sim, one, two.socket.local, two), addressKey(one.socket.local))
    }
  })

  it('filters hairpinned packets as others', async () => {
    const sim = new Simulation(3)
    const nat = sim.nat('nat', { ...portRestrictedCone, hairpin: true }, { addresses: [outer] })
    const a = await endpoint(sim.host('a', ['192.0.2.1']), '192.0.2.1')
    const one = await endpoint(sim.host('one', ['192.168.1.2'], { behind: nat }), '192.168.1.2')
    const two = await endpoint(sim.host('two', ['192.168.1.3'], { behind: nat }), '192.168.1.3')
    await send(sim, one, a.socket.local, a)
    await send(sim, two, a.socket.local, a)
    const [outerOne, outerTwo] = a.from
    assert.ok(outerOne && outerTwo)
    assert.equal(await send(sim, one, outerTwo, two), undefined)
    assert.equal(await send(sim, two, outerOne, one), addressKey(outerTwo))
    assert.equal(await send(sim, one, outerTwo, two), addressKey(outerOne))
  })

  it('may stand behind another one', async () => {
    const sim = new Simulation(4)
    const carrier = sim.nat('carrier', symmetric, { addresses: [outer] })
    const home = sim.nat('home', portRestrictedCone, { addresses: ['100.64.0.5'], behind: carrier })
    const inner = await endpoint(sim.host('inner', ['192.168.1.2'], { behind: home }), '192.168.1.2')
    const a = await endpoint(sim.host('a', ['192.0.2.1']), '192.0.2.1')
    assert.match((await send(sim, inner, a.socket.local, a)) ?? '', /^203\.0\.113\.1:/)
    const [mapped] = a.from
    assert.ok(mapped)
    assert.equal(await send(sim, a, mapped, inner), addressKey(a.socket.local))
  })

  it('keeps two private networks with the same addresses apart', async () => {
    const sim = new Simulation(5)
    const received: string[] = []
    for (const name of ['x', 'y']) {
      const nat = sim.nat(name, fullCone, { addresses: [name === 'x' ? outer : '203.0.113.2'] })
      const bind = (host: string, address: string) =>
        sim
          .host(`${name}${host}`, [address], { behind: nat })
          .network.bindUdp(address, 7, () => received.push(name + host))
      const one = await bind('1', '192.168.1.2')
      const two = await bind('2', '192.168.1.3')
      one.send(hello(), two.local)
    }
    await sim.runFor(5)
    assert.deepEqual(received, ['x2', 'y2'])
  })

  it('forwards a port to an inner host, for anyone', async () => {
    const { sim, inner, a, nat } = await world(symmetric)
    nat.forward('udp', 4000, inner.socket.local)
    const forwarded: TransportAddress = { address: outer, port: 4000, family: 4 }
    assert.equal(await send(sim, a, forwarded, inner), addressKey(a.socket.local))
    assert.equal(await send(sim, inner, a.socket.local, a), addressKey(forwarded))
    nat.rebind()
    assert.ok(await send(sim, a, forwarded, inner))
  })

  it('exposes one inner host with all its ports', async () => {
    const { sim, inner, a, b } = await world({ ...symmetric, exposes: '192.168.1.2' })
    assert.ok(await send(sim, b, { address: outer, port: 5000, family: 4 }, inner))
    assert.equal(await send(sim, inner, a.socket.local, a), `${outer}:5000`)
  })

  it('lets no UDP out if it is told so', async () => {
    const { sim, inner, a } = await world({ ...fullCone, blocksUdp: true })
    assert.equal(await send(sim, inner, a.socket.local, a), undefined)
    assert.equal(sim.network.counters.filtered, 1)
  })

  it('leaves IPv6 alone if it has no IPv6 address', async () => {
    const sim = new Simulation(6)
    const nat = sim.nat('nat', symmetric, { addresses: [outer] })
    const inner = await endpoint(sim.host('inner', ['192.168.1.2', '2001:db8::2'], { behind: nat }), '2001:db8::2')
    const a = await endpoint(sim.host('a', ['2001:db8::1']), '2001:db8::1')
    assert.equal(await send(sim, inner, a.socket.local, a), addressKey(inner.socket.local))
  })

  it('has the conditions of the link to the host behind it', async () => {
    const { sim, inner, a } = await world(fullCone)
    await send(sim, inner, a.socket.local, a)
    const [mapped] = a.from
    assert.ok(mapped)
    sim.network.setLink('a', 'inner', { loss: 1 })
    assert.equal(await send(sim, a, mapped, inner), undefined)
    assert.ok(await send(sim, inner, a.socket.local, a))
  })

  it('gives the same ports for the same seed, and others for another', async () => {
    const ports = async (seed: number): Promise<number[]> => {
      const { sim, inner, a, a2, b } = await world(symmetric, seed)
      for (const to of [a, a2, b]) await send(sim, inner, to.socket.local, to)
      return [a, a2, b].map(to => to.from[0]?.port ?? 0)
    }
    assert.deepEqual(await ports(1), await ports(1))
    assert.notDeepEqual(await ports(1), await ports(2))
  })

  it('keeps the address object of a mapping where an attacker writes its address', async () => {
    const { sim, inner, a } = await world(portRestrictedCone)
    await send(sim, inner, a.socket.local, a)
    const [mapped] = a.from
    assert.ok(mapped)
    sim.network.inject(hello(), { ...mapped }, a.socket.local)
    await sim.runFor(5)
    assert.equal(a.from[1], mapped)
  })

  it('drops what comes from off the path, as it does everything unasked', async () => {
    const { sim, inner, a } = await world(portRestrictedCone)
    await send(sim, inner, a.socket.local, a)
    const [mapped] = a.from
    assert.ok(mapped)
    sim.network.inject(hello(), { address: '198.51.100.9', port: 9, family: 4 }, mapped)
    await sim.runFor(5)
    assert.equal(inner.from.length, 0)
    sim.network.inject(hello(), a.socket.local, mapped)
    await sim.runFor(5)
    assert.equal(inner.from.length, 1)
  })
})

describe('the interfaces of a simulated host', () => {
  it('come and go, and who watches is told', async () => {
    const sim = new Simulation(1)
    const { network } = sim.host('mobile', ['192.0.2.1'])
    let changes = 0
    const stop = network.watchInterfaces(() => changes++)
    sim.network.addInterface('mobile', '198.51.100.4')
    await sim.runFor(200)
    assert.equal(changes, 1)
    assert.deepEqual(
      network.interfaces().map(entry => entry.address),
      ['192.0.2.1', '198.51.100.4'],
    )
    sim.network.removeInterface('mobile', '192.0.2.1')
    await sim.runFor(200)
    assert.equal(changes, 2)
    stop()
    sim.network.addInterface('mobile', '198.51.100.5')
    await sim.runFor(200)
    assert.equal(changes, 2)
  })

  it('take their sockets off the network when they vanish, and back when they return', async () => {
    const sim = new Simulation(2)
    const mobile = await endpoint(sim.host('mobile', ['192.0.2.1']), '192.0.2.1')
    const a = await endpoint(sim.host('a', ['192.0.2.2']), '192.0.2.2')
    sim.network.removeInterface('mobile', '192.0.2.1')
    assert.equal(await send(sim, mobile, a.socket.local, a), undefined)
    assert.equal(mobile.socket.sendErrors, 1)
    assert.equal(await send(sim, a, mobile.socket.local, mobile), undefined)
    sim.network.addInterface('mobile', '192.0.2.1')
    assert.ok(await send(sim, a, mobile.socket.local, mobile))
  })

  it('go dead both ways when the host is down', async () => {
    const sim = new Simulation(3)
    const a = await endpoint(sim.host('a', ['192.0.2.1']), '192.0.2.1')
    const b = await endpoint(sim.host('b', ['192.0.2.2']), '192.0.2.2')
    sim.network.setDown('a')
    assert.equal(await send(sim, a, b.socket.local, b), undefined)
    assert.equal(await send(sim, b, a.socket.local, a), undefined)
    sim.network.setDown('a', false)
    assert.ok(await send(sim, b, a.socket.local, a))
  })
})
