import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { TransportAddress } from '../../src/base/address.ts'
import { RTCPeerConnection } from '../../src/pc/rtc-peer-connection.ts'
import { createPair, negotiate } from '../sim/peers.ts'
import { prng } from '../support/prng.ts'
import { forge, forgeHarmless, mutate } from './forgeries.ts'

const messageCount = 100

describe('an off-path sender', () => {
  it('that sprays both ends from another port during and after set-up changes nothing', async function () {
    this.timeout(30_000)
    const alice = new RTCPeerConnection()
    const bob = new RTCPeerConnection()
    const spray = await startSpray()
    try {
      for (const [from, to] of [
        [alice, bob],
        [bob, alice],
      ] as const) {
        from.onicecandidate = ({ candidate }) => {
          if (candidate === null || candidate.candidate === '') return
          if (candidate.address !== null && candidate.port !== null) spray.aimAt(candidate.address, candidate.port)
          if (to.remoteDescription !== null) void to.addIceCandidate(candidate)
        }
      }
      const channel = alice.createDataChannel('x')
      const received: string[] = []
      bob.ondatachannel = event => {
        event.channel.onmessage = ({ data }) => received.push(String(data))
      }
      const opened = once(channel, 'open', { signal: AbortSignal.timeout(2_000) })
      await negotiate(alice, bob)
      await opened
      for (let i = 0; i < messageCount; i++) {
        channel.send(`message ${i}`)
        await new Promise(resolve => setTimeout(resolve, 5))
      }
      while (received.length < messageCount) await new Promise(resolve => setTimeout(resolve, 5))
      assert.deepEqual(
        received,
        Array.from({ length: messageCount }, (_, i) => `message ${i}`),
      )
      assert.ok(spray.sent() > 1_000, `only ${spray.sent()} packets sprayed`)
      assert.equal(alice.connectionState, 'connected')
      assert.equal(bob.connectionState, 'connected')
      const transport = [...(await alice.getStats()).values()].find(({ type }) => type === 'transport')
      assert.ok(Object.keys(transport?.packetsDropped as object).length > 0, 'what was dropped is counted')
    } finally {
      spray.stop()
      alice.close()
      bob.close()
    }
  })

  it('that even writes the address of the peer into its packets changes nothing', async function () {
    this.timeout(120_000)
    for (let seed = 1; seed <= 30; seed++) {
      const { sim, alice, bob, channel, remote } = createPair({ seed })
      const random = prng(seed)
      const open = () => channel.readyState === 'open' && remote()?.readyState === 'open'
      // Each real packet has a forgery for company, later a mutation of itself, from the same address to the same one.
      sim.network.tap(({ from, to, data }) => {
        const packet = !open() ? forgeHarmless(random) : random.float() < 0.5 ? mutate(data, random) : forge(random)
        sim.network.inject(packet, from, to, random.float() * 3)
        return undefined
      })
      assert.ok(await sim.run(open, 2_000), `seed ${seed}: not open after ${sim.now} ms`)
      const received: unknown[] = []
      const other = remote()
      assert.ok(other)
      other.onmessage = ({ data }) => received.push(data)
      for (let i = 0; i < messageCount; i++) channel.send(`message ${i}`)
      await sim.run(() => received.length >= messageCount, 10_000)
      assert.deepEqual(
        received,
        Array.from({ length: messageCount }, (_, i) => `message ${i}`),
        `seed ${seed}`,
      )
      assert.equal(alice.connectionState, 'connected', `seed ${seed}`)
      assert.equal(bob.connectionState, 'connected', `seed ${seed}`)
      alice.close()
      bob.close()
    }
  })
})

interface Spray {
  aimAt(address: string, port: number): void
  sent(): number
  stop(): void
}

/** Sends forgeries from a port of its own to all it is told to aim at, a few every millisecond, for ten seconds at most. */
async function startSpray(): Promise<Spray> {
  const sockets = { 4: createSocket('udp4'), 6: createSocket('udp6') }
  const random = prng(99)
  const targets: TransportAddress[] = []
  let sent = 0
  for (const socket of Object.values(sockets)) socket.on('error', () => undefined)
  const timer = setInterval(() => {
    for (const { address, port, family } of targets) {
      for (let i = 0; i < 3; i++) {
        sockets[family].send(forge(random), port, address, () => undefined)
        sent++
      }
    }
  }, 1)
  const end = setTimeout(() => clearInterval(timer), 10_000)
  return {
    aimAt: (address, port) => {
      targets.push({ address, port, family: address.includes(':') ? 6 : 4 })
    },
    sent: () => sent,
    stop: () => {
      clearInterval(timer)
      clearTimeout(end)
      for (const socket of Object.values(sockets)) socket.close()
    },
  }
}
