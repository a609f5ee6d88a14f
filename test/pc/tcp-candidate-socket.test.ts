import assert from 'node:assert/strict'
import type { TransportAddress } from '../../src/base/address.ts'
import type { Network } from '../../src/base/environment.ts'
import { frame } from '../../src/ice/tcp-framing.ts'
import { createSystemEnvironment } from '../../src/net/system-environment.ts'
import { ActiveTcpSocket } from '../../src/pc/gathering/active-tcp-socket.ts'
import { portAcceptLimits } from '../../src/pc/gathering/ice-port.ts'
import { PassiveTcpSocket } from '../../src/pc/gathering/passive-tcp-socket.ts'
import {
  maxAttemptsPerAddress,
  maxTcpConnections,
  sweepIntervalMs,
} from '../../src/pc/gathering/tcp-candidate-socket.ts'
import {
  idleLimitMs,
  maxTcpBacklog,
  maxUnprovenBytes,
  maxWaitingDatagrams,
  reconnectDelayMs,
  unprovenLimitMs,
} from '../../src/pc/gathering/tcp-peer.ts'
import { eventually } from '../net/support.ts'
import { VirtualTime } from '../sim/virtual-time.ts'
import {
  advance,
  errorResponse,
  type FakeConnection,
  FakeNetwork,
  framed,
  localAddress,
  peerAddress,
  record,
  request,
  success,
} from './tcp-fakes.ts'

const remote = peerAddress(1)

describe('the socket of a TCP candidate', () => {
  let time: VirtualTime
  let network: FakeNetwork
  let received: [data: number[], from: TransportAddress][]
  let unreachable: TransportAddress[]

  beforeEach(() => {
    time = new VirtualTime()
    network = new FakeNetwork()
    received = []
    unreachable = []
  })

  function options(): { network: Network; clock: VirtualTime; timers: VirtualTime } {
    return { network: network as Partial<Network> as Network, clock: time, timers: time }
  }

  function attach<Socket extends ActiveTcpSocket | PassiveTcpSocket>(socket: Socket): Socket {
    socket.attach({
      receive: (data, from, via) => {
        assert.equal(via, socket)
        received.push([[...data], from])
      },
      unreachable: (peer, via) => {
        assert.equal(via, socket)
        unreachable.push(peer)
      },
    })
    return socket
  }

  describe('active', () => {
    let socket: ActiveTcpSocket

    beforeEach(() => {
      socket = attach(new ActiveTcpSocket(localAddress, options()))
    })

    function connected(to = remote): FakeConnection {
      socket.send(request, to)
      const connection = network.opened.at(-1) ?? assert.fail('nothing was opened')
      connection.connect()
      connection.deliver(success)
      return connection
    }

    it('has the discard port, and opens nothing before there is something to send', () => {
      assert.deepEqual(socket.local, { address: localAddress, port: 9, family: 4 })
      assert.equal(network.opened.length, 0)
      assert.equal(time.next(), undefined)
    })

    it('connects from its address and sends the first datagram when it is connected', () => {
      socket.send(request, remote)
      const [connection = assert.fail()] = network.opened
      assert.equal(connection.remote, remote)
      assert.deepEqual(connection.options, { localAddress })
      assert.deepEqual(connection.written, [])
      connection.connect()
      assert.deepEqual(connection.written, framed(request))
    })

    it('uses the connection of a peer for all that goes there, and tells what comes with the address it was given', () => {
      const connection = connected()
      socket.send(record, remote)
      socket.send(record, { ...remote })
      assert.equal(network.opened.length, 1)
      assert.deepEqual(connection.written, framed(request, record, record))
      connection.deliver(record, new Uint8Array(0), request)
      assert.deepEqual(
        received.map(([data]) => data),
        [success, record, request].map(data => [...data]),
      )
      assert.ok(received.every(([, from]) => from === remote))
    })

    it('puts datagrams together from whatever pieces they come in', () => {
      const connection = connected()
      for (const byte of [...frame(record), ...frame(request)]) connection.handler?.receive(Uint8Array.of(byte))
      assert.deepEqual(
        received.slice(1).map(([data]) => data),
        [[...record], [...request]],
      )
    })

    it('keeps the latest few datagrams until it is connected', () => {
      for (let i = 0; i < maxWaitingDatagrams + 3; i++) socket.send(Uint8Array.of(0, 1, i), remote)
      const [connection = assert.fail()] = network.opened
      connection.connect()
      assert.equal(network.opened.length, 1)
      assert.deepEqual(
        connection.written.map(data => data.at(-1)),
        Array.from({ length: maxWaitingDatagrams }, (_, i) => i + 3),
      )
    })

    it('drops what a connection cannot take', () => {
      const connection = connected()
      connection.bufferedBytes = maxTcpBacklog + 1
      socket.send(record, remote)
      connection.bufferedBytes = maxTcpBacklog
      socket.send(record, remote)
      socket.send(new Uint8Array(0x10000), remote)
      assert.deepEqual(connection.written, framed(request, record))
    })

    it('tells that a peer does not accept, and tries it again no sooner than after a while', () => {
      socket.send(request, remote)
      network.opened[0]?.end('ECONNREFUSED')
      assert.deepEqual(unreachable, [remote])
      for (let passed = 0; passed < reconnectDelayMs; passed += 50) {
        socket.send(request, remote)
        advance(time, 50)
      }
      assert.equal(network.opened.length, 1)
      socket.send(request, remote)
      assert.equal(network.opened.length, 2)
    })

    it('tells that a peer closes without a word, or speaks something else than STUN first', () => {
      socket.send(request, remote)
      network.opened[0]?.connect()
      network.opened[0]?.end()
      const other = peerAddress(2)
      socket.send(request, other)
      network.opened[1]?.connect()
      network.opened[1]?.handler?.receive(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'.padEnd(30_000)))
      assert.deepEqual(unreachable, [remote, other])
      assert.equal(network.opened[1]?.isClosed, true)
      assert.deepEqual(received, [])
    })

    it('connects again when a connection that was of use is lost', () => {
      const connection = connected()
      advance(time, 5_000)
      connection.end('ECONNRESET')
      assert.deepEqual(unreachable, [])
      socket.send(record, remote)
      assert.equal(network.opened.length, 2)
      network.opened[1]?.connect()
      assert.deepEqual(network.opened[1]?.written, framed(record))
    })

    it('has no more attempts at a time to one IP address than it may', () => {
      for (let port = 1; port <= maxAttemptsPerAddress + 1; port++) socket.send(request, peerAddress(port))
      assert.equal(network.opened.length, maxAttemptsPerAddress)
      socket.send(request, peerAddress(1, '198.51.100.2'))
      assert.equal(network.opened.length, maxAttemptsPerAddress + 1)
      network.opened[0]?.connect()
      socket.send(request, peerAddress(maxAttemptsPerAddress + 1))
      assert.equal(network.opened.length, maxAttemptsPerAddress + 2)
    })

    it('has a bounded number of connections, with those that are gone making room', () => {
      for (let port = 1; port <= maxTcpConnections + 1; port++) connectedOrNot(peerAddress(port))
      assert.equal(network.opened.length, maxTcpConnections)
      network.opened[0]?.end()
      advance(time, sweepIntervalMs)
      connectedOrNot(peerAddress(maxTcpConnections + 1))
      assert.equal(network.opened.length, maxTcpConnections + 1)
    })

    function connectedOrNot(to: TransportAddress): void {
      socket.send(request, to)
      for (const connection of network.opened) connection.connect()
      for (const connection of network.opened) connection.deliver(success)
    }

    it('opens nothing to addresses of the other family', () => {
      socket.send(request, peerAddress(1, '2001:db8::1'))
      assert.equal(network.opened.length, 0)
    })

    it('closes a connection that nobody uses, and then looks no more', () => {
      const [idle, busy] = [connected(), connected(peerAddress(2))]
      for (let passed = 0; passed <= idleLimitMs; passed += 5_000) {
        socket.send(request, peerAddress(2))
        advance(time, 5_000)
      }
      assert.deepEqual([idle.isClosed, busy.isClosed], [true, false])
      advance(time, idleLimitMs + 2 * sweepIntervalMs)
      assert.equal(busy.isClosed, true)
      assert.equal(time.next(), undefined)
      assert.deepEqual(unreachable, [])
    })

    it('is silent after it was closed', () => {
      const connection = connected()
      socket.close()
      socket.close()
      connection.handler?.receive(frame(record))
      connection.end('ECONNRESET')
      socket.send(request, remote)
      assert.equal(connection.isClosed, true)
      assert.deepEqual([network.opened.length, received.length, unreachable], [1, 1, []])
      assert.equal(time.next(), undefined)
    })

    it('may be closed by whom it tells of a datagram', () => {
      socket.attach({ receive: () => socket.close(), unreachable: () => assert.fail() })
      const connection = connected()
      assert.equal(connection.isClosed, true)
      connection.handler?.receive(Buffer.concat([frame(request), frame(request)]))
    })
  })

  describe('passive', () => {
    let socket: PassiveTcpSocket

    beforeEach(async () => {
      socket = attach(await PassiveTcpSocket.listen(localAddress, 0, options()))
    })

    /** A peer that has connected and whose check was answered. */
    function proven(from: TransportAddress): FakeConnection {
      const connection = network.dial(from)
      connection.deliver(request)
      socket.send(success, from)
      return connection
    }

    it('has the address that it listens on', () => {
      assert.deepEqual(socket.local, peerAddress(50_000, localAddress))
    })

    it('takes datagrams of peers that connect, and answers them there', () => {
      const connection = proven(remote)
      connection.deliver(record)
      socket.send(record, { ...remote })
      assert.deepEqual(received, [
        [[...request], remote],
        [[...record], remote],
      ])
      assert.equal(received[0]?.[1], remote)
      assert.deepEqual(connection.written, framed(success, record))
    })

    it('connects to nobody', () => {
      socket.send(request, remote)
      assert.equal(network.opened.length, 0)
    })

    it('closes those that do not prove themselves in time, silent ones and those that are answered by errors', () => {
      const silent = network.dial(peerAddress(1))
      const stranger = network.dial(peerAddress(2))
      const half = network.dial(peerAddress(3))
      half.handler?.receive(frame(request).subarray(0, 4))
      const peer = proven(peerAddress(4))
      for (let passed = 0; passed < unprovenLimitMs; passed += 1_000) {
        stranger.deliver(request)
        socket.send(errorResponse, peerAddress(2))
        advance(time, 1_000)
      }
      advance(time, sweepIntervalMs)
      assert.deepEqual(
        [silent, stranger, half, peer].map(one => one.isClosed),
        [true, true, true, false],
      )
      assert.deepEqual(unreachable, [])
    })

    it('closes a stranger that sends much, or anything but STUN', () => {
      const flood = network.dial(peerAddress(1))
      for (let i = 0; i < 100; i++) flood.deliver(Uint8Array.from([0, 1, ...new Uint8Array(maxUnprovenBytes / 50)]))
      assert.equal(flood.isClosed, true)
      assert.ok(received.length <= 50)
      received = []
      const other = network.dial(peerAddress(2))
      other.deliver(record)
      assert.equal(other.isClosed, true)
      assert.deepEqual(received, [])
    })

    it('lets a proven peer send as much as it likes', () => {
      const connection = proven(remote)
      for (let i = 0; i < 100; i++) connection.deliver(new Uint8Array(1_000).fill(22))
      assert.equal(received.length, 101)
    })

    it('makes room for the latest by closing the oldest stranger, never a proven peer', () => {
      const peers = Array.from({ length: maxTcpConnections - 1 }, (_, i) => proven(peerAddress(i + 1)))
      const strangers = Array.from({ length: 3 }, (_, i) => network.dial(peerAddress(10_000 + i)))
      assert.ok(peers.every(peer => !peer.isClosed))
      assert.deepEqual(
        strangers.map(one => one.isClosed),
        [true, true, false],
      )
      strangers[2]?.deliver(request)
      socket.send(success, peerAddress(10_002))
      const late = network.dial(peerAddress(20_000))
      assert.equal(late.isClosed, true)
      assert.equal(strangers[2]?.isClosed, false)
    })

    it('takes as many peers of a shared port as it is told to, and few strangers among them', async () => {
      const { connections, strangers } = portAcceptLimits
      assert.ok(strangers < connections / 4)
      socket = attach(await PassiveTcpSocket.listen(localAddress, 0, options(), portAcceptLimits))
      const unproven = Array.from({ length: strangers + 5 }, (_, i) => network.dial(peerAddress(30_000 + i)))
      assert.deepEqual(
        unproven.map(({ isClosed }) => isClosed),
        unproven.map((_, i) => i < 5),
      )
      const peers = Array.from({ length: connections - 1 }, (_, i) => proven(peerAddress(i + 1)))
      network.dial(peerAddress(20_001)).end()
      peers.push(proven(peerAddress(20_002)))
      assert.ok(peers.every(({ isClosed }) => !isClosed))
      assert.ok(unproven.every(({ isClosed }) => isClosed))
      assert.equal(network.dial(peerAddress(20_000)).isClosed, true)
    })

    it('tells that a peer is gone: it will come from another port', () => {
      const connection = proven(remote)
      network.dial(peerAddress(2)).end()
      connection.end()
      assert.deepEqual(unreachable, [remote])
      socket.send(record, remote)
      assert.deepEqual(connection.written, framed(success))
    })

    it('takes a new connection from the same port in place of the old one', () => {
      const old = proven(remote)
      const again = network.dial({ ...remote })
      assert.equal(old.isClosed, true)
      again.deliver(request)
      socket.send(success, remote)
      socket.send(record, { ...remote })
      assert.deepEqual(again.written, framed(success, record))
      old.end()
      socket.send(record, remote)
      assert.equal(again.written.length, 3)
    })

    it('closes a proven connection that nobody uses', () => {
      const connection = proven(remote)
      advance(time, idleLimitMs + 2 * sweepIntervalMs)
      assert.equal(connection.isClosed, true)
      assert.equal(time.next(), undefined)
    })

    it('stops listening and closes all when it is closed', () => {
      const connection = proven(remote)
      socket.close()
      assert.deepEqual([connection.isClosed, network.isListening], [true, false])
      assert.equal(network.dial(peerAddress(2)).isClosed, true)
      assert.equal(time.next(), undefined)
    })
  })

  it('carries datagrams over the TCP of this host, both ways', async () => {
    const system = createSystemEnvironment()
    const passive = attach(await PassiveTcpSocket.listen('127.0.0.1', 0, system))
    const active = attach(new ActiveTcpSocket('127.0.0.1', system))
    try {
      active.send(request, passive.local)
      await eventually(() => received.length === 1)
      const from = received[0]?.[1] ?? assert.fail()
      passive.send(success, from)
      for (let i = 0; i < 100; i++) passive.send(new Uint8Array(1_200).fill(22), from)
      await eventually(() => received.length === 102)
      active.send(record, passive.local)
      await eventually(() => received.length === 103)
      assert.equal(received[102]?.[1], from)
      assert.ok(received.slice(1, 102).every(([, via]) => via === passive.local))
      passive.close()
      active.send(record, { ...passive.local, port: 9 })
      await eventually(() => unreachable.length === 1)
    } finally {
      active.close()
      passive.close()
    }
  })
})
