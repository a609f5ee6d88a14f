import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { exchange, isOpen } from './calls.ts'
import { createNatWorld } from './nat-world.ts'
import { connectPair } from './peers.ts'
import { type ServerTransport, startTurnServer } from './servers.ts'

/** Everything that was sent, and when, of a call by a relay. */
async function trace(seed: number, transport: ServerTransport): Promise<{ packets: number; digest: string }> {
  const { sim, environments } = createNatWorld(seed, { alice: 'S', bob: 'P' })
  const { iceServers } = await startTurnServer(sim, 'server', '198.51.100.1', { transports: [transport] })
  const hash = createHash('sha256')
  let packets = 0
  sim.network.tap(({ at, from, to, data }) => {
    packets++
    hash.update(`${at} ${from.address} ${from.port} ${to.address} ${to.port} ${data.length} `).update(data)
    return undefined
  })
  const pair = connectPair(sim, { environments, configuration: { iceServers } })
  await sim.run(() => isOpen(pair))
  assert.ok(isOpen(pair))
  await exchange(pair, seed)
  pair.alice.close()
  pair.bob.close()
  await sim.runFor(10_000)
  return { packets, digest: hash.digest('hex') }
}

describe('a simulated world with NATs and a TURN server', () => {
  for (const transport of ['udp', 'tcp', 'tls'] as const) {
    it(`gives the same bytes at the same times for the same seed, and others for another, over ${transport}`, async () => {
      const first = await trace(11, transport)
      assert.ok(first.packets > 50)
      assert.deepEqual(await trace(11, transport), first)
      assert.notEqual((await trace(12, transport)).digest, first.digest)
    })
  }
})
