import { assertNever } from '../base/errors.ts'
import { type DcepOpen, encodeDcepAck, PayloadProtocol, parseDcep } from '../sctp/index.ts'
import { fromOpen, priorities, toOpen } from './channel-open.ts'
import { ChannelStreams, type DtlsRole, type Stream } from './channel-streams.ts'
import { type ChannelCarrier, DataChannel, type Delivery } from './data-channel.ts'
import { checkInit, type DataChannelInit, maxStreamCount, toParameters } from './data-channel-init.ts'
import { RTCErrorEvent, TaskQueue } from './events.ts'
import { HeldEvents, type StreamEvent, type StreamMessage } from './held-events.ts'
import { maxBufferSize, maxMessageSize } from './message-limits.ts'
import type { ChannelParameters, RTCDataChannel } from './rtc-data-channel.ts'
import { type RTCError, type RTCLayerError, rtcError, toRTCError } from './rtc-error.ts'

/** What is needed of an SCTP association. */
export interface SctpPort {
  /** Takes a message, and copies it; also before the association is up. */
  send(streamId: number, ppid: number, data: Uint8Array, delivery: Delivery, now: number): void
  /** Sets the weight of the stream among those that have something to send. */
  setPriority(streamId: number, priority: number): void
  /** Resets the outgoing stream, behind all that was sent on it. */
  resetStream(streamId: number, now: number): void
}

/** What is heard of it. */
export type SctpPortEvent =
  | { readonly type: 'connected' | 'restarted'; readonly inboundStreams: number; readonly outboundStreams: number }
  | StreamEvent
  | { readonly type: 'sent'; readonly streamId: number; readonly bytes: number }
  | { readonly type: 'outgoing-reset'; readonly streamId: number; readonly ok: boolean }
  | { readonly type: 'closed' }
  | { readonly type: 'failed'; readonly error: Extract<RTCLayerError, { readonly name: 'SctpError' }> }

export interface DataChannelsOptions {
  /** The peer has opened a channel: fire `datachannel`. */
  announce(channel: RTCDataChannel): void
  /** The largest message that the peer takes, in bytes; Infinity if it takes any. */
  maxMessageSize(): number
  /** Something was handed to the association: have it sent soon. */
  schedule(): void
  /** Monotonic milliseconds. */
  now(): number
}

/**
 * The data channels of a connection: joins them to the streams of its SCTP association.
 *
 * Stream identifiers, the protocol that opens channels (RFC 8832), the resets that close them (RFC 8831 §6.7). What the
 * association tells is handled in tasks, one for each event; what the application calls never fires an event at once.
 */
export class DataChannels {
  readonly #options: DataChannelsOptions
  readonly #tasks = new TaskQueue()
  /** webrtc-pc: [[DataChannels]], and those that are closing. */
  readonly #channels = new Set<DataChannel>()
  readonly #streams = new ChannelStreams()
  readonly #held = new HeldEvents()
  readonly #carrier: ChannelCarrier
  /** Each association has its own: what the one before has told is not for the next. */
  #process = this.#processFor()
  #sctp: SctpPort | undefined
  /** webrtc-pc: [[MaxChannels]]; undefined until the association is up. */
  #maxChannels: number | undefined
  #isClosed = false

  constructor(options: DataChannelsOptions) {
    this.#options = options
    this.#carrier = {
      counters: { opened: 0, closed: 0 },
      maxMessageSize: () => maxMessageSize(options.maxMessageSize()),
      maxBufferSize: () => maxBufferSize(options.maxMessageSize()),
      transmit: (channel, isText, data) => this.#transmit(channel, isText, data),
      close: channel => this.#tasks.queue(this.#closingProcedure, channel),
      drained: channel => this.#drained(channel),
      fail: (channel, message) => this.#tasks.queue(this.#fail, { channel, message }),
    }
  }

  /** Channels that are not closed yet. */
  get size(): number {
    return this.#channels.size
  }

  /** Those channels, in the order they came to be. */
  get channels(): Iterable<DataChannel> {
    return this.#channels
  }

  /** webrtc-stats §8.15: channels that have entered, and that have left, the state `open`. */
  get counters(): { readonly opened: number; readonly closed: number } {
    return this.#carrier.counters
  }

  /**
   * webrtc-pc §6.1 createDataChannel, steps 3 to 23, but for what concerns the connection.
   *
   * @throws {TypeError | DOMException} as they say
   */
  create(label: string, init: DataChannelInit): RTCDataChannel {
    const negotiatedId = checkInit(label, init)
    const id = negotiatedId === null ? this.#chooseId() : this.#checkId(negotiatedId)
    const channel = this.#add(toParameters(label, init), id, init.negotiated)
    if (id !== null) this.#establish(channel, id)
    // webrtc-pc §6.2.2: what is announced is announced from a task
    if (this.#maxChannels !== undefined) this.#tasks.queue(this.#announceOpen, channel)
    return channel.object
  }

  /** There is an association: it knows the DTLS role, and takes messages though it may not be up yet. */
  attach(sctp: SctpPort, dtlsRole: DtlsRole): void {
    this.#sctp = sctp
    this.#streams.role = dtlsRole
    for (const { id, channel } of this.#streams.all()) if (channel !== undefined) this.#prioritize(channel, id)
    this.#assignIds()
  }

  /** The association gives way to another. Channels end with it, but for those that are not open yet: the next one has them. */
  leave(): void {
    const channels = [...this.#channels]
    this.#process = this.#processFor()
    this.#forgetAll()
    this.#sctp = undefined
    this.#streams.role = undefined
    for (const channel of channels) {
      if (channel.state !== 'connecting') this.#tasks.followUp(() => this.#announceClosed(channel, undefined))
      else this.#keep(channel)
    }
  }

  #keep(channel: DataChannel): void {
    this.#channels.add(channel)
    if (!channel.parameters.negotiated) channel.id = null
    else if (channel.id !== null) this.#streams.add(channel.id, channel)
  }

  /** Takes an event of the association. What comes of it happens in a task, before the next packet is read. */
  handle(event: SctpPortEvent): void {
    if (!this.#isClosed) this.#tasks.queue(this.#process, event)
  }

  /** webrtc-pc §4.4.2 close, step 5: all channels are closed, and nothing is fired any more. */
  close(): void {
    // RFC 8831 §6.7: a channel that the application closed just before is closed as such, and is no error for the peer
    for (const stream of this.#streams.all()) if (stream.channel?.state === 'closing') this.#resetOutgoing(stream)
    this.#isClosed = true
    this.#tasks.clear()
    for (const channel of this.#channels) channel.closeSilently()
    this.#forgetAll()
    this.#sctp = undefined
  }

  #processFor(): (event: SctpPortEvent) => void {
    const process = (event: SctpPortEvent): void => {
      if (process === this.#process) this.#processEvent(event)
    }
    return process
  }

  #processEvent(event: SctpPortEvent): void {
    switch (event.type) {
      case 'message':
        this.#receive(event)
        return
      case 'sent':
        this.#streams.get(event.streamId)?.channel?.sent(event.bytes)
        return
      case 'connected':
        this.#connected(Math.min(event.inboundStreams, event.outboundStreams))
        return
      case 'restarted':
        // RFC 9260 §5.2.4: a peer that has begun anew knows none of our channels
        this.#closeAll(rtcError('sctp-failure', 'the peer restarted the association'))
        this.#maxChannels = Math.min(event.inboundStreams, event.outboundStreams)
        return
      case 'incoming-reset':
        this.#incomingReset(event)
        return
      case 'outgoing-reset':
        this.#outgoingReset(event.streamId, event.ok)
        return
      case 'closed':
        this.#detach(undefined)
        return
      case 'failed':
        this.#detach(toRTCError(event.error))
        return
      default:
        assertNever(event)
    }
  }

  /** webrtc-pc §6.1.1.3 */
  #connected(maxChannels: number): void {
    this.#maxChannels = maxChannels
    this.#assignIds()
    for (const channel of this.#channels) {
      // webrtc-pc §6.1.1.3, step 4.3
      const fits = channel.id !== null && channel.id < maxChannels
      this.#tasks.followUp(() => (fits ? this.#announceOpen(channel) : this.#failToCreate(channel)))
    }
    for (const stream of this.#streams.all()) if (stream.channel === undefined) this.#resetOutgoing(stream)
  }

  /** webrtc-pc §6.1.1.3, step 4.2, done when the DTLS role is known: so DATA_CHANNEL_OPEN travels with the COOKIE ECHO. */
  #assignIds(): void {
    for (const channel of this.#channels) {
      if (channel.id !== null || channel.state !== 'connecting') continue
      const id = this.#streams.choose(this.#maxChannels)
      if (id === undefined) return
      channel.id = id
      this.#establish(channel, id)
    }
  }

  #receive(message: StreamMessage): void {
    const { streamId, ppid, data } = message
    const stream = this.#streams.get(streamId)
    if (stream?.incoming === 'reset') this.#hold(message)
    else if (ppid === PayloadProtocol.dcep) this.#receiveDcep(stream, message)
    else if (stream === undefined) this.#hold(message)
    else if (stream.channel !== undefined) {
      // RFC 8832 §6: any message of the peer shows that it has the channel
      stream.channel.isConfirmed = true
      this.#deliver(stream, stream.channel, ppid, data)
    }
  }

  /** RFC 8831 §6.6: the payload protocol identifier tells what a message is. */
  #deliver(stream: Stream, channel: DataChannel, ppid: number, data: Uint8Array): void {
    switch (ppid) {
      case PayloadProtocol.string:
        channel.receive(true, data)
        return
      case PayloadProtocol.binary:
        channel.receive(false, data)
        return
      case PayloadProtocol.stringEmpty:
        channel.receive(true, new Uint8Array(0))
        return
      case PayloadProtocol.binaryEmpty:
        channel.receive(false, new Uint8Array(0))
        return
      default:
        this.#abortChannel(stream, `the peer sent a message of the unknown kind ${ppid}`)
        return
    }
  }

  #receiveDcep(stream: Stream | undefined, { streamId, data }: StreamMessage): void {
    const message = parseDcep(data)
    if (message.type === 'ack') {
      if (stream?.channel !== undefined) stream.channel.isConfirmed = true
      return
    }
    if (stream !== undefined) {
      // RFC 8832 §6: a DATA_CHANNEL_OPEN on a stream that is in use closes the channel
      this.#abortChannel(stream, 'the peer opened a channel that is open')
      return
    }
    const mayOpen = this.#streams.mayBeOpenedByPeer(streamId, data.length, this.#maxChannels)
    if (message.type === 'open' && mayOpen) this.#accept(streamId, message, data.length)
    else this.#refuse(streamId)
  }

  /** webrtc-pc §6.2.3: announces a channel of the peer. */
  #accept(streamId: number, open: DcepOpen, nameBytes: number): void {
    const channel = this.#add(fromOpen(open), streamId, true)
    this.#streams.add(streamId, channel, nameBytes)
    this.#prioritize(channel, streamId)
    this.#sendDcep(channel, streamId, encodeDcepAck())
    // webrtc-pc §6.2.3, steps 8 to 10
    channel.openSilently()
    this.#options.announce(channel.object)
    this.#tasks.followUp(() => this.#announceOpen(channel))
  }

  /** RFC 8832 §6: what must not be opened is closed, without an acknowledgement. */
  #refuse(streamId: number): void {
    this.#resetOutgoing(this.#streams.add(streamId, undefined))
  }

  /** RFC 8831 §6.6: closes the channel of a peer that breaks the rules. */
  #abortChannel(stream: Stream, reason: string): void {
    if (stream.channel === undefined || stream.channel.state === 'closing') return
    stream.error = rtcError('data-channel-failure', reason)
    stream.channel.startClosing()
    this.#resetOutgoing(stream)
  }

  /** RFC 8831 §6.7: a reset of the peer is answered with our own, whatever we think of the stream. */
  #incomingReset(event: StreamEvent): void {
    const { streamId } = event
    if (this.#streams.get(streamId)?.incoming === 'reset') {
      this.#hold(event)
      return
    }
    this.#held.take(streamId)
    const stream = this.#streams.get(streamId) ?? this.#streams.add(streamId, undefined)
    const { channel } = stream
    stream.incoming = 'reset'
    if (channel !== undefined && channel.state !== 'closing') {
      // RFC 8832 §6: a reset instead of an acknowledgement says that the channel was refused
      if (!channel.isConfirmed) stream.error = rtcError('data-channel-failure', 'the peer refused the data channel')
      channel.startClosing()
    }
    this.#resetOutgoing(stream)
    this.#settle(stream)
  }

  #outgoingReset(streamId: number, ok: boolean): void {
    const stream = this.#streams.get(streamId)
    if (stream?.outgoing !== 'resetting') return
    stream.outgoing = ok ? 'reset' : 'stuck'
    this.#settle(stream)
  }

  /** Announces the channel as closed, and frees the streams, once both are reset. */
  #settle(stream: Stream): void {
    const { id, channel, outgoing } = stream
    const isFree = stream.incoming === 'reset' && outgoing === 'reset'
    if (!isFree && outgoing !== 'stuck') return
    this.#streams.release(stream)
    if (channel !== undefined) this.#announceClosed(channel, stream.error)
    if (isFree) this.#replay(this.#held.take(id))
  }

  /** RFC 8831 §6.7: closes our side, when all that the application sent is on its way. */
  #resetOutgoing(stream: Stream): void {
    if (this.#sctp === undefined || this.#maxChannels === undefined) return
    if (stream.outgoing !== 'open' || stream.channel?.hasPending === true) return
    if (stream.id >= this.#maxChannels) {
      this.#streams.release(stream)
      return
    }
    stream.outgoing = 'resetting'
    this.#sctp.resetStream(stream.id, this.#options.now())
    this.#options.schedule()
  }

  /** webrtc-pc §6.2.4, begun by the application. */
  readonly #closingProcedure = (channel: DataChannel): void => {
    const stream = this.#streams.of(channel)
    if (stream === undefined) {
      this.#announceClosed(channel, undefined)
      return
    }
    if (this.#maxChannels !== undefined) {
      this.#resetOutgoing(stream)
      return
    }
    // The association is not up. If the DATA_CHANNEL_OPEN waits there, the reset will have to follow it.
    if (channel.parameters.negotiated) this.#streams.release(stream)
    else stream.channel = undefined
    this.#announceClosed(channel, undefined)
  }

  #drained(channel: DataChannel): void {
    const stream = this.#streams.of(channel)
    if (stream !== undefined && channel.state === 'closing') this.#resetOutgoing(stream)
  }

  readonly #fail = ({ channel, message }: { channel: DataChannel; message: string }): void => {
    const stream = this.#streams.of(channel)
    if (stream === undefined) return
    stream.error ??= rtcError('data-channel-failure', message)
    channel.dropPending()
    channel.startClosing()
    this.#resetOutgoing(stream)
  }

  /** webrtc-pc §6.2.7 */
  #failToCreate(channel: DataChannel): void {
    this.#announceClosed(
      channel,
      rtcError('data-channel-failure', 'the association has no stream for the data channel'),
    )
  }

  readonly #announceOpen = (channel: DataChannel): void => {
    channel.open()
    if (channel.id !== null && channel.state === 'open') this.#replay(this.#held.take(channel.id))
  }

  /** webrtc-pc §6.2.5 */
  #announceClosed(channel: DataChannel, error: RTCError | undefined): void {
    this.#channels.delete(channel)
    channel.closed(error === undefined ? undefined : new RTCErrorEvent('error', { error }))
  }

  /** webrtc-pc §6.2.5, for all channels of an association that has ended. */
  #closeAll(error: RTCError | undefined): void {
    const channels = [...this.#channels].map(channel => {
      const stream = this.#streams.of(channel)
      // webrtc-pc §6.2.5, step 5: a channel that the peer had closed before is not closed by what ended the association
      return { channel, reason: stream?.incoming === 'reset' ? stream.error : error }
    })
    this.#forgetAll()
    for (const { channel, reason } of channels) this.#tasks.followUp(() => this.#announceClosed(channel, reason))
  }

  #detach(error: RTCError | undefined): void {
    this.#closeAll(error)
    this.#sctp = undefined
    this.#streams.role = undefined
  }

  #forgetAll(): void {
    this.#channels.clear()
    this.#streams.clear()
    this.#held.clear()
    this.#maxChannels = undefined
  }

  #hold(event: StreamEvent): void {
    if (this.#held.hold(event)) return
    // RFC 8832 §6: a message on an unused stream is an error, and closes it
    if (!this.#streams.has(event.streamId)) this.#refuse(event.streamId)
  }

  /** Goes on with what was held: one event a task, and what comes of it before the next. */
  #replay(events: readonly StreamEvent[], from = 0): void {
    const event = events[from]
    if (event === undefined) return
    const process = this.#process
    this.#tasks.followUp(() => {
      process(event)
      this.#replay(events, from + 1)
    })
  }

  #transmit(channel: DataChannel, isText: boolean, data: Uint8Array): void {
    if (this.#sctp === undefined || channel.id === null) return
    if (data.length > 0) {
      const ppid = isText ? PayloadProtocol.string : PayloadProtocol.binary
      this.#sctp.send(channel.id, ppid, data, channel.delivery, this.#options.now())
    } else {
      // RFC 8831 §6.6: SCTP has no empty messages; a byte stands in for one
      const ppid = isText ? PayloadProtocol.stringEmpty : PayloadProtocol.binaryEmpty
      channel.overhead++
      this.#sctp.send(channel.id, ppid, new Uint8Array(1), channel.delivery, this.#options.now())
    }
    this.#options.schedule()
  }

  #sendDcep(channel: DataChannel, streamId: number, message: Uint8Array): void {
    channel.overhead += message.length
    // RFC 8832 §6: DCEP messages are reliable and in order
    this.#sctp?.send(streamId, PayloadProtocol.dcep, message, { ordered: true }, this.#options.now())
    this.#options.schedule()
  }

  #add(parameters: ChannelParameters, id: number | null, isConfirmed: boolean): DataChannel {
    const channel = new DataChannel(this.#carrier, parameters, id, isConfirmed)
    this.#channels.add(channel)
    return channel
  }

  /** webrtc-pc §6.1 createDataChannel, step 23: takes the streams of a channel of ours, and tells the peer. */
  #establish(channel: DataChannel, id: number): void {
    this.#streams.add(id, channel)
    this.#prioritize(channel, id)
    if (!channel.parameters.negotiated) this.#sendDcep(channel, id, toOpen(channel.parameters))
  }

  /** RFC 8831 §6.4: a channel sends by its priority; one that the peer has opened (RFC 8832 §5.1), by that of the peer. */
  #prioritize(channel: DataChannel, id: number): void {
    this.#sctp?.setPriority(id, priorities[channel.parameters.priority])
  }

  /** webrtc-pc §6.1 createDataChannel, steps 18 and 19, for a channel that the application numbers. */
  #checkId(id: number): number {
    if (this.#streams.has(id)) throw operationError(`the id ${id} is in use`)
    if (id >= (this.#maxChannels ?? maxStreamCount)) throw operationError(`the association has no stream ${id}`)
    return id
  }

  /** webrtc-pc §6.1 createDataChannel, step 18, for the others; null as long as the DTLS role is not known. */
  #chooseId(): number | null {
    if (this.#streams.role === undefined) return null
    const id = this.#streams.choose(this.#maxChannels)
    if (id === undefined) throw operationError('the association has no stream left')
    return id
  }
}

function operationError(message: string): DOMException {
  return new DOMException(message, 'OperationError')
}
