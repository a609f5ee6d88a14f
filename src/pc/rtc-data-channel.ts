import conversions from 'webidl-conversions'
import type { RTCError } from './rtc-error.ts'
import {
  domString,
  type EventHandler,
  enforceRange,
  exposeInterface,
  getEventHandler,
  type HeldEventHandler,
  requireToken,
  setEventHandler,
  TypedEventTarget,
} from './webidl.ts'

/** webrtc-pc §6.2 */
export type RTCDataChannelState = 'connecting' | 'open' | 'closing' | 'closed'
/** webrtc-priority §3.1 */
export type RTCPriorityType = 'very-low' | 'low' | 'medium' | 'high'
export type BinaryType = 'arraybuffer' | 'blob'

/** The events of a channel, by type. */
export interface RTCDataChannelEventMap {
  open: Event
  /** `data` is a string, or else what `binaryType` says. */
  message: MessageEvent
  bufferedamountlow: Event
  error: Event & { readonly error: RTCError }
  closing: Event
  close: Event
}

type Handler<Type extends keyof RTCDataChannelEventMap> = EventHandler<RTCDataChannel, RTCDataChannelEventMap[Type]>

/** webrtc-pc §6.2: a channel for messages to and from the peer. */
export class RTCDataChannel extends TypedEventTarget<RTCDataChannelEventMap> {
  static {
    exposeInterface(RTCDataChannel, 'RTCDataChannel', { constructorLength: 0, implementedBy: value => #slots in value })
  }

  readonly #slots: DataChannelSlots

  /** @internal Not constructible by applications. */
  constructor(token: symbol, slots: DataChannelSlots) {
    requireToken(token)
    super()
    this.#slots = slots
  }

  get label(): string {
    return this.#slots.parameters.label
  }

  get ordered(): boolean {
    return this.#slots.parameters.ordered
  }

  /** For how many milliseconds a message is transmitted and retransmitted; null: no limit. */
  get maxPacketLifeTime(): number | null {
    return this.#slots.parameters.maxPacketLifeTime
  }

  /** How often a message is retransmitted; null: no limit. */
  get maxRetransmits(): number | null {
    return this.#slots.parameters.maxRetransmits
  }

  get protocol(): string {
    return this.#slots.parameters.protocol
  }

  /** Whether the application agreed with the peer on this channel by other means. */
  get negotiated(): boolean {
    return this.#slots.parameters.negotiated
  }

  /** webrtc-priority §5 */
  get priority(): RTCPriorityType {
    return this.#slots.parameters.priority
  }

  /** The number of the SCTP stream; null until one was chosen. */
  get id(): number | null {
    return this.#slots.id
  }

  get readyState(): RTCDataChannelState {
    return this.#slots.state
  }

  /** Bytes given to {@link send} that have not been sent to the peer yet. It stays as it is when the channel closes. */
  get bufferedAmount(): number {
    return this.#slots.bufferedAmount
  }

  /** `bufferedamountlow` is fired when {@link bufferedAmount} falls to this number of bytes. */
  get bufferedAmountLowThreshold(): number {
    return this.#slots.bufferedAmountLowThreshold
  }

  set bufferedAmountLowThreshold(value: number) {
    const context = 'RTCDataChannel.bufferedAmountLowThreshold'
    this.#slots.bufferedAmountLowThreshold = enforceRange.unsignedLong(value, context)
  }

  /** What binary messages are delivered as. */
  get binaryType(): BinaryType {
    return this.#slots.binaryType
  }

  set binaryType(value: BinaryType) {
    const slots = this.#slots
    const text = domString(value, 'RTCDataChannel.binaryType')
    // WebIDL: an attribute ignores what is not a value of its enumeration
    if (text === 'arraybuffer' || text === 'blob') slots.binaryType = text
  }

  /**
   * Queues a message. What it holds may be changed as soon as this returns.
   *
   * @throws {TypeError} if it is larger than the peer takes, or no string, Blob, ArrayBuffer or view of one
   * @throws {DOMException} InvalidStateError unless the channel is open; OperationError if too much is buffered
   */
  send(data: string | Blob | ArrayBuffer | ArrayBufferView): void {
    this.#slots.send(toMessage(data))
  }

  /** Closes the channel, on both sides, when everything that was sent has arrived. */
  close(): void {
    this.#slots.close()
  }

  get onopen(): HeldEventHandler {
    return getEventHandler(this, 'open')
  }

  set onopen(handler: Handler<'open'>) {
    setEventHandler(this, 'open', handler)
  }

  get onmessage(): HeldEventHandler {
    return getEventHandler(this, 'message')
  }

  set onmessage(handler: Handler<'message'>) {
    setEventHandler(this, 'message', handler)
  }

  get onbufferedamountlow(): HeldEventHandler {
    return getEventHandler(this, 'bufferedamountlow')
  }

  set onbufferedamountlow(handler: Handler<'bufferedamountlow'>) {
    setEventHandler(this, 'bufferedamountlow', handler)
  }

  get onerror(): HeldEventHandler {
    return getEventHandler(this, 'error')
  }

  set onerror(handler: Handler<'error'>) {
    setEventHandler(this, 'error', handler)
  }

  get onclosing(): HeldEventHandler {
    return getEventHandler(this, 'closing')
  }

  set onclosing(handler: Handler<'closing'>) {
    setEventHandler(this, 'closing', handler)
  }

  get onclose(): HeldEventHandler {
    return getEventHandler(this, 'close')
  }

  set onclose(handler: Handler<'close'>) {
    setEventHandler(this, 'close', handler)
  }
}

/** What was agreed on a channel when it was created, and never changes. */
export interface ChannelParameters {
  readonly label: string
  readonly protocol: string
  readonly ordered: boolean
  readonly maxPacketLifeTime: number | null
  readonly maxRetransmits: number | null
  readonly negotiated: boolean
  readonly priority: RTCPriorityType
}

/** The internal slots of a channel, and the steps of its two methods. */
export interface DataChannelSlots {
  readonly parameters: ChannelParameters
  readonly id: number | null
  readonly state: RTCDataChannelState
  readonly bufferedAmount: number
  bufferedAmountLowThreshold: number
  binaryType: BinaryType
  send(message: string | Uint8Array | Blob): void
  close(): void
}

/** webrtc-pc §6.2 send: the overloads. Text stays text; what is binary becomes a view of it. */
function toMessage(data: unknown): string | Uint8Array | Blob {
  if (typeof data === 'string') return data
  if (ArrayBuffer.isView(data) && isOrdinary(data.buffer) && data.byteLength > 0) return toBytes(data)
  if (data instanceof Blob) return data
  // webrtc-pc §6.2 send, step 4: anything else is a TypeError, null and undefined included
  return toBytes(conversions.BufferSource(data, { context: 'RTCDataChannel.send: the message' }))
}

function toBytes(source: ArrayBuffer | ArrayBufferView): Uint8Array {
  if (source instanceof Uint8Array) return source
  return ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source)
}

/** Whether a buffer is one that WebIDL accepts: not shared, and not resizable. The general check is 20 times slower. */
function isOrdinary(buffer: ArrayBufferLike): boolean {
  return buffer instanceof ArrayBuffer && (buffer as { resizable?: boolean }).resizable !== true
}
