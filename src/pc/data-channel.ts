import { Queue } from '../base/queue.ts'
import {
  type BinaryType,
  type ChannelParameters,
  type DataChannelSlots,
  RTCDataChannel,
  type RTCDataChannelState,
} from './rtc-data-channel.ts'
import { constructorToken } from './webidl.ts'

/** What carries the messages of a channel. */
export interface ChannelCarrier {
  /** The largest message, in bytes; Infinity if there is no limit. */
  maxMessageSize(): number
  /** The most bytes that a channel buffers. */
  maxBufferSize(): number
  /** Takes a message, and copies it. */
  transmit(channel: DataChannel, isText: boolean, data: Uint8Array): void
  /** The application has closed the channel. */
  close(channel: DataChannel): void
  /** No message waits in the channel any more. */
  drained(channel: DataChannel): void
  /** A message cannot be sent. */
  fail(channel: DataChannel, message: string): void
  /** Channels that have entered, and that have left, the state `open`. */
  readonly counters: { opened: number; closed: number }
}

/** A message that waits for a Blob: for its own content, or for that of one before it. */
interface PendingMessage {
  readonly isText: boolean
  data: Uint8Array | undefined
}

/** RFC 8831 §6.4 as SCTP has it: the way in which each message of a channel is sent. */
export interface Delivery {
  readonly ordered: boolean
  readonly maxRetransmits?: number
  readonly maxPacketLifeTimeMs?: number
}

// A byte order mark is a character like others: what the peer sent is what the application gets.
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })

/** A channel as the controller has it: the internal slots of an {@link RTCDataChannel}, and the steps on them. */
export class DataChannel implements DataChannelSlots {
  readonly object: RTCDataChannel
  readonly parameters: ChannelParameters
  id: number | null
  bufferedAmountLowThreshold = 0
  binaryType: BinaryType = 'arraybuffer'
  messagesSent = 0
  bytesSent = 0
  messagesReceived = 0
  bytesReceived = 0
  /** Bytes on the stream that are no data of the application, such as the stand-in for an empty message. */
  overhead = 0
  /** Whether the peer is known to have this channel: it has sent something on it. */
  isConfirmed: boolean
  readonly #carrier: ChannelCarrier
  readonly #delivery: Delivery
  readonly #pending = new Queue<PendingMessage>()
  #state: RTCDataChannelState = 'connecting'
  #bufferedAmount = 0

  constructor(carrier: ChannelCarrier, parameters: ChannelParameters, id: number | null, isConfirmed: boolean) {
    this.#carrier = carrier
    this.#delivery = toDelivery(parameters)
    this.parameters = parameters
    this.id = id
    this.isConfirmed = isConfirmed
    this.object = new RTCDataChannel(constructorToken, this)
  }

  get state(): RTCDataChannelState {
    return this.#state
  }

  get bufferedAmount(): number {
    return this.#bufferedAmount
  }

  /** Whether messages wait for a Blob to be read. */
  get hasPending(): boolean {
    return this.#pending.length > 0
  }

  get delivery(): Delivery {
    // RFC 8832 §6: until something was received, all is sent in order, behind the DATA_CHANNEL_OPEN
    return this.isConfirmed || this.#delivery.ordered ? this.#delivery : { ...this.#delivery, ordered: true }
  }

  /** webrtc-pc §6.2, send() */
  send(message: string | Uint8Array | Blob): void {
    // webrtc-pc §6.2 send, step 3
    if (this.#state !== 'open') throw new DOMException(`the data channel is ${this.#state}`, 'InvalidStateError')
    if (typeof message === 'string') this.#sendBytes(true, Buffer.from(message, 'utf8'))
    else if (message instanceof Uint8Array) this.#sendBytes(false, message)
    else this.#sendBlob(message)
  }

  /** webrtc-pc §6.2, close() */
  close(): void {
    // webrtc-pc §6.2 close, step 2
    if (this.#state === 'closing' || this.#state === 'closed') return
    this.#setState('closing')
    this.#carrier.close(this)
  }

  /** webrtc-pc §6.2.3, step 8: a channel of the peer is open before its `open` event. */
  openSilently(): void {
    this.#setState('open')
  }

  /** webrtc-pc §6.2.2: announces the channel as open. */
  open(): void {
    // webrtc-pc §6.2.2, step 3
    if (this.#state === 'closing' || this.#state === 'closed') return
    this.#setState('open')
    this.#fire('open')
  }

  /** webrtc-pc §6.2.8: takes a message from the peer, and its bytes. */
  receive(isText: boolean, data: Uint8Array): void {
    // webrtc-pc §6.2.8, step 3
    if (this.#state !== 'open') return
    this.messagesReceived++
    this.bytesReceived += data.length
    const content = isText ? utf8.decode(data) : this.binaryType === 'blob' ? new Blob([data]) : toArrayBuffer(data)
    this.object.dispatchEvent(new MessageEvent('message', { data: content }))
  }

  /** webrtc-pc §6.2, bufferedAmount: so many bytes have left the buffer. */
  sent(bytes: number): void {
    const overhead = Math.min(bytes, this.overhead)
    const before = this.#bufferedAmount
    this.overhead -= overhead
    this.#bufferedAmount = Math.max(0, before - (bytes - overhead))
    const threshold = this.bufferedAmountLowThreshold
    if (before > threshold && this.#bufferedAmount <= threshold) this.#fire('bufferedamountlow')
  }

  /** webrtc-pc §6.2.4, step 4: the closing procedure begins, and not because the application asked for it. */
  startClosing(): void {
    if (this.#state === 'closing' || this.#state === 'closed') return
    this.#setState('closing')
    this.#fire('closing')
  }

  /** webrtc-pc §6.2.5: announces the channel as closed; §6.2.7 does the same for one that never was. */
  closed(error?: Event): void {
    // webrtc-pc §6.2.5, step 2
    if (this.#state === 'closed') return
    this.closeSilently()
    if (error !== undefined) this.object.dispatchEvent(error)
    this.#fire('close')
  }

  /** webrtc-pc §4.4.2 close, step 5: the connection was closed. */
  closeSilently(): void {
    this.#setState('closed')
    this.dropPending()
  }

  /** Gives up messages that wait for a Blob. */
  dropPending(): void {
    this.#pending.clear()
  }

  #sendBytes(isText: boolean, data: Uint8Array): void {
    this.#checkSize(data.length)
    if (this.#pending.length === 0) this.#carrier.transmit(this, isText, data)
    else this.#pending.push({ isText, data: new Uint8Array(data) })
    this.#count(data.length)
  }

  /** webrtc-pc §6.2 send, step 4: a Blob is read later, but keeps its place in the order. */
  #sendBlob(blob: Blob): void {
    this.#checkSize(blob.size)
    const message: PendingMessage = { isText: false, data: undefined }
    this.#pending.push(message)
    this.#count(blob.size)
    blob.arrayBuffer().then(
      content => {
        message.data = new Uint8Array(content)
        this.#transmitPending()
      },
      () => this.#carrier.fail(this, 'a Blob that was to be sent cannot be read'),
    )
  }

  #transmitPending(): void {
    for (let next = this.#pending.peek(); next?.data !== undefined; next = this.#pending.peek()) {
      this.#pending.shift()
      this.#carrier.transmit(this, next.isText, next.data)
    }
    if (this.#pending.length === 0) this.#carrier.drained(this)
  }

  #checkSize(size: number): void {
    // webrtc-pc §6.2 send, step 5
    if (size > this.#carrier.maxMessageSize()) {
      throw new TypeError(`a message of ${size} bytes is larger than the peer takes: ${this.#carrier.maxMessageSize()}`)
    }
    // webrtc-pc §6.2 send, step 6
    if (this.#bufferedAmount + size > this.#carrier.maxBufferSize()) {
      throw new DOMException(`the send buffer has no room for ${size} bytes`, 'OperationError')
    }
  }

  #count(size: number): void {
    // webrtc-pc §6.2 send, step 8
    this.#bufferedAmount += size
    this.messagesSent++
    this.bytesSent += size
  }

  #setState(state: RTCDataChannelState): void {
    if (state === this.#state) return
    if (state === 'open') this.#carrier.counters.opened++
    else if (this.#state === 'open') this.#carrier.counters.closed++
    this.#state = state
  }

  #fire(type: string): void {
    this.object.dispatchEvent(new Event(type))
  }
}

function toDelivery({ ordered, maxRetransmits, maxPacketLifeTime }: ChannelParameters): Delivery {
  if (maxRetransmits !== null) return { ordered, maxRetransmits }
  if (maxPacketLifeTime !== null) return { ordered, maxPacketLifeTimeMs: maxPacketLifeTime }
  return { ordered }
}

/** The bytes as an ArrayBuffer of their own; the one they are in, if they fill it. */
function toArrayBuffer(data: Uint8Array): ArrayBuffer {
  const { buffer } = data
  if (buffer instanceof ArrayBuffer && data.byteLength === buffer.byteLength) return buffer
  return new Uint8Array(data).buffer
}
