import assert from 'node:assert/strict'
import { RTCDTMFToneChangeEvent, RTCTrackEvent } from '../../../src/pc/rtp/events.ts'
import { toEncodingParameters, transceiverInit } from '../../../src/pc/rtp/parameters.ts'
import { RTCRtpReceiver } from '../../../src/pc/rtp/rtc-rtp-receiver.ts'
import { RTCRtpSender } from '../../../src/pc/rtp/rtc-rtp-sender.ts'
import { type Prng, prng } from '../../support/prng.ts'
import { connected, FakeHost, transceiverOf } from './fakes.ts'

const seed = 5_2026
const rounds = 4_000

const names = [
  'mimeType',
  'clockRate',
  'channels',
  'sdpFmtpLine',
  'payloadType',
  'rid',
  'active',
  'codec',
  'maxBitrate',
  'maxFramerate',
  'scaleResolutionDownBy',
  'priority',
  'transactionId',
  'encodings',
  'headerExtensions',
  'codecs',
  'rtcp',
  'cname',
  'uri',
  'id',
  'direction',
  'keyFrame',
  'encodingOptions',
  'receiver',
  'track',
  'transceiver',
  'streams',
  'tone',
  'sendEncodings',
]

/** Any value that a program could hand over by mistake. */
function anything(random: Prng, depth = 3): unknown {
  const pick = <T>(values: readonly T[]): T => values[random.next() % values.length] as T
  switch (random.next() % (depth > 0 ? 8 : 6)) {
    case 0:
      return pick([
        undefined,
        null,
        true,
        false,
        Number.NaN,
        Number.POSITIVE_INFINITY,
        -0,
        -1,
        2 ** 32,
        2 ** 53,
        10n,
        Symbol('x'),
      ])
    case 1:
      return random.next() * pick([1, -1, 0.5])
    case 2:
      return pick([
        '',
        'audio',
        'video',
        'sendrecv',
        'stopped',
        'video/VP8',
        'video/rtx',
        '1,A#',
        'high',
        'a',
        '\ud800',
        '9'.repeat(100),
      ])
    case 3:
      return pick<unknown>([() => 1, class {}, new Date(0), /x/, new Uint8Array(3), new Map(), Object.create(null)])
    case 4:
      return pick<unknown>([
        { toString: () => 'video' },
        { valueOf: () => 3 },
        { [Symbol.iterator]: 1 },
        { [Symbol.toPrimitive]: () => ({}) },
      ])
    case 5:
      return pick([96, 48_000, 90_000, 1, 2, 0])
    case 6:
      return Array.from({ length: random.next() % 4 }, () => anything(random, depth - 1))
    default:
      return Object.fromEntries(
        Array.from({ length: random.next() % 8 }, () => [pick(names), anything(random, depth - 1)]),
      )
  }
}

const expected = (error: unknown): boolean =>
  error instanceof TypeError || error instanceof RangeError || error instanceof DOMException

/** Calls with anything; what goes wrong has to be what WebIDL or the standard throws. */
async function survives(what: string, call: (random: Prng) => unknown): Promise<void> {
  const random = prng(seed)
  for (let round = 0; round < rounds; round++) {
    try {
      await call(random)
    } catch (error) {
      assert.ok(expected(error), `${what}, seed ${seed}, round ${round}: ${error}`)
    }
  }
}

/** Node's own name for an exception of the engine that came from a value, and not from a check. */
const methods: [string, (random: Prng) => unknown][] = [
  ['RTCRtpSender.getCapabilities', random => RTCRtpSender.getCapabilities(anything(random) as never)],
  ['RTCRtpReceiver.getCapabilities', random => RTCRtpReceiver.getCapabilities(anything(random) as never)],
  ['RTCTrackEvent', random => new RTCTrackEvent(anything(random) as never, anything(random) as never)],
  [
    'RTCDTMFToneChangeEvent',
    random => new RTCDTMFToneChangeEvent(anything(random) as never, anything(random) as never),
  ],
  ['RTCRtpEncodingParameters', random => toEncodingParameters(anything(random), 'fuzz')],
  ['RTCRtpTransceiverInit', random => transceiverInit(value => value as never)(anything(random), 'fuzz')],
]

describe('arguments of any kind', () => {
  for (const [what, call] of methods) it(`end in a value or a typed exception: ${what}`, () => survives(what, call))

  it('end in a value or a typed exception: RTCRtpTransceiver', async () => {
    const { object } = transceiverOf(new FakeHost(), 'video')
    await survives('direction', random => (object.direction = anything(random) as never))
    await survives('setCodecPreferences', random => object.setCodecPreferences(anything(random) as never))
    await survives('setHeaderExtensionsToNegotiate', random =>
      object.setHeaderExtensionsToNegotiate(anything(random) as never),
    )
    assert.ok(['sendrecv', 'sendonly', 'recvonly', 'inactive'].includes(object.direction))
    assert.equal(object.getHeaderExtensionsToNegotiate().length, 9)
  })

  it('end in a value or a typed rejection: RTCRtpSender', async () => {
    const { host, transceiver } = connected('video', { encodings: [{ rid: 'a' }, { rid: 'b' }] })
    const { object } = transceiver.sender
    await survives('setParameters', random => {
      const parameters = object.getParameters() as unknown as Record<string, unknown>
      const part = ['encodings', 'codecs', 'rtcp', 'headerExtensions', 'transactionId'][random.next() % 8]
      if (part !== undefined) parameters[part] = anything(random)
      const encoding = object.getParameters().encodings[0] as unknown as Record<string, unknown>
      if (part === undefined) {
        encoding[names[random.next() % names.length] as string] = anything(random)
        parameters.encodings = [encoding, object.getParameters().encodings[1]]
      }
      const done = object.setParameters(
        parameters as never,
        random.next() % 4 === 0 ? (anything(random) as never) : undefined,
      )
      host.runTasks()
      return Promise.race([done, Promise.resolve()])
    })
    await survives('setStreams', random => object.setStreams(anything(random) as never))
    await survives('replaceTrack', random => {
      const done = object.replaceTrack(anything(random) as never)
      done.catch(() => undefined)
      host.runTasks()
      return Promise.race([done, Promise.resolve()])
    })
    assert.deepEqual(
      transceiver.sender.encodings.map(({ parameters }) => parameters.rid),
      ['a', 'b'],
    )
    assert.deepEqual([transceiver.sender.streamIds, object.track], [[], null])
  })

  it('end in a value or a typed exception: RTCRtpReceiver', async () => {
    const { object } = connected('audio').transceiver.receiver
    await survives('jitterBufferTarget', random => (object.jitterBufferTarget = anything(random) as never))
    assert.ok((object.jitterBufferTarget ?? 0) >= 0 && (object.jitterBufferTarget ?? 0) <= 4_000)
  })

  it('end in a value or a typed exception: RTCDTMFSender', async () => {
    const { host, transceiver } = connected('audio')
    const { dtmf } = transceiver.sender.object
    await survives('insertDTMF', random => {
      if (random.next() % 16 === 0) host.advance(random.next() % 300)
      return dtmf?.insertDTMF(anything(random) as never, anything(random) as never, anything(random) as never)
    })
    await survives('ontonechange', random => {
      if (dtmf !== null) dtmf.ontonechange = anything(random) as never
    })
  })
})
