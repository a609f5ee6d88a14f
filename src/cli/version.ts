import { createRequire } from 'node:module'

/** Of this package. */
export function version(): string {
  const own: unknown = createRequire(import.meta.url)('icefloe/package.json')
  return (own as { readonly version: string }).version
}
