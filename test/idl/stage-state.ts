import type { Instances } from './instances.ts'
import { attributesOf, type Interface } from './model.ts'

/** What can be asked of an object without a change to it. */
const questions = [
  'getConfiguration',
  'getConstraints',
  'getHeaderExtensionsToNegotiate',
  'getMetadata',
  'getParameters',
  'getReceivers',
  'getSenders',
  'getSettings',
  'getTracks',
  'getTransceivers',
]

const deepest = 4

/** Everything that the objects of a stage show of their state, by `Interface.member`. */
export type StageState = ReadonlyMap<string, string>

/** Reads all attributes of all objects, and asks them what can be asked. */
export class StateReader {
  readonly #definitions: Iterable<Interface>
  readonly #instances: Instances
  /** Objects are compared by identity. */
  readonly #numbers: WeakMap<object, number> = new WeakMap()
  #lastNumber = 0

  constructor(definitions: Iterable<Interface>, instances: Instances) {
    this.#definitions = definitions
    this.#instances = instances
  }

  read(): StageState {
    const state = new Map<string, string>()
    for (const definition of this.#definitions) {
      const instance = this.#instances.get(definition.name)
      if (instance === undefined) continue
      for (const { name } of attributesOf(definition)) {
        if (name in instance) state.set(`${definition.name}.${name}`, this.#show(Reflect.get(instance, name), 0))
      }
      for (const name of questions) {
        const question: unknown = Reflect.get(instance, name)
        if (typeof question !== 'function') continue
        state.set(`${definition.name}.${name}()`, this.#show(Reflect.apply(question, instance, []), 0))
      }
    }
    return state
  }

  #show(value: unknown, depth: number): string {
    if (typeof value === 'string') return JSON.stringify(value.slice(0, 1000))
    if (typeof value !== 'object' || value === null) return String(value)
    if (depth > deepest) return '…'
    if (Array.isArray(value)) return `[${value.map(item => this.#show(item, depth + 1)).join()}]`
    if (Object.getPrototypeOf(value) !== Object.prototype) return `${value.constructor?.name} ${this.#numberOf(value)}`
    // It is another one each time: RTCRtpSender.getParameters
    const entries = Object.entries(value).filter(([key]) => key !== 'transactionId')
    return `{${entries.map(([key, item]) => `${key}:${this.#show(item, depth + 1)}`).join()}}`
  }

  #numberOf(value: object): number {
    const number = this.#numbers.get(value) ?? ++this.#lastNumber
    this.#numbers.set(value, number)
    return number
  }
}

/** What is not as it was. */
export function changes(before: StageState, after: StageState): string[] {
  return [...after].flatMap(([where, value]) =>
    before.get(where) === value ? [] : [`${where}: ${before.get(where)} became ${value}`],
  )
}
