import assert from 'node:assert/strict'
import type { ConnectionExtensions } from '../../src/pc/connection-extensions.ts'
import { RTCPeerConnection } from '../../src/pc/rtc-peer-connection.ts'
import { hostileValues, Thrown } from '../idl/hostile-values.ts'
import { connected, describeLocally } from '../pc/negotiation/media-pair.ts'
import { exchange, isOpen, situation } from '../sim/calls.ts'
import { connectPair, createPair } from '../sim/peers.ts'
import { Simulation } from '../sim/virtual-environment.ts'
import { observe } from '../support/observed-environment.ts'

describe('The second argument of the constructor', () => {
  /** Which values are not of the type of a member, or of that type and of no use. */
  const wrong: Readonly<Record<keyof ConnectionExtensions, (value: unknown) => boolean>> = {
    environment: value => !isObject(value),
    crypto: value => !isObject(value),
    keyLog: value => typeof value !== 'function',
    dtls: value => !isObject(value),
    maxMessageSize: value => !(Number.isSafeInteger(value) && (value as number) > 0),
    gatherLoopback: value => typeof value !== 'boolean',
    portRange: value => !isObject(value),
    hideHostAddresses: value => typeof value !== 'boolean',
    natMappings: value => !isObject(value),
    tcpCandidates: value => !isObject(value),
    tlsCa: value => typeof value !== 'string',
    iceLite: value => typeof value !== 'boolean',
    iceRenomination: value => typeof value !== 'boolean',
    icePort: () => true,
    iceParameters: () => true,
    origin: value => typeof value !== 'string',
  }

  // The last one is thrown by what was given.
  const kinds = [TypeError, RangeError, Thrown]
  for (const [name, isWrong] of Object.entries(wrong)) {
    it(`has ${name} of its type, or is a TypeError or RangeError, and opens no socket`, async () => {
      const sim = new Simulation(1)
      const { environment, opened } = observe(sim.host('here', ['192.0.2.1']))
      const values = hostileValues.filter(({ make }) => isWrongValue(isWrong, make()))
      assert.ok(values.length > 10)
      for (const { what, make } of values) {
        const extensions = { environment, [name]: make() } as ConnectionExtensions
        const create = (): RTCPeerConnection => new RTCPeerConnection({}, extensions)
        assert.throws(create, error => kinds.some(kind => error instanceof kind), what)
      }
      await sim.runFor(1_000)
      assert.equal(opened(), 0)
    })
  }

  it('is an object, and nothing else that there is', () => {
    for (const { what, make } of hostileValues) {
      const value = make()
      if (value === undefined || isObject(value)) continue
      assert.throws(() => new RTCPeerConnection({}, value as ConnectionExtensions), TypeError, what)
    }
  })
})

describe('maxMessageSize', () => {
  it('is told to the peer, which sends a message of that size and none that is a byte longer', async () => {
    const sim = new Simulation(2)
    const environments = [sim.host('alice', ['192.0.2.1']), sim.host('bob', ['192.0.2.2'])] as const
    const extensionsOf = (index: 0 | 1): ConnectionExtensions => (index === 1 ? { maxMessageSize: 1000 } : {})
    const pair = connectPair(sim, { environments, extensionsOf })
    assert.ok(await sim.run(() => isOpen(pair)), situation(pair))
    assert.match(pair.bob.localDescription?.sdp ?? '', /^a=max-message-size:1000\r$/m)
    assert.equal(pair.alice.sctp?.maxMessageSize, 1000)
    const sizes: number[] = []
    const remote = pair.remote()
    assert.ok(remote)
    remote.binaryType = 'arraybuffer'
    remote.onmessage = ({ data }) => sizes.push(data.byteLength)
    assert.throws(() => pair.channel.send(new Uint8Array(1001)), TypeError)
    pair.channel.send(new Uint8Array(1000))
    await sim.run(() => sizes.length > 0)
    assert.deepEqual(sizes, [1000])
    pair.alice.close()
    pair.bob.close()
  })
})

describe('gatherLoopback', () => {
  for (const gatherLoopback of [false, true]) {
    it(`${gatherLoopback}: ${gatherLoopback ? 'two sockets' : 'one socket'} of a host with one other address`, async () => {
      const sim = new Simulation(3)
      const { environment, open } = observe(sim.host('here', ['192.0.2.1', '127.0.0.1']))
      const peer = new RTCPeerConnection({}, { environment, gatherLoopback })
      peer.createDataChannel('data')
      const sdp = await describeLocally(sim, peer)
      assert.equal(open.size, gatherLoopback ? 2 : 1)
      assert.equal(/^a=candidate:.* 127\.0\.0\.1 /m.test(sdp), gatherLoopback)
      peer.close()
    })
  }
})

describe('environment and crypto', () => {
  it('are all that a connection uses: in a simulated world it opens no socket of this host', async () => {
    const sockets = (): string[] => process.getActiveResourcesInfo().filter(name => /UDP|TCP/.test(name))
    const before = sockets()
    const pair = createPair({ seed: 4 })
    assert.ok(await pair.sim.run(() => isOpen(pair)), situation(pair))
    await exchange(pair, 4)
    assert.ok(await connected({ ...pair, sockets: undefined as never }))
    assert.deepEqual(sockets(), before)
    pair.alice.close()
    pair.bob.close()
  })
})

function isObject(value: unknown): boolean {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

function isWrongValue(isWrong: (value: unknown) => boolean, value: unknown): boolean {
  return value !== undefined && isWrong(value)
}
