/** Takes the lines of a key log, without line feeds: with them, who has recorded the packets can read all that was said. */
export type KeyLog = (line: string) => void

/**
 * A key log that never throws: what the given one throws is told once, and then it is not called any more.
 *
 * It is called amid the handshake, which has nothing to do with it, and would end with it.
 */
export function guardedKeyLog(keyLog: KeyLog, failed: (error: unknown) => void): KeyLog {
  let works = true
  return line => {
    if (!works) return
    try {
      keyLog(line)
    } catch (error) {
      works = false
      failed(error)
    }
  }
}

/** What a line holds: the master secret of TLS 1.2, or one of the secrets of TLS 1.3. */
export type KeyLogLabel =
  | 'CLIENT_RANDOM'
  | 'CLIENT_HANDSHAKE_TRAFFIC_SECRET'
  | 'SERVER_HANDSHAKE_TRAFFIC_SECRET'
  | 'CLIENT_TRAFFIC_SECRET_0'
  | 'SERVER_TRAFFIC_SECRET_0'
  | 'EXPORTER_SECRET'

/** RFC 9850 §2: label, random of the ClientHello and secret, in the format that is known as SSLKEYLOGFILE. */
export function keyLogLine(label: KeyLogLabel, clientRandom: Uint8Array, secret: Uint8Array): string {
  return `${label} ${hex(clientRandom)} ${hex(secret)}`
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
}
