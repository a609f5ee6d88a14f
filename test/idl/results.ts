import { outcomeOf } from './calls.ts'
import { isInstance } from './conversions.ts'
import type { Instances } from './instances.ts'
import { type IdlType, type Interface, lengthOf, type Model, operationsOf } from './model.ts'
import { conforms, mismatches } from './values.ts'

/** What changes the connection, or waits for somebody who is not there. */
const left: ReadonlySet<string> = new Set([
  'addIceCandidate',
  'close',
  'generateKeyFrame',
  'restartIce',
  'sendKeyFrameRequest',
  'setLocalDescription',
  'stop',
])

/** The types of what operations return that need no argument. */
export async function resultDifferences(definition: Interface, instances: Instances, model: Model): Promise<string[]> {
  const instance = instances.get(definition.name)
  if (instance === undefined) return []
  const differences: string[] = []
  for (const [name, overloads] of operationsOf(definition)) {
    const [first] = overloads
    const method: unknown = Reflect.get(instance, name)
    if (first === undefined || lengthOf(overloads) > 0 || typeof method !== 'function' || left.has(name)) continue
    const outcome = await outcomeOf(() => Reflect.apply(method, instance, []))
    if (outcome.how !== 'returned') continue
    const found = typeDifferences(outcome.with, settledType(first.idlType), model)
    differences.push(...found.map(difference => `${definition.name}.${name}: ${difference}`))
  }
  return differences
}

function settledType(type: IdlType): IdlType {
  return type.generic === 'Promise' ? ((type.idlType as readonly IdlType[])[0] ?? type) : type
}

function typeDifferences(value: unknown, type: IdlType, model: Model): string[] {
  if (type.idlType === 'undefined') return value === undefined ? [] : ['returns something']
  const [item] = type.generic === 'sequence' ? (type.idlType as readonly IdlType[]) : []
  if (item !== undefined) {
    if (!Array.isArray(value)) return ['is no array']
    return [...new Set(value.flatMap(each => typeDifferences(each, item, model)))]
  }
  const dictionary = model.dictionaries.get(String(type.idlType))
  if (dictionary === undefined || value === null)
    return conforms(value, type, model, isInstance) ? [] : ['is of another type']
  return typeof value === 'object' ? mismatches(value, dictionary, model, isInstance) : ['is no object']
}
