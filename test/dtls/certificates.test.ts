import assert from 'node:assert/strict'
import { cipherSuites12 } from '../../src/dtls/cipher-suites.ts'
import { nobleCryptoProvider } from '../../src/dtls/crypto/noble-provider.ts'
import { SignatureSchemes } from '../../src/dtls/crypto/signature-schemes.ts'
import { helloGraceMs } from '../../src/dtls/doubts.ts'
import { ExtensionType, encodeCodePoints } from '../../src/dtls/extensions.ts'
import { decodeClientHello, encodeClientHello } from '../../src/dtls/hello.ts'
import { type CryptoProvider, type DtlsIdentity, nodeCryptoProvider } from '../../src/dtls/index.ts'
import { HandshakeType } from '../../src/dtls/messages.ts'
import { decodeCertificateRequest, encodeCertificateRequest } from '../../src/dtls/v12/messages.ts'
import {
  ecdsaCertificate,
  ed25519Certificate,
  rsaPssCertificate,
  type TestCertificate,
} from '../support/test-certificate.ts'
import { createPair, exchange, type Pair, sharedRsaCertificate, start, withTampering } from './support.ts'

type Kind = 'P-256' | 'P-384' | 'Ed25519' | 'RSA' | 'RSA-PSS'

const made = new Map<Kind, TestCertificate>()
const makers: Record<Kind, () => TestCertificate> = {
  'P-256': ecdsaCertificate,
  'P-384': () => ecdsaCertificate({ curve: 'P-384' }),
  Ed25519: ed25519Certificate,
  RSA: sharedRsaCertificate,
  'RSA-PSS': rsaPssCertificate,
}

function certificate(kind: Kind): TestCertificate {
  const found = made.get(kind) ?? makers[kind]()
  made.set(kind, found)
  return found
}

function identities(kinds: readonly Kind[], crypto: CryptoProvider = nodeCryptoProvider): DtlsIdentity[] {
  return kinds.map(kind => {
    const { chain, pkcs8 } = certificate(kind)
    return { chain, key: crypto.importSigningKey(pkcs8) }
  })
}

/** What a peer lets through: everything where it does not say. */
interface Limits {
  readonly suites?: readonly number[]
  readonly schemes?: readonly number[]
  readonly certificateSchemes?: readonly number[]
  readonly groups?: readonly number[]
}

/** A handshake where `owner` has these certificates, and the other end takes no more than `limits`. */
function handshake(owner: 'client' | 'server', kinds: readonly Kind[], limits: Limits = {}): Pair {
  const fingerprints = kinds.map(kind => certificate(kind).fingerprint())
  const other = owner === 'client' ? 'server' : 'client'
  return withTampering(
    (type, body, role) => (role === other ? limit(type, body, limits) : body),
    () => {
      const pair = createPair({ [owner]: { identities: identities(kinds) }, [other]: { fingerprints } })
      start(pair)
      exchange(pair)
      return pair
    },
  )
}

function limit(type: number, body: Uint8Array, { suites, schemes, certificateSchemes, groups }: Limits): Uint8Array {
  if (type === HandshakeType.certificateRequest) {
    const request = decodeCertificateRequest(body)
    return encodeCertificateRequest({ ...request, schemes: schemes ?? request.schemes })
  }
  if (type !== HandshakeType.clientHello) return body
  const hello = decodeClientHello(body)
  const extensions = new Map(hello.extensions)
  if (schemes !== undefined) extensions.set(ExtensionType.signatureAlgorithms, encodeCodePoints(schemes))
  if (groups !== undefined) extensions.set(ExtensionType.supportedGroups, encodeCodePoints(groups))
  if (certificateSchemes !== undefined) {
    extensions.set(ExtensionType.signatureAlgorithmsCert, encodeCodePoints(certificateSchemes))
  }
  return encodeClientHello({ ...hello, cipherSuites: suites ?? hello.cipherSuites, extensions })
}

/** Which of the certificates the other end saw. */
function shown(pair: Pair, owner: 'client' | 'server', kinds: readonly Kind[]): Kind | undefined {
  const { client, server } = pair
  assert.deepEqual([client.failure, server.failure], [undefined, undefined])
  const other = owner === 'client' ? server : client
  const [der = new Uint8Array()] = other.dtls.remoteCertificates
  return kinds.find(kind => Buffer.from(certificate(kind).certificate).equals(der))
}

/** Why a server does not answer such a client. */
function refusal(kinds: readonly Kind[], limits: Limits): string | undefined {
  const { server } = handshake('server', kinds, limits)
  server.dtls.handleTimeout(helloGraceMs)
  server.drainEvents()
  return server.failure
}

const all: readonly Kind[] = ['P-256', 'P-384', 'Ed25519', 'RSA', 'RSA-PSS']
const { ecdsaP256Sha256, ecdsaP384Sha384, ed25519, rsaPssSha256, rsaPssPssSha256, rsaPkcs1Sha512 } = SignatureSchemes
/** RFC 8701 §2: values that stand for what is not known yet. */
const grease = 0x3a3a

for (const owner of ['client', 'server'] as const) {
  describe(`A ${owner} with certificates of its own`, () => {
    for (const kind of all) {
      it(`connects with ${kind}`, () => {
        assert.equal(shown(handshake(owner, [kind]), owner, all), kind)
      })
    }

    it('shows the first one where the peer takes all', () => {
      for (const kinds of [all, all.toReversed(), ['RSA', 'P-256'], ['Ed25519', 'RSA', 'P-256']] as Kind[][]) {
        assert.equal(shown(handshake(owner, kinds), owner, all), kinds[0])
      }
    })

    const choices: readonly [string, Limits, Kind][] = [
      ['ECDSA on P-256', { schemes: [grease, ecdsaP256Sha256.id] }, 'P-256'],
      ['ECDSA with SHA-384', { schemes: [ecdsaP384Sha384.id, grease] }, 'P-384'],
      ['Ed25519', { schemes: [0x0808, ed25519.id] }, 'Ed25519'],
      ['RSA', { schemes: [0x0201, rsaPssSha256.id] }, 'RSA'],
      ['RSA with PKCS #1 and SHA-512', { schemes: [rsaPkcs1Sha512.id] }, 'RSA'],
      ['RSA-PSS', { schemes: [0x0904, rsaPssPssSha256.id] }, 'RSA-PSS'],
    ]
    for (const [title, limits, expected] of choices) {
      it(`shows the one that a peer takes which verifies only ${title}, wherever it stands`, () => {
        for (const kinds of [all, all.toReversed()]) {
          assert.equal(shown(handshake(owner, kinds, limits), owner, all), expected)
        }
      })
    }
  })
}

describe('A client with certificates that the server does not verify', () => {
  it('shows none', () => {
    const pair = handshake('client', ['P-256', 'Ed25519'], { schemes: [rsaPssSha256.id, grease] })
    assert.equal(pair.server.failure, 'missing-certificate')
  })
})

describe('A server', () => {
  it('goes by the suites of the client before its own order', () => {
    const rsaOnly = { suites: [grease, 0xc02f] }
    const ecdsaOnly = { suites: [0xcca9, grease] }
    for (const kinds of [
      ['P-256', 'RSA'],
      ['RSA', 'P-256'],
    ] as const) {
      assert.equal(shown(handshake('server', kinds, rsaOnly), 'server', all), 'RSA')
      assert.equal(shown(handshake('server', kinds, ecdsaOnly), 'server', all), 'P-256')
    }
    assert.equal(shown(handshake('server', ['RSA', 'Ed25519'], ecdsaOnly), 'server', all), 'Ed25519')
    assert.equal(shown(handshake('server', ['Ed25519', 'RSA-PSS'], rsaOnly), 'server', all), 'RSA-PSS')
  })

  it('prefers a certificate whose signature the client takes, and shows another where there is none', () => {
    const limits = { certificateSchemes: [SignatureSchemes.rsaPkcs1Sha256.id] }
    assert.equal(shown(handshake('server', ['P-256', 'RSA'], limits), 'server', all), 'RSA')
    assert.equal(shown(handshake('server', ['P-256', 'Ed25519'], limits), 'server', all), 'P-256')
  })

  it('shows no certificate on a curve that the client does not list', () => {
    const limits = { groups: [29, 23] }
    assert.equal(shown(handshake('server', ['P-384', 'P-256'], limits), 'server', all), 'P-256')
    assert.equal(refusal(['P-384'], limits), 'no-common-cipher-suite')
  })

  it('fails where no certificate fits the suites and schemes of the client', () => {
    for (const limits of [{ schemes: [rsaPssSha256.id] }, { suites: [0xc02f] }, { schemes: [] }]) {
      assert.equal(refusal(['P-256', 'Ed25519'], limits), 'no-common-cipher-suite')
    }
  })

  for (const suite of cipherSuites12) {
    it(`speaks ${suite.name}, and so does a client`, () => {
      const kind = suite.authentication === 'ecdsa' ? 'P-256' : 'RSA'
      const pair = handshake('server', [kind], { suites: [suite.id] })
      assert.equal(shown(pair, 'server', all), kind)
      for (const end of [pair.client, pair.server]) assert.equal(end.dtls.session?.cipherSuite, suite.name)
      pair.server.receive(pair.client.dtls.seal(Buffer.from('ping')))
      pair.client.receive(pair.server.dtls.seal(Buffer.from('pong')))
      assert.deepEqual([pair.server.data, pair.client.data], [['ping'], ['pong']])
      const record = pair.client.dtls.seal(Buffer.from('short'))
      assert.ok(record.length - 5 <= pair.client.dtls.recordOverhead)
    })
  }

  it('takes the groups in the order of the client, P-384 among them', () => {
    for (const [groups, expected] of [
      [[grease, 24, 29], 'secp384r1'],
      [[25, 23], 'secp256r1'],
    ] as const) {
      const pair = handshake('server', ['P-256'], { groups: [...groups, 23] })
      assert.equal(shown(pair, 'server', all), 'P-256')
      assert.equal(pair.server.dtls.session?.group, expected)
    }
  })
})

describe('The noble provider', () => {
  for (const kind of ['P-256', 'P-384', 'Ed25519', 'RSA'] as const) {
    it(`connects to the other one with ${kind}`, () => {
      const own = { identities: identities([kind], nobleCryptoProvider), crypto: nobleCryptoProvider }
      const fingerprints = [certificate(kind).fingerprint()]
      for (const owner of ['client', 'server'] as const) {
        const pair = createPair({ [owner]: own, [owner === 'client' ? 'server' : 'client']: { fingerprints } })
        start(pair)
        exchange(pair)
        assert.equal(shown(pair, owner, all), kind)
      }
    })
  }
})
