import { type ByteReader, ByteWriter } from '../base/bytes.ts'
import { MalformedError } from '../base/errors.ts'

/** RFC 6347 §4.3.2, RFC 9147 §5.2: HandshakeType. */
export const HandshakeType = {
  helloRequest: 0,
  clientHello: 1,
  serverHello: 2,
  helloVerifyRequest: 3,
  newSessionTicket: 4,
  encryptedExtensions: 8,
  /** RFC 9147 §9 */
  requestConnectionId: 9,
  newConnectionId: 10,
  certificate: 11,
  serverKeyExchange: 12,
  certificateRequest: 13,
  serverHelloDone: 14,
  certificateVerify: 15,
  clientKeyExchange: 16,
  finished: 20,
  keyUpdate: 24,
  /** RFC 8446 §4.4.1: stands for a ClientHello in the transcript, never on the wire. */
  messageHash: 254,
} as const

/** A whole handshake message. */
export interface HandshakeMessage {
  readonly type: number
  /** message_seq */
  readonly sequence: number
  /** The epoch of the records that brought it; for our own messages, that which they are sent in. */
  readonly epoch: number
  readonly body: Uint8Array
}

/** A piece of a handshake message, as one record carries it. */
export interface Fragment {
  readonly type: number
  readonly sequence: number
  readonly epoch: number
  /** The length of the whole message. */
  readonly length: number
  readonly offset: number
  readonly bytes: Uint8Array
}

/** msg_type, length, message_seq, fragment_offset, fragment_length. */
export const handshakeHeaderLength = 12

/**
 * Reads the next fragment of a handshake record; its bytes are a view.
 *
 * @throws {MalformedError} if it is cut off, or reaches beyond its message
 */
export function readFragment(reader: ByteReader, epoch: number): Fragment {
  const type = reader.uint8('msg_type')
  const length = reader.uint24('length')
  const sequence = reader.uint16('message_seq')
  const offset = reader.uint24('fragment_offset')
  const bytes = reader.vector24('fragment')
  if (offset + bytes.length > length) throw new MalformedError('fragment: reaches beyond its message')
  return { type, sequence, epoch, length, offset, bytes }
}

/** The next fragment, or undefined if there is none that could be read. */
export function tryReadFragment(reader: ByteReader, epoch: number): Fragment | undefined {
  try {
    return readFragment(reader, epoch)
  } catch {
    return undefined
  }
}

/** The bytes `offset` to `end` of a message's body, behind the header that says so. */
export function encodeFragment(message: HandshakeMessage, offset: number, end: number): Uint8Array {
  return new ByteWriter(handshakeHeaderLength + end - offset)
    .uint8(message.type)
    .uint24(message.body.length)
    .uint16(message.sequence)
    .uint24(offset)
    .uint24(end - offset)
    .bytes(message.body.subarray(offset, end))
    .view()
}

/** The message as if it had been sent in a single fragment. */
export function encodeMessage(message: HandshakeMessage): Uint8Array {
  return encodeFragment(message, 0, message.body.length)
}
