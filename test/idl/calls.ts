import type { Instances } from './instances.ts'
import { interfaceObject } from './interface-objects.ts'
import {
  attributesOf,
  constructorsOf,
  type Interface,
  isEventHandler,
  lengthOf,
  type Member,
  operationsOf,
  returnsPromise,
} from './model.ts'
import type { InterfaceObject } from './shape.ts'
import { Touched, untouchable, type ValueMaker } from './values.ts'

type Callable = (this: unknown, ...args: unknown[]) => unknown

/** How a call ended: 'returned', or how what was thrown, or what a promise was rejected with, is named. */
type Outcome = { readonly how: 'returned' | 'threw' | 'rejected'; readonly with: unknown }

export async function outcomeOf(call: () => unknown): Promise<Outcome> {
  let result: unknown
  try {
    result = call()
  } catch (error) {
    return { how: 'threw', with: error }
  }
  if (!(result instanceof Promise)) return { how: 'returned', with: result }
  return result.then(
    value => ({ how: 'returned', with: value }),
    (error: unknown) => ({ how: 'rejected', with: error }),
  )
}

/** undefined if a call fails with a TypeError in the way that is expected of it. */
async function notTypeError(call: () => unknown, promised: boolean): Promise<string | undefined> {
  const outcome = await outcomeOf(call)
  if (outcome.with instanceof Touched) return 'converts an argument first'
  if (outcome.how !== (promised ? 'rejected' : 'threw')) return outcome.how
  return outcome.with instanceof TypeError ? undefined : `${outcome.how} ${String(outcome.with)}`
}

/** WebIDL §3.7.6 and §3.7.7: getters, setters and methods throw a TypeError where `this` is something else. */
export async function brandDifferences(definition: Interface, instances: Instances): Promise<string[]> {
  const actual = interfaceObject(definition.name)
  if (actual === undefined) return []
  const differences: string[] = []
  for (const { where, call, promised, args } of functionsOf(definition, actual)) {
    for (const [what, receiver] of wrongReceivers(definition, actual, instances)) {
      const difference = await notTypeError(() => call.apply(receiver, args), promised)
      if (difference !== undefined) differences.push(`${where} on ${what}: ${difference}`)
    }
  }
  return differences
}

interface NamedFunction {
  readonly where: string
  readonly call: Callable
  readonly promised: boolean
  readonly args: unknown[]
}

function functionsOf(definition: Interface, { prototype }: InterfaceObject): NamedFunction[] {
  const functions: NamedFunction[] = []
  const args = Array.from({ length: 3 }, untouchable)
  const add = (where: string, call: unknown, promised: boolean): void => {
    if (typeof call === 'function') functions.push({ where, call: call as Callable, promised, args })
  }
  for (const attribute of attributesOf(definition)) {
    const found = Object.getOwnPropertyDescriptor(prototype, attribute.name)
    add(`the getter of ${definition.name}.${attribute.name}`, found?.get, returnsPromise(attribute))
    add(`the setter of ${definition.name}.${attribute.name}`, found?.set, false)
  }
  for (const [name, overloads] of operationsOf(definition)) {
    const found = Object.getOwnPropertyDescriptor(prototype, name)
    add(`${definition.name}.${name}`, found?.value, overloads.every(returnsPromise))
  }
  if (definition.members.some(({ type }) => type === 'maplike')) {
    add(`the getter of ${definition.name}.size`, Object.getOwnPropertyDescriptor(prototype, 'size')?.get, false)
    for (const name of ['entries', 'forEach', 'get', 'has', 'keys', 'values']) {
      add(`${definition.name}.${name}`, Reflect.get(prototype, name), false)
    }
  }
  return functions
}

function wrongReceivers({ name }: Interface, actual: InterfaceObject, instances: Instances): [string, unknown][] {
  const other = instances.get(name === 'RTCSessionDescription' ? 'RTCIceCandidate' : 'RTCSessionDescription')
  return [
    ['undefined', undefined],
    ['null', null],
    ['a number', 1],
    ['a string', 'text'],
    ['an object', {}],
    ['the prototype', actual.prototype],
    ['what only has the prototype', Object.create(actual.prototype)],
    ['another interface', other],
  ]
}

/** WebIDL §3.7.1 and §3.7.7: with fewer arguments than are required, a TypeError; and no call without `new`. */
export async function argumentDifferences(
  definition: Interface,
  instances: Instances,
  values: ValueMaker,
): Promise<string[]> {
  const actual = interfaceObject(definition.name)
  if (actual === undefined) return []
  const differences: string[] = []
  const check = async (where: string, call: () => unknown, promised = false): Promise<void> => {
    const difference = await notTypeError(call, promised)
    if (difference !== undefined) differences.push(`${where}: ${difference}`)
  }
  const constructors = constructorsOf(definition)
  const given = (overloads: readonly Member[], count: number): unknown[] =>
    (overloads[0]?.arguments ?? []).slice(0, count).map(({ idlType }) => values.value(idlType, []))
  const type = actual as unknown as new (...args: unknown[]) => unknown
  await check(`${definition.name} without new`, () =>
    Reflect.apply(type as unknown as Callable, undefined, given(constructors, 9)),
  )
  if (constructors.length === 0) {
    await check(`new ${definition.name}()`, () => new type())
    await check(`new ${definition.name}({}, {})`, () => new type({}, {}))
  }
  for (let count = 0; count < lengthOf(constructors); count++) {
    await check(`new ${definition.name} with ${count} arguments`, () => new type(...given(constructors, count)))
  }
  for (const [name, overloads] of operationsOf(definition)) {
    const isStatic = overloads.every(({ special }) => special === 'static')
    const receiver = isStatic ? actual : instances.get(definition.name)
    const method: unknown = Reflect.get(isStatic ? actual : actual.prototype, name)
    if (typeof method !== 'function') continue
    for (let count = 0; count < lengthOf(overloads); count++) {
      const call = (): unknown => Reflect.apply(method as Callable, receiver, given(overloads, count))
      await check(`${definition.name}.${name} with ${count} arguments`, call, overloads.every(returnsPromise))
    }
  }
  return differences
}

/** HTML, event handler IDL attributes: null at first; then the function, or the object, that was set. */
export function eventHandlerDifferences(definition: Interface, instances: Instances): string[] {
  const instance = instances.get(definition.name)
  if (instance === undefined) return []
  const handler = (): void => undefined
  const object = {}
  const steps: readonly [unknown, unknown][] = [
    [handler, handler],
    [1, null],
    [object, object],
    ['text', null],
    [handler, handler],
    [undefined, null],
  ]
  return attributesOf(definition).flatMap(attribute => {
    if (!isEventHandler(attribute) || !(attribute.name in instance)) return []
    const where = `${definition.name}.${attribute.name}`
    const before = Reflect.get(instance, attribute.name) === null ? [] : [`${where}: is not null at first`]
    const after = steps.flatMap(([set, expected]) => {
      Reflect.set(instance, attribute.name, set)
      return Reflect.get(instance, attribute.name) === expected ? [] : [`${where}: is not ${String(expected)}`]
    })
    return [...before, ...after]
  })
}
