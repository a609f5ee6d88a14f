import { isLinkLocalIpv6, parseIp } from '../base/ip.ts'

/** How long a name may take. The system's own resolver tries its second server after five seconds. */
export const lookupLimitMs = 8_000

/**
 * Names looked up at the same time. Each takes a thread of Node's small pool for as long as the system's resolver wants,
 * and files and cryptography need those too.
 */
export const maxConcurrentLookups = 2

/** Names that wait for their turn; further ones are not resolved. */
export const maxWaitingLookups = 64

/** Addresses of one name that are told. */
export const maxAddresses = 16

/** Asks the system's resolver for all addresses of a name, in its order. Rejects if there are none. */
export type Lookup = (name: string) => Promise<readonly { readonly address: string }[]>

/**
 * Resolves the names of servers with the resolver of the operating system: hosts file, DNS and what else it knows.
 *
 * RFC 8489 §8.1: both A and AAAA records are asked for. Nothing is remembered, for the system does that.
 */
export class HostNames {
  readonly #lookup: Lookup
  readonly #limitMs: number
  readonly #asked = new Map<string, Promise<readonly string[]>>()
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(lookUp: Lookup = systemLookup, limitMs: number = lookupLimitMs) {
    this.#lookup = lookUp
    this.#limitMs = limitMs
  }

  /** The addresses of a name, canonical, best first; those of a literal at once. Never rejects. */
  resolveHost(name: string): Promise<readonly string[]> {
    const literal = parseIp(name)
    if (literal !== undefined) return Promise.resolve([literal.address])
    if (!isHostName(name)) return Promise.resolve([])
    const key = name.toLowerCase()
    const asked = this.#asked.get(key)
    if (asked !== undefined) return asked
    if (this.#waiting.length >= maxWaitingLookups) return Promise.resolve([])
    const answer = this.#ask(key)
    this.#asked.set(key, answer)
    return answer
  }

  #ask(name: string): Promise<readonly string[]> {
    return new Promise(resolve => {
      const finish = (addresses: readonly string[]): void => {
        if (limit === undefined) return
        clearTimeout(limit)
        limit = undefined
        this.#asked.delete(name)
        resolve(addresses)
      }
      const start = (): void => {
        this.#running++
        void this.#find(name).then(addresses => {
          finish(addresses)
          // The thread was taken until now, also if the answer came too late.
          this.#running--
          this.#startNext()
        })
      }
      let limit: NodeJS.Timeout | undefined = setTimeout(() => {
        const index = this.#waiting.indexOf(start)
        if (index >= 0) this.#waiting.splice(index, 1)
        finish([])
      }, this.#limitMs).unref()
      this.#waiting.push(start)
      this.#startNext()
    })
  }

  async #find(name: string): Promise<readonly string[]> {
    try {
      return usableAddresses(await this.#lookup(name))
    } catch {
      return []
    }
  }

  #startNext(): void {
    if (this.#running < maxConcurrentLookups) this.#waiting.shift()?.()
  }
}

/** Loaded when it is first needed: most processes have no servers, or know them by address. */
const systemLookup: Lookup = async name => {
  const { lookup } = await import('node:dns/promises')
  return lookup(name, { all: true, verbatim: true })
}

/** RFC 1035 §2.3.4: 253 octets in text. Underscores, and letters of other alphabets, are for the resolver to judge. */
function isHostName(name: string): boolean {
  return name.length <= 253 && /^[\p{L}\p{M}\p{N}._-]+$/u.test(name)
}

function usableAddresses(found: readonly { readonly address: string }[]): string[] {
  const addresses = new Set<string>()
  for (const { address } of found) {
    const ip = parseIp(address)
    // RFC 4291 §2.5.6: a link-local address means nothing without a zone
    if (ip !== undefined && !isLinkLocalIpv6(ip.address)) addresses.add(ip.address)
  }
  return [...addresses].slice(0, maxAddresses)
}
