import assert from 'node:assert/strict'
import { nodeCryptoProvider } from '../../../src/dtls/index.ts'
import { cipherSuite13 } from '../../../src/dtls/v13/cipher-suites.ts'
import { Hkdf } from '../../../src/dtls/v13/hkdf.ts'
import { KeySchedule } from '../../../src/dtls/v13/key-schedule.ts'
import { tls13Handshake as vector } from '../../vectors/tls13-rfc8448.ts'

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

function tlsSchedule(): KeySchedule {
  const suite = cipherSuite13(0x1301)
  assert.ok(suite)
  return new KeySchedule(nodeCryptoProvider, suite, hex(vector.sharedSecret), undefined, 'tls13 ')
}

describe('Key schedule of DTLS 1.3', () => {
  it('derives the secrets of RFC 8448, with the labels of TLS', () => {
    const schedule = tlsSchedule()
    const hello = hex(vector.clientHello + vector.serverHello)
    assert.equal(text(schedule.hash(hello)), vector.helloHash)
    const handshake = schedule.handshakeTraffic(schedule.hash(hello))
    assert.equal(text(handshake.client), vector.clientHandshakeTraffic)
    assert.equal(text(handshake.server), vector.serverHandshakeTraffic)
    const application = schedule.applicationTraffic(hex(vector.finishedHash))
    assert.equal(text(application.client), vector.clientApplicationTraffic)
    assert.equal(text(application.server), vector.serverApplicationTraffic)
    assert.equal(text(schedule.exporterSecret(hex(vector.finishedHash))), vector.exporterSecret)
  })

  it('derives the traffic keys and Finished messages of RFC 8448', () => {
    const schedule = tlsSchedule()
    const keys = schedule.trafficKeys(hex(vector.serverHandshakeTraffic))
    assert.equal(text(keys.key), vector.serverHandshakeKey)
    assert.equal(text(keys.iv), vector.serverHandshakeIv)
    const { clientHello, serverHello, encryptedExtensions, certificate, certificateVerify, serverFinished } = vector
    const beforeFinished = clientHello + serverHello + encryptedExtensions + certificate + certificateVerify
    const verifyData = schedule.verifyData(hex(vector.serverHandshakeTraffic), schedule.hash(hex(beforeFinished)))
    assert.equal(`14000020${text(verifyData)}`, serverFinished)
    const beforeClient = schedule.hash(hex(beforeFinished + serverFinished))
    assert.equal(text(beforeClient), vector.finishedHash)
    const clientData = schedule.verifyData(hex(vector.clientHandshakeTraffic), beforeClient)
    assert.equal(`14000020${text(clientData)}`, vector.clientFinished)
  })

  it('puts "dtls13" before its own labels, without a space', () => {
    const secret = new Uint8Array(32).fill(7)
    const info = Buffer.from('\0\x10\x09dtls13key\0')
    const expected = nodeCryptoProvider.hmac('sha256', secret, Buffer.concat([info, Buffer.of(1)])).subarray(0, 16)
    const derived = new Hkdf(nodeCryptoProvider, 'sha256').expandLabel(secret, 'key', new Uint8Array(), 16)
    assert.deepEqual(new Uint8Array(derived), new Uint8Array(expected))
  })

  it('derives more than one block', () => {
    const hkdf = new Hkdf(nodeCryptoProvider, 'sha256')
    const secret = new Uint8Array(32).fill(1)
    const long = hkdf.expandLabel(secret, 'x', new Uint8Array(), 100)
    assert.equal(long.length, 100)
    assert.notDeepEqual(long.subarray(0, 32), long.subarray(32, 64))
    assert.notDeepEqual(long.subarray(32, 64), long.subarray(64, 96))
  })
})
