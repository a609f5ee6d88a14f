import type { ReadableStream, WritableStream } from 'node:stream/web'
import type { MessagePort } from 'node:worker_threads'
import { assertNever } from '../../base/errors.ts'
import {
  constructorToken,
  domString,
  type EventHandler,
  exposeInterface,
  getEventHandler,
  type HeldEventHandler,
  requireArguments,
  requireToken,
  setEventHandler,
  TypedEventTarget,
} from '../webidl.ts'
import type { RTCEncodedFrame } from './encoded-frames.ts'
import type { RequestFailure } from './frame-channel.ts'
import { FrameStreams } from './frame-streams.ts'
import type { Announcement, ToTransform, ToTransformer } from './messages.ts'

/** Requests of one transformer that wait at the same time: those beyond are refused. */
export const maxPendingRequests = 64

interface TransformerEvents {
  keyframerequest: KeyFrameRequestEvent
}

/** RFC 8851 §10, rid-id */
const ridGrammar = /^[0-9A-Za-z_-]+$/

interface PendingRequest {
  readonly resolve: () => void
  readonly reject: (reason: DOMException) => void
}

/** The worker's half of a transform: webrtc-encoded-transform §4.6. */
export class RTCRtpScriptTransformer extends TypedEventTarget<TransformerEvents> {
  static {
    exposeInterface(RTCRtpScriptTransformer, 'RTCRtpScriptTransformer', {
      constructorLength: 0,
      implementedBy: value => #port in value,
    })
  }

  readonly #port: MessagePort
  readonly #options: unknown
  readonly #streams: FrameStreams
  readonly #requests = new Map<number, PendingRequest>()
  #lastRequest = 0
  #connected = true

  /** Only for the library itself. */
  constructor(token: typeof constructorToken, { port, options }: Announcement) {
    requireToken(token)
    super()
    this.#port = port
    this.#options = options
    this.#streams = new FrameStreams({
      taken: () => this.#post({ kind: 'taken' }),
      written: (counter, data) => this.#written(counter, data),
      refused: reason => this.#post({ kind: 'refused', reason }),
      ended: side => this.#post({ kind: 'ended', side }),
    })
    port.on('message', (message: ToTransformer) => this.#receive(message))
    port.on('close', () => this.#close())
  }

  /** The frames, as they come from the encoder or the network; it ends when they go through this transform no longer. */
  get readable(): ReadableStream<RTCEncodedFrame> {
    return this.#streams.readable
  }

  /** Takes the same frames, changed or not, in the same order; it may be given fewer of them. */
  get writable(): WritableStream<RTCEncodedFrame> {
    return this.#streams.writable
  }

  /** What the RTCRtpScriptTransform was given. */
  get options(): unknown {
    return this.#options
  }

  /**
   * Has a keyframe encoded, of one layer or of all.
   *
   * @returns resolved just before the keyframe can be read. Rejected with a TypeError for what cannot be a RID, a
   *   `NotFoundError` if no such layer is sent, an `InvalidStateError` if this is not about video that is sent.
   */
  async generateKeyFrame(...[rid]: readonly [rid?: string]): Promise<undefined> {
    const request = this.#request.bind(this)
    const name = 'generateKeyFrame: argument 1'
    const layer = rid === undefined ? undefined : domString(rid, name)
    // webrtc-encoded-transform §4.10, the generate key frame algorithm, step 3
    if (layer !== undefined && !ridGrammar.test(layer)) throw new TypeError(`${name} is not a RID`)
    return request(id => ({ kind: 'generate', id, rid: layer }))
  }

  /**
   * Asks the sender of the frames for a keyframe, at a rate that it can bear.
   *
   * @returns rejected with an `InvalidStateError` if this is not about video that is received
   */
  async sendKeyFrameRequest(): Promise<undefined> {
    return this.#request(id => ({ kind: 'request', id }))
  }

  /** A receiver of what is sent asks for a keyframe; one is generated unless the event is cancelled. */
  get onkeyframerequest(): HeldEventHandler {
    return getEventHandler(this, 'keyframerequest')
  }

  set onkeyframerequest(handler: EventHandler<RTCRtpScriptTransformer, KeyFrameRequestEvent>) {
    setEventHandler(this, 'keyframerequest', handler)
  }

  #request(message: (id: number) => ToTransform): Promise<undefined> {
    if (!this.#connected)
      return Promise.reject(domError({ name: 'InvalidStateError', message: 'the transform has ended' }))
    if (this.#requests.size >= maxPendingRequests) {
      return Promise.reject(domError({ name: 'OperationError', message: `${maxPendingRequests} requests are pending` }))
    }
    const id = ++this.#lastRequest
    return new Promise((resolve, reject) => {
      this.#requests.set(id, { resolve: () => resolve(undefined), reject })
      this.#post(message(id))
    })
  }

  #written(counter: number, data: ArrayBuffer): void {
    // What was transferred before, elsewhere, is empty; it cannot be transferred once more.
    if (data.byteLength > 0) this.#post({ kind: 'written', counter, data }, [data])
    else this.#post({ kind: 'written', counter, data: new ArrayBuffer(0) })
  }

  #post(message: ToTransform, transfer: readonly ArrayBuffer[] = []): void {
    this.#port.postMessage(message, transfer)
  }

  #receive(message: ToTransformer): void {
    switch (message.kind) {
      case 'frame':
        this.#streams.push(message.frame, message.counter)
        break
      case 'keyframe-requested':
        this.#keyframeRequested(message.rid)
        break
      case 'settled':
        this.#settle(message.id, message.failure)
        break
      default:
        assertNever(message)
    }
  }

  /** webrtc-encoded-transform §4.9 */
  #keyframeRequested(rid: string | undefined): void {
    const event = new KeyFrameRequestEvent('keyframerequest', rid, constructorToken)
    this.dispatchEvent(event)
    // webrtc-encoded-transform §4.9, steps 3 and 4
    if (!event.defaultPrevented) this.#post({ kind: 'generate', id: undefined, rid })
  }

  #settle(id: number, failure: RequestFailure | undefined): void {
    const request = this.#requests.get(id)
    this.#requests.delete(id)
    if (failure === undefined) request?.resolve()
    else request?.reject(domError(failure))
  }

  #close(): void {
    this.#connected = false
    this.#streams.close()
    for (const id of this.#requests.keys()) {
      this.#settle(id, { name: 'InvalidStateError', message: 'the transform has ended' })
    }
  }
}

/** webrtc-encoded-transform §4.6: a transform was made whose frames are to go through this thread. */
export class RTCTransformEvent extends Event {
  static {
    exposeInterface(RTCTransformEvent, 'RTCTransformEvent', { constructorLength: 0 })
  }

  readonly #transformer: RTCRtpScriptTransformer

  /** Only for the library itself. */
  constructor(token: typeof constructorToken, transformer: RTCRtpScriptTransformer) {
    requireToken(token)
    super('rtctransform')
    this.#transformer = transformer
  }

  get transformer(): RTCRtpScriptTransformer {
    return this.#transformer
  }
}

/** webrtc-encoded-transform §4.6 */
export class KeyFrameRequestEvent extends Event {
  static {
    exposeInterface(KeyFrameRequestEvent, 'KeyFrameRequestEvent', { constructorLength: 1 })
  }

  readonly #rid: string | null

  /** @param token only for the library itself */
  constructor(type: string, rid?: string, token?: typeof constructorToken) {
    requireArguments(arguments.length, 1, 'KeyFrameRequestEvent constructor')
    const eventType = domString(type, 'KeyFrameRequestEvent constructor: argument 1')
    const layer = rid === undefined ? null : domString(rid, 'KeyFrameRequestEvent constructor: argument 2')
    // webrtc-encoded-transform §4.9, step 2: those that are fired can be cancelled
    super(eventType, { cancelable: token === constructorToken })
    this.#rid = layer
  }

  /** Null: the request is not for a specific layer. */
  get rid(): string | null {
    return this.#rid
  }
}

/** webrtc-encoded-transform §4.7, step 8: what happens on the worker's thread when a transform was made. */
export function createTransformEvent(announcement: Announcement): RTCTransformEvent {
  return new RTCTransformEvent(constructorToken, new RTCRtpScriptTransformer(constructorToken, announcement))
}

function domError({ name, message }: RequestFailure): DOMException {
  return new DOMException(message, name)
}
