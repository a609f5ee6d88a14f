import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DtlsOptions, nodeCryptoProvider } from '../../src/dtls/index.ts'
import { eventually, freePort, Program, requireProgram } from '../dtls/program.ts'
import { createPair, type Pair, type PairOptions, sharedRsaCertificate, start } from '../dtls/support.ts'
import { UdpPeer } from '../dtls/udp-peer.ts'
import { ecdsaCertificate } from '../support/test-certificate.ts'
import { Nss } from './nss.ts'
import { connected, exchangesText, programPeers } from './program-peers.ts'

let directory = ''
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'icefloe-key-log-'))
})
after(() => rmSync(directory, { recursive: true, force: true }))

/** Every datagram of a handshake and of two messages, as both ends sent them. */
function record(pair: Pair, talk: () => readonly [toServer: Uint8Array, toClient: Uint8Array]) {
  const datagrams: { fromClient: boolean; data: Uint8Array }[] = []
  start(pair)
  for (let round = 0; round < 20; round++) {
    for (const data of pair.client.transmits()) {
      datagrams.push({ fromClient: true, data })
      pair.server.receive(data)
    }
    for (const data of pair.server.transmits()) {
      datagrams.push({ fromClient: false, data })
      pair.client.receive(data)
    }
  }
  const [toServer, toClient] = talk()
  return [...datagrams, { fromClient: true, data: toServer }, { fromClient: false, data: toClient }]
}

/** A capture file of raw IPv4 packets; libpcap's format, version 2.4. */
function capture(datagrams: readonly { fromClient: boolean; data: Uint8Array }[]): Buffer {
  const header = Buffer.alloc(24)
  header.writeUInt32LE(0xa1b2c3d4, 0)
  header.writeUInt16LE(2, 4)
  header.writeUInt16LE(4, 6)
  header.writeUInt32LE(65_535, 16)
  header.writeUInt32LE(101, 20) // LINKTYPE_RAW
  const packets = datagrams.map(({ fromClient, data }, index) => {
    const packet = Buffer.alloc(16 + 28 + data.length)
    packet.writeUInt32LE(index + 1, 0)
    packet.writeUInt32LE(28 + data.length, 8)
    packet.writeUInt32LE(28 + data.length, 12)
    const ip = packet.subarray(16)
    ip[0] = 0x45
    ip.writeUInt16BE(28 + data.length, 2)
    ip[8] = 64
    ip[9] = 17
    ip.set(fromClient ? [10, 0, 0, 1, 10, 0, 0, 2] : [10, 0, 0, 2, 10, 0, 0, 1], 12)
    ip.writeUInt16BE(fromClient ? 50_000 : 4433, 20)
    ip.writeUInt16BE(fromClient ? 4433 : 50_000, 22)
    ip.writeUInt16BE(8 + data.length, 24)
    ip.set(data, 28)
    return packet
  })
  return Buffer.concat([header, ...packets])
}

/** What Wireshark reads in a capture, with the key log or without it. */
function decrypted(datagrams: Parameters<typeof capture>[0], log: readonly string[] | undefined): string[] {
  const [packets, keys] = [join(directory, 'packets.pcap'), join(directory, 'keys')]
  writeFileSync(packets, capture(datagrams))
  writeFileSync(keys, `${(log ?? []).join('\n')}\n`)
  const text = execFileSync(
    'tshark',
    [
      ...['-r', packets, '-d', 'udp.port==4433,dtls', '-Y', 'dtls.record.content_type == 23 && data.data'],
      ...['-o', `tls.keylog_file:${keys}`, '-T', 'fields', '-e', 'data.data'],
    ],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  )
  return text.split('\n').flatMap(line => (line === '' ? [] : [Buffer.from(line, 'hex').toString()]))
}

describe('The key log, with Wireshark', function () {
  this.timeout(60_000)
  before(function () {
    requireProgram(this, 'tshark')
  })

  const rsa = sharedRsaCertificate()
  const only = (certificate: typeof rsa): Partial<DtlsOptions> => ({
    identities: [{ chain: certificate.chain, key: nodeCryptoProvider.importSigningKey(certificate.pkcs8) }],
  })
  const cases: readonly [string, PairOptions][] = [
    ['ECDSA', {}],
    ['RSA', { client: { fingerprints: [rsa.fingerprint()] }, server: only(rsa) }],
  ]
  for (const [title, options] of cases) {
    for (const logger of ['client', 'server'] as const) {
      it(`lets it read DTLS 1.2 with ${title}, by the log of the ${logger}, and nothing without it`, () => {
        const log: string[] = []
        const pair = createPair({
          ...options,
          options: { maxVersion: '1.2' },
          [logger]: { ...options[logger], keyLog: (line: string) => log.push(line) },
        })
        const datagrams = record(pair, () => [
          pair.client.dtls.seal(Buffer.from('to the server')),
          pair.server.dtls.seal(Buffer.from('to the client')),
        ])
        assert.deepEqual(decrypted(datagrams, log), ['to the server', 'to the client'])
        assert.deepEqual(decrypted(datagrams, undefined), [])
      })
    }
  }
})

describe('The key log, with OpenSSL', function () {
  this.timeout(30_000)

  it('has the line that OpenSSL writes of the same handshake', async function () {
    requireProgram(this, 'openssl')
    const theirs = ecdsaCertificate()
    const { certificate, key } = theirs.pem()
    const paths = { certificate: join(directory, 'c.pem'), key: join(directory, 'k.pem'), log: join(directory, 'log') }
    writeFileSync(paths.certificate, certificate)
    writeFileSync(paths.key, key)
    const port = await freePort()
    const server = new Program('openssl', [
      ...['s_server', '-accept', `127.0.0.1:${port}`, '-cert', paths.certificate, '-key', paths.key],
      ...['-dtls1_2', '-keylogfile', paths.log],
    ])
    try {
      await server.find(/ACCEPT/)
      const log: string[] = []
      const udp = await UdpPeer.open('client', ecdsaCertificate(), theirs, { keyLog: line => log.push(line) })
      udp.start(port)
      await eventually(() => udp.dtls.state === 'connected', 'the handshake ends')
      udp.close()
      const lines = readFileSync(paths.log, 'utf8').toLowerCase().split('\n')
      assert.deepEqual(
        lines.filter(line => line.startsWith('client_random')),
        [log[0]?.toLowerCase()],
      )
    } finally {
      await server.stop()
    }
  })
})

describe('The key log, with NSS', function () {
  this.timeout(30_000)
  const peers = programPeers()
  let nss: Nss
  before(function () {
    nss = new Nss(this, peers)
  })

  for (const version of ['1.2', '1.3'] as const) {
    it(`has the lines that NSS writes of the same handshake of DTLS ${version}`, async () => {
      const path = join(directory, `nss-${version}`)
      const connection = { own: 'P-256', theirs: 'P-256', suite: 'AES-128-GCM', group: 'x25519' } as const
      const log: string[] = []
      const udp = await peers.ours('server', ['P-256'], 'P-256', { keyLog: line => log.push(line) })
      udp.start()
      const environment = { SSLKEYLOGFILE: path }
      const program = nss.tstclnt('client', udp.port, version, connection, { environment })
      await connected(udp, () => program.output)
      await exchangesText(udp, program)
      const lines = readFileSync(path, 'utf8')
        .split('\n')
        .filter(line => line !== '' && !line.startsWith('#'))
      assert.equal(log.length, version === '1.2' ? 1 : 5)
      assert.deepEqual(lines.sort(), log.sort())
    })
  }
})
