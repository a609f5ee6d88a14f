import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DtlsOptions } from '../../src/dtls/index.ts'
import { eventually, freePort, Program, requireProgram } from '../dtls/program.ts'
import { UdpPeer } from '../dtls/udp-peer.ts'
import { ecdsaCertificate, rsaCertificate, type TestCertificate } from '../support/test-certificate.ts'

const exporterLabel = 'EXTRACTOR-dtls_srtp'
const exporterLength = 60

interface Case {
  readonly title: string
  readonly own: () => TestCertificate
  readonly theirs: () => TestCertificate
  readonly args?: readonly string[]
  readonly options?: Partial<DtlsOptions>
  readonly cipherSuite: string
  readonly group?: string
}

const ecdsaSuite = 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256'
const rsaSuite = 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256'
let directory = ''
const running: { stop?(): Promise<void>; close?(): void }[] = []

/** Files that a program reads its identity from. */
function write({ pem }: TestCertificate): { certificate: string; key: string } {
  const { certificate, key } = pem()
  const paths = { certificate: join(directory, 'certificate.pem'), key: join(directory, 'key.pem') }
  writeFileSync(paths.certificate, certificate)
  writeFileSync(paths.key, key)
  return paths
}

function run(command: string, args: readonly string[]): Program {
  const program = new Program(command, args)
  running.push(program)
  return program
}

async function peer(role: 'client' | 'server', own: TestCertificate, theirs: TestCertificate, testCase: Case) {
  const udp = await UdpPeer.open(role, own, theirs, testCase.options)
  running.push(udp)
  return udp
}

async function connected(udp: UdpPeer): Promise<void> {
  await eventually(() => udp.dtls.state !== 'connecting', 'the handshake ends')
  assert.equal(udp.error, undefined)
  assert.equal(udp.dtls.state, 'connected')
}

function exported(udp: UdpPeer): string {
  return Buffer.from(udp.dtls.exportKeyingMaterial(exporterLabel, exporterLength)).toString('hex')
}

before(() => {
  directory = mkdtempSync(join(tmpdir(), 'icefloe-dtls-'))
})

after(() => {
  rmSync(directory, { recursive: true, force: true })
})

afterEach(async () => {
  for (const each of running.splice(0)) {
    each.close?.()
    await each.stop?.()
  }
})

describe('DTLS 1.2 with OpenSSL', function () {
  this.timeout(30_000)
  before(function () {
    requireProgram(this, 'openssl')
  })

  const common = [
    '-dtls1_2',
    '-use_srtp',
    'SRTP_AES128_CM_SHA1_80',
    '-keymatexport',
    exporterLabel,
    '-keymatexportlen',
    String(exporterLength),
  ]

  const asClient: readonly Case[] = [
    { title: 'with ECDSA', own: ecdsaCertificate, theirs: ecdsaCertificate, cipherSuite: ecdsaSuite, group: 'x25519' },
    { title: 'with RSA', own: rsaCertificate, theirs: rsaCertificate, cipherSuite: rsaSuite },
    { title: 'with ECDSA to RSA', own: ecdsaCertificate, theirs: rsaCertificate, cipherSuite: rsaSuite },
    {
      title: 'on P-256',
      own: ecdsaCertificate,
      theirs: ecdsaCertificate,
      args: ['-groups', 'P-256'],
      cipherSuite: ecdsaSuite,
      group: 'secp256r1',
    },
    {
      title: 'after a cookie',
      own: ecdsaCertificate,
      theirs: ecdsaCertificate,
      args: ['-listen'],
      cipherSuite: ecdsaSuite,
    },
    {
      title: 'in small datagrams both ways',
      own: rsaCertificate,
      theirs: rsaCertificate,
      args: ['-mtu', '300'],
      options: { mtu: 300 },
      cipherSuite: rsaSuite,
    },
  ]
  for (const testCase of asClient) {
    it(`connects as a client ${testCase.title}`, async () => {
      const own = testCase.own()
      const theirs = testCase.theirs()
      const files = write(theirs)
      const port = await freePort()
      const server = run('openssl', [
        ...['s_server', '-accept', `127.0.0.1:${port}`, '-cert', files.certificate, '-key', files.key, '-Verify', '1'],
        ...[...common, ...(testCase.args ?? [])],
      ])
      await server.find(/ACCEPT/)
      const udp = await peer('client', own, theirs, testCase)
      udp.start(port)
      await connected(udp)
      assert.equal(udp.dtls.session?.cipherSuite, testCase.cipherSuite)
      if (testCase.group !== undefined) assert.equal(udp.dtls.session?.group, testCase.group)
      assert.equal(udp.dtls.session?.srtpProfile, 1)
      assert.deepEqual(Buffer.from(udp.dtls.remoteCertificates[0] ?? []), Buffer.from(theirs.certificate))
      udp.send('from icefloe\n')
      await server.find(/from icefloe/)
      const [, material] = await server.find(/Keying material: ([0-9A-F]{120})/)
      assert.equal(exported(udp), material?.toLowerCase())
      server.write('from openssl\n')
      await eventually(() => udp.received.includes('from openssl\n'), 'data from OpenSSL')
      udp.dtls.close(performance.now())
    })
  }

  const asServer: readonly Case[] = [
    { title: 'with ECDSA', own: ecdsaCertificate, theirs: ecdsaCertificate, cipherSuite: ecdsaSuite, group: 'x25519' },
    { title: 'with RSA', own: rsaCertificate, theirs: rsaCertificate, cipherSuite: rsaSuite },
    {
      title: 'that signs with PKCS #1 because the client wants it',
      own: rsaCertificate,
      theirs: ecdsaCertificate,
      args: ['-sigalgs', 'RSA+SHA256:ECDSA+SHA256'],
      cipherSuite: rsaSuite,
    },
    {
      title: 'on P-256',
      own: ecdsaCertificate,
      theirs: rsaCertificate,
      args: ['-groups', 'P-521:P-256'],
      cipherSuite: ecdsaSuite,
      group: 'secp256r1',
    },
    {
      title: 'after a cookie',
      own: ecdsaCertificate,
      theirs: ecdsaCertificate,
      options: { peerAddressValidated: false },
      cipherSuite: ecdsaSuite,
    },
    {
      title: 'in small datagrams both ways',
      own: rsaCertificate,
      theirs: rsaCertificate,
      args: ['-mtu', '300'],
      options: { mtu: 300 },
      cipherSuite: rsaSuite,
    },
  ]
  for (const testCase of asServer) {
    it(`connects as a server ${testCase.title}`, async () => {
      const own = testCase.own()
      const theirs = testCase.theirs()
      const files = write(theirs)
      const udp = await peer('server', own, theirs, testCase)
      udp.start()
      const client = run('openssl', [
        ...['s_client', '-connect', `127.0.0.1:${udp.port}`, '-cert', files.certificate, '-key', files.key],
        ...[...common, ...(testCase.args ?? [])],
      ])
      await connected(udp)
      assert.equal(udp.dtls.session?.cipherSuite, testCase.cipherSuite)
      if (testCase.group !== undefined) assert.equal(udp.dtls.session?.group, testCase.group)
      assert.equal(udp.dtls.session?.srtpProfile, 1)
      const [, material] = await client.find(/Keying material: ([0-9A-F]{120})/)
      assert.equal(exported(udp), material?.toLowerCase())
      client.write('from openssl\n')
      await eventually(() => udp.received.includes('from openssl\n'), 'data from OpenSSL')
      udp.send('from icefloe\n')
      await client.find(/from icefloe/)
      client.write('Q\n')
      await eventually(() => udp.closedByPeer, 'close_notify from OpenSSL')
    })
  }

  it('refuses a client with a certificate that was not signalled', async () => {
    const theirs = ecdsaCertificate()
    const files = write(theirs)
    const udp = await UdpPeer.open('server', ecdsaCertificate(), ecdsaCertificate())
    running.push(udp)
    udp.start()
    const client = run('openssl', [
      ...['s_client', '-connect', `127.0.0.1:${udp.port}`, '-cert', files.certificate, '-key', files.key, '-dtls1_2'],
    ])
    await eventually(() => udp.error !== undefined, 'the handshake fails')
    assert.equal(udp.error?.code, 'fingerprint-mismatch')
    await client.find(/alert bad certificate/)
  })

  it('refuses a client without a certificate', async () => {
    const udp = await UdpPeer.open('server', ecdsaCertificate(), ecdsaCertificate())
    running.push(udp)
    udp.start()
    const client = run('openssl', ['s_client', '-connect', `127.0.0.1:${udp.port}`, '-dtls1_2'])
    await eventually(() => udp.error !== undefined, 'the handshake fails')
    assert.equal(udp.error?.code, 'missing-certificate')
    await client.find(/alert bad certificate/)
  })

  it('does not renegotiate when the server asks for it', async () => {
    const theirs = ecdsaCertificate()
    const files = write(theirs)
    const port = await freePort()
    const server = run('openssl', [
      ...['s_server', '-accept', `127.0.0.1:${port}`, '-cert', files.certificate, '-key', files.key, '-Verify', '1'],
      '-dtls1_2',
    ])
    await server.find(/ACCEPT/)
    const udp = await UdpPeer.open('client', ecdsaCertificate(), theirs)
    running.push(udp)
    udp.start(port)
    await connected(udp)
    udp.send('ready\n')
    await server.find(/ready/)
    server.write('r\n')
    await new Promise(resolve => setTimeout(resolve, 200))
    udp.send('still here\n')
    await server.find(/still here/)
    server.write('so am I\n')
    await eventually(() => udp.received.includes('so am I\n'), 'data from OpenSSL')
  })

  it('refuses to renegotiate when the client begins with it', async () => {
    const theirs = ecdsaCertificate()
    const files = write(theirs)
    const udp = await UdpPeer.open('server', ecdsaCertificate(), theirs)
    running.push(udp)
    udp.start()
    const client = run('openssl', [
      ...['s_client', '-connect', `127.0.0.1:${udp.port}`, '-cert', files.certificate, '-key', files.key, '-dtls1_2'],
    ])
    await connected(udp)
    client.write('R\n')
    await client.find(/no renegotiation/)
  })
})

describe('DTLS 1.2 with GnuTLS', function () {
  this.timeout(30_000)
  const common = [
    '--udp',
    '--priority',
    'NORMAL:-VERS-ALL:+VERS-DTLS1.2:%PROFILE_LOW',
    '--srtp-profiles',
    'SRTP_AES128_CM_HMAC_SHA1_80',
    '--keymatexport',
    exporterLabel,
    '--keymatexportsize',
    String(exporterLength),
  ]
  const cases: readonly Case[] = [
    { title: 'with ECDSA', own: ecdsaCertificate, theirs: ecdsaCertificate, cipherSuite: ecdsaSuite },
    { title: 'with RSA', own: rsaCertificate, theirs: rsaCertificate, cipherSuite: rsaSuite },
    {
      title: 'in small datagrams',
      own: rsaCertificate,
      theirs: ecdsaCertificate,
      options: { mtu: 300, peerAddressValidated: false },
      cipherSuite: rsaSuite,
    },
  ]

  for (const testCase of cases) {
    it(`connects as a client ${testCase.title}, after a cookie`, async function () {
      requireProgram(this, 'gnutls-serv')
      const theirs = testCase.theirs()
      const files = write(theirs)
      const port = await freePort()
      const server = run('gnutls-serv', [
        ...['--port', String(port), '--echo', '--x509certfile', files.certificate, '--x509keyfile', files.key],
        ...['--require-client-cert', ...common],
      ])
      await server.find(/listening|ready|Echo Server/)
      const udp = await peer('client', testCase.own(), theirs, testCase)
      udp.start(port)
      await connected(udp)
      udp.send('there and back\n')
      await eventually(() => udp.received.includes('there and back\n'), 'the echo')
    })

    it(`connects as a server ${testCase.title}`, async function () {
      requireProgram(this, 'gnutls-cli')
      const theirs = testCase.theirs()
      const files = write(theirs)
      const udp = await peer('server', testCase.own(), theirs, testCase)
      udp.start()
      const client = run('gnutls-cli', [
        ...['--port', String(udp.port), '--insecure', '127.0.0.1'],
        ...['--x509certfile', files.certificate, '--x509keyfile', files.key, ...common],
      ])
      await connected(udp)
      assert.equal(udp.dtls.session?.cipherSuite, testCase.cipherSuite)
      await client.find(/Simple Client Mode/)
      client.write('from gnutls\n')
      await eventually(() => udp.received.includes('from gnutls\n'), 'data from GnuTLS')
      udp.send('from icefloe\n')
      await client.find(/from icefloe/)
      const [, material] = await client.find(/Key material: ([0-9a-f]{120})/)
      assert.equal(exported(udp), material)
    })
  }
})
