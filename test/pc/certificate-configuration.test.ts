import assert from 'node:assert/strict'
import { importCertificate } from '../../src/pc/portable-certificate.ts'
import type { RTCCertificate } from '../../src/pc/rtc-certificate.ts'
import { RTCPeerConnection } from '../../src/pc/rtc-peer-connection.ts'
import { Simulation } from '../sim/virtual-environment.ts'
import { ecdsaCertificate } from '../support/test-certificate.ts'
import { imported } from './certificate-call.ts'
import { settled } from './negotiation/media-pair.ts'

describe('The certificates of a configuration', () => {
  let first: RTCCertificate
  let second: RTCCertificate
  let peer: RTCPeerConnection

  beforeEach(() => {
    first = imported(ecdsaCertificate())
    second = imported(ecdsaCertificate())
    peer = make([first, second])
  })
  afterEach(() => peer.close())

  function make(certificates?: RTCCertificate[], sim: Simulation = new Simulation(1)): RTCPeerConnection {
    const environment = sim.host('here', ['192.0.2.1'])
    return new RTCPeerConnection(certificates === undefined ? {} : { certificates }, { environment })
  }

  it('are those given at construction, in that order, whatever becomes of the array', () => {
    const given = [first, second]
    const other = make(given)
    given.reverse()
    given.pop()
    assert.deepEqual(other.getConfiguration().certificates, [first, second])
    const shown = other.getConfiguration()
    shown.certificates?.pop()
    assert.deepEqual(other.getConfiguration().certificates, [first, second])
    other.close()
  })

  it('may be given again, and the whole configuration with them', () => {
    peer.setConfiguration({ certificates: [first, second] })
    peer.setConfiguration(peer.getConfiguration())
    assert.deepEqual(peer.getConfiguration().certificates, [first, second])
  })

  it('cannot be changed: neither another one nor another number nor another order', () => {
    const others: RTCCertificate[][] = [
      [],
      [first],
      [second, first],
      [first, imported(ecdsaCertificate())],
      [first, second, first],
    ]
    for (const certificates of others) {
      assert.throws(() => peer.setConfiguration({ certificates }), { name: 'InvalidModificationError' })
    }
    // webrtc-pc §4.4.1.5, step 3.1: absent is an empty list, of another length
    assert.throws(() => peer.setConfiguration({}), { name: 'InvalidModificationError' })
    assert.deepEqual(peer.getConfiguration().certificates, [first, second])
  })

  it('are none where none were given, also after one was made for the connection', async () => {
    const sim = new Simulation(1)
    const plain = make(undefined, sim)
    assert.deepEqual(plain.getConfiguration().certificates, [])
    plain.createDataChannel('data')
    await settled(sim, plain.createOffer())
    assert.deepEqual(plain.getConfiguration().certificates, [])
    plain.setConfiguration({})
    assert.throws(() => plain.setConfiguration({ certificates: [first] }), { name: 'InvalidModificationError' })
    plain.close()
  })

  it('must not have expired when the connection is constructed; afterwards that is of no account', async () => {
    const sim = new Simulation(1)
    const environment = sim.host('here', ['192.0.2.1'])
    const now = environment.clock.wallTime()
    const expiring = (expires: number): RTCPeerConnection => {
      const { certificate, pkcs8 } = ecdsaCertificate()
      const own = importCertificate({ certificate, privateKey: pkcs8, expires })
      return new RTCPeerConnection({ certificates: [first, own] }, { environment })
    }
    assert.throws(() => expiring(now - 1), { name: 'InvalidAccessError' })
    const other = expiring(now)
    await sim.runFor(10)
    assert.ok(environment.clock.wallTime() > now)
    other.setConfiguration(other.getConfiguration())
    other.createDataChannel('data')
    assert.match((await settled(sim, other.createOffer())).sdp ?? '', /a=fingerprint/)
    other.close()
  })

  it('must be certificates', () => {
    for (const wrong of [{}, 'certificate', null, { expires: 1, getFingerprints: () => [] }]) {
      assert.throws(() => make([wrong as never]), TypeError)
    }
  })

  it('leave the servers of the configuration untouched by whoever asked for it', () => {
    const environment = new Simulation(1).host('here', ['192.0.2.1'])
    const urls = ['stun:192.0.2.9']
    const other = new RTCPeerConnection({ iceServers: [{ urls }] }, { environment })
    const [server] = other.getConfiguration().iceServers ?? []
    if (Array.isArray(server?.urls)) server.urls.push('stun:192.0.2.10')
    assert.deepEqual(other.getConfiguration().iceServers, [{ urls }])
    other.close()
  })
})
