import { ByteReader, ByteWriter } from '../../base/bytes.ts'
import { readCodePoints, writeCodePoints } from '../extensions.ts'

/** RFC 5246 §7.4.2: Certificate, a chain of DER certificates. The result holds copies. */
export function decodeCertificate(body: Uint8Array): readonly Uint8Array[] {
  const reader = new ByteReader(body)
  const list = new ByteReader(reader.vector24('certificate_list'))
  reader.expectEnd('Certificate')
  const chain: Uint8Array[] = []
  while (list.remaining > 0) chain.push(new Uint8Array(list.vector24('certificate')))
  return chain
}

export function encodeCertificate(chain: readonly Uint8Array[]): Uint8Array {
  return new ByteWriter(1024)
    .vector(3, list => {
      for (const certificate of chain) list.vector(3, writer => writer.bytes(certificate))
    })
    .finish()
}

/** RFC 5246 §4.7: a digitally-signed element. */
export interface Signed {
  readonly scheme: number
  readonly signature: Uint8Array
}

/** RFC 8422 §5.4: ServerKeyExchange with an ephemeral key on a named curve. */
export interface ServerKeyExchange extends Signed {
  readonly curveType: number
  readonly group: number
  readonly publicKey: Uint8Array
  /** ServerECDHParams as they were sent: what is signed, with the randoms in front. */
  readonly parameters: Uint8Array
}

/** RFC 8422 §5.4: ECCurveType; the others are deprecated. */
export const namedCurve = 3

export function decodeServerKeyExchange(body: Uint8Array): ServerKeyExchange {
  const reader = new ByteReader(body)
  const curveType = reader.uint8('curve_type')
  const group = reader.uint16('namedcurve')
  const publicKey = reader.vector8('public')
  const parameters = body.subarray(0, reader.offset)
  const signed = readSigned(reader)
  reader.expectEnd('ServerKeyExchange')
  return { curveType, group, publicKey, parameters, ...signed }
}

/** ServerECDHParams: the part of ServerKeyExchange that is signed. */
export function encodeParameters(group: number, publicKey: Uint8Array): Uint8Array {
  return new ByteWriter(80)
    .uint8(namedCurve)
    .uint16(group)
    .vector(1, writer => writer.bytes(publicKey))
    .finish()
}

export function encodeServerKeyExchange(parameters: Uint8Array, signed: Signed): Uint8Array {
  return writeSigned(new ByteWriter().bytes(parameters), signed).finish()
}

/** RFC 5246 §7.4.4: CertificateRequest; which authorities it names is of no interest where certificates sign themselves. */
export interface CertificateRequest {
  readonly certificateTypes: Uint8Array
  readonly schemes: readonly number[]
}

/** RFC 5246 §7.4.4, RFC 8422 §5.5: ClientCertificateType. */
export const ClientCertificateType = { rsaSign: 1, ecdsaSign: 64 } as const

export function decodeCertificateRequest(body: Uint8Array): CertificateRequest {
  const reader = new ByteReader(body)
  const certificateTypes = reader.vector8('certificate_types')
  const schemes = readCodePoints(reader, 'supported_signature_algorithms')
  reader.vector16('certificate_authorities')
  reader.expectEnd('CertificateRequest')
  return { certificateTypes, schemes }
}

export function encodeCertificateRequest(request: CertificateRequest): Uint8Array {
  const writer = new ByteWriter(64).vector(1, types => types.bytes(request.certificateTypes))
  writeCodePoints(writer, request.schemes)
  return writer.uint16(0).finish()
}

/** RFC 8422 §5.7: ClientKeyExchange, the client's ephemeral key. */
export function decodeClientKeyExchange(body: Uint8Array): Uint8Array {
  const reader = new ByteReader(body)
  const publicKey = reader.vector8('ecdh_Yc')
  reader.expectEnd('ClientKeyExchange')
  return publicKey
}

export function encodeClientKeyExchange(publicKey: Uint8Array): Uint8Array {
  return new ByteWriter(80).vector(1, writer => writer.bytes(publicKey)).finish()
}

/** RFC 5246 §7.4.8: CertificateVerify */
export function decodeCertificateVerify(body: Uint8Array): Signed {
  const reader = new ByteReader(body)
  const signed = readSigned(reader)
  reader.expectEnd('CertificateVerify')
  return signed
}

export function encodeCertificateVerify(signed: Signed): Uint8Array {
  return writeSigned(new ByteWriter(), signed).finish()
}

function readSigned(reader: ByteReader): Signed {
  return { scheme: reader.uint16('algorithm'), signature: reader.vector16('signature') }
}

function writeSigned(writer: ByteWriter, { scheme, signature }: Signed): ByteWriter {
  return writer.uint16(scheme).vector(2, body => body.bytes(signature))
}
