import assert from 'node:assert/strict'
import type { DtlsOptions } from '../../src/dtls/index.ts'
import { eventually, freePort, type Program, requireProgram } from '../dtls/program.ts'
import type { UdpPeer } from '../dtls/udp-peer.ts'
import {
  assertNegotiated,
  authentication,
  type Connection,
  connected,
  everyPair,
  exchangesText,
  exported,
  exporterLabel,
  exporterLength,
  type Group,
  groupFirst,
  type Kind,
  kinds,
  programPeers,
  recordConnection,
  type Suite,
  srtpProfile,
  title,
} from './program-peers.ts'

const suiteNames: Readonly<Record<Suite, string>> = {
  'AES-128-GCM': 'AES128-GCM-SHA256',
  'AES-256-GCM': 'AES256-GCM-SHA384',
  'ChaCha20-Poly1305': 'CHACHA20-POLY1305',
}
const groupNames: Readonly<Record<Group, string>> = { x25519: 'X25519', secp256r1: 'P-256', secp384r1: 'P-384' }

/** OpenSSL 3.0 finds no suite of DTLS for Ed25519 and RSA-PSS as a server, with its own client either. */
const served: readonly Kind[] = ['P-256', 'P-384', 'RSA']

const common = [
  ...['-dtls1_2', '-use_srtp', 'SRTP_AES128_CM_SHA1_80'],
  ...['-keymatexport', exporterLabel, '-keymatexportlen', String(exporterLength)],
]
const plain: Connection = { own: 'P-256', theirs: 'P-256', suite: 'AES-128-GCM', group: 'x25519' }

/** What is asked for besides a certificate, a suite and a group. */
interface Extra {
  readonly title: string
  readonly connection: Connection
  readonly args?: readonly string[]
  readonly options?: Partial<DtlsOptions>
}

describe('DTLS 1.2 with OpenSSL', function () {
  this.timeout(30_000)
  before(function () {
    requireProgram(this, 'openssl')
  })
  const peers = programPeers()

  /** OpenSSL as a server, which demands a certificate. */
  async function server(kind: Kind, args: readonly string[]): Promise<{ program: Program; port: number }> {
    const files = peers.files(kind)
    const port = await freePort()
    const program = peers.run('openssl', [
      ...['s_server', '-accept', `127.0.0.1:${port}`, '-cert', files.certificate, '-key', files.key, '-Verify', '1'],
      ...args,
    ])
    await program.find(/ACCEPT/)
    return { program, port }
  }

  function client(kind: Kind, port: number, args: readonly string[]): Program {
    const files = peers.files(kind)
    return peers.run('openssl', [
      ...['s_client', '-connect', `127.0.0.1:${port}`, '-cert', files.certificate, '-key', files.key, ...args],
    ])
  }

  /** Both ends export the same, see the certificate of the other, and hear each other. */
  async function agree(udp: UdpPeer, program: Program, { own, theirs }: Connection): Promise<void> {
    assert.equal(udp.dtls.session?.srtpProfile, srtpProfile)
    assert.deepEqual(
      Buffer.from(udp.dtls.remoteCertificates[0] ?? []),
      Buffer.from(peers.certificate(theirs).certificate),
    )
    await exchangesText(udp, program)
    const [, material] = await program.find(/Keying material: ([0-9A-F]{120})/)
    assert.equal(exported(udp), material?.toLowerCase())
    assert.equal(await peers.printed(program), own)
  }

  const asClient: readonly Extra[] = [
    ...everyPair(kinds, served).map(connection => ({ title: title(connection), connection })),
    { title: 'after a cookie', connection: plain, args: ['-listen'] },
    {
      title: 'in small datagrams both ways',
      connection: { ...plain, own: 'RSA', theirs: 'RSA' },
      args: ['-mtu', '300'],
      options: { mtu: 300 },
    },
  ]
  for (const { title, connection, args = [], options } of asClient) {
    it(`connects as a client ${title}`, async () => {
      const { own, theirs, suite, group } = connection
      const { program, port } = await server(theirs, [
        ...[...common, '-cipher', `ECDHE-${authentication(theirs)}-${suiteNames[suite]}`],
        ...[
          '-groups',
          groupFirst(group)
            .map(each => groupNames[each])
            .join(':'),
          '-serverpref',
          ...args,
        ],
      ])
      const udp = await peers.ours('client', [own], theirs, options)
      udp.start(port)
      await connected(udp, () => program.output)
      assertNegotiated(udp, '1.2', 'client', connection)
      await agree(udp, program, connection)
      recordConnection('OpenSSL', '1.2', 'client', connection)
    })
  }

  const asServer: readonly Extra[] = [
    ...everyPair(kinds, kinds).map(connection => ({ title: title(connection), connection })),
    {
      title: 'that signs with PKCS #1 because the client wants it',
      connection: { ...plain, own: 'RSA' },
      args: ['-sigalgs', 'RSA+SHA256:ECDSA+SHA256'],
    },
    { title: 'after a cookie', connection: plain, options: { peerAddressValidated: false } },
    {
      title: 'in small datagrams both ways',
      connection: { ...plain, own: 'RSA', theirs: 'RSA' },
      args: ['-mtu', '300'],
      options: { mtu: 300 },
    },
  ]
  for (const { title, connection, args = [], options } of asServer) {
    it(`connects as a server ${title}`, async () => {
      const { own, theirs, suite, group } = connection
      const udp = await peers.ours('server', [own], theirs, { groups: [group], ...options })
      udp.start()
      const program = client(theirs, udp.port, [
        ...[...common, '-showcerts', '-cipher', `ECDHE-${authentication(own)}-${suiteNames[suite]}`, ...args],
      ])
      await connected(udp, () => program.output)
      assertNegotiated(udp, '1.2', 'server', connection)
      await agree(udp, program, connection)
      recordConnection('OpenSSL', '1.2', 'server', connection)
      program.write('Q\n')
      await eventually(() => udp.closedByPeer, 'close_notify from OpenSSL')
    })
  }

  it('refuses a client with a certificate that was not signalled', async () => {
    const udp = await peers.ours('server', ['P-256'], 'P-384')
    udp.start()
    const program = client('P-256', udp.port, ['-dtls1_2'])
    await eventually(() => udp.error !== undefined, 'the handshake fails')
    assert.equal(udp.error?.code, 'fingerprint-mismatch')
    await program.find(/alert bad certificate/)
  })

  it('refuses a client without a certificate', async () => {
    const udp = await peers.ours('server', ['P-256'], 'P-256')
    udp.start()
    const program = peers.run('openssl', ['s_client', '-connect', `127.0.0.1:${udp.port}`, '-dtls1_2'])
    await eventually(() => udp.error !== undefined, 'the handshake fails')
    assert.equal(udp.error?.code, 'missing-certificate')
    await program.find(/alert bad certificate/)
  })

  it('does not renegotiate when the server asks for it', async () => {
    const { program, port } = await server('P-256', ['-dtls1_2'])
    const udp = await peers.ours('client', ['P-256'], 'P-256')
    udp.start(port)
    await connected(udp)
    udp.send('ready\n')
    await program.find(/ready/)
    program.write('r\n')
    await new Promise(resolve => setTimeout(resolve, 200))
    await exchangesText(udp, program)
  })

  it('refuses to renegotiate when the client begins with it', async () => {
    const udp = await peers.ours('server', ['P-256'], 'P-256')
    udp.start()
    const program = client('P-256', udp.port, ['-dtls1_2'])
    await connected(udp)
    program.write('R\n')
    await program.find(/no renegotiation/)
  })
})
