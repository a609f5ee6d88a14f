import assert from 'node:assert/strict'
import { createServer, type Socket } from 'node:net'
import type { TransportAddress } from '../../src/base/address.ts'
import type { Network } from '../../src/base/environment.ts'
import { createSystemEnvironment } from '../../src/net/system-environment.ts'
import { maxOpenAttempts, openLimitMs, SimultaneousTcpSocket } from '../../src/pc/gathering/simultaneous-tcp-socket.ts'
import { maxAttemptsPerAddress, maxTcpConnections } from '../../src/pc/gathering/tcp-candidate-socket.ts'
import { reconnectDelayMs, unprovenLimitMs } from '../../src/pc/gathering/tcp-peer.ts'
import { eventually } from '../net/support.ts'
import { VirtualTime } from '../sim/virtual-time.ts'
import { prng } from '../support/prng.ts'
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

const remote = peerAddress(7_000)

describe('the socket of a simultaneous-open candidate', () => {
  let time: VirtualTime
  let network: FakeNetwork
  let socket: SimultaneousTcpSocket
  let received: [data: number[], from: TransportAddress][]
  let unreachable: TransportAddress[]

  beforeEach(async () => {
    time = new VirtualTime()
    network = new FakeNetwork()
    received = []
    unreachable = []
    socket = (await open()) ?? assert.fail('it cannot be had')
    socket.attach({
      receive: (data, from) => received.push([[...data], from]),
      unreachable: peer => unreachable.push(peer),
    })
  })

  function open(random: { bytes(length: number): Uint8Array } = prng(7)): Promise<SimultaneousTcpSocket | undefined> {
    return SimultaneousTcpSocket.open(localAddress, 0, {
      network: network as Partial<Network> as Network,
      clock: time,
      timers: time,
      random: length => random.bytes(length),
    })
  }

  /** Virtual time passes, and promises settle in between. */
  async function pass(ms: number): Promise<void> {
    const end = time.now() + ms
    do {
      advance(time, Math.min(10, end - time.now()))
      await new Promise(resolve => setImmediate(resolve))
    } while (time.now() < end)
  }

  function latest(): FakeConnection {
    return network.opened.at(-1) ?? assert.fail('nothing was opened')
  }

  it('has a port that listens, and connects to nobody before there is something to send', () => {
    assert.equal(socket.local.address, localAddress)
    assert.ok(socket.local.port >= 50_000)
    assert.equal(network.isListening, true)
    assert.equal(network.opened.length, 0)
    assert.equal(time.next(), undefined)
  })

  it('connects from its port, which listens again while the connection is on its way', async () => {
    const { local } = socket
    socket.send(request, remote)
    assert.equal(network.isListening, false)
    assert.deepEqual(latest().options, { localAddress, localPort: local.port })
    await pass(0)
    assert.equal(network.isListening, true)
    assert.equal(socket.local, local)
    latest().connect()
    latest().deliver(success)
    socket.send(record, remote)
    assert.deepEqual(latest().written, framed(request, record))
    assert.deepEqual(received, [[[...success], remote]])
  })

  it('connects to several peers from the one port', async () => {
    const others = [1, 2, 3].map(port => peerAddress(port))
    for (const to of others) socket.send(request, to)
    await pass(20)
    assert.deepEqual(
      network.opened.map(({ remote: to, options }) => [to.port, options.localPort]),
      [1, 2, 3].map(port => [port, socket.local.port]),
    )
    assert.equal(network.isListening, true)
  })

  it('tries again when it is refused, ever less often, and in the end tells so', async () => {
    const begun: number[] = []
    socket.send(request, remote)
    for (let passed = 0; passed < 3 * openLimitMs && unreachable.length === 0; passed += 10) {
      if (network.opened.length > begun.length) {
        begun.push(time.now())
        latest().end('ECONNREFUSED')
      }
      await pass(10)
    }
    assert.deepEqual(unreachable, [remote])
    assert.ok(begun.length > 5 && begun.length <= maxOpenAttempts, `${begun.length} attempts`)
    assert.ok((begun.at(-1) ?? 0) <= openLimitMs + 10)
    assert.ok((begun[1] ?? 0) - (begun[0] ?? 0) < 200)
    const attempts = network.opened.length
    await pass(reconnectDelayMs)
    assert.equal(network.opened.length, attempts)
    assert.equal(network.isListening, true)
  })

  it('has a bounded number of attempts, however short the waits turn out', async () => {
    socket = (await open({ bytes: length => new Uint8Array(length) })) ?? assert.fail()
    socket.send(request, remote)
    for (let passed = 0; passed < openLimitMs; passed += 10) {
      await pass(10)
      const connection = latest()
      if (!connection.isClosed) connection.end('ECONNREFUSED')
      connection.isClosed = true
    }
    assert.equal(network.opened.length, maxOpenAttempts)
  })

  it('sends what waits on the attempt that succeeds', async () => {
    socket.send(request, remote)
    await pass(0)
    latest().end('ECONNREFUSED')
    await pass(200)
    assert.equal(network.opened.length, 2)
    latest().connect()
    assert.deepEqual(latest().written, framed(request))
  })

  it('sends it again where the connection ended before anything came: the other end was not listening any more', async () => {
    socket.send(request, remote)
    await pass(0)
    latest().connect()
    socket.send(record, remote)
    latest().handler?.receive(framed(success)[0]?.subarray(0, 3) ?? assert.fail())
    latest().end('ECONNRESET')
    assert.deepEqual(unreachable, [])
    await pass(200)
    assert.equal(network.opened.length, 2)
    latest().connect()
    assert.deepEqual(latest().written, framed(request, record))
    latest().deliver(success)
    assert.deepEqual(received, [[[...success], remote]])
    latest().end('ECONNRESET')
    await pass(openLimitMs)
    assert.equal(network.opened.length, 2)
  })

  it('gives a silent peer one attempt, however long the operating system tries', async () => {
    socket.send(request, remote)
    for (let passed = 0; passed < 15_000; passed += 1_000) {
      socket.send(request, remote)
      await pass(1_000)
    }
    latest().end('ETIMEDOUT')
    await pass(openLimitMs)
    assert.equal(network.opened.length, 1)
    assert.deepEqual(unreachable, [remote])
  })

  it('closes a peer that speaks something else, and does not try it again', async () => {
    socket.send(request, remote)
    await pass(0)
    latest().connect()
    latest().handler?.receive(Buffer.from('SSH-2.0-OpenSSH\r\n'.padEnd(30_000)))
    assert.equal(latest().isClosed, true)
    socket.send(request, remote)
    await pass(openLimitMs)
    assert.equal(network.opened.length, 1)
    assert.deepEqual([unreachable, received], [[remote], []])
  })

  it('takes the connection of a peer that was first, in place of its own attempt', async () => {
    socket.send(request, remote)
    await pass(0)
    latest().end('EADDRNOTAVAIL')
    const accepted = network.dial({ ...remote })
    assert.deepEqual(accepted.written, framed(request))
    const { listens } = network
    await pass(openLimitMs)
    assert.deepEqual([network.opened.length, network.listens], [1, listens])
    accepted.deliver(success, record)
    assert.deepEqual(received, [
      [[...success], remote],
      [[...record], remote],
    ])
    socket.send(record, remote)
    assert.deepEqual(accepted.written, framed(request, record))
  })

  it('takes connections of peers that it does not know yet, and connects again when they are lost', async () => {
    const accepted = network.dial(remote)
    accepted.deliver(request)
    socket.send(success, remote)
    assert.deepEqual(accepted.written, framed(success))
    accepted.end('ECONNRESET')
    assert.deepEqual(unreachable, [])
    await pass(reconnectDelayMs)
    socket.send(record, remote)
    latest().connect()
    assert.deepEqual(latest().written, framed(record))
  })

  it('closes strangers who prove nothing, and makes room for the latest of them', async () => {
    const strangers = Array.from({ length: maxTcpConnections + 3 }, (_, index) => network.dial(peerAddress(index + 1)))
    assert.equal(strangers.filter(({ isClosed }) => isClosed).length, 3)
    strangers.at(-2)?.end('ECONNRESET')
    const last = strangers.at(-1) ?? assert.fail()
    last.deliver(request)
    socket.send(errorResponse, last.remote)
    await pass(unprovenLimitMs + 2_000)
    strangers.splice(-2, 1)
    assert.ok(strangers.every(({ isClosed }) => isClosed))
    assert.deepEqual(unreachable, [])
  })

  it('has no more attempts at a time to one IP address than it may, those that wait for the next included', async () => {
    for (let port = 1; port <= maxAttemptsPerAddress + 3; port++) socket.send(request, peerAddress(port))
    await pass(0)
    for (const connection of [...network.opened]) connection.end('ECONNREFUSED')
    for (let port = 1; port <= maxAttemptsPerAddress + 3; port++) socket.send(request, peerAddress(port))
    await pass(150)
    assert.equal(new Set(network.opened.map(({ remote: { port } }) => port)).size, maxAttemptsPerAddress)
    socket.send(request, peerAddress(1, '2001:db8::1'))
    assert.ok(network.opened.every(({ remote: { family } }) => family === 4))
  })

  it('is silent after it was closed, whatever was on its way', async () => {
    socket.send(request, remote)
    await pass(0)
    latest().end('ECONNREFUSED')
    socket.send(request, peerAddress(2))
    const { listens } = network
    socket.close()
    assert.equal(latest().isClosed, true)
    socket.send(request, remote)
    await pass(20)
    assert.deepEqual([network.opened.length, network.isListening, unreachable], [2, false, []])
    assert.equal(network.listens, listens)
    assert.equal(time.next(), undefined)
  })

  it('does not go on listening where it was closed just as it began to', async () => {
    socket.send(request, remote)
    advance(time, 0)
    assert.equal(network.isListening, true)
    socket.close()
    await pass(20)
    assert.equal(network.isListening, false)
  })

  it('cannot be had where a port does not listen besides connections that were opened from it', async () => {
    network = new FakeNetwork()
    network.sharesPorts = false
    assert.equal(await open(), undefined)
    assert.equal(network.isListening, false)
    network.sharesPorts = true
    assert.notEqual(await open(), undefined)
  })
})

describe('simultaneous open on this host', () => {
  const environment = createSystemEnvironment()
  const sockets: SimultaneousTcpSocket[] = []

  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.close()
  })

  /** Answers requests, as ICE does. */
  async function peer(
    context: Mocha.Context,
  ): Promise<{ socket: SimultaneousTcpSocket; got: number[][]; lost: number }> {
    const socket = await SimultaneousTcpSocket.open('127.0.0.1', 0, environment)
    if (socket === undefined) {
      assert.notEqual(process.platform, 'linux')
      return context.skip()
    }
    sockets.push(socket)
    const seen = { socket, got: [] as number[][], lost: 0 }
    socket.attach({
      receive: (data, from) => {
        seen.got.push([...data])
        if (data[0] === 0) socket.send(success, from)
      },
      unreachable: () => {
        seen.lost++
      },
    })
    return seen
  }

  it('connects two ends that begin at the same time, or one after the other', async function () {
    for (const delayMs of [0, 0, 0, 0, 1, 1, 2, 5, 20]) {
      const [a, b] = [await peer(this), await peer(this)]
      a.socket.send(request, b.socket.local)
      if (delayMs > 0) await new Promise(resolve => setTimeout(resolve, delayMs))
      b.socket.send(request, a.socket.local)
      await eventually(() => [a, b].every(({ got }) => got.some(([first]) => first === 1)))
      a.socket.send(record, b.socket.local)
      await eventually(() => b.got.some(([first]) => first === 22))
      assert.deepEqual([a.lost, b.lost], [0, 0])
    }
  })

  it('reaches five peers from one port', async function () {
    const hub = await peer(this)
    const spokes = await Promise.all(Array.from({ length: 5 }, () => peer(this)))
    for (const { socket } of spokes) {
      hub.socket.send(request, socket.local)
      socket.send(request, hub.socket.local)
    }
    await eventually(() => spokes.every(({ got }) => got.some(([first]) => first === 1)))
    await eventually(() => hub.got.filter(([first]) => first === 1).length === 5)
  })

  it('reaches a peer that was not there at first', async function () {
    const { socket, got } = await peer(this)
    const connections: Socket[] = []
    const server = createServer(connection => {
      connections.push(connection.on('error', () => {}))
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const bound = server.address()
    assert.ok(typeof bound === 'object' && bound !== null)
    await new Promise(resolve => server.close(resolve))
    const to: TransportAddress = { address: '127.0.0.1', port: bound.port, family: 4 }
    socket.send(request, to)
    await new Promise(resolve => setTimeout(resolve, 300))
    // Refused so far; now it is there.
    await new Promise<void>(resolve => server.listen(bound.port, '127.0.0.1', resolve))
    await eventually(() => connections.length === 1)
    for (const connection of connections) connection.write(framed(success)[0] ?? '')
    await eventually(() => got.length === 1)
    for (const connection of connections) connection.destroy()
    await new Promise(resolve => server.close(resolve))
  })
})
