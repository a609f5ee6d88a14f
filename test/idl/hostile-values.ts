import { createContext, runInContext } from 'node:vm'
import { MessageChannel } from 'node:worker_threads'

/** What the values of this file throw. */
export class Thrown extends Error {
  override readonly name = 'Thrown'
}

export function thrower(): never {
  throw new Thrown('by what was given')
}

/** Values that are made anew for each call: whoever is given one may consume it. */
export interface HostileValue {
  readonly what: string
  readonly make: () => unknown
}

const itemCount = 100_000
const longText = 'x'.repeat(1_000_000)

const primitives: readonly HostileValue[] = [
  ...[undefined, null, true, false, 0, -0, -1, 0.5, 65_536, 2 ** 32, 2 ** 53, -(2 ** 63), 1e308].map(constant),
  ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0n, 2n ** 70n].map(constant),
  ...[Symbol('s'), Symbol.iterator, '', '\ud800', '\0', 'a\r\na=b', '__proto__', 'constructor'].map(constant),
  { what: 'a million characters', make: () => longText },
]

const objects: readonly HostileValue[] = [
  { what: 'an object', make: () => ({}) },
  { what: 'an object without a prototype', make: () => Object.create(null) },
  { what: 'a frozen object', make: () => Object.freeze({ type: 'offer' }) },
  { what: 'a function', make: () => () => undefined },
  { what: 'a class', make: () => class {} },
  { what: 'a date that is none', make: () => new Date(Number.NaN) },
  { what: 'a regular expression', make: () => /x/ },
  { what: 'a map', make: () => new Map([['a', 1]]) },
  { what: 'a weak reference', make: () => new WeakRef({}) },
  { what: 'a wrapped text', make: () => new String('offer') },
  { what: 'an error', make: () => new Thrown('as a value') },
  { what: 'a promise', make: () => Promise.resolve(1) },
  { what: 'the global object', make: () => globalThis },
  { what: 'the arguments of a function', make: (...given: unknown[]) => argumentsOf(...given, 1, 2) },
  { what: 'what JSON makes of __proto__', make: () => JSON.parse('{"__proto__":{"type":"offer","candidate":"x"}}') },
  { what: 'an object of another realm', make: () => elsewhere('({ type: "offer" })') },
  { what: 'an array of another realm', make: () => elsewhere('[null, {}]') },
]

const throwing: readonly HostileValue[] = [
  { what: 'a throwing toString', make: () => ({ toString: thrower }) },
  { what: 'a throwing valueOf', make: () => ({ valueOf: thrower, toString: thrower }) },
  { what: 'a throwing primitive', make: () => ({ [Symbol.toPrimitive]: thrower }) },
  { what: 'a primitive that is an object', make: () => ({ [Symbol.toPrimitive]: () => ({}) }) },
  { what: 'a primitive that is a symbol', make: () => ({ [Symbol.toPrimitive]: () => Symbol('s') }) },
  { what: 'a throwing iterator', make: () => ({ [Symbol.iterator]: thrower }) },
  { what: 'an iterator that throws at next', make: () => ({ [Symbol.iterator]: () => ({ next: thrower }) }) },
  { what: 'an iterator without next', make: () => ({ [Symbol.iterator]: () => ({}) }) },
  { what: 'an iterator that gives no object', make: () => ({ [Symbol.iterator]: () => ({ next: () => 1 }) }) },
  { what: 'an iterator that is no function', make: () => ({ [Symbol.iterator]: 1 }) },
  { what: 'a throwing then', make: () => Object.defineProperty({}, 'then', { get: thrower }) },
  { what: 'a then that throws', make: () => Object.defineProperty({}, 'then', { value: thrower }) },
  { what: 'getters that throw', make: () => new Proxy({}, { get: thrower }) },
  { what: 'a proxy that throws at everything', make: () => new Proxy({}, throwingHandler) },
  { what: 'a function that throws at everything', make: () => new Proxy(() => undefined, throwingHandler) },
  { what: 'a revoked proxy', make: () => revoked({}) },
  { what: 'a revoked proxy of an array', make: () => revoked([]) },
  { what: 'a revoked proxy of a function', make: () => revoked(() => undefined) },
  { what: 'a proxy that has every member', make: () => everything() },
]

const lists: readonly HostileValue[] = [
  ...[[], [null], [undefined], [[]], [{}], [Symbol('s')], [1n]].map(constant),
  { what: 'an array with holes', make: () => new Array(3) },
  { what: 'a long array', make: () => new Array(itemCount).fill(0) },
  { what: 'an array of throwing getters', make: () => Object.defineProperty([0], 0, { get: thrower }) },
  { what: 'an array of a revoked proxy', make: () => [revoked({})] },
  { what: 'an array that grows', make: () => growing() },
  { what: 'a set', make: () => new Set([1, 'a']) },
  { what: 'a generator', make: () => [1, 2][Symbol.iterator]() },
]

const buffers: readonly HostileValue[] = [
  { what: 'bytes', make: () => new Uint8Array(3) },
  { what: 'no bytes', make: () => new ArrayBuffer(0) },
  { what: 'a detached buffer', make: () => detached().buffer },
  { what: 'bytes of a detached buffer', make: () => detached() },
  { what: 'a view of a detached buffer', make: () => detachedView() },
  { what: 'a resizable buffer', make: () => resizable() },
  { what: 'bytes of a resizable buffer', make: () => new Uint8Array(resizable()) },
  { what: 'bytes that are out of bounds', make: () => outOfBounds() },
  { what: 'a shared buffer', make: () => new SharedArrayBuffer(4) },
  { what: 'bytes of a shared buffer', make: () => new Uint8Array(new SharedArrayBuffer(4)) },
  { what: 'floating-point numbers', make: () => new Float64Array(2) },
  { what: 'a buffer of another realm', make: () => elsewhere('new Uint8Array(2)') },
]

/** Of every type there is. */
export const hostileValues: readonly HostileValue[] = [...primitives, ...objects, ...throwing, ...lists, ...buffers]

function constant(value: unknown): HostileValue {
  const what = Array.isArray(value) ? `[${value.map(named).join()}]` : named(value)
  return { what, make: () => (Array.isArray(value) ? [...value] : value) }
}

function named(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? '[]' : '{}'
  return Object.is(value, -0) ? '-0' : String(value)
}

const throwingHandler: ProxyHandler<object> = {
  get: thrower,
  set: thrower,
  has: thrower,
  apply: thrower,
  construct: thrower,
  ownKeys: thrower,
  deleteProperty: thrower,
  defineProperty: thrower,
  getPrototypeOf: thrower,
  getOwnPropertyDescriptor: thrower,
}

function revoked(target: object): object {
  const { proxy, revoke } = Proxy.revocable(target, {})
  revoke()
  return proxy
}

/** Has every member, and each is such an object again; it can be iterated over once, called and converted. */
function everything(): object {
  const at = (key: string | symbol): unknown => {
    if (key === Symbol.toPrimitive) return () => 'x'
    if (key === Symbol.iterator) return () => [everything()][Symbol.iterator]()
    return key === 'then' ? undefined : everything()
  }
  return new Proxy(() => everything(), { get: (_, key) => at(key), apply: () => everything() })
}

/** It gets longer while it is read, for a while. */
function growing(): unknown[] {
  const items: unknown[] = []
  const add = (): void => {
    if (items.length < 100) Object.defineProperty(items, items.length, { get: () => add(), configurable: true })
  }
  add()
  return items
}

function argumentsOf(..._: unknown[]): unknown {
  // biome-ignore lint/complexity/noArguments: it is the object itself that is wanted
  return arguments
}

function elsewhere(source: string): unknown {
  return runInContext(source, createContext())
}

function detached(): Uint8Array {
  const bytes = new Uint8Array(8)
  detach(bytes.buffer)
  return bytes
}

function detachedView(): DataView {
  const view = new DataView(new ArrayBuffer(8), 2)
  detach(view.buffer as ArrayBuffer)
  return view
}

function detach(buffer: ArrayBuffer): void {
  const { port1, port2 } = new MessageChannel()
  port1.postMessage(undefined, [buffer])
  port1.close()
  port2.close()
}

interface Resizable {
  new (length: number, options: { maxByteLength: number }): ArrayBuffer & { resize(length: number): void }
}

function resizable(): ArrayBuffer & { resize(length: number): void } {
  return new (ArrayBuffer as unknown as Resizable)(8, { maxByteLength: 16 })
}

function outOfBounds(): Uint8Array {
  const buffer = resizable()
  const bytes = new Uint8Array(buffer, 4, 4)
  buffer.resize(2)
  return bytes
}
