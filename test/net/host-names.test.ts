import assert from 'node:assert/strict'
import { HostNames, maxAddresses, maxConcurrentLookups, maxWaitingLookups } from '../../src/net/host-names.ts'

interface Lookup {
  readonly name: string
  answer(...addresses: string[]): void
  fail(): void
}

describe('the resolver of host names', () => {
  let lookups: Lookup[]
  let hosts: HostNames

  function create(limitMs = 1_000): HostNames {
    return new HostNames(
      name =>
        new Promise((resolve, reject) => {
          lookups.push({
            name,
            answer: (...addresses) => resolve(addresses.map(address => ({ address }))),
            fail: () => reject(Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' })),
          })
        }),
      limitMs,
    )
  }

  beforeEach(() => {
    lookups = []
    hosts = create()
  })

  it('gives addresses in the order of the system, canonical, each once', async () => {
    const found = hosts.resolveHost('turn.example.net')
    lookups[0]?.answer('2001:DB8:0:0::1', '192.0.2.1', '::ffff:192.0.2.1', 'fe80::1', 'fe80::1%eth0', '192.0.2.2')
    assert.deepEqual(await found, ['2001:db8::1', '192.0.2.1', '192.0.2.2'])
  })

  it('answers literals at once, without asking', async () => {
    assert.deepEqual(await hosts.resolveHost('192.0.2.1'), ['192.0.2.1'])
    assert.deepEqual(await hosts.resolveHost('2001:DB8::0:1'), ['2001:db8::1'])
    assert.equal(lookups.length, 0)
  })

  it('finds nothing for what is no name, without asking', async () => {
    const names = ['', ' ', 'a b', 'a\0b', 'host:80', '[::1]', 'fe80::1%eth0', 'a/b', 'u@h', 'a\nb', 'a'.repeat(254)]
    for (const name of names) assert.deepEqual(await hosts.resolveHost(name), [], JSON.stringify(name))
    assert.equal(lookups.length, 0)
  })

  it('finds nothing where the name is not known, and asks again the next time', async () => {
    const first = hosts.resolveHost('nowhere.example')
    lookups[0]?.fail()
    assert.deepEqual(await first, [])
    const second = hosts.resolveHost('nowhere.example')
    lookups[1]?.answer('192.0.2.1')
    assert.deepEqual(await second, ['192.0.2.1'])
  })

  it('asks once for a name that several wait for, however they write it', async () => {
    const found = Promise.all(['turn.example.net', 'TURN.example.net'].map(name => hosts.resolveHost(name)))
    assert.equal(lookups.length, 1)
    lookups[0]?.answer('192.0.2.1')
    assert.deepEqual(await found, [['192.0.2.1'], ['192.0.2.1']])
  })

  it('tells a bounded number of addresses', async () => {
    const found = hosts.resolveHost('many.example')
    lookups[0]?.answer(...Array.from({ length: maxAddresses + 1 }, (_, i) => `192.0.2.${i}`))
    assert.equal((await found).length, maxAddresses)
  })

  it('asks for few names at a time and lets a bounded number wait, in order', async () => {
    const all = maxConcurrentLookups + maxWaitingLookups
    const found = Array.from({ length: all }, (_, i) => hosts.resolveHost(`host${i}.example`))
    assert.deepEqual(await hosts.resolveHost('one-too-many.example'), [])
    assert.equal(lookups.length, maxConcurrentLookups)
    for (let i = 0; i < all; i++) {
      lookups[i]?.answer(`192.0.2.${i}`)
      assert.deepEqual(await found[i], [`192.0.2.${i}`])
      await new Promise(resolve => setImmediate(resolve))
    }
    assert.deepEqual(
      lookups.map(({ name }) => name),
      Array.from({ length: all }, (_, i) => `host${i}.example`),
    )
  })

  it('gives up after its limit, but does not ask for more while the system is still at it', async () => {
    hosts = create(20)
    const silent = Array.from({ length: maxConcurrentLookups + 1 }, (_, i) => hosts.resolveHost(`silent${i}.example`))
    const keepAlive = setTimeout(() => {}, 5_000)
    assert.deepEqual(
      await Promise.all(silent),
      silent.map(() => []),
    )
    clearTimeout(keepAlive)
    const next = hosts.resolveHost('next.example')
    assert.equal(lookups.length, maxConcurrentLookups)
    lookups[0]?.answer('192.0.2.66')
    await new Promise(resolve => setImmediate(resolve))
    assert.equal(lookups.at(-1)?.name, 'next.example')
    lookups.at(-1)?.answer('192.0.2.1')
    assert.deepEqual(await next, ['192.0.2.1'])
  })

  it('asks the system', async () => {
    const system = new HostNames()
    const found = await system.resolveHost('localhost')
    assert.ok(found.includes('127.0.0.1') || found.includes('::1'), String(found))
    assert.deepEqual(await system.resolveHost('does-not-exist.invalid'), [])
  })
})
