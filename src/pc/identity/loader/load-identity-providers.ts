import { setMaxListeners } from 'node:events'
import type { Timers } from '../../../base/environment.ts'
import { createSystemEnvironment } from '../../../net/system-environment.ts'
import { rtcError } from '../../rtc-error.ts'
import type { RTCIdentityProvider } from '../identity-provider.ts'
import { type ProviderName, parseProviderName } from '../provider-name.ts'
import { addProviderLoader } from '../provider-registry.ts'
import { ProviderProcess } from './provider-process.ts'
import { loadScript, ownOriginFetch, type ServerAccess } from './script-source.ts'

/** Scripts that run at the same time, each in a process; one more is not loaded. */
export const maxProviderProcesses = 8

export interface IdentityProviderLoading {
  /**
   * The domains, with their ports where those are not the one of HTTPS, whose providers are loaded. `any`: whichever the
   * application or a peer names. Servers that are not in the list, which redirects may lead to, are connected to at public
   * addresses alone.
   */
  readonly domains: readonly string[] | 'any'
  /** Authorities (PEM) that the servers are verified with, in place of those that Node trusts. */
  readonly tlsCa?: string
}

/**
 * Has identity providers that are not registered loaded as browsers do it: the script at `/.well-known/idp-proxy/` of their
 * domain, over HTTPS. Each runs in a process of its own, which has no files, no environment, and no network but requests
 * to its own origin. RFC 8827 §7.5
 *
 * @returns what ends it; scripts that run are not asked any more
 * @throws {TypeError | DOMException} SyntaxError for what is no domain
 */
export function loadIdentityProviders({ domains, tlsCa }: IdentityProviderLoading): () => void {
  const allowed = domains === 'any' ? undefined : new Set([...domains].map(toAuthority))
  const { timers } = createSystemEnvironment()
  const running = new Set<Loading>()
  const remove = addProviderLoader({
    load: (name, signal) => {
      if (signal.aborted || allowed?.has(name.authority) === false) return undefined
      if (running.size >= maxProviderProcesses)
        throw rtcError('idp-load-failure', 'too many identity providers are loaded')
      const loading = new Loading(timers, () => running.delete(loading))
      running.add(loading)
      signal.addEventListener('abort', () => loading.close(), { once: true })
      return loading.load(name, { tlsCa, publicOnly: ({ host }) => allowed?.has(host) !== true })
    },
  })
  return () => {
    remove()
    for (const loading of [...running]) loading.close()
  }
}

/** A script that is loaded, asked one thing, and ended. */
class Loading {
  readonly #timers: Timers
  readonly #ended: () => void
  readonly #ending = new AbortController()
  #process: ProviderProcess | undefined

  constructor(timers: Timers, ended: () => void) {
    this.#timers = timers
    this.#ended = ended
    // As many as there are requests.
    setMaxListeners(0, this.#ending.signal)
  }

  async load(name: ProviderName, access: Omit<ServerAccess, 'signal'>): Promise<RTCIdentityProvider> {
    try {
      const { text, url } = await loadScript(name, { ...access, signal: this.#ending.signal })
      if (this.#ending.signal.aborted) throw rtcError('idp-load-failure', 'it is not needed any more')
      if (importing.test(text)) throw rtcError('idp-bad-script-failure', 'the script has the word import')
      const fetch = ownOriginFetch(url.origin, { ...access, signal: this.#ending.signal })
      const started = new ProviderProcess({ script: text, url, timers: this.#timers, fetch })
      this.#process = started
      // webrtc-identity §8: no JavaScript, or none that registers a provider
      if (!(await started.start()))
        throw rtcError('idp-bad-script-failure', 'the script registers no identity provider')
      return this.#provider(started)
    } catch (error) {
      this.close()
      throw error
    }
  }

  close(): void {
    if (this.#ending.signal.aborted) return
    this.#ending.abort()
    this.#process?.close()
    this.#ended()
  }

  #provider(started: ProviderProcess): RTCIdentityProvider {
    const ask = async (type: 'generate' | 'validate', args: readonly unknown[]): Promise<never> => {
      try {
        return (await started.call(type, args)) as never
      } finally {
        this.close()
      }
    }
    return {
      generateAssertion: (...args) => ask('generate', args),
      validateAssertion: (...args) => ask('validate', args),
    }
  }
}

/**
 * The word, wherever it stands: there are more ways to write `import()` than to read it. What a module would come from is
 * Node's, and so would be the error that it cannot.
 */
const importing = /\bimport\b/

function toAuthority(domain: string): string {
  const name = parseProviderName(domain, 'default')
  if (name === undefined) throw new DOMException('not the domain of an identity provider', 'SyntaxError')
  return name.authority
}
