import assert from 'node:assert/strict'
import type { TransportAddress } from '../../src/base/address.ts'
import type { UdpSocket } from '../../src/base/environment.ts'
import type { LinkConditions } from './link.ts'
import type { SimPacket } from './sim-network.ts'
import { Simulation } from './virtual-environment.ts'

interface Received {
  readonly at: number
  readonly data: Uint8Array
  readonly from: TransportAddress
}

interface Pair {
  readonly sim: Simulation
  readonly alice: UdpSocket
  readonly bob: UdpSocket
  readonly atBob: Received[]
}

async function pair(seed: number, conditions: Partial<LinkConditions> = {}): Promise<Pair> {
  const sim = new Simulation(seed)
  sim.network.setConditions(conditions)
  const atBob: Received[] = []
  const alice = await sim.host('alice', ['192.0.2.1']).network.bindUdp('192.0.2.1', 0, () => {})
  const bob = await sim
    .host('bob', ['192.0.2.2'])
    .network.bindUdp('192.0.2.2', 0, (data, from) => atBob.push({ at: sim.now, data, from }))
  return { sim, alice, bob, atBob }
}

function numbered(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => Uint8Array.of(i >> 8, i & 0xff, 0, 0, 0, 0, 0, 0))
}

function numbers(received: readonly Received[]): number[] {
  return received.map(({ data }) => ((data[0] ?? 0) << 8) | (data[1] ?? 0))
}

describe('the simulated network', () => {
  it('delivers a datagram after the delay of the link, from the same address object each time', async () => {
    const { sim, alice, bob, atBob } = await pair(1, { delayMs: 7 })
    for (const data of numbered(2)) alice.send(data, bob.local)
    await sim.runFor(7)
    assert.deepEqual(numbers(atBob), [0, 1])
    assert.deepEqual(
      atBob.map(({ at }) => at),
      [7, 7],
    )
    assert.equal(atBob[0]?.from, alice.local)
    assert.equal(atBob[1]?.from, alice.local)
  })

  it('loses, doubles, swaps and damages about as many as it is told to', async () => {
    const { sim, alice, bob, atBob } = await pair(2, { loss: 0.1, duplicate: 0.05, reorder: 0.2, corrupt: 0.1 })
    for (const data of numbered(4000)) {
      alice.send(data, bob.local)
      await sim.runFor(1)
    }
    await sim.runFor(100)
    const seen = numbers(atBob.filter(({ data }) => data.subarray(2).every(byte => byte === 0)))
    const { lost, sent, delivered } = sim.network.counters
    assert.equal(sent, 4000)
    assert.ok(lost > 300 && lost < 500, `${lost} lost`)
    const doubled = delivered - (sent - lost)
    assert.ok(doubled > 120 && doubled < 240, `${doubled} doubled`)
    // Six of eight bytes are zero: three quarters of the damage shows there.
    const damaged = atBob.length - seen.length
    assert.ok(damaged > 180 && damaged < 380, `${damaged} damaged`)
    const swapped = seen.filter((number, i) => number < (seen[i - 1] ?? 0)).length
    assert.ok(swapped > 300, `${swapped} swapped`)
  })

  it('flips exactly one bit of a damaged datagram', async () => {
    const { sim, alice, bob, atBob } = await pair(3, { corrupt: 1 })
    const sent = new Uint8Array(100)
    for (let i = 0; i < 50; i++) alice.send(sent, bob.local)
    await sim.runFor(10)
    assert.equal(atBob.length, 50)
    for (const { data } of atBob) {
      const bits = data.reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0)
      assert.equal(bits, 1)
    }
  })

  it('gives the same bytes at the same times for the same seed, and others for another', async () => {
    const conditions = { loss: 0.2, duplicate: 0.1, reorder: 0.1, corrupt: 0.3, jitterMs: 9 }
    const run = async (seed: number): Promise<unknown> => {
      const { sim, alice, bob, atBob } = await pair(seed, conditions)
      const random = sim.host('carol', ['192.0.2.3']).random
      for (let i = 0; i < 200; i++) alice.send(random(20), bob.local)
      await sim.runFor(100)
      return atBob.map(({ at, data }) => [at, Buffer.from(data).toString('hex')])
    }
    assert.deepEqual(await run(77), await run(77))
    assert.notDeepEqual(await run(77), await run(78))
  })

  it('drops what is larger than the MTU', async () => {
    const { sim, alice, bob, atBob } = await pair(4, { mtu: 1200 })
    alice.send(new Uint8Array(1200), bob.local)
    alice.send(new Uint8Array(1201), bob.local)
    await sim.runFor(10)
    assert.equal(atBob.length, 1)
    assert.equal(sim.network.counters.tooBig, 1)
  })

  it('spaces datagrams out to the rate of the link, and loses what its queue cannot hold', async () => {
    const { sim, alice, bob, atBob } = await pair(5, { bytesPerMs: 100, queueBytes: 1000, delayMs: 10 })
    for (let i = 0; i < 20; i++) alice.send(new Uint8Array(200), bob.local)
    await sim.runFor(1000)
    assert.deepEqual(
      atBob.map(({ at }) => at),
      [12, 14, 16, 18, 20],
    )
    assert.equal(sim.network.counters.queueFull, 15)
  })

  it('changes the conditions of links that are in use', async () => {
    const { sim, alice, bob, atBob } = await pair(6)
    for (const loss of [0, 1, 0]) {
      sim.network.setConditions({ loss })
      alice.send(Uint8Array.of(1), bob.local)
    }
    await sim.runFor(10)
    assert.equal(atBob.length, 2)
  })

  it('keeps the conditions of the two directions apart', async () => {
    const sim = new Simulation(6)
    const arrived: string[] = []
    const a = await sim.host('a', ['::a']).network.bindUdp('::a', 0, () => arrived.push('a'))
    const b = await sim.host('b', ['::b']).network.bindUdp('::b', 0, () => arrived.push('b'))
    sim.network.setLink('a', 'b', { loss: 1 })
    a.send(Uint8Array.of(1), b.local)
    b.send(Uint8Array.of(1), a.local)
    await sim.runFor(10)
    assert.deepEqual(arrived, ['a'])
  })

  it('shows packets to a tap, which may drop them or put others in their place', async () => {
    const { sim, alice, bob, atBob } = await pair(7)
    const log: SimPacket[] = []
    const remove = sim.network.tap(packet => {
      log.push(packet)
      if (packet.data[1] === 0) return 'drop'
      return packet.data[1] === 1 ? Uint8Array.of(0, 99) : undefined
    })
    for (const data of numbered(3)) alice.send(data, bob.local)
    await sim.runFor(10)
    assert.deepEqual(numbers(atBob), [99, 2])
    assert.equal(log.length, 3)
    assert.deepEqual(log[0]?.from, alice.local)
    assert.deepEqual(log[0]?.to, bob.local)
    remove()
    alice.send(Uint8Array.of(0, 0), bob.local)
    await sim.runFor(10)
    assert.equal(log.length, 3)
    assert.equal(atBob.length, 3)
  })

  it('lets an attacker write any source address', async () => {
    const { sim, alice, bob, atBob } = await pair(8)
    sim.network.inject(Uint8Array.of(1, 1), { ...alice.local }, bob.local, 3)
    const nobody: TransportAddress = { address: '203.0.113.9', port: 9, family: 4 }
    sim.network.inject(Uint8Array.of(1, 2), nobody, bob.local, 4)
    await sim.runFor(10)
    assert.equal(atBob[0]?.from, alice.local)
    assert.deepEqual(atBob[1]?.from, nobody)
  })

  it('finds out who writes to a datagram after sending it', async () => {
    const { sim, alice, bob } = await pair(9)
    const data = Uint8Array.of(1, 2, 3)
    alice.send(data, bob.local)
    data[0] = 9
    await assert.rejects(sim.runFor(1), /written to after/)
  })

  it('gives each receiver bytes of its own', async () => {
    const { sim, alice, bob, atBob } = await pair(10, { duplicate: 1 })
    const data = Uint8Array.of(1, 2, 3)
    alice.send(data, bob.local)
    await sim.runFor(10)
    assert.equal(atBob.length, 2)
    atBob[0]?.data.fill(0)
    assert.deepEqual(atBob[1]?.data, Uint8Array.of(1, 2, 3))
  })

  it('refuses addresses of others and ports in use, as an operating system does', async () => {
    const { network } = new Simulation(11).host('a', ['192.0.2.1', '::1'])
    await assert.rejects(
      network.bindUdp('192.0.2.9', 0, () => {}),
      { code: 'EADDRNOTAVAIL' },
    )
    const socket = await network.bindUdp('192.0.2.1', 5000, () => {})
    await assert.rejects(
      network.bindUdp('192.0.2.1', 5000, () => {}),
      { code: 'EADDRINUSE' },
    )
    socket.close()
    await network.bindUdp('192.0.2.1', 5000, () => {})
    assert.deepEqual(network.interfaces(), [
      { name: 'eth0', address: '192.0.2.1', family: 4, internal: false },
      { name: 'lo', address: '::1', family: 6, internal: true },
    ])
  })

  it('neither sends from nor delivers to a closed socket', async () => {
    const { sim, alice, bob, atBob } = await pair(12)
    alice.send(Uint8Array.of(1), bob.local)
    bob.close()
    alice.close()
    alice.send(Uint8Array.of(1), bob.local)
    await sim.runFor(10)
    assert.equal(atBob.length, 0)
    assert.deepEqual(sim.network.counters, { ...sim.network.counters, sent: 1, unreachable: 1 })
  })

  it('counts what no socket would take as a send error', async () => {
    const { alice, bob } = await pair(13)
    alice.send(Uint8Array.of(1), { address: '::1', port: 9, family: 6 })
    alice.send(Uint8Array.of(1), { ...bob.local, port: 0 })
    assert.equal(alice.sendErrors, 2)
  })
})
