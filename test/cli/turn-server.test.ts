import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { toServerOptions } from '../../src/cli/turn-server.ts'
import { eventually } from '../dtls/program.ts'
import { createAuthority } from '../interop/authority.ts'
import { environmentOf, icefloe, password, program, runHere, silence, user } from './support.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A server as a process. */
class Running {
  output = ''
  readonly child: ChildProcess

  private constructor(args: readonly string[], variables: Readonly<Record<string, string>>) {
    const all = [...program, 'turn-server', '--listen', '127.0.0.1', '--port', '0', ...args]
    this.child = spawn(process.execPath, all, { cwd: root, env: environmentOf(variables) })
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', chunk => {
        this.output += chunk
      })
    }
  }

  static async start(args: readonly string[], variables: Readonly<Record<string, string>> = {}): Promise<Running> {
    const running = new Running(args, variables)
    await eventually(
      () => /ready/.test(running.output) || running.child.exitCode !== null,
      'the server is ready',
      10_000,
      () => running.output,
    )
    return running
  }

  port(transport: 'udp' | 'tcp' | 'tls'): string {
    return new RegExp(`127\\.0\\.0\\.1:(\\d+) ${transport}`).exec(this.output)?.[1] ?? assert.fail(this.output)
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    const exit = once(this.child, 'close')
    this.child.kill(signal)
    const [code] = (await exit) as [number | null]
    return code
  }
}

const running: Running[] = []

async function startProgram(args: readonly string[], variables?: Readonly<Record<string, string>>): Promise<Running> {
  const server = await Running.start(args, variables)
  running.push(server)
  return server
}

describe('icefloe turn-server', () => {
  afterEach(async () => {
    for (const server of running.splice(0)) if (server.child.exitCode === null) await server.end('SIGKILL')
  })

  it('relays for its users until SIGINT, then ends cleanly, and never tells a password', async () => {
    const server = await startProgram([
      '--user',
      `${user}:${password}`,
      '--allow-loopback-peers',
      '--stats-interval',
      '0.2',
    ])
    assert.match(server.output, /^\S+Z listening on 127\.0\.0\.1:\d+ udp$/m)
    assert.match(server.output, /^\S+Z ready: STUN and TURN for 1 user, realm icefloe$/m)
    const url = `turn:127.0.0.1:${server.port('udp')}`
    const { code, stdout } = await runHere(['turn', url, '--user', user, '--password', password])
    assert.equal(code, 0, stdout)
    await eventually(() => /2 made; .* to peers/.test(server.output), 'a line about the traffic')
    assert.equal(await server.end('SIGINT'), 0)
    assert.match(server.output, /^\S+Z ends: 0 allocations open of 2 made; .*\n$/m)
    assert.ok(!server.output.includes(password))
  })

  it('ends cleanly at SIGTERM too, and writes JSON if asked', async () => {
    const server = await startProgram(['--user', user, '--json'], { ICEFLOE_PASSWORD: password })
    assert.equal(await server.end('SIGTERM'), 0)
    const facts = server.output
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line))
    assert.deepEqual(
      facts.map(({ event }) => event),
      ['listening', 'listening', 'ready', 'end'],
    )
    assert.ok(!server.output.includes(password))
  })

  it('knows users from a file, and credentials for a time from a secret', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'icefloe-cli-'))
    const secret = 'shared-with-the-web'
    try {
      const file = join(directory, 'users')
      writeFileSync(file, `# of the test\n${user}:with:colons\n\nbob:other\n`)
      const server = await startProgram(['--users-file', file], { ICEFLOE_SECRET: secret })
      assert.match(server.output, /STUN and TURN for 2 users and credentials for a time/)
      const name = `${Math.floor(Date.now() / 1000) + 600}:carol`
      const timed = createHmac('sha1', secret).update(name).digest('base64')
      for (const [username, given] of [
        [user, 'with:colons'],
        ['bob', 'other'],
        [name, timed],
      ] as const) {
        const url = `turn:127.0.0.1:${server.port('udp')}`
        const args = ['turn', url, '--user', username, '--password', given, '--no-relay-check']
        const { code, stdout } = await runHere(args)
        assert.equal(code, 0, stdout)
      }
      await server.end('SIGINT')
      assert.doesNotMatch(server.output, /colons|other|shared-with/)
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  it('listens for TLS', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'icefloe-cli-'))
    try {
      const [cert, key, ca] = ['cert.pem', 'key.pem', 'ca.pem'].map(name => join(directory, name)) as [
        string,
        string,
        string,
      ]
      const identity = createAuthority(['localhost'], ['127.0.0.1'])
      writeFileSync(cert, identity.certificate)
      writeFileSync(key, identity.key)
      writeFileSync(ca, identity.ca)
      const server = await startProgram(['--cert', cert, '--key', key, '--tls-port', '0'])
      assert.match(server.output, /ready: STUN alone/)
      const { code, stdout } = await runHere(['stun', `stuns:localhost:${server.port('tls')}`, '--ca', ca])
      assert.equal(code, 0, stdout)
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  it('says in one line that a port is taken', async () => {
    const { port, socket } = await silence()
    try {
      const { code, stdout, stderr } = await icefloe(['turn-server', '--listen', '127.0.0.1', '--port', String(port)])
      assert.deepEqual({ code, stdout }, { code: 1, stdout: '' })
      assert.equal(
        stderr,
        'icefloe turn-server: cannot start: an address is in use: another server may run on this port\n',
      )
    } finally {
      socket.close()
    }
  })

  it('says in one line that a certificate is of no use', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'icefloe-cli-'))
    try {
      const file = join(directory, 'pem')
      writeFileSync(file, '-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n')
      const args = [
        'turn-server',
        '--listen',
        '127.0.0.1',
        '--port',
        '0',
        '--tls-port',
        '0',
        '--cert',
        file,
        '--key',
        file,
      ]
      const { code, stderr } = await icefloe(args)
      assert.equal(code, 1)
      assert.match(stderr, /^icefloe turn-server: cannot start: [^\n]+\n$/)
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  it('hands each option to the server', async () => {
    const context = { environment: {}, variables: {} } as unknown as Parameters<typeof toServerOptions>[1]
    const options = toServerOptions(
      {
        ...{
          listen: ['127.0.0.1', '::1'],
          port: '1000',
          'alternate-port': '1001',
          realm: 'r',
          user: ['a:b'],
          secret: 's',
        },
        ...{ 'relay-ports': '50000-50009', 'relay-on': ['127.0.0.1'], 'external-ip': ['203.0.113.1'] },
        ...{ 'allow-loopback-peers': true, 'allow-private-peers': true, 'allow-own-peers': true, 'tcp-relay': true },
        ...{ 'max-allocations': '1', 'max-allocations-per-user': '2', 'max-bytes-per-second': '3' },
        ...{ 'max-connections': '4', 'max-lifetime': '700', json: false },
      },
      context,
    )
    const { environment: _, listen, software: __, ...rest } = options
    assert.deepEqual(
      listen.map(({ address, port, transport }) => `${address} ${port} ${transport}`),
      [
        '127.0.0.1 1000 udp',
        '127.0.0.1 1000 tcp',
        '127.0.0.1 1001 udp',
        '127.0.0.1 1001 tcp',
        '::1 1000 udp',
        '::1 1000 tcp',
        '::1 1001 udp',
        '::1 1001 tcp',
      ],
    )
    assert.deepEqual(rest, {
      realm: 'r',
      users: { a: 'b' },
      secret: 's',
      relayPorts: [50_000, 50_009],
      relayOn: ['127.0.0.1'],
      relayAddress: ['203.0.113.1'],
      allowLoopbackPeers: true,
      allowPrivatePeers: true,
      allowOwnPeers: true,
      tcpRelay: true,
      maxAllocations: 1,
      maxAllocationsPerUser: 2,
      maxBytesPerSecondPerUser: 3,
      maxConnections: 4,
      maxLifetimeSeconds: 700,
    })
  })
})
