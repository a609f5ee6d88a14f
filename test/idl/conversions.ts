import { outcomeOf } from './calls.ts'
import type { Instances } from './instances.ts'
import { interfaceObject } from './interface-objects.ts'
import {
  attributesOf,
  constructorsOf,
  type Dictionary,
  type Interface,
  type Member,
  type Model,
  operationsOf,
  returnsPromise,
} from './model.ts'
import { conforms, type Reads, type Typed, type ValueMaker } from './values.ts'

interface Call {
  readonly where: string
  readonly definition: Member
  readonly isOverloaded: boolean
  readonly run: (args: readonly unknown[]) => unknown
}

/** Every constructor and operation there is, overloads one by one. */
function callsOf(definition: Interface, instances: Instances): Call[] {
  const actual = interfaceObject(definition.name)
  if (actual === undefined) return []
  const constructors = constructorsOf(definition).map((each, _, { length }) => ({
    where: `new ${definition.name}`,
    definition: each,
    isOverloaded: length > 1,
    run: (args: readonly unknown[]): unknown => Reflect.construct(actual as unknown as new () => unknown, [...args]),
  }))
  const operations = [...operationsOf(definition)].flatMap(([name, overloads]) =>
    overloads.flatMap(each => {
      const receiver: unknown = each.special === 'static' ? actual : instances.get(definition.name)
      const method: unknown = Reflect.get(each.special === 'static' ? actual : actual.prototype, name)
      if (typeof method !== 'function' || receiver === undefined) return []
      const run = (args: readonly unknown[]): unknown => Reflect.apply(method, receiver, [...args])
      return [{ where: `${definition.name}.${name}`, definition: each, isOverloaded: overloads.length > 1, run }]
    }),
  )
  return [...constructors, ...operations]
}

/** Calls with dictionaries that tell what is read of them. */
export async function dictionaryDifferences(
  definition: Interface,
  instances: Instances,
  values: ValueMaker,
): Promise<string[]> {
  const differences: string[] = []
  for (const call of callsOf(definition, instances)) {
    for (const [at, argument] of call.definition.arguments.entries()) {
      const dictionary = values.dictionaryOf(argument.idlType)
      if (dictionary === undefined) continue
      const expected = values.expectedReads(dictionary)
      const reads = await readsOf(call, at, values)
      differences.push(...readDifferences(call.where, expected, reads))
    }
  }
  return differences
}

/** What a call reads of its dictionary at one place; of others it reads, too. */
async function readsOf(call: Call, at: number, values: ValueMaker): Promise<Reads> {
  const reads: Reads = []
  const args = call.definition.arguments.map(({ idlType }, index) => values.value(idlType, index === at ? reads : []))
  close((await outcomeOf(() => call.run(args))).with)
  return reads
}

function readDifferences(where: string, expected: Reads, reads: Reads): string[] {
  const missing = expected.filter(each => !reads.includes(each)).map(each => `${where}: does not read ${each}`)
  const extras = reads.filter(each => !expected.includes(each)).map(each => `${where}: reads ${each}`)
  const both = reads.filter(each => expected.includes(each))
  const inOrder = expected.filter(each => reads.includes(each))
  const order = both.join() === inOrder.join() ? [] : [`${where}: reads in the order ${both.join()}`]
  return [...new Set([...missing, ...extras, ...order])]
}

/** What cannot be converted is a TypeError, wherever in the arguments it is. */
export async function conversionDifferences(
  definition: Interface,
  instances: Instances,
  values: ValueMaker,
): Promise<string[]> {
  const differences: string[] = []
  for (const call of callsOf(definition, instances)) {
    for (const [at, argument] of call.definition.arguments.entries()) {
      if (!call.isOverloaded) differences.push(...(await wrongArguments(call, at, values)))
      const dictionary = values.dictionaryOf(argument.idlType)
      if (dictionary !== undefined) differences.push(...(await wrongMembers(call, dictionary, values)))
    }
  }
  return differences
}

async function wrongArguments(call: Call, at: number, values: ValueMaker): Promise<string[]> {
  const differences: string[] = []
  const argument = call.definition.arguments[at]
  for (const wrong of argument === undefined ? [] : values.wrongValues(argument)) {
    const args = call.definition.arguments.map(({ idlType }, index) =>
      index === at ? wrong : values.value(idlType, []),
    )
    const outcome = await outcomeOf(() => call.run(args))
    close(outcome.with)
    if (isRefused(call, outcome)) continue
    differences.push(`${call.where}: ${outcome.how} for ${String(wrong)} as argument ${at + 1}`)
  }
  return differences
}

async function wrongMembers(call: Call, dictionary: Dictionary, values: ValueMaker): Promise<string[]> {
  const differences: string[] = []
  for (const [key, member] of membersOf(dictionary, values)) {
    for (const wrong of values.wrongValues(member)) {
      const reads: Reads = []
      const overridden = new Map([[key, wrong]])
      const args = call.definition.arguments.map(({ idlType }) => values.value(idlType, reads, overridden))
      const outcome = await outcomeOf(() => call.run(args))
      close(outcome.with)
      // What is not read at all is told by the reads.
      if (!reads.includes(key) || isRefused(call, outcome)) continue
      differences.push(`${call.where}: ${outcome.how} for ${String(wrong)} as ${key}`)
    }
  }
  return differences
}

function isRefused({ definition }: Call, { how, with: reason }: Awaited<ReturnType<typeof outcomeOf>>): boolean {
  return how === (returnsPromise(definition) ? 'rejected' : 'threw') && reason instanceof TypeError
}

function membersOf({ name, members }: Dictionary, values: ValueMaker): [string, Typed][] {
  return members.flatMap(member => {
    const inner = values.innerDictionary(member.idlType)
    const own: [string, Typed] = [`${name}.${member.name}`, member]
    return inner === undefined ? [own] : [own, ...membersOf(inner, values)]
  })
}

/** The types of attributes; that a wrong value of an enumeration changes none; and [SameObject]. */
export function attributeDifferences(definition: Interface, instances: Instances, model: Model): string[] {
  const instance = instances.get(definition.name)
  if (instance === undefined) return []
  return attributesOf(definition).flatMap(attribute => {
    if (!(attribute.name in instance)) return []
    const where = `${definition.name}.${attribute.name}`
    const value: unknown = Reflect.get(instance, attribute.name)
    const differences = conforms(value, attribute.idlType, model, isInstance) ? [] : [`${where}: is of another type`]
    const isSame = attribute.extAttrs.some(({ name }) => name === 'SameObject')
    if (isSame && Reflect.get(instance, attribute.name) !== value)
      differences.push(`${where}: is another object each time`)
    if (
      !attribute.readonly &&
      (model.enums.has(String(attribute.idlType.idlType)) || attribute.name === 'binaryType')
    ) {
      Reflect.set(instance, attribute.name, 'no such value')
      if (Reflect.get(instance, attribute.name) !== value) differences.push(`${where}: takes a wrong value`)
    }
    return differences
  })
}

/** WebIDL §3.7.7.1.1: the default toJSON gives every attribute of the interface whose type has a JSON form. */
export function toJsonDifferences(definition: Interface, instances: Instances): string[] {
  const instance = instances.get(definition.name)
  const operation = operationsOf(definition).get('toJSON')?.[0]
  if (instance === undefined || !operation?.extAttrs.some(({ name }) => name === 'Default')) return []
  const expected = attributesOf(definition).map(({ name }) => name)
  const found = Object.keys(JSON.parse(JSON.stringify(instance)))
  return found.join() === expected.join() ? [] : [`${definition.name}.toJSON: gives ${found.join()}`]
}

export function isInstance(value: unknown, name: string): boolean {
  const type: unknown = interfaceObject(name) ?? Reflect.get(globalThis, name)
  if (name === 'EventHandler') return typeof value === 'function'
  return typeof type === 'function' && value instanceof type
}

/** A connection that a constructor has made is not left open. */
function close(value: unknown): void {
  const type = interfaceObject('RTCPeerConnection')
  if (typeof type === 'function' && isInstance(value, 'RTCPeerConnection')) (value as { close(): void }).close()
}
