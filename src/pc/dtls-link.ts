import type { TransportAddress } from '../base/address.ts'
import type { Environment } from '../base/environment.ts'
import type { ApplicationProtocols } from '../dtls/application-protocol.ts'
import type { CryptoProvider } from '../dtls/crypto/provider.ts'
import type { DtlsEvent, DtlsIdentity, DtlsOptions, Fingerprint } from '../dtls/index.ts'
import { DtlsConnection } from '../dtls/index.ts'
import type { KeyLog } from '../dtls/key-log.ts'
import type { SelectedPair } from '../ice/index.ts'
import { EarlyPackets } from './early-packets.ts'
import { srtpProfilePreference } from './srtp-port.ts'
import { initialDatagramSize } from './wire.ts'

export interface DtlsParameters {
  readonly role: 'client' | 'server'
  readonly fingerprints: readonly Fingerprint[]
  /** RFC 7301: what may be spoken inside; anything if absent. */
  readonly protocols?: ApplicationProtocols
}

/** What is offered and accepted in DTLS. */
export type DtlsChoices = Pick<DtlsOptions, 'minVersion' | 'maxVersion' | 'groups' | 'connectionId' | 'srtpProfiles'>

export type DtlsState = 'new' | 'connecting' | 'connected' | 'closed' | 'failed'

/** What a link needs of its transport. */
export interface DtlsCarrier {
  /** Sends over the selected pair at once. */
  send(datagram: Uint8Array): void
  /** Whether data may be taken from there. */
  isValidated(local: TransportAddress, remote: TransportAddress): boolean
  /** Counts what was dropped. */
  drop(reason: string): void
  /** What an association tells, in order. */
  handle(event: DtlsEvent, now: number): void
}

export interface DtlsLinkOptions {
  readonly environment: Environment
  readonly crypto: CryptoProvider
  readonly keyLog: KeyLog | undefined
  readonly dtls: DtlsChoices
}

/**
 * The DTLS associations of one transport: one at a time, each with the role and the fingerprints that were negotiated for it.
 * RFC 8842 §3.1 says when another takes its place.
 */
export class DtlsLink {
  readonly #options: DtlsLinkOptions
  readonly #carrier: DtlsCarrier
  readonly #early = new EarlyPackets()
  #parameters: DtlsParameters | undefined
  #identities: readonly DtlsIdentity[] = []
  #connection: DtlsConnection | undefined
  #state: DtlsState = 'new'
  #isReplaced = false

  constructor(options: DtlsLinkOptions, carrier: DtlsCarrier) {
    this.#options = options
    this.#carrier = carrier
  }

  get state(): DtlsState {
    return this.#state
  }

  /** What an event of the association has made of it. */
  set state(state: 'connected' | 'closed' | 'failed') {
    this.#state = state
  }

  get connection(): DtlsConnection | undefined {
    return this.#connection
  }

  get role(): DtlsParameters['role'] | undefined {
    return this.#parameters?.role
  }

  /** What the first association is to be like; later calls change nothing. */
  start(parameters: DtlsParameters, identities: readonly DtlsIdentity[]): void {
    this.#parameters ??= parameters
    this.#identities = identities
  }

  /** Another association takes the place of the one that there is, whose peer is told. */
  replace(parameters: DtlsParameters, identities: readonly DtlsIdentity[], now: number): void {
    this.#sayGoodbye(now)
    this.#connection = undefined
    this.#parameters = parameters
    this.#identities = identities
    this.#isReplaced ||= this.#state !== 'new'
    this.#state = 'new'
  }

  /** Whether the state is `new` again since it was last asked. */
  takeReplaced(): boolean {
    const isReplaced = this.#isReplaced
    this.#isReplaced = false
    return isReplaced
  }

  /**
   * Begins the handshake, if it is due.
   *
   * @param pair the path to the peer
   * @returns whether it has begun
   */
  open(pair: SelectedPair, now: number): boolean {
    const parameters = this.#parameters
    if (this.#connection !== undefined || parameters === undefined) return false
    const { environment, crypto, keyLog, dtls } = this.#options
    this.#connection = new DtlsConnection({
      ...parameters,
      identities: this.#identities,
      crypto,
      keyLog,
      srtpProfiles: srtpProfilePreference,
      ...dtls,
      random: environment.random,
      peerAddressValidated: true,
      mtu: initialDatagramSize,
      initialRtoMs: initialDtlsRto(pair),
    })
    this.#state = 'connecting'
    this.#connection.start(now)
    for (const { data, local, remote } of this.#early.take()) {
      // Of another peer than the one that was signalled in the end.
      if (this.#carrier.isValidated(local, remote)) this.receive(data, local, remote, now)
      else this.#carrier.drop('unvalidated-source')
    }
    return true
  }

  /** Takes a datagram of the peer. It is kept as long as there is no association. */
  receive(data: Uint8Array, local: TransportAddress, remote: TransportAddress, now: number): void {
    const connection = this.#connection
    if (connection === undefined) {
      this.keep(data, local, remote)
      return
    }
    const result = connection.receive(data, now)
    if ('drop' in result) this.#carrier.drop(result.drop)
    this.tell(now)
  }

  /** Keeps a datagram for the next association. */
  keep(data: Uint8Array, local: TransportAddress, remote: TransportAddress): void {
    if (!this.#early.keep({ data, local, remote })) this.#carrier.drop('early-overflow')
  }

  /** Tells what has happened. */
  tell(now: number): void {
    const connection = this.#connection
    if (connection === undefined) return
    for (let event = connection.pollEvent(); event !== undefined; event = connection.pollEvent()) {
      this.#carrier.handle(event, now)
    }
  }

  /** Sends what is due. */
  flush(): void {
    const connection = this.#connection
    if (connection === undefined) return
    for (let next = connection.pollTransmit(); next !== undefined; next = connection.pollTransmit()) {
      this.#carrier.send(next)
    }
  }

  /** Nothing is told any more. */
  close(now: number): void {
    this.#sayGoodbye(now)
    this.#early.take()
    this.#state = 'closed'
  }

  #sayGoodbye(now: number): void {
    this.#connection?.close(now)
    this.flush()
  }
}

/** RFC 6347 §4.2.4.1 suggests one second; ICE has measured this path, and a lost flight must not cost that much. */
function initialDtlsRto(pair: SelectedPair): number {
  return Math.min(1000, Math.max(100, 3 * (pair.roundTripMs ?? 333)))
}
