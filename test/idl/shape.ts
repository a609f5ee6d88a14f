import { attributesOf, constructorsOf, type Interface, lengthOf, type Member, operationsOf } from './model.ts'

export type InterfaceObject = { readonly prototype: object; readonly name: string; readonly length: number }

/** Says how an object differs from what is expected of it; one line for each difference. */
type Report = (where: string, what: string) => void

/** Compares an interface object and its prototype object with a definition: WebIDL §3.7. */
export function compareShape(definition: Interface, actual: InterfaceObject, parent: unknown): string[] {
  const differences: string[] = []
  const report: Report = (where, what) => differences.push(`${where}: ${what}`)
  compareInterfaceObject(definition, actual, parent, report)
  for (const attribute of attributesOf(definition)) compareAttribute(definition, attribute, actual, report)
  for (const [name, overloads] of operationsOf(definition)) {
    compareOperation(definition, name, overloads, actual, report)
  }
  if (definition.members.some(({ type }) => type === 'maplike')) compareMaplike(definition, actual, report)
  reportExtras(definition, actual, report)
  return differences
}

function compareInterfaceObject(definition: Interface, actual: InterfaceObject, parent: unknown, report: Report): void {
  const { name } = definition
  const { prototype } = actual
  expectDescriptor(report, name, actual, 'name', {
    value: name,
    writable: false,
    enumerable: false,
    configurable: true,
  })
  const length = lengthOf(constructorsOf(definition))
  expectDescriptor(report, name, actual, 'length', {
    value: length,
    writable: false,
    enumerable: false,
    configurable: true,
  })
  expectDescriptor(report, name, actual, 'prototype', {
    value: prototype,
    writable: false,
    enumerable: false,
    configurable: false,
  })
  expectDescriptor(report, name, prototype, 'constructor', {
    value: actual,
    writable: true,
    enumerable: false,
    configurable: true,
  })
  expectDescriptor(report, name, prototype, Symbol.toStringTag, {
    value: name,
    writable: false,
    enumerable: false,
    configurable: true,
  })
  const ancestor = parent as InterfaceObject | undefined
  if (Object.getPrototypeOf(actual) !== (ancestor ?? Function.prototype)) {
    // WebIDL §3.7.1: the prototype of DOMException's interface object is that of any function
    report(name, `does not inherit from ${definition.parent ?? 'Function.prototype'}`)
  }
  if (Object.getPrototypeOf(prototype) !== (ancestor?.prototype ?? Object.prototype)) {
    report(`${name}.prototype`, `does not inherit from ${definition.parent ?? 'Object'}.prototype`)
  }
}

function compareAttribute({ name }: Interface, attribute: Member, actual: InterfaceObject, report: Report): void {
  const where = `${name}.${attribute.name}`
  const found = Object.getOwnPropertyDescriptor(actual.prototype, attribute.name)
  if (found === undefined) {
    report(where, 'is missing')
    return
  }
  if (!found.enumerable) report(where, 'is not enumerable')
  if (!found.configurable) report(where, 'is not configurable')
  if (found.get === undefined) {
    report(where, 'has no getter')
    return
  }
  compareFunction(report, `the getter of ${where}`, found.get, `get ${attribute.name}`, 0)
  if (attribute.readonly) {
    if (found.set !== undefined) report(where, 'has a setter')
    return
  }
  if (found.set === undefined) {
    report(where, 'has no setter')
    return
  }
  compareFunction(report, `the setter of ${where}`, found.set, `set ${attribute.name}`, 1)
}

function compareOperation(
  { name }: Interface,
  operation: string,
  overloads: readonly Member[],
  actual: InterfaceObject,
  report: Report,
): void {
  const where = `${name}.${operation}`
  const isStatic = overloads.every(({ special }) => special === 'static')
  const found = Object.getOwnPropertyDescriptor(isStatic ? actual : actual.prototype, operation)
  if (found === undefined) {
    report(where, 'is missing')
    return
  }
  compareMethod(report, where, found, operation, lengthOf(overloads))
}

function compareMethod(report: Report, where: string, found: PropertyDescriptor, name: string, length: number): void {
  if (!found.enumerable) report(where, 'is not enumerable')
  if (!found.configurable) report(where, 'is not configurable')
  if (!found.writable) report(where, 'is not writable')
  if (typeof found.value !== 'function') {
    report(where, 'is not a function')
    return
  }
  compareFunction(report, where, found.value, name, length)
}

const mapMethods = { entries: 0, forEach: 1, get: 1, has: 1, keys: 0, values: 0 } as const

/** WebIDL §3.7.11, of a map that is only read. */
function compareMaplike({ name }: Interface, { prototype }: InterfaceObject, report: Report): void {
  for (const [method, length] of Object.entries(mapMethods)) {
    const found = Object.getOwnPropertyDescriptor(prototype, method)
    if (found === undefined) report(`${name}.${method}`, 'is missing')
    else compareMethod(report, `${name}.${method}`, found, method, length)
  }
  const size = Object.getOwnPropertyDescriptor(prototype, 'size')
  if (size?.get === undefined || size.set !== undefined) report(`${name}.size`, 'is not a getter')
  if (!size?.enumerable || !size.configurable) report(`${name}.size`, 'is not enumerable and configurable')
  expectDescriptor(report, name, prototype, Symbol.iterator, {
    value: Reflect.get(prototype, 'entries'),
    writable: true,
    enumerable: false,
    configurable: true,
  })
}

/** What is there although no document has it. */
function reportExtras(definition: Interface, actual: InterfaceObject, report: Report): void {
  const known = new Set(['constructor', ...definition.members.map(({ name }) => name)])
  if (definition.members.some(({ type }) => type === 'maplike')) {
    for (const method of [...Object.keys(mapMethods), 'size']) known.add(method)
  }
  const functionMembers = ['length', 'name', 'prototype']
  for (const key of Object.getOwnPropertyNames(actual.prototype)) {
    if (!known.has(key)) report(`${definition.name}.${key}`, 'is not in the documents')
  }
  for (const key of Object.getOwnPropertyNames(actual)) {
    if (!functionMembers.includes(key) && !known.has(key))
      report(`${definition.name}.${key}`, 'is not in the documents')
  }
}

function compareFunction(report: Report, where: string, actual: unknown, name: string, length: number): void {
  const found = actual as { name: string; length: number; prototype?: unknown }
  if (found.name !== name) report(where, `has the name '${found.name}'`)
  if (found.length !== length) report(where, `has the length ${found.length}, not ${length}`)
  if (Object.hasOwn(found, 'prototype')) report(where, 'can be a constructor')
}

function expectDescriptor(
  report: Report,
  where: string,
  object: object,
  key: string | symbol,
  expected: PropertyDescriptor,
): void {
  const found = Object.getOwnPropertyDescriptor(object, key)
  if (found === undefined) {
    report(`${where}.${String(key)}`, 'is missing')
    return
  }
  for (const part of ['value', 'writable', 'enumerable', 'configurable'] as const) {
    if (found[part] !== expected[part]) {
      report(`${where}.${String(key)}`, `is ${part} ${String(found[part])}, not ${String(expected[part])}`)
    }
  }
}
