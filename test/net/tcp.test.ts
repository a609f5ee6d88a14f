import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import { mock } from 'node:test'
import { promisify } from 'node:util'
import type { TransportAddress } from '../../src/base/address.ts'
import type { TcpConnectOptions, TcpListener } from '../../src/base/environment.ts'
import { hostInterfaces } from '../../src/net/host.ts'
import { closeLimitMs, connectLimitMs, connectTcp, maxBufferedBytes } from '../../src/net/tcp-connection.ts'
import { listenTcp, maxConnections } from '../../src/net/tcp-listener.ts'
import { eventually } from './support.ts'
import { Recorder, text } from './tcp-support.ts'

const hasIpv6 = hostInterfaces().some(({ address }) => address === '::1')
const loopback = { address: '127.0.0.1', port: 0, family: 4 } as const

describe('a TCP connection', () => {
  const open: { close(): void }[] = []
  let accepted: Recorder[]

  beforeEach(() => {
    accepted = []
  })

  afterEach(() => {
    for (const one of open.splice(0)) one.close()
  })

  async function listen(address = '127.0.0.1', port = 0): Promise<TcpListener> {
    const listener = await listenTcp(address, port, connection => {
      const recorder = new Recorder()
      recorder.connection = connection
      accepted.push(recorder)
      open.push(connection)
      return recorder
    })
    open.push(listener)
    return listener
  }

  function dial(to: TransportAddress, options?: TcpConnectOptions): Recorder {
    const recorder = new Recorder()
    const connection = connectTcp(to, recorder, options)
    recorder.connection = connection
    open.push(connection)
    return recorder
  }

  async function pair(): Promise<readonly [client: Recorder, server: Recorder]> {
    const listener = await listen()
    const client = dial(listener.local)
    await eventually(() => accepted.length === 1 && client.connections === 1)
    return [client, accepted[0] ?? assert.fail()]
  }

  /** A server of raw sockets that do what the test makes them do. */
  async function rawServer(onSocket: (socket: Socket) => void): Promise<TransportAddress> {
    const server = createServer({ allowHalfOpen: true }, socket => {
      socket.on('error', () => {})
      open.push({ close: () => socket.destroy() })
      onSocket(socket)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    open.push(server)
    return { ...loopback, port: (server.address() as AddressInfo).port }
  }

  for (const [address, family] of [
    ['127.0.0.1', 4],
    ['::1', 6],
  ] as const) {
    it(`carries bytes both ways over IPv${family}, and knows the addresses of both ends`, async function () {
      if (family === 6 && !hasIpv6) this.skip()
      const listener = await listen(address)
      assert.deepEqual({ ...listener.local, port: 0 }, { address, port: 0, family })
      const client = dial(listener.local)
      client.connection?.write(text('question'))
      await eventually(() => accepted[0]?.text === 'question')
      accepted[0]?.connection?.write(text('answer'))
      await eventually(() => client.text === 'answer')
      assert.equal(client.connections, 1)
      assert.equal(client.connection?.remote, listener.local)
      assert.deepEqual(accepted[0]?.connection?.local, listener.local)
      assert.deepEqual(accepted[0]?.connection?.remote, client.connection?.local)
      assert.deepEqual(client.failures, [])
    })
  }

  it('has no address of its own until it is connected', async () => {
    const listener = await listen()
    const client = dial(listener.local)
    assert.deepEqual(client.connection?.local, { address: '0.0.0.0', port: 0, family: 4 })
    await eventually(() => client.connections === 1)
    assert.equal(client.connection?.local.address, '127.0.0.1')
  })

  it('leaves from the address and the port that it is told to', async function () {
    // Elsewhere, the loopback interface has but one address.
    if (process.platform !== 'linux') this.skip()
    const listener = await listen()
    const first = dial(listener.local, { localAddress: '127.0.0.2' })
    await eventually(() => first.connections === 1)
    const { port = 0 } = first.connection?.local ?? {}
    assert.equal(first.connection?.local.address, '127.0.0.2')
    const other = await listen('127.0.0.3')
    const second = dial(other.local, { localAddress: '127.0.0.2', localPort: port })
    await eventually(() => second.isClosed || second.connections === 1)
    assert.equal(accepted.length, 2)
    assert.equal(accepted[1]?.connection?.remote.port, port)
  })

  it('sends what was written before it was connected, in order, and counts it until it has left', async () => {
    const listener = await listen()
    const client = dial(listener.local)
    client.connection?.write(text('one '))
    client.connection?.write(text('two '))
    assert.equal(client.connection?.bufferedBytes, 8)
    await eventually(() => client.connections === 1)
    client.connection?.write(text('three'))
    await eventually(() => accepted[0]?.text === 'one two three')
    assert.equal(client.connection?.bufferedBytes, 0)
  })

  it('sends what was written before it was closed, and tells the other end', async () => {
    const [client, server] = await pair()
    const size = 4 * 1024 * 1024
    client.connection?.write(new Uint8Array(size))
    client.connection?.close()
    await eventually(() => server.isClosed)
    assert.equal(server.bytes.length, size)
    assert.deepEqual(server.failures, [undefined])
    assert.deepEqual(client.failures, [])
  })

  it('tells nothing any more after it was closed, and ignores what is written then', async () => {
    const [client, server] = await pair()
    client.connection?.close()
    client.connection?.write(text('late'))
    server.connection?.write(text('on the way'))
    await eventually(() => server.isClosed)
    client.connection?.close()
    await new Promise(resolve => setTimeout(resolve, 20))
    assert.deepEqual([client.received, client.failures, server.received], [[], [], []])
  })

  it('tells once that the other end has closed', async () => {
    const [client, server] = await pair()
    server.connection?.write(text('last words'))
    server.connection?.close()
    await eventually(() => client.isClosed)
    client.connection?.close()
    client.connection?.write(text('nobody there'))
    await new Promise(resolve => setTimeout(resolve, 20))
    assert.equal(client.text, 'last words')
    assert.deepEqual(client.failures, [undefined])
  })

  it('is never opened when it is closed at once', async () => {
    const listener = await listen()
    const client = dial(listener.local)
    client.connection?.close()
    await new Promise(resolve => setTimeout(resolve, 50))
    assert.deepEqual([client.connections, client.failures, accepted.length], [0, [], 0])
  })

  it('tells that nobody listens, without telling where', async () => {
    const listener = await listen()
    listener.close()
    const client = dial(listener.local)
    client.connection?.write(text('hello'))
    await eventually(() => client.isClosed)
    assert.deepEqual(client.failures, [{ code: 'ECONNREFUSED', message: 'connect ECONNREFUSED' }])
    assert.equal(client.connections, 0)
  })

  it('tells a reset by the other end', async () => {
    const address = await rawServer(socket => socket.once('data', () => socket.resetAndDestroy()))
    const client = dial(address)
    client.connection?.write(text('go away'))
    await eventually(() => client.isClosed)
    assert.equal(client.failures.length, 1)
    assert.equal(client.failures[0]?.code, 'ECONNRESET')
  })

  it('never throws: what cannot be tried fails a moment later', async () => {
    const options: [TransportAddress, TcpConnectOptions][] = [
      [{ ...loopback, port: 70_000 }, {}],
      [{ ...loopback, address: 'no address', port: 1 }, { localAddress: 'nor this' }],
      [{ ...loopback, port: 9 }, { localPort: -1 }],
      [{ ...loopback, port: 9 }, { localAddress: '192.0.2.99' }],
    ]
    for (const [to, more] of options) {
      const client = dial(to, more)
      assert.equal(client.isClosed, false)
      await eventually(() => client.isClosed)
      assert.notEqual(client.failures[0], undefined, JSON.stringify([to, more]))
      client.connection?.write(text('x'))
      client.connection?.close()
      assert.equal(client.failures.length, 1)
    }
  })

  it('fails when it cannot be used in time', async () => {
    const address = await rawServer(() => {})
    mock.timers.enable({ apis: ['setTimeout'] })
    try {
      const plain = dial(address)
      const secure = dial(address, { tls: { serverName: 'turn.example.net' } })
      await once(process, 'never', { signal: AbortSignal.timeout(50) }).catch(() => {})
      mock.timers.tick(connectLimitMs - 1)
      assert.deepEqual([plain.connections, secure.isClosed], [1, false])
      mock.timers.tick(1)
      assert.deepEqual([plain.isClosed, secure.connections], [false, 0])
      assert.deepEqual(secure.failures, [{ code: 'ETIMEDOUT', message: 'connect ETIMEDOUT' }])
    } finally {
      mock.timers.reset()
    }
  })

  it('is refused where a listener has too many', async function () {
    this.timeout(20_000)
    const listener = await listen()
    const clients: Recorder[] = []
    while (clients.length < maxConnections) {
      // No more at a time than the system lets wait for being accepted.
      for (let i = 0; i < 256; i++) clients.push(dial(listener.local))
      await eventually(() => accepted.length === clients.length, 5_000)
    }
    const late = dial(listener.local)
    await eventually(() => late.isClosed)
    clients[0]?.connection?.close()
    await eventually(() => accepted[0]?.isClosed === true)
    const again = dial(listener.local)
    await eventually(() => accepted.length === maxConnections + 1)
    assert.equal(again.isClosed, false)
  })

  it('fails when the other end takes nothing and too much is waiting', async () => {
    const address = await rawServer(socket => socket.pause())
    const client = dial(address)
    await eventually(() => client.connections === 1)
    const piece = new Uint8Array(1024 * 1024)
    for (let i = 0; i < 64 && !client.isClosed; i++) {
      client.connection?.write(piece)
      assert.ok((client.connection?.bufferedBytes ?? 0) <= maxBufferedBytes)
      await new Promise(resolve => setImmediate(resolve))
    }
    assert.deepEqual(
      client.failures.map(failure => failure?.code),
      ['ENOBUFS'],
    )
  })

  it('is gone soon after it was closed, though the other end takes nothing and closes nothing', async function () {
    this.timeout(closeLimitMs + 5_000)
    let ended = 0
    const address = await rawServer(socket => {
      socket.pause()
      socket.on('close', () => ended++)
    })
    const client = dial(address)
    await eventually(() => client.connections === 1)
    client.connection?.write(new Uint8Array(8 * 1024 * 1024))
    client.connection?.close()
    const started = performance.now()
    await eventually(() => client.connection?.bufferedBytes === 0, closeLimitMs + 1_000)
    assert.ok(performance.now() - started > closeLimitMs / 2)
    assert.equal(ended, 0)
    assert.deepEqual(client.failures, [])
  })

  it('stays when the listener that took it has closed', async () => {
    const [client, server] = await pair()
    const to = client.connection?.remote ?? assert.fail()
    for (const one of open) if ('local' in one && one.local === to) one.close()
    server.connection?.write(text('still here'))
    await eventually(() => client.text === 'still here')
    const late = dial(to)
    await eventually(() => late.isClosed)
    assert.equal(late.failures[0]?.code, 'ECONNREFUSED')
  })

  it('cannot be waited for at the address of others, nor at a port in use', async () => {
    await assert.rejects(listen('192.0.2.99'), { code: 'EADDRNOTAVAIL' })
    const { local } = await listen()
    await assert.rejects(listen('127.0.0.1', local.port), { code: 'EADDRINUSE' })
  })

  it('survives that a client is gone before anyone looks at it', async () => {
    const listener = await listen()
    for (let i = 0; i < 20; i++) {
      const socket = connect(listener.local.port, '127.0.0.1')
      socket.on('error', () => {})
      socket.on('connect', () => socket.resetAndDestroy())
    }
    const client = dial(listener.local)
    client.connection?.write(text('and still'))
    await eventually(() => accepted.some(server => server.text === 'and still'))
  })

  it('can be refused by whom it is told to', async () => {
    const unwilling = new Recorder()
    const listener = await listenTcp('127.0.0.1', 0, connection => {
      connection.close()
      return unwilling
    })
    open.push(listener)
    const client = dial(listener.local)
    client.connection?.write(text('please'))
    await eventually(() => client.isClosed)
    client.connection?.close()
    await new Promise(resolve => setTimeout(resolve, 20))
    assert.deepEqual([unwilling.received, unwilling.failures], [[], []])
    assert.deepEqual(client.failures, [undefined])
  })

  it('keeps the process alive while it is open, and no longer', async () => {
    const module = (name: string): string => JSON.stringify(new URL(`../../src/net/${name}.ts`, import.meta.url).href)
    const script = `
      const { connectTcp } = await import(${module('tcp-connection')})
      const { listenTcp } = await import(${module('tcp-listener')})
      const server = { receive() {}, closed() { console.log('closed') } }
      const listener = await listenTcp('127.0.0.1', 0, () => server)
      const client = connectTcp(listener.local, { connected: () => setTimeout(end, 300), receive() {}, closed() {} })
      function end() { listener.close(); client.close() }
    `
    const start = performance.now()
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--import',
      'tsx',
      '--input-type=module',
      '-e',
      script,
    ])
    assert.equal(stdout, 'closed\n')
    assert.ok(performance.now() - start < closeLimitMs)
  })
})
