import assert from 'node:assert/strict'
import { cipherSuites12 } from '../../src/dtls/cipher-suites.ts'
import { eventually, freePort, type Program, requireProgram } from '../dtls/program.ts'
import {
  connected,
  exchangesEcho,
  exchangesText,
  type Kind,
  kinds,
  type ProgramPeers,
  programPeers,
} from './program-peers.ts'

/** The arguments of a peer that takes no more than this; what it has of its own fits. */
interface Case {
  readonly title: string
  readonly openssl: readonly string[]
  readonly priority: string
  readonly peer: Kind
  readonly expected: Kind
}

const onlyOne: readonly Case[] = [
  {
    title: 'RSA',
    openssl: ['-sigalgs', 'RSA+SHA256'],
    priority: '+SIGN-RSA-SHA256',
    peer: 'RSA',
    expected: 'RSA',
  },
  {
    title: 'RSA with SHA-512',
    openssl: ['-sigalgs', 'RSA+SHA512'],
    priority: '+SIGN-RSA-SHA512',
    peer: 'RSA',
    expected: 'RSA',
  },
  {
    title: 'ECDSA',
    openssl: ['-sigalgs', 'ECDSA+SHA256'],
    priority: '+SIGN-ECDSA-SHA256',
    peer: 'P-256',
    expected: 'P-256',
  },
  {
    title: 'ECDSA with SHA-384',
    openssl: ['-sigalgs', 'ECDSA+SHA384'],
    priority: '+SIGN-ECDSA-SHA384',
    peer: 'P-384',
    expected: 'P-384',
  },
  {
    title: 'Ed25519',
    openssl: ['-sigalgs', 'ed25519'],
    priority: '+SIGN-EDDSA-ED25519',
    peer: 'Ed25519',
    expected: 'Ed25519',
  },
  {
    title: 'RSA-PSS',
    openssl: ['-sigalgs', 'rsa_pss_pss_sha256'],
    priority: '+SIGN-RSA-PSS-SHA256',
    peer: 'RSA-PSS',
    expected: 'RSA-PSS',
  },
]

/** Our suites as OpenSSL calls them, in the order of `cipherSuites12`. */
const opensslSuites = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
]

/** OpenSSL 3.0 finds no suite of DTLS for them as a server, with its own client either. */
const notServedByOpenssl: readonly Kind[] = ['Ed25519', 'RSA-PSS']

/** OpenSSL as a server that asks for a certificate, and tells whose it got. */
async function opensslServer(
  peers: ProgramPeers,
  peer: Kind,
  args: readonly string[],
): Promise<{ program: Program; port: number }> {
  const files = peers.files(peer)
  const port = await freePort()
  const program = peers.run('openssl', [
    ...['s_server', '-accept', `127.0.0.1:${port}`, '-cert', files.certificate, '-key', files.key],
    ...['-Verify', '1', '-dtls1_2', ...args],
  ])
  await program.find(/ACCEPT/)
  return { program, port }
}

function opensslClient(peers: ProgramPeers, peer: Kind, port: number, args: readonly string[]): Program {
  const files = peers.files(peer)
  return peers.run('openssl', [
    ...['s_client', '-connect', `127.0.0.1:${port}`, '-cert', files.certificate, '-key', files.key],
    ...['-dtls1_2', '-showcerts', ...args],
  ])
}

/** Every order is tried out by two: the one that is wanted first, and last. */
function orders(expected: Kind): readonly (readonly Kind[])[] {
  const others = kinds.filter(kind => kind !== expected)
  return [
    [expected, ...others],
    [...others, expected],
  ]
}

describe('Several certificates with OpenSSL', function () {
  this.timeout(30_000)
  before(function () {
    requireProgram(this, 'openssl')
  })
  const peers = programPeers()

  for (const { title, openssl, peer, expected } of onlyOne) {
    it(`a server that takes only ${title} is shown that`, async () => {
      const server = notServedByOpenssl.includes(peer) ? 'P-256' : peer
      for (const own of orders(expected)) {
        const { program, port } = await opensslServer(peers, server, ['-client_sigalgs', openssl[1] ?? ''])
        const udp = await peers.ours('client', own, server)
        udp.start(port)
        await connected(udp)
        assert.equal(await peers.printed(program), expected)
      }
    })

    it(`a client that takes only ${title} is shown that`, async () => {
      for (const own of orders(expected)) {
        const udp = await peers.ours('server', own, peer)
        udp.start()
        const client = opensslClient(peers, peer, udp.port, openssl)
        await connected(udp)
        assert.equal(await peers.printed(client), expected)
        client.write('from openssl\n')
        await eventually(() => udp.received.includes('from openssl\n'), 'data from OpenSSL')
      }
    })
  }

  for (const kind of kinds.filter(each => !notServedByOpenssl.includes(each))) {
    it(`proves itself as a server with ${kind}`, async () => {
      const { program, port } = await opensslServer(peers, kind, [])
      const udp = await peers.ours('client', ['P-256'], kind)
      udp.start(port)
      await connected(udp)
      udp.send('from icefloe\n')
      await program.find(/from icefloe/)
    })
  }

  it('is shown the first where it takes all', async () => {
    for (const own of [kinds, kinds.toReversed(), ['RSA', 'P-256'], ['Ed25519', 'RSA']] as readonly Kind[][]) {
      const udp = await peers.ours('server', own, 'P-256')
      udp.start()
      const client = opensslClient(peers, 'P-256', udp.port, [])
      await connected(udp)
      assert.equal(await peers.printed(client), own[0])
    }
  })

  for (const [index, { name, authentication }] of cipherSuites12.entries()) {
    const suite = opensslSuites[index] ?? ''
    const expected = authentication === 'ecdsa' ? 'P-256' : 'RSA'
    it(`speaks ${name} both ways, which decides on the certificate`, async () => {
      const server = await peers.ours('server', ['RSA', 'P-256'], 'RSA')
      server.start()
      const program = opensslClient(peers, 'RSA', server.port, ['-cipher', suite])
      await connected(server)
      assert.equal(server.dtls.session?.cipherSuite, name)
      assert.equal(await peers.printed(program), expected)
      await exchangesText(server, program)

      const other = await opensslServer(peers, expected, ['-cipher', suite, '-groups', 'P-384:P-256', '-serverpref'])
      const client = await peers.ours('client', ['P-256'], expected)
      client.start(other.port)
      await connected(client)
      assert.equal(client.dtls.session?.cipherSuite, name)
      assert.equal(client.dtls.session?.group, 'secp384r1')
      await exchangesText(client, other.program)
    })
  }
})

describe('Several certificates with GnuTLS', function () {
  this.timeout(30_000)
  const peers = programPeers()
  const priority = (sign: string): readonly string[] => [
    '--priority',
    `NORMAL:-VERS-ALL:+VERS-DTLS1.2:%PROFILE_LOW:-SIGN-ALL:${sign}`,
  ]
  for (const { title, priority: sign, peer, expected } of onlyOne) {
    it(`a client that takes only ${title} is shown that`, async function () {
      requireProgram(this, 'gnutls-cli')
      const files = peers.files(peer)
      for (const own of orders(expected)) {
        const udp = await peers.ours('server', own, peer)
        udp.start()
        const client = peers.run('gnutls-cli', [
          ...['--udp', '--port', String(udp.port), '--insecure', '--print-cert', '127.0.0.1'],
          ...['--x509certfile', files.certificate, '--x509keyfile', files.key, ...priority(sign)],
        ])
        await connected(udp)
        await client.find(/Simple Client Mode/)
        const shown = client.output.slice(client.output.indexOf('Got a certificate'))
        assert.ok(shown.includes(peers.certificate(expected).pem().certificate.trim()), client.output)
      }
    })

    // GnuTLS 3.7 does not answer over UDP with a certificate for Ed25519 alone.
    if (peer === 'Ed25519') continue
    it(`a server that takes only ${title} is shown that`, async function () {
      requireProgram(this, 'gnutls-serv')
      const files = peers.files(peer)
      for (const own of orders(expected)) {
        const port = await freePort()
        const server = peers.run('gnutls-serv', [
          ...['--udp', '--port', String(port), '--echo', '--require-client-cert'],
          ...['--x509certfile', files.certificate, '--x509keyfile', files.key, ...priority(sign)],
        ])
        await server.find(/listening|ready|Echo Server/)
        const udp = await peers.ours('client', own, peer)
        udp.start(port)
        await connected(udp)
        // Another certificate could not have signed with what is asked for.
        await exchangesEcho(udp)
      }
    })
  }
})
