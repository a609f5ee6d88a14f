import assert from 'node:assert/strict'
import {
  Alert,
  type DtlsIdentity,
  type Fingerprint,
  nodeCryptoProvider,
  type SigningKey,
} from '../../../src/dtls/index.ts'
import { HandshakeType } from '../../../src/dtls/messages.ts'
import type { TestCertificate } from '../../support/test-certificate.ts'
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
} from '../support.ts'

type Role = 'client' | 'server'

function certificateOf(role: Role): TestCertificate {
  return role === 'client' ? clientCertificate : serverCertificate
}

function keyOf(certificate: TestCertificate): SigningKey {
  return nodeCryptoProvider.importSigningKey(certificate.pkcs8)
}

function identity(certificate: TestCertificate, key: SigningKey = keyOf(certificate)): DtlsIdentity {
  return { chain: certificate.chain, key }
}

/** Runs a handshake to its end, however that is. */
function run(options: PairOptions): Pair {
  const pair = createPair({ ...options, options: { maxVersion: '1.3', groups: ['x25519'], srtpProfiles: [1] } })
  start(pair)
  exchange(pair)
  return pair
}

/** `victim` has failed with this code, tells it to the peer, has no keys to give away, and delivers nothing. */
function assertRefused(pair: Pair, victim: Role, code: string, alert: number): void {
  const { dtls, events } = pair[victim]
  assert.deepEqual(pair[victim].types, ['failed'])
  const [event] = events
  assert.ok(event?.type === 'failed')
  assert.equal(event.error.code, code)
  assert.equal(event.error.alert, alert)
  assert.deepEqual(dtls.remoteCertificates, [])
  assert.throws(() => dtls.exportKeyingMaterial('EXTRACTOR-dtls_srtp', 60), { code: 'not-connected' })
  const told = pair[victim === 'client' ? 'server' : 'client'].events.at(-1)
  assert.ok(told?.type === 'failed')
  assert.equal(told.error.receivedAlert, alert)
}

describe('The identity of the peer, in DTLS 1.3', () => {
  for (const victim of ['client', 'server'] as const) {
    const attacker = victim === 'client' ? 'server' : 'client'

    describe(`as the ${victim} checks it`, () => {
      const genuine = certificateOf(attacker).fingerprint()
      const wrong: readonly { title: string; fingerprints: readonly Fingerprint[] }[] = [
        { title: 'that of another certificate', fingerprints: [strangerCertificate.fingerprint()] },
        { title: 'that of our own certificate', fingerprints: [certificateOf(victim).fingerprint()] },
        { title: 'missing', fingerprints: [] },
        { title: 'empty', fingerprints: [{ algorithm: 'sha-256', value: '' }] },
        { title: 'right under another hash', fingerprints: [{ algorithm: 'sha-512', value: genuine.value }] },
      ]
      for (const { title, fingerprints } of wrong) {
        it(`is refused where the signalled fingerprint is ${title}`, () => {
          const pair = run({ [victim]: { fingerprints } })
          assertRefused(pair, victim, 'fingerprint-mismatch', Alert.badCertificate)
        })
      }

      it('is refused where there is no certificate', () => {
        const pair = run({ [attacker]: { identities: [{ chain: [], key: keyOf(certificateOf(attacker)) }] } })
        assertRefused(pair, victim, 'missing-certificate', Alert.badCertificate)
      })

      it('is refused where the right certificate comes with the key of another', () => {
        const stolen = identity(certificateOf(attacker), keyOf(strangerCertificate))
        assertRefused(run({ [attacker]: { identities: [stolen] } }), victim, 'bad-signature', Alert.decryptError)
      })

      it('is refused where the signature is empty', () => {
        const mute: SigningKey = { ...keyOf(certificateOf(attacker)), sign: () => new Uint8Array() }
        const pair = run({ [attacker]: { identities: [identity(certificateOf(attacker), mute)] } })
        assertRefused(pair, victim, 'bad-signature', Alert.decryptError)
      })

      it('is refused where the signature is of an algorithm that TLS 1.3 does not have, or of another curve', () => {
        for (const scheme of [0x0203, 0x0401, 0x0503, 0x0000]) {
          const pair = withTampering(
            (type, body, role) => {
              if (role !== attacker || type !== HandshakeType.certificateVerify) return body
              return Buffer.concat([Buffer.of(scheme >> 8, scheme & 0xff), body.subarray(2)])
            },
            () => run({}),
          )
          assertRefused(pair, victim, 'illegal-parameter', Alert.illegalParameter)
        }
      })

      for (const type of ['certificate', 'certificateVerify'] as const) {
        it(`is refused where ${type} is left out`, () => {
          const pair = withTampering(
            (each, body, role) => (role === attacker && each === HandshakeType[type] ? undefined : body),
            () => run({}),
          )
          assertRefused(pair, victim, 'unexpected-message', Alert.unexpectedMessage)
        })
      }

      it('is refused where the certificate answers a request that was not made', () => {
        const pair = withTampering(
          (type, body, role) => {
            if (role !== attacker || type !== HandshakeType.certificate) return body
            return Buffer.concat([Buffer.of(1, 9), body.subarray(1)])
          },
          () => run({}),
        )
        assertRefused(pair, victim, 'illegal-parameter', Alert.illegalParameter)
      })

      it('is refused where Finished is wrong', () => {
        const pair = withTampering(
          (type, body, role) =>
            role === attacker && type === HandshakeType.finished ? body.map(byte => byte ^ 1) : body,
          () => run({}),
        )
        assertRefused(pair, victim, 'bad-finished', Alert.decryptError)
      })

      it('is accepted with an RSA certificate', () => {
        const pair = run({ [`${attacker}Certificate`]: sharedRsaCertificate() })
        assert.equal(pair.client.dtls.session?.version, 'FEFC')
        assert.equal(pair.server.dtls.state, 'connected')
      })
    })
  }

  it('is refused by a server where the client has no certificate for it', () => {
    assertRefused(run({ client: { identities: [] } }), 'server', 'missing-certificate', Alert.badCertificate)
  })

  it('is refused by a server that has data of the client before: it is not delivered', () => {
    const pair = createPair({
      options: { maxVersion: '1.3', groups: ['x25519'] },
      server: { fingerprints: [strangerCertificate.fingerprint()] },
    })
    start(pair)
    for (const datagram of pair.client.transmits()) pair.server.receive(datagram)
    for (const datagram of pair.server.transmits()) pair.client.receive(datagram)
    assert.equal(pair.client.dtls.state, 'connected')
    pair.server.receive(pair.client.dtls.seal(Buffer.from('early')))
    exchange(pair)
    assert.deepEqual(pair.server.data, [])
    assert.equal(pair.server.failure, 'fingerprint-mismatch')
  })
})
