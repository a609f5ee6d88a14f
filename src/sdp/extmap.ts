import type { Draft, SdpDirection } from './description.ts'
import { SdpError } from './errors.ts'
import { decimal, integer, oneOf, visible } from './grammar.ts'
import type { SdpHeaderExtension } from './rtp-description.ts'

/** RFC 8285 §4.2: the last identifier of the one-byte form; 15 is reserved there. */
export const maxOneByteId = 14
/** RFC 8285 §4.3: the last identifier of the two-byte form. */
export const maxTwoByteId = 255
/** RFC 8285 §7: identifiers that only say what could be negotiated. */
export const firstNegotiationId = 4096
const lastNegotiationId = 4351

const encryptUri = 'urn:ietf:params:rtp-hdrext:encrypt'
const directions: readonly SdpDirection[] = ['sendrecv', 'sendonly', 'recvonly', 'inactive']

/** RFC 8285 §8: <id>["/"<direction>] <URI> [<attributes>]. RFC 6904 §4: with "encrypt" in front, that is the URI. */
export function parseExtmap(text: string): SdpHeaderExtension {
  const [entry, rest] = cut(text, ' ')
  const [id, direction] = cut(entry, '/')
  let [uri, attributes] = cut((rest ?? '').trimStart(), ' ')
  const encrypted = uri === encryptUri
  if (encrypted) [uri, attributes] = cut(attributes ?? '', ' ')
  const extension: Draft<SdpHeaderExtension> = { id: integer(id, 1, 99_999, idName), uri: checkUri(uri), encrypted }
  if (direction !== undefined) extension.direction = oneOf(direction, directions, 'the direction')
  if (attributes !== undefined && attributes !== '') extension.attributes = attributes
  return extension
}

export function formatExtmap(extension: SdpHeaderExtension): string {
  const { id, uri, encrypted, direction, attributes } = extension
  if (!isKnownId(id)) throw new SdpError(`${idName} must be from 1 to ${maxTwoByteId}`)
  const entry = decimal(id, 1, lastNegotiationId, idName) + (direction === undefined ? '' : `/${direction}`)
  const words = encrypted ? [entry, encryptUri, checkUri(uri)] : [entry, checkUri(uri)]
  if (attributes === '') throw new SdpError('the attributes of a header extension must not be empty')
  return attributes === undefined ? words.join(' ') : [...words, attributes].join(' ')
}

/** Whether an identifier means something: RFC 8285 §7 leaves those in between to the future. */
export function isKnownId(id: number): boolean {
  return (id >= 1 && id <= maxTwoByteId) || (id >= firstNegotiationId && id <= lastNegotiationId)
}

const idName = 'the identifier of a header extension'

/** RFC 6904 §4: encryption is not applied to itself. */
function checkUri(uri: string): string {
  if (uri === encryptUri) throw new SdpError('what is encrypted must be another header extension')
  return visible(uri, 'the URI of a header extension')
}

/** What is in front of the first separator and what is behind it; undefined without one. */
export function cut(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)]
}
