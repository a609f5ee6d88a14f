import {
  type RTCDataChannel,
  type RTCIceCandidateInit,
  RTCPeerConnection,
  type RTCSessionDescriptionInit,
} from 'icefloe'
import { type ConnectionFacts, connectionFacts } from './connection-facts.ts'
import { serve, serviceChannels } from './services.ts'

/** What the Node.js end has to tell the other one, in the order in which it happened. */
export type PeerEvent =
  | { readonly type: 'candidate'; readonly candidate: RTCIceCandidateInit | null }
  | { readonly type: 'state'; readonly machine: Machine; readonly state: string; readonly at: number }
  | { readonly type: 'facts'; readonly facts: ConnectionFacts }
  | { readonly type: 'closed'; readonly reason: string }

/** The state machines of a connection. `channel` is that of the chat channel. */
export type Machine = 'signaling' | 'gathering' | 'ice' | 'dtls' | 'connection' | 'channel'

/** The Node.js end of the demo: one connection, its services, and a report of all that its state machines do. */
export class DemoPeer {
  readonly #connection = new RTCPeerConnection()
  readonly #report: (event: PeerEvent) => void
  /** Each reports the present state of one state machine. */
  readonly #readers: (() => void)[] = []
  #closed = false

  constructor(report: (event: PeerEvent) => void) {
    this.#report = report
    this.#watch()
  }

  /** Opens the channels and offers; the caller brings the answer later. */
  async offer(): Promise<RTCSessionDescriptionInit> {
    for (const [label, options] of Object.entries(serviceChannels)) {
      this.#adopt(this.#connection.createDataChannel(label, options))
    }
    await this.#connection.setLocalDescription()
    return this.#localDescription()
  }

  /** Takes an offer and answers it; candidates of this end follow as events. */
  async answer(offer: RTCSessionDescriptionInit): Promise<RTCSessionDescriptionInit> {
    await this.#connection.setRemoteDescription(offer)
    await this.#connection.setLocalDescription()
    return this.#localDescription()
  }

  async acceptAnswer(answer: RTCSessionDescriptionInit): Promise<void> {
    await this.#connection.setRemoteDescription(answer)
  }

  async addCandidate(candidate: RTCIceCandidateInit): Promise<void> {
    await this.#connection.addIceCandidate(candidate)
  }

  /** Closes the connection; the other end is told why, once. */
  close(reason: string): void {
    if (this.#closed) return
    this.#closed = true
    this.#connection.close()
    // webrtc-pc §4.4.2: `close()` moves the state machines without an event for any of them.
    for (const read of this.#readers) read()
    this.#report({ type: 'closed', reason })
  }

  #localDescription(): RTCSessionDescriptionInit {
    const description = this.#connection.localDescription
    if (description === null) throw new Error('The connection was closed')
    return { type: description.type, sdp: description.sdp }
  }

  #watch(): void {
    const connection = this.#connection
    connection.addEventListener('icecandidate', event => {
      this.#report({ type: 'candidate', candidate: event.candidate?.toJSON() ?? null })
    })
    connection.addEventListener('datachannel', event => this.#adopt(event.channel))
    this.#follow(connection, ['signalingstatechange'], 'signaling', () => connection.signalingState)
    this.#follow(connection, ['icegatheringstatechange'], 'gathering', () => connection.iceGatheringState)
    this.#follow(connection, ['iceconnectionstatechange'], 'ice', () => connection.iceConnectionState)
    this.#follow(connection, ['connectionstatechange'], 'connection', () => connection.connectionState)
    connection.addEventListener('signalingstatechange', () => this.#followDtls(), { once: true })
    connection.addEventListener('connectionstatechange', () => {
      if (connection.connectionState === 'connected') this.#reportFacts()
      if (connection.connectionState === 'failed') this.close('The connection failed')
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

  /** The DTLS transport is there from the moment that a description with a data section was applied. */
  #followDtls(): void {
    const dtls = this.#connection.sctp?.transport
    if (dtls === undefined) return
    this.#follow(dtls, ['statechange'], 'dtls', () => dtls.state)
    // The end that controls ICE may still move to a better pair after the connection has come about.
    dtls.iceTransport.addEventListener('selectedcandidatepairchange', () => {
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
