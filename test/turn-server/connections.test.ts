import assert from 'node:assert/strict'
import type { TransportAddress } from '../../src/base/address.ts'
import { decodeMessage, stunMethod } from '../../src/ice/stun/message.ts'
import { maxEarlyPeerBytes, maxRefusals, maxStrangerBytes } from '../../src/ice/turn/server/limits.ts'
import type { SocketId } from '../../src/ice/turn/server/sockets.ts'
import { allocated, assertSuccess, at, Bench, bytes, Client, codeOf, peerAddress, serverAddress } from './bench.ts'

let nextPort = 20_000

function connect(bench: Bench, options: { username?: string; address?: string } = {}): Client {
  const remote = at(options.address ?? '198.51.100.1', nextPort++)
  const socket = bench.core.addConnection('tcp', serverAddress, remote, bench.now)
  assert.ok(socket !== undefined, 'there is room')
  return new Client(bench, remote, { ...options, socket })
}

describe('A TURN client that is connected over TCP', () => {
  it('is served in one byte at a time', () => {
    const bench = new Bench()
    const client = connect(bench)
    client.challenge()
    const id = bench.random.bytes(12)
    const message = client.encode(stunMethod.allocate, { requestedTransport: 17 }, id)
    for (const byte of message) client.send(bytes(byte))
    const response = client.response(id) ?? assert.fail()
    assertSuccess(response)
    client.relayed = response.attributes.xorRelayedAddress ?? []
    client.bind(0x4000, peerAddress)
    for (const byte of [0x40, 0, 0, 3, 1, 2, 3, 0]) client.send(bytes(byte))
    assert.deepEqual(Uint8Array.from(bench.takeOne().data), bytes(1, 2, 3))
  })

  it('is served several messages in one chunk, and gets ChannelData padded', () => {
    const bench = new Bench()
    const client = connect(bench)
    client.allocate()
    client.bind(0x4000, peerAddress)
    client.send(bytes(0x40, 0, 0, 1, 9, 0, 0, 0, 0x40, 0, 0, 2, 8, 8, 0, 0))
    assert.deepEqual(
      bench.take().map(({ data }) => [...data]),
      [[9], [8, 8]],
    )
    client.fromPeer(bytes(7))
    assert.deepEqual([...bench.takeOne().data], [0x40, 0, 0, 1, 7, 0, 0, 0])
  })

  it('loses its allocation with its connection, and with nonsense its connection', () => {
    const bench = new Bench()
    const first = connect(bench)
    first.allocate()
    bench.core.closed(first.options.socket ?? 0)
    bench.pump()
    assert.equal(bench.open.size, 0)
    const second = connect(bench)
    second.allocate()
    second.send(Buffer.from('POST / HTTP/1.1\r\n'))
    assert.ok(bench.closed.includes(second.options.socket ?? 0))
    assert.equal(bench.open.size, 0)
    assert.deepEqual([bench.core.stats().openAllocations, bench.core.stats().connections], [0, 0])
  })

  it('may leave a message unfinished for only so long, as long as nobody knows it', () => {
    const bench = new Bench()
    const stranger = connect(bench)
    stranger.send(bytes(0x40, 0, 0xff, 0xff))
    stranger.send(new Uint8Array(maxStrangerBytes - 4))
    assert.equal(bench.closed.length, 0)
    stranger.send(bytes(0))
    assert.deepEqual(bench.closed, [stranger.options.socket])
    const known = connect(bench)
    known.allocate()
    known.send(bytes(0x40, 0, 0xff, 0xff))
    known.send(new Uint8Array(2 * maxStrangerBytes))
    assert.equal(bench.closed.length, 1)
  })

  it('may not go on guessing passwords', () => {
    const bench = new Bench()
    const guess = (client: Client): number | undefined => {
      client.nonce ?? client.challenge()
      const id = bench.random.bytes(12)
      client.send(client.encode(stunMethod.allocate, { requestedTransport: 17 }, id))
      return codeOf(client.response(id))
    }
    const mallory = connect(bench, { username: 'mallory' })
    for (let i = 1; i < maxRefusals - 1; i++) assert.equal(guess(mallory), 401)
    assert.equal(bench.closed.length, 0)
    assert.equal(guess(mallory), 401)
    assert.deepEqual(bench.closed, [mallory.options.socket])
    const eve = connect(bench)
    eve.challenge()
    const good = eve.encode(stunMethod.allocate, { requestedTransport: 17 })
    const bad = new Client(bench, eve.remote, { password: 'x' }).encode(stunMethod.allocate, {})
    eve.send(Buffer.concat([...Array.from({ length: maxRefusals }, () => bad), good]))
    assert.equal(bench.core.stats().openAllocations, 0, 'what follows is not looked at')
    const alice = connect(bench)
    alice.allocate()
    for (let i = 0; i < 3 * maxRefusals; i++) {
      assertSuccess(alice.refresh())
      alice.bare(stunMethod.refresh, {})
    }
    assert.equal(bench.closed.length, 2)
  })

  it('that goes away while its port is opened leaves nothing behind', () => {
    const bench = new Bench({ maxAllocationsPerUser: 1 })
    const client = connect(bench)
    client.challenge()
    bench.hold = true
    client.send(client.encode(stunMethod.allocate, { requestedTransport: 17 }))
    bench.core.closed(client.options.socket ?? 0)
    bench.pump()
    bench.hold = false
    bench.release()
    assert.equal(bench.open.size, 0)
    assert.equal(bench.sent.length, 0)
    allocated(bench)
  })

  it('is disconnected if it says nothing for 30 seconds, but not with an allocation', () => {
    const bench = new Bench()
    const idle = connect(bench)
    const busy = connect(bench)
    busy.allocate()
    bench.advance(20_000)
    idle.bare(stunMethod.binding, {})
    bench.advance(29_000)
    assert.equal(bench.closed.length, 0)
    bench.advance(2_000)
    assert.deepEqual(bench.closed, [idle.options.socket])
    busy.refresh({ lifetime: 0 })
    bench.advance(32_000)
    assert.ok(bench.closed.includes(busy.options.socket ?? 0))
  })

  it('is refused where too many are, from everywhere or from one place', () => {
    const bench = new Bench({ maxConnections: 5, maxConnectionsPerSource: 2 })
    const add = (address: string, port: number) =>
      bench.core.addConnection('tcp', serverAddress, at(address, port), bench.now)
    const first = add('198.51.100.1', 1)
    assert.ok(first !== undefined && add('198.51.100.1', 2) !== undefined)
    assert.equal(add('198.51.100.1', 3), undefined)
    assert.ok(add('2001:db8::1', 1) !== undefined && add('2001:db8::2', 1) !== undefined)
    assert.equal(add('2001:db8::3', 1), undefined)
    assert.ok(add('198.51.100.2', 1) !== undefined)
    assert.equal(add('198.51.100.3', 1), undefined)
    bench.core.closed(first)
    assert.ok(add('198.51.100.1', 4) !== undefined)
  })

  it('is another client than the one on UDP with the same address', () => {
    const bench = new Bench()
    const udp = allocated(bench, at('198.51.100.1', 7))
    const socket = bench.core.addConnection('tcp', serverAddress, udp.remote, bench.now) ?? assert.fail()
    const tcp = new Client(bench, udp.remote, { socket })
    assert.equal(codeOf(tcp.refresh()), 437)
    assertSuccess(tcp.allocate())
    assert.equal(bench.open.size, 2)
  })
})

const tcpRelay = { tcpRelay: true }

/** A client with a TCP allocation. */
function tcpAllocated(bench: Bench, options: { username?: string } = {}): Client {
  const client = connect(bench, options)
  assertSuccess(client.allocate({ requestedTransport: 6 }))
  return client
}

/** Asks for a connection to a peer; returns what was asked of the driver, and the ID of the transaction. */
function askToConnect(client: Client, peer: TransportAddress): { socket: SocketId; id: Uint8Array } {
  const id = client.bench.random.bytes(12)
  client.send(client.encode(stunMethod.connect, { xorPeerAddress: [peer] }, id))
  const { socket } = client.bench.connects.at(-1) ?? assert.fail('no connection is asked for')
  return { socket, id }
}

function dataConnection(client: Client): Client {
  const other = connect(
    client.bench,
    client.options.username === undefined ? {} : { username: client.options.username },
  )
  other.nonce = client.nonce
  return other
}

describe('A TCP allocation', () => {
  it('is for clients on TCP, and knows nothing of what belongs to UDP', () => {
    const bench = new Bench(tcpRelay)
    assert.equal(codeOf(new Client(bench).allocate({ requestedTransport: 6 })), 400)
    for (const extra of [
      { evenPort: { reserveNext: false } },
      { dontFragment: true },
      { reservationToken: bytes(1, 2, 3, 4, 5, 6, 7, 8) },
    ] as const) {
      assert.equal(codeOf(connect(bench).allocate({ requestedTransport: 6, ...extra })), 400)
    }
    const client = tcpAllocated(bench)
    assert.equal([...bench.open.values()][0]?.transport, 'tcp')
    assert.equal(codeOf(client.bind(0x4000, peerAddress)), 400)
    assertSuccess(client.refresh())
  })

  it('connects to a peer and carries its bytes both ways', () => {
    const bench = new Bench(tcpRelay)
    const client = tcpAllocated(bench)
    const { socket, id } = askToConnect(client, peerAddress)
    assert.equal(bench.sent.length, 0, 'not before the connection is there')
    assert.equal(codeOf(client.ask(stunMethod.connect, { xorPeerAddress: [peerAddress] })), 446)
    bench.core.connected(socket, bench.now)
    bench.pump()
    const response = client.response(id) ?? assert.fail()
    assertSuccess(response)
    const { connectionId } = response.attributes
    bench.receive(bytes(1, 2), peerAddress, socket)
    const data = dataConnection(client)
    assertSuccess(data.ask(stunMethod.connectionBind, { connectionId: connectionId ?? assert.fail() }))
    assert.deepEqual([...bench.takeOne().data], [1, 2], 'what came before is not lost')
    bench.receive(bytes(3), peerAddress, socket)
    assert.deepEqual(bench.takeOne(), {
      socket: data.options.socket,
      remote: data.remote,
      data: bytes(3),
      droppable: false,
    })
    data.send(bytes(0xff, 0x00))
    const sent = bench.takeOne()
    assert.deepEqual([sent.socket, [...sent.data]], [socket, [0xff, 0x00]])
    bench.core.closed(socket)
    bench.pump()
    assert.ok(bench.closed.includes(data.options.socket ?? 0))
    assert.equal(bench.core.stats().peerConnections, 0)
  })

  it('closes the connection to the peer with that of the client', () => {
    const bench = new Bench(tcpRelay)
    const client = tcpAllocated(bench)
    const { socket, id } = askToConnect(client, peerAddress)
    bench.core.connected(socket, bench.now)
    bench.pump()
    const connectionId = client.response(id)?.attributes.connectionId ?? assert.fail()
    const data = dataConnection(client)
    data.ask(stunMethod.connectionBind, { connectionId })
    bench.core.closed(data.options.socket ?? 0)
    bench.pump()
    assert.ok(bench.closed.includes(socket))
    askToConnect(client, peerAddress)
    client.refresh({ lifetime: 0 })
    assert.equal(bench.core.stats().peerConnections, 0, 'and all of them with the allocation')
    assert.equal(bench.open.size, 0)
  })

  it('answers 447 where the peer does not take the connection, or not in time', () => {
    const bench = new Bench(tcpRelay)
    const client = tcpAllocated(bench)
    const refused = askToConnect(client, peerAddress)
    bench.core.closed(refused.socket)
    bench.pump()
    assert.equal(codeOf(client.response(refused.id)), 447)
    const silent = askToConnect(client, peerAddress)
    bench.advance(31_000)
    assert.equal(codeOf(client.response(silent.id)), 447)
    assert.ok(bench.closed.includes(silent.socket))
  })

  it('connects to no peer that it must not reach', () => {
    const bench = new Bench(tcpRelay)
    const client = tcpAllocated(bench)
    for (const address of ['127.0.0.1', '10.0.0.9', '203.0.113.1', '203.0.113.2', '169.254.169.254']) {
      assert.equal(codeOf(client.ask(stunMethod.connect, { xorPeerAddress: [at(address, 22)] })), 403, address)
    }
    assert.equal(codeOf(client.ask(stunMethod.connect, { xorPeerAddress: [at('2606:4700::1', 22)] })), 443)
    assert.equal(codeOf(client.ask(stunMethod.connect, {})), 400)
    assert.equal(codeOf(client.ask(stunMethod.connect, { xorPeerAddress: [{ ...peerAddress, port: 0 }] })), 400)
    assert.equal(bench.connects.length, 0)
    const other = tcpAllocated(bench)
    askToConnect(client, other.relay)
    const udp = allocated(bench)
    assert.equal(codeOf(client.ask(stunMethod.connect, { xorPeerAddress: [udp.relay] })), 403, 'that is no TCP port')
    assert.equal(codeOf(udp.ask(stunMethod.connect, { xorPeerAddress: [peerAddress] })), 400)
  })

  it('tells its client of peers with a permission, and turns others away', () => {
    const bench = new Bench(tcpRelay)
    const client = tcpAllocated(bench)
    const listener = bench.socketOf(client.relay)
    assert.equal(bench.core.peerArrived(listener, peerAddress, bench.now), undefined)
    client.permit(peerAddress)
    const socket = bench.core.peerArrived(listener, peerAddress, bench.now) ?? assert.fail()
    bench.pump()
    const indication = decodeMessage(bench.takeOne().data)
    assert.equal(indication?.method, stunMethod.connectionAttempt)
    assert.deepEqual(indication?.attributes.xorPeerAddress, [peerAddress])
    const connectionId = indication?.attributes.connectionId ?? assert.fail()
    const bob = connect(bench, { username: 'bob' })
    assert.equal(codeOf(bob.ask(stunMethod.connectionBind, { connectionId })), 441)
    const data = dataConnection(client)
    assert.equal(codeOf(data.ask(stunMethod.connectionBind, { connectionId: connectionId ^ 1 })), 400)
    assert.equal(codeOf(data.ask(stunMethod.connectionBind, {})), 400)
    assert.equal(codeOf(client.ask(stunMethod.connectionBind, { connectionId })), 400, 'not on a control connection')
    assert.equal(codeOf(new Client(bench).ask(stunMethod.connectionBind, { connectionId })), 400, 'not over UDP')
    assertSuccess(data.ask(stunMethod.connectionBind, { connectionId }))
    assert.equal(codeOf(dataConnection(client).ask(stunMethod.connectionBind, { connectionId })), 400, 'once only')
    data.send(bytes(5))
    assert.equal(bench.takeOne().socket, socket)
  })

  it('gives up a connection that is not bound within 30 seconds, or whose peer sends too much before', () => {
    const bench = new Bench(tcpRelay)
    const client = tcpAllocated(bench)
    client.permit(peerAddress)
    const listener = bench.socketOf(client.relay)
    const first = bench.core.peerArrived(listener, peerAddress, bench.now) ?? assert.fail()
    bench.advance(32_000)
    assert.ok(bench.closed.includes(first))
    const second = bench.core.peerArrived(listener, peerAddress, bench.now) ?? assert.fail()
    bench.receive(new Uint8Array(maxEarlyPeerBytes), peerAddress, second)
    assert.ok(!bench.closed.includes(second))
    bench.receive(bytes(1), peerAddress, second)
    assert.ok(bench.closed.includes(second))
  })

  it('has so many connections at one time', () => {
    const bench = new Bench({ tcpRelay: true, maxPeerConnections: 2 })
    const client = tcpAllocated(bench)
    client.permit(peerAddress)
    askToConnect(client, peerAddress)
    assert.ok(bench.core.peerArrived(bench.socketOf(client.relay), at('8.8.4.4', 1), bench.now) !== undefined)
    assert.equal(bench.core.peerArrived(bench.socketOf(client.relay), at('8.8.4.4', 2), bench.now), undefined)
    assert.equal(codeOf(client.ask(stunMethod.connect, { xorPeerAddress: [at('8.8.8.8', 3)] })), 508)
  })
})
