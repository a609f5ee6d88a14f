import assert from 'node:assert/strict'

import { RtpError } from '../../src/rtp/errors.ts'
import * as values from '../../src/rtp/extension-values.ts'
import {
  buildExtension,
  extensionElements,
  findExtension,
  HeaderExtensionMap,
  locateExtension,
  renameExtension,
  rewriteExtension,
} from '../../src/rtp/header-extensions.ts'
import { ntpFromWallTime } from '../../src/rtp/ntp.ts'
import { parseRtp, serializeRtp } from '../../src/rtp/packet.ts'
import { ascii, bytes, hex, rtp, withElements } from './support/packets.ts'

const code = (expected: string) => (error: unknown) => error instanceof RtpError && error.code === expected

function elements(profile: number, data: string): readonly (readonly [number, string])[] {
  return extensionElements({ profile, data: bytes(data) }).map(({ id, data }) => [id, hex(data)] as const)
}

describe('the elements of a header extension', () => {
  it('are read in the one-byte form of the figure of RFC 8285 §4.2, with padding between them', () => {
    assert.deepEqual(elements(0xbede, '10aa 21bbcc 0000 33deadbeef'), [
      [1, 'aa'],
      [2, 'bbcc'],
      [3, 'deadbeef'],
    ])
  })

  it('are read in the two-byte form of the figure of RFC 8285 §4.3, whatever the appbits', () => {
    for (const profile of [0x1000, 0x100f]) {
      assert.deepEqual(elements(profile, '0100 0201aa 00 0304deadbeef'), [
        [1, ''],
        [2, 'aa'],
        [3, 'deadbeef'],
      ])
    }
  })

  it('end at id 15 and at id 0 with a length; what came before counts', () => {
    assert.deepEqual(elements(0xbede, '10aa f0bb 20cc 0000'), [[1, 'aa']])
    assert.deepEqual(elements(0xbede, '10aa 03bb 20cc 0000'), [[1, 'aa']])
  })

  it('end where one says that it is longer than the extension', () => {
    assert.deepEqual(elements(0xbede, '10aa 2fbb'), [[1, 'aa']])
    assert.deepEqual(elements(0x1000, '0101aa 02ff00 0000'), [[1, 'aa']])
    assert.deepEqual(elements(0x1000, '0101aa 02'), [[1, 'aa']])
  })

  it('are none in a profile of another kind', () => {
    assert.deepEqual(elements(0x1234, '10aa0000'), [])
    assert.equal(findExtension({ profile: 0x1234, data: bytes('10aa0000') }, 1), undefined)
    assert.equal(findExtension(undefined, 1), undefined)
  })

  it('are built in the one-byte form where all fit it, padded to words', () => {
    const extension = buildExtension([
      { id: 14, data: new Uint8Array(16).fill(7) },
      { id: 1, data: bytes('aa') },
    ])
    assert.equal(extension?.profile, 0xbede)
    assert.equal(hex(extension?.data ?? new Uint8Array(0)), `ef${'07'.repeat(16)}10aa00`)
  })

  for (const [what, element] of [
    ['an id of 15', { id: 15, data: bytes('aa') }],
    ['an empty value', { id: 1, data: bytes('') }],
    ['a value of 17 bytes', { id: 1, data: new Uint8Array(17) }],
  ] as const) {
    it(`are built in the two-byte form for ${what}`, () => {
      const extension = buildExtension([element, { id: 2, data: bytes('bb') }])
      assert.equal(extension?.profile, 0x1000)
      assert.deepEqual(extensionElements(extension), [element, { id: 2, data: bytes('bb') }])
    })
  }

  it('make no extension if there are none', () => assert.equal(buildExtension([]), undefined))

  it('are refused where they fit no form', () => {
    assert.throws(() => buildExtension([{ id: 0, data: bytes('aa') }]), code('bad-extension-id'))
    assert.throws(() => buildExtension([{ id: 256, data: bytes('aa') }]), code('bad-extension-id'))
    assert.throws(() => buildExtension([{ id: 1, data: new Uint8Array(256) }]), code('bad-extension-value'))
  })
})

describe('rewriting a header extension in place', () => {
  for (const filler of [1, 20]) {
    it(`changes the value and nothing else, beside a value of ${filler} bytes`, () => {
      const packet = serializeRtp(
        withElements(
          [
            { id: 3, data: new Uint8Array(filler).fill(9) },
            { id: 5, data: bytes('000000') },
          ],
          { csrcs: [1, 2] },
        ),
      )
      const before = packet.slice()
      const at = locateExtension(packet, 5, 3)
      assert.ok(rewriteExtension(packet, 5, bytes('a1b2c3')))
      const changed = [...packet.keys()].filter(i => packet[i] !== before[i])
      assert.deepEqual(changed, [at, at + 1, at + 2])
      const parsed = parseRtp(packet)
      assert.ok(!('drop' in parsed))
      assert.equal(hex(findExtension(parsed.extension, 5) ?? bytes('')), 'a1b2c3')
    })
  }

  it('is refused for another length, an absent id, no extension and no packet', () => {
    const packet = serializeRtp(withElements([{ id: 5, data: bytes('000000') }]))
    assert.equal(rewriteExtension(packet, 5, bytes('0102')), false)
    assert.equal(rewriteExtension(packet, 6, bytes('010203')), false)
    assert.equal(rewriteExtension(serializeRtp(rtp()), 5, bytes('010203')), false)
    assert.equal(rewriteExtension(bytes('00'), 5, bytes('010203')), false)
  })

  it('gives an element another id, if the form has room for it', () => {
    const short = serializeRtp(withElements([{ id: 4, data: ascii('hi') }]))
    assert.ok(renameExtension(short, 4, 9))
    assert.equal(locateExtension(short, 9, 2), 17)
    assert.equal(renameExtension(short, 9, 200), false)
    assert.equal(renameExtension(short, 4, 1), false)
    const long = serializeRtp(withElements([{ id: 40, data: ascii('hi') }]))
    assert.ok(renameExtension(long, 40, 200))
    assert.equal(locateExtension(long, 200, 2), 18)
  })
})

describe('the map of header extensions', () => {
  it('knows both ways', () => {
    const map = new HeaderExtensionMap([
      [1, values.ExtensionUri.mid],
      [255, values.ExtensionUri.absSendTime],
    ])
    assert.equal(map.idOf(values.ExtensionUri.mid), 1)
    assert.equal(map.uriOf(255), values.ExtensionUri.absSendTime)
    assert.equal(map.idOf('urn:other'), undefined)
    assert.equal(map.size, 2)
  })

  it('refuses ids outside 1 to 255 and ids for two extensions', () => {
    assert.throws(() => new HeaderExtensionMap([[0, 'urn:a']]), code('bad-extension-id'))
    assert.throws(() => new HeaderExtensionMap([[256, 'urn:a']]), code('bad-extension-id'))
    assert.throws(
      () =>
        new HeaderExtensionMap([
          [1, 'urn:a'],
          [1, 'urn:b'],
        ]),
      code('bad-extension-id'),
    )
  })
})

describe('the values of header extensions', () => {
  it('identifiers are text of the allowed characters', () => {
    assert.equal(values.readMid(ascii('audio-1')), 'audio-1')
    assert.equal(values.readMid(ascii('a b')), undefined)
    assert.equal(values.readMid(ascii('')), undefined)
    assert.equal(values.readRtpStreamId(ascii('hi2')), 'hi2')
    for (const bad of ['', 'hi 2', 'hi.2', 'é']) assert.equal(values.readRtpStreamId(ascii(bad)), undefined, bad)
    assert.equal(hex(values.writeIdentifier('0')), '30')
    assert.throws(() => values.writeIdentifier('ä'), code('bad-extension-value'))
  })

  it('stream ids may have what a=rid may have', () => {
    assert.equal(values.readRtpStreamId(values.writeIdentifier('hi-2_x')), 'hi-2_x')
  })

  it('abs-send-time is 6.18 fixed-point seconds that wrap after 64', () => {
    const at = (seconds: number): number => values.absSendTimeFromNtp(ntpFromWallTime(seconds * 1_000))
    assert.equal((at(1.5) - at(0)) & 0xff_ffff, 1.5 * 2 ** 18)
    assert.equal(at(64), at(0))
    assert.equal(values.readAbsSendTime(values.writeAbsSendTime(0xabcdef)), 0xabcdef)
    assert.equal(values.readAbsSendTime(bytes('0102')), undefined)
  })

  it('a transport-wide sequence number may ask for feedback', () => {
    assert.deepEqual(values.readTransportSequence(bytes('fffe')), {
      sequenceNumber: 0xfffe,
      feedbackRequest: undefined,
    })
    assert.deepEqual(values.readTransportSequence(bytes('0001 8005')), {
      sequenceNumber: 1,
      feedbackRequest: { packets: 5, withTiming: true },
    })
    assert.deepEqual(values.readTransportSequence(bytes('0001 8000')), {
      sequenceNumber: 1,
      feedbackRequest: undefined,
    })
    assert.equal(values.readTransportSequence(bytes('000102')), undefined)
    const request = { sequenceNumber: 7, feedbackRequest: { packets: 0x7fff, withTiming: false } }
    assert.equal(hex(values.writeTransportSequence(request)), '00077fff')
  })

  it('audio levels are -dBov, with or without voice', () => {
    assert.deepEqual(values.readAudioLevel(bytes('ff')), { level: 127, voiceActivity: true })
    assert.equal(hex(values.writeAudioLevel({ level: 10, voiceActivity: false })), '0a')
    assert.throws(() => values.writeAudioLevel({ level: 128, voiceActivity: false }), code('bad-extension-value'))
    assert.equal(values.readAudioLevel(bytes('')), undefined)
    assert.deepEqual(values.readMixerAudioLevels(bytes('00ff7f')), [0, 127, 127])
    assert.equal(values.readMixerAudioLevels(new Uint8Array(16)), undefined)
    assert.throws(() => values.writeMixerAudioLevels(new Array(16).fill(0)), code('bad-extension-value'))
  })

  it('abs-capture-time has a signed clock offset or none', () => {
    const short = { captureTime: 0xe000_0000_8000_0000n, clockOffset: undefined }
    const long = { captureTime: 1n, clockOffset: -(1n << 31n) }
    assert.equal(hex(values.writeAbsCaptureTime(long)), '0000000000000001ffffffff80000000')
    for (const value of [short, long]) {
      assert.deepEqual(values.readAbsCaptureTime(values.writeAbsCaptureTime(value)), value)
    }
    assert.equal(values.readAbsCaptureTime(new Uint8Array(9)), undefined)
  })

  it('playout delays are limits in tens of milliseconds', () => {
    assert.equal(hex(values.writePlayoutDelay({ min: 100, max: 40_950 })), '00afff')
    assert.deepEqual(values.readPlayoutDelay(bytes('00afff')), { min: 100, max: 40_950 })
    assert.equal(values.readPlayoutDelay(bytes('00b00a')), undefined, 'the minimum above the maximum')
    assert.throws(() => values.writePlayoutDelay({ min: 0, max: 40_960 }), code('bad-extension-value'))
  })

  it('video orientation is camera, flip and rotation', () => {
    for (let byte = 0; byte < 16; byte++) {
      const orientation = values.readVideoOrientation(Uint8Array.of(byte))
      assert.ok(orientation)
      assert.deepEqual([...values.writeVideoOrientation(orientation)], [byte])
    }
    assert.deepEqual(values.readVideoOrientation(bytes('0d')), { camera: 'back', flip: true, rotation: 90 })
  })

  it('a transmission offset is signed', () => {
    for (const offset of [0, 1, -1, 0x7f_ffff, -0x80_0000]) {
      assert.equal(values.readTransmissionOffset(values.writeTransmissionOffset(offset)), offset)
    }
    assert.equal(hex(values.writeTransmissionOffset(-2)), 'fffffe')
    assert.throws(() => values.writeTransmissionOffset(0x80_0000), code('bad-extension-value'))
  })
})
