import assert from 'node:assert/strict'
import {
  Alert,
  type DtlsIdentity,
  type Fingerprint,
  nodeCryptoProvider,
  type SigningKey,
} from '../../src/dtls/index.ts'
import { HandshakeType } from '../../src/dtls/messages.ts'
import { ecdsaCertificate, type TestCertificate } from '../support/test-certificate.ts'
import {
  clientCertificate,
  createPair,
  exchange,
  type Pair,
  type PairOptions,
  serverCertificate,
  sharedRsaCertificate,
  start,
  strangerCertificate,
  withTampering,
} from './support.ts'

type Role = 'client' | 'server'
const roles: readonly Role[] = ['client', 'server']

function other(role: Role): Role {
  return role === 'client' ? 'server' : 'client'
}

function certificateOf(role: Role): TestCertificate {
  return role === 'client' ? clientCertificate : serverCertificate
}

function identity(certificate: TestCertificate, key: SigningKey = keyOf(certificate)): DtlsIdentity {
  return { chain: certificate.chain, key }
}

function keyOf(certificate: TestCertificate): SigningKey {
  return nodeCryptoProvider.importSigningKey(certificate.pkcs8)
}

/** Runs a handshake to its end, however that is. */
function run(options: PairOptions): Pair {
  const pair = createPair(options)
  start(pair)
  exchange(pair)
  return pair
}

/** `victim` has failed with this code, has told its alert to nobody but the peer, and delivers nothing whatever comes. */
function assertRefused(pair: Pair, victim: Role, code: string, alert: number): void {
  const { dtls, events } = pair[victim]
  assert.deepEqual(pair[victim].types, ['failed'])
  const [event] = events
  assert.ok(event?.type === 'failed')
  assert.equal(event.error.code, code)
  assert.equal(event.error.alert, alert)
  assert.equal(dtls.state, 'failed')
  assert.deepEqual(dtls.remoteCertificates, [])
  assert.equal(dtls.session, undefined)
  assert.throws(() => dtls.exportKeyingMaterial('EXTRACTOR-dtls_srtp', 60), { code: 'not-connected' })
  assert.throws(() => dtls.seal(Buffer.from('x')), { code: 'not-connected' })
  // A client that believes to be connected cannot get anything in, either.
  const attacker = pair[other(victim)].dtls
  if (attacker.state === 'connected') pair[victim].receive(attacker.seal(Buffer.from('smuggled')))
  assert.deepEqual(pair[victim].data, [])
}

describe('The identity of the peer', () => {
  for (const victim of roles) {
    const attacker = other(victim)

    describe(`as the ${victim} checks it`, () => {
      const wrong: readonly { title: string; fingerprints: readonly Fingerprint[] }[] = [
        { title: 'that of another certificate', fingerprints: [strangerCertificate.fingerprint()] },
        { title: 'that of our own certificate', fingerprints: [certificateOf(victim).fingerprint()] },
        { title: 'missing', fingerprints: [] },
        { title: 'made with MD5', fingerprints: [certificateOf(attacker).fingerprint('md5')] },
        {
          title: 'the right value under another hash',
          fingerprints: [{ algorithm: 'sha-512', value: certificateOf(attacker).fingerprint().value }],
        },
        { title: 'empty', fingerprints: [{ algorithm: 'sha-256', value: '' }] },
        {
          title: 'cut off',
          fingerprints: [{ algorithm: 'sha-256', value: certificateOf(attacker).fingerprint().value.slice(0, -3) }],
        },
        {
          title: 'without colons',
          fingerprints: [
            { algorithm: 'sha-256', value: certificateOf(attacker).fingerprint().value.replaceAll(':', '') },
          ],
        },
        {
          title: 'wrong under the strongest hash, right under a weaker one',
          fingerprints: [strangerCertificate.fingerprint('sha-512'), certificateOf(attacker).fingerprint('sha-256')],
        },
      ]
      for (const { title, fingerprints } of wrong) {
        it(`is refused where the signalled fingerprint is ${title}`, () => {
          const pair = run({ [victim]: { fingerprints } })
          assertRefused(pair, victim, 'fingerprint-mismatch', Alert.badCertificate)
        })
      }

      for (const algorithm of ['sha-1', 'sha-224', 'sha-256', 'sha-384', 'sha-512']) {
        it(`is accepted by its ${algorithm} fingerprint, in any case and among others`, () => {
          const { value } = certificateOf(attacker).fingerprint(algorithm)
          const pair = run({
            [victim]: {
              fingerprints: [
                { algorithm: 'md5', value: '00' },
                { algorithm: 'unheard-of', value: 'AB:CD' },
                strangerCertificate.fingerprint(algorithm),
                { algorithm: algorithm.toUpperCase(), value: value.toLowerCase() },
              ],
            },
          })
          assert.equal(pair[victim].dtls.state, 'connected')
          assert.equal(pair[attacker].dtls.state, 'connected')
        })
      }

      it('is refused where the certificate message is empty', () => {
        const pair = run({ [attacker]: { identities: [{ chain: [], key: keyOf(certificateOf(attacker)) }] } })
        assertRefused(pair, victim, 'missing-certificate', Alert.badCertificate)
      })

      it('is refused where the certificate message is missing', () => {
        const pair = withTampering(
          (type, body, role) => (role === attacker && type === HandshakeType.certificate ? undefined : body),
          () => run({}),
        )
        assertRefused(pair, victim, 'unexpected-message', Alert.unexpectedMessage)
      })

      it('is refused where the right certificate comes with the key of another', () => {
        const stolen = identity(certificateOf(attacker), keyOf(strangerCertificate))
        const pair = run({ [attacker]: { identities: [stolen] } })
        assertRefused(pair, victim, 'bad-signature', Alert.decryptError)
      })

      it('is refused where the right certificate comes second', () => {
        const chain = [strangerCertificate.certificate, certificateOf(attacker).certificate]
        const pair = run({ [attacker]: { identities: [{ chain, key: keyOf(strangerCertificate) }] } })
        assertRefused(pair, victim, 'fingerprint-mismatch', Alert.badCertificate)
      })

      it('is refused where the signature is empty or uses an algorithm that was not offered', () => {
        const genuine = keyOf(certificateOf(attacker))
        const signed = victim === 'server' ? HandshakeType.certificateVerify : HandshakeType.serverKeyExchange
        const mute: SigningKey = { ...genuine, sign: () => new Uint8Array() }
        const silent = run({ [attacker]: { identities: [identity(certificateOf(attacker), mute)] } })
        assertRefused(silent, victim, 'bad-signature', Alert.decryptError)
        for (const scheme of [0x0203, 0x0401, 0x0807, 0x0000]) {
          const pair = withTampering(
            (type, body, role) => (role === attacker && type === signed ? withScheme(type, body, scheme) : body),
            () => run({}),
          )
          assertRefused(pair, victim, 'illegal-parameter', Alert.illegalParameter)
        }
      })

      it('is refused where the certificate has a key that cannot be used, or is no certificate at all', () => {
        const key = keyOf(certificateOf(attacker))
        for (const [certificate, code, alert] of [
          [ecdsaCertificate({ curve: 'P-521' }).certificate, 'unsupported-certificate', Alert.unsupportedCertificate],
          [Buffer.from('not a certificate'), 'bad-certificate', Alert.badCertificate],
          [certificateOf(attacker).certificate.subarray(0, 100), 'bad-certificate', Alert.badCertificate],
        ] as const) {
          const fingerprint = nodeCryptoProvider.hash('sha256', certificate)
          const value = Buffer.from(fingerprint).toString('hex').match(/../g)?.join(':') ?? ''
          const pair = run({
            [attacker]: { identities: [{ chain: [certificate], key }] },
            [victim]: { fingerprints: [{ algorithm: 'sha-256', value }] },
          })
          assertRefused(pair, victim, code, alert)
        }
      })

      it('is refused where Finished is wrong', () => {
        const pair = withTampering(
          (type, body, role) => {
            if (role !== attacker || type !== HandshakeType.finished) return body
            return body.map(byte => byte ^ 1)
          },
          () => run({}),
        )
        assertRefused(pair, victim, 'bad-finished', Alert.decryptError)
      })
    })
  }

  it('is refused by a server where CertificateVerify is left out', () => {
    const pair = withTampering(
      (type, body) => (type === HandshakeType.certificateVerify ? undefined : body),
      () => run({}),
    )
    assertRefused(pair, 'server', 'unexpected-message', Alert.unexpectedMessage)
  })

  it('is refused by a server where the client has no certificate for it', () => {
    const pair = run({ client: { identities: [] } })
    assertRefused(pair, 'server', 'missing-certificate', Alert.badCertificate)
  })

  it("is refused by a client where the server's key does not fit the suite", () => {
    // The RSA key signs, but the certificate says ECDSA: a suite for RSA is chosen.
    const rsa = keyOf(sharedRsaCertificate())
    const pair = run({ server: { identities: [identity(serverCertificate, rsa)] } })
    assertRefused(pair, 'client', 'unsupported-certificate', Alert.unsupportedCertificate)
  })

  it('is told to the peer with an alert, again and again while it goes on, but not for ever', () => {
    const pair = createPair({ server: { fingerprints: [strangerCertificate.fingerprint()] } })
    start(pair)
    for (const datagram of pair.client.transmits()) pair.server.receive(datagram)
    for (const datagram of pair.server.transmits()) pair.client.receive(datagram)
    const flight = pair.client.transmits()
    let alerts = 0
    for (let round = 0; round < 20; round++) {
      for (const datagram of flight) pair.server.receive(datagram)
      for (const datagram of pair.server.transmits()) {
        assert.deepEqual([...datagram.subarray(13)], [2, Alert.badCertificate])
        alerts++
      }
    }
    assert.ok(alerts >= 2 && alerts < 12, `${alerts} alerts`)
  })
})

function withScheme(type: number, body: Uint8Array, scheme: number): Uint8Array {
  const changed = Buffer.from(body)
  // Behind curve_type, namedcurve and a public key of 32 bytes.
  changed.writeUInt16BE(scheme, type === HandshakeType.serverKeyExchange ? 36 : 0)
  return changed
}
