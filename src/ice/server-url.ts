import { parseIp } from '../base/ip.ts'
import { IceError } from './errors.ts'

export type ServerScheme = 'stun' | 'stuns' | 'turn' | 'turns'

/** Where a STUN or TURN server is, and how to talk to it. */
export interface ServerUrl {
  readonly scheme: ServerScheme
  /** A DNS name, in ASCII, or a canonical IP address without brackets. */
  readonly host: string
  readonly port: number
  /** What carries the STUN messages. */
  readonly transport: 'udp' | 'tcp' | 'tls' | 'dtls'
  /** As it was given. */
  readonly url: string
}

/**
 * Reads the URL of a STUN or TURN server: RFC 7064 §3.1, RFC 7065 §3.1, in the way that webrtc-pc validates it.
 *
 * @throws {IceError} `invalid-url`
 */
export function parseServerUrl(url: string): ServerUrl {
  // webrtc-pc §4.4.1.5, validate an ICE server URL, step 1
  const parsed = /^([^:]*):([^?#]*)(\?[^#]*)?(#.*)?$/s.exec(parse(url).href)
  const scheme = parsed?.[1] ?? ''
  const path = parsed?.[2] ?? ''
  const query = parsed?.[3]
  // step 2: one of four schemes, a path that is opaque, no fragment, and a query with TURN alone
  if (!isScheme(scheme)) throw invalid('the scheme must be stun, stuns, turn or turns')
  if (/[/\\@]/.test(path)) throw invalid('there must be nothing but host and port behind the scheme')
  if (parsed?.[4] !== undefined) throw invalid('there must be no fragment')
  if (scheme.startsWith('stun') && query !== undefined) throw invalid('a STUN server has no query')
  // steps 4 and 5: host and port, as those of any web server
  const host = parse(`https://${path}`).hostname.replace(/^\[|\]$/g, '')
  // step 6
  if (query !== undefined && query !== '?transport=udp' && query !== '?transport=tcp') {
    throw invalid('the query must be transport=udp or transport=tcp')
  }
  return {
    scheme,
    host: parseIp(host)?.address ?? host,
    port: portOf(path) ?? defaultPort[scheme],
    transport: transportOf(scheme, query),
    url,
  }
}

// RFC 7064 §3.2, RFC 7065 §3.2
const defaultPort = { stun: 3478, stuns: 5349, turn: 3478, turns: 5349 } as const

/** A secure scheme means TLS, unless UDP is asked for: then it is DTLS. RFC 7350 §4.6.1. */
function transportOf(scheme: ServerScheme, query: string | undefined): ServerUrl['transport'] {
  const isSecure = scheme === 'stuns' || scheme === 'turns'
  const isStream = query === undefined ? isSecure : query === '?transport=tcp'
  if (isStream) return isSecure ? 'tls' : 'tcp'
  return isSecure ? 'dtls' : 'udp'
}

function isScheme(text: string): text is ServerScheme {
  return Object.hasOwn(defaultPort, text)
}

/** The port as it is written: that of a parsed `https` URL is left out where it is the usual one. */
function portOf(path: string): number | undefined {
  const digits = /:(\d+)$/.exec(path)?.[1]
  if (digits === undefined) return undefined
  const port = Number(digits)
  if (port === 0) throw invalid('there is no port 0')
  return port
}

function parse(url: string): URL {
  try {
    return new URL(url)
  } catch {
    throw invalid('not a URL with a host')
  }
}

function invalid(why: string): IceError {
  return new IceError('invalid-url', `not the URL of a STUN or TURN server: ${why}`)
}
