import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { skipOrFail } from '../dtls/program.ts'
import { requireFfmpeg } from '../rtp/payload/ffmpeg.ts'
import { withBrowser, withPair } from './browser-suites.ts'
import { chromiumSendsFakeMedia, openChromium } from './chromium.ts'
import { firefoxSendsFakeMedia, openFirefox } from './firefox.ts'
import { decodesSyntheticMedia, frames, givesFrames, sending } from './media-synthetic-suites.ts'

describe('frames to and from Chromium', function () {
  this.timeout(30_000)
  const browser = withBrowser('Chromium', context => openChromium(context, chromiumSendsFakeMedia))
  decodesSyntheticMedia(browser)
  givesFrames(browser, { width: 320, height: 240 })

  it('gives H.264 that ffprobe counts the pictures of', async function () {
    requireFfmpeg(this, 'h264')
    if (spawnSync('ffprobe', ['-version']).error !== undefined) skipOrFail(this, 'ffprobe is not installed')
    await withPair(browser, sending({ video: true, codec: 'video/H264' }), async ({ icefloe }) => {
      const all = await frames(icefloe, 'video', 30)
      assert.equal(all[0]?.codec.mimeType, 'video/H264')
      const stream = Buffer.concat(all.map(({ data }) => data))
      const probe = [
        '-v',
        'error',
        '-f',
        'h264',
        '-count_frames',
        '-show_entries',
        'stream=width,height,nb_read_frames',
      ]
      const { stdout, stderr } = spawnSync('ffprobe', [...probe, '-of', 'json', '-'], {
        input: stream,
        encoding: 'utf8',
      })
      assert.equal(stderr, '')
      const [{ width, height, nb_read_frames: read }] = JSON.parse(stdout).streams
      assert.deepEqual({ width, height, read: Number(read) }, { width: 320, height: 240, read: all.length })
    })
  })
})

describe('frames to and from Firefox', function () {
  this.timeout(30_000)
  const preferences = firefoxSendsFakeMedia
  const browser = withBrowser('Firefox', context => openFirefox(context, { preferences }))
  decodesSyntheticMedia(browser)
  givesFrames(browser, { width: 320, height: 240 })
})
