import { domainToASCII } from 'node:url'

/** RFC 1035 §2.3.4: octets of a domain name, and of a label. */
const maxDomainLength = 253
const label = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?'
const asciiDomain = new RegExp(`^${label}(?:\\.${label})*$`)
/** RFC 3986 §3.2: an authority; what would end it, or be something else to another reader, is not let in. */
const authority = /^(?:[\w.~!$&'()*+,;=:%-]{0,128}@)?([^\s/\\?#@:[\]%<>^|"`{}\p{Cc}]{1,253})(?::([0-9]{1,5}))?$/u

/** Characters of a protocol; the text sets no bound. */
export const maxProtocolLength = 256

/** Characters of an identity; the text sets no bound. */
export const maxIdentityLength = 1_024

/** Where an identity provider is, and which of its protocols is meant: RFC 8827 §7.5. */
export interface ProviderName {
  /** The domain that it speaks for: A-labels in lower case. */
  readonly domain: string
  /** The same with the port, if that is not the one of HTTPS. */
  readonly authority: string
  readonly protocol: string
}

/**
 * RFC 8827 §7.5: authority and protocol of a provider.
 *
 * User information is passed over: it is not sent to the server, and is removed where domains are compared.
 *
 * @returns undefined if it is none
 */
export function parseProviderName(domain: string, protocol: string): ProviderName | undefined {
  const match = domain.length > 2 * maxDomainLength ? null : authority.exec(domain)
  const host = match?.[1] === undefined ? undefined : toAsciiDomain(match[1])
  const port = match?.[2] === undefined ? 443 : Number(match[2])
  if (host === undefined || port < 1 || port > 65_535 || !isProtocol(protocol)) return undefined
  return { domain: host, authority: port === 443 ? host : `${host}:${port}`, protocol }
}

/** RFC 8827 §7.5: separators would lead out of the controlled prefix of the path. */
export function hasSeparator(protocol: string): boolean {
  return /[/\\]/.test(protocol)
}

function isProtocol(protocol: string): boolean {
  if (protocol.length > maxProtocolLength || hasSeparator(protocol)) return false
  // Spaces at the end are no part of a URL: what is left may be another protocol, or `..`.
  if (protocol.trim() !== protocol || /[\p{Cc}\p{Cs}]/u.test(protocol)) return false
  // RFC 8827 §7.5: no separators, which servers may see in %2F and %5C as well; `.` and `..` lead elsewhere without.
  const [segment = ''] = protocol.split(/[?#]/, 1)
  return !/%2f|%5c|^(?:\.|%2e){1,2}$/i.test(segment)
}

/** RFC 8827 §8.1: an identity that a provider has confirmed. */
export interface PeerName {
  /** With `@` and `%` percent-encoded. */
  readonly user: string
  /** A-labels in lower case. */
  readonly domain: string
}

/** @returns undefined if it is not of the form <user>@<domain> */
export function parseIdentity(identity: string): PeerName | undefined {
  if (identity.length > maxIdentityLength) return undefined
  // RFC 8827 §8.1: '@' and '%' of the user are percent-encoded, and no other character is
  const match = /^((?:[^@%]|%40|%25)+)@([^@]+)$/su.exec(identity)
  const domain = match?.[2] === undefined ? undefined : toAsciiDomain(match[2])
  return match?.[1] === undefined || domain === undefined ? undefined : { user: match[1], domain }
}

/** Whether two texts are the same identity; what is not one is not the same as anything. */
export function isSameIdentity(one: string, other: string): boolean {
  const [a, b] = [parseIdentity(one), parseIdentity(other)]
  return a !== undefined && b !== undefined && a.user === b.user && a.domain === b.domain
}

/**
 * RFC 5890 §2.3.2.4: names are compared as A-labels, regardless of case.
 *
 * @returns undefined if it is no domain name
 */
export function toAsciiDomain(domain: string): string | undefined {
  if (domain.length > maxDomainLength || /[\s/\\?#@:[\]%<>^|]/.test(domain)) return undefined
  const ascii = domainToASCII(domain)
  return ascii.length <= maxDomainLength && asciiDomain.test(ascii) ? ascii : undefined
}
