import { Handshake } from '../../src/dtls/handshake.ts'
import { DtlsConnection, type DtlsEvent, type DtlsOptions, nodeCryptoProvider } from '../../src/dtls/index.ts'
import { prng } from '../support/prng.ts'
import { rsaCertificate, type TestCertificate, testCertificate } from '../support/test-certificate.ts'

export const clientCertificate: TestCertificate = testCertificate(1)
export const serverCertificate: TestCertificate = testCertificate(2)
export const strangerCertificate: TestCertificate = testCertificate(3)

let rsa: TestCertificate | undefined

/** Made once: RSA keys take their time. */
export function sharedRsaCertificate(): TestCertificate {
  rsa ??= rsaCertificate()
  return rsa
}

export interface PairOptions {
  readonly seed?: number
  /** Of both. */
  readonly options?: Partial<DtlsOptions>
  readonly client?: Partial<DtlsOptions>
  readonly server?: Partial<DtlsOptions>
  readonly clientCertificate?: TestCertificate
  readonly serverCertificate?: TestCertificate
}

/** A connection, with everything it has told. */
export class Endpoint {
  readonly dtls: DtlsConnection
  readonly events: DtlsEvent[] = []

  constructor(dtls: DtlsConnection) {
    this.dtls = dtls
  }

  /** The application data that was delivered, as text. */
  get data(): string[] {
    return this.events.flatMap(event => (event.type === 'data' ? [Buffer.from(event.data).toString()] : []))
  }

  get failure(): string | undefined {
    for (const event of this.events) if (event.type === 'failed') return event.error.code
    return undefined
  }

  get types(): string[] {
    return this.events.map(event => event.type)
  }

  /** All datagrams that wait to be sent. */
  transmits(): Uint8Array[] {
    const datagrams: Uint8Array[] = []
    for (let data = this.dtls.pollTransmit(); data !== undefined; data = this.dtls.pollTransmit()) datagrams.push(data)
    this.drainEvents()
    return datagrams
  }

  drainEvents(): void {
    for (let event = this.dtls.pollEvent(); event !== undefined; event = this.dtls.pollEvent()) this.events.push(event)
  }

  receive(datagram: Uint8Array, now = 0): ReturnType<DtlsConnection['receive']> {
    const result = this.dtls.receive(datagram, now)
    this.drainEvents()
    return result
  }
}

export interface Pair {
  readonly client: Endpoint
  readonly server: Endpoint
}

/** A client and a server that know each other's fingerprints; not yet started. */
export function createPair(options: PairOptions = {}): Pair {
  const own = options.clientCertificate ?? clientCertificate
  const theirs = options.serverCertificate ?? serverCertificate
  const { seed = 1 } = options
  return {
    client: createEndpoint('client', own, theirs, 2 * seed, { ...options.options, ...options.client }),
    server: createEndpoint('server', theirs, own, 2 * seed + 1, { ...options.options, ...options.server }),
  }
}

export function createEndpoint(
  role: 'client' | 'server',
  own: TestCertificate,
  peer: TestCertificate,
  seed: number,
  options: Partial<DtlsOptions> = {},
): Endpoint {
  const generator = prng(seed)
  const crypto = options.crypto ?? nodeCryptoProvider
  return new Endpoint(
    new DtlsConnection({
      role,
      identities: [{ chain: own.chain, key: crypto.importSigningKey(own.pkcs8) }],
      fingerprints: [peer.fingerprint()],
      crypto,
      random: length => generator.bytes(length),
      peerAddressValidated: true,
      // What these tests take apart are the messages of DTLS 1.2; those of 1.3 ask for it.
      maxVersion: '1.2',
      ...options,
    }),
  )
}

export function start({ client, server }: Pair, now = 0): void {
  server.dtls.start(now)
  client.dtls.start(now)
}

/** Carries datagrams to and fro, at one instant, until nobody says anything more. */
export function exchange({ client, server }: Pair, now = 0): void {
  for (let round = 0; round < 50; round++) {
    const toServer = client.transmits()
    for (const datagram of toServer) server.receive(datagram, now)
    const toClient = server.transmits()
    for (const datagram of toClient) client.receive(datagram, now)
    if (toServer.length + toClient.length === 0) return
  }
  throw new Error('client and server never fall silent')
}

/** A pair whose handshake is done. */
export function connectedPair(options: PairOptions = {}): Pair {
  const pair = createPair(options)
  start(pair)
  exchange(pair)
  if (pair.client.dtls.state !== 'connected' || pair.server.dtls.state !== 'connected') {
    throw new Error(`client ${pair.client.failure}, server ${pair.server.failure}`)
  }
  return pair
}

/** The records of a datagram. */
export function records(datagram: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = []
  for (let at = 0; at + 13 <= datagram.length; ) {
    const end = at + 13 + (((datagram[at + 11] ?? 0) << 8) | (datagram[at + 12] ?? 0))
    found.push(datagram.subarray(at, end))
    at = end
  }
  return found
}

/** A record of epoch 0, as anybody could make it. */
export function plaintextRecord(type: number, content: Uint8Array, sequence = 0): Uint8Array {
  const header = Buffer.alloc(13)
  header[0] = type
  header.writeUInt16BE(0xfefd, 1)
  header.writeUIntBE(sequence, 5, 6)
  header.writeUInt16BE(content.length, 11)
  return Buffer.concat([header, content])
}

/** A fragment of a handshake message; the whole message unless told otherwise. */
export function handshakeFragment(
  type: number,
  sequence: number,
  body: Uint8Array,
  offset = 0,
  end: number = body.length,
): Uint8Array {
  const header = Buffer.alloc(12)
  header[0] = type
  header.writeUIntBE(body.length, 1, 3)
  header.writeUInt16BE(sequence, 4)
  header.writeUIntBE(offset, 6, 3)
  header.writeUIntBE(end - offset, 9, 3)
  return Buffer.concat([header, body.subarray(offset, end)])
}

/** Runs while the handshake's messages are rewritten before they enter flight and transcript; undefined leaves one out. */
export function withTampering<T>(
  tamper: (type: number, body: Uint8Array, role: 'client' | 'server') => Uint8Array | undefined,
  run: () => T,
): T {
  const genuine = Handshake.prototype.write
  Handshake.prototype.write = function (type: number, body: Uint8Array) {
    const changed = tamper(type, body, this.config.role)
    if (changed !== undefined) genuine.call(this, type, changed)
  }
  try {
    return run()
  } finally {
    Handshake.prototype.write = genuine
  }
}
