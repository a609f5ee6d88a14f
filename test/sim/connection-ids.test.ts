import assert from 'node:assert/strict'
import { addressKey, type TransportAddress } from '../../src/base/address.ts'
import type { ConnectionExtensions } from '../../src/pc/connection-extensions.ts'
import type { RTCDataChannel } from '../../src/pc/rtc-data-channel.ts'
import { exchange, isOpen, situation } from './calls.ts'
import { createNatWorld, type NatTopology, type NatWorld, serverAddress } from './nat-world.ts'
import { connectPair, type SimulatedPair } from './peers.ts'
import { startStunServer } from './servers.ts'

const seeds = [1, 2, 3, 4]
const delayMs = 20

interface Call extends SimulatedPair {
  readonly world: NatWorld
}

/** A call that is up and settled. */
async function call(
  seed: number,
  topology: NatTopology,
  dtls: NonNullable<ConnectionExtensions['dtls']>,
): Promise<Call> {
  const world = createNatWorld(seed, topology)
  const { sim } = world
  await startStunServer(sim, 'server', serverAddress)
  const pair = connectPair(sim, {
    environments: world.environments,
    configurationOf: () => ({ iceServers: [{ urls: `stun:${serverAddress}` }] }),
    extensions: { dtls },
  })
  await sim.run(() => isOpen(pair), 60_000)
  assert.ok(isOpen(pair), `seed ${seed}: ${situation(pair)}`)
  await sim.runFor(10_000)
  await exchange(pair, seed)
  // What is lost on the way is another matter.
  for (const [from, to] of [
    ['alice', 'bob'],
    ['bob', 'alice'],
  ] as const) {
    sim.network.setLink(from, to, { delayMs })
  }
  return { ...pair, world }
}

function close({ alice, bob }: Call): void {
  alice.close()
  bob.close()
}

/** How long a message takes; undefined if it does not come within 15 seconds. */
async function timeOf({ sim }: Call, from: RTCDataChannel, to: RTCDataChannel): Promise<number | undefined> {
  const start = sim.now
  let receivedAt: number | undefined
  to.onmessage = () => {
    receivedAt ??= sim.now
  }
  from.send('where are you?')
  await sim.run(() => receivedAt !== undefined, 15_000)
  return receivedAt === undefined ? undefined : receivedAt - start
}

function rebind({ world }: Call): void {
  for (const nat of [...world.aliceNats, ...world.bobNats]) nat.rebind()
}

interface Seen {
  readonly at: number
  readonly from: TransportAddress
  readonly to: TransportAddress
  readonly data: Uint8Array
}

const isDtls = ({ data }: Seen): boolean => (data[0] ?? 0) >= 20 && (data[0] ?? 0) <= 63
const isRequest = ({ data }: Seen): boolean => data[0] === 0 && data[1] === 1

describe('A call with connection IDs', () => {
  for (const version of ['1.2', '1.3'] as const) {
    const dtls = { minVersion: version, maxVersion: version, connectionId: { length: 8 } }

    it(`goes on at once when a NAT gives an end another port, in both directions within seconds: DTLS ${version}`, async () => {
      // Whoever moves: the one that controls, and the other.
      for (const topology of [
        { alice: 'P', bob: '' },
        { alice: '', bob: 'P' },
      ] as const) {
        for (const seed of seeds) {
          const up = await call(seed, topology, dtls)
          const other = up.remote()
          assert.ok(other)
          const [mover, stayer] = topology.alice === 'P' ? [up.channel, other] : [other, up.channel]
          rebind(up)
          const there = await timeOf(up, mover, stayer)
          assert.ok(there !== undefined && there < 100, `seed ${seed}: ${there} ms there; ${situation(up)}`)
          const back = await timeOf(up, stayer, mover)
          assert.ok(back !== undefined && back < 4_000, `seed ${seed}: ${back} ms back; ${situation(up)}`)
          const states = [up.alice, up.bob].map(peer => peer.iceConnectionState)
          assert.ok(!states.includes('failed'), `seed ${seed}: ${situation(up)}`)
          await exchange(up, seed)
          close(up)
        }
      }
    })
  }

  it('loses what it says there without them, until the next check of consent', async () => {
    const times: number[] = []
    for (const seed of seeds) {
      const up = await call(seed, { alice: 'P', bob: '' }, {})
      const other = up.remote()
      assert.ok(other)
      rebind(up)
      times.push((await timeOf(up, up.channel, other)) ?? Number.POSITIVE_INFINITY)
      close(up)
    }
    assert.ok(Math.max(...times) > 1_000, times.join(', '))
  })

  it('sends nothing but checks to a new address before one was answered from there', async () => {
    for (const seed of seeds) {
      const up = await call(seed, { alice: 'P', bob: '' }, { connectionId: { length: 8 } })
      const other = up.remote()
      assert.ok(other)
      const seen: Seen[] = []
      up.sim.network.tap(packet => {
        seen.push(packet)
        return undefined
      })
      await exchange(up, seed)
      const before = new Set(seen.map(({ to }) => addressKey(to)))
      const reboundAt = up.sim.now
      rebind(up)
      await timeOf(up, up.channel, other)
      await timeOf(up, other, up.channel)
      const bob = up.bob.sctp?.transport.iceTransport.getSelectedCandidatePair()?.local.address
      const isBobs = ({ from }: Seen): boolean => from.address === bob
      // Bob has no NAT: what he sends goes to the address that alice's has now.
      const news = seen.filter(each => each.at >= reboundAt && isBobs(each) && !before.has(addressKey(each.to)))
      const [checked] = news.filter(isRequest)
      const [sent] = news.filter(isDtls)
      assert.ok(checked && sent, `seed ${seed}: ${situation(up)}`)
      assert.equal(addressKey(checked.to), addressKey(sent.to))
      assert.ok(sent.at - checked.at >= 2 * delayMs, `seed ${seed}: ${sent.at - checked.at} ms after the first check`)
      close(up)
    }
  })

  it('does not follow a packet of the peer that somebody else sends on: it is taken, its source is asked, no more', async () => {
    for (const seed of seeds) {
      const up = await call(seed, { alice: '', bob: '' }, { connectionId: { length: 8 } })
      const { network } = up.sim
      const other = up.remote()
      assert.ok(other)
      const thief: TransportAddress = { address: '203.0.113.200', port: 4000, family: 4 }
      const seen: Seen[] = []
      let stolen: Seen | undefined
      network.tap(packet => {
        seen.push(packet)
        if (stolen !== undefined || !isDtls(packet) || packet.data.length < 60) return undefined
        stolen = packet
        return 'drop'
      })
      let received = ''
      other.onmessage = ({ data }) => {
        received += String(data)
      }
      up.channel.send('to bob, whoever brings it; and it is rather long')
      await up.sim.run(() => stolen !== undefined, 5_000)
      assert.ok(stolen)
      for (let n = 0; n < 20; n++) network.inject(stolen.data, { ...thief, port: 4000 + n }, stolen.to)
      await up.sim.runFor(15)
      assert.notEqual(received, '', `seed ${seed}: what is authentic is delivered`)
      await up.sim.runFor(60_000)
      const toThief = seen.filter(({ to }) => to.address === thief.address)
      assert.ok(toThief.every(isRequest), `seed ${seed}: checks alone`)
      assert.equal(new Set(toThief.map(({ to }) => addressKey(to))).size, 1, `seed ${seed}: of one address`)
      assert.ok(toThief.length > 0 && toThief.length <= 20, `seed ${seed}: ${toThief.length}`)
      assert.deepEqual([up.alice.connectionState, up.bob.connectionState], ['connected', 'connected'])
      await exchange(up, seed)
      assert.ok(!seen.some(each => isDtls(each) && each.to.address === thief.address))
      close(up)
    }
  })

  it('drops and counts what is forged with its connection ID, and what has none, from where nobody was', async () => {
    const up = await call(1, { alice: '', bob: '' }, { connectionId: { length: 8 } })
    const { network } = up.sim
    let genuine: Seen | undefined
    const stop = network.tap(packet => {
      if (isDtls(packet) && packet.data.length > 60) genuine ??= packet
      return undefined
    })
    up.channel.send('to learn the connection ID from, and it is long enough')
    await up.sim.runFor(1_000)
    stop()
    assert.ok(genuine)
    const forged = Uint8Array.from(genuine.data)
    forged[forged.length - 1] = (forged[forged.length - 1] ?? 0) ^ 1
    const bare = Uint8Array.from(genuine.data)
    bare[0] = (bare[0] ?? 0) & ~0x10
    const seen: Seen[] = []
    network.tap(packet => {
      seen.push(packet)
      return undefined
    })
    for (const data of [forged, bare, genuine.data]) {
      network.inject(data, { address: '203.0.113.200', port: 4000, family: 4 }, genuine.to)
    }
    await up.sim.runFor(10_000)
    assert.ok(!seen.some(({ to }) => to.address === '203.0.113.200'), 'not even a check goes there')
    await exchange(up, 1)
    close(up)
  })

  it('is negotiated by those who both want it, and harms nobody else', async () => {
    for (const [index, connectionId] of [
      [0, { length: 8 }],
      [1, { length: 8 }],
      [0, { length: 0 }],
    ] as const) {
      const world = createNatWorld(7, { alice: '', bob: '' })
      const pair = connectPair(world.sim, {
        environments: world.environments,
        extensionsOf: end => (end === index ? { dtls: { connectionId } } : {}),
      })
      await world.sim.run(() => isOpen(pair), 60_000)
      await exchange(pair, 7)
      close({ ...pair, world })
    }
  })
})
