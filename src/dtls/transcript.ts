import { ByteWriter, concatBytes } from '../base/bytes.ts'
import { DtlsError } from './errors.ts'
import { encodeMessage, type HandshakeMessage, HandshakeType } from './messages.ts'

/** All messages of a handshake together, in bytes: most of them are kept before the peer has proved who it is. */
export const maxTranscriptBytes: number = 48 * 1024

/**
 * The handshake messages in order, for the hashes and signatures that cover them.
 *
 * Messages are kept rather than hashed as they come: which hash, and in which form, is known only after the hellos, and
 * a certificate may be signed with another hash than the suite's.
 */
export class Transcript {
  #messages: HandshakeMessage[] = []

  /** Memory held, in bytes. */
  get heldBytes(): number {
    return this.#messages.reduce((sum, { body }) => sum + body.length, 0)
  }

  /** @throws {DtlsError} `illegal-parameter` above {@link maxTranscriptBytes} */
  add(message: HandshakeMessage): void {
    if (this.heldBytes + message.body.length > maxTranscriptBytes) {
      throw new DtlsError('illegal-parameter', `the handshake takes more than ${maxTranscriptBytes} bytes`)
    }
    this.#messages.push(message)
  }

  /** RFC 6347 §4.2.1: the first ClientHello and the HelloVerifyRequest are not part of any hash. */
  clear(): void {
    this.#messages = []
  }

  /** RFC 6347 §4.2.6: with the DTLS fields of the header, each message as if it were a single fragment. */
  dtls12(): Uint8Array {
    return concatBytes(...this.#messages.map(encodeMessage))
  }

  /** RFC 9147 §5.2: without the fields that DTLS adds to the header. */
  tls13(): Uint8Array {
    const writer = new ByteWriter(4096)
    for (const { type, body } of this.#messages) writer.uint8(type).vector(3, message => message.bytes(body))
    return writer.view()
  }

  /** RFC 8446 §4.4.1: in front of a HelloRetryRequest there is only the hash of what it answers. */
  beginWithHash(hash: Uint8Array): void {
    this.#messages = [{ type: HandshakeType.messageHash, sequence: 0, epoch: 0, body: hash }]
  }
}
