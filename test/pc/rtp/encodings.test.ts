import assert from 'node:assert/strict'
import { createEncoding } from '../../../src/pc/rtp/create-transceiver.ts'
import { FakeHost } from './fakes.ts'

describe('a new encoding', () => {
  it('has an SSRC, and a second one for the retransmissions of video', () => {
    const host = new FakeHost()
    const [audio, video] = [createEncoding({}, 'audio', host), createEncoding({}, 'video', host)]
    assert.equal(audio.rtxSsrc, undefined)
    assert.equal(new Set([audio.ssrc, video.ssrc, video.rtxSsrc]).size, 3)
  })

  it('has two SSRCs that differ and are not zero, whatever the random source gives', () => {
    for (const byte of [0, 1, 255]) {
      const { ssrc, rtxSsrc } = createEncoding({}, 'video', { random: length => new Uint8Array(length).fill(byte) })
      assert.ok(ssrc > 0 && rtxSsrc !== undefined && rtxSsrc > 0 && ssrc !== rtxSsrc, `${ssrc} and ${rtxSsrc}`)
    }
  })

  it('shares nothing with the parameters that it was made of', () => {
    const parameters = { rid: 'a', active: false, codec: { mimeType: 'video/VP8', clockRate: 90_000 } }
    const encoding = createEncoding(parameters, 'video', new FakeHost())
    parameters.codec.mimeType = 'video/VP9'
    assert.equal(encoding.parameters.codec?.mimeType, 'video/VP8')
    assert.deepEqual([encoding.parameters.rid, encoding.parameters.active], ['a', false])
  })
})
