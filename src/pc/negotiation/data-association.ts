import type { RandomSource } from '../../base/environment.ts'
import { SctpAssociation, type SctpEvent } from '../../sctp/index.ts'
import type { LocalDataDescription } from '../create-description.ts'
import type { DataChannels } from '../data-channels.ts'
import { maxMessageSize } from '../message-limits.ts'
import { fire, RTCSctpTransport, type SctpTransportSlots } from '../rtc-transports.ts'
import { constructorToken } from '../webidl.ts'
import type { RemoteData } from './remote-section.ts'
import type { SctpListener, SectionTransport } from './section-transport.ts'

export interface DataAssociationOptions {
  readonly random: RandomSource
  readonly now: () => number
  /** Runs a step from a task of its own, even if the connection is closed by then. */
  readonly queueTask: (step: () => void) => void
  readonly channels: DataChannels
  readonly localData: LocalDataDescription
}

/** The SCTP association of data channels, on whatever transport the data section has. */
export class DataAssociation implements SctpListener {
  readonly sctp: RTCSctpTransport
  readonly #options: DataAssociationOptions
  readonly #slots: SctpTransportSlots
  #transport: SectionTransport
  #association: SctpAssociation | undefined
  /** Which of the DTLS associations of the transport it runs on. */
  #below = 0
  #remoteMaxMessageSize = Number.POSITIVE_INFINITY
  #isClosed = false

  constructor(options: DataAssociationOptions, transport: SectionTransport) {
    this.#options = options
    this.#transport = transport
    this.#slots = { transport: transport.rtp.dtls, state: 'connecting', maxMessageSize: null, maxChannels: null }
    this.sctp = new RTCSctpTransport(constructorToken, this.#slots)
  }

  get transport(): SectionTransport {
    return this.#transport
  }

  /** The largest message that the peer takes, in bytes; Infinity if it takes any, or has not said yet. */
  get remoteMaxMessageSize(): number {
    return this.#remoteMaxMessageSize
  }

  /** An association cannot leave the DTLS that it runs on. */
  get canMove(): boolean {
    return this.#association === undefined
  }

  /** The DTLS that it ran on was replaced: RFC 8831 §6.2, it lives on that. */
  get isOver(): boolean {
    return this.#association !== undefined && this.#below !== this.#transport.associationCount
  }

  /** The section was bundled onto another transport, or is no more. */
  moveTo(transport: SectionTransport): void {
    this.#transport = transport
    this.#slots.transport = transport.rtp.dtls
  }

  /** Starts, or goes on with, SCTP. Its ports are those of the first negotiation. */
  connect(remote: RemoteData): void {
    this.#remoteMaxMessageSize = remote.maxMessageSize
    // webrtc-pc §6.1.1.2
    this.#slots.maxMessageSize = maxMessageSize(remote.maxMessageSize)
    const { dtlsRole } = this.#transport
    if (this.#association !== undefined || dtlsRole === undefined) return
    this.#association = new SctpAssociation({
      random: this.#options.random,
      localPort: this.#options.localData.sctpPort,
      remotePort: remote.sctpPort,
      maxReceiveMessageSize: this.#options.localData.maxMessageSize,
    })
    this.#below = this.#transport.associationCount
    this.#transport.listenToSctp(this)
    this.#transport.rtp.driver.attachSctp(this.#association)
    this.#options.channels.attach(this.#association, dtlsRole)
  }

  /** The answer rejected the data section: events are fired, as if the peer had closed. */
  closeByNegotiation(): void {
    this.#options.channels.handle({ type: 'closed' })
    this.#association?.abort(this.#options.now())
    this.#transport.rtp.driver.schedule()
    this.#end()
  }

  /** Another association takes its place, which channels that have yet to open go over to. */
  giveWay(): void {
    this.#options.channels.leave()
    this.#association?.abort(this.#options.now())
    this.#transport.rtp.driver.schedule()
    this.#end()
  }

  /** Silent: no event is fired any more. */
  close(): void {
    this.#isClosed = true
    this.#slots.state = 'closed'
    this.#transport.listenToSctp(undefined)
  }

  /** webrtc-pc §6.1.2: one that a description has ended tells so in a task. */
  #end(): void {
    const isNews = this.#slots.state !== 'closed'
    this.close()
    if (isNews) this.#options.queueTask(() => fire(this.sctp, 'statechange'))
  }

  dtlsStateChanged(): void {
    const { state } = this.#transport.rtp.dtls
    if (state === 'closed' || state === 'failed') this.#closeSctp({ type: 'closed' })
  }

  sctpEvent(event: SctpEvent): void {
    if (this.#isClosed) return
    switch (event.type) {
      case 'connected':
        // webrtc-pc §6.1.1.3, step 3
        this.#slots.maxChannels = Math.min(event.inboundStreams, event.outboundStreams)
        this.#slots.state = 'connected'
        fire(this.sctp, 'statechange')
        this.#options.channels.handle(event)
        return
      case 'closed':
      case 'failed':
        this.#closeSctp(event)
        return
      default:
        this.#options.channels.handle(event)
    }
  }

  #closeSctp(event: SctpEvent): void {
    if (this.#slots.state === 'closed') return
    this.#slots.state = 'closed'
    fire(this.sctp, 'statechange')
    this.#options.channels.handle(event)
  }
}
