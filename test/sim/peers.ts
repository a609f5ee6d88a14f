import type { Environment } from '../../src/base/environment.ts'
import { nobleCryptoProvider } from '../../src/dtls/noble.ts'
import type { RTCConfiguration } from '../../src/pc/configuration.ts'
import type { ConnectionExtensions } from '../../src/pc/connection-extensions.ts'
import { makeCertificate, type RTCCertificate } from '../../src/pc/rtc-certificate.ts'
import type { RTCDataChannel } from '../../src/pc/rtc-data-channel.ts'
import { RTCPeerConnection } from '../../src/pc/rtc-peer-connection.ts'
import { testCertificate } from '../support/test-certificate.ts'
import type { LinkConditions } from './link.ts'
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

export function fixedCertificates(): readonly [RTCCertificate, RTCCertificate] {
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
  const environments = [sim.host('alice', aliceAddresses), sim.host('bob', bobAddresses)] as const
  return connectPair(sim, { environments, ...(options.channel === undefined ? {} : { channel: options.channel }) })
}

export interface ConnectOptions {
  readonly environments: readonly [alice: Environment, bob: Environment]
  readonly channel?: PairOptions['channel']
  readonly configuration?: RTCConfiguration
  /** What one of the two has on top of that: 0 is alice, 1 is bob. */
  readonly configurationOf?: (index: 0 | 1) => RTCConfiguration
  readonly extensions?: ConnectionExtensions
  /** Of alice, 0, and bob, 1, where they differ. */
  readonly extensionsOf?: (index: 0 | 1) => ConnectionExtensions
  /** How long a signalled candidate takes to the other end; at once if absent. */
  readonly trickleMs?: () => number
}

/** The same for hosts that are there already. */
export function connectPair(sim: Simulation, options: ConnectOptions): SimulatedPair {
  const peer = (index: 0 | 1, certificate: RTCCertificate): RTCPeerConnection => {
    const environment = options.environments[index]
    const extensions = { ...options.extensions, ...options.extensionsOf?.(index) }
    return new RTCPeerConnection(
      { ...options.configuration, ...options.configurationOf?.(index), certificates: [certificate] },
      { ...extensions, environment, crypto: nobleCryptoProvider },
    )
  }
  const [aliceCertificate, bobCertificate] = fixedCertificates()
  const alice = peer(0, aliceCertificate)
  const bob = peer(1, bobCertificate)
  let remote: RTCDataChannel | undefined
  bob.ondatachannel = event => {
    remote = event.channel
  }
  signal(sim, alice, bob, options.trickleMs)
  signal(sim, bob, alice, options.trickleMs)
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

function signal(sim: Simulation, from: RTCPeerConnection, to: RTCPeerConnection, trickleMs = (): number => 0): void {
  let lastAt = 0
  from.onicecandidate = ({ candidate }) => {
    // A candidate may come before the description it belongs to: it is in that description as well.
    if (candidate === null || to.remoteDescription === null) return
    // RFC 8838 §9: signalling keeps the order of candidates
    const at = Math.max(lastAt, sim.now + trickleMs())
    lastAt = at
    if (at === sim.now) void to.addIceCandidate(candidate)
    else sim.time.set(at - sim.now, () => to.signalingState !== 'closed' && void to.addIceCandidate(candidate))
  }
}

function described(peer: RTCPeerConnection): { type: 'offer' | 'answer'; sdp: string } {
  const { localDescription } = peer
  if (localDescription === null) throw new Error('there is no local description')
  return { type: localDescription.type === 'offer' ? 'offer' : 'answer', sdp: localDescription.sdp }
}
