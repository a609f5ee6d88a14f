import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import { connect as connectTls, createServer as createTlsServer } from 'node:tls'
import type { TcpListener, TcpListenOptions, TlsClientOptions } from '../../src/base/environment.ts'
import { connectTcp } from '../../src/net/tcp-connection.ts'
import { handshakeLimitMs, listenTcp } from '../../src/net/tcp-listener.ts'
import { type CertificateAuthority, createCertificateAuthority } from './certificate-authority.ts'
import { eventually } from './support.ts'
import { Recorder, text } from './tcp-support.ts'

const serverName = 'turn.example.net'
const hourMs = 3_600_000

describe('TLS on a TCP connection', () => {
  const open: { close(): void }[] = []
  let authority: CertificateAuthority
  let identity: NonNullable<TcpListenOptions['tls']>
  let accepted: Recorder[]

  before(async () => {
    authority = await createCertificateAuthority()
    identity = await authority.issue({ dns: [serverName], ip: ['127.0.0.1'] })
  })

  beforeEach(() => {
    accepted = []
  })

  afterEach(() => {
    for (const one of open.splice(0)) one.close()
  })

  async function listen(tls = identity): Promise<TcpListener> {
    const listener = await listenTcp(
      '127.0.0.1',
      0,
      connection => {
        const recorder = new Recorder()
        recorder.connection = connection
        accepted.push(recorder)
        open.push(connection)
        return recorder
      },
      { tls },
    )
    open.push(listener)
    return listener
  }

  function dial({ local }: Pick<TcpListener, 'local'>, tls: Partial<TlsClientOptions> = {}): Recorder {
    const recorder = new Recorder()
    recorder.connection = connectTcp(local, recorder, { tls: { serverName, ca: authority.certificate, ...tls } })
    recorder.connection.write(text('a secret'))
    open.push(recorder.connection)
    return recorder
  }

  async function refused(listener: Pick<TcpListener, 'local'>, tls: Partial<TlsClientOptions> = {}): Promise<string> {
    const client = dial(listener, tls)
    await eventually(() => client.isClosed)
    assert.equal(client.connections, 0, 'it was told to be usable')
    assert.equal(client.failures.length, 1)
    await new Promise(resolve => setTimeout(resolve, 20))
    assert.equal(accepted.flatMap(server => server.received).length, 0, 'something was sent to a stranger')
    return client.failures[0]?.code ?? ''
  }

  it('carries bytes both ways, once the certificate is proved to be for the name', async () => {
    const listener = await listen()
    const client = dial(listener)
    await eventually(() => accepted[0]?.text === 'a secret')
    assert.equal(client.connections, 1)
    accepted[0]?.connection?.write(new Uint8Array(1024 * 1024).fill(7))
    accepted[0]?.connection?.close()
    await eventually(() => client.isClosed)
    assert.equal(client.bytes.length, 1024 * 1024)
    assert.deepEqual(client.failures, [undefined])
    assert.deepEqual(accepted[0]?.connection?.remote, client.connection?.local)
    assert.equal(client.connection?.remote, listener.local)
  })

  it('tells the name to the server', async () => {
    const names: unknown[] = []
    const server = createTlsServer({ cert: identity.certificate, key: identity.key }, socket => {
      names.push(socket.servername)
      socket.on('error', () => {})
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    open.push(server)
    const local = { address: '127.0.0.1', port: (server.address() as AddressInfo).port, family: 4 } as const
    const clients = [dial({ local }), dial({ local }, { serverName: '127.0.0.1' })]
    await eventually(() => names.length === 2)
    // RFC 6066 §3: an address is no server name.
    assert.deepEqual(new Set(names), new Set([serverName, false]))
    for (const { connection } of clients) connection?.close()
  })

  it('accepts a certificate for an IP address where the server is named by it', async () => {
    const client = dial(await listen(), { serverName: '127.0.0.1' })
    await eventually(() => accepted[0]?.text === 'a secret')
    assert.equal(client.connections, 1)
  })

  it('refuses a certificate for another name', async () => {
    const listener = await listen()
    assert.equal(await refused(listener, { serverName: 'turn.example.org' }), 'ERR_TLS_CERT_ALTNAME_INVALID')
    assert.equal(await refused(listener, { serverName: '127.0.0.2' }), 'ERR_TLS_CERT_ALTNAME_INVALID')
    const client = dial(listener, { serverName: 'turn.example.org' })
    await eventually(() => client.isClosed)
    assert.equal(client.failures[0]?.message, 'the certificate is for another name')
  })

  it('refuses a certificate of an authority that it does not trust', async () => {
    const other = await createCertificateAuthority()
    // It has the same name, but another key.
    assert.equal(await refused(await listen(), { ca: other.certificate }), 'CERT_SIGNATURE_FAILURE')
    const stranger = new Recorder()
    const { local } = await listen()
    open.push(connectTcp(local, stranger, { tls: { serverName } }))
    await eventually(() => stranger.isClosed)
    assert.equal(stranger.connections, 0)
  })

  it('refuses a certificate that has expired, and one that is not valid yet', async () => {
    const now = Date.now()
    const past = { notBefore: new Date(now - 2 * hourMs), notAfter: new Date(now - hourMs) }
    const future = { notBefore: new Date(now + hourMs), notAfter: new Date(now + 2 * hourMs) }
    const expired = await listen(await authority.issue({ dns: [serverName], ...past }))
    const early = await listen(await authority.issue({ dns: [serverName], ...future }))
    assert.equal(await refused(expired), 'CERT_HAS_EXPIRED')
    assert.equal(await refused(early), 'CERT_NOT_YET_VALID')
  })

  it('fails where the server does not speak TLS', async () => {
    const plain = createServer(socket => {
      socket.on('error', () => {})
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')
    })
    plain.listen(0, '127.0.0.1')
    await once(plain, 'listening')
    open.push(plain)
    const local = { address: '127.0.0.1', port: (plain.address() as AddressInfo).port, family: 4 } as const
    assert.equal(await refused({ local }), 'EPROTO')
  })

  it('fails a moment later where the certificates to trust are none', async () => {
    const listener = await listen()
    assert.notEqual(await refused(listener, { ca: 'no certificate' }), '')
    assert.notEqual(await refused(listener, { ca: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' }), '')
  })

  it('tells nobody of clients that do not finish their handshake, and survives them', async () => {
    const { local } = await listen()
    const untrusting = watched(connectTls({ port: local.port, host: local.address, servername: serverName }))
    const rubbish = watched(connect(local.port, local.address))
    rubbish.socket.write('GET / HTTP/1.1\r\n\r\n')
    const reset = watched(connect(local.port, local.address))
    reset.socket.write(Uint8Array.of(22, 3, 1, 0, 200), () => reset.socket.resetAndDestroy())
    await Promise.all([untrusting.closed, rubbish.closed, reset.closed])
    assert.ok(accepted.every(server => server.received.length === 0))
    const client = dial({ local })
    await eventually(() => accepted.some(server => server.text === 'a secret'))
    assert.equal(client.connections, 1)
  })

  it('gives a client that says nothing a limited time', async function () {
    this.timeout(handshakeLimitMs + 5_000)
    const { local } = await listen()
    const start = performance.now()
    await watched(connect(local.port, local.address)).closed
    assert.ok(performance.now() - start > handshakeLimitMs - 1_000)
    assert.equal(accepted.length, 0)
  })

  function watched(socket: Socket): { readonly socket: Socket; readonly closed: Promise<void> } {
    open.push({ close: () => socket.destroy() })
    socket.on('error', () => {})
    socket.on('data', () => {})
    return { socket, closed: new Promise(resolve => socket.on('close', () => resolve())) }
  }

  it('takes no certificate and key that do not fit', async () => {
    const other = await authority.issue({ dns: [serverName] })
    await assert.rejects(listen({ certificate: identity.certificate, key: other.key }), /key values mismatch/)
    await assert.rejects(listen({ certificate: 'none', key: 'none' }))
  })
})
