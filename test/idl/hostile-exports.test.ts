import assert from 'node:assert/strict'
import { types } from 'node:util'
import { describe, it } from 'mocha'
import {
  EncodedTrackSink,
  EncodedTrackSource,
  IcePort,
  type IcePortOptions,
  RtpTrackSink,
  RtpTrackSource,
} from '../../src/index.ts'
import { Simulation } from '../sim/virtual-environment.ts'
import { observe } from '../support/observed-environment.ts'
import { outcomeOf } from './calls.ts'
import * as everything from './exports.ts'
import { type HostileValue, hostileValues, Thrown } from './hostile-values.ts'
import { loadModel } from './model.ts'

const { interfaces } = loadModel()
type Callable = (...args: readonly unknown[]) => unknown

/** What icefloe has beside the documents: functions, and classes, which are called with `new`. */
function ownExports(): [string, Callable][] {
  return Object.entries(everything as Record<string, unknown>).flatMap(([name, value]): [string, Callable][] => {
    if (typeof value !== 'function' || interfaces.has(name)) return []
    const isClass = /^class\b/.test(Function.prototype.toString.call(value))
    const call: Callable = isClass ? (...args) => Reflect.construct(value, args) : (value as Callable)
    return [[name, call]]
  })
}

/** Ends what was made of a value that is of use after all. */
function end(made: unknown): void {
  if (typeof made !== 'object' || made === null) return
  const { close } = made as { close?: unknown }
  if (typeof close === 'function') Reflect.apply(close, made, [])
}

/** A library's function is one that says what is wrong, and not one that runs into it anywhere. */
function isExpected(reason: unknown): boolean {
  return [TypeError, RangeError, DOMException, Thrown].some(type => reason instanceof type)
}

async function assertAnswered(where: string, { what, make }: HostileValue, call: Callable): Promise<boolean> {
  const { how, with: outcome } = await outcomeOf(() => call(make()))
  if (how === 'returned') end(outcome)
  else assert.ok(isExpected(outcome), `${where}, ${what}: ${how} ${String(outcome)}`)
  return how !== 'returned'
}

describe('Values of every type, given to what the documents do not have', () => {
  for (const [name, call] of ownExports()) {
    it(`are answered or refused by ${name}`, async () => {
      for (const value of hostileValues) {
        await assertAnswered(`${name}, argument 1`, value, call)
        await assertAnswered(`${name}, argument 2`, value, given => call('audio', given))
        await assertAnswered(`${name}, argument 2 behind an object`, value, given => call({}, given))
      }
    })
  }

  it('are refused by IcePort.listen, as a whole and as each member', async () => {
    const sim = new Simulation(1)
    const { environment, opened } = observe(sim.host('here', ['192.0.2.1']))
    // Port 0 is one, and an option that is undefined is absent.
    const values = hostileValues.filter(({ make }) => {
      const value = make()
      return value !== undefined && value !== 0
    })
    for (const value of values) {
      assert.ok(await assertAnswered('IcePort.listen', value, given => IcePort.listen(given as IcePortOptions)))
      for (const member of ['port', 'addresses', 'environment', 'onUnknownRequest']) {
        if (isOfUse(member, value.make())) continue
        const options = (given: unknown) => ({ port: 0, environment, [member]: given }) as unknown as IcePortOptions
        const refused = await assertAnswered(`IcePort.listen, ${member}`, value, given =>
          IcePort.listen(options(given)),
        )
        assert.ok(refused, `IcePort.listen, ${member}: takes ${value.what}`)
      }
    }
    assert.equal(opened(), 0)
  })

  it('are answered or refused by each method and attribute of sources and sinks', async () => {
    const sources = [new EncodedTrackSource('video', { codec: 'video/VP8' }), new RtpTrackSource('video')]
    const sinks = sources.flatMap(({ track }) => [new EncodedTrackSink(track), new RtpTrackSink(track)])
    let refused = 0
    for (const each of [...sources, ...sinks]) {
      for (const [name, run] of membersOf(each)) {
        const where = `${each.constructor.name}.${name}`
        for (const value of hostileValues) if (await assertAnswered(where, value, run)) refused++
      }
    }
    assert.ok(refused > 100, `${refused}`)
    for (const { track } of sources) assert.equal(track.readyState, 'live')
    for (const each of [...sinks, ...sources]) each.close()
  })
})

/** Of a type that is right, and of no meaning; what comes of it is the operating system's to say. */
function isOfUse(member: string, value: unknown): boolean {
  if (member === 'onUnknownRequest') return typeof value === 'function'
  if (member === 'addresses') return !types.isProxy(value) && Array.isArray(value) && value.length === 0
  return member === 'environment' && typeof value === 'object' && value !== null
}

/** Methods with arguments, and attributes that can be set, own and inherited ones. */
function membersOf(target: object): [string, Callable][] {
  const members: [string, Callable][] = []
  let prototype: object = Object.getPrototypeOf(target)
  while (prototype !== Object.prototype && prototype !== EventTarget.prototype) {
    for (const [name, { value, set }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
      if (typeof value === 'function' && value.length > 0 && name !== 'constructor') {
        members.push([name, (...args) => Reflect.apply(value, target, args)])
      }
      if (set !== undefined) members.push([name, given => Reflect.set(target, name, given)])
    }
    prototype = Object.getPrototypeOf(prototype)
  }
  return members
}
