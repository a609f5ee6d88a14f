import { ByteReader, ByteWriter } from '../../base/bytes.ts'

/** RFC 8446 §4.2.8: KeyShareEntry. */
export interface KeyShareEntry {
  readonly group: number
  readonly key: Uint8Array
}

/** RFC 8446 §4.2.8: the shares of a ClientHello. */
export function decodeClientShares(data: Uint8Array): readonly KeyShareEntry[] {
  const reader = new ByteReader(data)
  const list = new ByteReader(reader.vector16('client_shares'))
  reader.expectEnd('key_share')
  const entries: KeyShareEntry[] = []
  while (list.remaining > 0) entries.push(readEntry(list))
  return entries
}

export function encodeClientShares(entries: readonly KeyShareEntry[]): Uint8Array {
  return new ByteWriter(1300)
    .vector(2, list => {
      for (const entry of entries) writeEntry(list, entry)
    })
    .finish()
}

/** RFC 8446 §4.2.8: the share of a ServerHello. */
export function decodeServerShare(data: Uint8Array): KeyShareEntry {
  const reader = new ByteReader(data)
  const entry = readEntry(reader)
  reader.expectEnd('key_share')
  return entry
}

export function encodeServerShare(entry: KeyShareEntry): Uint8Array {
  return writeEntry(new ByteWriter(1200), entry).finish()
}

/** The one number that supported_versions of a server, and key_share of a HelloRetryRequest, consist of. */
export function decodeNumber(data: Uint8Array, field: string): number {
  const reader = new ByteReader(data)
  const value = reader.uint16(field)
  reader.expectEnd(field)
  return value
}

export function encodeNumber(value: number): Uint8Array {
  return new ByteWriter(2).uint16(value).finish()
}

/** RFC 8446 §4.2.1: the versions of a ClientHello. */
export function encodeSupportedVersions(versions: readonly number[]): Uint8Array {
  return new ByteWriter(8)
    .vector(1, list => {
      for (const version of versions) list.uint16(version)
    })
    .finish()
}

/** RFC 8446 §4.2.2: cookie */
export function decodeCookie(data: Uint8Array): Uint8Array {
  const reader = new ByteReader(data)
  const cookie = reader.vector16('cookie')
  reader.expectEnd('cookie')
  return cookie
}

export function encodeCookie(cookie: Uint8Array): Uint8Array {
  return new ByteWriter(128).vector(2, writer => writer.bytes(cookie)).finish()
}

function readEntry(reader: ByteReader): KeyShareEntry {
  return { group: reader.uint16('group'), key: reader.vector16('key_exchange') }
}

function writeEntry(writer: ByteWriter, { group, key }: KeyShareEntry): ByteWriter {
  return writer.uint16(group).vector(2, body => body.bytes(key))
}
