import { HttpsFailure, type HttpsResponse, requestHttps } from '../../../net/https-request.ts'
import { rtcError } from '../../rtc-error.ts'
import type { ProviderName } from '../provider-name.ts'
import type { SandboxRequest, SandboxResponse } from './provider-process.ts'

/** Bytes of a provider's script. */
export const maxScriptBytes: number = 512 * 1024
/** Redirects that are followed to it. */
export const maxRedirects = 5
/** Requests that a script may make in its life, and the bytes of what it sends and gets by each. */
export const maxRequests = 16
export const maxRequestBytes: number = 64 * 1024
export const maxResponseBytes: number = 256 * 1024

const methods: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']
/** What a script may say of its request; all else is for the connection. */
const ownHeaders = /^(?:accept|accept-language|authorization|content-type|x-[a-z0-9-]{1,64})$/

export interface ServerAccess {
  readonly tlsCa: string | undefined
  /** Whether a server is to be one of the public Internet. */
  readonly publicOnly: (url: URL) => boolean
  readonly signal: AbortSignal
}

export interface ProviderScript {
  readonly text: string
  /** RFC 8827 §7.5: a redirect changes the origin of the script, not the domain that it speaks for. */
  readonly url: URL
}

/**
 * Gets the script of a provider from its well-known place: RFC 8827 §7.5.
 *
 * @throws {RTCError} `idp-load-failure`, `idp-tls-failure`
 */
export async function loadScript({ authority, protocol }: ProviderName, access: ServerAccess): Promise<ProviderScript> {
  const prefix = '/.well-known/idp-proxy/'
  let url: URL | undefined = toUrl(`${prefix}${protocol}`, `https://${authority}`)
  if (url?.pathname.startsWith(prefix) !== true) throw rtcError('idp-load-failure', 'not a protocol')
  for (let redirects = 0; redirects <= maxRedirects; redirects++) {
    const response = await get(url, access)
    const target = isRedirect(response.status) ? response.headers.location : undefined
    if (target === undefined) return toScript(response, url)
    url = toUrl(target, url)
    // webrtc-identity §4.2: a redirect to any other scheme is a fatal error
    if (url?.protocol !== 'https:') throw loadFailure('a redirect leads away from HTTPS', response.status)
  }
  throw rtcError('idp-load-failure', 'too many redirects')
}

/** What a script may ask for: its own origin, over HTTPS, so often. @throws {Error} */
export function ownOriginFetch(
  origin: string,
  { tlsCa, publicOnly, signal }: ServerAccess,
): (request: SandboxRequest) => Promise<SandboxResponse> {
  let requests = 0
  return async ({ url: given, method: verb, headers, body }) => {
    const url = toUrl(given, origin)
    const method = verb.toUpperCase()
    if (url?.origin !== origin || url.protocol !== 'https:') throw new Error('fetch: not of the origin of the script')
    if (!methods.includes(method)) throw new Error('fetch: not a method')
    if (++requests > maxRequests || Buffer.byteLength(body) > maxRequestBytes) throw new Error('fetch: too much')
    const own = headers.map(([name, value]) => [name.toLowerCase(), value] as const)
    const allowed = Object.fromEntries(
      own.filter(([name, value]) => ownHeaders.test(name) && /^[\x20-\x7e]{0,4096}$/.test(value)),
    )
    const response = await requestHttps({
      url,
      method,
      headers: allowed,
      body,
      maxBytes: maxResponseBytes,
      ca: tlsCa,
      publicOnly: publicOnly(url),
      signal,
    })
    return { status: response.status, headers: response.headers, body: response.body.toString(), url: url.href }
  }
}

async function get(url: URL, { tlsCa, publicOnly, signal }: ServerAccess): Promise<HttpsResponse> {
  try {
    const headers = { accept: 'text/javascript, */*' }
    return await requestHttps({
      url,
      method: 'GET',
      headers,
      body: '',
      maxBytes: maxScriptBytes,
      ca: tlsCa,
      publicOnly: publicOnly(url),
      signal,
    })
  } catch (error) {
    const { kind, message } = error as HttpsFailure
    const detail = error instanceof HttpsFailure && kind === 'tls' ? 'idp-tls-failure' : 'idp-load-failure'
    throw rtcError(detail, `the identity provider cannot be loaded: ${message}`)
  }
}

function toScript({ status, body }: HttpsResponse, url: URL): ProviderScript {
  if (status !== 200) throw loadFailure(`the server of the identity provider says ${status}`, status)
  return { text: body.toString(), url }
}

function loadFailure(message: string, httpRequestStatusCode: number): Error {
  return rtcError('idp-load-failure', message, { httpRequestStatusCode })
}

function isRedirect(status: number): boolean {
  return [301, 302, 303, 307, 308].includes(status)
}

function toUrl(text: string, base: string | URL): URL | undefined {
  try {
    const url = new URL(text, base)
    // It would be sent to the server that is redirected to, and never came from a user.
    url.username = ''
    url.password = ''
    return url
  } catch {
    return undefined
  }
}
