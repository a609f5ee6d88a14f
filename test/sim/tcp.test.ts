import assert from 'node:assert/strict'
import type { TransportAddress } from '../../src/base/address.ts'
import type {
  TcpConnection,
  TcpConnectOptions,
  TcpFailure,
  TcpHandler,
  TcpListener,
} from '../../src/base/environment.ts'
import { prng } from '../support/prng.ts'
import type { LinkConditions } from './link.ts'
import { fullCone, type NatBehavior } from './nat.ts'
import { simCertificate } from './tls.ts'
import { Simulation } from './virtual-environment.ts'

/** What one end of a connection was told. */
class End implements TcpHandler {
  readonly chunks: Uint8Array[] = []
  isConnected = false
  hasEnded = false
  failure: TcpFailure | undefined

  connected(): void {
    this.isConnected = true
  }

  receive(data: Uint8Array): void {
    assert.ok(!this.hasEnded, 'nothing comes after the end')
    assert.ok(data.length > 0)
    this.chunks.push(data)
  }

  closed(failure?: TcpFailure): void {
    assert.ok(!this.hasEnded, 'it ends once')
    this.hasEnded = true
    this.failure = failure
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks)
  }
}

interface World {
  readonly sim: Simulation
  readonly server: { end: End; connection: TcpConnection }[]
  readonly listener: TcpListener
  connect(options?: TcpConnectOptions, to?: TransportAddress): { end: End; connection: TcpConnection }
}

interface WorldOptions {
  readonly seed?: number
  readonly conditions?: Partial<LinkConditions>
  readonly behind?: NatBehavior
  readonly certificate?: string
}

async function world(options: WorldOptions = {}): Promise<World> {
  const sim = new Simulation(options.seed ?? 1)
  sim.network.setConditions(options.conditions ?? {})
  const nat = options.behind && sim.nat('nat', options.behind, { addresses: ['203.0.113.1'] })
  const client = sim.host('client', ['192.168.1.2'], nat === undefined ? {} : { behind: nat })
  const server: World['server'] = []
  const listener = await sim.host('server', ['192.0.2.1']).network.listenTcp(
    '192.0.2.1',
    443,
    connection => {
      const end = new End()
      server.push({ end, connection })
      return end
    },
    options.certificate === undefined ? {} : { tls: { certificate: options.certificate, key: '' } },
  )
  return {
    sim,
    server,
    listener,
    connect: (connectOptions, to = listener.local) => {
      const end = new End()
      return { end, connection: client.network.connectTcp(to, end, connectOptions) }
    },
  }
}

describe('simulated TCP', () => {
  it('connects, and tells both ends who the other is', async () => {
    const { sim, server, listener, connect } = await world()
    const { end, connection } = connect()
    assert.deepEqual(connection.local, { address: '0.0.0.0', port: 0, family: 4 })
    assert.equal(await sim.run(() => end.isConnected), true)
    assert.equal(connection.local.address, '192.168.1.2')
    assert.deepEqual(connection.remote, listener.local)
    assert.deepEqual(server[0]?.connection.remote, connection.local)
    assert.deepEqual(server[0]?.connection.local, listener.local)
  })

  it('brings bytes both ways in order, in pieces of every size, over a bad link', async () => {
    const sizes = new Set<number>()
    for (let seed = 1; seed <= 10; seed++) {
      const conditions = { loss: 0.2, duplicate: 0.1, corrupt: 0.1, reorder: 0.2, delayMs: 10, jitterMs: 10 }
      const { sim, server, connect } = await world({ seed, conditions, behind: fullCone })
      const random = prng(seed)
      const { end, connection } = connect()
      const messages = Array.from({ length: 40 }, () => random.bytes(1 + (random.next() % 500)))
      for (const message of messages) connection.write(message)
      await sim.run(() => server.length === 1)
      for (const message of messages) server[0]?.connection.write(message)
      await sim.runFor(60_000)
      const expected = Buffer.concat(messages)
      assert.ok(server[0]?.end.bytes.equals(expected), `seed ${seed}: to the server`)
      assert.ok(end.bytes.equals(expected), `seed ${seed}: to the client`)
      for (const { length } of [...end.chunks, ...(server[0]?.end.chunks ?? [])]) sizes.add(length)
    }
    assert.ok(sizes.has(1), 'single bytes')
    assert.ok(Math.max(...sizes) > 500, 'several messages in one piece')
  })

  it('takes pieces of a stream at the same times for the same seed', async () => {
    const run = async (seed: number): Promise<unknown> => {
      const { sim, server, connect } = await world({ seed, conditions: { loss: 0.1, jitterMs: 5 } })
      const { connection } = connect()
      for (let i = 0; i < 50; i++) connection.write(new Uint8Array(100))
      await sim.runFor(60_000)
      return [server[0]?.end.chunks.map(chunk => chunk.length), sim.network.counters]
    }
    assert.deepEqual(await run(5), await run(5))
    assert.notDeepEqual(await run(5), await run(6))
  })

  it('is refused where nobody listens', async () => {
    const { sim, connect, listener } = await world()
    const { end } = connect({}, { ...listener.local, port: 444 })
    await sim.run(() => end.hasEnded)
    assert.equal(end.failure?.code, 'ECONNREFUSED')
    assert.ok(sim.now < 10)
  })

  it('waits long for a host that does not answer', async () => {
    const { sim, connect, listener } = await world()
    const { end } = connect({}, { ...listener.local, address: '192.0.2.99' })
    await sim.run(100_000)
    assert.equal(end.hasEnded, false)
    await sim.run(() => end.hasEnded, 100_000)
    assert.equal(end.failure?.code, 'ETIMEDOUT')
  })

  it('waits long for an answer that never gets through', async () => {
    const { sim, connect, server } = await world()
    sim.network.setLink('server', 'client', { loss: 1 })
    const { end } = connect()
    await sim.run(() => end.hasEnded, 200_000)
    assert.equal(end.failure?.code, 'ETIMEDOUT')
    assert.equal(server[0]?.end.failure?.code, 'ETIMEDOUT')
  })

  it('gives up when a link has died under it, after a while', async () => {
    const { sim, connect, server } = await world()
    const { end, connection } = connect()
    await sim.run(() => end.isConnected)
    sim.network.setDown('server')
    connection.write(Uint8Array.of(1))
    await sim.runFor(30_000)
    assert.equal(end.hasEnded, false)
    await sim.runFor(60_000)
    assert.equal(end.failure?.code, 'ETIMEDOUT')
    assert.equal(server[0]?.end.hasEnded, false)
  })

  it('survives a link that comes back', async () => {
    const { sim, connect, server } = await world()
    const { end, connection } = connect()
    await sim.run(() => end.isConnected)
    sim.network.setDown('server')
    for (const byte of [1, 2, 3]) connection.write(Uint8Array.of(byte))
    await sim.runFor(5_000)
    sim.network.setDown('server', false)
    await sim.runFor(15_000)
    assert.deepEqual([...(server[0]?.end.bytes ?? [])], [1, 2, 3])
  })

  it('keeps the order of what was under way when the other end went down', async () => {
    const { sim, connect, server } = await world({ conditions: { delayMs: 10 } })
    const { end, connection } = connect()
    await sim.run(() => end.isConnected)
    for (let byte = 0; byte < 20; byte++) {
      connection.write(Uint8Array.of(byte))
      await sim.runFor(1)
      sim.network.setDown('server', byte % 8 === 5)
    }
    await sim.runFor(60_000)
    assert.deepEqual([...(server[0]?.end.bytes ?? [])], [...Array(20).keys()])
  })

  it('lives as long as something gets through now and then', async () => {
    const { sim, connect, server } = await world()
    const { end, connection } = connect()
    await sim.run(() => end.isConnected)
    for (let round = 0; round < 10; round++) {
      sim.network.setDown('server')
      connection.write(Uint8Array.of(round))
      await sim.runFor(8_000)
      sim.network.setDown('server', false)
      await sim.runFor(12_000)
    }
    assert.deepEqual([end.hasEnded, server[0]?.end.bytes.length], [false, 10])
  })

  it('delivers what was written before it was closed', async () => {
    const { sim, connect, server } = await world({ conditions: { loss: 0.3 } })
    const { end, connection } = connect()
    await sim.run(() => end.isConnected)
    connection.write(new Uint8Array(5000))
    connection.close()
    connection.write(Uint8Array.of(9))
    await sim.runFor(5_000)
    assert.equal(server[0]?.end.bytes.length, 5000)
    assert.equal(server[0]?.end.hasEnded, true)
    assert.equal(server[0]?.end.failure, undefined)
    assert.equal(end.hasEnded, false)
  })

  it('tells nothing after close, not even that it could connect', async () => {
    const { sim, connect, server } = await world()
    const { end, connection } = connect()
    connection.close()
    await sim.runFor(1_000)
    assert.deepEqual([end.isConnected, end.hasEnded, server.length], [false, false, 0])
  })

  it('goes out through a NAT, and is not let in', async () => {
    const { sim, connect, server } = await world({ behind: fullCone })
    const { end } = connect()
    await sim.run(() => end.isConnected)
    const seen = server[0]?.connection.remote
    assert.equal(seen?.address, '203.0.113.1')
    const back = new End()
    sim.host('other', ['192.0.2.9']).network.connectTcp(seen, back)
    await sim.runFor(10_000)
    assert.deepEqual([back.isConnected, back.hasEnded], [false, false])
  })

  it('is let in where a port is forwarded', async () => {
    const sim = new Simulation(1)
    const nat = sim.nat('nat', fullCone, { addresses: ['203.0.113.1'] })
    const inner = sim.host('inner', ['192.168.1.2'], { behind: nat })
    const listener = await inner.network.listenTcp('192.168.1.2', 0, () => new End())
    nat.forward('tcp', 8000, listener.local)
    const end = new End()
    sim.host('other', ['192.0.2.9']).network.connectTcp({ address: '203.0.113.1', port: 8000, family: 4 }, end)
    await sim.run(() => end.isConnected)
    assert.equal(end.isConnected, true)
  })

  it('is reset when the NAT has forgotten it', async () => {
    const sim = new Simulation(1)
    const nat = sim.nat('nat', fullCone, { addresses: ['203.0.113.1'] })
    const server = sim.host('server', ['192.0.2.1'])
    const listener = await server.network.listenTcp('192.0.2.1', 443, () => new End())
    const end = new End()
    const connection = sim
      .host('client', ['192.168.1.2'], { behind: nat })
      .network.connectTcp(listener.local, end, { localPort: 5000 })
    await sim.run(() => end.isConnected)
    nat.rebind()
    connection.write(Uint8Array.of(1))
    await sim.runFor(1_000)
    assert.equal(end.failure?.code, 'ECONNRESET')
  })

  it('reaches only the ports that a firewall lets out', async () => {
    const { sim, connect, listener } = await world({ behind: { ...fullCone, tcpPorts: [443] } })
    const { end } = connect()
    const other = connect({}, { ...listener.local, port: 3478 })
    await sim.runFor(5_000)
    assert.equal(end.isConnected, true)
    assert.deepEqual([other.end.isConnected, other.end.hasEnded], [false, false])
  })

  it('counts what waits to be sent', async () => {
    const { sim, connect } = await world({ conditions: { bytesPerMs: 100 } })
    const { end, connection } = connect()
    connection.write(new Uint8Array(1000))
    assert.equal(connection.bufferedBytes, 1000)
    await sim.run(() => end.isConnected)
    assert.equal(connection.bufferedBytes, 0)
    for (let i = 0; i < 100; i++) connection.write(new Uint8Array(1000))
    assert.ok(connection.bufferedBytes > 30_000, `${connection.bufferedBytes}`)
    await sim.runFor(1_100)
    assert.equal(connection.bufferedBytes, 0)
  })

  it('uses the local endpoint it was told to, once', async () => {
    const { sim, connect } = await world()
    const first = connect({ localAddress: '192.168.1.2', localPort: 6000 })
    const second = connect({ localAddress: '192.168.1.2', localPort: 6000 })
    const third = connect({ localAddress: '192.168.1.77' })
    await sim.runFor(100)
    assert.equal(first.connection.local.port, 6000)
    assert.equal(second.end.failure?.code, 'EADDRINUSE')
    assert.equal(third.end.failure?.code, 'EADDRNOTAVAIL')
  })

  it('connects both who ask each other at the same time, once, from ports that listen again meanwhile', async () => {
    const sim = new Simulation(5)
    sim.network.setConditions({ delayMs: 30 })
    const hosts = ['192.0.2.1', '192.0.2.2'].map(address => ({ address, ...sim.host(address, [address]) }))
    const ends: [End, End] = [new End(), new End()]
    const refuse = (): TcpHandler => assert.fail('a second connection')
    const connections = await Promise.all(
      hosts.map(async ({ address, network }, index) => {
        const to: TransportAddress = { address: hosts[1 - index]?.address ?? '', port: 7_000, family: 4 }
        const options = { localAddress: address, localPort: 7_000 }
        const connection = network.connectTcp(to, ends[index] ?? assert.fail(), options)
        connection.write(Uint8Array.of(index))
        sim.time.set(1, () => void network.listenTcp(address, 7_000, refuse))
        return connection
      }),
    )
    await sim.runFor(1_000)
    assert.deepEqual(
      ends.map(({ isConnected, bytes }) => [isConnected, [...bytes]]),
      [
        [true, [1]],
        [true, [0]],
      ],
    )
    for (const connection of connections) connection.close()
  })

  it('takes no more connections when the listener is closed, and keeps those that are', async () => {
    const { sim, connect, listener, server } = await world()
    const first = connect()
    await sim.run(() => first.end.isConnected)
    listener.close()
    const second = connect()
    first.connection.write(Uint8Array.of(7))
    await sim.runFor(100)
    assert.equal(second.end.failure?.code, 'ECONNREFUSED')
    assert.deepEqual([...(server[0]?.end.bytes ?? [])], [7])
  })
})

describe('simulated TLS', () => {
  const names = ['turn.example', '192.0.2.1']

  it('connects to the server that it names', async () => {
    for (const serverName of names) {
      const { sim, connect, server } = await world({ certificate: simCertificate({ names }) })
      const { end, connection } = connect({ tls: { serverName } })
      connection.write(Uint8Array.of(1, 2, 3))
      await sim.runFor(100)
      assert.equal(end.isConnected, true)
      server[0]?.connection.write(Uint8Array.of(4, 5))
      await sim.runFor(100)
      assert.deepEqual([...(server[0]?.end.bytes ?? [])], [1, 2, 3])
      assert.deepEqual([...end.bytes], [4, 5])
    }
  })

  const bad = [
    { code: 'ERR_TLS_CERT_ALTNAME_INVALID', certificate: simCertificate({ names: ['other.example'] }) },
    { code: 'DEPTH_ZERO_SELF_SIGNED_CERT', certificate: simCertificate({ names, isSelfSigned: true }) },
    { code: 'CERT_HAS_EXPIRED', certificate: simCertificate({ names, isExpired: true }) },
  ]
  for (const { code, certificate } of bad) {
    it(`refuses a server: ${code}`, async () => {
      const { sim, connect } = await world({ certificate })
      const { end } = connect({ tls: { serverName: 'turn.example' } })
      await sim.runFor(100)
      assert.equal(end.isConnected, false)
      assert.equal(end.failure?.code, code)
    })
  }

  it('trusts a self-signed certificate that it was given', async () => {
    const certificate = simCertificate({ names, isSelfSigned: true })
    const { sim, connect } = await world({ certificate })
    const { end } = connect({ tls: { serverName: 'turn.example', ca: certificate } })
    await sim.runFor(100)
    assert.equal(end.isConnected, true)
  })

  it('fails where one end speaks TLS and the other does not', async () => {
    const plain = await world()
    const { end } = plain.connect({ tls: { serverName: 'turn.example' } })
    await plain.sim.run(() => plain.server.length === 1)
    plain.server[0]?.connection.write(Uint8Array.of(1, 1))
    await plain.sim.runFor(100)
    assert.equal(end.failure?.code, 'ERR_SSL_WRONG_VERSION_NUMBER')
    const secured = await world({ certificate: simCertificate({ names }) })
    const other = secured.connect()
    other.connection.write(Uint8Array.of(0, 1))
    await secured.sim.runFor(100)
    assert.equal(other.end.hasEnded, true)
    assert.equal(secured.server.length, 0)
  })
})
