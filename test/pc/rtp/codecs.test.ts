import assert from 'node:assert/strict'
import { codecsMatch, isMediaCodec } from '../../../src/pc/rtp/codec-dictionary-match.ts'
import {
  capabilities,
  headerExtensionCapabilities,
  localCodecs,
  toCodecParameters,
  toRtpCodec,
  toSdpCodec,
} from '../../../src/pc/rtp/codecs.ts'
import { ExtensionUri } from '../../../src/rtp/extension-values.ts'
import { assignPayloadTypes, negotiateCodecs } from '../../../src/sdp/index.ts'

const kinds = ['audio', 'video'] as const

describe('the codecs that are implemented', () => {
  it('have payload types that do not collide, and leave room for retransmissions', () => {
    const all = kinds.flatMap(localCodecs)
    assert.equal(new Set(all.map(({ payloadType }) => payloadType)).size, all.length)
    assert.deepEqual(assignPayloadTypes(all, []), all)
    for (const { payloadType } of localCodecs('video')) {
      assert.ok(!all.some(each => each.payloadType === payloadType + 1), `${payloadType}`)
    }
  })

  it('match themselves, and no other', () => {
    for (const kind of kinds) {
      const codecs = capabilities(kind)?.codecs ?? []
      for (const [index, codec] of codecs.entries()) {
        assert.equal(
          codecs.findIndex(each => codecsMatch(each, codec)),
          index,
          codec.mimeType,
        )
        assert.equal(
          codecs.findIndex(each => codecsMatch(codec, each, true)),
          index,
          codec.mimeType,
        )
      }
      assert.equal(negotiateCodecs(localCodecs(kind), localCodecs(kind)).length, localCodecs(kind).length)
    }
  })

  it('ask for the feedback that repairs them', () => {
    for (const codec of localCodecs('video')) {
      const feedback = codec.feedback.map(({ type, parameter }) =>
        parameter === undefined ? type : `${type} ${parameter}`,
      )
      assert.deepEqual(feedback, ['goog-remb', 'transport-cc', 'ccm fir', 'nack', 'nack pli'])
    }
  })

  it('are the same after the way to the W3C and back, but for the feedback', () => {
    for (const kind of kinds) {
      for (const codec of localCodecs(kind)) {
        const { feedback: _, ...rest } = toSdpCodec(toCodecParameters(kind, codec))
        const { feedback: __, ...own } = kind === 'audio' ? { ...codec, channels: codec.channels ?? 1 } : codec
        assert.deepEqual(rest, own)
        assert.equal('payloadType' in toRtpCodec(kind, codec), false)
      }
    }
  })
})

describe('the header extensions that are implemented', () => {
  it('are those of their kind, each once', () => {
    for (const kind of kinds) {
      const uris = headerExtensionCapabilities(kind).map(({ uri }) => uri)
      assert.equal(new Set(uris).size, uris.length)
      assert.equal(uris.includes(ExtensionUri.audioLevel), kind === 'audio')
      assert.equal(uris.includes(ExtensionUri.rtpStreamId), kind === 'video')
      assert.ok(uris.includes(ExtensionUri.mid))
    }
  })
})

describe('the codec dictionary match', () => {
  const av1 = (sdpFmtpLine: string) => ({ mimeType: 'video/AV1', clockRate: 90_000, sdpFmtpLine })
  const h264 = (sdpFmtpLine: string) => ({ mimeType: 'video/H264', clockRate: 90_000, sdpFmtpLine })

  it('lets parameters of one side differ if it is told to', () => {
    const [low, high] = [av1('level-idx=5;profile=0;tier=0'), av1('level-idx=9;profile=0;tier=1')]
    assert.deepEqual([codecsMatch(low, high), codecsMatch(low, high, true)], [false, true])
    const [mode0, mode1] = [h264('packetization-mode=0'), h264('packetization-mode=1')]
    assert.equal(codecsMatch(mode0, mode1, true), false)
  })

  it('knows parameters in any order, but compares what is no list of them as text', () => {
    assert.equal(codecsMatch(av1('a=1;b=2'), av1('b=2; a=1')), true)
    const event = (sdpFmtpLine: string) => ({
      mimeType: 'audio/telephone-event',
      clockRate: 8_000,
      channels: 1,
      sdpFmtpLine,
    })
    assert.deepEqual(
      [codecsMatch(event('0-15'), event('0-15')), codecsMatch(event('0-15'), event('0-16'), true)],
      [true, false],
    )
  })

  it('knows what is media and what only helps it', () => {
    const media = ['video/VP8', 'audio/telephone-event'].map(mimeType => isMediaCodec({ mimeType, clockRate: 1 }))
    const helpers = ['video/rtx', 'audio/red', 'video/ulpfec', 'video/flexfec-03', 'audio/CN'].map(mimeType =>
      isMediaCodec({ mimeType, clockRate: 1 }),
    )
    assert.deepEqual(
      [media, helpers],
      [
        [true, true],
        [false, false, false, false, false],
      ],
    )
  })
})
