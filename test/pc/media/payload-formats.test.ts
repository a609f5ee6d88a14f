import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { payloadFormat } from '../../../src/pc/media/payload-formats.ts'
import { isPayloadDropped, PayloadError } from '../../../src/rtp/payload/frame.ts'

function h264() {
  return payloadFormat('video/H264') ?? assert.fail('no H.264')
}

describe('payload formats of codecs', () => {
  it('are found by MIME type in any case, if there are any', () => {
    assert.equal(payloadFormat('AUDIO/Opus')?.codec.mimeType, 'audio/opus')
    assert.equal(payloadFormat('audio/PCMA')?.payloadType, 8)
    for (const mimeType of ['video/AV1', 'video/rtx', '', '__proto__']) assert.equal(payloadFormat(mimeType), undefined)
  })

  it('cut NAL units as the packetization mode permits', () => {
    const frame = { data: Uint8Array.from([0, 0, 0, 1, 0x65, ...new Uint8Array(2_000).fill(1)]) }
    const payloads = (sdpFmtpLine?: string): number => {
      const codec = { ...h264().codec, ...(sdpFmtpLine !== undefined && { sdpFmtpLine }) }
      return h264().packetizer(codec, 1_200).packetize(frame).length
    }
    assert.equal(payloads(), 2)
    assert.equal(payloads('profile-level-id=42e01f;packetization-mode=1'), 2)
    assert.throws(() => payloads('packetization-mode=0'), PayloadError)
    assert.throws(() => payloads('profile-level-id=42e01f'), PayloadError)
  })

  it('put the parameter sets of the session description before pictures that come without', () => {
    const sdpFmtpLine = 'packetization-mode=1; sprop-parameter-sets=ZwE=,aAI=;x=1'
    const depacketizer = h264().depacketizer({ ...h264().codec, sdpFmtpLine })
    const payload = Uint8Array.of(0x65, 0x88)
    const frames = depacketizer.push({ sequenceNumber: 1, timestamp: 0, marker: true, payload })
    assert.ok(!isPayloadDropped(frames))
    assert.deepEqual([...(frames[0]?.data ?? [])], [0, 0, 0, 1, 0x67, 1, 0, 0, 0, 1, 0x68, 2, 0, 0, 0, 1, 0x65, 0x88])
  })
})
