import assert from 'node:assert/strict'
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, Page } from 'playwright-core'
import { hostInterfaces } from '../../src/net/host.ts'
import { MdnsResolver } from '../../src/net/mdns.ts'
import { systemClock, systemTimers } from '../../src/net/system-environment.ts'
import { launchChromium } from './chromium.ts'

/** What runs in the page. As text: its types are those of a browser, not ours. */
const gatherHostCandidates = `(async () => {
  const connection = (globalThis.connection = new RTCPeerConnection())
  connection.createDataChannel('any')
  const candidates = []
  const complete = new Promise(resolve => {
    connection.onicecandidate = ({ candidate }) => candidate ? candidates.push(candidate.candidate) : resolve()
  })
  await connection.setLocalDescription(await connection.createOffer())
  await complete
  return candidates
})()`

describe('multicast DNS with Chromium', function () {
  this.timeout(60_000)
  let browser: Browser | undefined
  let server: Server | undefined
  let page: Page

  before(async function () {
    browser = await launchChromium(this)
    server = createServer((_, response) => response.setHeader('Content-Type', 'text/html').end('<!doctype html>'))
    await new Promise<void>(resolve => server?.listen(0, '127.0.0.1', resolve))
    page = await browser.newPage()
    await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`)
  })

  after(async () => {
    await browser?.close()
    server?.close()
  })

  it('resolves the names that a page puts in place of the addresses of this host', async function () {
    // With loopback only, Chromium never ends gathering; without a default route it gathers nothing.
    if (hostInterfaces().every(({ internal }) => internal)) this.skip()
    const candidates: string[] = await page.evaluate(gatherHostCandidates)
    if (candidates.length === 0) this.skip()
    const names = candidates.map(candidate => candidate.split(' ')[4] ?? '').filter(name => name.endsWith('.local'))
    assert.ok(names.length > 0, `no names in ${candidates}`)
    const resolver = new MdnsResolver({ clock: systemClock, timers: systemTimers })
    const resolved = await Promise.all(names.map(name => resolver.resolveMdns(name)))
    const own = hostInterfaces().map(({ address }) => address)
    for (const [i, addresses] of resolved.entries()) {
      assert.equal(addresses.length, 1, `${names[i]}: ${addresses}`)
      assert.ok(own.includes(addresses[0] ?? ''), `${addresses} is not of this host`)
    }
  })
})
