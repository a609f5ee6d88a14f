import assert from 'node:assert/strict'
import { checkModification, toConfiguration } from '../../src/pc/configuration.ts'
import { makeCertificate } from '../../src/pc/rtc-certificate.ts'

const turn = { urls: 'turn:turn.example.org', username: 'user', credential: 'secret' }

describe('RTCConfiguration', () => {
  it('fills in the defaults of webrtc-pc §4.2.1', () => {
    const defaults = {
      alwaysNegotiateDataChannels: false,
      bundlePolicy: 'balanced',
      certificates: [],
      iceCandidatePoolSize: 0,
      iceServers: [],
      iceTransportPolicy: 'all',
      rtcpMuxPolicy: 'require',
      rtpHeaderEncryptionPolicy: 'negotiate',
      targetLatency: 'lowest',
    }
    assert.deepEqual(toConfiguration({}), defaults)
    assert.deepEqual(toConfiguration(undefined), defaults)
    assert.deepEqual(toConfiguration({ somethingElse: 1 }), defaults)
  })

  it('takes one URL for a list of one', () => {
    const { iceServers } = toConfiguration({ iceServers: [{ urls: 'stun:stun.example.org:3478' }] })
    assert.deepEqual(iceServers, [{ urls: ['stun:stun.example.org:3478'] }])
  })

  const typeErrors: Record<string, unknown> = {
    'a string': 'x',
    'an unknown bundlePolicy': { bundlePolicy: 'none' },
    'an unknown iceTransportPolicy': { iceTransportPolicy: 'host' },
    'an unknown rtcpMuxPolicy': { rtcpMuxPolicy: 'never' },
    'a pool size that is no octet': { iceCandidatePoolSize: 256 },
    'a negative pool size': { iceCandidatePoolSize: -1 },
    'iceServers that are no list': { iceServers: {} },
    'a server without urls': { iceServers: [{}] },
    'a certificate that is none': { certificates: [{ expires: 1 }] },
  }
  for (const [what, value] of Object.entries(typeErrors)) {
    it(`refuses ${what} with a TypeError`, () => {
      assert.throws(() => toConfiguration(value), TypeError)
    })
  }

  for (const url of [
    'stun:host',
    'STUN:host:1',
    'stuns:host',
    'stun:[2001:db8::1]:3478',
    'turn:host?transport=udp',
    'turns:host?transport=tcp',
  ]) {
    it(`takes the server ${url}`, () => {
      toConfiguration({ iceServers: [{ ...turn, urls: url }] })
    })
  }

  for (const url of [
    '',
    'host',
    'http://host',
    'stun:',
    'stun://host',
    'stun:user@host',
    'stun:host/path',
    'stun:host#fragment',
    'stun:host?transport=udp',
    'turn:host?transport=sctp',
    'turn:host?',
    'stun:host:port',
    'stun:host:65536',
    'stun:[2001:db8::1',
  ]) {
    it(`refuses the server ${JSON.stringify(url)} with a SyntaxError`, () => {
      assert.throws(() => toConfiguration({ iceServers: [{ ...turn, urls: url }] }), { name: 'SyntaxError' })
    })
  }

  it('refuses a server with an empty list of URLs', () => {
    assert.throws(() => toConfiguration({ iceServers: [{ urls: [] }] }), { name: 'SyntaxError' })
  })

  it('refuses a TURN server without user name or credential, or with one that is too long', () => {
    for (const change of [{ username: undefined }, { credential: undefined }, { username: 'u'.repeat(509) }]) {
      assert.throws(() => toConfiguration({ iceServers: [{ ...turn, ...change }] }), { name: 'InvalidAccessError' })
    }
  })

  it('keeps whom the connection is to be with as it is given (peerIdentity)', () => {
    assert.equal(toConfiguration({ peerIdentity: 'alice@example.org' }).peerIdentity, 'alice@example.org')
    assert.equal('peerIdentity' in toConfiguration({}), false)
  })

  it('lets only what may change be changed (webrtc-pc §4.4.1.5)', () => {
    const before = toConfiguration({})
    const modification = { name: 'InvalidModificationError' }
    const changed = (change: object) => toConfiguration({ ...change })
    const certificate = makeCertificate([new Uint8Array(1)], new Uint8Array(1), 1)
    assert.throws(() => checkModification(before, changed({ bundlePolicy: 'max-bundle' }), false), modification)
    assert.throws(() => checkModification(before, changed({ certificates: [certificate] }), false), modification)
    assert.throws(() => checkModification(before, changed({ iceCandidatePoolSize: 1 }), true), modification)
    checkModification(before, changed({ iceCandidatePoolSize: 1 }), false)
    checkModification(before, changed({ iceTransportPolicy: 'relay' }), true)
    checkModification(changed({ certificates: [certificate] }), changed({ certificates: [certificate] }), true)
  })
})
