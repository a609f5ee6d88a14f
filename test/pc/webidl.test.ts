import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import {
  boolean,
  constructorToken,
  dictionary,
  domString,
  type EventHandler,
  enforceRange,
  enumeration,
  exposeInterface,
  getEventHandler,
  implementsInterface,
  instance,
  nullable,
  optional,
  requireArguments,
  required,
  requireToken,
  sequence,
  setEventHandler,
  TypedEventTarget,
  unsignedShort,
  usvString,
  withDefault,
} from '../../src/pc/webidl.ts'

describe('WebIDL conversions', () => {
  it('tells a missing argument by number', () => {
    requireArguments(1, 1, 'A.b')
    assert.throws(() => requireArguments(0, 1, 'A.b'), new TypeError('A.b: 1 argument required, but only 0 present'))
    assert.throws(() => requireArguments(1, 2, 'A.b'), new TypeError('A.b: 2 arguments required, but only 1 present'))
  })

  it('wraps integers around, but for those that are range-checked', () => {
    assert.equal(unsignedShort(65_537, 'x'), 1)
    assert.equal(unsignedShort('7', 'x'), 7)
    assert.equal(enforceRange.unsignedShort(65_535, 'x'), 65_535)
    for (const value of [65_536, -1, Number.NaN, Number.POSITIVE_INFINITY, 'text', {}]) {
      assert.throws(() => enforceRange.unsignedShort(value, 'the id'), /^TypeError: the id /)
    }
    assert.throws(() => enforceRange.octet(256, 'x'), TypeError)
    assert.throws(() => enforceRange.unsignedLong(2 ** 32, 'x'), TypeError)
    assert.equal(enforceRange.unsignedLongLong(2 ** 53 - 1, 'x'), 2 ** 53 - 1)
  })

  it('replaces lone surrogates in a USVString and keeps them in a DOMString', () => {
    assert.equal(usvString('a\ud800b', 'x'), 'a\ufffdb')
    assert.equal(domString('a\ud800b', 'x'), 'a\ud800b')
    assert.equal(domString(null, 'x'), 'null')
    assert.throws(() => domString(Symbol('s'), 'the label'), /^TypeError: the label /)
  })

  it('takes the values of an enumeration and no others', () => {
    const color = enumeration('Color', ['red', 'green'])
    assert.equal(color('red', 'x'), 'red')
    assert.equal(color({ toString: () => 'green' }, 'x'), 'green')
    assert.throws(() => color('Red', 'the color'), new TypeError("the color: 'Red' is not a valid Color"))
    assert.throws(() => color(undefined, 'x'), TypeError)
  })

  it('shortens a long value in a message', () => {
    const color = enumeration('Color', ['red'])
    assert.throws(
      () => color('x'.repeat(10_000), 'the color'),
      (error: Error) => error.message.length < 100,
    )
  })

  it('converts any iterable to a sequence, and nothing else', () => {
    const numbers = sequence(unsignedShort)
    assert.deepEqual(numbers(new Set([1, '2']), 'x'), [1, 2])
    assert.deepEqual(numbers([], 'x'), [])
    for (const value of ['12', 12, {}, null, undefined, { [Symbol.iterator]: 1 }]) {
      assert.throws(() => numbers(value, 'the list'), new TypeError('the list is not iterable'))
    }
    assert.throws(() => sequence(enforceRange.octet)([1, 256], 'the list'), /^TypeError: the list\[1\] /)
  })

  it('reads null and undefined as null where that is allowed', () => {
    assert.equal(nullable(unsignedShort)(null, 'x'), null)
    assert.equal(nullable(unsignedShort)(undefined, 'x'), null)
    assert.equal(nullable(unsignedShort)(0, 'x'), 0)
  })

  it('takes instances of an interface only', () => {
    const date = instance('Date', (value): value is Date => value instanceof Date)
    const value = new Date(0)
    assert.equal(date(value, 'x'), value)
    assert.throws(() => date({}, 'the date'), new TypeError("the date is not of type 'Date'"))
  })
})

describe('WebIDL dictionaries', () => {
  const read: string[] = []
  const member = (name: string) => (value: unknown) => {
    read.push(name)
    return String(value)
  }
  const convert = dictionary('Options', {
    first: required(member('first')),
    fallen: withDefault(member('fallen'), 'default'),
    last: optional(member('last')),
  })

  it('fills in defaults and leaves out what is not there', () => {
    const converted = convert({ first: 1, other: 2 }, 'x')
    assert.deepEqual(converted, { first: '1', fallen: 'default' })
    assert.equal('last' in converted, false)
  })

  it('treats undefined as missing, and null as a value', () => {
    assert.deepEqual(convert({ first: null, fallen: undefined }, 'x'), { first: 'null', fallen: 'default' })
  })

  it('reads members in the order of the definition', () => {
    read.length = 0
    convert({ last: 1, fallen: 1, first: 1 }, 'x')
    assert.deepEqual(read, ['first', 'fallen', 'last'])
  })

  it('takes null, undefined and functions for objects, but no other value', () => {
    const empty = dictionary('Empty', { flag: withDefault(boolean, true) })
    assert.deepEqual(empty(undefined, 'x'), { flag: true })
    assert.deepEqual(empty(null, 'x'), { flag: true })
    assert.deepEqual(
      empty(() => 0, 'x'),
      { flag: true },
    )
    for (const value of [1, 'text', true, Symbol('s')]) {
      assert.throws(
        () => empty(value, 'the options'),
        new TypeError('the options is not an object, as Empty has to be'),
      )
    }
  })

  it('demands what is required', () => {
    assert.throws(() => convert({}, 'the options'), new TypeError('the options: first is required in Options'))
    assert.throws(() => convert(undefined, 'x'), TypeError)
  })

  it('reads inherited members and lets getters throw', () => {
    const parent = { first: 'inherited' }
    assert.equal(convert(Object.create(parent), 'x').first, 'inherited')
    const failing = {
      get first(): never {
        throw new RangeError('mine')
      },
    }
    assert.throws(() => convert(failing, 'x'), RangeError)
  })

  it('is not led astray by keys of Object.prototype', () => {
    const converted = convert(JSON.parse('{"first":1,"__proto__":{"last":"evil"}}'), 'x')
    assert.equal(Object.getPrototypeOf(converted), Object.prototype)
    assert.equal(({} as { last?: unknown }).last, undefined)
  })
})

describe('WebIDL interfaces', () => {
  it('throws from a constructor that applications do not have', () => {
    requireToken(constructorToken)
    for (const value of [undefined, null, {}, Symbol('constructor token')]) {
      assert.throws(() => requireToken(value), new TypeError('Illegal constructor'))
    }
  })

  it('names instances and makes their attributes and operations enumerable', () => {
    class Example {
      get attribute(): number {
        return 1
      }
      operation(): void {}
      static staticOperation(): void {}
    }
    exposeInterface(Example, 'Example')
    assert.deepEqual(Object.keys(Example), ['staticOperation'])
    for (const key of ['length', 'name', 'prototype']) {
      assert.equal(Object.getOwnPropertyDescriptor(Example, key)?.enumerable, false, key)
    }
    const seen: string[] = []
    for (const key in new Example()) seen.push(key)
    assert.deepEqual(seen, ['attribute', 'operation'])
    assert.equal(String(new Example()), '[object Example]')
    assert.equal(new Example().attribute, 1)
  })

  class Guarded extends TypedEventTarget<{ ping: Event }> {
    static {
      exposeInterface(Guarded, 'Guarded', { constructorLength: 0, implementedBy: value => #name in value })
    }

    readonly #name: string

    constructor(name: string) {
      super()
      this.#name = name
    }

    get name(): string {
      return this.#name
    }

    get onping(): EventHandler<Guarded> {
      return getEventHandler(this, 'ping')
    }

    set onping(handler: EventHandler<Guarded>) {
      setEventHandler(this, 'ping', handler)
    }
  }

  it('have the length of their definition, not that of the class', () => {
    assert.deepEqual(Object.getOwnPropertyDescriptor(Guarded, 'length'), {
      value: 0,
      writable: false,
      enumerable: false,
      configurable: true,
    })
  })

  it('are not implemented by what only has their prototype', () => {
    class Derived extends Guarded {}
    assert.equal(implementsInterface(Guarded, new Guarded('a')), true)
    assert.equal(implementsInterface(Guarded, new Derived('a')), true)
    for (const value of [Object.create(Guarded.prototype), Guarded.prototype, {}, null, undefined, 1]) {
      assert.equal(implementsInterface(Guarded, value), false)
    }
    class Unknown {}
    assert.equal(implementsInterface(Unknown, new Unknown()), false)
  })

  it('refuse event handlers on anything else, and keep the names of the functions', () => {
    const handler = Object.getOwnPropertyDescriptor(Guarded.prototype, 'onping')
    assert.ok(handler?.get && handler.set)
    assert.deepEqual([handler.get.name, handler.set.name, handler.enumerable], ['get onping', 'set onping', true])
    for (const value of [Object.create(Guarded.prototype), new EventTarget(), null, undefined, 1]) {
      assert.throws(() => Reflect.apply(Object(handler.get), value, []), new TypeError('onping: Illegal invocation'))
      assert.throws(
        () => Reflect.apply(Object(handler.set), value, [null]),
        new TypeError('onping: Illegal invocation'),
      )
    }
    const guarded = new Guarded('a')
    const heard = (): void => undefined
    guarded.onping = heard
    assert.equal(guarded.onping, heard)
    assert.equal(guarded.name, 'a')
  })
})

describe('event handler attributes', () => {
  class Target extends TypedEventTarget<{ ping: Event }> {
    get onping(): EventHandler<Target> {
      return getEventHandler(this, 'ping')
    }
    set onping(handler: EventHandler<Target>) {
      setEventHandler(this, 'ping', handler)
    }
  }

  it('are null at first, and what was set after that', () => {
    const target = new Target()
    const handler = (): void => {}
    assert.equal(target.onping, null)
    target.onping = handler
    assert.equal(target.onping, handler)
    target.onping = null
    assert.equal(target.onping, null)
  })

  it('become null where no object is set', () => {
    const target = new Target()
    target.onping = () => assert.fail('was called')
    for (const value of [undefined, 5, 'text', true]) {
      target.onping = value as unknown as EventHandler
      assert.equal(target.onping, null)
    }
    target.dispatchEvent(new Event('ping'))
  })

  it('keep an object that cannot be called, and do not call it', () => {
    const target = new Target()
    const object = { handleEvent: () => assert.fail('was called') }
    target.onping = object as unknown as EventHandler
    assert.equal(target.onping, object)
    target.dispatchEvent(new Event('ping'))
  })

  it('are called with the target as this, once for each event', () => {
    const target = new Target()
    const calls: unknown[] = []
    target.onping = function (event) {
      calls.push(this, event)
    }
    const event = new Event('ping')
    target.dispatchEvent(event)
    assert.deepEqual(calls, [target, event])
    assert.equal(event.currentTarget, null)
  })

  it('keep their place among the listeners until they are removed', () => {
    const target = new Target()
    const order: string[] = []
    target.addEventListener('ping', () => order.push('before'))
    target.onping = () => order.push('first handler')
    target.addEventListener('ping', () => order.push('after'))
    target.onping = () => order.push('second handler')
    target.dispatchEvent(new Event('ping'))
    assert.deepEqual(order, ['before', 'second handler', 'after'])

    order.length = 0
    target.onping = null
    target.onping = () => order.push('third handler')
    target.dispatchEvent(new Event('ping'))
    assert.deepEqual(order, ['before', 'after', 'third handler'])
  })

  it('cancel a cancelable event by returning false', () => {
    const target = new Target()
    target.onping = () => false
    assert.equal(target.dispatchEvent(new Event('ping', { cancelable: true })), false)
    target.onping = () => 0
    assert.equal(target.dispatchEvent(new Event('ping', { cancelable: true })), true)
  })

  it('belong to one target each', () => {
    const first = new Target()
    const second = new Target()
    first.onping = () => assert.fail('was called')
    assert.equal(second.onping, null)
    second.dispatchEvent(new Event('ping'))
  })
})
