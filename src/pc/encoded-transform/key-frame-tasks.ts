import type { RequestFailure } from './frame-channel.ts'

type Rid = string | undefined

interface KeyFrameTask {
  readonly id: number
  readonly layers: Set<Rid>
}

/** Promises of generateKeyFrame() that wait at the same time. */
export const maxKeyFrameTasks = 64

export interface KeyFrameTasksOptions {
  /** The RIDs of the layers that are sent, in order: active, and of a track that is live. */
  readonly activeLayers: () => readonly Rid[]
  /** Has the next frame of a layer encoded as a keyframe. */
  readonly requestKeyframe: (rid: Rid) => void
  readonly settle: (id: number, failure: RequestFailure | undefined) => void
}

/** [[pendingKeyFrameTasks]] of an encoder: webrtc-encoded-transform §4.10. */
export class KeyFrameTasks {
  readonly #options: KeyFrameTasksOptions
  readonly #tasks = new Set<KeyFrameTask>()

  constructor(options: KeyFrameTasksOptions) {
    this.#options = options
  }

  /** webrtc-encoded-transform §4.10, the generate key frame algorithm, step 4. @param id without one nobody waits */
  generate(id: number | undefined, rid: Rid): void {
    // webrtc-encoded-transform §4.10, steps 4.1 to 4.3
    const layers = this.#options.activeLayers().filter(layer => rid === undefined || layer === rid)
    // webrtc-encoded-transform §4.10, step 4.4
    if (layers.length === 0) {
      this.#fail(id, 'NotFoundError', 'no such layer is sent')
      return
    }
    if (id !== undefined && this.#tasks.size >= maxKeyFrameTasks) {
      this.#fail(id, 'OperationError', `${maxKeyFrameTasks} keyframes are waited for`)
      return
    }
    // webrtc-encoded-transform §4.10, step 4.5: a layer that is waited for is not asked again. Here it is, at a rate that
    // the source sees to, as a request may be lost on its way to an encoder elsewhere; and the promise waits for it too.
    if (id !== undefined) this.#tasks.add({ id, layers: new Set(layers) })
    for (const layer of layers) this.#options.requestKeyframe(layer)
  }

  /** A keyframe of a layer is about to be given to the application: webrtc-encoded-transform §4.10. */
  keyframe(rid: Rid): void {
    for (const task of this.#tasks) {
      if (!task.layers.delete(rid) || task.layers.size > 0) continue
      this.#tasks.delete(task)
      this.#options.settle(task.id, undefined)
    }
  }

  /** The transform does not work for the encoder any more. */
  close(): void {
    for (const { id } of this.#tasks) this.#fail(id, 'InvalidStateError', 'the transform was taken away')
    this.#tasks.clear()
  }

  #fail(id: number | undefined, name: RequestFailure['name'], message: string): void {
    if (id !== undefined) this.#options.settle(id, { name, message })
  }
}
