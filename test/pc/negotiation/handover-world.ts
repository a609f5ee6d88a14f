import assert from 'node:assert/strict'
import { nobleCryptoProvider } from '../../../src/dtls/noble.ts'
import type { RTCConfiguration } from '../../../src/pc/configuration.ts'
import { makeCertificate } from '../../../src/pc/rtc-certificate.ts'
import type { RTCDataChannel } from '../../../src/pc/rtc-data-channel.ts'
import { RTCPeerConnection } from '../../../src/pc/rtc-peer-connection.ts'
import type { LinkConditions } from '../../sim/link.ts'
import { Simulation } from '../../sim/virtual-environment.ts'
import { type TestCertificate, testCertificate } from '../../support/test-certificate.ts'
import { describeLocally, type Munge, settled } from './media-pair.ts'

/** One end of ours, the peer that it begins with, and the one that takes over. */
export interface HandoverWorld {
  readonly sim: Simulation
  readonly alice: RTCPeerConnection
  readonly first: RTCPeerConnection
  readonly second: RTCPeerConnection
  /** In DER, of the three. */
  readonly certificates: readonly Uint8Array[]
}

export interface HandoverOptions {
  readonly seed: number
  readonly conditions?: Partial<LinkConditions>
  readonly configuration?: RTCConfiguration
}

export const addresses = { alice: '192.0.2.1', first: '192.0.2.2', second: '192.0.2.3' } as const

export function createWorld({ seed, conditions, configuration }: HandoverOptions): HandoverWorld {
  const sim = new Simulation(seed)
  if (conditions !== undefined) sim.network.setConditions(conditions)
  const made = Object.entries(addresses).map(([name, address], index) => {
    const certificate = testCertificate(index + 1)
    const environment = sim.host(name, [address])
    return { certificate, peer: createPeer(certificate, { environment, crypto: nobleCryptoProvider }, configuration) }
  })
  const [alice, first, second] = made.map(({ peer }) => peer)
  assert.ok(alice && first && second)
  return { sim, alice, first, second, certificates: made.map(({ certificate }) => certificate.certificate) }
}

function createPeer(
  { chain, pkcs8 }: TestCertificate,
  extensions: ConstructorParameters<typeof RTCPeerConnection>[1],
  configuration?: RTCConfiguration,
): RTCPeerConnection {
  const certificates = [makeCertificate(chain, pkcs8, Date.UTC(2100, 0, 1))]
  return new RTCPeerConnection({ ...configuration, certificates }, extensions)
}

const same: Munge = sdp => sdp

/** An offer and its answer, whole: nothing trickles. */
export async function offerTo(
  sim: Simulation,
  offerer: RTCPeerConnection,
  answerer: RTCPeerConnection,
  munge: Munge = same,
): Promise<void> {
  const sdp = munge(await describeLocally(sim, offerer))
  await settled(sim, answerer.setRemoteDescription({ type: 'offer', sdp }))
  const answer = munge(await describeLocally(sim, answerer))
  await settled(sim, offerer.setRemoteDescription({ type: 'answer', sdp: answer }))
}

/** Has `second` know the sections of a session that it was not in: an offer of its own goes on with them. */
export async function rehearse({ sim, second }: HandoverWorld, offer: string): Promise<void> {
  await settled(sim, second.setRemoteDescription({ type: 'offer', sdp: offer }))
  await describeLocally(sim, second)
  second.restartIce()
}

export async function isConnected({ sim }: HandoverWorld, ...peers: readonly RTCPeerConnection[]): Promise<boolean> {
  return await sim.run(() => peers.every(({ connectionState }) => connectionState === 'connected'))
}

/** The next channel that a peer opens. */
export function nextChannel(peer: RTCPeerConnection): { current: RTCDataChannel | undefined } {
  const next: { current: RTCDataChannel | undefined } = { current: undefined }
  peer.ondatachannel = ({ channel }) => {
    next.current = channel
  }
  return next
}

/** Sends a message from each end, and sees what comes to the other. */
export async function converse(sim: Simulation, a: RTCDataChannel, b: RTCDataChannel): Promise<void> {
  const heard: string[] = []
  b.onmessage = ({ data }) => heard.push(`b ${String(data)}`)
  a.onmessage = ({ data }) => heard.push(`a ${String(data)}`)
  a.send('to b')
  b.send('to a')
  await sim.run(() => heard.length >= 2)
  assert.deepEqual(heard.sort(), ['a to a', 'b to b'])
}

/** What happens at a peer, in order. */
export function watch(peer: RTCPeerConnection): string[] {
  const events: string[] = []
  const dtls = peer.sctp?.transport ?? peer.getSenders()[0]?.transport
  assert.ok(dtls)
  dtls.onstatechange = () => events.push(`dtls ${dtls.state}`)
  dtls.onerror = () => events.push('dtls error')
  dtls.iceTransport.onselectedcandidatepairchange = () =>
    events.push(dtls.iceTransport.getSelectedCandidatePair() === null ? 'no pair' : 'pair')
  peer.onconnectionstatechange = () => events.push(`connection ${peer.connectionState}`)
  peer.oniceconnectionstatechange = () => events.push(`ice ${peer.iceConnectionState}`)
  return events
}

export function closeAll({ alice, first, second }: HandoverWorld): void {
  for (const peer of [alice, first, second]) peer.close()
}
