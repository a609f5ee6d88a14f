import { MessageChannel, MessagePort, type TransferListItem, Worker } from 'node:worker_threads'
import { assertNever } from '../../base/errors.ts'
import {
  type Converter,
  dictionary,
  enumeration,
  exposeInterface,
  optional,
  requireArguments,
  required,
  sequence,
} from '../webidl.ts'
import type { SerializedEncodedFrame } from './encoded-frames.ts'
import type { FrameChannel, FrameChannelPeer, RequestFailure } from './frame-channel.ts'
import type { StreamSide } from './frame-streams.ts'
import { type ToTransform, type ToTransformer, toMessage } from './messages.ts'

/** A worker that has imported `icefloe/worker`; or a port, whose other end such a worker listens on. */
export type TransformWorker = Worker | MessagePort

/** webrtc-encoded-transform, WorkerAndParameters */
export interface WorkerAndParameters {
  worker: TransformWorker
  /** Packets of SFrame, which are not implemented. */
  type?: 'sframe'
}

const toWorker: Converter<TransformWorker> = (value, context) => {
  if (value instanceof Worker || value instanceof MessagePort) return value
  throw new TypeError(`${context} is not of type 'Worker'`)
}
const toParameters = dictionary('WorkerAndParameters', {
  type: optional(enumeration('RTCRtpScriptTransformType', ['sframe'])),
  worker: required(toWorker),
})
const toTransferList = sequence<TransferListItem>((value, context) => {
  if (typeof value === 'object' && value !== null) return value as TransferListItem
  throw new TypeError(`${context} is not an object`)
})

interface Slots {
  /** [[owner]] */
  owner: object | null
  readonly channel: FrameChannel
}

let slotsOf: (transform: RTCRtpScriptTransform) => Slots

/**
 * Frames of a sender or receiver go through a worker: webrtc-encoded-transform §4.6.
 *
 * There the event `rtctransform` fires: see `icefloe/worker`. Frames that the worker does not take in time, or at all, are
 * dropped; a worker that has ended takes none.
 */
export class RTCRtpScriptTransform {
  static {
    exposeInterface(RTCRtpScriptTransform, 'RTCRtpScriptTransform', {
      constructorLength: 1,
      implementedBy: value => #slots in value,
    })
    slotsOf = transform => transform.#slots
  }

  readonly #slots: Slots

  /**
   * @param worker a Worker of `node:worker_threads`; or a MessagePort, given to `listenForTransforms` at its other end
   * @param options cloned, becomes the `options` of the transformer
   * @param transfer what of the options is to be transferred
   * @throws {DOMException} `DataCloneError` for options that cannot be cloned; `NotSupportedError` for the type 'sframe'
   */
  constructor(worker: TransformWorker | WorkerAndParameters, options?: unknown, transfer: Iterable<object> = []) {
    const name = 'RTCRtpScriptTransform constructor'
    requireArguments(arguments.length, 1, name)
    const target = chooseWorker(worker, `${name}: argument 1`)
    const transferred = toTransferList(transfer, `${name}: argument 3`)
    const { port1, port2 } = new MessageChannel()
    const channel = new PortChannel(port1, isGone(target))
    // webrtc-encoded-transform §4.7, steps 5 to 8: in one message; the streams are made at its other end.
    try {
      target.postMessage(toMessage({ port: port2, options }), [port2, ...transferred])
    } catch (error) {
      channel.close()
      throw error
    }
    this.#slots = { owner: null, channel }
  }
}

/** [[owner]]: what the transform works for; null: nothing yet, and it never stops. */
export function transformOwner(transform: RTCRtpScriptTransform): object | null {
  return slotsOf(transform).owner
}

/** Sets [[owner]], once. The result is the way to the transformer. */
export function claimTransform(transform: RTCRtpScriptTransform, owner: object): FrameChannel {
  const slots = slotsOf(transform)
  slots.owner = owner
  return slots.channel
}

function chooseWorker(value: unknown, context: string): TransformWorker {
  if (value instanceof Worker || value instanceof MessagePort) return value
  const { type, worker } = toParameters(value, context)
  if (type === 'sframe') throw new DOMException('SFrame is not implemented', 'NotSupportedError')
  return worker
}

/** A worker that has ended takes no message, and its end is not told any more. */
function isGone(target: TransformWorker): boolean {
  return target instanceof Worker && target.threadId === -1
}

/** The way to a transform on another thread. */
class PortChannel implements FrameChannel {
  readonly #port: MessagePort
  #peer: FrameChannelPeer | undefined
  readonly #ended = new Set<StreamSide>()

  constructor(port: MessagePort, ended: boolean) {
    this.#port = port
    if (ended) this.#gone()
    port.on('message', (message: ToTransform) => this.#receive(message))
    // The other end is closed when its thread ends.
    port.on('close', () => this.#gone())
    // A message of the worker whose data cannot be had here.
    port.on('messageerror', () => this.#gone())
    // It is the connection that keeps the process going.
    port.unref()
  }

  connect(peer: FrameChannelPeer): void {
    this.#peer = peer
    for (const side of this.#ended) peer.ended(side)
  }

  send(frame: SerializedEncodedFrame, counter: number): void {
    this.#post({ kind: 'frame', counter, frame }, [frame.data])
  }

  keyframeRequested(rid: string | undefined): boolean {
    this.#post({ kind: 'keyframe-requested', rid })
    return true
  }

  settle(id: number, failure: RequestFailure | undefined): void {
    this.#post({ kind: 'settled', id, failure })
  }

  close(): void {
    this.#port.close()
  }

  #post(message: ToTransformer, transfer: readonly ArrayBuffer[] = []): void {
    this.#port.postMessage(message, transfer)
  }

  /** Nobody is at the other end. */
  #gone(): void {
    this.#end('readable')
    this.#end('writable')
  }

  #end(side: StreamSide): void {
    this.#ended.add(side)
    this.#peer?.ended(side)
  }

  #receive(message: ToTransform): void {
    const peer = this.#peer
    switch (message.kind) {
      case 'taken':
        peer?.taken()
        break
      case 'written':
        peer?.written(message.counter, message.data)
        break
      case 'refused':
        peer?.refused(message.reason)
        break
      case 'ended':
        this.#end(message.side)
        break
      case 'generate':
        this.#generate(message.id, message.rid)
        break
      case 'request':
        if (peer) peer.sendKeyFrameRequest(message.id)
        else this.#notAssociated(message.id)
        break
      default:
        assertNever(message)
    }
  }

  #generate(id: number | undefined, rid: string | undefined): void {
    if (this.#peer) this.#peer.generateKeyFrame(id, rid)
    else if (id !== undefined) this.#notAssociated(id)
  }

  #notAssociated(id: number): void {
    this.settle(id, { name: 'InvalidStateError', message: 'the transform works for nothing yet' })
  }
}
