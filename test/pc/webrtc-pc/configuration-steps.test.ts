import assert from 'node:assert/strict'
import type { Environment } from '../../../src/base/environment.ts'
import type { RTCConfiguration } from '../../../src/pc/configuration.ts'
import { makeCertificate } from '../../../src/pc/rtc-certificate.ts'
import { RTCPeerConnection } from '../../../src/pc/rtc-peer-connection.ts'
import { Simulation } from '../../sim/virtual-environment.ts'
import { testCertificate } from '../../support/test-certificate.ts'
import { settled } from '../negotiation/media-pair.ts'
import { outcomeAtOnce } from './outcomes.ts'

const wrongServer: RTCConfiguration = { iceServers: [{ urls: 'http://example.org' }] }
const turn = { urls: 'turn:turn.example.org', username: 'u', credential: 'c' }

describe('Configuring a connection (webrtc-pc §4.4.1.1 and §4.4.1.5)', () => {
  let sim: Simulation
  let environment: Environment
  let peer: RTCPeerConnection
  beforeEach(() => {
    sim = new Simulation(68)
    environment = sim.host('here', ['192.0.2.1'])
    peer = create({ iceCandidatePoolSize: 1, iceServers: [turn] })
  })
  afterEach(() => peer.close())

  function create(configuration?: RTCConfiguration): RTCPeerConnection {
    return new RTCPeerConnection(configuration, { environment })
  }

  const expired = (): RTCConfiguration => {
    const { chain, pkcs8 } = testCertificate(3)
    return { certificates: [makeCertificate(chain, pkcs8, Date.UTC(2020, 0, 1))] }
  }

  it('finds the first fault in the order of the steps: conversion, certificates, servers', () => {
    const wrongType = { iceCandidatePoolSize: 256 }
    assert.throws(() => create({ ...wrongType, ...expired(), ...wrongServer }), TypeError)
    assert.throws(() => create({ ...expired(), ...wrongServer }), { name: 'InvalidAccessError' })
    assert.throws(() => create(wrongServer), { name: 'SyntaxError' })
  })

  it('finds what cannot be modified before it looks at servers, and a closed connection before both', () => {
    const certificates = expired().certificates ?? []
    assert.throws(() => peer.setConfiguration({ ...wrongServer, iceCandidatePoolSize: -1 }), TypeError)
    for (const change of [{ certificates }, { bundlePolicy: 'max-compat' }, { rtcpMuxPolicy: 'negotiate' }] as const) {
      assert.throws(() => peer.setConfiguration({ ...wrongServer, ...change }), { name: 'InvalidModificationError' })
    }
    assert.throws(() => peer.setConfiguration(wrongServer), { name: 'SyntaxError' })
    peer.close()
    assert.throws(() => peer.setConfiguration(wrongServer), { name: 'InvalidStateError' })
    assert.throws(() => peer.setConfiguration({ bundlePolicy: 'best' } as never), TypeError)
  })

  it('leaves everything as it was where it fails, whichever member is at fault', () => {
    const before = peer.getConfiguration()
    const faults: readonly object[] = [
      { bundlePolicy: 'max-bundle' },
      { iceServers: [{ urls: [] }] },
      { iceServers: [turn, { urls: 'turn:turn.example.org' }] },
      { iceServers: [turn, { urls: ['stun:a', 'stun:b?transport=udp'] }] },
      { iceServers: null },
      { iceTransportPolicy: 'none' },
      { iceCandidatePoolSize: Number.NaN },
      { certificates: [{}] },
    ]
    for (const fault of faults) {
      assert.throws(() => peer.setConfiguration({ iceTransportPolicy: 'relay', iceCandidatePoolSize: 2, ...fault }))
      assert.deepEqual(peer.getConfiguration(), before)
    }
  })

  it('allows another size of the pool until setLocalDescription has been called, be it in vain (step 3.6)', async () => {
    peer.setConfiguration({ iceCandidatePoolSize: 0 })
    const refused = peer.setLocalDescription({ type: 'answer' })
    assert.throws(() => peer.setConfiguration({ iceCandidatePoolSize: 1 }), { name: 'InvalidModificationError' })
    assert.equal(await outcomeAtOnce(refused), 'InvalidStateError')
    peer.setConfiguration({ iceTransportPolicy: 'relay', iceServers: [] })
    assert.deepEqual(peer.getConfiguration().iceServers, [])
    assert.equal(peer.getConfiguration().iceTransportPolicy, 'relay')
  })

  it('gives out copies', () => {
    const mine = peer.getConfiguration()
    mine.iceServers?.push({ urls: 'stun:example.org' })
    const [server] = mine.iceServers ?? []
    if (Array.isArray(server?.urls)) server.urls.length = 0
    mine.iceTransportPolicy = 'relay'
    const { iceServers = [], iceTransportPolicy } = peer.getConfiguration()
    assert.deepEqual(iceServers, [{ ...turn, urls: [turn.urls] }])
    assert.equal(iceTransportPolicy, 'all')
  })

  it('takes null and undefined for an empty dictionary, and what getConfiguration() gives back', () => {
    for (const configuration of [undefined, null as never, {}]) create(configuration).close()
    const again = peer.getConfiguration()
    peer.setConfiguration(again)
    assert.deepEqual(peer.getConfiguration(), again)
    assert.throws(() => create('x' as never), TypeError)
  })

  it('rejects rather than throws where a certificate cannot be generated (§4.9)', async () => {
    const generate = (...given: unknown[]): Promise<unknown> =>
      (RTCPeerConnection.generateCertificate as (...given: unknown[]) => Promise<unknown>)(...given)
    const ecdsa = { name: 'ECDSA', namedCurve: 'P-256' }
    const cases: readonly (readonly [readonly unknown[], string])[] = [
      [[], 'TypeError'],
      [[undefined], 'NotSupportedError'],
      [[null], 'NotSupportedError'],
      [[{}], 'TypeError'],
      [['no such algorithm'], 'NotSupportedError'],
      [['ECDSA'], 'TypeError'],
      [[{ ...ecdsa, namedCurve: 'P-1' }], 'NotSupportedError'],
      [[{ ...ecdsa, expires: -1 }], 'TypeError'],
      [[{ ...ecdsa, expires: Number.NaN }], 'TypeError'],
      [[{ ...ecdsa, expires: 'tomorrow' }], 'TypeError'],
      [[Symbol('x')], 'TypeError'],
    ]
    for (const [given, expected] of cases) {
      assert.equal(await outcomeAtOnce(generate(...given)), expected, given.map(String).join())
    }
    await settled(sim, peer.createOffer())
  })
})
