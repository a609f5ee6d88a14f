import assert from 'node:assert/strict'
import { SdpError } from '../../src/sdp/errors.ts'
import { maxMediaSections, maxTextLength, parseCandidate, parseSdp, serializeSdp } from '../../src/sdp/index.ts'
import { mediaWith, sessionWith } from './fixtures.ts'
import { countWork } from './work.ts'

const candidate = 'a=candidate:1 1 udp 2130706431 192.0.2.1 50000 typ host generation 0'

describe('the bounds of parseSdp', () => {
  it('takes a text of the greatest length and no longer one', () => {
    const base = sessionWith('a=x:')
    const longest = base.trimEnd() + 'y'.repeat(maxTextLength - base.trimEnd().length)
    assert.equal(longest.length, maxTextLength)
    assert.equal(parseSdp(longest).attributes.length, 1)
    assert.throws(
      () => parseSdp(`${longest}y`),
      (error: unknown) => error instanceof SdpError && error.line === undefined,
    )
  })

  it('does not look at a text of 10 MB', () => {
    const text = mediaWith() + `${candidate}\r\n`.repeat(150_000)
    assert.ok(text.length > 10_000_000)
    let thrown: unknown
    const work = countWork(() => {
      try {
        parseSdp(text)
      } catch (error) {
        thrown = error
      }
    })
    assert.ok(thrown instanceof SdpError)
    assert.ok(work < 100, `${work} steps`)
  })

  it('takes the greatest number of media sections and not one more', () => {
    const media = Array.from({ length: maxMediaSections }, (_, i) => `m=audio 9 RTP/AVP 0\r\na=mid:${i}`)
    assert.equal(parseSdp(sessionWith(...media)).media.length, maxMediaSections)
    assert.throws(
      () => parseSdp(sessionWith(...media, 'm=audio 9 RTP/AVP 0')),
      (error: unknown) => error instanceof SdpError && error.line === 4 + 2 * maxMediaSections + 1,
    )
    assert.throws(() => parseSdp(sessionWith(...new Array(50_000).fill('m=audio 0 RTP/AVP 0'))), SdpError)
  })

  it('takes 10^5 attributes', () => {
    const added = 'a=x:y\r\n'.repeat(100_000)
    assert.equal(parseSdp(mediaWith() + added).media[0]?.attributes.length, 100_000)
    assert.equal(parseSdp(sessionWith() + added).attributes.length, 100_000)
  })
})

/** Texts that grow in every direction there is. `n` is a number of repetitions that makes the text about 250 kB long. */
const shapes: readonly (readonly [what: string, n: number, grow: (n: number) => string])[] = [
  ['lines of attributes', 40_000, n => mediaWith(...new Array(n).fill('a=x:y'))],
  ['different names', 20_000, n => mediaWith(...Array.from({ length: n }, (_, i) => `a=n${i}:y`))],
  ['bare line ends at the end', 250_000, n => mediaWith('a=x') + '\n'.repeat(n)],
  ['one long value', 250_000, n => sessionWith(`a=x:${'y'.repeat(n)}`)],
  ['one long name', 250_000, n => sessionWith(`a=${'x'.repeat(n)}`)],
  ['colons', 250_000, n => sessionWith(`a=x${':'.repeat(n)}`)],
  ['one long line of no type', 250_000, n => sessionWith('x'.repeat(n))],
  [
    'media sections',
    500,
    n => sessionWith(...Array.from({ length: n }, (_, i) => `m=audio 9 RTP/AVP 0\r\na=mid:${i}`)),
  ],
  ['formats', 60_000, n => sessionWith(`m=audio 9 RTP/AVP${' 0'.repeat(n)}`)],
  ['spaces on a media line', 250_000, n => sessionWith(`m=audio${' '.repeat(n)}9 RTP/AVP 0`)],
  ['parts of a protocol', 120_000, n => sessionWith(`m=audio 9 RTP${'/A'.repeat(n)} 0`)],
  ['candidates', 3_500, n => mediaWith(...new Array(n).fill(candidate))],
  ['extensions of a malformed candidate', 1_000, n => mediaWith(`${candidate}${' a b'.repeat(n)}`)],
  ['fingerprints', 10_000, n => mediaWith(...new Array(n).fill('a=fingerprint:x 00:11'))],
  ['bytes of a fingerprint', 80_000, n => mediaWith(`a=fingerprint:x 00${':11'.repeat(n)}`)],
  ['ICE options', 100_000, n => sessionWith(`a=ice-options:${'a,'.repeat(n)}`)],
  ['lines of ICE options', 15_000, n => sessionWith(...Array.from({ length: n }, (_, i) => `a=ice-options:${i}`))],
  ['groups', 15_000, n => sessionWith(...new Array(n).fill('a=group:BUNDLE 0 1'))],
  ['mids of a group', 100_000, n => sessionWith(`a=group:BUNDLE${' a'.repeat(n)}`, 'm=audio 9 RTP/AVP 0')],
  ['digits', 250_000, n => mediaWith(`a=max-message-size:${'9'.repeat(n)}`)],
  ['bandwidths', 30_000, n => mediaWith(...new Array(n).fill('b=AS:30'))],
  ['times', 30_000, n => sessionWith(...new Array(n).fill('t=0 0'))],
  ['repetitions', 20_000, n => sessionWith(...new Array(n).fill('r=7d 1h 0'))],
  ['offsets of a repetition', 100_000, n => sessionWith(`r=7d 1h${' 0'.repeat(n)}`)],
  ['words of an origin', 100_000, n => sessionWith().replace('o=-', `o=${'- '.repeat(n)}`)],
  ['the same flag', 20_000, n => mediaWith(...new Array(n).fill('a=rtcp-mux'))],
  [
    'maps of the old form',
    10_000,
    n => sessionWith('m=application 9 DTLS/SCTP x', ...new Array(n).fill('a=sctpmap:x')),
  ],
]

describe('the work of parseSdp', () => {
  for (const [what, n, grow] of shapes) {
    it(`at most doubles with the number of ${what}`, () => {
      const [half, whole] = [grow(n / 2), grow(n)]
      assert.ok(whole.length < maxTextLength)
      const [small, large] = [countWork(() => outcome(half)), countWork(() => outcome(whole))]
      // The fixed work of a description is in both, so that the ratio stays below 2.
      assert.ok(large <= 2.2 * small, `${small} steps for ${half.length} characters, ${large} for ${whole.length}`)
      assert.ok(large < 100 * whole.length, `${large} steps for ${whole.length} characters`)
    })
  }

  it('is counted: a search in a growing list would be seen', () => {
    const quadratic = (n: number): number =>
      countWork(() => {
        const list: number[] = []
        for (let i = 0; i < n; i++) if (!list.includes(i)) list.push(i)
      })
    assert.ok(quadratic(2_000) > 3.5 * quadratic(1_000))
  })
})

describe('the work of serializeSdp', () => {
  const written = shapes.filter(([, , grow]) => outcome(grow(1_000)) !== undefined)

  it('is measured with most of the shapes', () => assert.ok(written.length >= 20))

  for (const [what, n, grow] of written) {
    it(`at most doubles with the number of ${what}`, () => {
      const [half, whole] = [parseSdp(grow(n / 2)), parseSdp(grow(n))]
      const [small, large] = [countWork(() => serializeSdp(half)), countWork(() => serializeSdp(whole))]
      assert.ok(large <= 2.2 * small, `${small} steps, then ${large}`)
    })
  }
})

describe('the work of parseCandidate', () => {
  it('is to take off the prefixes of a candidate that is too long, and no more', () => {
    const text = `${candidate}${' a b'.repeat(1_000_000)}\r\n`
    const work = countWork(() => assert.throws(() => parseCandidate(text), SdpError))
    assert.ok(work < 4 * text.length + 1_000, `${work} steps`)
  })
})

function outcome(text: string): ReturnType<typeof parseSdp> | undefined {
  try {
    return parseSdp(text)
  } catch (error) {
    if (error instanceof SdpError) return undefined
    throw error
  }
}
