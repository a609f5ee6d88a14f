import { cipherSuites12 } from '../../src/dtls/cipher-suites.ts'
import type { DtlsConnection } from '../../src/dtls/connection.ts'
import type { KeyExchangeName } from '../../src/dtls/crypto/provider.ts'
import { HandshakeType } from '../../src/dtls/messages.ts'
import { ContentType } from '../../src/dtls/record.ts'
import { cipherSuites13 } from '../../src/dtls/v13/cipher-suites.ts'
import { groupIds } from './configuration.ts'
import { readCertificates, type Witness } from './credentials.ts'
import type { ShimFlags } from './flags.ts'

/** Looks for a second ClientHello in what goes over the wire. */
export class RetryDetector {
  #seen = false

  /** In DTLS 1.3 there is nothing else that makes a client send one. */
  get seen(): boolean {
    return this.#seen
  }

  look(datagram: Uint8Array): void {
    // Behind the record header of 13 bytes: msg_type, length, message_seq. Such a record is the first of its datagram.
    const [contentType, , , , epoch] = datagram
    const sequence = ((datagram[17] ?? 0) << 8) | (datagram[18] ?? 0)
    const isHandshake = contentType === ContentType.handshake && epoch === 0
    if (isHandshake && datagram[13] === HandshakeType.clientHello && sequence > 0) this.#seen = true
  }
}

/** What the runner expects of an established connection and is not so; undefined if all is well. */
export function disappointment(
  flags: ShimFlags,
  connection: DtlsConnection,
  witness: Witness,
  retry: RetryDetector,
): string | undefined {
  const { switches, values, credentials } = flags
  const { session } = connection
  if (session === undefined) return 'there is no session'
  const suite = [...cipherSuites12, ...cipherSuites13].find(({ name }) => name === session.cipherSuite)?.id
  const group = session.group as KeyExchangeName
  const additional = credentials.filter(({ isStandard }) => !isStandard)
  const selected = witness.signedWith === undefined ? -1 : additional.indexOf(witness.signedWith)
  const actual: readonly (readonly [string, number | undefined])[] = [
    ['-expect-version', Number.parseInt(session.version, 16)],
    ['-expect-curve-id', groupIds[group]],
    ['-expect-cipher', suite],
    ['-expect-cipher-aes', suite],
    ['-expect-peer-signature-algorithm', witness.verified?.id],
    ['-expect-selected-credential', selected],
  ]
  for (const [flag, value] of actual) {
    const expected = values.get(flag)
    if (expected !== undefined && Number(expected) !== value) return `${flag}: ${value} instead of ${expected}`
  }
  // In DTLS 1.2, a second ClientHello answers a HelloVerifyRequest.
  const retried = retry.seen && session.version === 'FEFC'
  if (switches.has('-expect-hrr') && !retried) return '-expect-hrr: there was none'
  if (switches.has('-expect-no-hrr') && retried) return '-expect-no-hrr: there was one'
  return unlikePeer(values.get('-expect-peer-cert-file'), connection.remoteCertificates)
}

function unlikePeer(file: string | undefined, chain: readonly Uint8Array[]): string | undefined {
  if (file === undefined || file === '') return undefined
  const expected = Buffer.concat(readCertificates(file))
  return expected.equals(Buffer.concat(chain)) ? undefined : '-expect-peer-cert-file: other certificates'
}
