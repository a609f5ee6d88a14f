import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Browser, Page } from 'playwright-core'
import { findBrowser } from '../interop/browser.ts'
import { chromiumSendsFakeMedia, launchChromium } from '../interop/chromium.ts'
import { ExampleProcess } from './example-process.ts'
import { picture, writeIvf, writeOgg, writeWebm } from './synthetic-file.ts'

const ffprobePlaces = ['/usr/bin/ffprobe', '/usr/local/bin/ffprobe', '/opt/homebrew/bin/ffprobe']

describe('the examples that talk to a browser', function () {
  this.timeout(60_000)
  let browser: Browser | undefined
  let folder: string
  let example: ExampleProcess | undefined
  const pages: Page[] = []

  before(async function () {
    browser = await launchChromium(this, chromiumSendsFakeMedia)
    folder = await mkdtemp(join(tmpdir(), 'icefloe-examples-'))
  })
  afterEach(async () => {
    for (const page of pages.splice(0)) await page.close()
    const code = await example?.stop()
    if (example !== undefined) assert.equal(code, 0, example.output)
    example = undefined
  })
  after(async () => {
    await browser?.close()
    if (folder !== undefined) await rm(folder, { recursive: true })
  })

  it('echo sends the camera back', async () => {
    example = new ExampleProcess('echo')
    const page = await start(await example.url())
    await playing(page)
  })

  it('fan-out shows one browser to two others, one of which is there before', async () => {
    example = new ExampleProcess('fan-out')
    const url = await example.url()
    const early = await start(`${url}viewer`)
    await start(url)
    await playing(early)
    await playing(await start(`${url}viewer`))
  })

  it('record-browser writes a WebM file that ffprobe accepts, with all that was sent', async function () {
    const ffprobe = findBrowser(this, 'ffprobe', 'FFPROBE_PATH', ffprobePlaces)
    example = new ExampleProcess('record-browser', [folder])
    const page = await start(await example.url())
    await page.waitForTimeout(4000)
    await page.locator('button').click()
    const [, path = '', video = '', audio = ''] = await example.printed(/(\S+\.webm): (\d+) frames of video, (\d+) of/)
    assert.equal(path, join(folder, 'recording-1.webm'))
    const { streams, format } = await probe(ffprobe, path)
    const byCodec = new Map(streams.map(stream => [stream.codec_name, stream]))
    assert.deepEqual([...byCodec.keys()].sort(), ['opus', 'vp8'])
    assert.deepEqual([byCodec.get('vp8')?.width, byCodec.get('vp8')?.height], [640, 360])
    assert.equal(byCodec.get('vp8')?.nb_read_packets, video)
    assert.equal(byCodec.get('opus')?.nb_read_packets, audio)
    // It has decoded every one of them.
    assert.equal(byCodec.get('vp8')?.nb_read_frames, video)
    assert.equal(byCodec.get('opus')?.nb_read_frames, audio)
    assert.ok(Number(video) > 20 && Number(audio) > 100, `${video} and ${audio} frames`)
    assert.ok(Number(format.duration) > 2, `${format.duration} s`)
  })

  it('record-browser ends its file when it is interrupted', async function () {
    const ffprobe = findBrowser(this, 'ffprobe', 'FFPROBE_PATH', ffprobePlaces)
    const interrupted = new ExampleProcess('record-browser', [folder])
    const page = await start(await interrupted.url())
    await page.waitForTimeout(2000)
    assert.equal(await interrupted.stop(), 0)
    assert.match(interrupted.output, /recording-1\.webm: \d+ frames of video/)
    const { streams } = await probe(ffprobe, join(folder, 'recording-1.webm'))
    assert.equal(streams.length, 2)
  })

  const files = { 'film.webm': writeWebm, 'film.ivf': writeIvf } as const
  for (const [name, write] of Object.entries(files)) {
    it(`send-file plays ${name} in the browser, and again from its beginning`, async () => {
      const path = join(folder, name)
      await write(path, 2)
      example = new ExampleProcess('send-file', [path])
      const page = await start(await example.url())
      // More frames than there are in the file.
      await playing(page, 70)
      const size = await page.evaluate(
        `[document.querySelector('video').videoWidth, document.querySelector('video').videoHeight]`,
      )
      assert.deepEqual(size, [picture.width, picture.height])
    })
  }

  it('send-file plays an Ogg file, which has sound alone', async () => {
    const path = join(folder, 'sound.ogg')
    await writeOgg(path, 2)
    example = new ExampleProcess('send-file', [path])
    const page = await start(await example.url())
    const received = `(async () => [...(await peers[0].getStats()).values()]
      .filter(({ type }) => type === 'inbound-rtp').map(({ packetsReceived }) => packetsReceived))()`
    for (let tries = 0; tries < 100; tries++) {
      const counts = (await page.evaluate(received)) as number[]
      if (counts.some(count => count > 120)) return
      await page.waitForTimeout(100)
    }
    assert.fail(`packets: ${await page.evaluate(received)}`)
  })

  it('send-file says what is wrong with a file', async () => {
    for (const args of [[], [join(folder, 'none.webm')], ['README.md']]) {
      const failing = new ExampleProcess('send-file', args)
      assert.equal(await failing.exited, 1)
    }
  })

  it('a page that goes away ends its connection, and malformed offers harm nobody', async () => {
    example = new ExampleProcess('echo')
    const url = await example.url()
    for (const [type, body, status] of [
      ['text/plain', 'v=0', 415],
      ['application/sdp', 'nonsense', 400],
      ['application/sdp', 'x'.repeat(70_000), 413],
    ] as const) {
      const response = await fetch(`${url}offer`, { method: 'POST', headers: { 'content-type': type }, body })
      assert.equal(response.status, status)
    }
    const page = await start(url)
    await playing(page)
    await page.goto('about:blank')
    await page.waitForTimeout(300)
    const again = await start(url)
    await playing(again)
  })

  async function start(url: string): Promise<Page> {
    if (browser === undefined) throw new Error('no browser')
    const page = await browser.newPage()
    pages.push(page)
    await page.addInitScript(`
      globalThis.peers = []
      globalThis.RTCPeerConnection = class extends RTCPeerConnection {
        constructor(...options) {
          super(...options)
          peers.push(this)
        }
      }
    `)
    await page.goto(url)
    await page.locator('button').click()
    await page.locator('output', { hasText: 'connected' }).waitFor()
    return page
  }
})

/** Pictures are decoded, one after another. */
async function playing(page: Page, count = 10): Promise<void> {
  const frames = async () =>
    Number(await page.evaluate(`document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames`))
  const before = await frames()
  for (let tries = 0; (await frames()) < before + count; tries++) {
    assert.ok(tries < 200, `${await frames()} frames`)
    await page.waitForTimeout(100)
  }
}

interface Probed {
  readonly streams: readonly {
    readonly codec_name: string
    readonly width?: number
    readonly height?: number
    readonly nb_read_packets: string
    readonly nb_read_frames: string
  }[]
  readonly format: { readonly duration: string }
}

/** What ffprobe says of a file; rejects if it says anything is wrong with it. */
async function probe(ffprobe: string, path: string): Promise<Probed> {
  const what = ['-show_streams', '-show_format', '-count_packets', '-count_frames', '-of', 'json']
  const { stdout, stderr } = await promisify(execFile)(ffprobe, ['-v', 'warning', ...what, path])
  assert.equal(stderr, '')
  return JSON.parse(stdout) as Probed
}
