import assert from 'node:assert/strict'
import type { RTCDataChannel } from '../../src/pc/rtc-data-channel.ts'
import { prng } from '../support/prng.ts'
import { createPair, type SimulatedPair } from './peers.ts'

const badNetwork = { loss: 0.1, duplicate: 0.1, reorder: 0.2, reorderMs: 30, delayMs: 10, jitterMs: 10 }
const messagesEachWay = 20

/** Text and binary, empty to several packets. */
function messages(seed: number): (string | Uint8Array<ArrayBuffer>)[] {
  const random = prng(seed)
  return Array.from({ length: messagesEachWay }, (_, index) => {
    const size = Math.floor(random.float() ** 3 * 8000)
    return index % 4 === 0 ? 'ü'.repeat(size >> 4) : Uint8Array.from(random.bytes(size))
  })
}

function collect(channel: RTCDataChannel): unknown[] {
  const received: unknown[] = []
  channel.onmessage = ({ data }) => {
    received.push(typeof data === 'string' ? data : new Uint8Array(data as ArrayBuffer))
  }
  return received
}

/** Connects, sends both ways, waits until everything has arrived. */
async function exchange(pair: SimulatedPair, seed: number): Promise<void> {
  const { sim, channel, remote } = pair
  const opened = await sim.run(() => channel.readyState === 'open' && remote()?.readyState === 'open', 60_000)
  assert.ok(opened, `not open after ${sim.now} virtual ms`)
  const other = remote()
  assert.ok(other)
  const toBob = messages(seed)
  const toAlice = messages(seed + 1)
  const atBob = collect(other)
  const atAlice = collect(channel)
  for (const message of toBob) channel.send(message)
  for (const message of toAlice) other.send(message)
  await sim.run(() => atBob.length >= messagesEachWay && atAlice.length >= messagesEachWay, 120_000)
  // Nothing must come twice, so give repetitions the time to come.
  await sim.runFor(2_000)
  assert.deepEqual(atBob, toBob)
  assert.deepEqual(atAlice, toAlice)
}

describe('two peers over a bad network', () => {
  it('deliver every reliable message exactly once and in order, for 1,000 seeds', async function () {
    this.timeout(600_000)
    for (let seed = 1; seed <= 1000; seed++) {
      const pair = createPair({ seed, conditions: badNetwork })
      try {
        await exchange(pair, seed)
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error })
      } finally {
        pair.alice.close()
        pair.bob.close()
      }
    }
  })

  it('run the same way twice from the same seed, byte for byte', async () => {
    const trace = async (seed: number) => {
      const pair = createPair({ seed, conditions: badNetwork })
      const packets: string[] = []
      pair.sim.network.tap(({ at, data }) => {
        packets.push(`${at} ${Buffer.from(data).toString('base64')}`)
        return undefined
      })
      await exchange(pair, seed)
      pair.alice.close()
      pair.bob.close()
      return packets
    }
    const first = await trace(7)
    assert.ok(first.length > 100)
    assert.deepEqual(await trace(7), first)
    assert.notDeepEqual(await trace(8), first)
  })
})
