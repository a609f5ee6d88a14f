import assert from 'node:assert/strict'
import { after, before, describe, it } from 'mocha'
import { RTCStatsReport } from '../../src/index.ts'
import { argumentDifferences, brandDifferences, eventHandlerDifferences } from './calls.ts'
import { attributeDifferences, conversionDifferences, dictionaryDifferences, toJsonDifferences } from './conversions.ts'
import { assertKnown } from './differences.ts'
import { createStage, type Stage } from './instances.ts'
import { type Interface, loadModel } from './model.ts'
import { resultDifferences } from './results.ts'
import { ValueMaker } from './values.ts'

const model = loadModel()

describe('IDL, what the members do', () => {
  let stage: Stage
  let values: ValueMaker
  before(async () => {
    stage = await createStage()
    values = new ValueMaker(model, stage.instances)
  })
  after(() => stage.close())

  async function differences(find: (definition: Interface) => string[] | Promise<string[]>): Promise<string[]> {
    const found: string[] = []
    for (const definition of model.interfaces.values()) found.push(...(await find(definition)))
    return found
  }

  it('is a TypeError on anything that is not of the interface, before any argument is converted', async () => {
    assertKnown('receivers', await differences(each => brandDifferences(each, stage.instances)))
  })

  it('is a TypeError without the arguments that are required, and for constructors that there are not', async () => {
    assertKnown('arguments', await differences(each => argumentDifferences(each, stage.instances, values)))
  })

  it('begins with reading every member of a dictionary once, in order', async () => {
    assertKnown('dictionaries', await differences(each => dictionaryDifferences(each, stage.instances, values)))
  })

  it('is a TypeError for what cannot be converted, in arguments and in dictionaries', async () => {
    assertKnown('conversions', await differences(each => conversionDifferences(each, stage.instances, values)))
  })

  it('keeps event handlers as HTML has them', async () => {
    assertKnown('handlers', await differences(each => eventHandlerDifferences(each, stage.instances)))
  })

  it('gives attributes of the types that they have, and ignores wrong values of enumerations', async () => {
    assertKnown('attributes', await differences(each => attributeDifferences(each, stage.instances, model)))
  })

  it('returns what it is said to return, where no argument is needed', async () => {
    assertKnown('results', await differences(each => resultDifferences(each, stage.instances, model)))
  })

  it('reads a report as it reads a map', () => {
    const report = stage.instances.get('RTCStatsReport')
    assert.ok(report instanceof RTCStatsReport)
    const map = new Map(report)
    assert.ok(map.size > 0)
    assert.equal(report.size, map.size)
    assert.deepEqual([...report.entries()], [...map.entries()])
    assert.deepEqual([...report.keys()], [...map.keys()])
    assert.deepEqual([...report.values()], [...map.values()])
    const seen: unknown[] = []
    report.forEach(function (this: unknown, value, key, whole) {
      seen.push([this, value, key, whole])
    }, map)
    assert.deepEqual(
      seen,
      [...map].map(([key, value]) => [map, value, key, report]),
    )
    const [id = ''] = map.keys()
    // The key is a DOMString: whatever becomes that text finds it.
    assert.equal(Reflect.apply(report.get, report, [{ toString: () => id }]), map.get(id))
    assert.deepEqual([report.has(id), report.has('no such'), report.get('no such')], [true, false, undefined])
    for (const [method, args] of [
      ['get', []],
      ['has', []],
      ['get', [Symbol('s')]],
      ['forEach', []],
      ['forEach', [{}]],
    ] as const) {
      assert.throws(() => Reflect.apply(report[method], report, args), TypeError, method)
    }
    for (const method of ['set', 'delete', 'clear']) assert.equal(method in report, false, method)
  })

  it('gives all attributes as JSON where that is the default', async () => {
    assertKnown('toJSON', await differences(each => toJsonDifferences(each, stage.instances)))
  })
})
