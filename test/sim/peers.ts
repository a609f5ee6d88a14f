import { nobleCryptoProvider } from '../../src/dtls/noble.ts'
import { makeCertificate, type RTCCertificate } from '../../src/pc/rtc-certificate.ts'
import type { RTCDataChannel } from '../../src/pc/rtc-data-channel.ts'
import { RTCPeerConnection } from '../../src/pc/rtc-peer-connection.ts'
import { testCertificate } from '../support/test-certificate.ts'
import type { LinkConditions } from './sim-network.ts'
import { Simulation } from './virtual-environment.ts'

/** Two peers of ours in a world of their own, signalling over a perfect wire. */
export interface SimulatedPair {
  readonly sim: Simulation
  readonly alice: RTCPeerConnection
  readonly bob: RTCPeerConnection
  /** Opened by alice before the offer. */
  readonly channel: RTCDataChannel
  /** Its other end, once it is there. */
  readonly remote: () => RTCDataChannel | undefined
}

export interface PairOptions {
  readonly seed: number
  readonly conditions?: Partial<LinkConditions>
  readonly channel?: { ordered?: boolean; maxRetransmits?: number; maxPacketLifeTime?: number }
  readonly addresses?: readonly [alice: readonly string[], bob: readonly string[]]
}

/** The same certificate in every run: making keys takes longer than connecting. */
let certificates: readonly [RTCCertificate, RTCCertificate] | undefined

function fixedCertificates(): readonly [RTCCertificate, RTCCertificate] {
  certificates ??= [fixedCertificate(1), fixedCertificate(2)]
  return certificates
}

function fixedCertificate(seed: number): RTCCertificate {
  const { chain, pkcs8 } = testCertificate(seed)
  return makeCertificate(chain, pkcs8, Date.UTC(2100, 0, 1))
}

/** Creates both peers and one channel, and lets them negotiate. Nothing happens until the simulation runs. */
export function createPair(options: PairOptions): SimulatedPair {
  const sim = new Simulation(options.seed)
  sim.network.setConditions(options.conditions ?? {})
  const [aliceAddresses, bobAddresses] = options.addresses ?? [['192.0.2.1'], ['192.0.2.2']]
  const [aliceCertificate, bobCertificate] = fixedCertificates()
  const alice = createPeer(sim, 'alice', aliceAddresses, aliceCertificate)
  const bob = createPeer(sim, 'bob', bobAddresses, bobCertificate)
  let remote: RTCDataChannel | undefined
  bob.ondatachannel = event => {
    remote = event.channel
  }
  signal(alice, bob)
  signal(bob, alice)
  const channel = alice.createDataChannel('sim', options.channel ?? {})
  void negotiate(alice, bob)
  return { sim, alice, bob, channel, remote: () => remote }
}

/** Offers from `offerer`; fulfilled when the answer is applied. */
export async function negotiate(offerer: RTCPeerConnection, answerer: RTCPeerConnection): Promise<void> {
  await offerer.setLocalDescription()
  await answerer.setRemoteDescription(described(offerer))
  await answerer.setLocalDescription()
  await offerer.setRemoteDescription(described(answerer))
}

function createPeer(
  sim: Simulation,
  name: string,
  addresses: readonly string[],
  certificate: RTCCertificate,
): RTCPeerConnection {
  const environment = sim.host(name, addresses)
  return new RTCPeerConnection({ certificates: [certificate] }, { environment, crypto: nobleCryptoProvider })
}

function signal(from: RTCPeerConnection, to: RTCPeerConnection): void {
  from.onicecandidate = ({ candidate }) => {
    // A candidate may come before the description it belongs to: it is in that description as well.
    if (candidate !== null && to.remoteDescription !== null) void to.addIceCandidate(candidate)
  }
}

function described(peer: RTCPeerConnection): { type: 'offer' | 'answer'; sdp: string } {
  const { localDescription } = peer
  if (localDescription === null) throw new Error('there is no local description')
  return { type: localDescription.type === 'offer' ? 'offer' : 'answer', sdp: localDescription.sdp }
}
