import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { constraintsFor, toMediaTrackConstraints } from '../../../src/pc/media/constraints.ts'
import { OverconstrainedError } from '../../../src/pc/media/overconstrained-error.ts'
import { fitnessDistance, maxTextLength, selectSettings } from '../../../src/pc/media/select-settings.ts'

const convert = (value: unknown) => toMediaTrackConstraints(value, 'the constraints')

describe('MediaTrackConstraints', () => {
  it('are converted as WebIDL has the unions', () => {
    assert.deepEqual(convert(undefined), {})
    assert.deepEqual(convert({ width: '640', height: -5, frameRate: '29.97', unknown: 1 }), {
      width: 640,
      height: 0,
      frameRate: 29.97,
    })
    assert.deepEqual(convert({ width: { min: 1.6, ideal: 2 ** 40 }, height: null }), {
      width: { min: 2, ideal: 2 ** 32 - 1 },
      height: {},
    })
    assert.deepEqual(convert({ deviceId: 7, groupId: ['a', 1] }), { deviceId: '7', groupId: ['a', '1'] })
    assert.deepEqual(convert({ deviceId: { exact: ['a'], ideal: 'b' } }), { deviceId: { exact: ['a'], ideal: 'b' } })
    assert.deepEqual(
      convert({ facingMode: 'user', resizeMode: { ideal: ['none'] }, sampleSize: 16.4, latency: '0.02' }),
      {
        facingMode: 'user',
        resizeMode: { ideal: ['none'] },
        sampleSize: 16,
        latency: 0.02,
      },
    )
    assert.deepEqual(convert({ autoGainControl: 0, noiseSuppression: { exact: 'x' }, backgroundBlur: null }), {
      autoGainControl: false,
      noiseSuppression: { exact: true },
      backgroundBlur: {},
    })
    for (const [given, converted] of [
      [true, true],
      ['all', 'all'],
      [1, '1'],
      [
        { exact: false, ideal: 'remote-only' },
        { exact: false, ideal: 'remote-only' },
      ],
    ]) {
      assert.deepEqual(convert({ echoCancellation: given }), { echoCancellation: converted })
    }
    assert.deepEqual(convert({ advanced: [{ width: 1 }, {}] }), { advanced: [{ width: 1 }, {}] })
  })

  it('are refused where WebIDL refuses them', () => {
    const wrong = [1, { width: 1n }, { frameRate: Number.NaN }, { frameRate: { max: Infinity } }, { advanced: {} }]
    for (const value of [...wrong, { advanced: [1] }, { deviceId: [Symbol('x')] }]) {
      assert.throws(() => convert(value), /^TypeError: the constraints/)
    }
  })

  it('lose what only microphones have, of cameras, and the other way round', () => {
    const audio = { autoGainControl: true, echoCancellation: 'all', latency: 1, noiseSuppression: true, sampleSize: 16 }
    const video = { backgroundBlur: false, facingMode: 'user', resizeMode: 'none' }
    assert.deepEqual(constraintsFor('audio', { ...audio, ...video }), audio)
    assert.deepEqual(constraintsFor('video', { ...audio, ...video }), video)
  })

  it('lose what does not apply to a kind', () => {
    const all = { width: 1, channelCount: 2, deviceId: 'x', advanced: [{ width: 3, sampleRate: 4 }] }
    assert.deepEqual(constraintsFor('audio', all), { channelCount: 2, deviceId: 'x', advanced: [{ sampleRate: 4 }] })
    assert.deepEqual(constraintsFor('video', all), { width: 1, deviceId: 'x', advanced: [{ width: 3 }] })
    assert.deepEqual(constraintsFor('video', {}), {})
  })
})

describe('the fitness distance', () => {
  const settings = { width: 640, deviceId: 'a' }

  it('is infinite where something required is not met, or not there', () => {
    assert.equal(fitnessDistance(settings, { width: { min: 641 } }, 'ideal'), Infinity)
    assert.equal(fitnessDistance(settings, { width: { max: 639 } }, 'ideal'), Infinity)
    assert.equal(fitnessDistance(settings, { width: 641 }, 'exact'), Infinity)
    assert.equal(fitnessDistance(settings, { height: { min: 0 } }, 'ideal'), Infinity)
    assert.equal(fitnessDistance(settings, { deviceId: { exact: ['b', 'c'] } }, 'ideal'), Infinity)
    assert.equal(fitnessDistance(settings, { groupId: 'x' }, 'exact'), Infinity)
  })

  it('knows values that are booleans, and those that are booleans or strings', () => {
    const microphone = { autoGainControl: true, echoCancellation: 'all' }
    assert.equal(fitnessDistance(microphone, { autoGainControl: true, echoCancellation: { exact: 'all' } }, 'ideal'), 0)
    assert.equal(fitnessDistance(microphone, { autoGainControl: false, echoCancellation: true }, 'ideal'), 2)
    assert.equal(fitnessDistance(microphone, { autoGainControl: { exact: false } }, 'ideal'), Infinity)
    assert.equal(fitnessDistance(microphone, { echoCancellation: true }, 'exact'), Infinity)
    assert.equal(fitnessDistance(microphone, { noiseSuppression: { exact: false } }, 'ideal'), Infinity)
  })

  it('grows with what is ideal and not so', () => {
    assert.equal(fitnessDistance(settings, {}, 'ideal'), 0)
    assert.equal(fitnessDistance(settings, { width: 640, deviceId: ['b', 'a'] }, 'ideal'), 0)
    assert.equal(fitnessDistance(settings, { width: 1_280 }, 'ideal'), 0.5)
    assert.equal(fitnessDistance(settings, { width: 320 }, 'ideal'), 0.5)
    assert.equal(fitnessDistance(settings, { deviceId: 'b', height: 1 }, 'ideal'), 2)
    assert.equal(fitnessDistance(settings, { deviceId: [], width: { min: 1 } }, 'ideal'), 0)
  })
})

describe('SelectSettings', () => {
  const possible = [{ width: 320 }, { width: 640 }, { width: 1_280 }]

  it('takes the closest, the first of those that are as close', () => {
    assert.deepEqual(selectSettings(possible, { width: 700 }), { width: 640 })
    assert.deepEqual(selectSettings(possible, {}), { width: 320 })
  })

  it('leaves advanced sets out that cannot be met, and those only', () => {
    const advanced = [{ width: 5 }, { width: { min: 600 } }, { width: { max: 400 } }]
    assert.deepEqual(selectSettings(possible, { advanced }), { width: 640 })
  })

  it('fails for a string that is too long, wherever it is, and names its constraint', () => {
    const [fits, tooLong] = [1, 2].map(i => 'x'.repeat(maxTextLength - 1 + i)) as [string, string]
    for (const facingMode of [fits, [fits], { ideal: fits }, { ideal: [fits] }]) {
      assert.deepEqual(selectSettings(possible, { facingMode, advanced: [{ facingMode }] }), { width: 320 })
    }
    for (const facingMode of [
      tooLong,
      ['', tooLong],
      { exact: tooLong },
      { ideal: tooLong },
      { ideal: ['', tooLong] },
    ]) {
      for (const constraints of [{ facingMode }, { advanced: [{}, { facingMode }] }]) {
        assert.throws(() => selectSettings(possible, constraints), { constraint: 'facingMode' })
      }
    }
    assert.throws(() => selectSettings(possible, { echoCancellation: tooLong }), { constraint: 'echoCancellation' })
  })

  it('fails where nothing meets what is required', () => {
    assert.throws(() => selectSettings(possible, { width: { exact: 1 } }), OverconstrainedError)
    assert.throws(() => selectSettings([], {}), OverconstrainedError)
  })

  it('is deterministic and finite for long lists of advanced sets', () => {
    const advanced = Array.from({ length: 10_000 }, (_, i) => ({ width: { min: i } }))
    assert.deepEqual(selectSettings(possible, { advanced }), { width: 1_280 })
  })
})

describe('OverconstrainedError', () => {
  it('is a DOMException that names a constraint', () => {
    const error = new OverconstrainedError('width', 'too wide')
    assert.ok(error instanceof DOMException)
    assert.deepEqual(
      [error.name, error.message, error.constraint, error.code],
      ['OverconstrainedError', 'too wide', 'width', 0],
    )
    assert.throws(() => Reflect.construct(OverconstrainedError, []), /1 argument required/)
  })
})
