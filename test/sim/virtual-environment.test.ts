import assert from 'node:assert/strict'
import { setTimeout as realDelay } from 'node:timers/promises'
import type { Resolver } from '../../src/base/environment.ts'
import { fullCone } from './nat.ts'
import { Simulation } from './virtual-environment.ts'

describe('a simulation', () => {
  it('settles every promise between two events, however long the chain', async () => {
    const sim = new Simulation(1)
    let settledAt = -1
    const chain = async (): Promise<void> => {
      for (let i = 0; i < 500; i++) await Promise.resolve()
      settledAt = sim.now
    }
    sim.time.set(10, () => void chain())
    sim.time.set(10.001, () => assert.equal(settledAt, 10))
    await sim.run(20)
    assert.equal(settledAt, 10)
    assert.equal(sim.now, 20)
  })

  it('stops at the event that makes a condition true', async () => {
    const sim = new Simulation(2)
    let count = 0
    const tick = (): void => {
      count++
      sim.time.set(10, tick)
    }
    tick()
    assert.equal(await sim.run(() => count === 5), true)
    assert.equal(sim.now, 40)
  })

  it('tells a condition that never holds from one that does, by time and by having nothing left to do', async () => {
    const sim = new Simulation(3)
    const tick = (): void => {
      sim.time.set(10, tick)
    }
    tick()
    assert.equal(await sim.run(() => false, 1000), false)
    assert.equal(sim.now, 1000)
    assert.equal(await new Simulation(3).run(() => false), false)
  })

  it('does not run events after the time it was told', async () => {
    const sim = new Simulation(4)
    sim.time.set(11, () => assert.fail('too early'))
    await sim.run(10)
    assert.equal(sim.now, 10)
  })

  it('fails with what an event throws', async () => {
    const sim = new Simulation(5)
    sim.time.set(1, () => {
      throw new RangeError('from an event')
    })
    await assert.rejects(sim.runFor(2), RangeError)
  })

  it('lets virtual time stand still for work that needs real time', async () => {
    const sim = new Simulation(6)
    const doneAt: number[] = []
    sim.time.set(5, () => {
      void sim.hold(realDelay(20)).then(() => doneAt.push(sim.now))
    })
    sim.time.set(6, () => {})
    await sim.run(10)
    assert.deepEqual(doneAt, [5])
  })

  it('gives hosts random bytes that depend on the seed and the host alone', () => {
    const of = (seed: number): string[] => {
      const sim = new Simulation(seed)
      return ['a', 'b'].map(name => Buffer.from(sim.host(name, []).random(8)).toString('hex'))
    }
    assert.deepEqual(of(1), of(1))
    assert.notEqual(of(1)[0], of(1)[1])
    assert.notEqual(of(1)[0], of(2)[0])
  })

  it('resolves the multicast DNS names that were registered, and no others', async () => {
    const sim = new Simulation(7)
    const { resolver } = sim.host('a', ['192.0.2.1'])
    sim.mdnsNames.set('x.local', ['192.0.2.7'])
    const results: (readonly string[])[] = []
    for (const name of ['X.local', 'y.local']) void resolver.resolveMdns(name).then(found => results.push(found))
    await sim.run(() => results.length === 2)
    assert.deepEqual(results, [['192.0.2.7'], []])
  })

  it('resolves the host names in its table, literals at once, and waits for servers that never answer', async () => {
    const sim = new Simulation(8)
    const { resolver } = sim.host('a', ['192.0.2.1'])
    sim.dns.set('stun.example', ['192.0.2.7', '2001:db8::7'])
    sim.dns.set('slow.example', 'silent')
    const results = new Map<string, string>()
    for (const name of ['STUN.example', 'none.example', 'slow.example', '192.0.2.9', '2001:DB8::9']) {
      void resolver.resolveHost(name).then(found => results.set(name, `${sim.now} ${found}`))
    }
    await sim.run(() => results.size === 5)
    assert.deepEqual(Object.fromEntries(results), {
      'STUN.example': '5 192.0.2.7,2001:db8::7',
      'none.example': '5 ',
      'slow.example': '5000 ',
      '192.0.2.9': '0 192.0.2.9',
      '2001:DB8::9': '0 2001:db8::9',
    })
  })

  it('registers multicast DNS names for hosts on the same network, until they are released', async () => {
    const sim = new Simulation(9)
    const nat = sim.nat('nat', fullCone, { addresses: ['203.0.113.1'] })
    const at = (name: string, address: string) => sim.host(name, [address], { behind: nat }).resolver
    const registrar = at('a', '192.168.1.2')
    const neighbour = at('b', '192.168.1.3')
    const stranger = sim.host('c', ['192.0.2.1']).resolver
    assert.equal(await registrar.registerMdns('192.168.1.99'), undefined)
    const registration = await registrar.registerMdns('192.168.1.2')
    assert.ok(registration)
    assert.match(registration.name, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\.local$/)
    const resolve = async (resolver: Resolver): Promise<readonly string[]> => {
      const found = resolver.resolveMdns(registration.name)
      await sim.runFor(6_000)
      return found
    }
    assert.deepEqual(await resolve(neighbour), ['192.168.1.2'])
    assert.deepEqual(await resolve(stranger), [])
    registration.release()
    assert.deepEqual(await resolve(neighbour), [])
  })
})
