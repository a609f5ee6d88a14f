import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort, type Program, requireProgram, skipOrFail } from '../dtls/program.ts'
import type { UdpPeer } from '../dtls/udp-peer.ts'
import {
  assertNegotiated,
  type Connection,
  connected,
  everyPair,
  exchangesEcho,
  exported,
  exporterLabel,
  exporterLength,
  groupFirst,
  type Kind,
  programPeers,
  type Role,
  recordConnection,
  type Suite,
  srtpProfile,
  title,
} from './program-peers.ts'

const headers = '/usr/include/botan-2'
const source = fileURLToPath(new URL('botan-peer.cpp', import.meta.url))

/** Botan 2.19 neither signs nor verifies with Ed25519 in TLS, and has no signatures by keys for RSA-PSS alone. */
const known: readonly Kind[] = ['P-256', 'P-384', 'RSA']
const suiteNames: Readonly<Record<Suite, string>> = {
  'AES-128-GCM': 'AES-128/GCM',
  'AES-256-GCM': 'AES-256/GCM',
  'ChaCha20-Poly1305': 'ChaCha20Poly1305',
}

/** Botan's policy as text: this suite alone, this group first, a certificate of the client's asked for. */
function policy({ suite, group }: Connection): string {
  return [
    'allow_tls12 = false',
    'allow_dtls12 = true',
    'allow_dtls10 = false',
    `ciphers = ${suiteNames[suite]}`,
    'macs = AEAD',
    'key_exchange_methods = ECDH',
    'signature_methods = ECDSA RSA',
    `key_exchange_groups = ${groupFirst(group).join(' ')}`,
    'require_client_certificate_authentication = true',
    'require_cert_revocation_info = false',
    `srtp_profiles = ${srtpProfile}`,
    '',
  ].join('\n')
}

describe('DTLS 1.2 with Botan', function () {
  this.timeout(30_000)
  const peers = programPeers()
  let command = ''

  before(function () {
    this.timeout(60_000)
    requireProgram(this, 'g++')
    if (!existsSync(headers)) skipOrFail(this, `there is no ${headers}`)
    command = join(peers.directory, 'botan-peer')
    const { status, stderr } = spawnSync(
      'g++',
      ['-std=c++14', '-isystem', headers, '-o', command, source, '-lbotan-2'],
      { encoding: 'utf8' },
    )
    assert.equal(status, 0, stderr)
  })

  function botan(role: Role, port: number, connection: Connection): Program {
    const { certificate, key } = peers.files(connection.theirs)
    return peers.run(command, [
      ...[role, String(port), certificate, key, policy(connection), exporterLabel, String(exporterLength)],
    ])
  }

  /** Both ends see the certificate of the other, export the same, and hear each other. */
  async function agree(udp: UdpPeer, program: Program, { own }: Connection): Promise<void> {
    assert.equal(udp.dtls.session?.srtpProfile, srtpProfile)
    await program.find(new RegExp(`SRTP profile: ${srtpProfile}`))
    assert.equal(await peers.printed(program), own)
    const [, material] = await program.find(/exported: ([0-9a-f]{120})/)
    assert.equal(exported(udp), material)
    await exchangesEcho(udp)
  }

  for (const connection of everyPair(known, known)) {
    const { own, theirs, group } = connection

    it(`connects as a client ${title(connection)}, after a cookie`, async () => {
      const port = await freePort()
      const program = botan('server', port, connection)
      await program.find(/listening/)
      const udp = await peers.ours('client', [own], theirs)
      udp.start(port)
      await connected(udp, () => program.output)
      assertNegotiated(udp, '1.2', 'client', connection)
      await agree(udp, program, connection)
      recordConnection('Botan', '1.2', 'client', connection)
    })

    it(`connects as a server ${title(connection)}`, async () => {
      const udp = await peers.ours('server', [own], theirs, { groups: [group] })
      udp.start()
      const program = botan('client', udp.port, connection)
      await connected(udp, () => program.output)
      assertNegotiated(udp, '1.2', 'server', connection)
      await agree(udp, program, connection)
      recordConnection('Botan', '1.2', 'server', connection)
    })
  }
})
