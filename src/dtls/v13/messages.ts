import { ByteReader, ByteWriter } from '../../base/bytes.ts'
import { MalformedError } from '../../base/errors.ts'
import { type Extensions, readExtensions, writeExtensions } from '../extensions.ts'
import type { RecordNumber } from '../sent-fragments.ts'

/** RFC 8446 §4.1.3: the random of a ServerHello that is a HelloRetryRequest: SHA-256 of "HelloRetryRequest". */
export const helloRetryRandom: Uint8Array = Uint8Array.from(
  Buffer.from('cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c', 'hex'),
)

/** RFC 8446 §4.3.1: EncryptedExtensions */
export function decodeEncryptedExtensions(body: Uint8Array): Extensions {
  const reader = new ByteReader(body)
  const extensions = readRequiredExtensions(reader)
  reader.expectEnd('EncryptedExtensions')
  return extensions
}

export function encodeEncryptedExtensions(extensions: Extensions): Uint8Array {
  const writer = new ByteWriter()
  writeExtensions(writer, extensions)
  return writer.finish()
}

/** RFC 8446 §4.3.2: CertificateRequest */
export interface CertificateRequest13 {
  readonly context: Uint8Array
  readonly extensions: Extensions
}

export function decodeCertificateRequest(body: Uint8Array): CertificateRequest13 {
  const reader = new ByteReader(body)
  const context = new Uint8Array(reader.vector8('certificate_request_context'))
  const extensions = readRequiredExtensions(reader)
  reader.expectEnd('CertificateRequest')
  return { context, extensions }
}

export function encodeCertificateRequest({ context, extensions }: CertificateRequest13): Uint8Array {
  const writer = new ByteWriter().vector(1, bytes => bytes.bytes(context))
  writeExtensions(writer, extensions)
  return writer.finish()
}

/** RFC 8446 §4.4.2: Certificate, a chain of DER certificates. */
export interface Certificate13 {
  readonly context: Uint8Array
  readonly chain: readonly Uint8Array[]
}

/** The chain holds copies. */
export function decodeCertificate(body: Uint8Array): Certificate13 {
  const reader = new ByteReader(body)
  const context = reader.vector8('certificate_request_context')
  const list = new ByteReader(reader.vector24('certificate_list'))
  reader.expectEnd('Certificate')
  const chain: Uint8Array[] = []
  while (list.remaining > 0) {
    chain.push(new Uint8Array(list.vector24('cert_data')))
    // RFC 8446 §4.4.2: extensions of an entry answer those that were sent; of those here, none is about certificates.
    list.vector16('extensions')
  }
  return { context, chain }
}

export function encodeCertificate({ context, chain }: Certificate13): Uint8Array {
  return new ByteWriter(1024)
    .vector(1, bytes => bytes.bytes(context))
    .vector(3, list => {
      for (const certificate of chain) list.vector(3, data => data.bytes(certificate)).uint16(0)
    })
    .finish()
}

/** RFC 8446 §4.6.3: whether a KeyUpdate asks for one in return. @throws {MalformedError} */
export function decodeKeyUpdate(body: Uint8Array): boolean {
  const [request] = body
  if (body.length !== 1 || (request !== 0 && request !== 1)) throw new MalformedError('KeyUpdate: not 0 or 1')
  return request === 1
}

export function encodeKeyUpdate(requestsUpdate: boolean): Uint8Array {
  return Uint8Array.of(requestsUpdate ? 1 : 0)
}

/** RFC 9147 §7: ACK. A number beyond 48 bits names no record that was ever sent. */
export function decodeAck(content: Uint8Array): readonly RecordNumber[] {
  const reader = new ByteReader(content)
  const list = new ByteReader(reader.vector16('record_numbers'))
  reader.expectEnd('ACK')
  const numbers: RecordNumber[] = []
  while (list.remaining > 0) {
    numbers.push({ epoch: Number(list.uint64('epoch')), sequence: Number(list.uint64('sequence_number')) })
  }
  return numbers
}

/** What an ACK names, or undefined if it cannot be read. */
export function tryDecodeAck(content: Uint8Array): readonly RecordNumber[] | undefined {
  try {
    return decodeAck(content)
  } catch {
    return undefined
  }
}

export function encodeAck(numbers: readonly RecordNumber[]): Uint8Array {
  return new ByteWriter(2 + 16 * numbers.length)
    .vector(2, list => {
      for (const { epoch, sequence } of numbers) list.uint64(BigInt(epoch)).uint64(BigInt(sequence))
    })
    .finish()
}

/** In TLS 1.3 the block of extensions is always there, if empty. */
function readRequiredExtensions(reader: ByteReader): Extensions {
  if (reader.remaining === 0) throw new MalformedError('extensions: missing')
  return readExtensions(reader)
}
