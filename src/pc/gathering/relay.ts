import type { TransportAddress } from '../../base/address.ts'
import type { Environment } from '../../base/environment.ts'
import { assertNever } from '../../base/errors.ts'
import { type StunCredentials, TurnClient, type TurnEvent, type TurnReceived } from '../../ice/index.ts'
import type { CandidateReceiver, CandidateSocket } from './candidate-socket.ts'
import type { Attempt } from './race.ts'
import { maxRedirects } from './reflexive.ts'
import { type ServerFailure, toServerFailure, unreachable } from './server-failure.ts'
import type { OpenLink } from './server-link.ts'
import { ServerSession } from './server-session.ts'
import { serverTiming } from './server-timing.ts'

export interface RelayOptions {
  readonly environment: Pick<Environment, 'clock' | 'timers' | 'random'>
  readonly server: TransportAddress
  readonly transport: 'udp' | 'tcp' | 'tls'
  readonly credentials: StunCredentials
  /** The family of the relayed address; if absent, the one that the server prefers, and IPv6 as well where it has that. */
  readonly family: 6 | undefined
  readonly open: (server: TransportAddress) => OpenLink | undefined
  readonly onFailure: (failure: ServerFailure) => void
  /** The allocation is gone: its candidates lead nowhere. */
  readonly onLost: (relay: Relay) => void
  /** The server does not forward to this peer. */
  readonly onPeerRefused: (socket: CandidateSocket, peer: TransportAddress) => void
}

type Session = ServerSession<TurnEvent, TurnReceived>

/** Asks a TURN server for a relayed address. RFC 8445 §5.1.1.2. */
export function relayAttempt(options: RelayOptions): Attempt<Relay> {
  return done => {
    let relay: Relay | undefined
    const fail = (failure: ServerFailure): void => {
      options.onFailure(failure)
      done(undefined)
    }
    const ask = (server: TransportAddress, redirects: number): void => {
      const open = options.open(server)
      if (open === undefined) {
        fail(unreachable('the server sends us to one that cannot be reached from here'))
        return
      }
      relay = new Relay(options, server, open, {
        allocated: done,
        failed: fail,
        redirected: (next, local) => {
          if (redirects < maxRedirects && mayFollow(options.transport, server, next)) ask(next, redirects + 1)
          else fail({ errorCode: 300, errorText: 'the server sends us to another one', local })
        },
      })
    }
    ask(options.server, 0)
    return () => relay?.close()
  }
}

/**
 * RFC 8489 §10 and §16.1.1: nothing proves that it was the server who sent us on. What it is given is enough to guess
 * the password from, so that it goes to the same host, or to one whose certificate is for the name that was configured.
 */
function mayFollow(transport: string, server: TransportAddress, next: TransportAddress): boolean {
  return transport === 'tls' || server.address === next.address
}

interface RelayObserver {
  allocated(relay: Relay): void
  failed(failure: ServerFailure): void
  redirected(server: TransportAddress, local: TransportAddress | undefined): void
}

/** An allocation on a TURN server, and the sockets that its relayed addresses are to ICE. */
export class Relay {
  readonly server: TransportAddress
  readonly #options: RelayOptions
  readonly #observer: RelayObserver
  readonly #client: TurnClient
  readonly #session: Session
  #sockets: readonly CandidateSocket[] = []
  #mapped: TransportAddress | undefined
  #lacksIpv6 = false
  #receive: CandidateReceiver = ignore

  constructor(options: RelayOptions, server: TransportAddress, open: OpenLink, observer: RelayObserver) {
    const { environment, transport, credentials, family } = options
    this.server = server
    this.#options = options
    this.#observer = observer
    this.#client = new TurnClient({
      random: environment.random,
      reliable: transport !== 'udp',
      credentials,
      // RFC 8656 §7.1: an IPv6 address as well, where the server has one
      ...(family === undefined ? { additionalFamily: true } : { family }),
      timing: { rtoMs: serverTiming.rtoMs, maxRtoMs: serverTiming.maxRtoMs, timeoutMs: serverTiming.timeoutMs },
    })
    this.#session = new ServerSession({
      environment,
      open,
      core: this.#client,
      onEvent: event => this.#handle(event),
      onReceived: received => this.#take(received),
      onLinkClosed: reason => this.#end(unreachable(reason, this.#session.local)),
    })
  }

  /** One for each relayed address. */
  get sockets(): readonly CandidateSocket[] {
    return this.#sockets
  }

  /** Our address as the server sees it: RFC 8445 §5.3 makes it the related address, and over UDP it is reflexive. */
  get mapped(): TransportAddress | undefined {
    return this.#mapped
  }

  /** The server has ignored that an IPv6 address was asked for as well, as if it did not know of such a thing. */
  get lacksIpv6(): boolean {
    return this.#lacksIpv6
  }

  /** Names who takes what peers send to the relayed addresses. */
  attach(receive: CandidateReceiver): void {
    this.#receive = receive
  }

  /** Asks the server whether the allocation is still there. */
  verify(): void {
    this.#client.verify(this.#options.environment.clock.now())
    this.#session.pump()
  }

  /** Gives the relayed addresses back; the server is told until it knows, or for a moment at least. */
  close(): void {
    this.#receive = ignore
    this.#client.close(this.#options.environment.clock.now())
    if (this.#client.state === 'closing') this.#session.pump()
    else this.#session.close()
  }

  #handle(event: TurnEvent): void {
    switch (event.type) {
      case 'allocated':
        this.#mapped = event.mapped
        // RFC 8489 §6.3.1: what is answered with 420 was not understood
        this.#lacksIpv6 = event.refused?.error.errorCode === 420
        this.#sockets = event.relayed.map(relayed => ({ local: relayed, send: this.#send }))
        this.#observer.allocated(this)
        break
      case 'redirected': {
        const { local } = this.#session
        this.#session.close()
        this.#observer.redirected(event.server, local)
        break
      }
      case 'failed':
      case 'lost':
        this.#end(toServerFailure(event.error, this.#session.local))
        break
      case 'closed':
        this.#session.close()
        break
      case 'peer-refused':
        for (const socket of this.#sockets) {
          if (socket.local.family === event.peer.family) this.#options.onPeerRefused(socket, event.peer)
        }
        break
      case 'icmp':
        // RFC 8656 §11.6: nobody vouches for it; ICE asks the peer itself.
        break
      case 'connected':
      case 'connection-attempt':
      case 'connect-failed':
        // RFC 6062: of TCP allocations alone, and this asked for UDP.
        break
      default:
        assertNever(event)
    }
  }

  /** Before the allocation there is a failure to tell, after it a loss. */
  #end(failure: ServerFailure): void {
    // What was granted and cannot be used is given back first.
    if (this.#client.state !== 'closing') this.#session.close()
    if (this.#mapped === undefined) this.#observer.failed(failure)
    else this.#options.onLost(this)
  }

  #take(received: TurnReceived): boolean {
    if ('drop' in received) return false
    if ('handled' in received) return true
    const { peer, data } = received
    const socket = this.#sockets.find(({ local }) => local.family === peer.family)
    if (socket !== undefined) this.#receive(data, peer, socket)
    return true
  }

  readonly #send = (data: Uint8Array, to: TransportAddress): void => {
    this.#client.send(data, to, this.#options.environment.clock.now())
    this.#session.pump()
  }
}

function ignore(): void {}
