import assert from 'node:assert/strict'
import { makeCertificate } from '../../src/pc/rtc-certificate.ts'
import { RTCPeerConnection } from '../../src/pc/rtc-peer-connection.ts'
import { createPair, negotiate } from '../sim/peers.ts'
import { Simulation } from '../sim/virtual-environment.ts'
import { observe } from '../support/observed-environment.ts'
import { testCertificate } from '../support/test-certificate.ts'
import { settled } from './negotiation/media-pair.ts'

const later = Date.UTC(2100, 0, 1)

function certificate(seed: number, expires: number = later) {
  const { chain, pkcs8 } = testCertificate(seed)
  return makeCertificate(chain, pkcs8, expires)
}

function peerOn(sim: Simulation, configuration: object = {}, addresses: readonly string[] = ['192.0.2.1']) {
  const counted = observe(sim.host(`host ${sim.now} ${addresses}`, addresses))
  const peer = new RTCPeerConnection(
    { certificates: [certificate(1)], ...configuration },
    { environment: counted.environment },
  )
  return { peer, ...counted }
}

describe('RTCPeerConnection', () => {
  describe('configuration', () => {
    it('binds nothing before setLocalDescription with a pool of 0', async () => {
      const sim = new Simulation(1)
      const { peer, opened } = peerOn(sim)
      peer.createDataChannel('x')
      await settled(sim, peer.createOffer())
      await sim.runFor(100)
      assert.equal(opened(), 0)
      peer.close()
    })

    it('binds a set of sockets for each entry of the pool, resizes it, and releases what is not used', async () => {
      const sim = new Simulation(2)
      const { peer, open } = peerOn(sim, { iceCandidatePoolSize: 2 }, ['192.0.2.1', '2001:db8::1'])
      await sim.runFor(10)
      assert.equal(open.size, 4)
      const { certificates } = peer.getConfiguration()
      peer.setConfiguration({ iceCandidatePoolSize: 3, ...(certificates ? { certificates } : {}) })
      await sim.runFor(10)
      assert.equal(open.size, 6)
      peer.createDataChannel('x')
      const described = peer.setLocalDescription()
      await sim.runFor(100)
      await described
      assert.equal(open.size, 2)
      assert.equal(peer.localDescription?.sdp.match(/a=candidate:\S+ 1 udp /g)?.length, 2)
      assert.throws(() => peer.setConfiguration({ ...peer.getConfiguration(), iceCandidatePoolSize: 1 }), {
        name: 'InvalidModificationError',
      })
      peer.close()
      assert.equal(open.size, 0)
    })

    it('gathers and tells nothing under the policy relay', async () => {
      const sim = new Simulation(3)
      const { peer, opened } = peerOn(sim, { iceTransportPolicy: 'relay', iceCandidatePoolSize: 1 })
      const candidates: (string | undefined)[] = []
      peer.onicecandidate = ({ candidate }) => candidates.push(candidate?.candidate)
      peer.createDataChannel('x')
      const described = peer.setLocalDescription()
      await sim.runFor(1_000)
      await described
      assert.equal(opened(), 0)
      assert.deepEqual(candidates, ['', undefined])
      assert.doesNotMatch(peer.localDescription?.sdp ?? '', /192\.0\.2\.1/)
      peer.close()
    })

    it('gathers anew for the pool when the policy changes', async () => {
      const sim = new Simulation(4)
      const { peer, open } = peerOn(sim, { iceCandidatePoolSize: 1 })
      await sim.runFor(10)
      assert.equal(open.size, 1)
      peer.setConfiguration({ ...peer.getConfiguration(), iceTransportPolicy: 'relay' })
      await sim.runFor(10)
      assert.equal(open.size, 0)
      peer.close()
    })

    it('reports each server that it does not use', async () => {
      const sim = new Simulation(5)
      const { peer } = peerOn(sim, { iceServers: [{ urls: ['stun:a.example', 'stun:b.example'] }] })
      const reported: (string | number)[][] = []
      peer.onicecandidateerror = ({ url, errorCode }) => reported.push([url, errorCode])
      peer.createDataChannel('x')
      void peer.setLocalDescription()
      await sim.runFor(100)
      assert.deepEqual(reported, [
        ['stun:a.example', 701],
        ['stun:b.example', 701],
      ])
      peer.close()
    })

    it('signals the fingerprint of every certificate, and refuses one that has expired', async () => {
      const sim = new Simulation(6)
      const certificates = [certificate(1), certificate(2)]
      const { peer } = peerOn(sim, { certificates })
      peer.createDataChannel('x')
      const { sdp } = await settled(sim, peer.createOffer())
      for (const each of certificates) {
        const [fingerprint] = each.getFingerprints()
        assert.match(sdp ?? '', new RegExp(`a=fingerprint:sha-256 ${fingerprint?.value}`, 'i'))
      }
      peer.close()
      const expired = certificate(3, Date.UTC(2020, 0, 1))
      assert.throws(() => peerOn(sim, { certificates: [expired] }, ['192.0.2.9']), { name: 'InvalidAccessError' })
    })

    for (const bundlePolicy of ['balanced', 'max-compat', 'max-bundle']) {
      it(`uses one transport for data with the bundle policy ${bundlePolicy}`, async () => {
        const sim = new Simulation(7)
        const { peer, open } = peerOn(sim, { bundlePolicy })
        peer.createDataChannel('x')
        peer.createDataChannel('y')
        void peer.setLocalDescription()
        await sim.runFor(100)
        assert.equal(open.size, 1)
        peer.close()
      })
    }
  })

  describe('negotiation', () => {
    it('is needed once data channels exist, and not again after it is done', async () => {
      const { sim, alice, bob } = createPair({ seed: 10 })
      let needed = 0
      alice.onnegotiationneeded = () => needed++
      await sim.run(() => alice.connectionState === 'connected' && bob.connectionState === 'connected')
      alice.createDataChannel('another')
      await sim.runFor(1_000)
      assert.ok(needed <= 1, `fired ${needed} times`)
      assert.equal(alice.signalingState, 'stable')
      alice.close()
      bob.close()
    })

    it('moves the states of both ends as far as they go', async () => {
      const { sim, alice, bob } = createPair({ seed: 11 })
      const log: string[] = []
      alice.onsignalingstatechange = () => log.push(`signaling ${alice.signalingState}`)
      alice.onconnectionstatechange = () => log.push(`connection ${alice.connectionState}`)
      alice.oniceconnectionstatechange = () => log.push(`ice ${alice.iceConnectionState}`)
      alice.onicegatheringstatechange = () => log.push(`gathering ${alice.iceGatheringState}`)
      await sim.run(() => alice.connectionState === 'connected' && bob.connectionState === 'connected')
      await sim.runFor(1_000)
      const of = (kind: string) => log.filter(entry => entry.startsWith(kind)).map(entry => entry.split(' ')[1])
      assert.deepEqual(of('signaling'), ['have-local-offer', 'stable'])
      assert.deepEqual(of('gathering'), ['gathering', 'complete'])
      assert.deepEqual(of('connection'), ['connecting', 'connected'])
      assert.deepEqual(of('ice').slice(0, 2), ['checking', 'connected'])
      alice.close()
      bob.close()
    })

    it('rolls its own offer back when one of the peer arrives', async () => {
      const sim = new Simulation(12)
      const { peer, open } = peerOn(sim)
      const other = peerOn(sim, {}, ['192.0.2.2']).peer
      peer.createDataChannel('x')
      other.createDataChannel('y')
      const both = Promise.all([peer.setLocalDescription(), other.setLocalDescription()])
      await sim.runFor(100)
      await both
      const { localDescription } = other
      assert.ok(localDescription)
      const applied = peer.setRemoteDescription(localDescription)
      await sim.runFor(100)
      await applied
      assert.equal(peer.signalingState, 'have-remote-offer')
      assert.equal(open.size, 0, 'the sockets of the offer are closed')
      const rolledBack = peer.setRemoteDescription({ type: 'rollback' })
      await sim.runFor(100)
      await rolledBack
      assert.equal(peer.signalingState, 'stable')
      assert.equal(peer.sctp, null)
      peer.close()
      other.close()
    })

    it('rejects what does not fit the state, and leaves the state as it was', async () => {
      const sim = new Simulation(13)
      const { peer } = peerOn(sim)
      const attempt = async (promise: Promise<unknown>) => {
        const outcome = promise.then(
          () => 'fulfilled',
          (error: Error) => error.name,
        )
        await sim.runFor(10)
        return outcome
      }
      assert.equal(await attempt(peer.createAnswer()), 'InvalidStateError')
      assert.equal(await attempt(peer.setRemoteDescription({ type: 'answer', sdp: '' })), 'InvalidStateError')
      assert.equal(await attempt(peer.setLocalDescription({ type: 'answer' })), 'InvalidStateError')
      assert.equal(await attempt(peer.setRemoteDescription({ type: 'rollback' })), 'InvalidStateError')
      assert.equal(await attempt(peer.setRemoteDescription({ type: 'offer', sdp: 'v=0\r\nrubbish' })), 'OperationError')
      assert.equal(await attempt(peer.addIceCandidate({ candidate: 'x' })), 'TypeError')
      assert.equal(await attempt(peer.addIceCandidate({ candidate: 'x', sdpMid: '0' })), 'InvalidStateError')
      assert.equal(
        await attempt(peer.setLocalDescription({ type: 'offer', sdp: 'v=0\r\n' })),
        'InvalidModificationError',
      )
      assert.equal(peer.signalingState, 'stable')
      peer.close()
      assert.equal(await attempt(peer.createOffer()), 'InvalidStateError')
      assert.throws(() => peer.createDataChannel('x'), { name: 'InvalidStateError' })
      assert.throws(() => peer.setConfiguration({}), { name: 'InvalidStateError' })
    })

    it('names the line of an SDP error', async () => {
      const sim = new Simulation(14)
      const { peer } = peerOn(sim)
      const sdp = 'v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=application x\r\n'
      const outcome = peer.setRemoteDescription({ type: 'offer', sdp }).catch(error => error)
      await sim.runFor(10)
      const error = await outcome
      assert.equal(error.errorDetail, 'sdp-syntax-error')
      assert.equal(error.sdpLineNumber, 5)
      peer.close()
    })

    it('restarts ICE with new credentials while data goes on', async () => {
      const { sim, alice, bob, channel, remote } = createPair({ seed: 15 })
      await sim.run(() => channel.readyState === 'open' && remote()?.readyState === 'open')
      const ufrag = (peer: RTCPeerConnection) => /a=ice-ufrag:(\S+)/.exec(peer.localDescription?.sdp ?? '')?.[1]
      const before = [ufrag(alice), ufrag(bob)]
      let received = 0
      const other = remote()
      assert.ok(other)
      other.onmessage = () => received++
      alice.restartIce()
      void negotiate(alice, bob)
      for (let i = 0; i < 50; i++) {
        channel.send('still here')
        await sim.runFor(20)
      }
      const after = [ufrag(alice), ufrag(bob)]
      assert.notEqual(after[0], before[0])
      assert.notEqual(after[1], before[1])
      assert.equal(received, 50)
      assert.equal(alice.connectionState, 'connected')
      assert.equal(alice.iceGatheringState, 'complete')
      alice.close()
      bob.close()
    })
  })

  describe('close', () => {
    it('fires nothing locally, and the peer notices', async () => {
      const { sim, alice, bob, channel, remote } = createPair({ seed: 20 })
      await sim.run(() => channel.readyState === 'open' && remote()?.readyState === 'open')
      const fired: string[] = []
      for (const type of ['signalingstatechange', 'iceconnectionstatechange', 'connectionstatechange']) {
        alice.addEventListener(type, () => fired.push(type))
      }
      for (const type of ['close', 'closing', 'error']) channel.addEventListener(type, () => fired.push(type))
      let noticed = false
      const other = remote()
      assert.ok(other)
      other.onclose = () => {
        noticed = true
      }
      alice.close()
      assert.equal(alice.signalingState, 'closed')
      assert.equal(alice.connectionState, 'closed')
      assert.equal(alice.iceConnectionState, 'closed')
      assert.equal(channel.readyState, 'closed')
      await sim.run(() => noticed, 1_000)
      assert.ok(noticed)
      assert.deepEqual(fired, [])
      alice.close()
      bob.close()
    })
  })

  it('shows the candidates that the peer has signalled, in its description or after it', async () => {
    const { sim, alice, bob, channel, remote } = createPair({ seed: 31 })
    await sim.run(() => channel.readyState === 'open' && remote()?.readyState === 'open')
    for (const [peer, address] of [
      [alice, '192.0.2.2'],
      [bob, '192.0.2.1'],
    ] as const) {
      const shown = peer.sctp?.transport.iceTransport.getRemoteCandidates() ?? []
      assert.ok(shown.length > 0)
      assert.ok(shown.every(candidate => candidate.address === address && candidate.type === 'host'))
    }
    alice.close()
    bob.close()
  })

  it('has a getStats that shows the path, the handshake and the channels', async () => {
    const { sim, alice, bob, channel, remote } = createPair({ seed: 30 })
    await sim.run(() => channel.readyState === 'open' && remote()?.readyState === 'open')
    channel.send('hello')
    await sim.runFor(100)
    assert.equal(alice.getStats.length, 0)
    const report = await settled(sim, alice.getStats())
    const all = [...report.values()]
    const transport = all.find(({ type }) => type === 'transport')
    assert.equal(transport?.dtlsState, 'connected')
    assert.equal(transport?.tlsVersion, 'FEFC')
    assert.match(String(transport?.dtlsCipher), /^TLS_AES_128_GCM_SHA256$/)
    const pair = report.get(String(transport?.selectedCandidatePairId))
    assert.equal(pair?.state, 'succeeded')
    assert.equal(report.get(String(pair?.localCandidateId))?.address, '192.0.2.1')
    assert.equal(report.get(String(pair?.remoteCandidateId))?.address, '192.0.2.2')
    assert.equal(report.get(String(transport?.remoteCertificateId))?.type, 'certificate')
    const data = all.find(({ type }) => type === 'data-channel')
    assert.equal(data?.messagesSent, 1)
    assert.equal(data?.bytesSent, 5)
    assert.equal(data?.label, 'sim')
    alice.close()
    bob.close()
  })
})
