import conversions from 'webidl-conversions'

/**
 * The bytes of what WebIDL calls a BufferSource, as a view.
 *
 * @throws {TypeError} if it is none, or one whose bytes may be shared or go away
 */
export function viewBytes(source: unknown, context: string): Uint8Array {
  // Nearly everything is a Uint8Array of an ordinary buffer, and the general check is 20 times slower.
  if (source instanceof Uint8Array && isOrdinary(source.buffer)) return source
  const buffer = conversions.BufferSource(source, { context })
  return ArrayBuffer.isView(buffer)
    ? new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
    : new Uint8Array(buffer)
}

function isOrdinary(buffer: ArrayBufferLike): boolean {
  return buffer instanceof ArrayBuffer && (buffer as { resizable?: boolean }).resizable !== true
}
