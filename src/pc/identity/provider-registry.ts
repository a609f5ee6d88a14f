import { domString } from '../webidl.ts'
import { isIdentityProvider, type RTCIdentityProvider } from './identity-provider.ts'
import { hasSeparator, type ProviderName, parseProviderName, toAsciiDomain } from './provider-name.ts'

export interface IdentityProviderRegistration {
  /**
   * Domains other than its own whose users the provider is trusted to know: RFC 8827 §8.1, rule 2. None if not given: a
   * provider speaks for its own domain alone.
   */
  readonly thirdPartyDomains?: readonly string[]
}

/** A provider that can be asked. */
export interface FoundProvider {
  readonly provider: RTCIdentityProvider
  /** Domains that it is trusted with besides its own: A-labels in lower case. */
  readonly thirdPartyDomains: ReadonlySet<string>
}

/** Gets providers that nobody has registered. */
export interface ProviderLoader {
  /**
   * @param signal what was begun is of no use any more
   * @throws {RTCError} `idp-load-failure`, `idp-tls-failure`, `idp-bad-script-failure`; undefined: it does not load this one
   */
  load(name: ProviderName, signal: AbortSignal): Promise<RTCIdentityProvider> | undefined
}

const registered = new Map<string, FoundProvider>()
const loaders = new Set<ProviderLoader>()

/**
 * Makes an object of this program the identity provider of a domain and protocol, for all connections: the one that
 * `setIdentityProvider(domain, { protocol })` means, and that validates what others say it has asserted.
 *
 * @param domain a domain name, with a port if it is not the one of HTTPS: `idp.example`
 * @param protocol `default` where there is just one
 * @returns what ends it
 * @throws {TypeError} if it is no provider
 * @throws {DOMException} SyntaxError for what is no domain or protocol, InvalidStateError if there is one already
 */
export function registerIdentityProvider(
  domain: string,
  protocol: string,
  provider: RTCIdentityProvider,
  { thirdPartyDomains = [] }: IdentityProviderRegistration = {},
): () => void {
  const context = 'registerIdentityProvider'
  const name = toProviderName(domString(domain, `${context}: domain`), domString(protocol, `${context}: protocol`))
  if (!isIdentityProvider(provider)) throw new TypeError(`${context}: not an identity provider`)
  const key = keyOf(name)
  if (registered.has(key)) throw new DOMException('there is one for this domain and protocol', 'InvalidStateError')
  const found: FoundProvider = { provider, thirdPartyDomains: new Set(thirdPartyDomains.map(toDomain)) }
  registered.set(key, found)
  return () => {
    if (registered.get(key) === found) registered.delete(key)
  }
}

/** Asks `loader` for providers that are not registered, until the result is called. */
export function addProviderLoader(loader: ProviderLoader): () => void {
  loaders.add(loader)
  return () => loaders.delete(loader)
}

/**
 * webrtc-identity §4.2: the provider of that name; undefined if there is none.
 *
 * @throws {RTCError} if it cannot be loaded
 */
export async function findProvider(name: ProviderName, signal: AbortSignal): Promise<FoundProvider | undefined> {
  const found = registered.get(keyOf(name))
  if (found !== undefined) return found
  for (const loader of loaders) {
    const provider = await loader.load(name, signal)
    // RFC 8827 §8.1: what was loaded for a domain speaks for that one alone
    if (provider !== undefined) return { provider, thirdPartyDomains: new Set() }
  }
  return undefined
}

function toProviderName(domain: string, protocol: string): ProviderName {
  const name = hasSeparator(protocol) ? undefined : parseProviderName(domain, protocol)
  if (name === undefined) throw new DOMException('not a domain and protocol of an identity provider', 'SyntaxError')
  return name
}

function toDomain(domain: string): string {
  const ascii = toAsciiDomain(domain)
  if (ascii === undefined) throw new DOMException('thirdPartyDomains: not a domain name', 'SyntaxError')
  return ascii
}

function keyOf({ authority, protocol }: ProviderName): string {
  return `${authority}/${protocol}`
}
