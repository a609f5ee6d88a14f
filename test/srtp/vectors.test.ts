import assert from 'node:assert/strict'
import { CounterMode } from '../../src/srtp/counter-mode.ts'
import { ExtensionCipher } from '../../src/srtp/extension-cipher.ts'
import { GcmTransform } from '../../src/srtp/gcm-transform.ts'
import { SrtpProfileId, SrtpSession } from '../../src/srtp/index.ts'
import { deriveKey, KeyLabel } from '../../src/srtp/key-derivation.ts'
import { gcmVectors } from '../vectors/srtp-aead-gcm-rfc7714.ts'
import { keyDerivationVectors, keyStreamVectors } from '../vectors/srtp-aes-cm-rfc3711.ts'
import { cryptexSuites } from '../vectors/srtp-cryptex-rfc9335.ts'
import { headerExtensionVector, headerKeyVector } from '../vectors/srtp-header-extension-rfc6904.ts'
import { hex, taken, text } from './support.ts'

describe('SRTP and the vectors of its standards', () => {
  for (const vector of keyStreamVectors) {
    it(`counter mode makes the key stream of ${vector.source}`, () => {
      const mode = new CounterMode(hex(vector.key), hex(vector.shiftedSalt).subarray(0, 14))
      for (const [number, expected] of vector.blocks) {
        const stream = mode.keyStream(0, 0, (number + 1) * 16)
        assert.equal(text(stream.subarray(number * 16, (number + 1) * 16)), expected, `block ${number}`)
      }
    })
  }

  for (const vector of keyDerivationVectors) {
    it(`derives the keys of ${vector.source}`, () => {
      const master = { key: hex(vector.masterKey), salt: hex(vector.masterSalt) }
      const derive = (label: KeyLabel, expected: string): void =>
        assert.equal(text(deriveKey(master, label, expected.length / 2)), expected)
      derive(KeyLabel.rtpEncryption, vector.cipherKey)
      derive(KeyLabel.rtpSalt, vector.cipherSalt)
      derive(KeyLabel.rtpAuthentication, vector.authenticationKey)
    })
  }

  it('derives the header keys of RFC 6904 A', () => {
    const master = { key: hex(headerKeyVector.masterKey), salt: hex(headerKeyVector.masterSalt) }
    assert.equal(text(deriveKey(master, KeyLabel.headerEncryption, 16)), headerKeyVector.headerKey)
    assert.equal(text(deriveKey(master, KeyLabel.headerSalt, 14)), headerKeyVector.headerSalt)
  })

  it('enciphers and deciphers the header extension of RFC 6904 A', () => {
    const { ssrc, sequenceNumber, plain, encrypted, encryptedIds } = headerExtensionVector
    const master = { key: hex(headerKeyVector.masterKey), salt: hex(headerKeyVector.masterSalt) }
    const header = `9000${sequenceNumber.toString(16)}00000000${ssrc.toString(16)}bede0006`
    const packet = hex(`${header}${plain}`)
    const cipher = new ExtensionCipher(master, encryptedIds)
    cipher.apply(packet, packet.length, ssrc, sequenceNumber)
    assert.equal(text(packet), `${header}${encrypted}`)
    cipher.apply(packet, packet.length, ssrc, sequenceNumber)
    assert.equal(text(packet), `${header}${plain}`)
  })

  for (const vector of gcmVectors) {
    const { section, kind, cipher, plainPacket, protectedPacket, esrtcpWord } = vector
    const transform = (): GcmTransform => {
      const keys = () => ({ encryption: hex(vector.key), salt: hex(vector.salt), authentication: hex('') })
      return new GcmTransform({ rtp: keys(), rtcp: keys() }, hex(''))
    }
    if (kind === 'srtp') {
      it(`seals and opens the packet of RFC 7714 §${section} with ${cipher}`, () => {
        const plain = hex(plainPacket)
        const layout = { ssrc: 0x5501_a0b2, index: 0xf17b, clearLength: 12, movedLength: 0, end: plain.length }
        const packet = new Uint8Array(plain.length + 16)
        packet.set(plain)
        transform().sealRtp(packet, layout)
        assert.equal(text(packet), protectedPacket)
        assert.equal(transform().openRtp(packet, layout), true)
        assert.equal(text(packet.subarray(0, plain.length)), plainPacket)
      })
      continue
    }
    const word = esrtcpWord ?? 0
    const encrypted = word >= 0x8000_0000
    it(`opens the ${encrypted ? 'enciphered' : 'plain'} SRTCP packet of RFC 7714 §${section} with ${cipher}`, () => {
      const packet = hex(protectedPacket)
      const end = packet.length - 20
      assert.equal(transform().rtcpWordAt(packet.length), packet.length - 4)
      assert.equal(transform().openRtcp(packet, end, 0x4d61_7273, word), true)
      assert.equal(text(packet.subarray(0, end)), plainPacket)
    })
    it(`does not open the SRTCP packet of RFC 7714 §${section} with its flag turned`, () => {
      const packet = hex(protectedPacket)
      const turned = encrypted ? word - 0x8000_0000 : word + 0x8000_0000
      assert.equal(transform().openRtcp(packet, packet.length - 20, 0x4d61_7273, turned), false)
      assert.equal(text(packet), protectedPacket)
    })
    if (!encrypted) continue
    it(`seals the SRTCP packet of RFC 7714 §${section} with ${cipher}`, () => {
      const plain = hex(plainPacket)
      const packet = new Uint8Array(plain.length + 20)
      packet.set(plain)
      transform().sealRtcp(packet, plain.length, 0x4d61_7273, word - 0x8000_0000)
      assert.equal(text(packet), protectedPacket)
    })
  }

  for (const suite of cryptexSuites) {
    const master = { key: hex(suite.masterKey), salt: hex(suite.masterSalt) }
    const profile = suite.name === 'AEAD_AES_128_GCM' ? SrtpProfileId.aeadAes128Gcm : SrtpProfileId.aes128CmSha1_80

    it(`derives the session keys of RFC 9335 for ${suite.name}`, () => {
      assert.equal(text(deriveKey(master, KeyLabel.rtpEncryption, suite.sessionKey.length / 2)), suite.sessionKey)
      assert.equal(text(deriveKey(master, KeyLabel.rtpSalt, suite.sessionSalt.length / 2)), suite.sessionSalt)
    })

    for (const vector of suite.packets) {
      it(`protects and takes the packet of RFC 9335 ${vector.section}: ${vector.name}, ${suite.name}`, () => {
        const session = () => new SrtpSession({ profile, sendKey: master, receiveKey: master, cryptex: true })
        assert.equal(text(taken(session().protect(hex(vector.plain)))), vector.protected)
        assert.equal(text(taken(session().unprotect(hex(vector.protected)))), vector.plain)
      })
    }
  }
})
