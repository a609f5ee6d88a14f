import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Environment } from '../../src/base/environment.ts'
import { decodeMessage, encodeMessage } from '../../src/ice/index.ts'
import { createSystemEnvironment } from '../../src/net/system-environment.ts'
import { startCoturn } from '../interop/coturn.ts'
import { createCertificateAuthority } from '../net/certificate-authority.ts'
import { icefloe, portOf, runHere, silence, startServer, udpPeer } from './support.ts'

describe('icefloe stun', () => {
  it('shows the mapped address and the round trip of our own server', async () => {
    const server = await startServer()
    try {
      const port = portOf(server, 'udp')
      const { code, stdout, stderr } = await icefloe(['stun', `stun:127.0.0.1:${port}`])
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
      const [title, ...lines] = stdout.trimEnd().split('\n')
      assert.equal(title, `stun:127.0.0.1:${port} at 127.0.0.1:${port} over UDP`)
      assert.match(lines[0] ?? '', /^ {2}mapped address {2}127\.0\.0\.1:\d+ \(no address translation\)$/)
      assert.match(lines[1] ?? '', /^ {2}round trip {6}[\d.]+ ms$/)
      assert.equal(lines[2], `  answered from   127.0.0.1:${port}`)
    } finally {
      server.close()
    }
  })

  it('asks coturn, over UDP and TCP', async function () {
    const coturn = await startCoturn(this)
    try {
      const udp = await icefloe(['stun', `127.0.0.1:${coturn.port}`])
      assert.equal(udp.code, 0, udp.stdout)
      assert.match(udp.stdout, /^ {2}software {8}Coturn/m)
      const tcp = await runHere(['stun', `turn:127.0.0.1:${coturn.port}?transport=tcp`])
      assert.equal(tcp.code, 0, tcp.stdout)
      assert.match(tcp.stdout, /over TCP\n {2}mapped address {2}127/)
      const tls = await runHere(['stun', `stuns:localhost:${coturn.tlsPort}`, '--ca', coturn.caPath])
      assert.equal(tls.code, 0, tls.stdout)
      assert.match(tls.stdout, /at 127\.0\.0\.1:\d+ over TLS\n {2}mapped address {2}127/)
    } finally {
      await coturn.stop()
    }
  })

  it('takes a name and a port for the URL of a STUN server', async () => {
    const server = await startServer()
    try {
      const { code, stdout } = await runHere(['stun', `127.0.0.1:${portOf(server, 'udp')}`, '--json'])
      assert.equal(code, 0)
      assert.equal(JSON.parse(stdout).url, `stun:127.0.0.1:${portOf(server, 'udp')}`)
    } finally {
      server.close()
    }
  })

  it('counts answers with --count, and asks each time once', async () => {
    let asked = 0
    const { port, socket } = await udpPeer(request => {
      asked++
      return asked === 2 ? undefined : answerTo(request)
    })
    try {
      const args = ['stun', `127.0.0.1:${port}`, '--count', '4', '--timeout', '0.6', '--json']
      const { code, stdout } = await runHere(args)
      assert.equal(code, 0)
      const [result] = JSON.parse(stdout).servers
      assert.equal(asked, 4)
      assert.equal(result.asked, 4)
      assert.equal(result.answered, 3)
      assert.ok(result.roundTripMs.min <= result.roundTripMs.mean && result.roundTripMs.mean <= result.roundTripMs.max)
      const { stdout: text } = await runHere(args.slice(0, -1))
      assert.match(text, /^ {2}answers {9}4 of 4 requests$/m)
      assert.match(text, /^ {2}round trip {6}[\d.]+ ms least, [\d.]+ ms mean, [\d.]+ ms most$/m)
    } finally {
      socket.close()
    }
  })

  it('ends with 1 where nobody answers, when the time is over', async () => {
    const { port, socket } = await silence()
    try {
      const begun = performance.now()
      const { code, stdout } = await runHere(['stun', `127.0.0.1:${port}`, '--timeout', '0.7'])
      assert.equal(code, 1)
      assert.match(stdout, /\n {2}failed {2}the server does not answer$/)
      const elapsed = performance.now() - begun
      assert.ok(elapsed > 650 && elapsed < 3_000, `${elapsed}`)
      const json = JSON.parse((await runHere(['stun', `127.0.0.1:${port}`, '--timeout', '0.2', '--json'])).stdout)
      assert.equal(json.ok, false)
      assert.equal(json.servers[0].error, 'the server does not answer')
    } finally {
      socket.close()
    }
  })

  it('ends with 1 where a connection is refused, and says so', async () => {
    const { port, socket } = await silence()
    socket.close()
    const { code, stdout } = await runHere(['stun', `turn:127.0.0.1:${port}?transport=tcp`])
    assert.equal(code, 1)
    assert.match(stdout, /failed {2}connect ECONNREFUSED/)
  })

  it('ends with 1 for a name that nobody knows', async () => {
    const environment: Environment = {
      ...createSystemEnvironment(),
      resolver: {
        resolveHost: async () => [],
        resolveMdns: async () => [],
        registerMdns: async () => undefined,
      },
    }
    assert.deepEqual(await runHere(['stun', 'stun.example.org'], { environment }), {
      code: 1,
      stdout: 'stun.example.org could not be resolved',
      stderr: '',
    })
  })

  it('asks over TLS, and trusts --ca alone', async () => {
    const authority = await createCertificateAuthority()
    const { certificate, key } = await authority.issue({ dns: ['localhost'], ip: ['127.0.0.1'] })
    const server = await startServer({
      listen: [{ address: '127.0.0.1', port: 0, transport: 'tls', certificate, key }],
      relayOn: ['127.0.0.1'],
    })
    const directory = mkdtempSync(join(tmpdir(), 'icefloe-cli-'))
    try {
      const ca = join(directory, 'ca.pem')
      writeFileSync(ca, authority.certificate)
      const url = `stuns:localhost:${portOf(server, 'tls')}`
      const good = await runHere(['stun', url, '--ca', ca, '--json'])
      assert.equal(good.code, 0, good.stdout)
      assert.equal(JSON.parse(good.stdout).servers.at(0).transport, 'tls')
      const bad = await runHere(['stun', url])
      assert.equal(bad.code, 1)
      assert.match(bad.stdout, /failed {2}\S/)
    } finally {
      rmSync(directory, { recursive: true })
      server.close()
    }
  })

  it('shows what a server calls itself without obeying it', async () => {
    const { port, socket } = await udpPeer(request => answerTo(request, '\u001b[2J\u001b]0;mine\u0007evil\nline'))
    try {
      const { code, stdout } = await runHere(['stun', `127.0.0.1:${port}`])
      assert.equal(code, 0)
      assert.match(stdout, /software {8}\\u001b\[2J\\u001b\]0;mine\\u0007evil\\u000aline$/m)
      const { stdout: json } = await runHere(['stun', `127.0.0.1:${port}`, '--json'])
      assert.match(json, /^[\x20-\x7e]*$/)
    } finally {
      socket.close()
    }
  })

  it('tells where a server sends it to, and does not go there', async () => {
    const { port, socket } = await udpPeer(request => {
      const { transactionId } = decodeMessage(request) ?? assert.fail()
      const attributes = {
        errorCode: { code: 300, reason: 'Try Alternate' },
        alternateServer: { address: '192.0.2.1', port: 3478, family: 4 as const },
      }
      return encodeMessage({ class: 'error', method: 1, transactionId, attributes })
    })
    try {
      const { code, stdout } = await runHere(['stun', `127.0.0.1:${port}`])
      assert.equal(code, 1)
      assert.match(stdout, /the server wants another one to be asked: 192\.0\.2\.1:3478/)
    } finally {
      socket.close()
    }
  })
})

/** A Binding success response. */
function answerTo(request: Buffer, software?: string): Uint8Array | undefined {
  const message = decodeMessage(request)
  if (message === undefined) return undefined
  return encodeMessage({
    class: 'success',
    method: 1,
    transactionId: message.transactionId,
    attributes: {
      xorMappedAddress: { address: '203.0.113.5', port: 4_000, family: 4 },
      ...(software === undefined ? {} : { software }),
    },
  })
}
