import { nodeCryptoProvider } from '../../src/dtls/index.ts'
import type { ConnectionExtensions } from '../../src/pc/connection-extensions.ts'
import { importCertificate } from '../../src/pc/portable-certificate.ts'
import type { RTCCertificate } from '../../src/pc/rtc-certificate.ts'
import type { RTCError } from '../../src/pc/rtc-error.ts'
import { RTCPeerConnection } from '../../src/pc/rtc-peer-connection.ts'
import { Simulation } from '../sim/virtual-environment.ts'
import type { TestCertificate } from '../support/test-certificate.ts'
import { settled } from './negotiation/media-pair.ts'

export function imported({ certificate, pkcs8 }: TestCertificate): RTCCertificate {
  return importCertificate({ certificate, privateKey: pkcs8 })
}

/** As descriptions write it. */
export function fingerprintOf(certificate: RTCCertificate | undefined): string {
  return certificate?.getFingerprints()[0]?.value?.toUpperCase() ?? ''
}

/** Two peers that have negotiated, the descriptions changed on the way, with all that was delivered. */
export interface Call {
  readonly sim: Simulation
  readonly alice: RTCPeerConnection
  readonly bob: RTCPeerConnection
  readonly delivered: string[]
  /** What the DTLS transports told, in order: errors and states. */
  readonly told: { readonly alice: (RTCError | string)[]; readonly bob: (RTCError | string)[] }
}

export interface CallOptions {
  readonly alice?: readonly RTCCertificate[]
  readonly bob?: readonly RTCCertificate[]
  readonly onOffer?: (sdp: string) => string
  readonly onAnswer?: (sdp: string) => string
  /** Of both ends. */
  readonly dtls?: NonNullable<ConnectionExtensions['dtls']>
}

/** Bob, who answers, is the DTLS client. */
export async function call(options: CallOptions): Promise<Call> {
  const sim = new Simulation(40)
  const peer = (name: string, address: string, certificates: readonly RTCCertificate[] = []): RTCPeerConnection =>
    new RTCPeerConnection(
      { certificates: [...certificates] },
      { environment: sim.host(name, [address]), dtls: options.dtls ?? {} },
    )
  const [alice, bob] = [peer('alice', '192.0.2.1', options.alice), peer('bob', '192.0.2.2', options.bob)]
  const delivered: string[] = []
  for (const end of [alice, bob]) {
    const channel = end.createDataChannel('chat', { negotiated: true, id: 1 })
    channel.onopen = () => channel.send('hello')
    channel.onmessage = ({ data }) => delivered.push(data)
  }
  const told = { alice: listen(alice), bob: listen(bob) }
  const same = (sdp: string): string => sdp
  const exchange = async (): Promise<void> => {
    await alice.setLocalDescription()
    await gathered(alice)
    const offer = alice.localDescription?.sdp ?? ''
    await bob.setRemoteDescription({ type: 'offer', sdp: (options.onOffer ?? same)(offer) })
    await bob.setLocalDescription()
    await gathered(bob)
    const answer = bob.localDescription?.sdp ?? ''
    await alice.setRemoteDescription({ type: 'answer', sdp: (options.onAnswer ?? same)(answer) })
  }
  let problem: unknown
  let done = false
  void exchange()
    .catch(error => {
      problem = error
    })
    .finally(() => {
      done = true
    })
  await sim.run(() => done)
  if (problem !== undefined) throw problem
  return { sim, alice, bob, delivered, told }
}

function listen(peer: RTCPeerConnection): (RTCError | string)[] {
  const told: (RTCError | string)[] = []
  peer.addEventListener(
    'signalingstatechange',
    () => {
      const dtls = peer.sctp?.transport
      dtls?.addEventListener('error', event => told.push((event as Event & { readonly error: RTCError }).error))
      dtls?.addEventListener('statechange', () => told.push(dtls.state))
    },
    { once: true },
  )
  return told
}

async function gathered(peer: RTCPeerConnection): Promise<void> {
  if (peer.iceGatheringState === 'complete') return
  await new Promise<void>(resolve => {
    peer.addEventListener('icegatheringstatechange', () => peer.iceGatheringState === 'complete' && resolve())
  })
}

/** The fingerprint of the certificate that this end saw. */
export function shownTo(peer: RTCPeerConnection): string {
  const [der] = peer.sctp?.transport.getRemoteCertificates() ?? []
  if (der === undefined) return 'nothing'
  const hash = nodeCryptoProvider.hash('sha256', new Uint8Array(der))
  return (Buffer.from(hash).toString('hex').toUpperCase().match(/../g) ?? []).join(':')
}

/** The fingerprint that the statistics give for the certificate of this end, or of the other one, and its entry. */
export async function certificateOf(
  sim: Simulation,
  peer: RTCPeerConnection,
  whose: 'local' | 'remote',
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const report = await settled(sim, peer.getStats())
  const transport = [...report.values()].find(({ type }) => type === 'transport')
  return report.get(String(transport?.[`${whose}CertificateId`]))
}

/** Connects, and says which certificate each has shown, after a look at the statistics of both. */
export async function connected(options: CallOptions): Promise<{ alice: string; bob: string }> {
  const { sim, alice, bob, delivered } = await call(options)
  await sim.run(() => delivered.length === 2)
  const shown = { alice: shownTo(bob), bob: shownTo(alice) }
  for (const [name, own, other] of [
    ['alice', alice, bob],
    ['bob', bob, alice],
  ] as const) {
    const told = [await certificateOf(sim, own, 'local'), await certificateOf(sim, other, 'remote')]
    const fingerprints = told.map(entry => entry?.fingerprint)
    if (fingerprints.some(fingerprint => fingerprint !== shown[name])) {
      throw new Error(`${name} has shown ${shown[name]}, and the statistics say ${fingerprints.join(' and ')}`)
    }
  }
  alice.close()
  bob.close()
  return shown
}
