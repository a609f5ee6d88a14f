import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Environment } from '../../src/base/environment.ts'
import { createSystemEnvironment } from '../../src/net/system-environment.ts'
import type { TurnServer } from '../../src/turn-server/index.ts'
import { startCoturn } from '../interop/coturn.ts'
import { createCertificateAuthority } from '../net/certificate-authority.ts'
import { hurried, icefloe, password, portOf, runHere, silence, startServer, user } from './support.ts'

const asAlice = ['--user', user, '--password', password]

describe('icefloe turn', () => {
  let server: TurnServer

  beforeEach(async () => {
    server = await startServer({ software: 'a server' })
  })

  afterEach(() => server.close())

  it('allocates, relays through two allocations, and gives them back', async () => {
    const port = portOf(server, 'udp')
    const { code, stdout, stderr } = await icefloe(['turn', `turn:127.0.0.1:${port}`, ...asAlice])
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
    const [title, ...lines] = stdout.trimEnd().split('\n')
    assert.equal(title, `turn:127.0.0.1:${port} at 127.0.0.1:${port} over UDP`)
    assert.match(lines[0] ?? '', /^ {2}relayed address {2}127\.0\.0\.1:\d+$/)
    assert.match(lines[1] ?? '', /^ {2}mapped address {3}127\.0\.0\.1:\d+ \(no address translation\)$/)
    assert.equal(lines[2], '  lifetime         600 seconds')
    assert.match(lines[3] ?? '', /^ {2}round trip {7}[\d.]+ ms$/)
    assert.equal(lines[4], '  software         a server')
    assert.match(
      lines[5] ?? '',
      /^ {2}relaying {9}works: 10 of 10 packets came back, through two allocations, in [\d.]+ ms$/,
    )
    assert.ok(!stdout.includes(password))
    assert.equal(server.stats().allocations, 2)
    assert.equal(server.stats().openAllocations, 0)
  })

  it('does the same over TCP', async () => {
    const url = `turn:127.0.0.1:${portOf(server, 'tcp')}?transport=tcp`
    const { code, stdout } = await runHere(['turn', url, ...asAlice, '--json'])
    assert.equal(code, 0, stdout)
    const [result] = JSON.parse(stdout).servers
    assert.equal(result.transport, 'tcp')
    assert.equal(result.relaying[0].returned, 10)
    assert.equal(server.stats().openAllocations, 0)
  })

  it('does the same over TLS, trusting --ca', async () => {
    const authority = await createCertificateAuthority()
    const { certificate, key } = await authority.issue({ dns: ['localhost'], ip: ['127.0.0.1'] })
    const secure = await startServer({
      listen: [{ address: '127.0.0.1', port: 0, transport: 'tls', certificate, key }],
    })
    const directory = mkdtempSync(join(tmpdir(), 'icefloe-cli-'))
    try {
      const ca = join(directory, 'ca.pem')
      writeFileSync(ca, authority.certificate)
      const url = `turns:127.0.0.1:${portOf(secure, 'tls')}`
      const { code, stdout } = await runHere(['turn', url, ...asAlice, '--ca', ca])
      assert.equal(code, 0, stdout)
      assert.match(stdout, /over TLS\n/)
      assert.match(stdout, /works: 10 of 10 packets/)
      const distrusting = await runHere(['turn', url, ...asAlice])
      assert.equal(distrusting.code, 1)
      assert.match(distrusting.stdout, /failed {2}.*certificate\n {2}hint {4}--ca FILE/)
    } finally {
      rmSync(directory, { recursive: true })
      secure.close()
    }
  })

  it('takes the password from the environment, a file or standard input', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'icefloe-cli-'))
    try {
      const file = join(directory, 'password')
      writeFileSync(file, `${password}\nand notes\n`)
      const args = ['turn', `127.0.0.1:${portOf(server, 'udp')}`, '--user', user, '--no-relay-check']
      const fromFile = await runHere([...args, '--password-file', file])
      assert.equal(fromFile.code, 0, fromFile.stdout)
      const fromVariable = await icefloe(args, { variables: { ICEFLOE_PASSWORD: password } })
      assert.equal(fromVariable.code, 0, fromVariable.stdout)
      const fromInput = await icefloe([...args, '--password-file', '-'], { input: `${password}\n` })
      assert.equal(fromInput.code, 0, fromInput.stdout)
      assert.doesNotMatch(fromFile.stdout, /relaying/)
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  it('ends with 1 for a wrong password, and shows neither of them', async () => {
    const args = ['turn', `127.0.0.1:${portOf(server, 'udp')}`, '--user', user, '--password', 'mistaken-secret']
    for (const more of [[], ['--json']]) {
      const { code, stdout, stderr } = await runHere([...args, ...more])
      assert.equal(code, 1)
      assert.match(stdout, /401/)
      assert.doesNotMatch(stdout + stderr, /mistaken-secret|correct-horse/)
    }
  })

  it('sends from a socket of this host where there is no second allocation', async () => {
    const single = await startServer({ maxAllocationsPerUser: 1 })
    try {
      const { code, stdout } = await runHere(['turn', `127.0.0.1:${portOf(single, 'udp')}`, ...asAlice])
      assert.equal(code, 0, stdout)
      assert.match(stdout, /works: 10 of 10 packets came back, sent by a socket of this host/)
      assert.equal(single.stats().openAllocations, 0)
    } finally {
      single.close()
    }
  })

  it('says why it cannot be proved that the server relays', async () => {
    const strict = await startServer({ maxAllocationsPerUser: 1, allowLoopbackPeers: false })
    try {
      const url = `127.0.0.1:${portOf(strict, 'udp')}`
      const { code, stdout } = await runHere(['turn', url, ...asAlice], { environment: hurried(8) })
      assert.equal(code, 1)
      assert.match(stdout, /^ {2}relayed address/m)
      assert.match(stdout, /^ {2}relaying {14}not proved$/m)
      assert.match(stdout, /^ {4}by two allocations {2}there is no second allocation: .*486/m)
      assert.match(
        stdout,
        /^ {4}by own socket {7}nothing came back within 3 s, though the server does not refuse the peer/m,
      )
      const { code: withoutCheck } = await runHere(['turn', url, ...asAlice, '--no-relay-check'])
      assert.equal(withoutCheck, 0)
    } finally {
      strict.close()
    }
  })

  it('ends with 1 where nobody answers', async () => {
    const { port, socket } = await silence()
    try {
      const { code, stdout } = await runHere(['turn', `127.0.0.1:${port}`, ...asAlice, '--timeout', '0.5'])
      assert.equal(code, 1)
      assert.match(stdout, /failed {2}the server does not answer/)
    } finally {
      socket.close()
    }
  })

  it('gives up a connection that is not taken in time', async () => {
    const system = createSystemEnvironment()
    const silent: Environment['network']['connectTcp'] = to => ({
      local: { address: '0.0.0.0', port: 0, family: 4 },
      remote: to,
      bufferedBytes: 0,
      write() {},
      close() {},
    })
    const environment = { ...system, network: { ...system.network, connectTcp: silent } }
    const args = ['turn', 'turn:127.0.0.1?transport=tcp', ...asAlice, '--timeout', '0.2']
    const { code, stdout } = await runHere(args, { environment })
    assert.equal(code, 1)
    assert.match(stdout, /failed {2}the server does not take the connection in time/)
  })

  it('proves both addresses of a server that relays for both families', async function () {
    const system = createSystemEnvironment()
    const both = (['127.0.0.1', '::1'] as const).map(address => ({ address, port: 0 }))
    if (!system.network.interfaces().some(({ address }) => address === '::1')) {
      console.log('      skipped: there is no IPv6 here')
      this.skip()
    }
    const dual = await startServer({ listen: both })
    try {
      const { code, stdout } = await runHere(['turn', `127.0.0.1:${portOf(dual, 'udp')}`, ...asAlice])
      assert.equal(code, 0, stdout)
      assert.match(stdout, /^ {2}relaying IPv4 {4}works: .*\n {2}relaying IPv6 {4}works: 10 of 10 packets/m)
    } finally {
      dual.close()
    }
  })

  it('asks for the lifetime that is wanted', async () => {
    const args = ['turn', `127.0.0.1:${portOf(server, 'udp')}`, ...asAlice, '--no-relay-check', '--lifetime', '900']
    assert.match((await runHere(args)).stdout, /lifetime {9}900 seconds/)
  })

  it('proves that coturn relays, over each transport', async function () {
    const coturn = await startCoturn(this)
    const { port, tlsPort, username, credential, caPath } = coturn
    const args = ['--user', username, '--password', credential, '--ca', caPath]
    try {
      for (const url of [
        `turn:127.0.0.1:${port}`,
        `turn:127.0.0.1:${port}?transport=tcp`,
        `turns:localhost:${tlsPort}`,
      ]) {
        const { code, stdout } = await runHere(['turn', url, ...args])
        assert.equal(code, 0, stdout)
        assert.match(stdout, /software {9}Coturn/)
        assert.match(stdout, /works: 10 of 10 packets/)
      }
    } finally {
      await coturn.stop()
    }
  })

  it('says what coturn refuses', async function () {
    const coturn = await startCoturn(this, { args: ['--denied-peer-ip=0.0.0.0-255.255.255.255'] })
    const { port, username, credential } = coturn
    try {
      const { code, stdout } = await runHere([
        'turn',
        `127.0.0.1:${port}`,
        '--user',
        username,
        '--password',
        credential,
      ])
      assert.equal(code, 1, stdout)
      assert.match(stdout, /by two allocations {2}the server does not relay there: 403/)
      assert.match(stdout, /by own socket {7}the server does not relay there: 403/)
    } finally {
      await coturn.stop()
    }
  })
})
