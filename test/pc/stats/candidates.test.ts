import assert from 'node:assert/strict'
import type { Environment } from '../../../src/base/environment.ts'
import { nobleCryptoProvider } from '../../../src/dtls/noble.ts'
import type { RTCIceCandidate } from '../../../src/pc/rtc-ice-candidate.ts'
import { RTCPeerConnection } from '../../../src/pc/rtc-peer-connection.ts'
import { fixedCertificates } from '../../sim/peers.ts'
import { Simulation } from '../../sim/virtual-environment.ts'
import { all, one, within } from './media-call.ts'

/** Connects, though bob hears of no candidate of alice's. */
async function halfTold(seed: number) {
  const sim = new Simulation(seed)
  const peer = (index: 0 | 1, environment: Environment): RTCPeerConnection =>
    new RTCPeerConnection({ certificates: [fixedCertificates()[index]] }, { environment, crypto: nobleCryptoProvider })
  const alice = peer(0, sim.host('alice', ['192.0.2.1']))
  const bob = peer(1, sim.host('bob', ['192.0.2.2']))
  const untold: RTCIceCandidate[] = []
  alice.onicecandidate = ({ candidate }) => void (candidate === null || untold.push(candidate))
  bob.onicecandidate = ({ candidate }) => void (candidate === null || alice.addIceCandidate(candidate))
  const channel = alice.createDataChannel('sim')
  const negotiated = negotiate(alice, bob)
  await sim.runFor(3_000)
  await negotiated
  assert.equal(channel.readyState, 'open')
  const close = async (): Promise<void> => {
    alice.close()
    bob.close()
    await sim.runFor(1_000)
  }
  return { sim, alice, bob, untold, close }
}

/** What alice offers is what it was before candidates were gathered. */
async function negotiate(alice: RTCPeerConnection, bob: RTCPeerConnection): Promise<void> {
  const { sdp } = await alice.createOffer()
  assert.ok(sdp)
  await alice.setLocalDescription()
  await bob.setRemoteDescription({ type: 'offer', sdp })
  await bob.setLocalDescription()
  assert.ok(bob.localDescription)
  await alice.setRemoteDescription(bob.localDescription)
}

describe('The candidates in statistics', () => {
  it('are there as soon as they are told, in a pair or not (webrtc-stats §7.1)', async () => {
    const sim = new Simulation(74)
    const alice = new RTCPeerConnection(
      { certificates: [fixedCertificates()[0]] },
      {
        environment: sim.host('alice', ['192.0.2.1', '192.0.2.9']),
        crypto: nobleCryptoProvider,
        tcpCandidates: ['passive'],
      },
    )
    const told: string[] = []
    alice.onicecandidate = ({ candidate }) => {
      if (candidate?.candidate) told.push([candidate.protocol, candidate.address, candidate.tcpType ?? ''].join(' '))
    }
    alice.createDataChannel('x')
    await within(sim, alice.setLocalDescription())
    await sim.runFor(1_000)
    const stats = await within(sim, alice.getStats())
    const shown = all(stats, 'local-candidate').map(({ protocol, address, tcpType }) => [
      protocol,
      address,
      tcpType ?? '',
    ])
    assert.equal(told.length, 4)
    assert.deepEqual(shown.map(parts => parts.join(' ')).sort(), told.sort())
    assert.deepEqual(all(stats, 'candidate-pair'), [])
    alice.close()
  })

  it('keep the address of the peer to themselves until the application has told it', async () => {
    const { sim, alice, bob, untold, close } = await halfTold(71)
    const before = one(await within(sim, bob.getStats()), 'remote-candidate')
    assert.deepEqual([before.candidateType, before.address], ['prflx', null])
    // Of their own, they know all, and of the peer's what was told.
    const own = all(await within(sim, bob.getStats()), 'local-candidate')
    assert.deepEqual(new Set(own.map(({ address }) => address)), new Set(['192.0.2.2']))
    const theirs = all(await within(sim, alice.getStats()), 'remote-candidate')
    assert.deepEqual(new Set(theirs.map(({ address }) => address)), new Set(['192.0.2.2']))
    const added = untold.map(candidate => bob.addIceCandidate(candidate))
    await sim.runFor(100)
    await Promise.all(added)
    const after = all(await within(sim, bob.getStats()), 'remote-candidate').map(
      ({ candidateType, protocol, address }) => [candidateType, protocol, address].join(' '),
    )
    assert.deepEqual(after.sort(), ['host tcp 192.0.2.1', 'host udp 192.0.2.1'])
    await close()
  })

  it('are others after a restart of ICE, and the pair in use stays until another one is', async () => {
    const { sim, alice, bob, close } = await halfTold(73)
    const used = async () => {
      const report = await within(sim, alice.getStats())
      const pair = report.get(one(report, 'transport').selectedCandidatePairId)
      const local = report.get(pair.localCandidateId)
      return { report, pair, local, usernameFragment: local.usernameFragment }
    }
    const before = await used()
    const { sdp } = await within(sim, alice.createOffer({ iceRestart: true }))
    assert.ok(sdp)
    await within(sim, alice.setLocalDescription({ type: 'offer', sdp }))
    // The peer knows nothing of it yet.
    await sim.runFor(1_000)
    const during = await used()
    assert.deepEqual([during.pair.id, during.local.id], [before.pair.id, before.local.id])
    assert.equal(during.usernameFragment, before.usernameFragment)
    assert.ok(during.pair.bytesSent >= before.pair.bytesSent)
    assert.notEqual(one(during.report, 'transport').iceLocalUsernameFragment, before.usernameFragment)
    const answered = (async () => {
      await bob.setRemoteDescription({ type: 'offer', sdp })
      await bob.setLocalDescription()
      assert.ok(bob.localDescription)
      await alice.setRemoteDescription(bob.localDescription)
    })()
    await sim.runFor(3_000)
    await answered
    const after = await used()
    assert.notEqual(after.pair.id, before.pair.id)
    assert.ok(!after.report.has(before.pair.id) && !after.report.has(before.local.id))
    assert.equal(after.usernameFragment, one(after.report, 'transport').iceLocalUsernameFragment)
    await close()
  })

  it('are in pairs that tell when something went over them last, besides connectivity checks', async () => {
    const { sim, alice, bob, close } = await halfTold(72)
    for (const end of [alice, bob]) {
      const report = await within(sim, end.getStats())
      const pair = report.get(one(report, 'transport').selectedCandidatePairId)
      for (const member of ['lastPacketSentTimestamp', 'lastPacketReceivedTimestamp']) {
        assert.ok(pair[member] <= pair.timestamp && pair[member] > pair.timestamp - 3_000, member)
      }
    }
    // Nothing but checks for a while; SCTP's heartbeats are rarer.
    await sim.runFor(8_000)
    const report = await within(sim, alice.getStats())
    const pair = report.get(one(report, 'transport').selectedCandidatePairId)
    assert.ok(pair.lastPacketSentTimestamp < pair.timestamp - 5_000)
    assert.ok(pair.consentRequestsSent > 0)
    await close()
  })
})
