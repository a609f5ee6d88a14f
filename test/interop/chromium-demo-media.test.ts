import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { chromiumSendsFakeMedia, launchChromium } from './chromium.ts'
import { DemoProcess } from './demo-process.ts'

describe('the pages of the demo with audio and video, in Chromium', function () {
  this.timeout(60_000)
  let demo: DemoProcess | undefined
  let browser: Browser | undefined
  let url: string
  const pages: Page[] = []
  const errors: string[] = []

  before(async function () {
    browser = await launchChromium(this, chromiumSendsFakeMedia)
    demo = new DemoProcess('--port', '0')
    url = await demo.url()
  })
  afterEach(async () => {
    for (const page of pages.splice(0)) await page.close()
  })
  after(async () => {
    await browser?.close()
    const code = await demo?.stop()
    if (demo !== undefined) assert.equal(code, 0, `the demo ends when it is told to:\n${demo.output}`)
  })

  for (const [video, audio, source] of [
    ['VP8', 'opus', 'camera'],
    ['VP9', 'PCMU', 'drawing'],
    ['H264', 'opus', 'drawing'],
  ] as const) {
    it(`sends the ${source} to icefloe in ${video} and ${audio}, and shows what comes back`, async function () {
      const page = await open('echo.html')
      for (const [name, value] of Object.entries({ source, video, audio })) {
        const radio = page.locator(`[name=${name}][value=${value}]`)
        // Builds of Chromium without H.264 say so, and then it cannot be chosen.
        if (await radio.isDisabled()) this.skip()
        await radio.check({ force: true })
      }
      await page.locator('#toggle').click()
      await connected(page)
      await playing(page, '#remote')
      await page.locator('#rate-down').filter({ hasText: /[1-9]/ }).waitFor()
      assert.match(await text(page, '#rate-up'), /^\d+$/)
      assert.match(await text(page, '#remote-size'), /^\d+ × \d+$/)
      assert.deepEqual(await codecsOf(page), [`audio/${audio}`, `video/${video}`])
      await page.locator('#toggle').click()
      await page.locator('#status', { hasText: 'Disconnected' }).waitFor()
      assert.deepEqual(errors.splice(0), [])
    })
  }

  it('loses what the slider says, and goes on: packets are asked for again and repaired', async () => {
    const page = await open('echo.html', { colorScheme: 'dark' })
    await page.locator('#toggle').click()
    await connected(page)
    await page.locator('#loss').focus()
    await page.keyboard.press('End')
    assert.equal(await text(page, '#loss-percent'), '10 %')
    // Lost on purpose, asked for again, sent again: to icefloe and back.
    for (const row of [1, 2, 3]) {
      for (const column of [2, 3]) {
        await page
          .locator(`#counts tbody tr:nth-child(${row}) td:nth-child(${column})`)
          .filter({ hasText: /[1-9]/ })
          .waitFor()
      }
    }
    await page.locator('#trip').filter({ hasText: /\d/ }).waitFor()
    await page.locator('#lost-up').filter({ hasText: /[1-9]/ }).waitFor()
    await playing(page, '#remote')
    await page.keyboard.press('Home')
    assert.equal(await text(page, '#loss-percent'), '0 %')
    await page.screenshot({ path: join(tmpdir(), 'icefloe-demo-echo-dark.png'), fullPage: true })
    await narrow(page)
    assert.deepEqual(errors.splice(0), [])
  })

  it('says what to do where there is no camera, and offers again', async () => {
    const page = await open('echo.html')
    await page.evaluate(
      `navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotFoundError'))`,
    )
    await page.locator('#toggle').click()
    await page.locator('#error', { hasText: 'There is no camera, or no microphone. Choose “A drawing”' }).waitFor()
    await page.locator('[name=source][value=drawing]').check({ force: true })
    await page.locator('#toggle').click()
    await connected(page)
    await playing(page, '#remote')
    assert.equal(await page.locator('#error').isHidden(), true)
  })

  it('shows one tab to two others, and to one that comes later, until the tab is closed', async () => {
    const [publisher, early, late] = [await open('stage.html'), await open('stage.html'), await open('stage.html')]
    await early.locator('#watch').click()
    await connected(early)
    await early.locator('#on-stage', { hasText: 'Nobody is on the stage' }).waitFor()
    await publisher.locator('#publish').click()
    await connected(publisher)
    await playing(early, '#video')
    await late.locator('#watch').click()
    await playing(late, '#video')
    for (const page of [publisher, early, late]) {
      await page.locator('#viewer-count', { hasText: '2' }).waitFor()
      assert.equal(await page.locator('#viewers tbody tr').count(), 2)
    }
    await early.locator('#viewers tbody tr:nth-child(2) td:nth-child(2)').filter({ hasText: /[1-9]/ }).waitFor()
    assert.equal(await early.locator('#publish').isDisabled(), true)
    await narrow(early)
    await publisher.close()
    for (const page of [early, late]) await page.locator('#on-stage', { hasText: 'has left the stage' }).waitFor()
    await late.close()
    await early.locator('#viewer-count', { hasText: '1' }).waitFor()
    assert.deepEqual(errors.splice(0), [])
  })

  it('refuses a second publisher, who may watch then', async () => {
    const [first, second] = [await open('stage.html'), await open('stage.html')]
    await first.locator('#publish').click()
    await connected(first)
    await second.locator('#publish:disabled').waitFor()
    // Whoever presses in the same moment is told by the server.
    await second.evaluate(`document.getElementById('publish').disabled = false`)
    await second.locator('#publish').click()
    await second.locator('#error', { hasText: 'Somebody else is on the stage' }).waitFor()
    await second.locator('#watch').click()
    await playing(second, '#video')
    errors.length = 0
  })

  it("shows icefloe's test picture to those who watch, until it is taken away", async () => {
    const page = await open('stage.html')
    await page.locator('#picture').click()
    await page.locator('#on-stage', { hasText: 'The test picture: press Watch' }).waitFor()
    await page.locator('#watch').click()
    await playing(page, '#video')
    assert.deepEqual(await page.evaluate(`[video.videoWidth, video.videoHeight]`), [320, 240])
    await page.locator('#picture', { hasText: 'Take the test picture away' }).click()
    await page.locator('#on-stage', { hasText: 'has left the stage' }).waitFor()
    assert.deepEqual(errors.splice(0), [])
  })

  it('leads from page to page', async () => {
    const page = await open('')
    for (const title of ['Camera echo', 'Stage']) {
      await page.locator('.pages a', { hasText: title }).click()
      await page.locator('h2', { hasText: title }).first().waitFor()
      assert.equal(await page.locator('[aria-current=page]').textContent(), title)
    }
    await narrow(page)
  })

  async function open(path: string, options: BrowserContextOptions = {}): Promise<Page> {
    if (browser === undefined) throw new Error('no browser')
    const page = await browser.newPage(options)
    pages.push(page)
    page.on('pageerror', error => errors.push(String(error)))
    page.on('console', message => message.type() === 'error' && errors.push(message.text()))
    // The connections that the page makes, for what is asked past it.
    await page.addInitScript(`
      globalThis.peers = []
      globalThis.RTCPeerConnection = class extends RTCPeerConnection {
        constructor(...options) {
          super(...options)
          peers.push(this)
        }
      }
    `)
    await page.goto(url + path)
    return page
  }
})

async function text(page: Page, selector: string): Promise<string> {
  return (await page.locator(selector).textContent()) ?? ''
}

async function connected(page: Page): Promise<void> {
  await page.locator('#status[data-mood=good], #status[data-mood=bad]').waitFor()
  assert.match(await text(page, '#status'), /onnected in \d+ ms$/, await text(page, '#error'))
}

/** Pictures are decoded, one after another. */
async function playing(page: Page, selector: string): Promise<void> {
  const frames = async () =>
    Number(await page.evaluate(`document.querySelector('${selector}').getVideoPlaybackQuality().totalVideoFrames`))
  const before = await frames()
  for (let tries = 0; (await frames()) < before + 10; tries++) {
    assert.ok(tries < 200, `${await frames()} frames in ${selector}`)
    await page.waitForTimeout(100)
  }
}

/** What the browser receives, asked past the page. */
async function codecsOf(page: Page): Promise<readonly string[]> {
  return await page.evaluate(`(async () => {
    const stats = [...(await peers.at(-1).getStats()).values()]
    const inbound = stats.filter(({ type }) => type === 'inbound-rtp').map(({ codecId }) => codecId)
    return stats.filter(({ id }) => inbound.includes(id)).map(({ mimeType }) => mimeType).sort()
  })()`)
}

async function narrow(page: Page): Promise<void> {
  await page.setViewportSize({ width: 360, height: 740 })
  assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 360)
}
