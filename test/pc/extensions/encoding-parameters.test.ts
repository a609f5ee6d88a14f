import assert from 'node:assert/strict'
import type { EncodingTarget } from '../../../src/pc/media/track-signal.ts'
import type { RTCRtpEncodingParameters } from '../../../src/pc/rtp/parameters.ts'
import type { RTCRtpSender } from '../../../src/pc/rtp/rtc-rtp-sender.ts'
import { agree, close, createMediaPair, settled } from '../negotiation/media-pair.ts'
import { localTrack } from '../rtp/fakes.ts'
import { createMediaCall } from './media-call.ts'

const operationError = { name: 'OperationError' }
const modificationError = { name: 'InvalidModificationError' }
const hd = { maxWidth: 1280, maxHeight: 720 }

/** addTransceiver() of a new connection, which is closed at once. */
function add(kind: 'audio' | 'video', ...sendEncodings: RTCRtpEncodingParameters[]): RTCRtpEncodingParameters[] {
  const pair = createMediaPair({ seed: 6 })
  try {
    return pair.alice.addTransceiver(kind, { sendEncodings }).sender.getParameters().encodings
  } finally {
    close(pair)
  }
}

/** Sets members of the encodings of a sender, by index. */
function set(sender: RTCRtpSender, ...changes: RTCRtpEncodingParameters[]): Promise<void> {
  const parameters = sender.getParameters()
  changes.forEach((change, index) => {
    Object.assign(parameters.encodings[index] as object, change)
  })
  return sender.setParameters(parameters)
}

const simulcast = [{ rid: 'a' }, { rid: 'b' }]

describe('scaleResolutionDownTo (webrtc-extensions §6.1)', () => {
  it('is given back as it was set, and is for pictures alone', () => {
    assert.deepEqual(add('video', { scaleResolutionDownTo: hd })[0]?.scaleResolutionDownTo, hd)
    assert.equal(add('audio', { scaleResolutionDownTo: hd })[0]?.scaleResolutionDownTo, undefined)
  })

  for (const [what, encodings] of [
    ['no width', [{ scaleResolutionDownTo: { maxHeight: 1 } }]],
    ['a height of zero', [{ scaleResolutionDownTo: { maxWidth: 1, maxHeight: 0 } }]],
    ['some active encodings', [{ rid: 'a', scaleResolutionDownTo: hd }, { rid: 'b' }]],
    ['a bad size where the encoding is not active', [{ active: false, scaleResolutionDownTo: {} }]],
  ] as const) {
    it(`is refused for ${what}`, () => {
      assert.throws(() => add('video', ...encodings), operationError)
    })
  }

  it('may be missing where an encoding is not active', () => {
    const [, second] = add('video', { rid: 'a', scaleResolutionDownTo: hd }, { rid: 'b', active: false })
    assert.equal(second?.scaleResolutionDownTo, undefined)
  })

  it('is refused by setParameters() with another error, and nothing changes', async () => {
    const pair = createMediaPair({ seed: 7 })
    const { sender } = pair.alice.addTransceiver('video', { sendEncodings: simulcast })
    await assert.rejects(set(sender, { scaleResolutionDownTo: hd }), modificationError)
    await assert.rejects(set(sender, { scaleResolutionDownTo: { maxWidth: 1 } }, { active: false }), modificationError)
    assert.ok(sender.getParameters().encodings.every(each => each.scaleResolutionDownTo === undefined))
    await settled(pair.sim, set(sender, { scaleResolutionDownTo: hd }, { scaleResolutionDownTo: hd }))
    assert.ok(sender.getParameters().encodings.every(each => each.scaleResolutionDownTo?.maxWidth === 1280))
    close(pair)
  })

  it('is what the encoder hears of, in place of the factor, and shares out the bit rate', async () => {
    const pair = createMediaPair({ seed: 8 })
    const { sim, alice, bob } = pair
    const { source, track } = localTrack('video')
    const told: (readonly EncodingTarget[])[] = []
    Object.assign(source, { encodingTargets: (_: object, targets: readonly EncodingTarget[]) => told.push(targets) })
    const small = { maxWidth: 320, maxHeight: 180 }
    alice.addTransceiver(track, {
      sendEncodings: [
        { rid: 'a', scaleResolutionDownBy: 4, scaleResolutionDownTo: small },
        { rid: 'b', scaleResolutionDownTo: { maxWidth: 640, maxHeight: 360 } },
      ],
    })
    // A peer that takes a simulcast: icefloe does.
    await agree(pair, alice, bob)
    await sim.runFor(2_000)
    const last = told.at(-1)
    assert.deepEqual(
      last?.map(each => each.scaleResolutionDownBy),
      [undefined, undefined],
    )
    assert.deepEqual(last?.[0]?.scaleResolutionDownTo, small)
    const [first = 0, second = 0] = last?.map(({ bitrate }) => bitrate) ?? []
    assert.ok(first > 0)
    assert.ok(Math.abs(second / first - 4) < 0.1, `${second} to ${first}`)
    close(pair)
  })
})

describe('ptime and adaptivePtime (webrtc-extensions §6.1)', () => {
  it('are kept, and exclude each other', async () => {
    assert.equal(add('audio', { ptime: 40 })[0]?.ptime, 40)
    assert.equal(add('audio', { adaptivePtime: true })[0]?.adaptivePtime, true)
    assert.throws(() => add('audio', { ptime: 40, adaptivePtime: true }), modificationError)
    const pair = createMediaPair({ seed: 9 })
    const { sender } = pair.alice.addTransceiver('audio')
    await assert.rejects(set(sender, { ptime: 40, adaptivePtime: true }), modificationError)
    await settled(pair.sim, set(sender, { ptime: 60 }))
    assert.equal(sender.getParameters().encodings[0]?.ptime, 60)
    close(pair)
  })
})

describe('scalabilityMode (webrtc-svc §4)', () => {
  const vp8 = { mimeType: 'video/VP8', clockRate: 90_000 }

  it('is one that a codec has, and for pictures alone', () => {
    assert.equal(add('video', { scalabilityMode: 'L1T3' })[0]?.scalabilityMode, 'L1T3')
    assert.equal(add('video', { scalabilityMode: 'L3T3_KEY' })[0]?.scalabilityMode, 'L3T3_KEY')
    assert.equal(add('audio', { scalabilityMode: 'L1T3' })[0]?.scalabilityMode, undefined)
    assert.equal('scalabilityMode' in (add('video', {})[0] ?? {}), false)
    for (const scalabilityMode of ['L1T4', 'l1t1', '', 'L4T7_KEY']) {
      assert.throws(() => add('video', { scalabilityMode }), operationError)
    }
    assert.throws(() => add('video', { codec: vp8, scalabilityMode: 'L2T1' }), operationError)
    assert.equal(add('video', { codec: vp8, scalabilityMode: 'L1T2' })[0]?.scalabilityMode, 'L1T2')
  })

  it('puts several encodings on one stream only where there are no others', () => {
    assert.equal(add('video', { scalabilityMode: 'S2T1' })[0]?.scalabilityMode, 'S2T1')
    assert.throws(() => add('video', { rid: 'a', scalabilityMode: 'S2T1' }, { rid: 'b' }), operationError)
    add('video', { rid: 'a', scalabilityMode: 'S2T1' }, { rid: 'b', active: false })
  })

  it('gives way to L1T1 where the negotiated codec has not got it, and is then refused', async () => {
    const pair = createMediaPair({ seed: 10 })
    const { sim, alice, bob } = pair
    const sendEncodings = [{ scalabilityMode: 'L3T3' }]
    const { sender } = alice.addTransceiver('video', { sendEncodings })
    await agree(pair, alice, bob)
    assert.equal(sender.getParameters().codecs[0]?.mimeType, 'video/VP8')
    assert.equal(sender.getParameters().encodings[0]?.scalabilityMode, 'L1T1')
    await assert.rejects(set(sender, { scalabilityMode: 'L3T3' }), modificationError)
    await settled(sim, set(sender, { scalabilityMode: 'L1T3' }))
    assert.equal(sender.getParameters().encodings[0]?.scalabilityMode, 'L1T3')
    close(pair)
  })

  it('is what the encoder hears of', async () => {
    const call = await createMediaCall({ seed: 11 })
    const { sim, sender } = call
    const told: (readonly EncodingTarget[])[] = []
    const { source, track } = localTrack('video')
    Object.assign(source, { encodingTargets: (_: object, targets: readonly EncodingTarget[]) => told.push(targets) })
    await settled(sim, sender.replaceTrack(track))
    await settled(sim, set(sender, { scalabilityMode: 'L1T2' }))
    await sim.runFor(100)
    assert.equal(told.at(-1)?.[0]?.scalabilityMode, 'L1T2')
    close(call)
  })
})

describe('degradationPreference (mst-content-hint)', () => {
  it('is given back, is heard of by the encoder, and goes again', async () => {
    const call = await createMediaCall({ seed: 12 })
    const { sim, sender } = call
    const told: (readonly EncodingTarget[])[] = []
    const { source, track } = localTrack('video')
    Object.assign(source, { encodingTargets: (_: object, targets: readonly EncodingTarget[]) => told.push(targets) })
    await settled(sim, sender.replaceTrack(track))
    assert.equal('degradationPreference' in sender.getParameters(), false)
    for (const degradationPreference of ['maintain-resolution', undefined] as const) {
      const { degradationPreference: _, ...parameters } = sender.getParameters()
      const changed = degradationPreference === undefined ? parameters : { ...parameters, degradationPreference }
      await settled(sim, sender.setParameters(changed))
      await sim.runFor(100)
      assert.equal(sender.getParameters().degradationPreference, degradationPreference)
      assert.equal(told.at(-1)?.[0]?.degradationPreference, degradationPreference)
    }
    const other = { ...sender.getParameters(), degradationPreference: 'none' as 'balanced' }
    await assert.rejects(sender.setParameters(other), TypeError)
    close(call)
  })
})
