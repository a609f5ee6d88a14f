import { ByteReader, ByteWriter } from '../base/bytes.ts'
import { DtlsError } from './errors.ts'
import { type Extensions, ExtensionType } from './extensions.ts'

/** RFC 7301: what is spoken inside of DTLS. */
export interface ApplicationProtocols {
  /** To offer or accept, most preferred first; none: the extension is neither sent nor read. */
  readonly names: readonly string[]
  /** A peer that takes none of them is refused, rather than spoken to without. */
  readonly required: boolean
}

/** RFC 7301 §3.1: the ProtocolNameList of a ClientHello, or of the one protocol that a server has chosen. */
export function encodeProtocols(names: readonly string[]): Uint8Array {
  const writer = new ByteWriter()
  writer.vector(2, list => {
    for (const name of names) list.vector(1, body => body.bytes(Buffer.from(name)))
  })
  return writer.finish()
}

/**
 * What a server has chosen; undefined if nothing.
 *
 * @param answered extensions of its ServerHello, or EncryptedExtensions
 * @throws {DtlsError} `illegal-parameter`, or `no-application-protocol` if there has to be one
 */
export function chosenProtocol(answered: Extensions, protocols: ApplicationProtocols): string | undefined {
  const data = answered.get(ExtensionType.applicationLayerProtocolNegotiation)
  if (data === undefined) return requireNone(protocols)
  const [name, ...others] = decodeProtocols(data)
  // RFC 7301 §3.1: exactly one, out of those offered
  if (name === undefined || others.length > 0 || !protocols.names.includes(name)) {
    throw new DtlsError('illegal-parameter', 'the server chose an application protocol that was not offered')
  }
  return name
}

/**
 * What a server answers; undefined: nothing.
 *
 * @throws {DtlsError} `no-application-protocol`
 */
export function selectProtocol(offered: Extensions, protocols: ApplicationProtocols): string | undefined {
  const data = offered.get(ExtensionType.applicationLayerProtocolNegotiation)
  if (data === undefined || protocols.names.length === 0) return requireNone(protocols)
  const names = decodeProtocols(data)
  const selected = protocols.names.find(name => names.includes(name))
  // RFC 7301 §3.2: without anything in common the handshake ends
  if (selected === undefined) throw new DtlsError('no-application-protocol', 'no application protocol in common')
  return selected
}

function requireNone({ required }: ApplicationProtocols): undefined {
  if (required) throw new DtlsError('no-application-protocol', 'the peer names no application protocol')
  return undefined
}

function decodeProtocols(data: Uint8Array): readonly string[] {
  const reader = new ByteReader(data)
  const list = new ByteReader(reader.vector16('protocol_name_list'))
  reader.expectEnd('application_layer_protocol_negotiation')
  const names: string[] = []
  while (list.remaining > 0) names.push(Buffer.from(list.vector8('protocol name')).toString('latin1'))
  // RFC 7301 §3.1: neither the list nor a name is empty
  if (names.length === 0 || names.includes('')) throw new DtlsError('decode-error', 'an application protocol is empty')
  return names
}
