import { ByteReader, ByteWriter } from '../base/bytes.ts'
import { DtlsError } from './errors.ts'

export const ExtensionType = {
  supportedGroups: 10,
  ecPointFormats: 11,
  signatureAlgorithms: 13,
  useSrtp: 14,
  /** RFC 7301 §3.1 */
  applicationLayerProtocolNegotiation: 16,
  extendedMasterSecret: 23,
  supportedVersions: 43,
  cookie: 44,
  /** RFC 8446 §4.2.3: signature_algorithms_cert */
  signatureAlgorithmsCert: 50,
  keyShare: 51,
  /** RFC 9146 §3. 53 was that of its drafts, which nobody is to use any more. */
  connectionId: 54,
  renegotiationInfo: 0xff01,
} as const

/** The extensions of a hello: the data of each by its type, in the order they came. */
export type Extensions = ReadonlyMap<number, Uint8Array>

/**
 * Reads the extension block at the end of a hello; without one there are no extensions.
 *
 * Unknown types are kept like all others: whoever asks for a type finds it, and the rest is nobody's concern.
 *
 * @throws {MalformedError} if a length does not fit
 * @throws {DtlsError} `duplicate-extension`
 */
export function readExtensions(reader: ByteReader): Extensions {
  const extensions = new Map<number, Uint8Array>()
  // RFC 5246 §7.4.1.2: that bytes follow the compression methods tells that there are extensions.
  if (reader.remaining === 0) return extensions
  const block = new ByteReader(reader.vector16('extensions'))
  while (block.remaining > 0) {
    const type = block.uint16('extension type')
    const data = block.vector16('extension data')
    // RFC 8446 §4.2: there must not be more than one extension of the same type.
    if (extensions.has(type)) throw new DtlsError('duplicate-extension', `extension ${type} came twice`)
    extensions.set(type, data)
  }
  return extensions
}

export function writeExtensions(writer: ByteWriter, extensions: Extensions): void {
  writer.vector(2, block => {
    for (const [type, data] of extensions) block.uint16(type).vector(2, body => body.bytes(data))
  })
}

/** The code points of supported_groups and signature_algorithms: a list behind a length of two bytes. */
export function decodeCodePoints(data: Uint8Array, field: string): readonly number[] {
  const reader = new ByteReader(data)
  const list = readCodePoints(reader, field)
  reader.expectEnd(field)
  return list
}

export function encodeCodePoints(codePoints: readonly number[]): Uint8Array {
  const writer = new ByteWriter(2 + 2 * codePoints.length)
  return writeCodePoints(writer, codePoints).finish()
}

export function readCodePoints(reader: ByteReader, field: string): readonly number[] {
  return toCodePoints(reader.vector16(field), field)
}

export function writeCodePoints(writer: ByteWriter, codePoints: readonly number[]): ByteWriter {
  return writer.vector(2, list => {
    for (const codePoint of codePoints) list.uint16(codePoint)
  })
}

/** RFC 8446 §4.2.1: the versions of a ClientHello are a list behind a length of one byte. */
export function decodeSupportedVersions(data: Uint8Array): readonly number[] {
  const reader = new ByteReader(data)
  const versions = toCodePoints(reader.vector8('supported_versions'), 'supported_versions')
  reader.expectEnd('supported_versions')
  return versions
}

/** RFC 8422 §5.1.2: the point formats are a list of single bytes. */
export function decodePointFormats(data: Uint8Array): Uint8Array {
  const reader = new ByteReader(data)
  const formats = reader.vector8('ec_point_formats')
  reader.expectEnd('ec_point_formats')
  return formats
}

/** RFC 8422 §5.1.2: exactly one format, uncompressed. */
export const uncompressedPointsOnly: Uint8Array = Uint8Array.of(1, 0)

/** RFC 5746 §3.2: in the first handshake the renegotiated_connection is empty. */
export const emptyRenegotiationInfo: Uint8Array = Uint8Array.of(0)

export interface UseSrtp {
  readonly profiles: readonly number[]
  readonly mki: Uint8Array
}

/** RFC 5764 §4.1.1: UseSRTPData. */
export function decodeUseSrtp(data: Uint8Array): UseSrtp {
  const reader = new ByteReader(data)
  const profiles = readCodePoints(reader, 'SRTP protection profiles')
  const mki = reader.vector8('srtp_mki')
  reader.expectEnd('use_srtp')
  return { profiles, mki }
}

export function encodeUseSrtp(profiles: readonly number[]): Uint8Array {
  const writer = new ByteWriter(3 + 2 * profiles.length)
  // RFC 5764 §4.1.3: an empty srtp_mki says that no MKI is used.
  return writeCodePoints(writer, profiles).uint8(0).finish()
}

function toCodePoints(bytes: Uint8Array, field: string): readonly number[] {
  const reader = new ByteReader(bytes)
  const list: number[] = []
  while (reader.remaining > 0) list.push(reader.uint16(field))
  return list
}
