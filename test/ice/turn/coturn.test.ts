import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Socket, type Server as TcpServer } from 'node:net'
import type { TransportAddress } from '../../../src/base/address.ts'
import { decodeMessage } from '../../../src/ice/stun/message.ts'
import type { ConnectionBind } from '../../../src/ice/turn/connection-bind.ts'
import { eventually, type Program, requireProgram } from '../../dtls/program.ts'
import { freeServerPort, SocketClient, startCoturn, tcpSocket, UdpEcho } from './coturn.ts'
import { only } from './turn-link.ts'

describe('A TURN client with coturn', function () {
  this.timeout(30_000)
  let port = 0
  let coturn: Program
  const open: { close?(): unknown; destroy?(): void }[] = []

  before(async function () {
    requireProgram(this, 'turnserver')
    port = await freeServerPort()
    coturn = await startCoturn(port)
  })

  afterEach(() => {
    for (const each of open.splice(0)) (each.destroy ?? each.close)?.call(each)
  })

  after(() => coturn?.stop())

  async function client(transport: 'udp' | 'tcp', options = {}): Promise<SocketClient> {
    const made = await SocketClient[transport](port, options)
    open.push(made)
    return made
  }

  async function echo(): Promise<UdpEcho> {
    const made = await UdpEcho.open()
    open.push(made)
    return made
  }

  for (const transport of ['udp', 'tcp'] as const) {
    it(`allocates, sends and receives by indications and by a channel, and deletes, over ${transport}`, async () => {
      const relay = await client(transport)
      const peer = await echo()
      const [relayed] = await relay.allocate()
      const got: { readonly peer: TransportAddress; readonly text: string }[] = []
      relay.onData = (from, data) => got.push({ peer: from, text: Buffer.from(data).toString() })
      relay.send(Buffer.from('\x00\x01 a check'), peer.address)
      await eventually(() => got.length === 1, 'the echo of an indication')
      for (let i = 0; i < 20; i++) {
        relay.send(Buffer.from(`data ${'x'.repeat(i)}`), peer.address)
        await eventually(() => got.length === 2 + i, 'the echo of data')
      }
      assert.deepEqual(
        got.map(({ text }) => text),
        ['\x00\x01 a check', ...Array.from({ length: 20 }, (_, i) => `data ${'x'.repeat(i)}`)],
      )
      assert.ok(got.every(({ peer: from }) => from === got[0]?.peer))
      assert.ok(peer.received.every(({ port: from }) => from === relayed?.port))
      await relay.close()
      assert.equal(relay.client.state, 'closed')
    })
  }

  it('keeps the binding of a NAT without an answer, and refreshes', async () => {
    const relay = await client('udp', { timing: { keepAliveMs: 20 } })
    await relay.allocate()
    let answers = 0
    const { receive } = relay
    relay.receive = message => {
      answers++
      receive.call(relay, message)
    }
    await new Promise(resolve => setTimeout(resolve, 150))
    assert.equal(answers, 0)
    relay.client.handleTimeout(performance.now() + 460_000)
    relay.drain()
    await eventually(() => answers === 1, 'the answer to a refresh')
    assert.equal(relay.client.state, 'allocated')
    assert.equal(relay.events.length, 1)
  })

  it('is told of wrong credentials', async () => {
    const relay = await client('udp', { credentials: { username: 'u', password: 'wrong' } })
    await assert.rejects(relay.allocate())
    assert.equal(only(relay.events, 'failed').error.code, 'unauthorized')
  })

  it('is told that the 5-tuple is taken', async () => {
    const relay = await client('tcp')
    await relay.allocate()
    const again = await SocketClient.tcp(port)
    open.push(again)
    // The same connection, another client: what a restarted process behind a NAT may meet.
    const { client: second } = again
    relay.receive = message => {
      second.receive(message, performance.now())
      drain()
    }
    const drain = () => {
      for (let data = second.pollTransmit(0); data !== undefined; data = second.pollTransmit(0)) relay.write(data)
    }
    second.start(performance.now())
    drain()
    await eventually(() => second.state === 'failed', 'a refusal')
    const event = second.pollEvent() ?? assert.fail()
    assert.equal(event.type === 'failed' && event.error.errorCode, 437)
  })

  it('is told that the server has no IPv6', async () => {
    const relay = await client('udp', { family: 6 })
    await assert.rejects(relay.allocate())
    assert.equal(only(relay.events, 'failed').error.errorCode, 440)
  })

  it('is refused a peer that the server does not allow', async () => {
    const strictPort = await freeServerPort()
    const strict = await startCoturn(strictPort, ['--denied-peer-ip', '10.0.0.0-10.255.255.255'])
    try {
      const relay = await SocketClient.udp(strictPort)
      open.push(relay)
      await relay.allocate()
      const forbidden = { address: '10.1.2.3', port: 9, family: 4 } as const
      relay.send(Buffer.from('x'), forbidden)
      await eventually(() => relay.events.length === 2, 'a refusal')
      const { peer, error } = only(relay.events, 'peer-refused')
      assert.deepEqual([peer, error.errorCode], [forbidden, 403])
      await relay.close()
    } finally {
      await strict.stop()
    }
  })

  it('takes a new nonce when the old one has expired', async () => {
    const stalePort = await freeServerPort()
    const stale = await startCoturn(stalePort, ['--stale-nonce=1'])
    try {
      const relay = await SocketClient.udp(stalePort)
      open.push(relay)
      await relay.allocate()
      const answers: (number | undefined)[] = []
      const { receive } = relay
      relay.receive = message => {
        answers.push(decodeMessage(message)?.attributes.errorCode?.code)
        receive.call(relay, message)
      }
      await new Promise(resolve => setTimeout(resolve, 2_200))
      for (const port of [9, 10]) {
        relay.send(Buffer.from('x'), { address: `127.0.0.${port}`, port, family: 4 })
      }
      await eventually(() => answers.length >= 6, 'answers')
      assert.ok(answers.includes(438), String(answers))
      assert.equal(answers.filter(code => code === undefined).length, 4)
      assert.equal(relay.events.length, 1)
      await relay.close()
    } finally {
      await stale.stop()
    }
  })

  it('relays to IPv6 as well as to IPv4', async function () {
    const six = await UdpEcho.open('::1').catch(() => undefined)
    if (six === undefined) {
      console.log('      skipped: no IPv6 loopback')
      return this.skip()
    }
    open.push(six)
    const four = await echo()
    const dualPort = await freeServerPort()
    const dual = await startCoturn(dualPort, ['-L', '::1'])
    try {
      const first = await SocketClient.udp(dualPort, { additionalFamily: true })
      open.push(first)
      await first.allocate()
      const { refused } = only(first.events, 'allocated')
      let second = first
      if (refused !== undefined) {
        // It knows the attribute by the number of a draft, and ignores ours: a client for each family then.
        assert.deepEqual([refused.family, refused.error.errorCode], [6, 420])
        second = await SocketClient.udp(dualPort, { family: 6 })
        open.push(second)
        assert.equal((await second.allocate())[0]?.address, '::1')
      }
      const from: string[] = []
      for (const each of [first, second]) {
        each.onData = (peer, data) => from.push(`${peer.address} ${Buffer.from(data)}`)
      }
      for (const text of ['indication', 'channel']) {
        first.send(Buffer.from(text), four.address)
        second.send(Buffer.from(text), six.address)
        await eventually(() => from.filter(line => line.endsWith(text)).length === 2, text)
        await new Promise(resolve => setTimeout(resolve, 50))
      }
      assert.deepEqual(from.sort(), ['127.0.0.1 channel', '127.0.0.1 indication', '::1 channel', '::1 indication'])
    } finally {
      await dual.stop()
    }
  })

  it('notices that the server was started anew and knows no allocation', async () => {
    const otherPort = await freeServerPort()
    const first = await startCoturn(otherPort)
    const relay = await SocketClient.udp(otherPort, { timing: { keepAliveMs: 100_000 } })
    open.push(relay)
    await relay.allocate()
    await first.stop()
    const second = await startCoturn(otherPort)
    try {
      relay.send(Buffer.from('x'), { address: '127.0.0.1', port: 9, family: 4 })
      await eventually(() => relay.client.state === 'lost', 'the loss')
      assert.equal(only(relay.events, 'lost').error.errorCode, 437)
    } finally {
      await second.stop()
    }
  })

  describe('over TCP to the peer, RFC 6062', () => {
    it('connects to a peer, and carries bytes both ways', async () => {
      const server = await tcpEcho()
      open.push(server.listener)
      const relay = await client('tcp', { requestedTransport: 'tcp' })
      await relay.allocate()
      relay.client.permit(server.address, performance.now())
      relay.client.connect(server.address, performance.now())
      relay.drain()
      await eventually(() => relay.events.length === 2, 'a connection')
      const { connectionId, peer } = only(relay.events, 'connected')
      assert.deepEqual(peer, server.address)
      const data = await bind(port, relay.client.connectionBind(connectionId))
      open.push(data.socket)
      data.socket.write('over there')
      await eventually(() => data.text() === 'hello, over there', 'the echo', 8_000, data.text)
      await relay.close()
    })

    it('is connected to by a peer', async () => {
      const relay = await client('tcp', { requestedTransport: 'tcp' })
      const [relayed] = await relay.allocate()
      assert.ok(relayed)
      relay.client.permit({ address: '127.0.0.1', port: 0, family: 4 }, performance.now())
      relay.drain()
      await new Promise(resolve => setTimeout(resolve, 50))
      const peer = await tcpSocket(relayed.port)
      open.push(peer)
      peer.write('hello, ')
      await eventually(() => relay.events.length === 2, 'an attempt')
      const attempt = only(relay.events, 'connection-attempt')
      assert.equal(attempt.peer.port, peer.localPort)
      const data = await bind(port, relay.client.connectionBind(attempt.connectionId))
      open.push(data.socket)
      peer.write('you')
      await eventually(() => data.text() === 'hello, you', 'the bytes', 8_000, data.text)
      data.socket.write('and back')
      const [answer] = (await once(peer, 'data')) as [Buffer]
      assert.equal(answer.toString(), 'and back')
      await relay.close()
    })

    it('is told that a peer can not be connected to', async () => {
      const relay = await client('tcp', { requestedTransport: 'tcp' })
      await relay.allocate()
      const nobody = { address: '127.0.0.1', port: await freeServerPort(), family: 4 } as const
      relay.client.permit(nobody, performance.now())
      relay.client.connect(nobody, performance.now())
      relay.drain()
      await eventually(() => relay.events.length === 2, 'a failure')
      assert.equal(only(relay.events, 'connect-failed').error.errorCode, 447)
      await relay.close()
    })

    it('is refused a data connection that nobody has asked for', async () => {
      const relay = await client('tcp', { requestedTransport: 'tcp' })
      await relay.allocate()
      await assert.rejects(bind(port, relay.client.connectionBind(0x1234_5678)), /400|lost/)
      await relay.close()
    })
  })
})

/** A listener that greets, and returns what it gets. */
async function tcpEcho(): Promise<{ readonly listener: TcpServer; readonly address: TransportAddress }> {
  const listener = createServer((socket: Socket) => {
    socket.write('hello, ')
    socket.on('data', data => socket.write(data))
    socket.on('error', () => {})
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  if (address === null || typeof address === 'string') assert.fail()
  return { listener, address: { address: '127.0.0.1', port: address.port, family: 4 } }
}

/** Opens a data connection. */
async function bind(
  port: number,
  binding: ConnectionBind,
): Promise<{ readonly socket: Socket; readonly text: () => string }> {
  const socket = await tcpSocket(port)
  let text = ''
  let failure: string | undefined
  const drain = () => {
    for (let data = binding.pollTransmit(); data !== undefined; data = binding.pollTransmit()) socket.write(data)
    for (let event = binding.pollEvent(); event !== undefined; event = binding.pollEvent()) {
      if (event.type === 'failed') failure = event.error.message
      else text += Buffer.from(event.data).toString()
    }
  }
  socket.on('data', (chunk: Buffer) => {
    if (binding.state === 'bound') text += chunk.toString()
    else binding.receive(chunk, performance.now())
    drain()
  })
  socket.on('close', () => {
    binding.connectionLost()
    drain()
  })
  binding.start(performance.now())
  drain()
  await eventually(() => binding.state !== 'binding', 'a data connection')
  if (failure !== undefined) {
    socket.destroy()
    throw new Error(failure)
  }
  return { socket, text: () => text }
}
