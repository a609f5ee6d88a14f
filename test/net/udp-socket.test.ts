import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { TransportAddress } from '../../src/base/address.ts'
import type { UdpSocket } from '../../src/base/environment.ts'
import { hostInterfaces } from '../../src/net/host.ts'
import { bindUdp, receiveBufferSize } from '../../src/net/udp-socket.ts'
import { eventually } from './support.ts'

interface Received {
  readonly data: Uint8Array
  readonly from: TransportAddress
}

const hasIpv6 = hostInterfaces().some(({ address }) => address === '::1')

/** What the system gives a socket that asks as ours do: some give no more than twice their default. */
async function grantedReceiveBuffer(): Promise<number> {
  const probe = createSocket('udp4').bind(0, '127.0.0.1')
  await once(probe, 'listening')
  probe.setRecvBufferSize(receiveBufferSize)
  const granted = probe.getRecvBufferSize()
  probe.close()
  return granted
}

describe('a UDP socket', () => {
  const open: UdpSocket[] = []
  const received: Received[] = []

  async function bind(address = '127.0.0.1', port = 0): Promise<UdpSocket> {
    const socket = await bindUdp(address, port, (data, from) => received.push({ data: Uint8Array.from(data), from }))
    open.push(socket)
    return socket
  }

  afterEach(() => {
    for (const socket of open.splice(0)) socket.close()
    received.length = 0
  })

  for (const [address, family] of [
    ['127.0.0.1', 4],
    ['::1', 6],
  ] as const) {
    it(`carries datagrams over IPv${family}, and tells where they came from`, async function () {
      if (family === 6 && !hasIpv6) this.skip()
      const [a, b] = [await bind(address), await bind(address)]
      assert.equal(a.local.address, address)
      assert.equal(a.local.family, family)
      assert.ok(a.local.port > 0)
      a.send(Uint8Array.of(1, 2, 3), b.local)
      await eventually(() => received.length === 1)
      assert.deepEqual(received, [{ data: Uint8Array.of(1, 2, 3), from: a.local }])
    })
  }

  it('hands out the same address object for the same remote, with several remotes taking turns', async () => {
    const [a, b, c] = [await bind(), await bind(), await bind()]
    for (let i = 0; i < 4; i++) (i % 2 === 0 ? a : b).send(Uint8Array.of(i), c.local)
    await eventually(() => received.length === 4)
    const [first, second, third, fourth] = received.map(({ from }) => from)
    assert.deepEqual(first, a.local)
    assert.deepEqual(second, b.local)
    assert.equal(first, third)
    assert.equal(second, fourth)
  })

  it('lets leave what was sent just before it was closed', async () => {
    const [a, b] = [await bind(), await bind()]
    for (let i = 0; i < 10; i++) a.send(Uint8Array.of(i), b.local)
    a.close()
    await eventually(() => received.length === 10)
  })

  it('ignores what is sent after it was closed, and a second close', async () => {
    const [a, b] = [await bind(), await bind()]
    a.close()
    a.close()
    a.send(Uint8Array.of(1), b.local)
    await new Promise(resolve => setTimeout(resolve, 20))
    assert.equal(received.length, 0)
    assert.equal(a.sendErrors, 0)
  })

  it('delivers nothing after it was closed', async () => {
    const [a, b] = [await bind(), await bind()]
    a.send(Uint8Array.of(1), b.local)
    await new Promise(resolve => process.nextTick(resolve))
    b.close()
    await new Promise(resolve => setTimeout(resolve, 20))
    assert.equal(received.length, 0)
  })

  it('counts datagrams that cannot be sent and throws for none', async () => {
    const a = await bind()
    const target = { address: '127.0.0.1', port: 9, family: 4 } as const
    a.send(new Uint8Array(65_508), target)
    a.send(Uint8Array.of(1), { ...target, port: 0 })
    a.send(Uint8Array.of(1), { ...target, port: 65_536 })
    a.send(Uint8Array.of(1), { ...target, port: Number.NaN })
    a.send(Uint8Array.of(1), { address: '::1', port: 9, family: 6 })
    a.send(Uint8Array.of(1), { ...target, address: 'no address' })
    await eventually(() => a.sendErrors === 6)
  })

  it('survives that nobody listens where it sends to', async () => {
    const [a, b, c] = [await bind(), await bind(), await bind()]
    b.close()
    await new Promise(resolve => setTimeout(resolve, 10))
    a.send(Uint8Array.of(1), b.local)
    await new Promise(resolve => setTimeout(resolve, 10))
    a.send(Uint8Array.of(2), c.local)
    await eventually(() => received.length === 1)
  })

  it('rejects with the code of the operating system for an address of others and for a port in use', async () => {
    await assert.rejects(bind('192.0.2.254'), { code: 'EADDRNOTAVAIL' })
    const a = await bind()
    await assert.rejects(bind('127.0.0.1', a.local.port), { code: 'EADDRINUSE' })
  })

  it('holds bursts that overflow a default receive buffer', async () => {
    // A default buffer takes about 90 of these. Linux counts some 2.5 kB for each.
    const burst = Math.min(500, Math.floor((await grantedReceiveBuffer()) / 4000))
    const [a, b] = [await bind(), await bind()]
    // The loop is not left in between, so nothing can be read.
    for (let i = 0; i < burst; i++) a.send(new Uint8Array(1200), b.local)
    await eventually(() => received.length === burst)
  })

  it('leaves the IPv4 port of the same number to others', async function () {
    if (!hasIpv6) this.skip()
    const a = await bind('::')
    const other = createSocket('udp4')
    other.bind(a.local.port, '0.0.0.0')
    await once(other, 'listening')
    other.close()
  })

  it('keeps the process alive while it is open, and no longer', async () => {
    const module = new URL('../../src/net/udp-socket.ts', import.meta.url).href
    const script = `
      const { bindUdp } = await import(${JSON.stringify(module)})
      const socket = await bindUdp('127.0.0.1', 0, () => {})
      process.on('exit', () => console.log('exit'))
      process.stdin.once('data', () => { socket.close(); process.stdin.destroy() }).unref()
      console.log('open')
    `
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script])
    let output = ''
    child.stdout.on('data', (data: Buffer) => {
      output += data.toString()
    })
    await eventually(() => output === 'open\n', 10_000)
    await new Promise(resolve => setTimeout(resolve, 200))
    assert.equal(output, 'open\n')
    child.stdin.write('close\n')
    const [code] = await once(child, 'exit')
    assert.equal(code, 0)
    assert.equal(output, 'open\nexit\n')
  })
})
