import { Queue } from '../base/queue.ts'
import { RTCDataChannel } from './rtc-data-channel.ts'
import { RTCError } from './rtc-error.ts'
import { RTCIceCandidate } from './rtc-ice-candidate.ts'
import {
  type Converter,
  dictionary,
  domString,
  eventInitMembers,
  exposeInterface,
  implementsInterface,
  instance,
  nullable,
  requireArguments,
  required,
  unsignedShort,
  usvString,
  withDefault,
} from './webidl.ts'

interface EventInit {
  bubbles?: boolean
  cancelable?: boolean
  composed?: boolean
}

type Converted<Init> = Converter<Required<Init>>

/** webrtc-pc §4.8.2 */
export interface RTCPeerConnectionIceEventInit extends EventInit {
  candidate?: RTCIceCandidate | null
  url?: string | null
}

const toIceEventInit: Converted<RTCPeerConnectionIceEventInit> = dictionary('RTCPeerConnectionIceEventInit', {
  ...eventInitMembers,
  candidate: withDefault(nullable(instance('RTCIceCandidate', isIceCandidate)), null),
  url: withDefault(nullable(usvString), null),
})

/** webrtc-pc §4.8.2: a candidate was gathered; one with empty text: a generation is complete; null: all are. */
export class RTCPeerConnectionIceEvent extends Event {
  static {
    exposeInterface(RTCPeerConnectionIceEvent, 'RTCPeerConnectionIceEvent')
  }

  readonly #init: Required<RTCPeerConnectionIceEventInit>

  constructor(type: string, eventInitDict: RTCPeerConnectionIceEventInit = {}) {
    requireArguments(arguments.length, 1, 'RTCPeerConnectionIceEvent constructor')
    const eventType = domString(type, 'RTCPeerConnectionIceEvent constructor: argument 1')
    const init = toIceEventInit(eventInitDict, 'RTCPeerConnectionIceEvent constructor: argument 2')
    super(eventType, init)
    this.#init = init
  }

  get candidate(): RTCIceCandidate | null {
    return this.#init.candidate
  }

  get url(): string | null {
    return this.#init.url
  }
}

/** webrtc-pc §4.8.3 */
export interface RTCPeerConnectionIceErrorEventInit extends EventInit {
  address?: string | null
  port?: number | null
  url?: string
  errorCode: number
  errorText?: string
}

const toIceErrorEventInit: Converted<RTCPeerConnectionIceErrorEventInit> = dictionary(
  'RTCPeerConnectionIceErrorEventInit',
  {
    ...eventInitMembers,
    address: withDefault(nullable(domString), null),
    errorCode: required(unsignedShort),
    errorText: withDefault(usvString, ''),
    port: withDefault(nullable(unsignedShort), null),
    url: withDefault(usvString, ''),
  },
)

/** webrtc-pc §4.8.3: a STUN or TURN server gave no candidate. */
export class RTCPeerConnectionIceErrorEvent extends Event {
  static {
    exposeInterface(RTCPeerConnectionIceErrorEvent, 'RTCPeerConnectionIceErrorEvent')
  }

  readonly #init: Required<RTCPeerConnectionIceErrorEventInit>

  constructor(type: string, eventInitDict: RTCPeerConnectionIceErrorEventInit) {
    const eventType = domString(type, 'RTCPeerConnectionIceErrorEvent constructor: argument 1')
    const init = toIceErrorEventInit(eventInitDict, 'RTCPeerConnectionIceErrorEvent constructor: argument 2')
    super(eventType, init)
    this.#init = init
  }

  get address(): string | null {
    return this.#init.address
  }

  get port(): number | null {
    return this.#init.port
  }

  get url(): string {
    return this.#init.url
  }

  /** A STUN error code, or 701 if the server could not be reached. */
  get errorCode(): number {
    return this.#init.errorCode
  }

  get errorText(): string {
    return this.#init.errorText
  }
}

/** webrtc-pc §6.3 */
export interface RTCDataChannelEventInit extends EventInit {
  channel: RTCDataChannel
}

const toDataChannelEventInit: Converted<RTCDataChannelEventInit> = dictionary('RTCDataChannelEventInit', {
  ...eventInitMembers,
  channel: required(instance('RTCDataChannel', isDataChannel)),
})

/** webrtc-pc §6.3: the peer has opened a channel. */
export class RTCDataChannelEvent extends Event {
  static {
    exposeInterface(RTCDataChannelEvent, 'RTCDataChannelEvent')
  }

  readonly #channel: RTCDataChannel

  constructor(type: string, eventInitDict: RTCDataChannelEventInit) {
    const eventType = domString(type, 'RTCDataChannelEvent constructor: argument 1')
    const init = toDataChannelEventInit(eventInitDict, 'RTCDataChannelEvent constructor: argument 2')
    super(eventType, init)
    this.#channel = init.channel
  }

  get channel(): RTCDataChannel {
    return this.#channel
  }
}

/** webrtc-pc §11.4 */
export interface RTCErrorEventInit extends EventInit {
  error: RTCError
}

const toErrorEventInit: Converted<RTCErrorEventInit> = dictionary('RTCErrorEventInit', {
  ...eventInitMembers,
  error: required(instance('RTCError', isRTCError)),
})

/** webrtc-pc §11.3 */
export class RTCErrorEvent extends Event {
  static {
    exposeInterface(RTCErrorEvent, 'RTCErrorEvent')
  }

  readonly #error: RTCError

  constructor(type: string, eventInitDict: RTCErrorEventInit) {
    const eventType = domString(type, 'RTCErrorEvent constructor: argument 1')
    const init = toErrorEventInit(eventInitDict, 'RTCErrorEvent constructor: argument 2')
    super(eventType, init)
    this.#error = init.error
  }

  get error(): RTCError {
    return this.#error
  }
}

/**
 * Fires an event.
 *
 * A listener that throws does not get here: Node reports its exception as uncaught once the listeners have run, as a
 * browser reports it to `window.onerror`.
 */
export function dispatch(target: EventTarget, event: Event): void {
  target.dispatchEvent(event)
}

/** What a task does to its argument. */
type Task<T> = (argument: T) => void

/**
 * Where "queue a task" queues it.
 *
 * Between two tasks all microtasks run, as the event loop of a browser has it: an application that awaits one event can
 * listen for the next before that fires, even where one packet brought both. A whole batch runs before the next packet
 * is read. That the order is right costs 0.3 us a task, and neither promise nor closure: a task is a function and its
 * argument.
 */
export class TaskQueue {
  readonly #functions = new Queue<Task<never>>()
  readonly #arguments = new Queue<unknown>()
  readonly #followUps = new Queue<() => void>()
  #scheduled = false

  /** Runs `task(argument)` after everything that is queued. */
  queue<T>(task: Task<T>, argument: T): void {
    this.#functions.push(task)
    this.#arguments.push(argument)
    this.#schedule()
  }

  /** Runs `task()` before everything that is queued, but after other follow-ups: for what a task itself brings about. */
  followUp(task: () => void): void {
    this.#followUps.push(task)
    this.#schedule()
  }

  /** Forgets what is queued. */
  clear(): void {
    this.#functions.clear()
    this.#arguments.clear()
    this.#followUps.clear()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    // Ticks run when no microtask is left, but one tick follows another at once: hence the microtask in between.
    queueMicrotask(this.#afterMicrotasks)
  }

  readonly #afterMicrotasks = (): void => process.nextTick(this.#run)

  readonly #run = (): void => {
    this.#scheduled = false
    const followUp = this.#followUps.shift()
    const task = followUp === undefined ? this.#functions.shift() : undefined
    const argument = task === undefined ? undefined : this.#arguments.shift()
    // The next one is on its way before this one can throw.
    if (this.#functions.length > 0 || this.#followUps.length > 0) this.#schedule()
    if (followUp !== undefined) followUp()
    else task?.(argument as never)
  }
}

function isIceCandidate(value: unknown): value is RTCIceCandidate {
  return implementsInterface(RTCIceCandidate, value)
}

function isDataChannel(value: unknown): value is RTCDataChannel {
  return implementsInterface(RTCDataChannel, value)
}

function isRTCError(value: unknown): value is RTCError {
  return implementsInterface(RTCError, value)
}
