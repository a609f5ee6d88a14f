import assert from 'node:assert/strict'
import {
  codecParameters,
  codecRole,
  formatH264ProfileLevelId,
  formatParameters,
  type H264Profile,
  parseH264ProfileLevelId,
  type SdpCodec,
  sameCodec,
  sameFormat,
} from '../../src/sdp/index.ts'
import { capturedRtp } from './captured.ts'

function codec(name: string, fmtp?: string, clockRate = 90_000): SdpCodec {
  return { payloadType: 96, name, clockRate, feedback: [], ...(fmtp === undefined ? {} : { fmtp }) }
}

describe('codecParameters', () => {
  it('reads Opus, with the defaults of RFC 7587 §6.1', () => {
    const usual = {
      codec: 'opus',
      maxPlaybackRate: 48_000,
      spropMaxCaptureRate: 48_000,
      stereo: false,
      spropStereo: false,
      cbr: false,
      useInbandFec: false,
      useDtx: false,
    }
    assert.deepEqual(codecParameters(codec('OPUS')), usual)
    assert.deepEqual(codecParameters(codec('opus', 'maxplaybackrate=x;stereo=2;; ;=;usedtx')), usual)
    const all = 'minptime=10; maxaveragebitrate=96000;MaxPlaybackRate=16000;sprop-maxcapturerate=8000'
    assert.deepEqual(codecParameters(codec('opus', `${all};stereo=1;sprop-stereo=1;cbr=1;useinbandfec=1; usedtx=1`)), {
      codec: 'opus',
      maxPlaybackRate: 16_000,
      spropMaxCaptureRate: 8000,
      maxAverageBitrate: 96_000,
      stereo: true,
      spropStereo: true,
      cbr: true,
      useInbandFec: true,
      useDtx: true,
      minPtime: 10,
    })
  })

  it('reads H.264, with the defaults of RFC 6184 §8.1', () => {
    assert.deepEqual(codecParameters(codec('H264')), {
      codec: 'h264',
      profileLevel: { profile: 'baseline', level: 10 },
      packetizationMode: 0,
      levelAsymmetryAllowed: false,
    })
    const fmtp = 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f;sprop-parameter-sets=Z0I=,aM4='
    assert.deepEqual(codecParameters(codec('h264', fmtp)), {
      codec: 'h264',
      profileLevel: { profile: 'constrained-baseline', level: 31 },
      packetizationMode: 1,
      levelAsymmetryAllowed: true,
      spropParameterSets: 'Z0I=,aM4=',
    })
  })

  it('reads VP8, VP9 and AV1', () => {
    assert.deepEqual(codecParameters(codec('VP8', 'max-fs=12288;max-fr=60')), {
      codec: 'vp8',
      maxFrameSize: 12_288,
      maxFrameRate: 60,
    })
    assert.deepEqual(codecParameters(codec('VP9')), { codec: 'vp9', profileId: 0 })
    assert.deepEqual(codecParameters(codec('VP9', 'profile-id=2')), { codec: 'vp9', profileId: 2 })
    assert.deepEqual(codecParameters(codec('AV1')), { codec: 'av1', profile: 0, levelIdx: 5, tier: 0 })
    assert.deepEqual(codecParameters(codec('AV1', 'level-idx=8;profile=1;tier=1')), {
      codec: 'av1',
      profile: 1,
      levelIdx: 8,
      tier: 1,
    })
  })

  it('reads what rtx, red and telephone-event refer to', () => {
    assert.deepEqual(codecParameters(codec('rtx', 'apt=96;rtx-time=3000')), { codec: 'rtx', apt: 96, rtxTime: 3000 })
    assert.deepEqual(codecParameters(codec('rtx')), { codec: 'rtx', apt: undefined })
    assert.deepEqual(codecParameters(codec('red', '111/111')), { codec: 'red', payloadTypes: [111, 111] })
    assert.deepEqual(codecParameters(codec('red')), { codec: 'red', payloadTypes: [] })
    assert.deepEqual(codecParameters(codec('red', '111/x')), { codec: 'red', payloadTypes: [] })
    assert.deepEqual(codecParameters(codec('telephone-event')), { codec: 'telephone-event', events: [[0, 15]] })
    assert.deepEqual(codecParameters(codec('telephone-event', '0-11,66, 70-80,9-8,300')), {
      codec: 'telephone-event',
      events: [
        [0, 11],
        [66, 66],
        [70, 80],
      ],
    })
  })

  it('takes names such as __proto__ for names', () => {
    const parameters = formatParameters('__proto__=x;constructor;a=b=c;A=d; =e')
    assert.deepEqual(
      [...parameters],
      [
        ['__proto__', 'x'],
        ['constructor', ''],
        ['a', 'b=c'],
      ],
    )
    assert.equal(codecParameters(codec('__proto__', '__proto__=x')).codec, 'other')
  })
})

describe('H.264 profiles', () => {
  const known: readonly (readonly [string, H264Profile, number])[] = [
    ['42e01f', 'constrained-baseline', 31],
    ['42E01F', 'constrained-baseline', 31],
    ['42c02a', 'constrained-baseline', 42],
    ['42400a', 'constrained-baseline', 10],
    ['4d801f', 'constrained-baseline', 31],
    ['58c01f', 'constrained-baseline', 31],
    ['42001f', 'baseline', 31],
    ['42801f', 'baseline', 31],
    ['58801f', 'baseline', 31],
    ['4d001f', 'main', 31],
    ['4d401f', 'main', 31],
    ['58001f', 'extended', 31],
    ['640034', 'high', 52],
    ['640c1f', 'constrained-high', 31],
    ['6e001f', 'high-10', 31],
    ['7a001f', 'high-4:2:2', 31],
    ['f4001f', 'high-4:4:4', 31],
    ['6e101f', 'high-10-intra', 31],
    ['7a101f', 'high-4:2:2-intra', 31],
    ['f4101f', 'high-4:4:4-intra', 31],
    ['2c101f', 'cavlc-4:4:4-intra', 31],
    ['42f00b', 'constrained-baseline', 9],
    ['42e00b', 'constrained-baseline', 11],
    ['4d100b', 'main', 9],
    ['640009', 'high', 9],
  ]
  for (const [id, profile, level] of known) {
    it(`has ${profile} at ${level} as ${id}`, () => {
      const read = parseH264ProfileLevelId(id)
      assert.deepEqual(read, { profile, level })
      assert.deepEqual(parseH264ProfileLevelId(formatH264ProfileLevelId({ profile, level })), { profile, level })
    })
  }

  it('are none for what is not known or not hexadecimal', () => {
    for (const id of ['', '42e01', '42e01ff', '42e01g', '42e11f', '4d201f', '64001e1f', '640001', '000000', '65001f']) {
      assert.equal(parseH264ProfileLevelId(id), undefined, id)
    }
  })
})

describe('sameCodec', () => {
  const same: readonly (readonly [SdpCodec, SdpCodec])[] = [
    [codec('VP8'), codec('vp8', 'max-fs=1')],
    [codec('VP9'), codec('VP9', 'profile-id=0')],
    [codec('AV1', 'profile=0;level-idx=5'), codec('AV1', 'tier=1;level-idx=8')],
    [
      codec('H264', 'profile-level-id=42e01f;packetization-mode=1'),
      codec('H264', 'packetization-mode=1;profile-level-id=58c014'),
    ],
    [codec('H264'), codec('H264', 'profile-level-id=42001f')],
    [codec('H265'), codec('H265', 'profile-id=1;level-id=93')],
    [{ ...codec('G722', undefined, 8000), channels: 1 }, codec('G722', undefined, 8000)],
    [codec('opus', 'stereo=1', 48_000), codec('OPUS', 'useinbandfec=1', 48_000)],
  ]
  const different: readonly (readonly [SdpCodec, SdpCodec])[] = [
    [codec('VP8'), codec('VP9')],
    [codec('VP9', 'profile-id=2'), codec('VP9')],
    [codec('AV1', 'profile=1'), codec('AV1')],
    [codec('H264', 'profile-level-id=42e01f'), codec('H264', 'profile-level-id=42001f')],
    [codec('H264', 'profile-level-id=42e01f;packetization-mode=1'), codec('H264', 'profile-level-id=42e01f')],
    [codec('H264', 'profile-level-id=xyz'), codec('H264', 'profile-level-id=xyz')],
    [codec('H265', 'tx-mode=MRST'), codec('H265')],
    [codec('telephone-event', undefined, 8000), codec('telephone-event', undefined, 48_000)],
    [{ ...codec('opus', undefined, 48_000), channels: 2 }, codec('opus', undefined, 48_000)],
  ]
  const show = ({ name, clockRate, channels = 1, fmtp = '' }: SdpCodec): string =>
    `${name}/${clockRate}/${channels} ${fmtp}`
  for (const [a, b] of same) {
    it(`is true for ${show(a)} and ${show(b)}`, () => {
      assert.equal(sameCodec(a, b), true)
      assert.equal(sameCodec(b, a), true)
    })
  }
  for (const [a, b] of different) {
    it(`is false for ${show(a)} and ${show(b)}`, () => {
      assert.equal(sameCodec(a, b), false)
      assert.equal(sameCodec(b, a), false)
    })
  }

  it('tells the media codecs of Chromium apart, each from every other', () => {
    const media = capturedRtp('chromium-tracks', 1).codecs.filter(each => codecRole(each) === 'media')
    assert.equal(media.length, 10)
    for (const a of media) for (const b of media) assert.equal(sameCodec(a, b), a === b, `${show(a)}, ${show(b)}`)
  })
})

describe('sameFormat', () => {
  it('compares parameters in any order', () => {
    assert.equal(sameFormat('a=1;b=2', 'B=2; a=1;'), true)
    assert.equal(sameFormat(undefined, ''), true)
    assert.equal(sameFormat('a=1', 'a=2'), false)
    assert.equal(sameFormat('a=1', 'a=1;b=2'), false)
    assert.equal(sameFormat('a', undefined), false)
    assert.equal(sameFormat('111/111', '111/111'), true)
    assert.equal(sameFormat('0-15', '0-16'), false)
  })
})
