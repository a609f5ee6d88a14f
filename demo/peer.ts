import {
  type ConnectionExtensions,
  type RTCConfiguration,
  type RTCDataChannel,
  type RTCIceCandidateInit,
  RTCPeerConnection,
  type RTCSessionDescriptionInit,
} from 'icefloe'
import { tell, tellPair } from './candidate-report.ts'
import { connectionFacts } from './connection-facts.ts'
import type { Machine, PeerEvent } from './peer-events.ts'
import { poolFilled } from './pool.ts'
import { serve, serviceChannels } from './services.ts'
import { type Why, why } from './why.ts'

/** The Node.js end of the demo: one connection, its services, and a report of all that its state machines do. */
export class DemoPeer {
  readonly #connection: RTCPeerConnection
  readonly #report: (event: PeerEvent) => void
  /** Each reports the present state of one state machine. */
  readonly #readers: (() => void)[] = []
  /** When `setLocalDescription` was called. */
  #describedAt = 0
  #closed = false

  constructor(configuration: RTCConfiguration, extensions: ConnectionExtensions, report: (event: PeerEvent) => void) {
    this.#connection = new RTCPeerConnection(configuration, extensions)
    this.#report = report
    this.#watch()
  }

  /** Resolves when the candidate pool, if there is one, is as full as it will be. */
  async ready(): Promise<void> {
    await poolFilled(this.#connection)
  }

  /** Opens the channels and offers, or restarts ICE if that was done before; the caller brings the answer later. */
  async offer(): Promise<RTCSessionDescriptionInit> {
    if (this.#connection.localDescription === null) this.#openChannels()
    else this.#connection.restartIce()
    return await this.#describe()
  }

  /** Takes an offer, the first one or one that restarts ICE, and answers it; candidates of this end follow as events. */
  async answer(offer: RTCSessionDescriptionInit): Promise<RTCSessionDescriptionInit> {
    await this.#connection.setRemoteDescription(offer)
    return await this.#describe()
  }

  async acceptAnswer(answer: RTCSessionDescriptionInit): Promise<void> {
    await this.#connection.setRemoteDescription(answer)
  }

  async addCandidate(candidate: RTCIceCandidateInit): Promise<void> {
    await this.#connection.addIceCandidate(candidate)
  }

  why(): Why {
    return why(this.#connection)
  }

  /** Closes the connection; the other end is told why, once. */
  close(reason: string): void {
    if (this.#closed) return
    if (this.#connection.connectionState !== 'connected') this.#report({ type: 'why', why: this.why() })
    this.#closed = true
    this.#connection.close()
    // webrtc-pc §4.4.2: `close()` moves the state machines without an event for any of them.
    for (const read of this.#readers) read()
    this.#report({ type: 'closed', reason })
  }

  #openChannels(): void {
    for (const [label, options] of Object.entries(serviceChannels)) {
      this.#adopt(this.#connection.createDataChannel(label, options))
    }
  }

  async #describe(): Promise<RTCSessionDescriptionInit> {
    this.#describedAt = performance.now()
    await this.#connection.setLocalDescription()
    const description = this.#connection.localDescription
    if (description === null) throw new Error('The connection was closed')
    return { type: description.type, sdp: description.sdp }
  }

  #watch(): void {
    const connection = this.#connection
    this.#watchGathering()
    connection.addEventListener('datachannel', event => this.#adopt(event.channel))
    this.#follow(connection, ['signalingstatechange'], 'signaling', () => connection.signalingState)
    this.#follow(connection, ['icegatheringstatechange'], 'gathering', () => connection.iceGatheringState)
    this.#follow(connection, ['iceconnectionstatechange'], 'ice', () => connection.iceConnectionState)
    this.#follow(connection, ['connectionstatechange'], 'connection', () => connection.connectionState)
    connection.addEventListener('signalingstatechange', () => this.#followTransports(), { once: true })
    connection.addEventListener('connectionstatechange', () => {
      if (connection.connectionState === 'connected') this.#reportFacts()
      if (connection.connectionState === 'failed') this.close('The connection failed')
    })
  }

  #watchGathering(): void {
    const ms = () => performance.now() - this.#describedAt
    this.#connection.addEventListener('icecandidate', ({ candidate }) => {
      const told = candidate === null ? undefined : tell(candidate)
      const init = candidate?.toJSON() ?? null
      this.#report({ type: 'candidate', candidate: init, ...(told && { told }), ms: ms() })
    })
    this.#connection.addEventListener('icecandidateerror', ({ url, errorCode, errorText }) => {
      this.#report({ type: 'candidate-error', url, error: `${errorCode} ${errorText}`.trim(), ms: ms() })
    })
  }

  #follow(target: EventTarget, types: readonly string[], machine: Machine, state: () => string): void {
    const read = () => {
      this.#report({ type: 'state', machine, state: state(), at: performance.timeOrigin + performance.now() })
    }
    this.#readers.push(read)
    for (const type of types) target.addEventListener(type, read)
    read()
  }

  /** The transports are there from the moment that a description with a data section was applied. */
  #followTransports(): void {
    const dtls = this.#connection.sctp?.transport
    if (dtls === undefined) return
    this.#follow(dtls, ['statechange'], 'dtls', () => dtls.state)
    dtls.iceTransport.addEventListener('selectedcandidatepairchange', () => {
      const pair = tellPair(dtls.iceTransport.getSelectedCandidatePair())
      if (pair !== undefined) this.#report({ type: 'pair', pair })
      // The end that controls ICE may still move to a better pair after the connection has come about.
      if (this.#connection.connectionState === 'connected') this.#reportFacts()
    })
  }

  #adopt(channel: RTCDataChannel): void {
    serve(channel)
    if (channel.label !== 'chat') return
    this.#follow(channel, ['open', 'closing', 'close'], 'channel', () => channel.readyState)
    // The other end takes its channels away when its page is left: the connection has no more use then.
    channel.addEventListener('close', () => this.close('The other end has closed its channels'))
  }

  #reportFacts(): void {
    connectionFacts(this.#connection).then(
      facts => !this.#closed && this.#report({ type: 'facts', facts }),
      error => this.close(`Without statistics: ${error}`),
    )
  }
}
