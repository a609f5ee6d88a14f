import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { prng } from '../support/prng.ts'
import { launchChromium } from './chromium.ts'
import { DemoProcess } from './demo-process.ts'

describe('the demo page in Chromium', function () {
  this.timeout(40_000)
  let demo: DemoProcess | undefined
  let browser: Browser | undefined
  let url: string

  before(async function () {
    browser = await launchChromium(this)
    demo = new DemoProcess('--port', '0')
    url = await demo.url()
  })
  after(async () => {
    await browser?.close()
    const code = await demo?.stop()
    if (demo !== undefined) assert.equal(code, 0, `the demo ends when it is told to:\n${demo.output}`)
  })

  for (const offerer of ['page', 'icefloe'] as const) {
    describe(`when ${offerer === 'page' ? 'the page' : 'icefloe'} offers`, () => {
      let page: Page
      const errors: string[] = []

      before(async () => {
        page = await openPage({}, errors)
        await page.locator(`[name=offerer][value=${offerer}]`).check({ force: true })
        await page.locator('#connect').click()
        await page.locator('#link[data-state=connected], #link[data-state=failed]').waitFor()
      })
      after(async () => {
        await page?.screenshot({ path: join(tmpdir(), `icefloe-demo-${offerer}-offers.png`), fullPage: true })
        await page?.close()
      })

      it('connects, and shows how the state machines have moved at both ends', async () => {
        assert.match(await text('#status'), /^Connected in \d+ ms$/)
        const offers = offerer === 'page' ? 0 : 1
        assert.match(await trail(0, offers), /^stable have-local-offer stable$/)
        assert.match(await trail(0, 1 - offers), /^stable have-remote-offer stable$/)
        for (const end of [0, 1]) {
          assert.match(await trail(1, end), /^new gathering complete$/)
          assert.match(await trail(2, end), /^new( checking)? (connected|completed|connected completed)$/)
          assert.match(await trail(3, end), /^new connecting connected$/)
          assert.match(await trail(4, end), /^new connecting connected$/)
          assert.match(await trail(5, end), /open$/)
        }
      })

      it('shows facts on which the two ends agree', async () => {
        for (const fact of ['dtls', 'cipher']) assert.equal(await shown('page', fact), await shown('icefloe', fact))
        assert.match(await shown('page', 'dtls'), /^DTLS 1\.[23]$/)
        assert.match(await shown('page', 'cipher'), /^TLS_/)
        assert.equal(await shown('icefloe', 'certificate'), 'ECDSA P-256')
        // The pair may still be changing; each end tells when it has.
        const port = async (end: string, fact: string) => /:(\d+)$/.exec(await shown(end, fact))?.[1]
        for (const [mine, other] of [
          ['remote', 'local'],
          ['local', 'remote'],
        ] as const) {
          const deadline = performance.now() + 5000
          while ((await port('page', mine)) !== (await port('icefloe', other)) && performance.now() < deadline) {
            await page.waitForTimeout(100)
          }
          assert.equal(await port('page', mine), await port('icefloe', other))
        }
      })

      it('shows the DTLS that was negotiated, and the certificates as the browser itself has them', async () => {
        assert.equal(await shown('icefloe', 'dtls'), 'DTLS 1.3')
        assert.match(await shown('icefloe', 'group'), /^x25519(mlkem768)?$/)
        // RFC 8842 §5.1: the end that answers is the client.
        const roles = offerer === 'page' ? ['server', 'client'] : ['client', 'server']
        assert.deepEqual([await shown('page', 'role'), await shown('icefloe', 'role')], roles)
        for (const end of ['page', 'icefloe']) {
          assert.equal(await shown(end, 'certificate'), 'ECDSA P-256')
          assert.match(await shown(end, 'fingerprint'), /^sha-256 ([0-9A-F]{2}:){5}[0-9A-F]{2}…$/)
          assert.match(await shown(end, 'expires'), /^20\d\d-\d\d-\d\d$/)
        }
        assert.notEqual(await shown('page', 'fingerprint'), await shown('icefloe', 'fingerprint'))
      })

      it('echoes what is written in the chat', async () => {
        for (const line of ['hello', '<b>Grüße</b>, 世界 🧊']) {
          await page.locator('#chat-text').fill(line)
          await page.locator('#chat-text').press('Enter')
          await page.locator('#chat-log .echo', { hasText: line }).waitFor()
        }
        assert.equal(await page.locator('#chat-log li').count(), 4)
        assert.match(await text('#round-trip'), /^\d+\.\d$/)
      })

      it('sends a file there and back, with the SHA-256 that Node.js computes for it', async () => {
        const buffer = Buffer.from(prng(7).bytes(1_234_567))
        await page.locator('#file').setInputFiles({ name: 'floe.bin', mimeType: 'application/octet-stream', buffer })
        await fileIsBack(createHash('sha256').update(buffer).digest('hex'))
        assert.match(await text('#file-name'), /^floe\.bin, 1,234,567 bytes$/)
      })

      it('sends an empty file, and many bytes after it', async () => {
        const empty = { name: 'empty', mimeType: 'application/octet-stream', buffer: Buffer.alloc(0) }
        await page.locator('#file').setInputFiles(empty)
        await fileIsBack(createHash('sha256').digest('hex'))
        await page.locator('#sample').click()
        await fileIsBack()
        for (const bar of ['#upload-bar', '#download-bar'])
          assert.equal(await page.locator(bar).getAttribute('value'), '1')
      })

      it('measures the throughput of both directions at a time, and plots it', async () => {
        await page.locator('[data-speed=both]').click()
        await page.locator('#speed-outcome:not(:empty)').waitFor()
        const outcome = await text('#speed-outcome')
        const [, down, up] = /download ([0-9.]+) MB\/s, upload ([0-9.]+) MB\/s/.exec(outcome) ?? []
        assert.ok(Number(down) > 0 && Number(up) > 0, outcome)
        const label = await page.locator('#plot').getAttribute('aria-label')
        assert.doesNotMatch(label ?? '', /at most 0\.0/)
      })

      it('needs no sideways scrolling at the width of a phone', async () => {
        await page.setViewportSize({ width: 360, height: 740 })
        assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 360)
      })

      it('disconnects, and shows that both ends are closed', async () => {
        await page.locator('#connect').click()
        await page.locator('#link[data-state=idle]').waitFor()
        assert.equal(await text('#status'), 'Disconnected')
        await page.locator('#states tr:nth-child(5) td:nth-child(3) li[data-state=closed]').waitFor()
        for (const machine of [0, 2, 3, 4, 5]) assert.match(await trail(machine, 0), /closed$/)
        assert.equal(await page.locator('#chat-text').isDisabled(), true)
        assert.deepEqual(errors, [])
      })

      async function text(selector: string): Promise<string> {
        return (await page.locator(selector).textContent()) ?? ''
      }

      /** The states that a machine has gone through, in the order of the page's table. */
      async function trail(machine: number, end: number): Promise<string> {
        const steps = page.locator(`#states tbody tr:nth-child(${machine + 1}) td:nth-child(${end + 2}) li`)
        const texts = await steps.allTextContents()
        return texts.map(step => step.replace(/ \d+$/, '')).join(' ')
      }

      async function shown(end: string, fact: string): Promise<string> {
        const value = page.locator(`[data-fact="${end} ${fact}"]`)
        await value.filter({ hasNotText: '–' }).waitFor()
        return (await value.textContent()) ?? ''
      }

      async function fileIsBack(hash?: string): Promise<void> {
        await page.locator('#verdict[data-mood]').waitFor()
        assert.match(await text('#verdict'), /came back whole/)
        const expected = hash ?? (await text('#hash-sent'))
        for (const place of ['sent', 'received', 'returned']) assert.equal(await text(`#hash-${place}`), expected)
      }
    })
  }

  const dtlsChoices: readonly [version: string, picked: string[], certificate: string, cipher: RegExp][] = [
    ['1.2', [], 'ECDSA P-256', /^TLS_ECDHE_ECDSA_WITH_/],
    ['1.2', ['RSA', 'P-256'], 'RSA 2048', /^TLS_ECDHE_RSA_WITH_/],
    ['1.3', ['P-384'], 'ECDSA P-384', /^TLS_AES_/],
    ['1.3', ['Ed25519', 'RSA', 'P-256'], 'RSA 2048', /^TLS_AES_/],
  ]
  for (const [version, picked, certificate, cipher] of dtlsChoices) {
    it(`shows DTLS ${version} and the certificate in use where ${picked.join(', ') || 'none'} was picked`, async () => {
      const errors: string[] = []
      const page = await openPage({}, errors)
      await keepPeer(page)
      // icefloe is the server, whose certificate decides the suite of DTLS 1.2.
      await page.locator('[name=offerer][value=icefloe]').check({ force: true })
      await page.locator(`[name=dtls][value="${version}"]`).check({ force: true })
      for (const kind of picked) await page.locator(`[name=certificate][value="${kind}"]`).check({ force: true })
      const ranked = page.locator('[data-rank]')
      assert.equal(await ranked.count(), picked.length > 1 ? picked.length : 0)
      await page.locator('#connect').click()
      await page.locator('#link[data-state=connected], #link[data-state=failed]').waitFor()
      const shown = async (fact: string): Promise<string> => {
        const value = page.locator(`[data-fact="${fact}"]`)
        await value.filter({ hasNotText: /^–$/ }).waitFor()
        return (await value.textContent()) ?? ''
      }
      // What the page shows is what the browser says, asked past the page.
      const { tlsVersion, dtlsCipher, local, remote } = await negotiatedBy(page)
      assert.equal(tlsVersion, version === '1.3' ? 'FEFC' : 'FEFD')
      for (const end of ['page', 'icefloe']) {
        assert.equal(await shown(`${end} dtls`), `DTLS ${version}`)
        assert.equal(await shown(`${end} cipher`), dtlsCipher)
      }
      assert.match(dtlsCipher, cipher)
      assert.equal(await shown('icefloe certificate'), certificate)
      assert.equal(describeKey(remote), certificate)
      assert.equal(describeKey(local), await shown('page certificate'))
      for (const [end, { fingerprint256, validTo }] of [
        ['page', local],
        ['icefloe', remote],
      ] as const) {
        assert.equal(await shown(`${end} fingerprint`), `sha-256 ${fingerprint256.slice(0, 17)}…`)
        assert.equal(await shown(`${end} expires`), new Date(validTo).toISOString().slice(0, 10))
      }
      assert.deepEqual(errors, [])
      await page.close()
    })
  }

  it('says beforehand that no browser takes Ed25519 alone, and then that it has failed', async () => {
    const page = await openPage({}, [])
    await page.locator('[name=certificate][value=Ed25519]').check({ force: true })
    assert.match((await page.locator('#dtls-hint').textContent()) ?? '', /do not verify it, so the handshake will fail/)
    await page.locator('#connect').click()
    await page.locator('#link[data-state=failed]').waitFor()
    await page
      .locator('#why-lines li', { hasText: /DTLS has failed: the peer ended the connection with alert \d+/ })
      .waitFor()
    await page.close()
  })

  for (const [path, offerer, colorScheme] of [
    ['relay-udp', 'page', 'light'],
    ['relay-tcp', 'icefloe', 'dark'],
  ] as const) {
    describe(`over ${path} when ${offerer} offers, in a ${colorScheme} room`, () => {
      const transport = path === 'relay-udp' ? 'UDP' : 'TCP'
      let page: Page
      const errors: string[] = []

      before(async () => {
        page = await openPage({ colorScheme }, errors)
        await page.locator(`[name=offerer][value=${offerer}]`).check({ force: true })
        await choosePathByKeyboard(page, path)
        await page.keyboard.press('Enter')
        await page.locator('#link[data-state=connected], #link[data-state=failed]').waitFor()
      })
      after(async () => {
        await page?.screenshot({ path: join(tmpdir(), `icefloe-demo-${path}-${colorScheme}.png`), fullPage: true })
        await page?.close()
      })

      it('connects, and shows the way from the page over the relays to icefloe', async () => {
        assert.match((await page.locator('#status').textContent()) ?? '', /^Connected in \d+ ms$/)
        assert.equal(await page.locator('#path-note').isHidden(), true)
        await page.locator('#route li').nth(3).waitFor()
        const stops = await page.locator('#route strong').allTextContents()
        assert.deepEqual(stops, ['This page', 'TURN server', 'TURN server', 'icefloe'])
        await page.locator('#route .hop').first().filter({ hasText: transport }).waitFor()
        assert.deepEqual(await page.locator('#route .hop').allTextContents(), [transport, 'UDP', transport])
      })

      it('shows relayed candidates of both ends, with how their server is reached, and no others', async () => {
        for (const end of ['page', 'icefloe']) {
          const types = await page.locator(`#candidates [data-end=${end}] .type`).allTextContents()
          assert.deepEqual([...new Set(types)], ['relay'], end)
        }
        const server = page.locator('#candidates [data-end=icefloe] [data-name=Server]').first()
        const reached = transport.toLowerCase()
        const text = (await server.textContent()) ?? ''
        assert.match(text, new RegExp(`^turn:127\\.0\\.0\\.1:\\d+\\?transport=${reached}, over ${reached}$`))
        assert.match((await page.locator('[data-first=relay]').textContent()) ?? '', /^\d+\.\d$/)
        assert.equal(await page.locator('[data-first=host]').textContent(), '–')
      })

      it('restarts ICE in mid-call without a message lost, again and again', async () => {
        let before = await page.locator('#route').textContent()
        await page.locator('#restart').focus()
        for (let round = 0; round < 3; round++) {
          await page.keyboard.press('Enter')
          await page.locator('#restart-outcome', { hasText: 'On a new pair' }).waitFor()
          await page.locator('#restart[aria-disabled=false]').waitFor()
          const outcome = (await page.locator('#restart-outcome').textContent()) ?? ''
          assert.match(outcome, /^On a new pair after \d+ ms\. \d+ messages? went out meanwhile, none was lost/)
          assert.equal(await page.locator('#candidates .generation').count(), round + 1)
          const now = await page.locator('#route').textContent()
          assert.notEqual(now, before, 'the page has another relay')
          before = now
        }
        const sent = await page.locator('#count-sent').textContent()
        await page
          .locator('#count-sent')
          .filter({ hasNotText: sent ?? '' })
          .waitFor()
        assert.ok(Number(await page.locator('#count-returned').textContent()) > 0)
        assert.equal(await page.locator('#count-lost').textContent(), '0')
      })

      it('says why, with the history of a pair behind its line', async () => {
        await page.locator('#ask-why').focus()
        await page.keyboard.press('Enter')
        await page.locator('#why-lines li', { hasText: /^Data goes from relay udp \S+ to relay udp \S+\.$/ }).waitFor()
        const summary = page.locator('#why-lines summary', { hasText: 'works, in use' })
        await summary.focus()
        await page.keyboard.press('Enter')
        const history = page.locator('#why-lines details[open] .trail')
        assert.match((await history.textContent()) ?? '', /check-sent \d+answered \d+.*selected \d+/)
      })

      it('carries a file over the relays, there and back', async () => {
        await page.locator('#sample').click()
        await page.locator('#verdict[data-mood]').waitFor()
        assert.match((await page.locator('#verdict').textContent()) ?? '', /came back whole/)
      })

      it('needs no sideways scrolling at the width of a phone', async () => {
        await page.setViewportSize({ width: 360, height: 740 })
        assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 360)
        await page.screenshot({ path: join(tmpdir(), `icefloe-demo-${path}-phone.png`), fullPage: true })
        await page.setViewportSize({ width: 1200, height: 900 })
        assert.deepEqual(errors, [])
      })
    })
  }

  it('goes on carrying numbers over a direct path while the page restarts ICE', async () => {
    const errors: string[] = []
    const page = await openPage({}, errors)
    await page.locator('#connect').click()
    await page.locator('#link[data-state=connected]').waitFor()
    const count = async (id: string) => Number((await page.locator(id).textContent())?.replaceAll(',', ''))
    for (let round = 0; round < 4; round++) {
      await page.locator('#restart').click()
      await page.waitForTimeout(1000)
      const sent = await count('#count-sent')
      const deadline = performance.now() + 1500
      while ((await count('#count-returned')) < sent && performance.now() < deadline) await page.waitForTimeout(100)
      assert.ok((await count('#count-returned')) >= sent, `restart ${round + 1}: ${sent} were sent`)
    }
    await page.close()
    assert.deepEqual(errors, [])
  })

  it('shows how long the first candidate of each type took when they were gathered before', async () => {
    const errors: string[] = []
    const page = await openPage({}, errors)
    await choosePathByKeyboard(page, 'pool')
    await page.locator('#connect').click()
    await page.locator('#link[data-state=connected]').waitFor()
    for (const type of ['host', 'relay']) {
      await page.locator(`[data-first=${type}]`).filter({ hasNotText: '–' }).waitFor()
      assert.match((await page.locator(`[data-first=${type}]`).textContent()) ?? '', /^\d+\.\d$/)
    }
    const gathered = page.locator('#candidates [data-end=icefloe] [data-name=Server]')
    const servers = (await gathered.allTextContents()).filter(text => text !== '').join(' ')
    assert.match(servers, /over udp/)
    assert.match(servers, /over tcp/)
    await page.screenshot({ path: join(tmpdir(), 'icefloe-demo-pool.png'), fullPage: true })
    await page.close()
    assert.deepEqual(errors, [])
  })

  it('says that the browser got no relayed address, and why nothing came of it', async () => {
    const page = await openPage({}, [])
    await page.clock.install()
    await page.route('**/sessions', async route => {
      const response = await route.fetch()
      const json = await response.json()
      json.configuration.iceServers = []
      await route.fulfill({ response, json })
    })
    await choosePathByKeyboard(page, 'relay-udp')
    await page.locator('#connect').click()
    await page.locator('#path-note', { hasText: 'got no relayed address' }).waitFor()
    await page.clock.fastForward(20_000)
    await page.locator('#link[data-state=failed]').waitFor()
    await page.locator('#why-lines li', { hasText: /an end has no candidates|has not answered/ }).waitFor()
    await page.close()
  })

  it('says what is wrong when the server has gone', async () => {
    assert.ok(browser)
    const page = await browser.newPage()
    await page.goto(url)
    await page.route('**/sessions', route => route.abort())
    await page.locator('#connect').click()
    await page.locator('#error:not([hidden])').waitFor()
    assert.match((await page.locator('#error').textContent()) ?? '', /does not answer/)
    assert.equal(await page.locator('#status').textContent(), 'Failed')
    assert.equal(await page.locator('#connect').isEnabled(), true)
    await page.close()
  })

  async function openPage(options: BrowserContextOptions, errors: string[]): Promise<Page> {
    assert.ok(browser)
    const page = await browser.newPage(options)
    page.on('pageerror', error => errors.push(String(error)))
    page.on('console', message => message.type() === 'error' && errors.push(message.text()))
    await page.goto(url)
    return page
  }
})

/** From the first choice on, with the arrow keys. */
async function choosePathByKeyboard(page: Page, path: string): Promise<void> {
  await page.locator('[name=path]').first().focus()
  while (!(await page.locator(`[name=path][value=${path}]`).isChecked())) await page.keyboard.press('ArrowRight')
}

/** From now on the connection of the page can be asked past the page. */
async function keepPeer(page: Page): Promise<void> {
  await page.evaluate(`
    globalThis.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(...values) {
        super(...values)
        globalThis.keptPeer = this
      }
    }
  `)
}

interface Negotiated {
  readonly tlsVersion: string
  readonly dtlsCipher: string
  readonly local: X509Certificate
  readonly remote: X509Certificate
}

/** What the statistics of the browser say. */
async function negotiatedBy(page: Page): Promise<Negotiated> {
  const { transport, local, remote } = (await page.evaluate(`
    keptPeer.getStats().then(report => {
      const transport = [...report.values()].find(({ type }) => type === 'transport')
      const [local, remote] = ['local', 'remote'].map(end => report.get(transport[end + 'CertificateId']).base64Certificate)
      return { transport, local, remote }
    })
  `)) as { transport: Record<string, string>; local: string; remote: string }
  const [own, other] = [local, remote].map(base64 => new X509Certificate(Buffer.from(base64, 'base64')))
  assert.ok(own && other)
  return { tlsVersion: transport.tlsVersion ?? '', dtlsCipher: transport.dtlsCipher ?? '', local: own, remote: other }
}

function describeKey({ publicKey: { asymmetricKeyType, asymmetricKeyDetails } }: X509Certificate): string {
  if (asymmetricKeyType === 'rsa') return `RSA ${asymmetricKeyDetails?.modulusLength}`
  return asymmetricKeyDetails?.namedCurve === 'secp384r1' ? 'ECDSA P-384' : 'ECDSA P-256'
}
