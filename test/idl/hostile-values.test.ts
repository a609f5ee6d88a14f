import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import type { RTCRtpSender } from '../../src/index.ts'
import { outcomeOf } from './calls.ts'
import { hostileValues, Thrown } from './hostile-values.ts'
import { createStage, type Instances } from './instances.ts'
import { interfaceObject } from './interface-objects.ts'
import { knownDifferences } from './known-differences.ts'
import {
  type Argument,
  attributesOf,
  constructorsOf,
  type Dictionary,
  type IdlType,
  type Interface,
  loadModel,
  type Member,
  operationsOf,
} from './model.ts'
import { changes, type StageState, StateReader } from './stage-state.ts'
import { ValueMaker } from './values.ts'

const model = loadModel()
/** For what waits for somebody who is not there: a promise that is not settled by then is taken for an answer. */
const patienceMs = 60

/**
 * What is not called here: `close` takes no arguments, and setLocalDescription begins with packets where it is given nothing
 * of meaning. It gets the same values in `test/pc/webrtc-pc/arguments-fuzz.test.ts`, in a simulated network.
 */
const left: ReadonlySet<string> = new Set(['close', 'setLocalDescription'])

interface Call {
  readonly where: string
  readonly isSetter: boolean
  readonly isOverloaded: boolean
  readonly args: readonly (Pick<Argument, 'idlType'> & { readonly extAttrs: Member['extAttrs'] })[]
  run(args: readonly unknown[]): unknown
}

/** All that takes an argument: setters, constructors, operations and static ones, overloads one by one. */
function callsOf(definition: Interface, instances: Instances): Call[] {
  const { name } = definition
  const instance = instances.get(name)
  const type = interfaceObject(name)
  if (type === undefined) return []
  const setters = attributesOf(definition).flatMap(attribute => {
    if (attribute.readonly || instance === undefined || !(attribute.name in instance)) return []
    const run = ([value]: readonly unknown[]): unknown => Reflect.set(instance, attribute.name, value)
    return [{ where: `${name}.${attribute.name}`, isSetter: true, isOverloaded: false, args: [attribute], run }]
  })
  const constructors = constructorsOf(definition).map((each, _, { length }) => ({
    where: `new ${name}`,
    isSetter: false,
    isOverloaded: length > 1,
    args: each.arguments,
    run: (args: readonly unknown[]): unknown => Reflect.construct(type as unknown as new () => unknown, [...args]),
  }))
  const operations = [...operationsOf(definition)].flatMap(([operation, overloads]) =>
    overloads.flatMap(each => {
      const receiver: unknown = each.special === 'static' ? type : instance
      const method: unknown = receiver && Reflect.get(receiver, operation)
      if (typeof method !== 'function' || left.has(operation)) return []
      const run = (args: readonly unknown[]): unknown => Reflect.apply(method, receiver, [...args])
      return [
        {
          where: `${name}.${operation}`,
          isSetter: false,
          isOverloaded: overloads.length > 1,
          args: each.arguments,
          run,
        },
      ]
    }),
  )
  return [...setters, ...constructors, ...operations]
}

/** Where among the arguments of a call a value is put, and what is around it. */
interface Place {
  readonly where: string
  /** What is to be had there; undefined where another overload may take what is given, and where nothing is read. */
  readonly type: IdlType | undefined
  put(value: unknown): readonly unknown[]
}

function placesOf(call: Call, values: ValueMaker, instances: Instances): Place[] {
  return call.args.flatMap((argument, at) => {
    const at0 = (given: unknown): readonly unknown[] =>
      call.args.map(({ idlType }, index) => (index === at ? given : values.value(idlType, [])))
    const type = call.isOverloaded ? undefined : argument.idlType
    const itself = { where: `${call.where}, argument ${at + 1}`, type, put: at0 }
    const dictionary = values.dictionaryOf(argument.idlType)
    if (dictionary === undefined) return [itself]
    const base = (): object => baseOf(call.where, dictionary, values, instances)
    const members = membersOf(dictionary, values, base).map(({ where, type: inner, put }) => ({
      where: `${call.where}, ${where}`,
      type: isRead(call.where, where) ? type && inner : undefined,
      put: (value: unknown) => at0(put(value)),
    }))
    return [itself, ...members]
  })
}

function isRead(where: string, member: string): boolean {
  return !(`${where}: does not read ${member}` in knownDifferences.dictionaries)
}

interface MemberPlace {
  readonly where: string
  readonly type: IdlType
  put(value: unknown): object
}

/** Members of a dictionary, and those of the dictionaries in it. */
function membersOf(dictionary: Dictionary, values: ValueMaker, base: () => object): MemberPlace[] {
  return dictionary.members.flatMap(({ name, idlType }) => {
    const put = (value: unknown): object => ({ ...base(), [name]: value })
    const inner = values.innerDictionary(idlType)
    const isList = idlType.generic === 'sequence'
    const inside = inner === undefined ? [] : membersOf(inner, values, () => requiredOf(inner, values))
    return [
      { where: `${dictionary.name}.${name}`, type: idlType, put },
      ...inside.map(each => ({
        where: each.where,
        type: each.type,
        put: (value: unknown) => put(isList ? [each.put(value)] : each.put(value)),
      })),
    ]
  })
}

function requiredOf({ members }: Dictionary, values: ValueMaker): object {
  const required = members.filter(member => member.required)
  return Object.fromEntries(required.map(({ name, idlType }) => [name, values.value(idlType, [])]))
}

/** setParameters takes what getParameters has just given, and else refuses before it looks at most of it. */
function baseOf(where: string, dictionary: Dictionary, values: ValueMaker, instances: Instances): object {
  if (where !== 'RTCRtpSender.setParameters' || dictionary.name !== 'RTCRtpSendParameters') {
    return requiredOf(dictionary, values)
  }
  return (instances.get('RTCRtpSender') as RTCRtpSender).getParameters()
}

/** WebIDL §3.12: what a callback throws is reported to the program, and a failure of the test then. */
function isCallback({ idlType }: Pick<Argument, 'idlType'>): boolean {
  return String(idlType.idlType).endsWith('Callback') || idlType.idlType === 'VoidFunction'
}

const textTypes: ReadonlySet<string> = new Set(['DOMString', 'USVString'])
const numberTypes = /^(octet|(unsigned )?(short|long|long long)|double|EpochTimeStamp|DOMHighResTimeStamp)$/

/** WebIDL §3.2: whether a value cannot be converted to a type. False as well where that is not to be seen at once. */
function isRefused(type: IdlType, value: unknown, isSetter: boolean): boolean {
  if (value === undefined || type.union || (value === null && type.nullable)) return false
  const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function'
  if (type.generic === 'sequence' || type.generic === 'FrozenArray') return !isObject
  const name = String(type.idlType)
  const alias = model.typedefs.get(name)
  if (alias !== undefined) return isRefused(alias, value, isSetter)
  if (model.dictionaries.has(name)) return !isObject && value !== null
  if (model.interfaces.has(name)) return true
  if (typeof value === 'symbol') return textTypes.has(name) || numberTypes.test(name) || model.enums.has(name)
  if (typeof value === 'bigint') return numberTypes.test(name)
  // WebIDL §3.7.6: an attribute that is set to what is none of its enumeration stays as it is
  const values = isSetter ? undefined : model.enums.get(name)
  if (values !== undefined) return !isObject && !values.includes(String(value))
  return (name === 'double' || name === 'DOMHighResTimeStamp') && typeof value === 'number' && !Number.isFinite(value)
}

function isExpected(reason: unknown): boolean {
  return [TypeError, RangeError, DOMException, Thrown].some(type => reason instanceof type)
}

async function patiently(outcome: ReturnType<typeof outcomeOf>): ReturnType<typeof outcomeOf> {
  let timer: NodeJS.Timeout | undefined
  const waited = new Promise<Awaited<ReturnType<typeof outcomeOf>>>(resolve => {
    timer = setTimeout(resolve, patienceMs, { how: 'returned', with: undefined })
  })
  const first = await Promise.race([outcome, waited])
  clearTimeout(timer)
  return first
}

/** Puts every value in every place. */
async function walk(definition: Interface): Promise<{ calls: number; refused: number }> {
  const stage = await createStage()
  const values = new ValueMaker(model, stage.instances)
  const reader = new StateReader(model.interfaces.values(), stage.instances)
  const count = { calls: 0, refused: 0 }
  let before: StageState = reader.read()
  for (const call of callsOf(definition, stage.instances)) {
    if (call.args.some(isCallback)) continue
    for (const place of placesOf(call, values, stage.instances)) {
      for (const { what, make } of hostileValues) {
        const given = make()
        const args = place.put(given)
        const { how, with: outcome } = await patiently(outcomeOf(() => call.run(args)))
        count.calls++
        if (how === 'returned') {
          const isWrong = place.type !== undefined && isRefused(place.type, given, call.isSetter)
          assert.ok(!isWrong, `${place.where} takes ${what}`)
          closeIfConnection(outcome)
          before = reader.read()
          continue
        }
        count.refused++
        assert.ok(isExpected(outcome), `${place.where}, ${what}: ${how} ${String(outcome)}`)
        assert.deepEqual(changes(before, reader.read()), [], `${place.where}, ${what}: ${how}, and something changed`)
      }
    }
  }
  stage.close()
  return count
}

function closeIfConnection(outcome: unknown): void {
  const type = interfaceObject('RTCPeerConnection') as unknown as new () => { close(): void }
  if (outcome instanceof type) outcome.close()
}

describe('Values of every type, in every place of every argument', () => {
  const total = { calls: 0, refused: 0 }
  const polluted = Object.getOwnPropertyNames(Object.prototype)
  for (const definition of model.interfaces.values()) {
    if (interfaceObject(definition.name) === undefined) continue
    it(`of ${definition.name} are taken, or refused with nothing changed`, async function () {
      this.timeout(60_000)
      const { calls, refused } = await walk(definition)
      assert.deepEqual(Object.getOwnPropertyNames(Object.prototype), polluted)
      total.calls += calls
      total.refused += refused
    })
  }

  it('come to tens of thousands of calls, thousands of them refused', () => {
    assert.ok(total.calls > 20_000 && total.refused > 8_000, JSON.stringify(total))
  })
})
