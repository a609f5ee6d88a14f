/** A worker that transforms frames as its transform's options say. */
import { parentPort, workerData } from 'node:worker_threads'
import {
  listenForTransforms,
  type RTCEncodedFrame,
  RTCEncodedVideoFrame,
  type RTCRtpScriptTransformer,
  transforms,
} from '../../../src/pc/encoded-transform/worker.ts'
import { codecNamed, xor } from './support.ts'

export type ProgramOptions =
  | { readonly mode: 'xor'; readonly codec: string }
  | { readonly mode: 'idle' | 'throw' | 'die' | 'report' | 'generate' | 'request' | 'prevent' | 'close-writable' }

type Change = (frame: RTCEncodedFrame) => void

const say = (message: unknown): void => parentPort?.postMessage(message)

function changing(change: Change): TransformStream<RTCEncodedFrame, RTCEncodedFrame> {
  return new TransformStream({
    transform: (frame, controller) => {
      change(frame)
      controller.enqueue(frame)
    },
  })
}

function changeOf(options: ProgramOptions): Change {
  if (options.mode === 'xor') {
    const codec = codecNamed(options.codec)
    return frame => xor(frame, codec)
  }
  if (options.mode === 'report') {
    return frame => {
      const isVideo = frame instanceof RTCEncodedVideoFrame
      say({
        isVideo,
        type: isVideo ? frame.type : undefined,
        bytes: frame.data.byteLength,
        metadata: frame.getMetadata(),
      })
    }
  }
  return () => {
    if (options.mode === 'throw') throw new Error('as it was asked to')
    if (options.mode === 'die') process.exit(0)
  }
}

function outcome(promise: Promise<unknown>): void {
  promise.then(
    () => say('resolved'),
    (error: unknown) => say((error as Error).name),
  )
}

function start(transformer: RTCRtpScriptTransformer): void {
  const options = (transformer.options ?? { mode: 'idle' }) as ProgramOptions
  say('ready')
  if (options.mode === 'idle') return
  if (options.mode === 'close-writable') outcome(transformer.writable.close())
  if (options.mode === 'generate') outcome(transformer.generateKeyFrame('h'))
  if (options.mode === 'request') outcome(transformer.sendKeyFrameRequest())
  transformer.onkeyframerequest = event => {
    if (options.mode === 'prevent') event.preventDefault()
    say(`keyframe ${event.rid}`)
  }
  const change = options.mode === 'generate' ? () => say('read') : changeOf(options)
  transformer.readable
    .pipeThrough(changing(change))
    .pipeTo(transformer.writable)
    .then(
      () => say('ended'),
      () => say('failed'),
    )
}

if (workerData === 'listener') transforms.addEventListener('rtctransform', ({ transformer }) => start(transformer))
else globalThis.onrtctransform = ({ transformer }) => start(transformer)
parentPort?.on('message', message => {
  if (message?.listen) listenForTransforms(message.listen)
  else say({ seen: message })
})
