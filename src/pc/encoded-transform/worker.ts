/**
 * `icefloe/worker`: what a worker imports to transform encoded frames, before anything that listens on its `parentPort`.
 *
 * It listens there for transforms; like every listener there, this keeps the worker going until it is terminated.
 * The promise of a pipe through a transform that fails is the application's to catch: Node ends a worker for one that is not.
 */
import { type MessagePort, parentPort } from 'node:worker_threads'
import { type EventHandler, getEventHandler, setEventHandler, TypedEventTarget } from '../webidl.ts'
import { fromMessage } from './messages.ts'
import { createTransformEvent, type RTCTransformEvent } from './script-transformer.ts'

export {
  deserializeEncodedFrame,
  type EncodedFrameType,
  RTCEncodedAudioFrame,
  type RTCEncodedAudioFrameMetadata,
  type RTCEncodedAudioFrameOptions,
  type RTCEncodedFrame,
  type RTCEncodedFrameMetadata,
  RTCEncodedVideoFrame,
  type RTCEncodedVideoFrameMetadata,
  type RTCEncodedVideoFrameOptions,
  type SerializedEncodedFrame,
  serializeEncodedFrame,
} from './encoded-frames.ts'
export { KeyFrameRequestEvent, RTCRtpScriptTransformer, RTCTransformEvent } from './script-transformer.ts'

interface WorkerEvents {
  rtctransform: RTCTransformEvent
}

type TransformHandler = EventHandler<TransformEventTarget, RTCTransformEvent>

/** Where `rtctransform` fires. It stands for the global scope, which is no EventTarget in a worker of Node. */
export interface TransformEventTarget extends TypedEventTarget<WorkerEvents> {}

/** Listen for `rtctransform` here, or set `globalThis.onrtctransform`. */
export const transforms: TransformEventTarget = new TypedEventTarget<WorkerEvents>()

/** Takes transforms that were made for the other end of a port, too. The port stays open until it is closed. */
export function listenForTransforms(port: MessagePort): void {
  port.addEventListener('message', event => {
    const announcement = fromMessage((event as unknown as { data: unknown }).data)
    if (announcement === undefined) return // No listener of the application is to see what is not for it.
    ;(event as unknown as Event).stopImmediatePropagation()
    transforms.dispatchEvent(createTransformEvent(announcement))
  })
  port.start()
}

declare global {
  /** webrtc-encoded-transform §4.6: in a worker that has imported `icefloe/worker`. */
  var onrtctransform: EventHandler<TransformEventTarget, RTCTransformEvent>
}

Object.defineProperty(globalThis, 'onrtctransform', {
  configurable: true,
  enumerable: true,
  get: (): TransformHandler => getEventHandler<NonNullable<TransformHandler>>(transforms, 'rtctransform'),
  set: (handler: TransformHandler) => setEventHandler(transforms, 'rtctransform', handler),
})
if (parentPort) listenForTransforms(parentPort)
