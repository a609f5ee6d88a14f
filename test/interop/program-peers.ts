import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cipherSuites12 } from '../../src/dtls/cipher-suites.ts'
import { type DtlsOptions, nodeCryptoProvider } from '../../src/dtls/index.ts'
import { cipherSuites13 } from '../../src/dtls/v13/cipher-suites.ts'
import { eventually, Program } from '../dtls/program.ts'
import { UdpPeer } from '../dtls/udp-peer.ts'
import { type CertificateAlgorithm, noCertificate, recordInterop } from '../support/interop-table.ts'
import {
  ecdsaCertificate,
  ed25519Certificate,
  rsaCertificate,
  rsaPssCertificate,
  type TestCertificate,
} from '../support/test-certificate.ts'

export const kinds = ['P-256', 'P-384', 'RSA', 'RSA-PSS', 'Ed25519'] as const
export type Kind = (typeof kinds)[number]
export type Suite = 'AES-128-GCM' | 'AES-256-GCM' | 'ChaCha20-Poly1305'
export type Group = 'x25519' | 'secp256r1' | 'secp384r1'
export type Version = '1.2' | '1.3'
export type Role = 'client' | 'server'

/** One connection: what icefloe shows, what the peer shows, and what protects it. */
export interface Connection {
  readonly own: Kind
  readonly theirs: Kind
  readonly suite: Suite
  readonly group: Group
}

export const exporterLabel = 'EXTRACTOR-dtls_srtp'
export const exporterLength = 60
/** SRTP_AES128_CM_HMAC_SHA1_80 */
export const srtpProfile = 1

const suites: readonly Suite[] = ['AES-128-GCM', 'AES-256-GCM', 'ChaCha20-Poly1305']
const groups: readonly Group[] = ['x25519', 'secp256r1', 'secp384r1']
const suiteParts = {
  'AES-128-GCM': 'AES_128_GCM_SHA256',
  'AES-256-GCM': 'AES_256_GCM_SHA384',
  'ChaCha20-Poly1305': 'CHACHA20_POLY1305_SHA256',
} as const
const algorithms: Readonly<Record<Kind, CertificateAlgorithm>> = {
  'P-256': 'ECDSA P-256',
  'P-384': 'ECDSA P-384',
  RSA: 'RSA PKCS#1',
  'RSA-PSS': 'RSA-PSS',
  Ed25519: 'Ed25519',
}

/**
 * Connections in which every certificate of ours meets every suite and every group, and every suite every group. The
 * certificates of the peer take turns.
 */
export function everyPair(own: readonly Kind[], theirs: readonly Kind[]): readonly Connection[] {
  return own.flatMap((kind, row) =>
    suites.map((suite, column) => ({
      own: kind,
      theirs: inTurn(theirs, row + 2 * column),
      suite,
      group: inTurn(groups, row + column),
    })),
  )
}

export function title({ own, theirs, suite, group }: Connection): string {
  return `that shows ${own} and sees ${theirs}, with ${suite} on ${group}`
}

/** The group first that is to be taken, then the others: these stand for curves of certificates, too. */
export function groupFirst(group: Group): readonly Group[] {
  return [group, ...groups.filter(each => each !== group)]
}

/** RFC 5246 §7.4.2, RFC 8422 §5.1.3: what suites of TLS 1.2 call the authentication by such a certificate. */
export function authentication(server: Kind): 'ECDSA' | 'RSA' {
  return server.startsWith('RSA') ? 'RSA' : 'ECDSA'
}

/** The suite's name in the IANA registry. */
export function suiteName(version: Version, suite: Suite, server: Kind): string {
  return `TLS_${version === '1.2' ? `ECDHE_${authentication(server)}_WITH_` : ''}${suiteParts[suite]}`
}

/** The suite's number in the IANA registry, as four hexadecimal digits. */
export function suiteId(version: Version, suite: Suite, server: Kind): string {
  const name = suiteName(version, suite, server)
  const found = (version === '1.2' ? cipherSuites12 : cipherSuites13).find(each => each.name === name)
  assert.ok(found)
  return found.id.toString(16).padStart(4, '0').toUpperCase()
}

/** To be called in a `describe`: what its tests start ends with each of them, and the files end with the last. */
export function programPeers(): ProgramPeers {
  const peers = new ProgramPeers()
  before(function () {
    this.timeout(20_000)
    peers.open()
  })
  afterEach(() => peers.stop())
  after(() => peers.close())
  return peers
}

/** Programs that are peers, icefloe as theirs, and certificates of both. */
export class ProgramPeers {
  directory = ''
  #certificates: Readonly<Record<Kind, TestCertificate>> | undefined
  readonly #running: { stop?(): Promise<void>; close?(): void }[] = []

  open(): void {
    this.directory = mkdtempSync(join(tmpdir(), 'icefloe-interop-'))
    // A database of NSS takes no two certificates of one name with the same serial number.
    this.#certificates = {
      'P-256': ecdsaCertificate({ commonName: 'P-256' }),
      'P-384': ecdsaCertificate({ commonName: 'P-384', curve: 'P-384' }),
      RSA: rsaCertificate({ commonName: 'RSA' }),
      'RSA-PSS': rsaPssCertificate({ commonName: 'RSA-PSS' }),
      Ed25519: ed25519Certificate({ commonName: 'Ed25519' }),
    }
    for (const kind of kinds) {
      const { certificate, key } = this.certificate(kind).pem()
      const files = this.files(kind)
      writeFileSync(files.certificate, certificate)
      writeFileSync(files.key, key)
    }
  }

  certificate(kind: Kind): TestCertificate {
    assert.ok(this.#certificates)
    return this.#certificates[kind]
  }

  /** Where a program finds certificate and key, in PEM. */
  files(kind: Kind): { readonly certificate: string; readonly key: string } {
    return { certificate: join(this.directory, `${kind}.pem`), key: join(this.directory, `${kind}-key.pem`) }
  }

  run(command: string, args: readonly string[], environment?: Readonly<Record<string, string>>): Program {
    const program = new Program(command, args, environment)
    this.#running.push(program)
    return program
  }

  /** Our end, with certificates of these kinds, the most preferred first. */
  async ours(role: Role, own: readonly Kind[], theirs: Kind, options: Partial<DtlsOptions> = {}): Promise<UdpPeer> {
    const identities = own.map(kind => ({
      chain: this.certificate(kind).chain,
      key: nodeCryptoProvider.importSigningKey(this.certificate(kind).pkcs8),
    }))
    const udp = await UdpPeer.open(role, this.certificate('P-256'), this.certificate(theirs), {
      identities,
      ...options,
    })
    this.#running.push(udp)
    return udp
  }

  /** Which certificate it is that a program has printed. */
  async printed(program: Program): Promise<Kind | undefined> {
    const [text = ''] = await program.find(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/)
    const bare = (pem: string): string => pem.replaceAll(/\s/g, '')
    return kinds.find(kind => bare(this.certificate(kind).pem().certificate) === bare(text))
  }

  async stop(): Promise<void> {
    for (const each of this.#running.splice(0)) {
      each.close?.()
      await each.stop?.()
    }
  }

  close(): void {
    if (this.directory !== '') rmSync(this.directory, { recursive: true, force: true })
  }
}

export async function connected(udp: UdpPeer, detail: () => string = () => ''): Promise<void> {
  await eventually(() => udp.dtls.state !== 'connecting', 'the handshake ends', undefined, detail)
  assert.equal(udp.error, undefined, detail())
  assert.equal(udp.dtls.state, 'connected')
}

/** Text there and back, for which a person would type on the other end. */
export async function exchangesText(udp: UdpPeer, program: Program): Promise<void> {
  udp.send('from icefloe\n')
  await program.find(/from icefloe/)
  program.write('from the other\n')
  await eventually(
    () => udp.received.includes('from the other\n'),
    'data from the peer',
    undefined,
    () => program.output,
  )
}

/** Text there and back, with a peer that sends back what it gets. */
export async function exchangesEcho(udp: UdpPeer): Promise<void> {
  udp.send('there and back\n')
  await eventually(() => udp.received.includes('there and back\n'), 'the echo')
}

export function exported(udp: UdpPeer): string {
  return Buffer.from(udp.dtls.exportKeyingMaterial(exporterLabel, exporterLength)).toString('hex')
}

/** Asserts that a connection is what was wanted. */
export function assertNegotiated(udp: UdpPeer, version: Version, role: Role, connection: Connection): void {
  const { own, theirs, suite, group } = connection
  const { session } = udp.dtls
  assert.equal(session?.version, version === '1.2' ? 'FEFD' : 'FEFC')
  assert.equal(session.cipherSuite, suiteName(version, suite, role === 'client' ? theirs : own))
  assert.equal(session.group, group)
}

/** To be called when data went both ways; without `own` where the server asked for no certificate. */
export function recordConnection(
  peer: string,
  version: Version,
  role: Role,
  { own, suite, group }: { readonly own?: Kind; readonly suite: Suite; readonly group: string },
): void {
  const certificate = own === undefined ? noCertificate : algorithms[own]
  recordInterop({ peer, version: `DTLS ${version}`, role, certificate, group, suite })
}

function inTurn<T>(list: readonly T[], index: number): T {
  const item = list[index % list.length]
  assert.ok(item !== undefined)
  return item
}
