import assert from 'node:assert/strict'
import { maxTextLength, parseSdp, rtpMedia, SdpError, withRtpMedia } from '../../src/sdp/index.ts'
import {
  maxFeedback,
  maxGroupSources,
  maxHeaderExtensions,
  maxRids,
  maxSourceAttributes,
  maxSourceGroups,
  maxSources,
  maxStreams,
} from '../../src/sdp/rtp-limits.ts'
import { rtpOf, videoWith } from './captured.ts'
import { countWork } from './work.ts'

const map = 'a=rtpmap:96 VP8/90000'
const numbered = (n: number, line: (index: number) => string): string[] => Array.from({ length: n }, (_, i) => line(i))

/** For each bound a section that has as many lines of something as asked for. */
const bounded: readonly (readonly [what: string, max: number, lines: (n: number) => readonly string[]])[] = [
  ['sources', maxSources, n => numbered(n, i => `a=ssrc:${i} cname:x`)],
  ['attributes of a source', maxSourceAttributes, n => numbered(n, i => `a=ssrc:1 x${i}:y`)],
  ['streams of a source', maxStreams, n => numbered(n, i => `a=ssrc:1 msid:${i}`)],
  ['groups of sources', maxSourceGroups, n => numbered(n, () => 'a=ssrc-group:FID 1 2')],
  ['sources of a group', maxGroupSources, n => [`a=ssrc-group:SIM${' 1'.repeat(n)}`]],
  ['streams', maxStreams, n => numbered(n, i => `a=msid:${i}`)],
  ['header extensions', maxHeaderExtensions, n => numbered(n, i => `a=extmap:4096 urn:${i}`)],
  ['kinds of feedback', maxFeedback, n => [map, ...numbered(n, i => `a=rtcp-fb:96 x${i}`)]],
  ['kinds of feedback of every codec', maxFeedback, n => [map, ...numbered(n, i => `a=rtcp-fb:* x${i}`)]],
  ['rids', maxRids, n => numbered(n, i => `a=rid:${i} send`)],
]

describe('the bounds of rtpMedia', () => {
  for (const [what, max, lines] of bounded) {
    it(`let in ${max} ${what} and not one more`, () => {
      const session = parseSdp(videoWith(...lines(max)))
      const [media] = session.media
      assert.ok(media)
      const rtp = rtpMedia(session, media)
      assert.deepEqual(rtpMedia(session, withRtpMedia(media, rtp)), rtp)
      assert.throws(() => rtpOf(videoWith(...lines(max + 1))), SdpError)
    })
  }

  it('count rids that are discarded, too', () => {
    assert.deepEqual(rtpOf(videoWith(...numbered(maxRids, () => 'a=rid:1 both'))).rids, [])
    assert.throws(() => rtpOf(videoWith(...numbered(maxRids + 1, () => 'a=rid:1 both'))), SdpError)
  })

  it('count the header extensions of the session section, too', () => {
    const own = numbered(maxHeaderExtensions, i => `a=extmap:4096 urn:${i}`)
    for (const line of ['a=extmap:4097 urn:x', 'a=extmap:5000 urn:x', 'a=extmap:4096 urn:0']) {
      assert.throws(() => rtpOf(videoWith(...own).replace('m=video', `${line}\r\nm=video`)), SdpError)
    }
  })

  it('hold for the feedback of one codec and of every codec together', () => {
    const half = maxFeedback / 2
    const own = numbered(half + 1, i => `a=rtcp-fb:96 x${i}`)
    const all = numbered(half, i => `a=rtcp-fb:* y${i}`)
    assert.throws(() => rtpOf(videoWith(map, ...own, ...all)), SdpError)
    assert.equal(rtpOf(videoWith(map, ...own.slice(1), ...all)).codecs[0]?.feedback.length, maxFeedback)
  })

  it('leave at most 128 codecs, whatever the m= line repeats', () => {
    const formats = Array.from({ length: 60_000 }, (_, i) => i % 128).join(' ')
    const maps = numbered(128, i => `a=rtpmap:${i} x/1`)
    const rtp = rtpOf(videoWith(...maps).replace('SAVPF 96 97 98', `SAVPF ${formats}`))
    assert.equal(rtp.codecs.length, 128)
  })
})

/** Sections that grow in every direction there is. `n` makes them about 250 kB long. */
const shapes: readonly (readonly [what: string, n: number, grow: (n: number) => string])[] = [
  ['maps that say the same', 10_000, n => videoWith(...numbered(n, () => map))],
  ['parameters of a format', 20_000, n => videoWith(map, ...numbered(n, () => 'a=fmtp:96 x=1'))],
  ['parameters on one line', 60_000, n => videoWith(map, `a=fmtp:96 ${'x=1;'.repeat(n)}`)],
  ['lines of one feedback', 15_000, n => videoWith(map, ...numbered(n, () => 'a=rtcp-fb:96 nack'))],
  ['extensions that say the same', 14_000, n => videoWith(...numbered(n, () => 'a=extmap:1 urn:x'))],
  ['alternatives of an identifier', 12_000, n => videoWith(...numbered(n, i => `a=extmap:4096 urn:${i}`))],
  ['identifiers that mean nothing', 12_000, n => videoWith(...numbered(n, i => `a=extmap:${5000 + i} urn:x`))],
  ['sources', 12_000, n => videoWith(...numbered(n, i => `a=ssrc:${i} cname:x`))],
  ['attributes of a source', 14_000, n => videoWith(...numbered(n, () => 'a=ssrc:1 cname:x'))],
  ['sources of a group', 120_000, n => videoWith(`a=ssrc-group:FID${' 1'.repeat(n)}`)],
  ['groups', 12_000, n => videoWith(...numbered(n, () => 'a=ssrc-group:FID 1 2'))],
  ['rids', 15_000, n => videoWith(...numbered(n, i => `a=rid:${i} send`))],
  ['rids of one id', 15_000, n => videoWith(...numbered(n, () => 'a=rid:1 send'))],
  ['rids that are malformed', 15_000, n => videoWith(...numbered(n, () => 'a=rid:1 both'))],
  ['payload types of a rid', 80_000, n => videoWith(map, `a=rid:1 send pt=96${',96'.repeat(n)}`)],
  ['restrictions of a rid', 60_000, n => videoWith(`a=rid:1 send x${';x=y'.repeat(n)}`)],
  ['spaces of a rid', 250_000, n => videoWith(`a=rid:1 send${' '.repeat(n)}`)],
  ['rids that a rid depends on', 80_000, n => videoWith(`a=rid:1 send depend=1${',1'.repeat(n)}`)],
  ['simulcast streams', 100_000, n => videoWith(`a=simulcast:send 1${';1'.repeat(n)}`)],
  ['simulcast alternatives', 100_000, n => videoWith(`a=simulcast:send 1${',1'.repeat(n)}`)],
  ['lines of simulcast', 12_000, n => videoWith(...numbered(n, () => 'a=simulcast:send 1'))],
  ['words of an msid', 120_000, n => videoWith(`a=msid:x${' x'.repeat(n)}`)],
  ['slashes of a map', 250_000, n => videoWith(`a=rtpmap:96 VP8${'/'.repeat(n)}`)],
  ['spaces of a map', 250_000, n => videoWith(`a=rtpmap:96${' '.repeat(n)}VP8/90000`)],
  ['digits of a time', 250_000, n => videoWith(`a=ptime:${'1'.repeat(n)}`)],
]

describe('the work of reading RTP', () => {
  it('looks at the lines of the session section once, however many sections there are', () => {
    const lines = 'a=x\r\na=extmap-allow-mixed\r\n'.repeat(1000)
    const text = `v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n${lines}${'m=video 9 RTP/AVP 34\r\n'.repeat(50)}`
    const parsed = parseSdp(text)
    let reads = 0
    const attributes = new Proxy(parsed.attributes, {
      get: (target, key) => {
        reads++
        return Reflect.get(target, key)
      },
    })
    const session = { ...parsed, attributes }
    for (const media of session.media) assert.equal(rtpMedia(session, media).extmapAllowMixed, true)
    assert.ok(reads > 2000 && reads < 10_000, `${reads} reads of 2000 attributes for 50 sections`)
  })

  for (const [what, n, grow] of shapes) {
    it(`at most doubles with the number of ${what}`, () => {
      const [half, whole] = [grow(n / 2), grow(n)]
      assert.ok(whole.length < maxTextLength)
      const [small, large] = [countWork(() => read(half)), countWork(() => read(whole))]
      // The fixed work of a description is in both, so that the ratio stays below 2.
      assert.ok(large <= 2.2 * small, `${small} steps for ${half.length} characters, ${large} for ${whole.length}`)
      assert.ok(large < 100 * whole.length, `${large} steps for ${whole.length} characters`)
    })
  }
})

function read(text: string): void {
  unlessSdpError(() => rtpOf(text))
}

function unlessSdpError(work: () => unknown): void {
  try {
    work()
  } catch (error) {
    if (!(error instanceof SdpError)) throw error
  }
}
