import assert from 'node:assert/strict'
import type { DtlsOptions } from '../../src/dtls/index.ts'
import { freePort, requireProgram } from '../dtls/program.ts'
import {
  assertNegotiated,
  type Connection,
  connected,
  everyPair,
  exchangesEcho,
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
  'AES-128-GCM': 'AES-128-GCM',
  'AES-256-GCM': 'AES-256-GCM',
  'ChaCha20-Poly1305': 'CHACHA20-POLY1305',
}
const groupNames: Readonly<Record<Group, string>> = {
  x25519: 'GROUP-X25519',
  secp256r1: 'GROUP-SECP256R1',
  secp384r1: 'GROUP-SECP384R1',
}

/** GnuTLS 3.7 does not answer over UDP with a certificate for Ed25519. */
const served: readonly Kind[] = ['P-256', 'P-384', 'RSA', 'RSA-PSS']

const small: Connection = { own: 'RSA', theirs: 'P-256', suite: 'AES-128-GCM', group: 'x25519' }
const smallOptions = { mtu: 300, peerAddressValidated: false }

function args(groups: readonly Group[], suite: Suite): string[] {
  const preferred = [
    '-GROUP-ALL',
    ...groups.map(group => `+${groupNames[group]}`),
    '-CIPHER-ALL',
    `+${suiteNames[suite]}`,
  ]
  return [
    ...['--udp', '--srtp-profiles', 'SRTP_AES128_CM_HMAC_SHA1_80'],
    ...['--keymatexport', exporterLabel, '--keymatexportsize', String(exporterLength)],
    ...['--priority', `NORMAL:-VERS-ALL:+VERS-DTLS1.2:%SERVER_PRECEDENCE:%PROFILE_LOW:${preferred.join(':')}`],
  ]
}

describe('DTLS 1.2 with GnuTLS', function () {
  this.timeout(30_000)
  const peers = programPeers()

  const asClient: readonly [string, Connection, Partial<DtlsOptions>][] = [
    ...everyPair(kinds, served).map((each): [string, Connection, object] => [title(each), each, {}]),
    ['in small datagrams', small, smallOptions],
  ]
  for (const [title, connection, options] of asClient) {
    it(`connects as a client ${title}, after a cookie`, async function () {
      requireProgram(this, 'gnutls-serv')
      const { own, theirs, suite, group } = connection
      const files = peers.files(theirs)
      const port = await freePort()
      const program = peers.run('gnutls-serv', [
        ...['--port', String(port), '--echo', '--x509certfile', files.certificate, '--x509keyfile', files.key],
        ...['--require-client-cert', ...args(groupFirst(group), suite)],
      ])
      await program.find(/listening|ready|Echo Server/)
      const udp = await peers.ours('client', [own], theirs, options)
      udp.start(port)
      await connected(udp, () => program.output)
      assertNegotiated(udp, '1.2', 'client', connection)
      assert.equal(udp.dtls.session?.srtpProfile, srtpProfile)
      await exchangesEcho(udp)
      recordConnection('GnuTLS', '1.2', 'client', connection)
    })
  }

  const asServer: readonly [string, Connection, Partial<DtlsOptions>][] = [
    ...everyPair(kinds, kinds).map((each): [string, Connection, object] => [title(each), each, {}]),
    ['in small datagrams, after a cookie', small, smallOptions],
  ]
  for (const [title, connection, options] of asServer) {
    it(`connects as a server ${title}`, async function () {
      requireProgram(this, 'gnutls-cli')
      const { own, theirs, suite, group } = connection
      const files = peers.files(theirs)
      const udp = await peers.ours('server', [own], theirs, { groups: [group], ...options })
      udp.start()
      const program = peers.run('gnutls-cli', [
        ...['--port', String(udp.port), '--insecure', '--print-cert', '127.0.0.1'],
        ...['--x509certfile', files.certificate, '--x509keyfile', files.key, ...args(groupFirst(group), suite)],
      ])
      await connected(udp, () => program.output)
      assertNegotiated(udp, '1.2', 'server', connection)
      assert.equal(udp.dtls.session?.srtpProfile, srtpProfile)
      await program.find(/Simple Client Mode/)
      await exchangesText(udp, program)
      const [, material] = await program.find(/Key material: ([0-9a-f]{120})/)
      assert.equal(exported(udp), material)
      recordConnection('GnuTLS', '1.2', 'server', connection)
    })
  }
})
