import type { TransportAddress } from '../../src/base/address.ts'
import type { Environment } from '../../src/base/environment.ts'
import { nobleCryptoProvider } from '../../src/dtls/noble.ts'
import type { LocalCandidate } from '../../src/ice/index.ts'
import type { DtlsChoices } from '../../src/pc/dtls-link.ts'
import type { CandidateSocket } from '../../src/pc/gathering/candidate-socket.ts'
import { Gatherer } from '../../src/pc/gathering/gatherer.ts'
import { Transport } from '../../src/pc/transport.ts'
import type { SctpEvent } from '../../src/sctp/index.ts'
import { Simulation } from '../sim/virtual-environment.ts'
import { type TestCertificate, testCertificate } from '../support/test-certificate.ts'

/** One end of a transport, and what it has gathered. */
export interface End {
  readonly transport: Transport
  readonly environment: Environment
  readonly candidates: readonly LocalCandidate[]
  /** What its DTLS has failed with. */
  readonly errors: readonly unknown[]
  readonly sctpEvents: readonly SctpEvent[]
  /** What has left its sockets towards the peer, as it was then. */
  readonly sent: readonly Uint8Array[]
  /** Datagrams for which this is true do not arrive at the transport; `held` has them. */
  hold: ((data: Uint8Array) => boolean) | undefined
  readonly held: Uint8Array[]
  /** Gives a datagram to the transport as if it had come from its peer, or from somewhere else. */
  inject(data: Uint8Array, from?: TransportAddress): void
  /** Takes the sockets and candidates to another end. */
  signalTo(other: End): void
  close(): void
}

export interface TransportPairOptions {
  readonly sim: Simulation
  readonly environments: readonly [Environment, Environment]
  readonly component?: 1 | 2
  readonly choices?: readonly [DtlsChoices, DtlsChoices]
  /** The fingerprint that the first end is told is not that of the second. */
  readonly wrongFingerprint?: boolean
}

export function world(seed: number): Pick<TransportPairOptions, 'sim' | 'environments'> {
  const sim = new Simulation(seed)
  return { sim, environments: [sim.host('alice', ['192.0.2.1']), sim.host('bob', ['192.0.2.2'])] }
}

/** Two transports that signal to each other directly; the first controls, and is the client of DTLS. */
export function createTransports(options: TransportPairOptions): readonly [End, End] {
  const [first, second] = [createEnd(options, 0), createEnd(options, 1)]
  first.signalTo(second)
  second.signalTo(first)
  const [own, other] = [testCertificate(1), testCertificate(2)]
  const told = options.wrongFingerprint === true ? testCertificate(3) : other
  first.transport.startDtls({ role: 'client', fingerprints: [told.fingerprint()] }, [identity(own)])
  second.transport.startDtls({ role: 'server', fingerprints: [own.fingerprint()] }, [identity(other)])
  return [first, second]
}

export function areConnected(ends: readonly End[]): boolean {
  return ends.every(({ transport }) => transport.dtlsState === 'connected')
}

export function gathererOn(environment: Environment): Gatherer {
  const host = {
    gatherLoopback: false,
    portRange: undefined,
    hideHostAddresses: false,
    natMappings: [],
    tcpCandidates: [],
  }
  return new Gatherer({ environment, policy: 'all', servers: [], host, tlsCa: undefined, icePort: undefined })
}

function identity({ chain, pkcs8 }: TestCertificate) {
  return { chain, key: nobleCryptoProvider.importSigningKey(pkcs8) }
}

function createEnd(options: TransportPairOptions, index: 0 | 1): End {
  const environment = options.environments[index]
  const gatherer = gathererOn(environment)
  const [candidates, errors, sctpEvents]: [LocalCandidate[], unknown[], SctpEvent[]] = [[], [], []]
  const [sent, held]: [Uint8Array[], Uint8Array[]] = [[], []]
  let socketOfPeer: CandidateSocket | undefined
  const transport = new Transport({
    environment,
    crypto: nobleCryptoProvider,
    keyLog: undefined,
    dtls: options.choices?.[index] ?? {},
    role: index === 0 ? 'controlling' : 'controlled',
    iceParameters: { usernameFragment: `user${index}`, password: `passwordof24lettersxxxxx${index}` },
    listener: {
      iceEvent: () => {},
      sctpEvent: event => sctpEvents.push(event),
      dtlsStateChanged: error => {
        if (error !== undefined) errors.push(error)
      },
    },
    iceLite: false,
    iceRenomination: false,
    ...(options.component === undefined ? {} : { component: options.component }),
  })
  const watched = (socket: CandidateSocket): CandidateSocket => ({
    local: socket.local,
    send: (data, to) => {
      sent.push(Uint8Array.from(data))
      socket.send(data, to)
    },
  })
  const end: End = {
    transport,
    environment,
    candidates,
    errors,
    sctpEvents,
    sent,
    hold: undefined,
    held,
    inject: (data, from = transport.ice.selectedPair?.remote.address) => {
      if (socketOfPeer === undefined || from === undefined) throw new Error('there is no pair yet')
      transport.receive(data, from, socketOfPeer)
    },
    signalTo: other => {
      other.transport.setRemoteIce(transport.ice.localParameters)
      gatherer.gather({
        receive: (data, from, socket) => {
          socketOfPeer = socket
          if (end.hold?.(data) === true) held.push(Uint8Array.from(data))
          else transport.receive(data, from, socket)
        },
        usernameFragment: transport.ice.localParameters.usernameFragment,
        component: transport.component,
        candidate: ({ candidate, socket }) => {
          candidates.push(candidate)
          transport.addLocalCandidate(candidate, watched(socket))
          other.transport.addRemoteCandidate(candidate)
        },
        removed: base => transport.removeLocalCandidates(base),
        unreachable: () => {},
        serverFailed: () => {},
        gatheringChanged: () => {},
      })
    },
    close: () => {
      transport.close()
      gatherer.close()
    },
  }
  return end
}
