import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import {
  certificateFromSeed,
  exportCertificate,
  exportPrivateKeyJwk,
  type RTCCertificate,
  RTCPeerConnection,
  type RTCSessionDescriptionInit,
} from '../../src/index.ts'
import { prng } from '../support/prng.ts'

const program = fileURLToPath(new URL('identity-program.ts', import.meta.url))

interface Output {
  readonly answer?: RTCSessionDescriptionInit
  readonly fingerprints: readonly { readonly algorithm: string; readonly value: string }[]
}

/** The caller in a process of its own: each is a restart. */
async function restarted(input: object): Promise<{ readonly output: Output; readonly exited: Promise<number | null> }> {
  const child = spawn(process.execPath, ['--import', 'tsx', program], { stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = new Promise<number | null>(resolve => child.on('exit', resolve))
  child.stdin.end(JSON.stringify(input))
  let text = ''
  const line = new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (data: Buffer) => {
      text += data
      if (text.endsWith('\n')) resolve(text)
    })
    void exited.then(code => reject(new Error(`the program ended with ${code}: ${text}`)))
  })
  return { output: JSON.parse(await line) as Output, exited }
}

/** A call from such a process; what tells us who it is. */
async function callFrom(identity: object): Promise<string> {
  const peer = new RTCPeerConnection({}, { gatherLoopback: true })
  const channel = peer.createDataChannel('chat')
  const answered = new Promise<string>((resolve, reject) => {
    channel.onopen = () => channel.send('who is there?')
    channel.onmessage = ({ data }) => resolve(data)
    peer.onconnectionstatechange = () => {
      if (peer.connectionState === 'failed') reject(new Error('the connection has failed'))
    }
  })
  await peer.setLocalDescription()
  while (peer.iceGatheringState !== 'complete') {
    await new Promise(resolve => peer.addEventListener('icegatheringstatechange', resolve, { once: true }))
  }
  const { output, exited } = await restarted({ ...identity, offer: peer.localDescription })
  assert.ok(output.answer)
  await peer.setRemoteDescription(output.answer)
  assert.equal(await answered, 'who is there?')
  const [shown] = peer.sctp?.transport.getRemoteCertificates() ?? []
  assert.ok(shown instanceof ArrayBuffer)
  peer.close()
  assert.equal(await exited, 0)
  return fingerprint(new Uint8Array(shown))
}

function fingerprint(der: Uint8Array): string {
  return (createHash('sha256').update(der).digest('hex').match(/../g) ?? []).join(':')
}

function fingerprintOf(certificate: RTCCertificate): string | undefined {
  return certificate.getFingerprints()[0]?.value
}

describe('A caller', function () {
  this.timeout(60_000)
  let certificate: RTCCertificate

  before(async () => {
    certificate = await RTCPeerConnection.generateCertificate({
      name: 'ECDSA',
      namedCurve: 'P-256',
      expires: 24 * 60 * 60 * 1000,
    })
  })

  it('is known by getRemoteCertificates() over two calls and a restart, however the certificate was stored', async () => {
    const stored = exportCertificate(certificate)
    const asJwk = { ...stored, privateKey: exportPrivateKeyJwk(certificate) }
    const seen = [await callFrom({ stored }), await callFrom({ stored }), await callFrom({ stored: asJwk })]
    assert.deepEqual(new Set(seen), new Set([fingerprintOf(certificate)]))
  })

  it('is known by a seed alone, and with another seed is another', async () => {
    const [one, two] = [prng(11).bytes(32), prng(12).bytes(32)]
    const hex = (seed: Uint8Array): string => Buffer.from(seed).toString('hex')
    assert.equal(await callFrom({ seed: hex(one) }), fingerprintOf(await certificateFromSeed(one)))
    const { output, exited } = await restarted({ seed: hex(two) })
    assert.deepEqual(output.fingerprints, (await certificateFromSeed(two)).getFingerprints())
    assert.notEqual(output.fingerprints[0]?.value, fingerprintOf(await certificateFromSeed(one)))
    assert.equal(await exited, 0)
  })
})
