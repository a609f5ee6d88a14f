import assert from 'node:assert/strict'
import { freePort, type Program } from '../dtls/program.ts'
import type { UdpPeer } from '../dtls/udp-peer.ts'
import { Nss, nssKinds } from './nss.ts'
import {
  assertNegotiated,
  type Connection,
  connected,
  everyPair,
  exchangesText,
  exported,
  exporterLength,
  type Group,
  groupFirst,
  type Kind,
  programPeers,
  recordConnection,
  title,
  type Version,
} from './program-peers.ts'

const plain: Connection = { own: 'P-256', theirs: 'P-256', suite: 'AES-128-GCM', group: 'x25519' }

describe('DTLS with NSS', function () {
  this.timeout(30_000)
  const peers = programPeers()
  let nss: Nss
  before(function () {
    nss = new Nss(this, peers)
  })

  /** Both ends export the same and hear each other. */
  async function agree(udp: UdpPeer, program: Program): Promise<void> {
    await exchangesText(udp, program)
    const { version, cipherSuite } = udp.dtls.session ?? {}
    // NSS exports nothing from a connection of DTLS 1.2 with SHA-384.
    if (version === 'FEFD' && cipherSuite?.endsWith('SHA384')) return
    const bytes = new RegExp(`^ *Keying Material:((?:[\\s:]+[0-9a-f]{2}){${exporterLength}})`, 'm')
    const [, material = ''] = await program.find(bytes)
    assert.equal(exported(udp), material.replaceAll(/[\s:]/g, ''))
  }

  for (const version of ['1.2', '1.3'] as const) {
    for (const connection of everyPair(nssKinds, nssKinds)) {
      it(`speaks ${version} as a server ${title(connection)}`, async () => {
        const { own, theirs, group } = connection
        const udp = await peers.ours('server', [own], theirs, { groups: [group] })
        udp.start()
        const program = nss.tstclnt('client', udp.port, version, connection, { groups: groupFirst(group) })
        await connected(udp, () => program.output)
        assertNegotiated(udp, version, 'server', connection)
        await agree(udp, program)
        recordConnection('NSS', version, 'server', connection)
      })
    }

    // As a server, tstclnt asks for no certificate.
    for (const { own: theirs, ...rest } of everyPair(nssKinds, nssKinds)) {
      const connection = { ...rest, theirs, own: 'P-256', group: chosenByNss(version, theirs, rest) } as const
      const { suite, group } = connection
      it(`speaks ${version} as a client that sees ${theirs}, with ${suite} on ${group}`, async () => {
        const udp = await peers.ours('client', ['P-256'], theirs, { groups: groupFirst(group) })
        const port = await freePort()
        const program = nss.tstclnt('server', port, version, connection, { groups: groupFirst(group) })
        udp.start(port)
        await connected(udp, () => program.output)
        assertNegotiated(udp, version, 'client', connection)
        await agree(udp, program)
        recordConnection('NSS', version, 'client', { suite, group })
      })
    }
  }

  it('asks an NSS client for another share', async () => {
    const connection = { ...plain, group: 'secp384r1' } as const
    const udp = await peers.ours('server', ['P-256'], 'P-256', { groups: ['secp384r1'] })
    udp.start()
    const groups = ['x25519', 'secp384r1', 'secp256r1'] as const
    const program = nss.tstclnt('client', udp.port, '1.3', connection, { groups })
    await connected(udp, () => program.output)
    assertNegotiated(udp, '1.3', 'server', connection)
    await agree(udp, program)
  })

  it('is asked by an NSS server for another share', async () => {
    const connection = { ...plain, group: 'secp384r1' } as const
    const udp = await peers.ours('client', ['P-256'], 'P-256')
    const port = await freePort()
    const program = nss.tstclnt('server', port, '1.3', connection, { groups: ['secp384r1'] })
    udp.start(port)
    await connected(udp, () => program.output)
    assertNegotiated(udp, '1.3', 'client', connection)
    await agree(udp, program)
  })

  it('has an NSS client prove its address before it says much', async () => {
    for (const version of ['1.2', '1.3'] as const) {
      const udp = await peers.ours('server', ['P-256'], 'P-256', { peerAddressValidated: false })
      udp.start()
      const program = nss.tstclnt('client', udp.port, version, plain, { groups: groupFirst('x25519') })
      await connected(udp, () => program.output)
      assertNegotiated(udp, version, 'server', plain)
      await agree(udp, program)
    }
  })

  for (const version of ['1.2', '1.3'] as const) {
    it(`speaks ${version} in small datagrams`, async () => {
      const connection = { ...plain, own: 'RSA', theirs: 'RSA' } as const
      const groups = groupFirst('x25519')
      const server = await peers.ours('server', ['RSA'], 'RSA', { mtu: 300, groups })
      server.start()
      const nssClient = nss.tstclnt('client', server.port, version, connection, { groups })
      await connected(server, () => nssClient.output)
      await agree(server, nssClient)

      const client = await peers.ours('client', ['RSA'], 'RSA', { mtu: 300, groups })
      const port = await freePort()
      const nssServer = nss.tstclnt('server', port, version, connection, { groups })
      client.start(port)
      await connected(client, () => nssServer.output)
      await agree(client, nssServer)
    })
  }

  for (const role of ['client', 'server'] as const) {
    it(`agrees on X25519 with ML-KEM as a ${role}`, async () => {
      const udp = await peers.ours(role, ['P-256'], 'P-256')
      const port = role === 'client' ? await freePort() : udp.port
      if (role === 'server') udp.start()
      const program = nss.tstclnt(role === 'client' ? 'server' : 'client', port, '1.3', plain)
      if (role === 'client') udp.start(port)
      await connected(udp, () => program.output)
      const { group = '' } = udp.dtls.session ?? {}
      assert.equal(group, 'x25519mlkem768')
      await agree(udp, program)
      const { own, suite } = plain
      recordConnection('NSS', '1.3', role, role === 'server' ? { own, suite, group } : { suite, group })
    })
  }
})

/** In 1.2, an NSS server takes a curve as strong as key and suite both are. */
function chosenByNss(version: Version, theirs: Kind, { suite, group }: Pick<Connection, 'suite' | 'group'>): Group {
  return version === '1.2' && theirs === 'P-384' && suite !== 'AES-128-GCM' ? 'secp384r1' : group
}
