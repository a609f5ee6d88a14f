import { concatBytes } from '../base/bytes.ts'
import { maxParameters, maxReportedBytes } from './limits.ts'
import { padded } from './protocol.ts'

/** A type-length-value parameter or error cause (RFC 9260 §3.2.1, §3.3.10), as views of what it was read from. */
export interface Parameter {
  readonly type: number
  readonly value: Uint8Array
  /** The parameter with its header. */
  readonly whole: Uint8Array
}

/** The parameters in `bytes`, or undefined if one of them is not wholly there or there are too many. */
export function readParameters(bytes: Uint8Array): readonly Parameter[] | undefined {
  const parameters: Parameter[] = []
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  while (at < bytes.length) {
    if (at + 4 > bytes.length || parameters.length === maxParameters) return undefined
    const length = view.getUint16(at + 2)
    if (length < 4 || at + length > bytes.length) return undefined
    const whole = bytes.subarray(at, at + length)
    parameters.push({ type: view.getUint16(at), value: whole.subarray(4), whole })
    at += padded(length)
  }
  return parameters
}

/**
 * What the two high bits of an unrecognized type demand. RFC 9260 §3.2, table 2 for chunks (8-bit types) and §3.2.1,
 * table 3 for parameters (16-bit types): the same two questions.
 */
export function unrecognizedAction(type: number, bits: 8 | 16): { readonly stop: boolean; readonly report: boolean } {
  return unrecognizedActions[type >>> (bits - 2)] ?? skip
}

const skip = { stop: false, report: false } as const
const unrecognizedActions = [
  { stop: true, report: false },
  { stop: true, report: true },
  skip,
  { stop: false, report: true },
] as const

/** A parameter or error cause; `value` parts are written one after the other. */
export function encodeParameter(type: number, ...value: readonly Uint8Array[]): Uint8Array {
  let length = 4
  for (const part of value) length += part.length
  const bytes = new Uint8Array(padded(length))
  const view = new DataView(bytes.buffer)
  view.setUint16(0, type)
  view.setUint16(2, length)
  let at = 4
  for (const part of value) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** The value of a chunk that consists of these. RFC 9260 §3.2: padding of the last one does not count. */
export function joinParameters(parameters: readonly Uint8Array[]): Uint8Array {
  const bytes = concatBytes(...parameters)
  const last = parameters[parameters.length - 1]
  if (last === undefined) return bytes
  const length = new DataView(last.buffer, last.byteOffset).getUint16(2)
  return bytes.subarray(0, bytes.length - last.length + length)
}

/** An unrecognized chunk or parameter as it is sent back: the beginning is enough for whoever looks for the fault. */
export function reportable(whole: Uint8Array): Uint8Array {
  return whole.subarray(0, maxReportedBytes)
}

/** A number as two big-endian bytes. */
export function uint16Bytes(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value & 0xff)
}

/** A number as four big-endian bytes. */
export function uint32Bytes(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff)
}
