/**
 * What a DTLS handshake costs, both ends together, and how many flights it takes; or what a record costs.
 *
 *   npx tsx bench/handshake.ts [handshakes]
 *   npx tsx bench/handshake.ts --record [milliseconds]
 *
 * Both ends run in this process, on `node:crypto`, without sockets; certificates are ECDSA on P-256, made before. CPU time
 * is that of the process, its other threads (compiler, garbage collector) included; the clock of the flights is virtual.
 */
import { randomBytes } from 'node:crypto'

import { type CipherSuite, cipherSuites12 } from '../src/dtls/cipher-suites.ts'
import { DtlsConnection, type DtlsOptions, nodeCryptoProvider } from '../src/dtls/index.ts'
import { AesGcmOpener, AesGcmSealer, type RecordSealer } from '../src/dtls/record-protection.ts'
import { ChaCha20Poly1305Opener, ChaCha20Poly1305Sealer } from '../src/dtls/v12/chacha20-poly1305.ts'
import { type CipherSuite13, cipherSuites13 } from '../src/dtls/v13/cipher-suites.ts'
import { Opener13, Sealer13 } from '../src/dtls/v13/record-protection.ts'
import { ecdsaCertificate } from '../test/support/test-certificate.ts'

const roundTripMs = 100
const recordBytes = 1200
const warmUp = 200

const ends = { client: ecdsaCertificate(), server: ecdsaCertificate() }
const keys = {
  client: nodeCryptoProvider.importSigningKey(ends.client.pkcs8),
  server: nodeCryptoProvider.importSigningKey(ends.server.pkcs8),
}

interface Variant {
  readonly name: string
  readonly options: Partial<DtlsOptions>
}

// RFC 8422 §5.1.1: the curve of a certificate has to be among the groups, too. The first is the one that is used.
const v12: Partial<DtlsOptions> = { maxVersion: '1.2', groups: ['x25519', 'secp256r1'] }
const v13: Partial<DtlsOptions> = { minVersion: '1.3', groups: ['x25519'] }
const hybrid: Partial<DtlsOptions> = { minVersion: '1.3', groups: ['x25519mlkem768', 'x25519'] }

const variants: readonly Variant[] = [
  { name: 'DTLS 1.2, X25519', options: v12 },
  { name: 'DTLS 1.3, X25519', options: v13 },
  { name: 'DTLS 1.3, X25519MLKEM768', options: hybrid },
]

const unproven: readonly Variant[] = variants.map(({ name, options }) => ({
  name: `${name}, cookie`,
  options: { ...options, peerAddressValidated: false },
}))

if (process.argv[2] === '--record') records(Number(process.argv[3] ?? 1_000))
else {
  const handshakes = Number(process.argv[2] ?? 400)
  for (const variant of variants) cost(variant, handshakes)
  for (const variant of [...variants, ...unproven]) flights(variant)
}

function createEnd(role: 'client' | 'server', options: Partial<DtlsOptions>): DtlsConnection {
  const peer = role === 'client' ? ends.server : ends.client
  return new DtlsConnection({
    role,
    identities: [{ chain: ends[role].chain, key: keys[role] }],
    fingerprints: [peer.fingerprint()],
    crypto: nodeCryptoProvider,
    random: length => randomBytes(length),
    peerAddressValidated: true,
    // RFC 9147 §5.8.2: more than a round trip, so that nothing is repeated.
    initialRtoMs: 1.5 * roundTripMs,
    ...options,
  })
}

/** What happened to a handshake over a path that takes half a round trip each way. */
interface Outcome {
  /** How often one end spoke to the other until both were connected. */
  readonly flights: number
  readonly clientMs: number
  readonly serverMs: number
  readonly datagrams: number
}

function handshake(options: Partial<DtlsOptions>): Outcome {
  const client = createEnd('client', options)
  const server = createEnd('server', options)
  let now = 0
  let flights = 0
  let datagrams = 0
  const connectedAt = { client: Number.NaN, server: Number.NaN }
  const carry = (from: DtlsConnection, to: DtlsConnection): void => {
    let spoke = false
    const arrival = now + roundTripMs / 2
    for (let each = from.pollTransmit(); each !== undefined; each = from.pollTransmit()) {
      to.receive(each, arrival)
      datagrams++
      spoke = true
    }
    if (spoke) {
      now = arrival
      flights++
    }
  }
  const note = (): void => {
    if (client.state === 'connected' && Number.isNaN(connectedAt.client)) connectedAt.client = now
    if (server.state === 'connected' && Number.isNaN(connectedAt.server)) connectedAt.server = now
  }
  server.start(now)
  client.start(now)
  const isDone = (): boolean => client.state === 'connected' && server.state === 'connected'
  while (!isDone()) {
    const before = flights
    carry(client, server)
    note()
    if (isDone()) break
    carry(server, client)
    note()
    if (flights === before) throw new Error(`client ${client.state}, server ${server.state}`)
  }
  return { flights, clientMs: connectedAt.client, serverMs: connectedAt.server, datagrams }
}

function cost({ name, options }: Variant, handshakes: number): void {
  const cold = process.cpuUsage()
  handshake(options)
  const first = cpuMs(cold)
  for (let n = 0; n < warmUp; n++) handshake(options)
  const times: number[] = []
  const startedAt = process.cpuUsage()
  for (let n = 0; n < handshakes; n++) {
    const before = process.cpuUsage()
    handshake(options)
    times.push(cpuMs(before))
  }
  const mean = cpuMs(startedAt) / handshakes
  times.sort((a, b) => a - b)
  const [median = 0, worst = 0] = [times[times.length >> 1], times[Math.ceil(times.length * 0.95) - 1]]
  console.log(
    `${name.padEnd(34)} CPU of both ends: median ${median.toFixed(2)} ms, mean ${mean.toFixed(2)} ms, ` +
      `p95 ${worst.toFixed(2)} ms, the first ${first.toFixed(1)} ms`,
  )
}

function cpuMs(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / 1_000
}

function flights({ name, options }: Variant): void {
  const { flights, clientMs, serverMs, datagrams } = handshake(options)
  console.log(
    `${name.padEnd(34)} ${flights} flights, ${datagrams} datagrams; with a round trip of ${roundTripMs} ms the client is connected ` +
      `after ${clientMs} ms, the server after ${serverMs} ms`,
  )
}

interface Opener {
  open(datagram: Uint8Array, at: number, end: number): Uint8Array | undefined
}

function records(ms: number): void {
  for (const suite of cipherSuites12) {
    // The key exchange is not what a record is protected with.
    if (suite.authentication === 'ecdsa') recordCost('DTLS 1.2', suite, ms, () => pair12(suite))
  }
  for (const suite of cipherSuites13) recordCost('DTLS 1.3', suite, ms, () => pair13(suite))
}

function pair12({ aead, keyLength, fixedIvLength }: CipherSuite): readonly [RecordSealer, Opener] {
  const [key, iv] = [randomBytes(keyLength), randomBytes(fixedIvLength)]
  if (aead !== 'chacha20-poly1305') return [new AesGcmSealer(1, key, iv), new AesGcmOpener(key, iv)]
  return [new ChaCha20Poly1305Sealer(1, key, iv), new ChaCha20Poly1305Opener(key, iv)]
}

function pair13({ aead, keyLength }: CipherSuite13): readonly [RecordSealer, Opener] {
  const keys = { aead, key: randomBytes(keyLength), iv: randomBytes(12), sequenceKey: randomBytes(keyLength) }
  return [new Sealer13(3, keys), new Opener13(keys)]
}

function recordCost(
  version: string,
  { name }: { readonly name: string },
  ms: number,
  make: () => readonly [RecordSealer, Opener],
): void {
  const content = randomBytes(recordBytes)
  const batch = 1_000
  const [sealer, opener] = make()
  const times = { seal: 0, open: 0, count: 0 }
  for (const phaseMs of [ms / 4, ms]) {
    Object.assign(times, { seal: 0, open: 0, count: 0 })
    for (const until = performance.now() + phaseMs; performance.now() < until; ) {
      const startedAt = performance.now()
      const sealed = Array.from({ length: batch }, () => sealer.seal(23, content))
      const middle = performance.now()
      for (const record of sealed)
        if (opener.open(record, 0, record.length) === undefined) throw new Error('not opened')
      times.seal += middle - startedAt
      times.open += performance.now() - middle
      times.count += batch
    }
  }
  const each = (total: number): string => ((total / times.count) * 1_000).toFixed(2)
  console.log(
    `${version}, ${name.padEnd(46)} ${recordBytes} bytes: sealed in ${each(times.seal)} us, opened in ${each(times.open)} us`,
  )
}
