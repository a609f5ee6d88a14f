import assert from 'node:assert/strict'
import { SignatureSchemes } from '../../src/dtls/crypto/signature-schemes.ts'
import { Alert } from '../../src/dtls/errors.ts'
import { ExtensionType, encodeCodePoints } from '../../src/dtls/extensions.ts'
import { Handshake } from '../../src/dtls/handshake.ts'
import { decodeClientHello, encodeClientHello } from '../../src/dtls/hello.ts'
import { HandshakeType } from '../../src/dtls/messages.ts'
import { decodeCertificateRequest, encodeCertificateRequest } from '../../src/dtls/v12/messages.ts'
import {
  decodeCertificateRequest as decodeCertificateRequest13,
  encodeCertificateRequest as encodeCertificateRequest13,
} from '../../src/dtls/v13/messages.ts'
import { explainConnection } from '../../src/pc/connection-report.ts'
import type { RTCCertificate } from '../../src/pc/rtc-certificate.ts'
import { RTCError } from '../../src/pc/rtc-error.ts'
import { ecdsaCertificate, ed25519Certificate, rsaCertificate, rsaPssCertificate } from '../support/test-certificate.ts'
import { type Call, call, connected, fingerprintOf, imported } from './certificate-call.ts'
import { settled } from './negotiation/media-pair.ts'

type Version = '1.2' | '1.3'
type Role = 'client' | 'server'

const { ecdsaP256Sha256, ecdsaP384Sha384, ed25519, rsaPssSha256, rsaPkcs1Sha256, rsaPssPssSha256 } = SignatureSchemes
const genuineWrite = Handshake.prototype.write

/** From now on the end in this role tells its peer that it verifies these signatures alone. */
function limitSchemes(limited: Role, version: Version, schemes: readonly number[]): void {
  Handshake.prototype.write = function (type: number, body: Uint8Array) {
    const changed = this.config.role === limited ? listingOnly(schemes, version, type, body) : body
    genuineWrite.call(this, type, changed)
  }
}

function listingOnly(schemes: readonly number[], version: Version, type: number, body: Uint8Array): Uint8Array {
  const extension = [ExtensionType.signatureAlgorithms, encodeCodePoints(schemes)] as const
  if (type === HandshakeType.clientHello) {
    const hello = decodeClientHello(body)
    return encodeClientHello({ ...hello, extensions: new Map([...hello.extensions, extension]) })
  }
  if (type !== HandshakeType.certificateRequest) return body
  if (version === '1.2') return encodeCertificateRequest({ ...decodeCertificateRequest(body), schemes })
  const request = decodeCertificateRequest13(body)
  return encodeCertificateRequest13({ ...request, extensions: new Map([...request.extensions, extension]) })
}

/** Bob, who answers, is the client. */
const endOf = { client: 'bob', server: 'alice' } as const

describe('With several certificates', function () {
  this.timeout(30_000)
  const certificates: Record<'P-256' | 'P-384' | 'RSA' | 'RSA-PSS' | 'Ed25519', RTCCertificate> = {
    'P-256': imported(ecdsaCertificate()),
    'P-384': imported(ecdsaCertificate({ curve: 'P-384' })),
    RSA: imported(rsaCertificate()),
    'RSA-PSS': imported(rsaPssCertificate()),
    Ed25519: imported(ed25519Certificate()),
  }
  type Kind = keyof typeof certificates
  const of = (kinds: readonly Kind[]): RTCCertificate[] => kinds.map(kind => certificates[kind])

  afterEach(() => {
    Handshake.prototype.write = genuineWrite
  })

  const configured: readonly (readonly Kind[])[] = [
    ['P-256', 'RSA', 'Ed25519'],
    ['RSA', 'Ed25519', 'P-256'],
    ['Ed25519', 'P-256', 'RSA'],
  ]
  const peers: readonly [string, readonly number[], Kind][] = [
    ['RSA', [rsaPssSha256.id, rsaPkcs1Sha256.id], 'RSA'],
    ['ECDSA', [ecdsaP256Sha256.id, ecdsaP384Sha384.id], 'P-256'],
    ['Ed25519', [ed25519.id], 'Ed25519'],
  ]

  for (const version of ['1.2', '1.3'] as const) {
    const dtls = { minVersion: version, maxVersion: version }
    for (const role of ['client', 'server'] as const) {
      const other: Role = role === 'client' ? 'server' : 'client'
      describe(`in DTLS ${version} a ${role}`, () => {
        for (const [title, schemes, expected] of peers) {
          it(`shows the one that fits a peer with ${title} alone, and its statistics point to it`, async () => {
            for (const kinds of configured) {
              limitSchemes(other, version, schemes)
              const shown = await connected({ [endOf[role]]: of(kinds), dtls })
              assert.equal(shown[endOf[role]], fingerprintOf(certificates[expected]), kinds.join())
            }
          })
        }

        it('shows the first one that fits, in the order configured', async () => {
          for (const [kinds, expected] of [
            [['P-384', 'P-256', 'RSA'], 'P-384'],
            [['RSA', 'P-384', 'P-256'], 'RSA'],
            [['RSA-PSS', 'Ed25519'], 'RSA-PSS'],
            [['Ed25519', 'RSA-PSS'], 'Ed25519'],
          ] as const) {
            const shown = await connected({ [endOf[role]]: of(kinds), dtls })
            assert.equal(shown[endOf[role]], fingerprintOf(certificates[expected]), kinds.join())
          }
          limitSchemes(other, version, [rsaPssPssSha256.id, ed25519.id])
          const shown = await connected({ [endOf[role]]: of(['P-256', 'Ed25519', 'RSA-PSS']), dtls })
          assert.equal(shown[endOf[role]], fingerprintOf(certificates.Ed25519))
        })

        it('fails where none fits: both ends say why, and no byte was delivered', async () => {
          limitSchemes(other, version, [rsaPssSha256.id])
          const ends = await call({ [endOf[role]]: of(['P-256', 'Ed25519']), dtls })
          const explained = await failed(ends, version === '1.3' && role === 'client')
          // A server refuses the ClientHello; a client shows nothing, which the server refuses.
          const alert = role === 'server' ? Alert.handshakeFailure : Alert.badCertificate
          const [sent, received] = [errorOf(ends.told.alice), errorOf(ends.told.bob)]
          assert.deepEqual([sent.errorDetail, sent.sentAlert, sent.receivedAlert], ['dtls-failure', alert, null])
          assert.deepEqual(
            [received.errorDetail, received.sentAlert, received.receivedAlert],
            ['dtls-failure', null, alert],
          )
          assert.match(sent.message, /certificate/)
          assert.deepEqual(explained, [
            `The path worked, but DTLS has failed: ${sent.message}.`,
            `The path worked, but DTLS has failed: ${received.message}.`,
          ])
        })
      })
    }
  }
})

describe('A fingerprint that matches no certificate', function () {
  this.timeout(30_000)
  const wrong = `a=fingerprint:sha-256 ${'AB:'.repeat(31)}CD`
  const change = (sdp: string): string => sdp.replace(/^a=fingerprint:\S+ \S+$/gm, wrong)

  for (const version of ['1.2', '1.3'] as const) {
    for (const [victim, other, key] of [
      ['bob', 'alice', 'onOffer'],
      ['alice', 'bob', 'onAnswer'],
    ] as const) {
      it(`is a fingerprint-failure of ${victim} in DTLS ${version}, and an alert to the other end`, async () => {
        const ends = await call({ [key]: change, dtls: { minVersion: version, maxVersion: version } })
        await failed(ends, version === '1.3' && victim === 'alice')
        const own = errorOf(ends.told[victim])
        assert.deepEqual([own.errorDetail, own.sentAlert, own.receivedAlert], ['fingerprint-failure', null, null])
        const theirs = errorOf(ends.told[other])
        assert.deepEqual([theirs.errorDetail, theirs.receivedAlert], ['dtls-failure', Alert.badCertificate])
      })
    }
  }
})

/**
 * Until both ends have failed, in the states and the order of webrtc-pc §5.5.
 *
 * @returns what is said of DTLS to people
 * @param late whether the client had done its part when the server refused it: RFC 8446 §2, figure 1
 */
async function failed({ sim, alice, bob, delivered, told }: Call, late: boolean): Promise<(string | undefined)[]> {
  await sim.run(() => alice.connectionState === 'failed' && bob.connectionState === 'failed')
  for (const [end, events, wasConnected] of [
    [alice, told.alice, false],
    [bob, told.bob, late],
  ] as const) {
    assert.equal(end.sctp?.transport.state, 'failed')
    assert.equal(end.sctp?.transport.getRemoteCertificates().length, wasConnected ? 1 : 0)
    assert.deepEqual(
      events.map(event => (event instanceof RTCError ? 'error' : event)),
      wasConnected ? ['connecting', 'connected', 'error', 'failed'] : ['connecting', 'error', 'failed'],
    )
    const transport = [...(await settled(sim, end.getStats())).values()].find(({ type }) => type === 'transport')
    assert.equal(transport?.dtlsState, 'failed')
    for (const member of ['tlsVersion', 'dtlsCipher', 'remoteCertificateId']) {
      assert.equal(transport?.[member] !== undefined, wasConnected, member)
    }
  }
  assert.deepEqual(delivered, [])
  const explained = [alice, bob].map(end => explainConnection(end).lines.find(line => line.includes('DTLS')))
  alice.close()
  bob.close()
  return explained
}

function errorOf(events: readonly (RTCError | string)[]): RTCError {
  const error = events.find(event => event instanceof RTCError)
  assert.ok(error instanceof RTCError)
  return error
}
