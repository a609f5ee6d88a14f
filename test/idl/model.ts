import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type Argument, type Definition, type IdlType, type Member, parse } from 'webidl2'

/** An interface with what partial interfaces and mixins add to it. */
export interface Interface {
  readonly name: string
  /** The document that defines it. */
  readonly document: string
  readonly parent: string | null
  readonly members: readonly Member[]
}

export interface Dictionary {
  readonly name: string
  /** As WebIDL reads them: inherited ones first, each dictionary's own by name. */
  readonly members: readonly Member[]
}

/** What the documents define, together. */
export interface Model {
  readonly interfaces: ReadonlyMap<string, Interface>
  readonly dictionaries: ReadonlyMap<string, Dictionary>
  readonly enums: ReadonlyMap<string, readonly string[]>
  readonly typedefs: ReadonlyMap<string, IdlType>
}

/** Of the package `@webref/idl`. */
const documents = [
  'webrtc',
  'webrtc-encoded-transform',
  'webrtc-identity',
  'webrtc-priority',
  'webrtc-stats',
  'webrtc-svc',
  'mediacapture-streams',
  'mst-content-hint',
] as const

/** Which that package lacks: beside this file. */
const ownDocuments = ['webrtc-extensions'] as const

export function loadModel(): Model {
  const require = createRequire(import.meta.url)
  const texts = [
    ...documents.map(name => [name, readFileSync(require.resolve(`@webref/idl/${name}.idl`), 'utf8')] as const),
    ...ownDocuments.map(name => [name, readFileSync(new URL(`${name}.idl`, import.meta.url), 'utf8')] as const),
  ]
  const located = texts.flatMap(([document, text]) => parse(text).map(definition => ({ document, definition })))
  const dom = parse(readFileSync(require.resolve('@webref/idl/dom.idl'), 'utf8'))
  // Of DOM, only what the dictionaries of our events inherit.
  const eventInit = dom.filter(({ name }) => name === 'EventInit').map(definition => ({ document: 'dom', definition }))
  return toModel([...located, ...eventInit])
}

interface Located {
  readonly document: string
  readonly definition: Definition
}

function toModel(located: readonly Located[]): Model {
  const definitions = located.map(({ definition }) => definition)
  const named = (type: Definition['type']): Definition[] => definitions.filter(each => each.type === type)
  const names = (type: Definition['type']): Set<string> => new Set(named(type).map(({ name }) => name))
  return {
    interfaces: new Map([...names('interface')].map(name => [name, toInterface(name, located)])),
    dictionaries: new Map(
      [...names('dictionary')].map(name => [name, { name, members: dictionaryMembers(name, named('dictionary')) }]),
    ),
    enums: new Map(named('enum').map(({ name, values }) => [name, values.map(({ value }) => value)])),
    typedefs: new Map(named('typedef').map(({ name, idlType }) => [name, idlType])),
  }
}

function toInterface(name: string, located: readonly Located[]): Interface {
  const mixins = located.flatMap(({ definition: { type, target, includes } }) =>
    type === 'includes' && target === name ? [includes] : [],
  )
  const parts = located.filter(
    ({ definition }) =>
      (definition.type === 'interface' && definition.name === name) ||
      (definition.type === 'interface mixin' && mixins.includes(definition.name)),
  )
  const main = parts.find(({ definition }) => definition.type === 'interface' && !definition.partial) ?? parts[0]
  if (main === undefined) throw new Error(`no interface ${name}`)
  const { definition, document } = main
  return { name, document, parent: definition.inheritance, members: parts.flatMap(part => part.definition.members) }
}

function dictionaryMembers(name: string, dictionaries: readonly Definition[]): readonly Member[] {
  const parts = dictionaries.filter(each => each.name === name)
  const parent = parts.find(({ inheritance }) => inheritance !== null)?.inheritance
  const own = parts.flatMap(({ members }) => members).sort((a, b) => (a.name < b.name ? -1 : 1))
  return parent === undefined || parent === null ? own : [...dictionaryMembers(parent, dictionaries), ...own]
}

/** The operations of one name are overloads of each other. */
export function operationsOf({ members }: Interface): Map<string, readonly Member[]> {
  const operations = new Map<string, readonly Member[]>()
  for (const member of members) {
    if (member.type !== 'operation' || member.name === '') continue
    operations.set(member.name, [...(operations.get(member.name) ?? []), member])
  }
  return operations
}

export function attributesOf({ members }: Interface): readonly Member[] {
  return members.filter(({ type }) => type === 'attribute')
}

export function constructorsOf({ members }: Interface): readonly Member[] {
  return members.filter(({ type }) => type === 'constructor')
}

/** WebIDL §3.7.1 and §3.7.7: `length` is the number of arguments that the shortest overload demands. */
export function lengthOf(overloads: readonly { readonly arguments: readonly Argument[] }[]): number {
  const required = overloads.map(
    each => each.arguments.filter(({ optional, variadic }) => !optional && !variadic).length,
  )
  return required.length === 0 ? 0 : Math.min(...required)
}

export function returnsPromise({ idlType }: Member): boolean {
  return idlType?.generic === 'Promise'
}

export function isEventHandler({ idlType }: Member): boolean {
  return idlType.idlType === 'EventHandler'
}

export type { Argument, IdlType, Member }
