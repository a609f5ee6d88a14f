import assert from 'node:assert/strict'
import { openAead, sealAead } from '../../src/dtls/aead.ts'
import { certificatePublicKey } from '../../src/dtls/crypto/certificate.ts'
import type { HandshakeConfig } from '../../src/dtls/handshake-config.ts'
import { decodeServerHello } from '../../src/dtls/hello.ts'
import { Transcript } from '../../src/dtls/transcript.ts'
import { verifyTranscript } from '../../src/dtls/v13/authentication.ts'
import { cipherSuite13 } from '../../src/dtls/v13/cipher-suites.ts'
import { isHelloRetryRequest } from '../../src/dtls/v13/client-states.ts'
import { Hkdf } from '../../src/dtls/v13/hkdf.ts'
import { KeySchedule, type TrafficSecrets } from '../../src/dtls/v13/key-schedule.ts'
import { decodeCertificate } from '../../src/dtls/v13/messages.ts'
import type { TrafficKeys } from '../../src/dtls/v13/record-protection.ts'
import { chaChaVectors } from '../vectors/chacha20-poly1305-rfc8439.ts'
import { hkdfVectors } from '../vectors/hkdf-rfc5869.ts'
import { type Side, type Trace, type TraceRecord, tls13Traces } from '../vectors/tls13-rfc8448-traces.ts'
import { type Implementation, implementations } from './crypto-implementations.ts'

/** Bytes of its own: some functions overwrite what they are given. */
function hex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'hex'))
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

for (const implementation of implementations) {
  const { provider } = implementation

  describe(`With the ${provider.name} provider`, () => {
    for (const vector of hkdfVectors) {
      it(`HKDF agrees with RFC 5869 §${vector.title}`, () => {
        const hkdf = new Hkdf(provider, vector.hash)
        const salt = vector.salt === undefined ? new Uint8Array(hkdf.hashLength) : hex(vector.salt)
        const key = hkdf.extract(salt, hex(vector.ikm))
        assert.equal(text(key), vector.prk)
        assert.equal(text(hkdf.expand(key, hex(vector.info), vector.okm.length / 2)), vector.okm)
      })
    }

    for (const trace of tls13Traces) {
      describe(`the trace of RFC 8448 ${trace.title}`, () => {
        it('has our shared secret, at both ends', () => {
          for (const [own, peer] of [
            ['client', 'server'],
            ['server', 'client'],
          ] as const) {
            const secret = keyShare(implementation, trace, own).deriveSecret(hex(trace.publicKeys[peer]))
            assert.equal(text(secret), trace.sharedSecret)
          }
        })

        it('has our secrets, signatures and Finished messages', () => {
          const followed = follow(trace, implementation)
          assert.deepEqual(texts(followed.handshake), trace.handshakeTraffic)
          assert.deepEqual(texts(followed.application), trace.applicationTraffic)
          assert.equal(text(followed.exporterSecret), trace.exporterSecret)
          // Both Finished, and a CertificateVerify of each side that has a certificate.
          const verified = trace.messages.filter(({ name }) => name === 'Finished' || name === 'CertificateVerify')
          assert.equal(followed.verified, verified.length)
        })

        it('has our records, and they are opened', () => {
          const { schedule, handshake, application } = follow(trace, implementation)
          for (const record of trace.records) {
            const secrets = record.stage === 'handshake' ? handshake : application
            checkRecord(record, schedule.trafficKeys(secrets[record.sender]))
          }
          assert.ok(trace.records.length >= 4)
        })
      })
    }
  })
}

for (const vector of chaChaVectors) {
  it(`ChaCha20-Poly1305 agrees with RFC 8439 ${vector.title}`, () => {
    const [key, nonce, aad, content, tag] = [vector.key, vector.nonce, vector.aad, vector.plaintext, vector.tag].map(
      hex,
    )
    assert.ok(key && nonce && aad && content && tag)
    const sealed = new Uint8Array(content.length + 16)
    sealAead('chacha20-poly1305', key, nonce, aad, content, sealed, 0)
    assert.equal(text(sealed), vector.ciphertext + vector.tag)
    const open = (tag: Uint8Array): Uint8Array | undefined =>
      openAead('chacha20-poly1305', key, nonce, aad, hex(vector.ciphertext), tag)
    assert.equal(text(open(tag) ?? new Uint8Array()), vector.plaintext)
    tag[15] = (tag[15] ?? 0) ^ 1
    assert.equal(open(tag), undefined)
  })
}

function keyShare({ x25519, p256 }: Implementation, trace: Trace, side: Side): ReturnType<Implementation['x25519']> {
  const key = hex(trace.privateKeys[side])
  const share = trace.group === 'x25519' ? x25519(key) : p256(key)
  assert.equal(text(share.publicKey), trace.publicKeys[side])
  return share
}

interface Followed {
  readonly schedule: KeySchedule
  readonly handshake: TrafficSecrets
  readonly application: TrafficSecrets
  readonly exporterSecret: Uint8Array
  /** How many messages were found to be right that prove something about those before them. */
  readonly verified: number
}

/** Goes through the messages of a trace, as both ends would. */
function follow(trace: Trace, { provider }: Implementation): Followed {
  const suite = cipherSuite13(0x1301)
  assert.ok(suite)
  const schedule = new KeySchedule(provider, suite, hex(trace.sharedSecret), undefined, 'tls13 ')
  const transcript = new Transcript()
  const hash = (): Uint8Array => schedule.hash(transcript.tls13())
  const certificates: Record<Side, Uint8Array> = { client: new Uint8Array(), server: new Uint8Array() }
  let handshake: TrafficSecrets | undefined
  let application: TrafficSecrets | undefined
  let exporterSecret: Uint8Array | undefined
  let verified = 0
  for (const [sequence, { name, sender, message }] of trace.messages.entries()) {
    const bytes = hex(message)
    const body = bytes.subarray(4)
    const isRetry = name === 'ServerHello' && isHelloRetryRequest(decodeServerHello(body))
    if (name === 'Certificate') certificates[sender] = decodeCertificate(body).chain[0] ?? new Uint8Array()
    if (name === 'CertificateVerify') {
      // It throws if the signature is not good.
      verifyTranscript(body, certificatePublicKey(certificates[sender]), sender, hash(), {
        crypto: provider,
      } as HandshakeConfig)
      verified++
    }
    if (name === 'Finished') {
      assert.ok(handshake)
      assert.equal(text(schedule.verifyData(handshake[sender], hash())), text(body))
      verified++
    }
    if (isRetry) transcript.beginWithHash(hash())
    transcript.add({ type: bytes[0] ?? 0, sequence, epoch: 0, body })
    if (name === 'ServerHello' && !isRetry) handshake = schedule.handshakeTraffic(hash())
    if (name === 'Finished' && sender === 'server') {
      application = schedule.applicationTraffic(hash())
      exporterSecret = schedule.exporterSecret(hash())
    }
  }
  assert.ok(handshake && application && exporterSecret)
  return { schedule, handshake, application, exporterSecret, verified }
}

function texts({ client, server }: TrafficSecrets): Record<Side, string> {
  return { client: text(client), server: text(server) }
}

/** RFC 8446 §5.2: the records of TLS have another header than those of DTLS; what is in them is made alike. */
function checkRecord({ record, content, sequence }: TraceRecord, { aead, key, iv }: TrafficKeys): void {
  const header = hex(record.slice(0, 10))
  const sealed = hex(record.slice(10))
  // RFC 8446 §5.3: the sequence number XOR the last bytes of the IV.
  assert.ok(sequence < 0x100)
  iv[11] = (iv[11] ?? 0) ^ sequence
  const inner = openAead(aead, key, iv, header, sealed.subarray(0, -16), sealed.subarray(-16))
  assert.ok(inner)
  assert.equal(text(inner).slice(0, -2), content)
  const again = new Uint8Array(sealed.length)
  sealAead(aead, key, iv, header, inner, again, 0)
  assert.equal(text(again), text(sealed))
}
