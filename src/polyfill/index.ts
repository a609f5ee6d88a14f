/** The interfaces of WebRTC as globals: `import 'icefloe/polyfill'`. */
import { interfaces } from './interfaces.ts'

export * from './exports.ts'
// What `node-datachannel/polyfill` has as its default: the package may be overridden by this one.
export { interfaces as default } from './interfaces.ts'

export interface InstallOptions {
  /** Replaces what is there. False if not given. */
  readonly force?: boolean
}

/**
 * Gives an object the interfaces of WebRTC: those that it has none of.
 *
 * @param target an object that stands for a global one, as the window of jsdom does; `globalThis` if not given
 * @returns the names of the interfaces that were installed
 */
export function install(target: object = globalThis, { force = false }: InstallOptions = {}): string[] {
  const installed: string[] = []
  for (const [name, value] of Object.entries(interfaces)) {
    if (!force && (target as Record<string, unknown>)[name] !== undefined) continue
    // WebIDL §3.7: an interface object is a property that can be changed, and is not enumerated
    Object.defineProperty(target, name, { value, writable: true, enumerable: false, configurable: true })
    installed.push(name)
  }
  return installed
}

install()
