import * as everything from './exports.ts'
import type { InterfaceObject } from './shape.ts'

/** By name. */
export type Exports = Readonly<Record<string, unknown>>

const exported: Exports = everything

export function interfaceObject(name: string, exports: Exports = exported): InterfaceObject | undefined {
  const found = exports[name]
  return typeof found === 'function' ? (found as InterfaceObject) : undefined
}

/** An interface that others inherit from: ours, or one of Node. */
export function parentObject(name: string | null, exports: Exports = exported): unknown {
  return name === null ? undefined : (interfaceObject(name, exports) ?? Reflect.get(globalThis, name))
}
