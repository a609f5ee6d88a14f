import { ByteReader, ByteWriter } from '../base/bytes.ts'
import { MalformedError } from '../base/errors.ts'
import { type Extensions, readExtensions, writeExtensions } from './extensions.ts'

/** Versions as they stand on the wire. RFC 6347 §4.1: the ones' complement, so newer versions are smaller numbers. */
export const Version = { dtls10: 0xfeff, dtls12: 0xfefd, dtls13: 0xfefc } as const

export const randomLength = 32
/** RFC 5246 §7.4.1.2: opaque SessionID<0..32> */
export const maxSessionIdLength = 32

/** Whether a version is between the lowest and the highest of the configuration. */
export function speaks(
  { minVersion, maxVersion }: { readonly minVersion: number; readonly maxVersion: number },
  version: number,
): boolean {
  return version <= minVersion && version >= maxVersion && (version === Version.dtls12 || version === Version.dtls13)
}

/** RFC 8446 §4.1.3: the end of the random of a server that chose 1.2 and could have had 1.3: "DOWNGRD" and 1. */
export const downgradeSentinel12: Uint8Array = Uint8Array.of(0x44, 0x4f, 0x57, 0x4e, 0x47, 0x52, 0x44, 0x01)

/** RFC 6347 §4.2.1: ClientHello, which DTLS gives a cookie. */
export interface ClientHello {
  readonly version: number
  readonly random: Uint8Array
  readonly sessionId: Uint8Array
  readonly cookie: Uint8Array
  readonly cipherSuites: readonly number[]
  readonly compressionMethods: Uint8Array
  readonly extensions: Extensions
}

/** RFC 5246 §7.4.1.3: ServerHello. */
export interface ServerHello {
  readonly version: number
  readonly random: Uint8Array
  readonly sessionId: Uint8Array
  readonly cipherSuite: number
  readonly compressionMethod: number
  readonly extensions: Extensions
}

/** RFC 6347 §4.2.1: HelloVerifyRequest. */
export interface HelloVerifyRequest {
  readonly version: number
  readonly cookie: Uint8Array
}

/** @throws {MalformedError} if lengths do not fit; {@link DtlsError} for a repeated extension */
export function decodeClientHello(body: Uint8Array): ClientHello {
  const reader = new ByteReader(body)
  const version = reader.uint16('client_version')
  const random = reader.bytes(randomLength, 'random')
  const sessionId = readSessionId(reader)
  const cookie = reader.vector8('cookie')
  const suites = new ByteReader(reader.vector16('cipher_suites'))
  const cipherSuites: number[] = []
  while (suites.remaining > 0) cipherSuites.push(suites.uint16('cipher_suite'))
  const compressionMethods = reader.vector8('compression_methods')
  const extensions = readExtensions(reader)
  // RFC 5246 §7.4.1.2: the amount of data must precisely match, or decode_error.
  reader.expectEnd('ClientHello')
  return { version, random, sessionId, cookie, cipherSuites, compressionMethods, extensions }
}

export function encodeClientHello(hello: ClientHello): Uint8Array {
  const writer = new ByteWriter()
    .uint16(hello.version)
    .bytes(hello.random)
    .vector(1, body => body.bytes(hello.sessionId))
    .vector(1, body => body.bytes(hello.cookie))
    .vector(2, body => {
      for (const suite of hello.cipherSuites) body.uint16(suite)
    })
    .vector(1, body => body.bytes(hello.compressionMethods))
  writeExtensions(writer, hello.extensions)
  return writer.finish()
}

/** @throws {MalformedError} if lengths do not fit; {@link DtlsError} for a repeated extension */
export function decodeServerHello(body: Uint8Array): ServerHello {
  const reader = new ByteReader(body)
  const hello = {
    version: reader.uint16('server_version'),
    random: reader.bytes(randomLength, 'random'),
    sessionId: readSessionId(reader),
    cipherSuite: reader.uint16('cipher_suite'),
    compressionMethod: reader.uint8('compression_method'),
    extensions: readExtensions(reader),
  }
  reader.expectEnd('ServerHello')
  return hello
}

function readSessionId(reader: ByteReader): Uint8Array {
  const id = reader.vector8('session_id')
  if (id.length > maxSessionIdLength) throw new MalformedError(`session_id: ${id.length} bytes`)
  return id
}

export function encodeServerHello(hello: ServerHello): Uint8Array {
  const writer = new ByteWriter()
    .uint16(hello.version)
    .bytes(hello.random)
    .vector(1, body => body.bytes(hello.sessionId))
    .uint16(hello.cipherSuite)
    .uint8(hello.compressionMethod)
  writeExtensions(writer, hello.extensions)
  return writer.finish()
}

/** @throws {MalformedError} if lengths do not fit */
export function decodeHelloVerifyRequest(body: Uint8Array): HelloVerifyRequest {
  const reader = new ByteReader(body)
  const request = { version: reader.uint16('server_version'), cookie: reader.vector8('cookie') }
  reader.expectEnd('HelloVerifyRequest')
  return request
}

export function encodeHelloVerifyRequest(request: HelloVerifyRequest): Uint8Array {
  return new ByteWriter(64)
    .uint16(request.version)
    .vector(1, body => body.bytes(request.cookie))
    .finish()
}
