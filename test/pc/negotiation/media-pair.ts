import { nobleCryptoProvider } from '../../../src/dtls/noble.ts'
import type { RTCConfiguration } from '../../../src/pc/configuration.ts'
import type { ConnectionExtensions } from '../../../src/pc/connection-extensions.ts'
import type { PeerTransport } from '../../../src/pc/peer-transport.ts'
import { connectionOf, RTCPeerConnection } from '../../../src/pc/rtc-peer-connection.ts'
import type { TransceiverSlots } from '../../../src/pc/rtp/slots.ts'
import { fixedCertificates } from '../../sim/peers.ts'
import { Simulation } from '../../sim/virtual-environment.ts'
import { type Observed, observe } from '../../support/observed-environment.ts'

export type SectionKind = 'audio' | 'video' | 'data'

/** Two peers in a world of their own, and what is open at each. Descriptions go over with all their candidates. */
export interface MediaPair {
  readonly sim: Simulation
  readonly alice: RTCPeerConnection
  readonly bob: RTCPeerConnection
  readonly sockets: { readonly alice: Observed; readonly bob: Observed }
}

export interface MediaPairOptions {
  readonly seed: number
  readonly alice?: RTCConfiguration
  readonly bob?: RTCConfiguration
  readonly extensions?: ConnectionExtensions
  readonly sections?: readonly SectionKind[]
}

export function createMediaPair(options: MediaPairOptions): MediaPair {
  const sim = new Simulation(options.seed)
  const sockets = { alice: observe(sim.host('alice', ['192.0.2.1'])), bob: observe(sim.host('bob', ['192.0.2.2'])) }
  const [aliceCertificate, bobCertificate] = fixedCertificates()
  const crypto = nobleCryptoProvider
  const alice = new RTCPeerConnection(
    { ...options.alice, certificates: [aliceCertificate] },
    { ...options.extensions, environment: sockets.alice.environment, crypto },
  )
  const bob = new RTCPeerConnection(
    { ...options.bob, certificates: [bobCertificate] },
    { ...options.extensions, environment: sockets.bob.environment, crypto },
  )
  for (const kind of options.sections ?? []) addSection(alice, kind)
  return { sim, alice, bob, sockets }
}

export function addSection(peer: RTCPeerConnection, kind: SectionKind): TransceiverSlots | undefined {
  if (kind !== 'data') return connectionOf(peer).transceivers.addTransceiver(kind)
  peer.createDataChannel('data')
  return undefined
}

/** What a peer that does not know BUNDLE makes of a description. */
export function withoutBundle(sdp: string): string {
  return sdp.replace(/^a=(group:BUNDLE.*|bundle-only)\r\n/gm, '')
}

/** What one that cannot multiplex RTCP makes of it. */
export function withoutMux(sdp: string): string {
  return sdp.replace(/^a=rtcp-mux(-only)?\r\n/gm, '')
}

export type Munge = (sdp: string) => string

function same(sdp: string): string {
  return sdp
}

/** A promise of the simulated world, which has to run for it. */
export async function settled<T>(sim: Simulation, promise: Promise<T>): Promise<T> {
  let isSettled = false
  const done = (): void => {
    isSettled = true
  }
  promise.then(done, done)
  await sim.run(() => isSettled)
  return promise
}

/** Applies what is due here, and waits for all its candidates. */
export async function describeLocally(sim: Simulation, peer: RTCPeerConnection): Promise<string> {
  await settled(sim, peer.setLocalDescription())
  await sim.runFor(1)
  await sim.run(() => peer.iceGatheringState !== 'gathering')
  return peer.localDescription?.sdp ?? ''
}

/** An offer and its answer; both go through `munge` on the way. */
export async function agree(
  { sim }: MediaPair,
  offerer: RTCPeerConnection,
  answerer: RTCPeerConnection,
  munge: Munge = same,
): Promise<void> {
  const offer = munge(await describeLocally(sim, offerer))
  await settled(sim, answerer.setRemoteDescription({ type: 'offer', sdp: offer }))
  const answer = munge(await describeLocally(sim, answerer))
  await settled(sim, offerer.setRemoteDescription({ type: 'answer', sdp: answer }))
}

export async function connected({ sim, alice, bob }: MediaPair): Promise<boolean> {
  return await sim.run(() => alice.connectionState === 'connected' && bob.connectionState === 'connected')
}

/** Each has an ICE agent and at most one DTLS association. */
export function components(peer: RTCPeerConnection): readonly PeerTransport[] {
  return connectionOf(peer).negotiator.transports.all.flatMap(transport => transport.components)
}

/** The DTLS associations that are up. */
export function associations(peer: RTCPeerConnection): number {
  return components(peer).filter(({ dtls }) => dtls.state === 'connected').length
}

/** The m= lines of a description: kind, whether the port is zero, and which attributes of these names there are. */
export function outline(sdp: string | undefined, names: readonly string[]): string[] {
  return (sdp ?? '')
    .split(/^m=/m)
    .slice(1)
    .map(section => {
      const [, kind = '', port = ''] = /^(\w+) (\d+)/.exec(section) ?? []
      const present = names.filter(name => new RegExp(`^a=${name}(:|\r)`, 'm').test(section))
      return [kind, ...(port === '0' ? ['0'] : []), ...present].join(' ')
    })
}

export function close({ alice, bob }: MediaPair): void {
  alice.close()
  bob.close()
}
