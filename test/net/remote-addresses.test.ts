import assert from 'node:assert/strict'
import type { TransportAddress } from '../../src/base/address.ts'
import { maxKnownRemotes, RemoteAddresses } from '../../src/net/remote-addresses.ts'

describe('the addresses of remote endpoints', () => {
  let remotes: RemoteAddresses

  beforeEach(() => {
    remotes = new RemoteAddresses()
  })

  /** As Node tells it: a new object and a new string each time. */
  function hear(port: number, address: string): TransportAddress {
    return remotes.of({ address: Buffer.from(address).toString(), port })
  }

  /** The endpoint of a number; several share an IP address. */
  function numbered(index: number): [port: number, address: string] {
    return [1_024 + (index % 50), `10.${(index >> 16) & 0xff}.${(index >> 8) & 0xff}.${(index & 0xff) >> 2}`]
  }

  it('are the same objects for the same endpoints, whoever is heard in between', () => {
    const [a, b, c] = [hear(1, '192.0.2.1'), hear(2, '192.0.2.1'), hear(1, '192.0.2.2')]
    assert.deepEqual(a, { address: '192.0.2.1', port: 1, family: 4 })
    assert.equal(new Set([a, b, c]).size, 3)
    assert.equal(hear(1, '192.0.2.1'), a)
    assert.equal(hear(1, '192.0.2.1'), a)
    assert.equal(hear(1, '192.0.2.2'), c)
    assert.equal(hear(2, '192.0.2.1'), b)
  })

  it('are canonical', () => {
    assert.deepEqual(hear(5, 'fe80::1%eth0'), { address: 'fe80::1', port: 5, family: 6 })
    assert.deepEqual(hear(5, '2001:DB8:0:0::1'), { address: '2001:db8::1', port: 5, family: 6 })
  })

  it('stay the same for a thousand active peers, with strangers in between', () => {
    const peers = Array.from({ length: 1_000 }, (_, index) => hear(40_000, `192.168.${index >> 8}.${index & 0xff}`))
    for (let round = 0; round < 20; round++) {
      for (let stranger = 0; stranger < maxKnownRemotes / 4; stranger++) {
        hear(...numbered(round * maxKnownRemotes + stranger))
      }
      for (const peer of peers) assert.equal(hear(peer.port, peer.address), peer)
    }
  })

  it('are forgotten when many others were heard since: the number that is kept is bounded', () => {
    const count = 3 * maxKnownRemotes
    const first = Array.from({ length: count }, (_, index) => hear(...numbered(4 * index)))
    assert.equal(new Set(first).size, count)
    // The latest first: they are those that are kept.
    const kept = first.reverse().filter(address => hear(address.port, address.address) === address)
    assert.ok(kept.length >= maxKnownRemotes / 2 && kept.length <= maxKnownRemotes, `${kept.length} are kept`)
    assert.equal(kept[0], first[0])
  })
})
