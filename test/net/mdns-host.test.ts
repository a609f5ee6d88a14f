import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { networkInterfaces } from 'node:os'
import { decode, encode } from 'dns-packet'
import { MdnsResolver } from '../../src/net/mdns.ts'
import { mdnsPort, multicastLinks, openMdnsChannel } from '../../src/net/mdns-channel.ts'
import { MdnsResponder } from '../../src/net/mdns-responder.ts'
import { createSystemEnvironment, systemClock, systemRandom, systemTimers } from '../../src/net/system-environment.ts'
import { eventually } from './support.ts'

const links = multicastLinks(networkInterfaces())[4]
const common = { clock: systemClock, timers: systemTimers, openChannel: openMdnsChannel }

describe('names of this host on its links', () => {
  const registered: { release(): void }[] = []

  before(function () {
    if (links.length === 0) this.skip()
  })

  afterEach(() => {
    for (const one of registered.splice(0)) one.release()
  })

  async function register(address: string): Promise<string> {
    const registration = await new MdnsResponder({ ...common, random: systemRandom }).registerMdns(address)
    if (registration === undefined) return assert.fail('not registered')
    registered.push(registration)
    return registration.name
  }

  it('are found by another program, with a channel of its own, at once', async () => {
    const address = links[0] ?? assert.fail()
    const name = await register(address)
    const start = performance.now()
    assert.deepEqual(await new MdnsResolver(common).resolveMdns(name), [address])
    assert.ok(performance.now() - start < 900, 'not before the question was repeated')
  })

  it('are found for any address of this host, IPv6 too', async () => {
    const names = [await register('127.0.0.1'), await register('fd00::2')]
    const resolver = new MdnsResolver(common)
    assert.deepEqual(await Promise.all(names.map(name => resolver.resolveMdns(name))), [['127.0.0.1'], ['fd00::2']])
  })

  it('are found by plain DNS clients, which are answered where they asked from', async () => {
    const name = await register('192.0.2.2')
    const client = createSocket('udp4')
    try {
      client.bind(0)
      await once(client, 'listening')
      client.setMulticastInterface(links[0] ?? '127.0.0.1')
      const question = encode({ type: 'query', id: 77, questions: [{ name, type: 'A' }] })
      const answer = once(client, 'message')
      // The responder may not have its channel yet.
      const repeat = setInterval(() => client.send(question, mdnsPort, '224.0.0.251'), 50)
      const [message, from] = await answer
      clearInterval(repeat)
      const { id, answers } = decode(message)
      assert.deepEqual([id, answers?.length, from.port], [77, 1, mdnsPort])
    } finally {
      client.close()
    }
  })

  it('are found within one environment without asking anyone, until they are released', async () => {
    const { resolver } = createSystemEnvironment()
    const registration = await resolver.registerMdns('192.0.2.9')
    const { name, release } = registration ?? assert.fail()
    assert.deepEqual(await resolver.resolveMdns(name.toUpperCase()), ['192.0.2.9'])
    release()
    const found: (readonly string[])[] = []
    void resolver.resolveMdns(name).then(addresses => found.push(addresses))
    await new Promise(resolve => setTimeout(resolve, 200))
    assert.deepEqual(found, [])
  })

  it('are announced, and said goodbye to, on the link of their address', async () => {
    const ttls: (number | undefined)[] = []
    const listener = await openMdnsChannel(message => {
      for (const answer of decode(Buffer.from(message)).answers ?? []) {
        if (answer.type === 'A' && answer.name === name) ttls.push(answer.ttl)
      }
    })
    const name = await register(links[0] ?? '127.0.0.1')
    try {
      await eventually(() => ttls.length > 0, 3_000)
      registered.pop()?.release()
      await eventually(() => ttls.at(-1) === 0)
      assert.equal(ttls[0], 120)
    } finally {
      listener.close()
    }
  })
})
