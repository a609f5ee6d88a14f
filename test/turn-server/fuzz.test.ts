import assert from 'node:assert/strict'
import { encodeMessage, stunMethod } from '../../src/ice/stun/message.ts'
import { encodeChannelData } from '../../src/ice/turn/channel-data.ts'
import { addFingerprint } from '../ice/messages.ts'
import { named } from '../support/named.ts'
import { type Prng, prng } from '../support/prng.ts'
import { allocated, assertSuccess, at, Bench, bytes, Client, peerAddress, serverAddress } from './bench.ts'

const mutations = 100_000

describe('A TURN server that is fed 100,000 mutated messages', function () {
  this.timeout(60_000)

  it('throws nothing, stays within its bounds, and serves its clients all the same', () => {
    const seeds = 20
    for (let seed = 1; seed <= seeds; seed++) named(seed, () => fuzz(seed, mutations / seeds))
  })
})

const limits = { maxAllocations: 40, maxAllocationsPerUser: 20, maxPermissions: 10, maxChannels: 5, maxConnections: 30 }

function fuzz(seed: number, count: number): void {
  const random = prng(seed)
  const bench = new Bench({ ...limits, tcpRelay: true, maxUnauthenticatedPerSecond: 50 }, seed)
  const good = allocated(bench, at('198.51.100.200', 1))
  good.bind(0x4000, peerAddress)
  const clients = [
    good,
    new Client(bench, at('198.51.100.1', 1)),
    new Client(bench, at('198.51.100.2', 1), { algorithm: 'sha256' }),
  ]
  for (let i = 0; i < count; i++) {
    const client = clients[random.next() % clients.length] ?? good
    if (client.nonce === undefined || random.float() < 0.001) client.challenge()
    const message = mutate(random, sample(random, client), client)
    const options = { socket: bench.listener }
    if (random.float() < 0.2) {
      const remote = at('198.51.100.77', 1 + (random.next() % 60_000))
      const socket = bench.core.addConnection('tcp', serverAddress, remote, bench.now)
      if (socket !== undefined) {
        bench.receive(message, remote, socket)
        if (random.float() < 0.5) bench.core.closed(socket)
        bench.pump()
      }
    } else bench.receive(message, client.remote, options.socket)
    for (const socket of bench.open.keys()) if (random.float() < 0.002) bench.receive(message, peerAddress, socket)
    for (const { socket } of bench.connects.splice(0)) {
      if (random.float() < 0.5) bench.core.connected(socket, bench.now)
      else bench.core.closed(socket)
      bench.pump()
    }
    bench.take()
    if (random.float() < 0.01) bench.advance(random.next() % 20_000)
  }
  const stats = bench.core.stats()
  assert.ok(stats.openAllocations <= limits.maxAllocations && stats.connections <= limits.maxConnections)
  assert.ok(bench.open.size <= limits.maxAllocations, 'no socket is left behind')
  assertServes(bench)
}

/** Old clients and new ones get what they should. */
function assertServes(bench: Bench): void {
  bench.advance(3_700_000)
  bench.take()
  assert.equal(bench.open.size, 0, 'everything has expired')
  const client = allocated(bench, at('198.51.100.200', 1))
  assertSuccess(client.bind(0x4001, peerAddress))
  client.channelData(0x4001, bytes(1, 2, 3))
  assert.deepEqual([...bench.takeOne().data], [1, 2, 3])
  client.fromPeer(bytes(4))
  assert.deepEqual(Buffer.from(bench.takeOne().data), Buffer.from(encodeChannelData(0x4001, bytes(4), false)))
}

/** A valid message, most of them signed. */
function sample(random: Prng, client: Client): Uint8Array {
  const peer = at(
    ['8.8.4.4', '8.8.8.8', '127.0.0.1', '2606:4700::1', '203.0.113.1'][random.next() % 5] ?? '8.8.8.8',
    random.next() % 65_536,
  )
  const channelNumber = 0x4000 + (random.next() % 8)
  const lifetime = random.next() % 2000
  const choices = [
    () => client.encode(stunMethod.allocate, { requestedTransport: random.float() < 0.8 ? 17 : 6, lifetime }),
    () =>
      client.encode(stunMethod.allocate, { requestedTransport: 17, evenPort: { reserveNext: random.float() < 0.5 } }),
    () => client.encode(stunMethod.allocate, { requestedTransport: 17, additionalAddressFamily: 6 }),
    () => client.encode(stunMethod.allocate, { requestedTransport: 17, reservationToken: random.bytes(8) }),
    () =>
      client.encode(
        stunMethod.refresh,
        random.float() < 0.1 ? { lifetime: 0 } : { lifetime, requestedAddressFamily: 4 },
      ),
    () => client.encode(stunMethod.createPermission, { xorPeerAddress: [peer, peerAddress] }),
    () => client.encode(stunMethod.channelBind, { xorPeerAddress: [peer], channelNumber }),
    () => client.encode(stunMethod.connect, { xorPeerAddress: [peer] }),
    () => client.encode(stunMethod.connectionBind, { connectionId: random.next() }),
    () =>
      encodeMessage({
        class: 'indication',
        method: stunMethod.send,
        transactionId: random.bytes(12),
        attributes: { xorPeerAddress: [peer], data: random.bytes(20) },
      }),
    () =>
      encodeMessage({
        class: 'request',
        method: stunMethod.binding,
        transactionId: random.bytes(12),
        attributes: { padding: 8 },
      }),
    () => encodeChannelData(channelNumber, random.bytes(random.next() % 30), random.float() < 0.5),
  ]
  return (choices[random.next() % choices.length] ?? choices[0] ?? assert.fail())()
}

/** Changes a message; some get a right fingerprint again, and some are left alone to make state for the others. */
function mutate(random: Prng, message: Uint8Array, client: Client): Uint8Array {
  const choice = random.float()
  if (choice < 0.15) return message
  let data = Uint8Array.from(message)
  const changes = 1 + (random.next() % 3)
  for (let i = 0; i < changes; i++) data = change(random, data)
  if (choice < 0.5 || data.length < 28) return data
  // The header and attributes of a valid request under a key that is right, with something in between that is not.
  if (choice < 0.6) return client.encode(random.next() % 16, { data })
  return addFingerprint(data.subarray(0, data.length - 8))
}

function change(random: Prng, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const at = random.next() % Math.max(1, data.length)
  switch (random.next() % 5) {
    case 0:
      return data.map((byte, i) => (i === at ? random.next() : byte))
    case 1:
      return data.map((byte, i) => (i === at ? byte ^ (1 << (random.next() % 8)) : byte))
    case 2:
      return Uint8Array.from(data.subarray(0, at))
    case 3:
      return Uint8Array.from([...data, ...random.bytes(random.next() % 8)])
    default:
      return Uint8Array.from([...data.subarray(0, at), ...random.bytes(4), ...data.subarray(at + 4)])
  }
}
