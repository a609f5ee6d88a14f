import type { Instances } from './instances.ts'
import type { Dictionary, IdlType, Member, Model } from './model.ts'

/** What conversion of an argument must not reach where something else is wrong before. */
export class Touched extends Error {}

export function untouchable(): object {
  const touch = (): never => {
    throw new Touched('an argument was converted')
  }
  return new Proxy({}, { get: touch, has: touch, ownKeys: touch, getPrototypeOf: touch })
}

/** An argument, or a member of a dictionary. */
export type Typed = Pick<Member, 'idlType' | 'extAttrs'>

/** Reads of dictionary members, in order: `Dictionary.member`. */
export type Reads = string[]

/** Makes values for arguments and members by their IDL types. */
export class ValueMaker {
  readonly #model: Model
  readonly #instances: Instances

  constructor(model: Model, instances: Instances) {
    this.#model = model
    this.#instances = instances
  }

  /** @param overridden values of members, by `Dictionary.member` */
  value(type: IdlType, reads: Reads, overridden: ReadonlyMap<string, unknown> = new Map()): unknown {
    if (type.generic === 'sequence' || type.generic === 'FrozenArray') {
      const [item] = type.idlType as readonly IdlType[]
      if (item === undefined || this.dictionaryOf(item) === undefined) return []
      return [this.value(item, reads, overridden)]
    }
    const [first] = type.union ? (type.idlType as readonly IdlType[]) : []
    if (first !== undefined) return this.value(first, reads, overridden)
    const name = String(type.idlType)
    const dictionary = this.dictionaryOf(type)
    if (dictionary !== undefined) return this.#recorder(dictionary, reads, overridden)
    const alias = this.#model.typedefs.get(name)
    if (alias !== undefined) return this.value(alias, reads, overridden)
    return this.#instances.get(name) ?? this.#model.enums.get(name)?.[0] ?? simpleValue(name)
  }

  /** What must not be taken for a value of a type. */
  wrongValues({ idlType: type, extAttrs }: Typed): readonly unknown[] {
    if (type.generic === 'sequence') return [1, {}]
    const name = String(type.idlType)
    if (type.union || this.#model.typedefs.has(name)) return []
    if (this.dictionaryOf(type) !== undefined) return [1, 'text', Symbol('s')]
    if (this.#model.enums.has(name)) return ['no such value', Symbol('s')]
    if (this.#model.interfaces.has(name)) return [1, {}, Object.create(this.#prototypeOf(name))]
    if (name === 'DOMString' || name === 'USVString') return [Symbol('s')]
    if (name === 'double') return [Number.NaN, Number.POSITIVE_INFINITY, Symbol('s')]
    if (!(name in integers)) return []
    const isEnforced = extAttrs.some(attribute => attribute.name === 'EnforceRange')
    return isEnforced ? [-1, 2 ** 53, Number.NaN, Symbol('s')] : [Symbol('s')]
  }

  /** Something that has the prototype of an interface does not implement it. */
  #prototypeOf(name: string): object | null {
    return Object.getPrototypeOf(this.#instances.get(name) ?? {})
  }

  dictionaryOf(type: IdlType): Dictionary | undefined {
    return typeof type.idlType === 'string' ? this.#model.dictionaries.get(type.idlType) : undefined
  }

  /** The dictionary that a type is, or that its items are. */
  innerDictionary(type: IdlType): Dictionary | undefined {
    if (type.generic === 'sequence') {
      const [item] = type.idlType as readonly IdlType[]
      return item && this.dictionaryOf(item)
    }
    return this.dictionaryOf(type)
  }

  enumOf(type: IdlType): readonly string[] | undefined {
    return typeof type.idlType === 'string' ? this.#model.enums.get(type.idlType) : undefined
  }

  /** What is read of a dictionary by the rules of WebIDL §3.2.17, inner dictionaries included. */
  expectedReads(dictionary: Dictionary): Reads {
    return dictionary.members.flatMap(member => {
      const inner = this.innerDictionary(member.idlType)
      return [`${dictionary.name}.${member.name}`, ...(inner === undefined ? [] : this.expectedReads(inner))]
    })
  }

  /** A dictionary with its required members and inner dictionaries, which tells what is read of it. */
  #recorder(dictionary: Dictionary, reads: Reads, overridden: ReadonlyMap<string, unknown>): object {
    const members = new Map(dictionary.members.map(member => [member.name, member]))
    const memberValue = (member: Member): unknown => {
      const key = `${dictionary.name}.${member.name}`
      if (overridden.has(key)) return overridden.get(key)
      const isNeeded = member.required || this.innerDictionary(member.idlType) !== undefined
      return isNeeded ? this.value(member.idlType, reads, overridden) : undefined
    }
    return new Proxy(
      {},
      {
        get: (_, key) => {
          if (typeof key === 'symbol') return undefined
          reads.push(`${dictionary.name}.${key}`)
          const member = members.get(key)
          return member === undefined ? undefined : memberValue(member)
        },
      },
    )
  }
}

function simpleValue(type: string): unknown {
  switch (type) {
    case 'DOMString':
    case 'USVString':
      return 'stun:192.0.2.1'
    case 'boolean':
      return true
    case 'ArrayBuffer':
      return new ArrayBuffer(1)
    case 'any':
    case 'object':
      return {}
    default:
      return type.endsWith('Callback') || type === 'VoidFunction' ? () => undefined : 1
  }
}

const integers: Readonly<Record<string, readonly [number, number]>> = {
  octet: [0, 255],
  short: [-32768, 32767],
  'unsigned short': [0, 65535],
  long: [-(2 ** 31), 2 ** 31 - 1],
  'unsigned long': [0, 2 ** 32 - 1],
  'long long': [-(2 ** 53 - 1), 2 ** 53 - 1],
  'unsigned long long': [0, 2 ** 53 - 1],
  EpochTimeStamp: [0, 2 ** 53 - 1],
}

/** Whether a value is one of an IDL type, as an attribute or a member of a dictionary gives it. */
export function conforms(value: unknown, type: IdlType, model: Model, isInstance: IsInstance): boolean {
  if (value === null) return type.nullable || type.idlType === 'EventHandler' || type.idlType === 'any'
  if (type.union) return (type.idlType as readonly IdlType[]).some(each => conforms(value, each, model, isInstance))
  if (type.generic === 'sequence' || type.generic === 'FrozenArray') {
    const [item] = type.idlType as readonly IdlType[]
    return Array.isArray(value) && item !== undefined && value.every(each => conforms(each, item, model, isInstance))
  }
  if (type.generic === 'record') return typeof value === 'object'
  if (type.generic === 'Promise') return value instanceof Promise
  const name = String(type.idlType)
  const alias = model.typedefs.get(name)
  if (alias !== undefined) return conforms(value, alias, model, isInstance)
  const values = model.enums.get(name)
  if (values !== undefined) return typeof value === 'string' && values.includes(value)
  const dictionary = model.dictionaries.get(name)
  if (dictionary !== undefined) return mismatches(value as object, dictionary, model, isInstance).length === 0
  return conformsToSimple(value, name) ?? isInstance(value, name)
}

type IsInstance = (value: unknown, name: string) => boolean

/** Which members of a dictionary that was given out are not what its definition says. */
export function mismatches(
  value: object,
  { members, name }: Dictionary,
  model: Model,
  isInstance: IsInstance,
): string[] {
  const wrong = members.flatMap(member => {
    const item: unknown = Reflect.get(value, member.name)
    if (item === undefined) return member.required ? [`${name}.${member.name}: is missing`] : []
    return conforms(item, member.idlType, model, isInstance) ? [] : [`${name}.${member.name}: is of another type`]
  })
  const known = new Set(members.map(member => member.name))
  const extras = Object.keys(value).filter(key => !known.has(key))
  return [...wrong, ...extras.map(key => `${name}.${key}: is not in the documents`)]
}

function conformsToSimple(value: unknown, name: string): boolean | undefined {
  const range = integers[name]
  if (range !== undefined) return Number.isInteger(value) && Number(value) >= range[0] && Number(value) <= range[1]
  switch (name) {
    case 'DOMString':
    case 'USVString':
      return typeof value === 'string'
    case 'boolean':
      return typeof value === 'boolean'
    case 'double':
    case 'DOMHighResTimeStamp':
      return Number.isFinite(value)
    case 'unrestricted double':
      return typeof value === 'number'
    case 'any':
      return true
    case 'object':
      return typeof value === 'object'
    case 'BinaryType':
      return value === 'blob' || value === 'arraybuffer'
    case 'EncodedVideoChunkType':
      return value === 'key' || value === 'delta'
    default:
      return undefined
  }
}
