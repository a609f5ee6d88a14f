/** Takes the lines of a key log, without line feeds: with them, who has recorded the packets can read all that was said. */
export type KeyLog = (line: string) => void

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
