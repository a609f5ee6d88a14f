import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { UdpSocket } from '../../src/base/environment.ts'
import { createSystemEnvironment } from '../../src/net/system-environment.ts'
import { createTurnServer, type TurnServer, type TurnServerOptions } from '../../src/turn-server/index.ts'
import { freePort, requireProgram } from '../dtls/program.ts'
import { createAuthority } from '../interop/authority.ts'

const environment = createSystemEnvironment()
const loopback = '127.0.0.1'
const running: { close?(): void; stop?(): Promise<void> }[] = []

/** A server that listens on UDP, TCP and TLS, and on a second address and port for RFC 5780. */
async function start(
  options: Partial<TurnServerOptions> = {},
): Promise<{ server: TurnServer; port: number; tlsPort: number }> {
  const [port, otherPort] = [await freePort(), await freePort()]
  const { certificate, key } = createAuthority(['localhost'], [loopback])
  const server = await createTurnServer({
    listen: [
      ...[loopback, '127.0.0.2'].flatMap(address => [port, otherPort].map(each => ({ address, port: each }))),
      { address: loopback, port, transport: 'tcp' },
      { address: loopback, port: 0, transport: 'tls', certificate, key },
      { address: '::1', port },
    ],
    realm: 'example.org',
    users: { user: 'pass' },
    allowLoopbackPeers: true,
    tcpRelay: true,
    ...options,
  })
  running.push(server)
  const tlsPort = server.addresses.find(({ transport }) => transport === 'tls')?.port ?? assert.fail()
  return { server, port, tlsPort }
}

/** A peer that sends back what it gets, on a port and the next; and in how many datagrams that came. */
async function echo(address = loopback): Promise<{ port: number; count: () => number }> {
  let count = 0
  const bind = (port: number): Promise<UdpSocket> =>
    environment.network.bindUdp(address, port, (data, from, own) => {
      count++
      own.send(Uint8Array.from(data), from)
    })
  for (;;) {
    const first = await bind(0)
    const second = await bind(first.local.port + 1).catch(() => undefined)
    running.push(first, ...(second === undefined ? [] : [second]))
    if (second !== undefined) return { port: first.local.port, count: () => count }
  }
}

/** Runs a program to its end and returns what it has written. */
async function run(command: string, ...args: readonly (string | number)[]): Promise<string> {
  const child = spawn(command, args.map(String), { stdio: ['ignore', 'pipe', 'pipe'] })
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL')
  }
  running.push({ stop })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  }
  await once(child, 'close')
  return output
}

const credentials = ['-u', 'user', '-w', 'pass']
const messages = 10
const traffic = ['-n', messages, '-z', 5]

function assertNothingLost(output: string, sessions: number): void {
  assert.match(output, new RegExp(`tot_send_msgs=${messages * sessions}, tot_recv_msgs=${messages * sessions}`), output)
  assert.match(output, /Total lost packets 0 /, output)
}

describe("A TURN server with coturn's clients", function () {
  this.timeout(60_000)
  before(function () {
    for (const program of ['turnutils_uclient', 'turnutils_stunclient', 'turnutils_natdiscovery', 'openssl']) {
      requireProgram(this, program)
    }
  })
  afterEach(async () => {
    for (const each of running.splice(0)) {
      each.close?.()
      await each.stop?.()
    }
  })

  const cases = [
    { title: 'over UDP with Send indications', flags: ['-s'] },
    { title: 'over TCP', flags: ['-s', '-t'] },
  ]
  for (const { title, flags } of cases) {
    it(`relays ${title}, with an even port and the reserved next one`, async () => {
      const { server, port } = await start()
      const peer = await echo()
      const to = ['-p', port, '-e', loopback, '-r', peer.port]
      const output = await run('turnutils_uclient', ...credentials, ...traffic, ...flags, ...to, loopback)
      assertNothingLost(output, 2)
      assert.equal(peer.count(), 2 * messages)
      assert.equal(server.stats().drops.malformed, 0)
    })
  }

  it('relays over TLS', async () => {
    const { server, tlsPort } = await start()
    const peer = await echo()
    const to = ['-p', tlsPort, '-e', loopback, '-r', peer.port, loopback]
    const output = await run('turnutils_uclient', ...credentials, ...traffic, '-s', '-t', '-S', '-c', ...to)
    // Of messages that share a TLS record the program reads the first, and waits for the next record: some may be missing.
    assert.match(output, /tot_send_msgs=10, tot_recv_msgs=([5-9]|10)\n/, output)
    assert.equal(peer.count(), messages)
    assert.equal(server.stats().toClients.packets, messages)
  })

  it('relays ChannelData over UDP and TCP', async () => {
    // Attempts that come to nothing leave their allocations behind.
    const { server, port } = await start({ maxAllocationsPerUser: 4_000 })
    for (const flags of [[], ['-t']]) {
      const peer = await echo()
      // This program takes channel numbers by chance, up to 0x7fff as RFC 5766 had it; RFC 8656 refuses three of four, and it
      // takes two: sixteen attempts on average, and once in 10^11 runs more than this.
      let output = ''
      for (let attempt = 0; attempt < 400 && !output.includes('Total lost'); attempt++) {
        const to = ['-p', port, '-e', loopback, '-r', peer.port, loopback]
        output = await run('turnutils_uclient', ...credentials, ...traffic, '-c', ...flags, ...to)
      }
      assertNothingLost(output, 1)
      assert.equal(peer.count(), messages)
    }
    assert.equal(server.stats().drops['no-channel'], 0)
  })

  it('survives messages that are damaged on purpose', async () => {
    const { port } = await start()
    const peer = await echo()
    const to = ['-p', port, '-e', loopback, '-r', peer.port, loopback]
    // What it sends is up to chance. It waits for answers to nonsense, and may do so for ever.
    const negative = run('turnutils_uclient', ...credentials, ...traffic, '-s', '-R', ...to)
    await Promise.race([negative, new Promise(resolve => setTimeout(resolve, 4000))])
    assertNothingLost(await run('turnutils_uclient', ...credentials, ...traffic, '-s', '-c', ...to), 1)
  })

  it('relays between two clients', async () => {
    const { server, port } = await start({ allowLoopbackPeers: false })
    const output = await run('turnutils_uclient', ...credentials, ...traffic, '-s', '-y', '-c', '-p', port, loopback)
    assertNothingLost(output, 2)
    assert.equal(server.stats().toPeers.packets, 2 * messages)
  })

  it('relays over IPv6', async function () {
    if (!environment.network.interfaces().some(({ address }) => address === '::1')) this.skip()
    const { port } = await start()
    const peer = await echo('::1')
    const to = ['-p', port, '-x', '-c', '-e', '::1', '-r', peer.port, '::1']
    assertNothingLost(await run('turnutils_uclient', ...credentials, ...traffic, '-s', ...to), 1)
  })

  it('relays TCP connections, between clients on TCP and on TLS', async () => {
    const { port, tlsPort } = await start()
    for (const flags of [
      ['-p', port],
      ['-S', '-p', tlsPort],
    ]) {
      assertNothingLost(await run('turnutils_uclient', ...credentials, ...traffic, '-T', ...flags, loopback), 2)
    }
  })

  it('knows credentials for a time', async () => {
    const { server, port } = await start({ secret: 'a secret of the service' })
    const peer = await echo()
    const to = ['-p', port, '-e', loopback, '-r', peer.port, loopback]
    const given = ['-u', 'carol', '-W', 'a secret of the service']
    assertNothingLost(await run('turnutils_uclient', ...given, ...traffic, '-s', ...to), 2)
    const wrong = await run('turnutils_uclient', '-u', 'carol', '-W', 'another', ...traffic, '-s', ...to)
    assert.doesNotMatch(wrong, /Total lost/)
    assert.ok((server.stats().refusals[401] ?? 0) > 2)
  })

  it('tells the address that a request came from', async () => {
    const { port } = await start()
    const output = await run('turnutils_stunclient', '-p', port, loopback)
    assert.match(output, /UDP reflexive addr: 127\.0\.0\.1:\d+/)
  })

  it('shows how a NAT behaves, which here is none', async () => {
    const { port } = await start()
    const output = await run('turnutils_natdiscovery', '-m', '-f', '-p', port, loopback)
    assert.match(output, /Other addr: : 127\.0\.0\.2:/)
    assert.match(output, /Endpoint Independent Mapping/)
    assert.match(output, /Endpoint Independent Filtering/)
  })
})
