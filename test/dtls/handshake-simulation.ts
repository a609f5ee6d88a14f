import type { DtlsIdentity } from '../../src/dtls/certificate-selection.ts'
import type { KeyExchangeName } from '../../src/dtls/crypto/provider.ts'
import { type DtlsOptions, nodeCryptoProvider } from '../../src/dtls/index.ts'
import { type Prng, prng } from '../support/prng.ts'
import {
  ecdsaCertificate,
  ed25519Certificate,
  rsaCertificate,
  rsaPssCertificate,
  type TestCertificate,
  testCertificate,
} from '../support/test-certificate.ts'
import { Link, type LinkConditions } from './link.ts'
import { createPair, type Endpoint, type Pair, start } from './support.ts'

/** The longest that an end waits for what it has sent to be heard, before the simulation gives up. */
const patienceMs = 120_000
/** What runs above, SCTP for one, repeats its own packets. */
const repetitionMs = 100

/** How a simulated handshake ended. */
export interface SimulatedHandshake {
  /** What was negotiated, and over which link, in a few words. */
  readonly title: string
  /** Both ends were connected, and application data arrived both ways. */
  readonly complete: boolean
  /** The two states, and the two errors, for a message. */
  readonly outcome: string
  /** Virtual milliseconds until both ends were connected. */
  readonly connectedMs: number
  /** Datagrams that both ends had sent by then, lost ones included. */
  readonly datagrams: number
}

/** A handshake between two ends over a link with this share of losses; all else comes from the seed. */
export function simulateHandshake(seed: number, loss: number): SimulatedHandshake {
  const random = prng(seed)
  const { title, pair } = scenario(seed, random)
  const conditions = linkConditions(loss, random)
  const link = new Link(pair, seed, conditions)
  start(pair)
  link.run(patienceMs, () => isOver(pair))
  const connectedMs = link.now
  const datagrams = link.sent
  exchangeData(pair, link)
  const complete = isConnected(pair) && hasData(pair.client) && hasData(pair.server)
  const { client, server } = pair
  return {
    title: `${title}, ${conditions.delayMs} ms and up to ${conditions.jitterMs} more`,
    complete,
    outcome: `client ${client.dtls.state} ${client.failure ?? ''}, server ${server.dtls.state} ${server.failure ?? ''}`,
    connectedMs,
    datagrams,
  }
}

function isConnected({ client, server }: Pair): boolean {
  return client.dtls.state === 'connected' && server.dtls.state === 'connected'
}

function isOver(pair: Pair): boolean {
  return isConnected(pair) || pair.client.failure !== undefined || pair.server.failure !== undefined
}

function hasData({ data }: Endpoint): boolean {
  return data.length > 0
}

/** Each end says something until the other has heard it. */
function exchangeData(pair: Pair, link: Link): void {
  const { client, server } = pair
  const until = link.now + patienceMs
  const done = (): boolean => hasData(client) && hasData(server)
  while (isConnected(pair) && !done() && link.now < until) {
    if (!hasData(server)) link.send(client, client.dtls.seal(Buffer.from('to the server')))
    if (!hasData(client)) link.send(server, server.dtls.seal(Buffer.from('to the client')))
    link.run(link.now + repetitionMs, done)
  }
}

function linkConditions(loss: number, random: Prng): LinkConditions {
  return {
    loss,
    delayMs: 1 + (random.next() % 80),
    jitterMs: random.next() % 60,
    duplication: random.float() * 0.2,
    corruption: 0,
  }
}

interface Groups {
  readonly title: string
  readonly client?: readonly KeyExchangeName[]
  readonly server?: readonly KeyExchangeName[]
}

/** In the last two, the client has sent no share of the server's group: HelloRetryRequest. */
const groups: readonly Groups[] = [
  { title: 'ML-KEM' },
  { title: 'X25519', client: ['x25519'] },
  { title: 'P-256', server: ['secp256r1'], client: ['secp256r1'] },
  { title: 'another group at the second try', server: ['secp384r1'] },
  { title: 'ML-KEM at the second try', client: ['x25519', 'x25519mlkem768'], server: ['x25519mlkem768'] },
]

const versions = [
  { title: '1.3', client: '1.3', server: '1.3' },
  { title: '1.3 alone', client: '1.3', server: '1.3', minVersion: '1.3' },
  { title: '1.2', client: '1.2', server: '1.2' },
  { title: '1.2 for the client', client: '1.2', server: '1.3' },
  { title: '1.2 for the server', client: '1.3', server: '1.2' },
] as const

function scenario(seed: number, random: Prng): { title: string; pair: Pair } {
  const version = oneOf(versions, random)
  const isVersion13 = version.client === '1.3' && version.server === '1.3'
  const group = isVersion13 ? oneOf(groups, random) : { title: 'its own groups' }
  const client = oneOf(certificates(), random)
  const server = oneOf(certificates(), random)
  // Small datagrams, so that messages come in pieces; every other time the server asks for a cookie.
  const mtu = oneOf([256, 400, 800, 1200], random)
  const peerAddressValidated = random.next() % 2 === 0
  const common: Partial<DtlsOptions> = {
    mtu,
    peerAddressValidated,
    minVersion: 'minVersion' in version ? version.minVersion : '1.2',
  }
  const pair = createPair({
    seed,
    clientCertificate: client.certificate,
    serverCertificate: server.certificate,
    client: { ...common, maxVersion: version.client, identities: [client.identity], ...only(group.client) },
    server: { ...common, maxVersion: version.server, identities: [server.identity], ...only(group.server) },
  })
  const names = [version.title, group.title, `${client.name} and ${server.name}`, `mtu ${mtu}`]
  return { title: [...names, peerAddressValidated ? 'no cookie' : 'a cookie'].join(', '), pair }
}

function only(names: readonly KeyExchangeName[] | undefined): Partial<DtlsOptions> {
  return names === undefined ? {} : { groups: names }
}

function oneOf<T>(values: readonly [T, ...T[]] | readonly T[], random: Prng): T {
  const value = values[random.next() % values.length]
  if (value === undefined) throw new Error('nothing to choose from')
  return value
}

interface NamedCertificate {
  readonly name: string
  readonly certificate: TestCertificate
  readonly identity: DtlsIdentity
}

let cached: readonly NamedCertificate[] | undefined

/** Made once: keys take their time. */
function certificates(): readonly NamedCertificate[] {
  cached ??= [
    named('P-256', testCertificate(11)),
    named('P-384', ecdsaCertificate({ curve: 'P-384' })),
    named('RSA', rsaCertificate()),
    named('RSA-PSS', rsaPssCertificate()),
    named('Ed25519', ed25519Certificate()),
  ]
  return cached
}

/** The commonest length of a signature: a header, and two numbers, one of them with a zero byte in front. */
const ecdsaSignatureLengths: Readonly<Record<string, number>> = { 'P-256': 71, 'P-384': 103 }

/** ECDSA signatures differ in length; with one length alone, a seed always gives the same datagrams. */
function named(name: string, certificate: TestCertificate): NamedCertificate {
  const key = nodeCryptoProvider.importSigningKey(certificate.pkcs8)
  const length = ecdsaSignatureLengths[name]
  const sign: typeof key.sign = (scheme, data) => {
    for (;;) {
      const signature = key.sign(scheme, data)
      if (length === undefined || signature.length === length) return signature
    }
  }
  return { name, certificate, identity: { chain: certificate.chain, key: { ...key, sign } } }
}
