import assert from 'node:assert/strict'
import {
  type ConnectionExtensions,
  exportCertificate,
  importCertificate,
  type RTCCertificate,
  RTCPeerConnection,
} from '../../src/index.ts'
import { nextMessage, reached } from '../support/events.ts'
import { type CertificateAlgorithm, recordInterop } from '../support/interop-table.ts'
import { rsaPssCertificate } from '../support/test-certificate.ts'
import { type Pair, type PairOptions, startPair } from './browser-pair.ts'
import { type BrowserUnderTest, withPair } from './browser-suites.ts'

export type DtlsChoices = NonNullable<ConnectionExtensions['dtls']>
export type DtlsRole = 'client' | 'server'
export const dtlsRoles: readonly DtlsRole[] = ['client', 'server']

/** Certificates of the API's algorithms, and one whose key says that it is for RSA-PSS alone. */
export type CertificateKind = CertificateAlgorithm | 'a key for RSA-PSS alone'

const rsaMembers = { hash: 'SHA-256', modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1) }
const makeCertificate: Readonly<Record<CertificateKind, () => RTCCertificate | Promise<RTCCertificate>>> = {
  'ECDSA P-256': () => generated({ name: 'ECDSA', namedCurve: 'P-256' }),
  'ECDSA P-384': () => generated({ name: 'ECDSA', namedCurve: 'P-384' }),
  'RSA PKCS#1': () => generated({ name: 'RSASSA-PKCS1-v1_5', ...rsaMembers }),
  'RSA-PSS': () => generated({ name: 'RSA-PSS', ...rsaMembers }),
  Ed25519: () => generated({ name: 'Ed25519' }),
  'a key for RSA-PSS alone': () => {
    const { certificate, pkcs8 } = rsaPssCertificate()
    return importCertificate({ certificate, privateKey: pkcs8 })
  },
}
const made = new Map<CertificateKind, RTCCertificate>()

/** One of each kind, for all tests: RSA keys take long to make. */
export async function certificateOf(kind: CertificateKind): Promise<RTCCertificate> {
  const certificate = made.get(kind) ?? (await makeCertificate[kind]())
  made.set(kind, certificate)
  return certificate
}

async function generated(algorithm: object): Promise<RTCCertificate> {
  return await RTCPeerConnection.generateCertificate(algorithm as { name: string })
}

/** What statistics say of a DTLS connection. */
export interface DtlsStatistics {
  readonly tlsVersion: string
  readonly dtlsCipher: string
  readonly dtlsRole: DtlsRole
}

/** A peer that was opened for a suite, with what is particular about it. */
export interface DtlsPeer extends BrowserUnderTest {
  /** As its statistics are written; undefined if it has none. */
  readonly statistics?: (expected: DtlsStatistics) => object
  /** Whether it has `getRemoteCertificates`. */
  readonly tellsCertificates: boolean
}

/** Which connection to make, and how it has to be. */
export interface PlannedConnection {
  readonly certificate: CertificateAlgorithm
  readonly dtls: DtlsChoices
  readonly version: 'DTLS 1.2' | 'DTLS 1.3'
  readonly group: string
}

/**
 * Every row with icefloe in both roles.
 *
 * @param decided the roles for which the rows with the usual certificate are repeated with an offer that decides who begins
 */
export function makesConnections(
  peer: DtlsPeer,
  plan: readonly PlannedConnection[],
  decided: readonly DtlsRole[] = dtlsRoles,
): void {
  for (const role of dtlsRoles) {
    for (const offerer of [usualOfferer(role), otherOfferer(role)]) {
      const usual = offerer === usualOfferer(role)
      const offers = offerer === 'icefloe' ? 'offering' : 'answering'
      for (const planned of plan) {
        const { version, certificate, group, dtls } = planned
        const pinned = dtls.maxVersion === undefined ? '' : ', pinned,'
        if (!usual && !(decided.includes(role) && certificate === 'ECDSA P-256')) continue
        it(`is ${version}${pinned} with ${certificate} and ${group}, icefloe the ${role} and ${offers}`, async () => {
          await makesConnection(peer, planned, role, offerer)
        })
      }
    }
  }
}

export async function makesConnection(
  peer: DtlsPeer,
  { certificate, dtls, version, group }: PlannedConnection,
  role: DtlsRole,
  offerer: PairOptions['offerer'],
): Promise<void> {
  const own = await certificateOf(certificate)
  const options = {
    ...withRole(role, offerer),
    icefloeConfiguration: { certificates: [own] },
    icefloeExtensions: { dtls },
  }
  await withPair(peer, options, async pair => {
    await exchangesBothWays(pair)
    const ours = await dtlsStatistics(pair)
    assert.equal(ours.tlsVersion, version === 'DTLS 1.3' ? 'FEFC' : 'FEFD')
    assert.equal(ours.dtlsRole, role)
    assert.equal(ours.tlsGroup, group)
    const { tlsVersion, dtlsCipher } = ours
    const theirs = { tlsVersion, dtlsCipher, dtlsRole: role === 'client' ? 'server' : 'client' } as const
    if (peer.statistics !== undefined) {
      assert.deepEqual(await pair.browser.transportStats(), peer.statistics(theirs))
    }
    if (peer.tellsCertificates) assert.deepEqual(await pair.browser.remoteCertificates(), [derOf(own)])
    recordInterop({ peer: peer.name, version, role, certificate, group: ours.tlsGroup, suite: dtlsCipher })
  })
}

/** The channel is negotiated beforehand: werift crashes where the association is faster than its choice of a stream. */
const channels = { data: { negotiated: true, id: 0 } }

/** A pair in which icefloe has this role: where the other end usually has it, the offer says who begins. */
export function withRole(
  role: DtlsRole,
  offerer: PairOptions['offerer'] = usualOfferer(role),
): PairOptions & { readonly alter: Alter } {
  const usual = offerer === usualOfferer(role)
  const alter: Alter = (sdp, from) =>
    usual || from !== offerer ? sdp : sdp.replace('a=setup:actpass', 'a=setup:active')
  return { offerer, trickle: true, channels, alter }
}

/** RFC 8842 §5.3: offers leave the role open, and all answers here take that of the client. */
function usualOfferer(role: DtlsRole): PairOptions['offerer'] {
  return role === 'client' ? 'browser' : 'icefloe'
}

function otherOfferer(role: DtlsRole): PairOptions['offerer'] {
  return role === 'client' ? 'icefloe' : 'browser'
}

type Alter = (sdp: string, from: 'browser' | 'icefloe') => string

/** Both ends send first once, text and as many bytes as every peer takes. */
export async function exchangesBothWays({ browser, channels: { data } }: Pair): Promise<void> {
  assert.ok(data)
  await browser.echo('data')
  const bytes = Buffer.alloc(60_000, 'icefloe')
  for (const message of ['from icefloe', bytes]) {
    const answer = nextMessage(data)
    if (typeof message === 'string') data.send(message)
    else data.send(message)
    const received = await answer
    if (typeof message === 'string') assert.equal(received, message)
    else assert.ok(received instanceof ArrayBuffer && bytes.equals(new Uint8Array(received)), 'bytes come back whole')
  }
  data.addEventListener('message', event => data.send((event as MessageEvent).data), { once: true })
  assert.equal(await browser.roundTrip('data', 'from the peer'), 'from the peer')
}

/** What icefloe's statistics say of its transport. */
export async function dtlsStatistics({
  icefloe,
}: Pick<Pair, 'icefloe'>): Promise<DtlsStatistics & { readonly tlsGroup: string }> {
  const report = await icefloe.getStats()
  const transport = [...report.values()].find(({ type }) => type === 'transport')
  assert.ok(transport)
  const { tlsVersion, dtlsCipher, dtlsRole, tlsGroup } = transport
  return { tlsVersion, dtlsCipher, dtlsRole, tlsGroup } as DtlsStatistics & { readonly tlsGroup: string }
}

/** The certificate itself in base64. */
export function derOf(certificate: RTCCertificate): string {
  const [, base64 = ''] =
    /-----BEGIN CERTIFICATE-----([^-]+)-----/.exec(exportCertificate(certificate).certificate) ?? []
  return base64.replaceAll(/\s/g, '')
}

/** A connection that does not come about: it is told why within seconds, and nothing is delivered. */
export async function failsToConnect(
  peer: BrowserUnderTest,
  options: PairOptions,
  check: (pair: Pair) => void | Promise<void>,
): Promise<void> {
  const pair = await startPair(peer.page(), options)
  const { icefloe, channels } = pair
  const received: unknown[] = []
  for (const channel of Object.values(channels)) {
    channel.addEventListener('open', () => channel.send('never to arrive'))
    channel.addEventListener('message', event => received.push((event as MessageEvent).data))
  }
  try {
    const failed = () => icefloe.connectionState === 'failed'
    await reached(icefloe, 'connectionstatechange', failed, 'the connection failed')
    await check(pair)
    assert.deepEqual(received, [])
  } finally {
    await pair.close()
  }
}

/** A certificate alone that the peer does not verify, and the versions of DTLS to try that with. */
export interface RefusedCertificate {
  readonly certificate: CertificateKind
  readonly versions: readonly NonNullable<DtlsChoices['maxVersion']>[]
  /** Of icefloe; both if absent. */
  readonly roles?: readonly DtlsRole[]
}

/** icefloe gives up within seconds, and says why. */
export function refusesCertificates(peer: DtlsPeer, refused: readonly RefusedCertificate[]): void {
  for (const { certificate, versions, roles = dtlsRoles } of refused) {
    for (const maxVersion of versions) {
      for (const role of roles) {
        it(`tells that ${certificate} is not enough for DTLS ${maxVersion}, icefloe the ${role}`, async () => {
          const options = {
            ...withRole(role),
            icefloeConfiguration: { certificates: [await certificateOf(certificate)] },
            icefloeExtensions: { dtls: { maxVersion } },
          }
          await failsToConnect(peer, options, ({ errors: [error, ...more] }) => {
            assert.deepEqual(more, [])
            assert.equal(error?.errorDetail, 'dtls-failure')
            // A server sees it in the ClientHello. A client shows none, and the server does not put up with that.
            if (role === 'server') assert.match(error.message, /^no .*certificate that/)
            else assert.match(error.message, /alert \d+ \([a-z_]+\)$/)
          })
        })
      }
    }
  }
}
