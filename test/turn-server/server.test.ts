import assert from 'node:assert/strict'
import type { TransportAddress } from '../../src/base/address.ts'
import type { Environment, TcpConnection } from '../../src/base/environment.ts'
import { encodeMessage, stunMethod } from '../../src/ice/stun/message.ts'
import { createSystemEnvironment } from '../../src/net/system-environment.ts'
import {
  createTurnServer,
  type ListeningAddress,
  type TurnServer,
  type TurnServerOptions,
} from '../../src/turn-server/index.ts'
import { ConnectionSink, maxBacklog, maxDatagramBacklog } from '../../src/turn-server/sinks.ts'
import { eventually } from '../dtls/program.ts'
import { createAuthority } from '../interop/authority.ts'
import { Simulation } from '../sim/virtual-environment.ts'
import { bytes, peerAddress, serverAddress } from './bench.ts'
import { TurnLink } from './link.ts'

const environment = createSystemEnvironment()
const loopback = '127.0.0.1'
const running: { close(): void }[] = []

function keep<T extends { close(): void }>(each: T): T {
  running.push(each)
  return each
}

async function start(options: Partial<TurnServerOptions> = {}): Promise<TurnServer> {
  const users = { user: 'pass' }
  const listen = [{ address: loopback, port: 0 }]
  return keep(await createTurnServer({ listen, realm: 'example.org', users, allowLoopbackPeers: true, ...options }))
}

function at(server: TurnServer, transport: ListeningAddress['transport'] = 'udp'): ListeningAddress {
  return server.addresses.find(each => each.transport === transport) ?? assert.fail(transport)
}

/** A peer that sends back what it gets. */
async function echo(local = loopback): Promise<TransportAddress> {
  const socket = await environment.network.bindUdp(local, 0, (data, from, own) => own.send(Uint8Array.from(data), from))
  return keep(socket).local
}

async function assertRelays(link: TurnLink, peer: TransportAddress): Promise<void> {
  await eventually(
    () => link.client.state === 'allocated',
    'allocated',
    8000,
    () => JSON.stringify(link.events),
  )
  for (let i = 0; i < 10; i++) link.send(bytes(i), peer)
  await eventually(() => link.received.length === 10, '10 answers')
  assert.deepEqual(
    link.received.map(({ data }) => data[0]),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  )
  assert.deepEqual(link.received[0]?.peer, peer)
}

describe('A TURN server on this host', () => {
  afterEach(() => {
    for (const each of running.splice(0).reverse()) each.close()
  })

  it('relays for clients on UDP and TCP', async () => {
    const server = await start({
      listen: [
        { address: loopback, port: 0 },
        { address: loopback, port: 0, transport: 'tcp' },
      ],
    })
    const peer = await echo()
    const overUdp = keep(await TurnLink.udp(environment, at(server), { local: loopback }))
    const overTcp = keep(TurnLink.tcp(environment, at(server, 'tcp'), { local: loopback }))
    await assertRelays(overUdp, peer)
    await assertRelays(overTcp, peer)
    assert.equal(server.stats().openAllocations, 2)
    assert.equal(server.stats().connections, 1)
    overTcp.close()
    overUdp.release()
    await eventually(() => server.stats().openAllocations === 0, 'both are gone')
    assert.equal(server.stats().connections, 0)
  })

  it('relays for clients on TLS', async function () {
    this.timeout(20_000)
    const { ca, certificate, key } = createAuthority(['localhost'], [loopback])
    const server = await start({ listen: [{ address: loopback, port: 0, transport: 'tls', certificate, key }] })
    await assertRelays(keep(TurnLink.tcp(environment, at(server, 'tls'), { local: loopback, ca })), await echo())
  })

  it('relays over IPv6, and both families at once', async function () {
    if (!environment.network.interfaces().some(({ address }) => address === '::1')) this.skip()
    const server = await start({ listen: [loopback, '::1'].map(address => ({ address, port: 0 })) })
    const link = keep(
      await TurnLink.udp(environment, at(server), { local: loopback, client: { additionalFamily: true } }),
    )
    await assertRelays(link, await echo('::1'))
    assert.deepEqual(
      link.client.relayed.map(({ address }) => address),
      [loopback, '::1'],
    )
  })

  it('brings two of its clients together', async () => {
    const server = await start({ allowLoopbackPeers: false })
    const [a, b] = [
      keep(await TurnLink.udp(environment, at(server), { local: loopback })),
      keep(await TurnLink.udp(environment, at(server), { local: loopback })),
    ]
    await eventually(() => a.client.state === 'allocated' && b.client.state === 'allocated', 'allocated')
    b.send(bytes(1), a.relayed)
    await eventually(() => server.stats().toPeers.packets === 1, 'Bob has sent')
    a.send(bytes(2), b.relayed)
    await eventually(() => b.received.length === 1, 'Bob has received')
    b.send(bytes(3), a.relayed)
    await eventually(() => a.received.length === 1, 'Alice has received')
    assert.deepEqual(a.received[0]?.peer, b.relayed)
  })

  it('refuses loopback peers unless told otherwise', async () => {
    const server = await start({ allowLoopbackPeers: false })
    const link = keep(await TurnLink.udp(environment, at(server), { local: loopback, client: {} }))
    await eventually(() => link.client.state === 'allocated', 'allocated')
    link.send(bytes(1), { address: '127.0.0.2', port: 9, family: 4 })
    await eventually(() => link.events.some(({ type }) => type === 'peer-refused'), 'refused')
    assert.equal(server.stats().refusals[403], 1)
  })

  it('refuses wrong passwords', async () => {
    const server = await start()
    const link = keep(await TurnLink.udp(environment, at(server), { local: loopback, password: 'wrong' }))
    await eventually(() => link.client.state === 'failed', 'failed')
    assert.equal(server.stats().openAllocations, 0)
  })

  it('takes another port where one is in use', async () => {
    const taken = keep(await environment.network.bindUdp(loopback, 0, () => {}))
    const { port } = taken.local
    const server = await start({ relayPorts: [port, port] })
    const link = keep(await TurnLink.udp(environment, at(server), { local: loopback }))
    await eventually(() => link.client.state === 'failed', 'there is no other')
    const more = await start({ relayPorts: [port, Math.min(port + 20, 65_535)] })
    await assertRelays(keep(await TurnLink.udp(environment, at(more), { local: loopback })), await echo())
  })

  it('listens on all addresses of a family where it is told the unspecified one', async () => {
    const server = await start({ listen: [{ address: '0.0.0.0', port: 0 }] })
    const expected = environment.network.interfaces().filter(({ family }) => family === 4)
    assert.deepEqual(
      server.addresses.map(({ address }) => address),
      expected.map(({ address }) => address),
    )
  })

  it('says what is wrong with its options', async () => {
    const wrong: Partial<TurnServerOptions>[] = [
      { listen: [] },
      { listen: [{ address: 'localhost' }] },
      { listen: [{ address: loopback, transport: 'tls' }] },
      { realm: '' },
      { relayPorts: [2000, 1000] },
      { relayPorts: [0, 1000] },
      { relayOn: ['here'] },
      { relayAddress: 'there' },
    ]
    for (const options of wrong) await assert.rejects(start(options), TypeError, JSON.stringify(options))
    const taken = keep(await environment.network.bindUdp(loopback, 0, () => {}))
    const listen = [
      { address: loopback, port: 0 },
      { address: loopback, port: taken.local.port },
    ]
    await assert.rejects(start({ listen }), { code: 'EADDRINUSE' })
  })

  it('leaves nothing open when it is closed', async () => {
    const server = await start({
      listen: [
        { address: loopback, port: 0 },
        { address: loopback, port: 0, transport: 'tcp' },
      ],
    })
    const link = keep(await TurnLink.udp(environment, at(server), { local: loopback }))
    const overTcp = keep(TurnLink.tcp(environment, at(server, 'tcp'), { local: loopback }))
    await eventually(() => link.client.state === 'allocated' && overTcp.client.state === 'allocated', 'allocated')
    const ports = [at(server).port, link.relayed.port, overTcp.relayed.port]
    server.close()
    server.close()
    for (const port of ports) keep(await environment.network.bindUdp(loopback, port, () => {}))
    const tcp = [{ address: loopback, port: at(server, 'tcp').port, transport: 'tcp' }] as const
    await start({ listen: tcp })
    await eventually(() => overTcp.closed, 'the client is disconnected')
  })

  it('closes a port that is opened only after the server was closed', async () => {
    const opening: (() => void)[] = []
    let closed = 0
    const slow: Environment = {
      ...environment,
      network: {
        ...environment.network,
        bindUdp: async (address, port, receive) => {
          const socket = await environment.network.bindUdp(address, port, receive)
          if (port === 0) return socket
          await new Promise<void>(resolve => opening.push(resolve))
          const close = (): void => {
            closed++
            socket.close()
          }
          return { local: socket.local, sendErrors: 0, send: () => {}, close }
        },
      },
    }
    const server = await start({ environment: slow })
    keep(await TurnLink.udp(environment, at(server), { local: loopback }))
    await eventually(() => opening.length === 1, 'a port is being opened')
    server.close()
    for (const open of opening) open()
    await eventually(() => closed === 1, 'it is closed')
  })

  it('drops datagrams for a client that takes none, and closes its connection if even that is too much', () => {
    let bufferedBytes = 0
    const written: number[] = []
    const connection: TcpConnection = {
      local: serverAddress,
      remote: peerAddress,
      get bufferedBytes() {
        return bufferedBytes
      },
      write: data => written.push(data.length),
      close: () => {},
    }
    let dropped = 0
    let overflows = 0
    const sink = new ConnectionSink(
      connection,
      () => dropped++,
      () => overflows++,
    )
    const send = (droppable: boolean): void => sink.send(bytes(1), peerAddress, droppable)
    bufferedBytes = maxDatagramBacklog
    send(true)
    bufferedBytes++
    send(true)
    assert.equal(written.length, 1)
    bufferedBytes = maxBacklog
    send(false)
    assert.equal(written.length, 2)
    bufferedBytes++
    send(false)
    assert.deepEqual([written.length, overflows, dropped], [2, 1, 1])
  })
})

describe('A TURN server in the simulation', () => {
  it('serves a client through the years of its virtual clock, and announces its public address', async () => {
    const sim = new Simulation(5)
    const host = sim.host('server', ['192.0.2.1'])
    const server = await createTurnServer({
      environment: host,
      listen: [{ address: '192.0.2.1' }],
      realm: 'example.org',
      users: { user: 'pass' },
      relayAddress: '198.51.100.77',
    })
    const link = await TurnLink.udp(sim.host('client', ['192.0.2.2']), server.addresses[0] ?? assert.fail(), {
      local: '192.0.2.2',
    })
    assert.ok(await sim.run(() => link.client.state === 'allocated'))
    assert.equal(link.relayed.address, '198.51.100.77')
    await sim.runFor(2 * 3_600_000)
    assert.equal(link.client.state, 'allocated')
    assert.equal(server.stats().openAllocations, 1)
    assert.ok((server.stats().refusals[438] ?? 0) >= 1, 'nonces expire')
    link.close()
    await sim.runFor(3_600_000)
    assert.equal(server.stats().openAllocations, 0)
    server.close()
  })

  it('answers nobody any more once it is closed', async () => {
    const sim = new Simulation(6)
    const host = sim.host('server', ['192.0.2.1'])
    const listen = [{ address: '192.0.2.1' }]
    const server = await createTurnServer({ environment: host, listen, realm: 'example.org' })
    let answers = 0
    const client = await sim.host('client', ['192.0.2.2']).network.bindUdp('192.0.2.2', 0, () => answers++)
    const ask = (): void => {
      const transactionId = new Uint8Array(12)
      const request = { class: 'request', method: stunMethod.binding, transactionId, attributes: {} } as const
      client.send(encodeMessage(request), server.addresses[0] ?? assert.fail())
    }
    ask()
    await sim.runFor(10)
    assert.equal(answers, 1)
    server.close()
    ask()
    await sim.runFor(10)
    assert.equal(answers, 1)
  })
})
