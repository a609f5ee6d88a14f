import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { certificateFromSeed, exportCertificate, exportPrivateKeyJwk, RTCPeerConnection } from '../../src/index.ts'
import { prng } from '../support/prng.ts'
import { BrowserPeer, type Description } from './browser.ts'
import { type BrowserUnderTest, withBrowser } from './browser-suites.ts'
import { openChromium } from './chromium.ts'
import { derOf } from './dtls-connections.ts'
import type { StoredIdentity } from './identity-caller-program.ts'

const program = fileURLToPath(new URL('./identity-caller-program.ts', import.meta.url))

/** A process calls the browser with this identity and ends; the certificate that the browser saw. */
async function calledBy(stored: StoredIdentity, browser: BrowserUnderTest): Promise<readonly string[] | undefined> {
  const caller = fork(program, [JSON.stringify(stored)], { execArgv: ['--import=tsx'] })
  const exited = once(caller, 'exit')
  const peer = await BrowserPeer.create(browser.page(), {}, () => undefined)
  try {
    await peer.createChannel('data', { negotiated: true, id: 0 })
    await peer.echo('data')
    const offer = (await nextFrom(caller)) as Description
    const delivered = nextFrom(caller)
    caller.send(await peer.answer(offer, false))
    assert.equal(await delivered, 'it is me')
    return await peer.remoteCertificates()
  } finally {
    await peer.close()
    if (caller.connected) caller.disconnect()
    await exited
  }
}

async function nextFrom(caller: ChildProcess): Promise<unknown> {
  const ended = once(caller, 'exit').then(([code]) => {
    throw new Error(`the caller ended with ${code}`)
  })
  const [message] = await Promise.race([once(caller, 'message'), ended])
  return message
}

async function storedIdentities(): Promise<{ readonly der: string; readonly stored: readonly StoredIdentity[] }> {
  const certificate = await RTCPeerConnection.generateCertificate({ name: 'ECDSA', namedCurve: 'P-256' })
  const exported = exportCertificate(certificate)
  const der = derOf(certificate)
  const pkcs8 = exported.privateKey.replaceAll(/-----[^-]+-----|\s/g, '')
  return {
    der,
    stored: [
      { form: 'PEM', ...exported },
      { form: 'JWK', certificate: exported.certificate, privateKey: exportPrivateKeyJwk(certificate) },
      { form: 'PKCS #8', certificate: der, privateKey: pkcs8 },
    ],
  }
}

describe('An identity, to Chromium', function () {
  this.timeout(60_000)
  const chromium = withBrowser('Chromium', openChromium)

  it('is the same after a restart of the process, however it was stored', async () => {
    const { der, stored } = await storedIdentities()
    for (const each of stored) assert.deepEqual(await calledBy(each, chromium), [der], each.form)
  })

  it('is the same after a restart of the process that has nothing but a seed', async () => {
    const seed = prng(44).bytes(32)
    const der = derOf(await certificateFromSeed(seed))
    const stored = { form: 'seed', seed: Buffer.from(seed).toString('base64') } as const
    for (let call = 0; call < 2; call++) assert.deepEqual(await calledBy(stored, chromium), [der])
  })
})
