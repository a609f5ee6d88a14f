import assert from 'node:assert/strict'
import { stunMethod } from '../../src/ice/stun/message.ts'
import { maxPortAttempts } from '../../src/ice/turn/server/limits.ts'
import { allocated, assertSuccess, at, Bench, Client, codeOf, peerAddress, serverAddress } from './bench.ts'

describe('A TURN server that is asked for an allocation', () => {
  it('asks for credentials first', () => {
    const bench = new Bench()
    const client = new Client(bench)
    const response = client.bare(stunMethod.allocate, { requestedTransport: 17 })
    assert.equal(codeOf(response), 401)
    assert.equal(response?.attributes.realm, 'example.org')
    assert.match(response?.attributes.nonce ?? '', /^obMatJos2wAAA/)
    assert.deepEqual(
      response?.attributes.passwordAlgorithms?.map(({ id }) => id),
      [2, 1],
    )
    assert.equal(bench.open.size, 0)
  })

  it('allocates an address on a port of the range, for ten minutes', () => {
    const bench = new Bench({ relayPorts: [50_000, 50_009] })
    const client = new Client(bench)
    const response = client.allocate()
    assertSuccess(response)
    assert.equal(client.relayed.length, 1)
    assert.equal(client.relay.address, '203.0.113.1')
    assert.ok(client.relay.port >= 50_000 && client.relay.port <= 50_009)
    assert.equal(response.attributes.lifetime, 600)
    assert.deepEqual(response.attributes.xorMappedAddress, client.remote)
    assert.equal(response.attributes.software, 'test')
    assert.equal(bench.core.stats().openAllocations, 1)
  })

  it('gives ports that nobody can tell in advance', () => {
    const bench = new Bench({}, 5)
    const ports = Array.from({ length: 20 }, (_, i) => allocated(bench, at('198.51.100.1', 1000 + i)).relay.port)
    const steps = ports.slice(1).map((port, i) => Math.abs(port - (ports[i] ?? 0)))
    assert.ok(steps.filter(step => step > 100).length > 15, ports.join())
    assert.equal(new Set(ports).size, 20)
    assert.ok(ports.every(port => port >= 49_152 && port <= 65_535))
  })

  it('sends the same answer again to the same request, and makes no second allocation', () => {
    const bench = new Bench()
    const client = new Client(bench)
    client.challenge()
    const id = bench.random.bytes(12)
    const request = client.encode(stunMethod.allocate, { requestedTransport: 17 }, id)
    client.send(request)
    const first = client.response(id)
    bench.advance(3000)
    client.send(request)
    const second = client.response(id)
    assert.deepEqual(second?.attributes.xorRelayedAddress, first?.attributes.xorRelayedAddress)
    assert.equal(second?.attributes.lifetime, 597)
    assert.equal(bench.open.size, 1)
  })

  it('answers once when the same request comes while the port is being opened', () => {
    const bench = new Bench()
    const client = new Client(bench)
    client.challenge()
    bench.hold = true
    const id = bench.random.bytes(12)
    const request = client.encode(stunMethod.allocate, { requestedTransport: 17 }, id)
    client.send(request)
    client.send(request)
    assert.equal(bench.sent.length, 0)
    assert.equal(codeOf(client.refresh()), 437)
    bench.release()
    assert.equal(bench.takeOne().remote.port, client.remote.port)
    assert.equal(bench.open.size, 1)
  })

  it('refuses a second allocation on the same 5-tuple', () => {
    const client = allocated(new Bench())
    assert.equal(codeOf(client.allocate()), 437)
  })

  it('takes an expired allocation for none at all, even before it is cleared away', () => {
    const bench = new Bench()
    const client = allocated(bench)
    const first = client.relay
    bench.now += 600_000
    assert.equal(codeOf(client.refresh()), 437)
    assert.equal(codeOf(client.permit(peerAddress)), 437)
    assertSuccess(client.allocate())
    assert.notDeepEqual(client.relay, first)
    assert.equal(bench.open.size, 1)
  })

  const invalid = [
    { what: 'no REQUESTED-TRANSPORT', attributes: {}, code: 400 },
    { what: 'an unknown transport', attributes: { requestedTransport: 33 }, code: 442 },
    { what: 'TCP where it is not offered', attributes: { requestedTransport: 6 }, code: 442 },
    { what: 'DONT-FRAGMENT', attributes: { requestedTransport: 17, dontFragment: true }, code: 420 },
    {
      what: 'a token and a family',
      attributes: { requestedTransport: 17, reservationToken: new Uint8Array(8), requestedAddressFamily: 4 },
      code: 400,
    },
    {
      what: 'a token and an even port',
      attributes: { requestedTransport: 17, reservationToken: new Uint8Array(8), evenPort: { reserveNext: false } },
      code: 400,
    },
    {
      what: 'both family attributes',
      attributes: { requestedTransport: 17, requestedAddressFamily: 6, additionalAddressFamily: 6 },
      code: 400,
    },
    { what: 'IPv4 in addition', attributes: { requestedTransport: 17, additionalAddressFamily: 4 }, code: 400 },
    {
      what: 'two families and a port pair',
      attributes: { requestedTransport: 17, additionalAddressFamily: 6, evenPort: { reserveNext: true } },
      code: 400,
    },
    {
      what: 'an unknown token',
      attributes: { requestedTransport: 17, reservationToken: new Uint8Array(8) },
      code: 508,
    },
  ] as const
  for (const { what, attributes, code } of invalid) {
    it(`answers ${code} to ${what}`, () => {
      const bench = new Bench()
      const response = new Client(bench).ask(stunMethod.allocate, attributes)
      assert.equal(codeOf(response), code)
      if (code === 420) assert.deepEqual(response.attributes.unknownAttributes, [0x001a])
      assert.equal(bench.open.size, 0)
      assert.equal(bench.core.stats().openAllocations, 0)
      assert.equal(bench.core.stats().refusals[code], 1)
    })
  }

  it('allocates IPv6 where it is asked for, and both where both are', () => {
    const bench = new Bench()
    const six = new Client(bench)
    assertSuccess(six.allocate({ requestedAddressFamily: 6 }))
    assert.equal(six.relay.address, '2001:db8::1')
    const both = new Client(bench, at('198.51.100.2', 1))
    const response = both.allocate({ additionalAddressFamily: 6 })
    assert.deepEqual(
      both.relayed.map(({ family }) => family),
      [4, 6],
    )
    assert.equal(response.attributes.addressErrorCode, undefined)
  })

  it('answers 440 where it has no address of a family, and says so where it has only one of two', () => {
    const four = new Bench({ relayAddresses: [{ address: '203.0.113.1', family: 4 }] })
    assert.equal(codeOf(new Client(four).allocate({ requestedAddressFamily: 6 })), 440)
    const client = new Client(four)
    const response = client.allocate({ additionalAddressFamily: 6 })
    assertSuccess(response)
    assert.equal(client.relayed.length, 1)
    assert.equal(response.attributes.addressErrorCode?.code, 440)
    assert.equal(response.attributes.addressErrorCode?.family, 6)
    const six = new Bench({ relayAddresses: [{ address: '2001:db8::1', family: 6 }] })
    assert.equal(codeOf(new Client(six).allocate()), 440)
  })

  it('tells with 508 which of two families it has no port for', () => {
    const bench = new Bench()
    bench.refused = ({ family }) => family === 6
    const client = new Client(bench)
    const response = client.allocate({ additionalAddressFamily: 6 })
    assertSuccess(response)
    assert.deepEqual(response.attributes.addressErrorCode, { family: 6, code: 508, reason: 'Insufficient Capacity' })
    assert.equal(bench.open.size, 1)
  })

  it('tries other ports where some are taken, and gives up after a few', () => {
    const bench = new Bench()
    const tried: number[] = []
    bench.refused = ({ port }) => tried.push(port) < 4
    assertSuccess(new Client(bench).allocate())
    assert.equal(new Set(tried).size, 4)
    tried.length = 0
    bench.refused = ({ port }) => tried.push(port) > 0
    assert.equal(codeOf(new Client(bench, at('198.51.100.2', 1)).allocate()), 508)
    assert.equal(tried.length, maxPortAttempts)
    assert.equal(bench.core.stats().openAllocations, 1)
  })

  it('gives every port of the range, then 508, and again what was given back', () => {
    const bench = new Bench({ relayPorts: [50_000, 50_004] })
    const clients = Array.from({ length: 5 }, (_, i) => allocated(bench, at('198.51.100.1', 100 + i)))
    const late = new Client(bench, at('198.51.100.1', 99))
    assert.equal(codeOf(late.allocate()), 508)
    assertSuccess(clients[2]?.refresh({ lifetime: 0 }) ?? assert.fail())
    assertSuccess(late.allocate())
    assert.deepEqual(late.relay, clients[2]?.relay)
  })

  it('allows a user so many allocations, and all users together so many', () => {
    const bench = new Bench({ maxAllocationsPerUser: 2, maxAllocations: 3 })
    const first = allocated(bench, at('198.51.100.1', 1))
    allocated(bench, at('198.51.100.1', 2))
    const third = new Client(bench, at('198.51.100.1', 3))
    assert.equal(codeOf(third.allocate()), 486)
    allocated(bench, at('198.51.100.1', 4), { username: 'bob' })
    assert.equal(codeOf(new Client(bench, at('198.51.100.1', 5), { username: 'bob' }).allocate()), 508)
    assertSuccess(first.refresh({ lifetime: 0 }))
    assertSuccess(third.allocate())
  })

  it('counts allocations that are still being made', () => {
    const bench = new Bench({ maxAllocationsPerUser: 1 })
    const first = new Client(bench, at('198.51.100.1', 1))
    first.challenge()
    bench.hold = true
    first.send(first.encode(stunMethod.allocate, { requestedTransport: 17 }))
    assert.equal(codeOf(new Client(bench, at('198.51.100.1', 2)).allocate()), 486)
  })

  it('ends an allocation whose client has not refreshed it, closes its port and frees the quota', () => {
    const bench = new Bench({ maxAllocationsPerUser: 1 })
    const client = allocated(bench)
    bench.advance(599_000)
    assert.equal(bench.open.size, 1)
    bench.advance(2000)
    assert.equal(bench.open.size, 0)
    assert.equal(bench.core.stats().openAllocations, 0)
    assert.equal(codeOf(client.refresh()), 437)
    assertSuccess(client.allocate())
    assert.equal(bench.core.pollTimeout() !== undefined, true)
  })

  it('has no timer when nothing is there any more', () => {
    const bench = new Bench()
    assert.equal(bench.core.pollTimeout(), undefined)
    assertSuccess(allocated(bench).refresh({ lifetime: 0 }))
    bench.advance(5000)
    assert.equal(bench.core.pollTimeout(), undefined)
  })

  it('grants a lifetime between the default and the maximum', () => {
    const bench = new Bench({ maxLifetimeSeconds: 1800 })
    assert.equal(new Client(bench, at('198.51.100.1', 1)).allocate({ lifetime: 10 }).attributes.lifetime, 600)
    assert.equal(new Client(bench, at('198.51.100.1', 2)).allocate({ lifetime: 700 }).attributes.lifetime, 700)
    const client = new Client(bench, at('198.51.100.1', 3))
    assert.equal(client.allocate({ lifetime: 0xffff_ffff }).attributes.lifetime, 1800)
    assert.equal(client.refresh({ lifetime: 60 }).attributes.lifetime, 600)
    assert.equal(client.refresh({ lifetime: 9000 }).attributes.lifetime, 1800)
    assert.equal(client.refresh().attributes.lifetime, 600)
  })

  it('refuses clients behind a tunnel', () => {
    const bench = new Bench()
    for (const address of ['2002:808:808::1', '2001:0:808:808::1']) {
      assert.equal(codeOf(new Client(bench, at(address, 1)).allocate()), 403)
    }
  })
})

describe('A TURN server that is asked for an even port', () => {
  it('gives one, and with the R bit keeps the next for 30 seconds', () => {
    const bench = new Bench()
    const client = new Client(bench)
    const response = client.allocate({ evenPort: { reserveNext: true } })
    assert.equal(client.relay.port % 2, 0)
    const token = response.attributes.reservationToken ?? assert.fail('no token')
    assert.equal(bench.core.stats().reservedPorts, 1)
    const second = new Client(bench, at('198.51.100.1', 2))
    assertSuccess(second.allocate({ reservationToken: token }))
    assert.equal(second.relay.port, client.relay.port + 1)
    assert.equal(codeOf(new Client(bench, at('198.51.100.1', 3)).allocate({ reservationToken: token })), 508)
    assert.equal(bench.core.stats().reservedPorts, 0)
    const even = new Client(bench, at('198.51.100.1', 4))
    assert.equal(even.allocate({ evenPort: { reserveNext: false } }).attributes.reservationToken, undefined)
    assert.equal(even.relay.port % 2, 0)
  })

  it('repeats the token in a repeated answer', () => {
    const bench = new Bench()
    const client = new Client(bench)
    client.challenge()
    const id = bench.random.bytes(12)
    const request = client.encode(stunMethod.allocate, { requestedTransport: 17, evenPort: { reserveNext: true } }, id)
    client.send(request)
    const first = client.response(id)
    client.send(request)
    assert.deepEqual(client.response(id)?.attributes.reservationToken, first?.attributes.reservationToken)
    assert.equal(bench.core.stats().reservedPorts, 1)
  })

  it('forgets the reservation after 30 seconds and closes the port', () => {
    const bench = new Bench({ maxAllocationsPerUser: 2 })
    const client = new Client(bench)
    const { reservationToken } = client.allocate({ evenPort: { reserveNext: true } }).attributes
    const second = new Client(bench, at('198.51.100.1', 2))
    assert.equal(codeOf(second.allocate()), 486, 'a reserved port counts')
    bench.now += 30_000
    assert.equal(codeOf(second.allocate({ reservationToken: reservationToken ?? assert.fail() })), 508)
    bench.advance(2000)
    assert.equal(bench.open.size, 1)
    assertSuccess(second.allocate())
  })

  it('gives a reserved port to no other user', () => {
    const bench = new Bench()
    const { reservationToken } = new Client(bench).allocate({ evenPort: { reserveNext: true } }).attributes
    const bob = new Client(bench, at('198.51.100.1', 2), { username: 'bob' })
    assert.equal(codeOf(bob.allocate({ reservationToken: reservationToken ?? assert.fail() })), 508)
  })

  it('drops what arrives at a reserved port', () => {
    const bench = new Bench()
    const client = new Client(bench)
    client.allocate({ evenPort: { reserveNext: true } })
    bench.receive(Uint8Array.of(1), peerAddress, bench.socketOf({ ...client.relay, port: client.relay.port + 1 }))
    assert.equal(bench.sent.length, 0)
  })

  it('tries other pairs where one of two ports is taken, and closes the other', () => {
    const bench = new Bench()
    let odd = 0
    bench.refused = ({ port }) => port % 2 === 1 && ++odd < 3
    const client = new Client(bench)
    assertSuccess(client.allocate({ evenPort: { reserveNext: true } }))
    assert.equal(odd, 3)
    assert.equal(bench.open.size, 2)
    assert.equal(bench.closed.length, 2)
  })
})

describe('A TURN server that closes', () => {
  it('closes every socket', () => {
    const bench = new Bench()
    allocated(bench)
    new Client(bench, at('198.51.100.1', 2)).allocate({ evenPort: { reserveNext: true } })
    bench.core.addConnection('tcp', serverAddress, at('198.51.100.9', 9), bench.now)
    bench.core.close()
    bench.pump()
    assert.equal(bench.open.size, 0)
    assert.equal(new Set(bench.closed).size, 5)
    assert.equal(bench.core.pollTimeout(), undefined)
  })
})
