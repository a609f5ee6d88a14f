import conversions from 'webidl-conversions'

/**
 * What WebIDL does between an application and an interface: conversion of arguments, dictionaries, enumerations,
 * event handler attributes, constructors that throw.
 *
 * A converter turns whatever it is given into its type, or throws a TypeError that begins with `context`, the name of
 * what is converted.
 */
export type Converter<T> = (value: unknown, context: string) => T

/** @throws {TypeError} if an operation or constructor got fewer arguments than its definition demands. */
export function requireArguments(given: number, required: number, name: string): void {
  if (given >= required) return
  throw new TypeError(`${name}: ${required} argument${required === 1 ? '' : 's'} required, but only ${given} present`)
}

export const boolean: Converter<boolean> = (value, context) => conversions.boolean(value, { context })
export const domString: Converter<string> = (value, context) => conversions.DOMString(value, { context })
/** Lone surrogates become U+FFFD. */
export const usvString: Converter<string> = (value, context) => conversions.USVString(value, { context })

/** Integers wrap around modulo their range; see {@link enforceRange} for those that must not. */
export const unsignedShort: Converter<number> = (value, context) => conversions['unsigned short'](value, { context })
export const long: Converter<number> = (value, context) => conversions.long(value, { context })
export const unsignedLong: Converter<number> = (value, context) => conversions['unsigned long'](value, { context })

/** NaN and the infinities are a TypeError. */
export const double: Converter<number> = (value, context) => conversions.double(value, { context })

/** Integers with the extended attribute [EnforceRange]: out of range is a TypeError. */
export const enforceRange: {
  readonly octet: Converter<number>
  readonly unsignedShort: Converter<number>
  readonly unsignedLong: Converter<number>
  readonly unsignedLongLong: Converter<number>
} = {
  octet: (value, context) => conversions.octet(value, { context, enforceRange: true }),
  unsignedShort: (value, context) => conversions['unsigned short'](value, { context, enforceRange: true }),
  unsignedLong: (value, context) => conversions['unsigned long'](value, { context, enforceRange: true }),
  unsignedLongLong: (value, context) => conversions['unsigned long long'](value, { context, enforceRange: true }),
}

export function enumeration<T extends string>(name: string, values: readonly T[]): Converter<T> {
  return (value, context) => {
    const text = domString(value, context)
    const found = values.find(candidate => candidate === text)
    if (found === undefined) throw new TypeError(`${context}: '${shortened(text)}' is not a valid ${name}`)
    return found
  }
}

/** `T?`: null and undefined are null. */
export function nullable<T>(type: Converter<T>): Converter<T | null> {
  return (value, context) => (value === null || value === undefined ? null : type(value, context))
}

/** `sequence<T>`, from anything iterable. */
export function sequence<T>(type: Converter<T>): Converter<T[]> {
  return (value, context) => {
    const iterable = isObject(value) ? (value as { [Symbol.iterator]?: unknown })[Symbol.iterator] : undefined
    if (typeof iterable !== 'function') throw new TypeError(`${context} is not iterable`)
    const items: T[] = []
    for (const item of value as Iterable<unknown>) items.push(type(item, `${context}[${items.length}]`))
    return items
  }
}

/** An interface type. */
export function instance<T>(name: string, isInstance: (value: unknown) => value is T): Converter<T> {
  return (value, context) => {
    if (!isInstance(value)) throw new TypeError(`${context} is not of type '${name}'`)
    return value
  }
}

/** A member of a dictionary; `Present` says whether the converted dictionary always has it. */
export interface Member<T, Present extends boolean> {
  readonly type: Converter<T>
  readonly present: Present
  readonly required: boolean
  readonly fallback: T | undefined
}

export function required<T>(type: Converter<T>): Member<T, true> {
  return { type, present: true, required: true, fallback: undefined }
}

export function optional<T>(type: Converter<T>): Member<T, false> {
  return { type, present: false, required: false, fallback: undefined }
}

export function withDefault<T>(type: Converter<T>, fallback: T): Member<T, true> {
  return { type, present: true, required: false, fallback }
}

type Members = Readonly<Record<string, Member<unknown, boolean>>>
type ValueOf<M> = M extends Member<infer T, boolean> ? T : never
type PresentKeys<M extends Members> = { [K in keyof M]: M[K] extends Member<unknown, true> ? K : never }[keyof M]

/** What a converted dictionary looks like. */
export type Dictionary<M extends Members> = { [K in PresentKeys<M>]: ValueOf<M[K]> } & {
  [K in Exclude<keyof M, PresentKeys<M>>]?: ValueOf<M[K]>
}

/**
 * A dictionary type.
 *
 * @param members in the order WebIDL reads them: inherited ones first, each dictionary's own by name
 */
export function dictionary<M extends Members>(name: string, members: M): Converter<Dictionary<M>> {
  const entries = Object.entries(members)
  return (value, context) => {
    if (value !== undefined && value !== null && !isObject(value)) {
      throw new TypeError(`${context} is not an object, as ${name} has to be`)
    }
    const source = (value ?? {}) as Record<string, unknown>
    const converted: Record<string, unknown> = {}
    for (const [key, member] of entries) {
      const item = source[key]
      if (item !== undefined) converted[key] = member.type(item, `${context}: ${key}`)
      else if (member.required) throw new TypeError(`${context}: ${key} is required in ${name}`)
      else if (member.fallback !== undefined) converted[key] = member.fallback
    }
    return converted as Dictionary<M>
  }
}

/** DOM, EventInit: the members every event's dictionary inherits. */
export const eventInitMembers: {
  readonly bubbles: Member<boolean, true>
  readonly cancelable: Member<boolean, true>
  readonly composed: Member<boolean, true>
} = {
  bubbles: withDefault(boolean, false),
  cancelable: withDefault(boolean, false),
  composed: withDefault(boolean, false),
}

/** Passed to the constructors that applications must not call. */
export const constructorToken: unique symbol = Symbol('constructor token')

/** @throws {TypeError} if an application calls a constructor that its interface does not have. */
export function requireToken(token: unknown): void {
  if (token !== constructorToken) throw new TypeError('Illegal constructor')
}

const functionMembers: ReadonlySet<string> = new Set(['length', 'name', 'prototype'])

const implementations = new WeakMap<object, (value: object) => boolean>()

/** Whether a value is one of an interface: a prototype alone does not make it one. */
export function implementsInterface<T extends object>(type: { readonly prototype: T }, value: unknown): value is T {
  return isObject(value) && implementations.get(type)?.(value) === true
}

/** What a class does not show by itself of its interface. */
export interface InterfaceShape {
  /**
   * Whether something implements the interface, whatever its prototype. It is what {@link implementsInterface} asks, and it
   * guards the event handler attributes, which read no private member.
   */
  readonly implementedBy?: (value: object) => boolean
  /** The `length` of the interface object, where the constructor has parameters that are not of the interface. */
  readonly constructorLength?: number
}

/** Makes a class look as WebIDL has it: `[object Name]`, and attributes and operations that can be enumerated. */
export function exposeInterface(
  type: { readonly prototype: object },
  name: string,
  { implementedBy, constructorLength }: InterfaceShape = {},
): void {
  const { prototype } = type
  for (const [key, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    if (key === 'constructor') continue
    const guarded = implementedBy === undefined ? descriptor : guardedHandler(key, descriptor, implementedBy)
    Object.defineProperty(prototype, key, { ...guarded, enumerable: true })
  }
  // WebIDL §3.7.5: static operations are enumerable too; of what every function has, nothing is.
  for (const [key, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(type))) {
    if (!functionMembers.has(key)) Object.defineProperty(type, key, { ...descriptor, enumerable: true })
  }
  Object.defineProperty(prototype, Symbol.toStringTag, { value: name, configurable: true })
  // A bundler may have given the class another name.
  Object.defineProperty(type, 'name', { value: name, configurable: true })
  if (implementedBy !== undefined) implementations.set(type, implementedBy)
  // WebIDL §3.7.1: the length is that of the shortest list of arguments; an interface without a constructor has 0.
  if (constructorLength !== undefined) {
    Object.defineProperty(type, 'length', { value: constructorLength, configurable: true })
  }
}

/** WebIDL §3.7.6: an event handler attribute that throws where `this` does not implement the interface. */
function guardedHandler(
  key: string,
  descriptor: PropertyDescriptor,
  implementedBy: (value: object) => boolean,
): PropertyDescriptor {
  const { get, set } = descriptor
  if (!key.startsWith('on') || get === undefined || set === undefined) return descriptor
  const check = (target: unknown): void => {
    if (!isObject(target) || !implementedBy(target)) throw new TypeError(`${key}: Illegal invocation`)
  }
  // An object literal, since it names the two functions as WebIDL wants them: `get onopen` and `set onopen`.
  const guarded = {
    get [key](): unknown {
      check(this)
      return get.call(this)
    },
    set [key](handler: unknown) {
      check(this)
      set.call(this, handler)
    },
  }
  return { ...Object.getOwnPropertyDescriptor(guarded, key), configurable: true }
}

/** What an event handler attribute is set to: a function, or null. */
export type EventHandler<Target = EventTarget, E extends Event = Event> = ((this: Target, event: E) => unknown) | null

/**
 * What an event handler attribute is read as.
 *
 * A function that takes anything: TypeScript compares attributes by what is read. One that took no other target than ours
 * would keep our objects from being given to code that is written against TypeScript's `lib.dom`.
 */
// biome-ignore lint/suspicious/noExplicitAny: `never` and `unknown` both fail one direction of the comparison
export type HeldEventHandler = ((this: any, event: any) => any) | null

/** The event handlers of a target, by type. */
const eventHandlers = new WeakMap<EventTarget, Map<string, HandlerSlot>>()

interface HandlerSlot {
  /** A function; or an object, which WebIDL's [LegacyTreatNonObjectAsNull] keeps, and which is never called. */
  handler: object
  readonly listener: (event: Event) => unknown
}

/** Reads an `on...` attribute. */
export function getEventHandler<Handler>(target: EventTarget, type: string): Handler | null {
  return (eventHandlers.get(target)?.get(type)?.handler ?? null) as Handler | null
}

/**
 * Writes an `on...` attribute.
 *
 * HTML, event handlers: a handler takes its place among the listeners when it is first set; another one takes that place
 * over; null gives it up.
 */
export function setEventHandler(target: EventTarget, type: string, value: unknown): void {
  const slots = eventHandlers.get(target)
  const slot = slots?.get(type)
  if (!isObject(value)) {
    if (slot === undefined) return
    slots?.delete(type)
    target.removeEventListener(type, slot.listener)
  } else if (slot !== undefined) {
    slot.handler = value
  } else {
    const added = createSlot(target, value)
    if (slots === undefined) eventHandlers.set(target, new Map([[type, added]]))
    else slots.set(type, added)
    target.addEventListener(type, added.listener)
  }
}

function createSlot(target: EventTarget, handler: object): HandlerSlot {
  const slot: HandlerSlot = {
    handler,
    // The result is passed on: Node reports the rejection of a listener's promise like an exception.
    listener: event => {
      if (typeof slot.handler !== 'function') return undefined
      const result: unknown = slot.handler.call(target, event)
      // HTML, the event handler processing algorithm: false cancels the event
      if (result === false) event.preventDefault()
      return result
    },
  }
  return slot
}

/** An EventTarget whose listeners know the event they get: `Events` maps types to events. */
export interface TypedEventTarget<Events> extends EventTarget {
  addEventListener<Type extends keyof Events & string>(
    type: Type,
    listener: TypedListener<this, Events[Type]>,
    options?: ListenerOptions | boolean,
  ): void
  addEventListener(...listening: Parameters<EventTarget['addEventListener']>): void
  removeEventListener<Type extends keyof Events & string>(
    type: Type,
    listener: TypedListener<this, Events[Type]>,
    options?: { capture?: boolean } | boolean,
  ): void
  removeEventListener(...listening: Parameters<EventTarget['removeEventListener']>): void
}

type TypedListener<Target, E> = ((this: Target, event: E) => unknown) | { handleEvent(event: E): unknown }

interface ListenerOptions {
  capture?: boolean
  once?: boolean
  passive?: boolean
  signal?: AbortSignal
}

/** Node's own EventTarget, typed. */
export const TypedEventTarget: { new <Events>(): TypedEventTarget<Events> } = EventTarget as unknown as {
  new <Events>(): TypedEventTarget<Events>
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

/** Values end up in messages, and messages in logs: no more of them than helps. */
function shortened(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text
}
