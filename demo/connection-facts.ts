import { type KeyObject, X509Certificate } from 'node:crypto'
import type { RTCPeerConnection } from 'icefloe'

/** What a person wants to know about a connection, read out of `getStats()`. A fact that is not known yet is absent. */
export interface ConnectionFacts {
  /** Both ends of the selected pair: `host udp 127.0.0.1:50000`; `relay udp 192.0.2.1:50000, over tcp` to the relay. */
  local?: string
  remote?: string
  /** `DTLS 1.3`, and the name of the suite as IANA writes it. */
  dtls?: string
  cipher?: string
  /** The key exchange: `x25519mlkem768`. Browsers do not tell it. */
  group?: string
  /** In the handshake: `client` or `server`. */
  role?: string
  /** The certificate that this end has shown, and that of the peer. */
  certificate?: CertificateFacts
  remoteCertificate?: CertificateFacts
  roundTripMs?: number
}

export interface CertificateFacts {
  /** `ECDSA P-256` */
  readonly key: string
  /** The hash function and its value: `sha-256 AB:CD:...` */
  readonly fingerprint: string
  /** The last day of its validity: `2026-12-31` */
  readonly expires: string
}

export async function connectionFacts(connection: RTCPeerConnection): Promise<ConnectionFacts> {
  const stats = new StatsById()
  for (const entry of (await connection.getStats()).values()) stats.add(entry)
  const facts: ConnectionFacts = {}
  const transport = stats.firstOfType('transport')
  if (transport === undefined) return facts

  const pair = stats.get(transport.selectedCandidatePairId)
  assign(facts, 'local', describeCandidate(stats.get(pair?.localCandidateId)))
  assign(facts, 'remote', describeCandidate(stats.get(pair?.remoteCandidateId)))
  const seconds = pair?.currentRoundTripTime
  if (typeof seconds === 'number') facts.roundTripMs = seconds * 1000

  assign(facts, 'dtls', describeVersion(transport.tlsVersion))
  assign(facts, 'cipher', text(transport.dtlsCipher))
  assign(facts, 'group', text(transport.tlsGroup))
  assign(facts, 'role', text(transport.dtlsRole))
  assign(facts, 'certificate', describeCertificate(stats.get(transport.localCertificateId)))
  assign(facts, 'remoteCertificate', describeCertificate(stats.get(transport.remoteCertificateId)))
  return facts
}

type Stats = Readonly<Record<string, unknown>>

class StatsById {
  readonly #entries = new Map<unknown, Stats>()

  add(entry: object): void {
    const stats = entry as Stats
    this.#entries.set(stats.id, stats)
  }

  get(id: unknown): Stats | undefined {
    return this.#entries.get(id)
  }

  firstOfType(type: string): Stats | undefined {
    for (const stats of this.#entries.values()) if (stats.type === type) return stats
    return undefined
  }
}

function assign<Key extends keyof ConnectionFacts>(
  facts: ConnectionFacts,
  key: Key,
  value: ConnectionFacts[Key],
): void {
  if (value !== undefined) facts[key] = value
}

function describeCandidate(candidate: Stats | undefined): string | undefined {
  if (candidate === undefined) return undefined
  const { candidateType, protocol, port, relayProtocol } = candidate
  const address = String(candidate.address || candidate.ip || 'hidden')
  const place = `${candidateType} ${protocol} ${address.includes(':') ? `[${address}]` : address}:${port}`
  return relayProtocol === undefined ? place : `${place}, over ${relayProtocol}`
}

/** RFC 6347 §4.1 and RFC 9147 §4: a DTLS version on the wire is the ones' complement of its number. */
function describeVersion(version: unknown): string | undefined {
  if (typeof version !== 'string') return undefined
  return { FEFF: 'DTLS 1.0', FEFD: 'DTLS 1.2', FEFC: 'DTLS 1.3' }[version.toUpperCase()] ?? version
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function describeCertificate(certificate: Stats | undefined): CertificateFacts | undefined {
  if (typeof certificate?.base64Certificate !== 'string') return undefined
  const { publicKey, validTo } = new X509Certificate(Buffer.from(certificate.base64Certificate, 'base64'))
  return {
    key: describeKey(publicKey),
    fingerprint: `${certificate.fingerprintAlgorithm} ${certificate.fingerprint}`,
    expires: new Date(validTo).toISOString().slice(0, 10),
  }
}

function describeKey({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string {
  const { namedCurve = '', modulusLength } = asymmetricKeyDetails ?? {}
  if (asymmetricKeyType === 'ec') return `ECDSA ${curveNames[namedCurve] ?? namedCurve}`
  if (asymmetricKeyType === 'rsa') return `RSA ${modulusLength}`
  return asymmetricKeyType === 'ed25519' ? 'Ed25519' : String(asymmetricKeyType)
}

/** Node names curves as OpenSSL does; WebCrypto, and so the W3C API, as NIST does. */
const curveNames: Readonly<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' }
