import type { SdpSession } from '../../sdp/index.ts'

/** An identity assertion as it is carried: RFC 8827 §7.4.1. */
export interface CarriedAssertion {
  /** The authority and the protocol of the provider that is to validate it, unchecked. */
  readonly domain: string
  readonly protocol: string
  /** What that provider understands, and nobody else. */
  readonly assertion: string
}

/** Characters of the value of `a=identity`. What is longer is refused unread, and never written. */
export const maxAssertionLength = 65_536

/** Brackets and braces inside one another. Two are needed; extensions may bring more. */
export const maxAssertionDepth = 16

/**
 * RFC 8827 §7.4.1: a JSON text in UTF-8, in base64.
 *
 * @returns undefined if it would be too long
 */
export function encodeAssertion({ domain, protocol, assertion }: CarriedAssertion): string | undefined {
  if (assertion.length > maxAssertionLength) return undefined
  const value = Buffer.from(JSON.stringify({ idp: { domain, protocol }, assertion })).toString('base64')
  return value.length <= maxAssertionLength ? value : undefined
}

/** @returns undefined if it is malformed */
export function decodeAssertion(value: string): CarriedAssertion | undefined {
  // RFC 8827 §5: extensions come behind a space; none is defined
  const [base64 = ''] = value.slice(0, maxAssertionLength + 1).split(' ', 1)
  if (base64.length > maxAssertionLength || !isBase64(base64)) return undefined
  const decoded = parseJson(Buffer.from(base64, 'base64'))
  if (!isRecord(decoded) || !isRecord(decoded.idp)) return undefined
  const { domain, protocol = 'default' } = decoded.idp
  const { assertion } = decoded
  if (typeof domain !== 'string' || typeof protocol !== 'string' || typeof assertion !== 'string') return undefined
  return { domain, protocol, assertion }
}

/** The value of `a=identity`. RFC 8827 §5: of the session; all but the first are ignored. */
export function carriedIdentity({ attributes }: SdpSession): string | undefined {
  const found = attributes.find(({ name }) => name === 'identity')
  return found === undefined ? undefined : (found.value ?? '')
}

/** @returns undefined for what is no JSON text in UTF-8, or too deep */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return isShallow(text) ? (JSON.parse(text) as unknown) : undefined
  } catch {
    return undefined
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** RFC 4648 §4: with padding, and without anything else. */
function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text)
}

function isShallow(text: string): boolean {
  let depth = 0
  let inString = false
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (character === '"') inString = !inString
    else if (inString) at += character === '\\' ? 1 : 0
    else if (character === '{' || character === '[') depth++
    else if (character === '}' || character === ']') depth--
    if (depth > maxAssertionDepth) return false
  }
  return true
}
