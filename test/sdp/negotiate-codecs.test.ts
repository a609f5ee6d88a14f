import assert from 'node:assert/strict'
import {
  assignPayloadTypes,
  conflictingPayloadTypes,
  type NegotiatedCodec,
  negotiateCodecs,
  type SdpCodec,
  type SdpRtpMedia,
  unofferedFeedback,
} from '../../src/sdp/index.ts'
import { capturedNames, capturedRtp, rtpOf, videoWith } from './captured.ts'

/** What this side would have: other payload types than the browsers, and another order. */
const localVideo = [
  codec(96, 'H264', 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f', ['nack', 'nack pli']),
  codec(97, 'rtx', 'apt=96'),
  codec(98, 'VP8', undefined, ['nack', 'nack pli', 'transport-cc', 'x-own']),
  codec(99, 'rtx', 'apt=98;rtx-time=1000'),
  codec(100, 'red'),
  codec(101, 'ulpfec'),
]

const localAudio = [
  codec(0, 'PCMU', undefined, [], 8000),
  { ...codec(120, 'opus', 'minptime=10;useinbandfec=1', ['transport-cc'], 48_000), channels: 2 },
  { ...codec(121, 'red', '120/120', [], 48_000), channels: 2 },
  codec(122, 'telephone-event', '0-15', [], 8000),
]

describe('negotiateCodecs', () => {
  it('answers the video of Chromium in its order and with its payload types', () => {
    const negotiated = negotiateCodecs(capturedRtp('chromium-tracks', 1).codecs, localVideo)
    assert.deepEqual(
      negotiated.map(({ role, remote, local, answer, rtx }) => [
        role,
        remote.payloadType,
        local.payloadType,
        answer.payloadType,
        rtx,
      ]),
      [
        ['media', 96, 98, 96, 97],
        ['rtx', 97, 99, 97, undefined],
        ['media', 108, 96, 108, 109],
        ['rtx', 109, 97, 109, undefined],
        ['red', 118, 100, 118, undefined],
        ['fec', 120, 101, 120, undefined],
      ],
    )
    assert.deepEqual(negotiated[0]?.answer, {
      payloadType: 96,
      name: 'VP8',
      clockRate: 90_000,
      feedback: [{ type: 'transport-cc' }, { type: 'nack' }, { type: 'nack', parameter: 'pli' }],
    })
    assert.equal(negotiated[1]?.answer.fmtp, 'apt=96;rtx-time=1000')
    assert.equal(negotiated[2]?.answer.fmtp, 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f')
  })

  // RFC 8829 §5.3.1
  it('answers in the order of this side if that is what counts, each codec with its retransmissions', () => {
    const negotiated = negotiateCodecs(capturedRtp('chromium-tracks', 1).codecs, localVideo, 'local')
    assert.deepEqual(payloadTypes(negotiated), [108, 109, 96, 97, 118, 120])
  })

  it('answers the audio of Chromium with red only if it has what that carries', () => {
    const offered = capturedRtp('chromium-tracks', 0).codecs
    assert.deepEqual(payloadTypes(negotiateCodecs(offered, localAudio)), [111, 63, 0, 126])
    assert.equal(negotiateCodecs(offered, localAudio)[1]?.answer.fmtp, '111/111')
    const withoutOpus = localAudio.filter(({ name }) => name !== 'opus')
    assert.deepEqual(payloadTypes(negotiateCodecs(offered, withoutOpus)), [0, 126])
  })

  it('has nothing if no media codec is in common', () => {
    const offered = capturedRtp('chromium-tracks', 0).codecs
    assert.deepEqual(negotiateCodecs(offered, localAudio.slice(3)), [])
    assert.deepEqual(negotiateCodecs(offered, []), [])
    assert.deepEqual(negotiateCodecs([], localAudio), [])
  })

  it('leaves out retransmissions of what is left out, or that this side has not', () => {
    const offered = capturedRtp('firefox-tracks', 1).codecs
    const own = localVideo.filter(({ payloadType }) => payloadType === 98)
    assert.deepEqual(payloadTypes(negotiateCodecs(offered, own)), [120])
    const broken = [codec(96, 'VP8'), codec(97, 'rtx'), codec(98, 'rtx', 'apt=50'), codec(99, 'rtx', 'apt=x')]
    assert.deepEqual(payloadTypes(negotiateCodecs(broken, localVideo)), [96])
  })

  it('pairs the answer to an offer of this side whatever payload types it uses', () => {
    const answer = [codec(40, 'VP8', undefined, ['nack']), codec(41, 'rtx', 'apt=40')]
    const [vp8] = negotiateCodecs(answer, localVideo)
    assert.deepEqual([vp8?.remote.payloadType, vp8?.local.payloadType, vp8?.rtx], [40, 98, 41])
  })

  it('pairs every captured description with itself', () => {
    for (const name of capturedNames) {
      const { codecs } = capturedRtp(name)
      const negotiated = negotiateCodecs(codecs, codecs)
      assert.deepEqual(
        negotiated.map(({ answer }) => answer),
        codecs,
        name,
      )
      assert.ok(
        negotiated.every(({ remote, local }) => remote === local),
        name,
      )
    }
  })

  // RFC 6184 §8.2.2
  describe('for H.264', () => {
    const answered = (theirs: string, ours: string): string | undefined =>
      negotiateCodecs([codec(96, 'H264', theirs)], [codec(97, 'H264', ours)])[0]?.answer.fmtp

    it('lowers the level to that of the offer', () => {
      assert.equal(answered('profile-level-id=42e00d', 'profile-level-id=42e01f'), 'profile-level-id=42e00d')
      assert.equal(answered('profile-level-id=42f00b', 'x=y;profile-level-id=42e00b'), 'x=y;profile-level-id=42f00b')
      assert.equal(answered('profile-level-id=42e00a', 'profile-level-id=42f00b'), 'profile-level-id=42e00a')
      assert.equal(answered('x=y', 'profile-level-id=42001f;z=1'), 'profile-level-id=42000a;z=1')
    })

    it('keeps the level if it is lower than that of the offer, or if both allow asymmetry', () => {
      assert.equal(answered('profile-level-id=42e01f', 'profile-level-id=42c00d'), 'profile-level-id=42c00d')
      const asymmetric = 'profile-level-id=42e01f;level-asymmetry-allowed=1'
      assert.equal(answered('profile-level-id=42e00d;level-asymmetry-allowed=1', asymmetric), asymmetric)
      const lowered = 'profile-level-id=42e00d;level-asymmetry-allowed=1'
      assert.equal(answered('profile-level-id=42e00d', asymmetric), lowered)
    })

    it('has nothing in common with another profile or packetization mode', () => {
      assert.equal(answered('profile-level-id=42e01f', 'profile-level-id=64001f'), undefined)
      assert.equal(answered('profile-level-id=42e01f;packetization-mode=1', 'profile-level-id=42e01f'), undefined)
    })
  })
})

describe('unofferedFeedback', () => {
  // RFC 8829 §5.11
  it('finds feedback that the offer has in no codec', () => {
    const offer = rtpOf(videoWith('a=rtpmap:96 VP8/90000', 'a=rtpmap:97 VP9/90000', 'a=rtcp-fb:97 NACK pli'))
    const answer = rtpOf(videoWith('a=rtpmap:96 VP8/90000', 'a=rtcp-fb:96 nack PLI', 'a=rtcp-fb:96 nack'))
    assert.deepEqual(unofferedFeedback(offer, answer), [{ type: 'nack' }])
    assert.deepEqual(unofferedFeedback(offer, offer), [])
  })
})

describe('assignPayloadTypes', () => {
  const assigned = (codecs: readonly SdpCodec[], taken: readonly SdpCodec[]): (string | number)[][] =>
    assignPayloadTypes(codecs, taken).map(({ payloadType, name, fmtp = '' }) => [payloadType, name, fmtp])

  it('keeps payload types that are free', () => {
    assert.deepEqual(assignPayloadTypes(localVideo, []), localVideo)
    assert.deepEqual(assignPayloadTypes(localVideo, localVideo), localVideo)
  })

  // RFC 9143 §9.1.1
  it('moves what is taken by another codec, and what refers to it', () => {
    const taken = [codec(96, 'opus', undefined, [], 48_000), codec(99, 'x')]
    assert.deepEqual(assigned(localVideo.slice(0, 4), taken), [
      [100, 'H264', 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f'],
      [97, 'rtx', 'apt=100'],
      [98, 'VP8', ''],
      [101, 'rtx', 'apt=98;rtx-time=1000'],
    ])
  })

  it('gives a codec that is known the payload type that it has', () => {
    const taken = capturedRtp('firefox-tracks', 1).codecs
    assert.deepEqual(assigned(localVideo.slice(2, 4), taken), [
      [120, 'VP8', ''],
      [124, 'rtx', 'apt=120;rtx-time=1000'],
    ])
  })

  it('gives no payload type twice, even to codecs that are the same', () => {
    assert.deepEqual(assigned([codec(96, 'VP8'), codec(97, 'VP8')], [codec(120, 'VP8')]), [
      [120, 'VP8', ''],
      [97, 'VP8', ''],
    ])
  })

  it('moves red with what it carries, and retransmissions with red', () => {
    const codecs = [codec(97, 'rtx', 'apt=63'), codec(63, 'red', '111/111'), codec(111, 'opus')]
    assert.deepEqual(assigned(codecs, [codec(111, 'x'), codec(63, 'y')]), [
      [97, 'rtx', 'apt=98'],
      [98, 'red', '96/96'],
      [96, 'opus', ''],
    ])
  })

  it('leaves out codecs that nothing is left for, and what refers to them', () => {
    const taken = Array.from({ length: 128 }, (_, payloadType) => codec(payloadType, `x${payloadType}`))
    assert.deepEqual(assigned([codec(96, 'VP8'), codec(97, 'rtx', 'apt=96'), codec(98, 'x40')], taken), [
      [40, 'x40', ''],
    ])
    const almost = taken.filter(({ payloadType }) => payloadType !== 35)
    assert.deepEqual(assigned([codec(96, 'VP8'), codec(97, 'rtx', 'apt=96')], almost), [[35, 'VP8', '']])
  })
})

describe('conflictingPayloadTypes', () => {
  it('finds none in the bundles of the captured descriptions', () => {
    for (const name of ['chromium-tracks', 'firefox-tracks', 'wrtc-plain', 'rfc8829-7.1-offer-A1']) {
      assert.deepEqual(conflictingPayloadTypes([capturedRtp(name, 0), capturedRtp(name, 1)]), [], name)
    }
  })

  it('finds payload types of two codecs, or of two configurations', () => {
    const first = withCodecs(codec(96, 'VP8'), codec(97, 'rtx', 'apt=96'), codec(98, 'VP9', 'profile-id=0'))
    const second = withCodecs(codec(96, 'vp8'), codec(97, 'rtx', 'apt=98'), codec(98, 'VP9', 'profile-id=2'))
    assert.deepEqual(conflictingPayloadTypes([first, second]), [97, 98])
    assert.deepEqual(conflictingPayloadTypes([first, first]), [])
  })
})

function codec(
  payloadType: number,
  name: string,
  fmtp?: string,
  feedback: readonly string[] = [],
  clockRate = 90_000,
): SdpCodec {
  return {
    payloadType,
    name,
    clockRate,
    ...(fmtp === undefined ? {} : { fmtp }),
    feedback: feedback.map(each => {
      const [type = '', parameter] = each.split(' ')
      return parameter === undefined ? { type } : { type, parameter }
    }),
  }
}

function payloadTypes(negotiated: readonly NegotiatedCodec[]): number[] {
  return negotiated.map(({ answer }) => answer.payloadType)
}

function withCodecs(...codecs: readonly SdpCodec[]): SdpRtpMedia {
  return { ...rtpOf(videoWith()), codecs }
}
