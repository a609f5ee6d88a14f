import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { constraintsFor, toMediaTrackConstraints } from '../../../src/pc/media/constraints.ts'
import { OverconstrainedError } from '../../../src/pc/media/overconstrained-error.ts'
import { fitnessDistance, selectSettings } from '../../../src/pc/media/select-settings.ts'

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
    assert.deepEqual(convert({ advanced: [{ width: 1 }, {}] }), { advanced: [{ width: 1 }, {}] })
  })

  it('are refused where WebIDL refuses them', () => {
    const wrong = [1, { width: 1n }, { frameRate: Number.NaN }, { frameRate: { max: Infinity } }, { advanced: {} }]
    for (const value of [...wrong, { advanced: [1] }, { deviceId: [Symbol('x')] }]) {
      assert.throws(() => convert(value), /^TypeError: the constraints/)
    }
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
