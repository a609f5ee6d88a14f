import { ByteWriter, concatBytes } from '../base/bytes.ts'
import { encodeMessage, type HandshakeMessage, HandshakeType } from './messages.ts'

/**
 * The handshake messages in order, for the hashes and signatures that cover them.
 *
 * Messages are kept rather than hashed as they come: which hash, and in which form, is known only after the hellos, and
 * a certificate may be signed with another hash than the suite's.
 */
export class Transcript {
  #messages: HandshakeMessage[] = []

  add(message: HandshakeMessage): void {
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
