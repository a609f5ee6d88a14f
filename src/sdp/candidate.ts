import type { Draft, SdpCandidate } from './description.ts'
import { SdpError } from './errors.ts'
import { decimal, foundationToken, iceChars, integer, maxPort, token, visible } from './grammar.ts'

/** The longest candidate that is looked at, counted behind `candidate:`; real ones have some 200 characters. */
export const maxCandidateLength = 4_096

/** The longest address: what a name in the DNS may have. */
const maxAddressLength = 255
const maxFoundationLength = 32
const maxComponent = 256
const maxUfragLength = 256
/** RFC 8839 §5.1 ends at 2^31 - 1; STUN carries 32 bits, and some agents use them all. */
const maxPriority = 0xffff_ffff

/** The mandatory fields of a candidate: foundation to type. */
const headLength = 8

/**
 * Reads a candidate in the form that applications exchange: `candidate:...`, with or without an `a=` in front, a line
 * end behind, or even without `candidate:`.
 *
 * RFC 8839 §5.1: unknown transports, types and extensions are kept as they are, for the caller to pass over. A name in
 * the place of an address is, too.
 *
 * @returns undefined for the empty string, which says that no more candidates come (webrtc-pc §4.4.2)
 * @throws {SdpError} if it is malformed
 */
export function parseCandidate(text: string): SdpCandidate | undefined {
  if (text === '') return undefined
  return parseCandidateValue(withoutPrefix(withoutPrefix(withoutLineEnd(text), 'a='), 'candidate:'))
}

/** Writes a candidate as `candidate:...`. @throws {SdpError} if a field holds what the grammar has no place for */
export function serializeCandidate(candidate: SdpCandidate): string {
  return `candidate:${formatCandidateValue(candidate)}`
}

/** Reads what follows `candidate:`. */
export function parseCandidateValue(text: string): SdpCandidate {
  if (text.length > maxCandidateLength) {
    throw new SdpError(`a candidate must have at most ${maxCandidateLength} characters`)
  }
  const fields = text.split(' ')
  if (fields.length < headLength) throw new SdpError(`a candidate must have at least ${headLength} fields`)
  const [foundation = '', component = '', protocol = '', priority = '', address = '', port = '', typ = '', type = ''] =
    fields
  if (typ.toLowerCase() !== 'typ') throw new SdpError("the seventh field of a candidate must be 'typ'")
  const candidate: Draft<SdpCandidate> = {
    foundation: checkFoundation(foundation),
    component: integer(component, 1, maxComponent, 'the component of a candidate'),
    protocol: token(protocol, 'the transport of a candidate').toLowerCase(),
    priority: integer(priority, 0, maxPriority, 'the priority of a candidate'),
    address: checkAddress(address),
    port: integer(port, 0, maxPort, 'the port of a candidate'),
    type: token(type, 'the type of a candidate').toLowerCase(),
    extensions: [],
  }
  readPairs(fields, candidate)
  return candidate
}

/** Writes what follows `candidate:`. */
export function formatCandidateValue(candidate: SdpCandidate): string {
  const fields = [
    checkFoundation(candidate.foundation),
    decimal(candidate.component, 1, maxComponent, 'the component of a candidate'),
    token(candidate.protocol, 'the transport of a candidate'),
    decimal(candidate.priority, 0, maxPriority, 'the priority of a candidate'),
    checkAddress(candidate.address),
    decimal(candidate.port, 0, maxPort, 'the port of a candidate'),
    'typ',
    token(candidate.type, 'the type of a candidate'),
  ]
  const { relatedAddress, relatedPort, tcpType, usernameFragment } = candidate
  if (relatedAddress !== undefined) fields.push('raddr', checkAddress(relatedAddress))
  if (relatedPort !== undefined) fields.push('rport', decimal(relatedPort, 0, maxPort, 'the related port'))
  // RFC 6544 §4.5: tcptype comes before all other extensions.
  if (tcpType !== undefined) fields.push('tcptype', token(tcpType, 'the TCP type'))
  if (usernameFragment !== undefined) fields.push('ufrag', checkUfrag(usernameFragment))
  for (const [name, value] of candidate.extensions) fields.push(checkExtensionName(name), checkExtensionValue(value))
  return fields.join(' ')
}

function readPairs(fields: readonly string[], candidate: Draft<SdpCandidate>): void {
  for (let i = headLength; i < fields.length; i += 2) {
    const name = fields[i] ?? ''
    const value = fields[i + 1]
    if (value === undefined) {
      if (name === '') return // a space at the end
      throw new SdpError('the last extension of a candidate has no value')
    }
    readPair(name, value, candidate)
  }
}

function readPair(name: string, value: string, candidate: Draft<SdpCandidate>): void {
  switch (name.toLowerCase()) {
    case 'raddr':
      once(candidate.relatedAddress, name)
      candidate.relatedAddress = checkAddress(value)
      return
    case 'rport':
      once(candidate.relatedPort, name)
      candidate.relatedPort = integer(value, 0, maxPort, 'the related port')
      return
    case 'tcptype':
      once(candidate.tcpType, name)
      candidate.tcpType = token(value, 'the TCP type').toLowerCase()
      return
    case 'ufrag':
      once(candidate.usernameFragment, name)
      candidate.usernameFragment = checkUfrag(value)
      return
    default:
      // RFC 8839 §5.1: name and value pairs that are not understood are ignored; here they are kept.
      candidate.extensions.push([token(name, 'the name of an extension'), checkExtensionValue(value)])
  }
}

function once(present: unknown, name: string): void {
  if (present !== undefined) throw new SdpError(`a candidate must have one ${name.toLowerCase()} only`)
}

function checkFoundation(text: string): string {
  return foundationToken(text, maxFoundationLength, 'the foundation of a candidate')
}

function checkAddress(text: string): string {
  if (text.length > maxAddressLength) {
    throw new SdpError(`the address of a candidate must have at most ${maxAddressLength} characters`)
  }
  return visible(text, 'the address of a candidate')
}

function checkUfrag(text: string): string {
  return iceChars(text, 1, maxUfragLength, 'the ufrag of a candidate')
}

/** A name that has a field must not come in as an extension: it would come back as that field. */
function checkExtensionName(name: string): string {
  if (['raddr', 'rport', 'tcptype', 'ufrag'].includes(name.toLowerCase())) {
    throw new SdpError(`${name.toLowerCase()} is a field of a candidate, not an extension`)
  }
  return token(name, 'the name of an extension')
}

/** RFC 8839 §5.1: an extension's value is visible characters, or nothing. */
function checkExtensionValue(value: string): string {
  return value === '' ? value : visible(value, 'the value of an extension')
}

function withoutPrefix(text: string, prefix: string): string {
  return text.startsWith(prefix) ? text.slice(prefix.length) : text
}

function withoutLineEnd(text: string): string {
  const line = text.endsWith('\n') ? text.slice(0, -1) : text
  return line.endsWith('\r') ? line.slice(0, -1) : line
}
