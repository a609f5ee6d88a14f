import assert from 'node:assert/strict'
import type { RemoteInfo, Socket } from 'node:dgram'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { networkInterfaces } from 'node:os'
import { decode, encode } from 'dns-packet'
import { MdnsResolver } from '../../src/net/mdns.ts'
import { mdnsPort, multicastLinks, onLinkCheck, openMdnsChannel } from '../../src/net/mdns-channel.ts'
import { systemClock, systemTimers } from '../../src/net/system-environment.ts'
import { eventually } from './support.ts'

const group = '224.0.0.251'
const name = '5d3c6f0a-1111-4222-8333-abcdefabcdef.local'
const links = multicastLinks(networkInterfaces())[4]

/** Another program on this host that has the port, and answers for one name. */
class Responder {
  readonly heard: RemoteInfo[] = []
  /** The source port of its answers. */
  answerFrom: Socket | undefined
  readonly #socket = createSocket({ type: 'udp4', reuseAddr: true })

  readonly #toGroup: boolean

  constructor(toGroup: boolean) {
    this.#toGroup = toGroup
  }

  async open(): Promise<void> {
    this.#socket.bind(mdnsPort)
    await once(this.#socket, 'listening')
    for (const link of links) this.#socket.addMembership(group, link)
    this.#socket.setMulticastInterface(links[0] ?? '127.0.0.1')
    this.#socket.on('message', (message, from) => this.#onMessage(message, from))
  }

  close(): void {
    this.#socket.close()
  }

  #onMessage(message: Buffer, from: RemoteInfo): void {
    const { type, questions = [] } = decode(message)
    if (type !== 'query' || questions[0]?.name !== name) return
    this.heard.push(from)
    const answers = [{ type: 'A' as const, name, ttl: 120, data: '192.0.2.7' }]
    const socket = this.answerFrom ?? this.#socket
    const [port, address] = this.#toGroup ? [mdnsPort, group] : [from.port, from.address]
    socket.send(encode({ type: 'response', answers }), port, address)
  }
}

describe('multicast DNS on the sockets of this host', () => {
  const open: { close(): void }[] = []

  before(function () {
    if (links.length === 0) this.skip()
  })

  afterEach(() => {
    for (const one of open.splice(0)) one.close()
  })

  async function responder(toGroup: boolean): Promise<Responder> {
    const created = new Responder(toGroup)
    await created.open()
    open.push(created)
    return created
  }

  function resolve(port: number): Promise<readonly string[]> {
    const resolver = new MdnsResolver({
      clock: systemClock,
      timers: systemTimers,
      openChannel: async receive => {
        const channel = await openMdnsChannel(receive, port)
        open.push(channel)
        return { send: message => channel.send(message), close: () => {} }
      },
    })
    return resolver.resolveMdns(name)
  }

  it('shares the port with another program, and hears what that one multicasts', async () => {
    const other = await responder(true)
    assert.deepEqual(await resolve(mdnsPort), ['192.0.2.7'])
    assert.equal(other.heard[0]?.port, mdnsPort)
  })

  it('asks from another port where it must, and is answered there', async () => {
    const other = await responder(false)
    assert.deepEqual(await resolve(0), ['192.0.2.7'])
    assert.notEqual(other.heard[0]?.port, mdnsPort)
  })

  it('sends a message once by each link', async () => {
    const other = await responder(true)
    const channel = await openMdnsChannel(() => {})
    open.push(channel)
    channel.send(encode({ type: 'query', questions: [{ name, type: 'A' }] }))
    channel.send(encode({ type: 'query', questions: [{ name, type: 'AAAA' }] }))
    await eventually(() => other.heard.length === 2 * links.length)
    await new Promise(done => setTimeout(done, 50))
    assert.equal(other.heard.length, 2 * links.length)
    assert.deepEqual(new Set(other.heard.map(({ address }) => address)), new Set(links))
  })

  it('ignores answers that do not come from the port of multicast DNS', async () => {
    const other = await responder(false)
    other.answerFrom = createSocket('udp4')
    open.push(other.answerFrom)
    const received: Uint8Array[] = []
    const channel = await openMdnsChannel(message => received.push(message), 0)
    open.push(channel)
    channel.send(encode({ type: 'query', questions: [{ name, type: 'A' }] }))
    await eventually(() => other.heard.length > 0)
    await new Promise(done => setTimeout(done, 50))
    assert.equal(received.length, 0)
  })
})

describe('the links for multicast DNS', () => {
  const common = { mac: '', netmask: '', cidr: null }
  const lo = [{ ...common, family: 'IPv4' as const, address: '127.0.0.1', internal: true }]
  const eth0 = [
    { ...common, family: 'IPv4' as const, address: '192.0.2.2', internal: false },
    { ...common, family: 'IPv4' as const, address: '192.0.2.3', internal: false },
    { ...common, family: 'IPv6' as const, address: 'fe80::1', internal: false, scopeid: 4 },
  ]

  it('are those to other hosts, each once for a family', () => {
    const zone = process.platform === 'win32' ? '::%4' : '::%eth0'
    assert.deepEqual(multicastLinks({ lo, eth0 }), { 4: ['192.0.2.2'], 6: [zone] })
  })

  it('are loopback on a host without others', () => {
    assert.deepEqual(multicastLinks({ lo }), { 4: ['127.0.0.1'], 6: [] })
  })
})

describe('the check that a response comes from a link of this host', () => {
  const common = { mac: '', netmask: '', internal: false }
  const isOnLink = onLinkCheck({
    eth0: [
      { ...common, family: 'IPv4', address: '192.0.2.2', cidr: '192.0.2.2/25' },
      { ...common, family: 'IPv6', address: '2001:db8:1::2', cidr: '2001:db8:1::2/64', scopeid: 0 },
      { ...common, family: 'IPv4', address: '198.51.100.1', cidr: null },
    ],
  })

  it('takes addresses of its prefixes, and link-local ones', () => {
    assert.ok(isOnLink({ family: 'IPv4', address: '192.0.2.127' }))
    assert.ok(isOnLink({ family: 'IPv6', address: '2001:db8:1::ffff' }))
    assert.ok(isOnLink({ family: 'IPv6', address: 'fe80::1%eth0' }))
  })

  it('takes no others', () => {
    assert.ok(!isOnLink({ family: 'IPv4', address: '192.0.2.128' }))
    assert.ok(!isOnLink({ family: 'IPv4', address: '198.51.100.1' }))
    assert.ok(!isOnLink({ family: 'IPv6', address: '2001:db8:2::1' }))
  })
})
